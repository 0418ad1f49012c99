"""The one exception that means: the user can mend this."""


class UserError(Exception):
    """A mistake in data, parameters or surroundings, in one sentence: what, where, how to mend.

    Stages print it as a single line and exit with status 1. It carries ids, never private text.
    """
