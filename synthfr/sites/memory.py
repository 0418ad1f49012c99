"""What a hospital keeps of the questions that it has answered, in a file beside its documents.

The first question sets the parameters that both sides agree on, and how many rounds or steps will
be asked about; a later one with another value or a further round is refused, so that a wall that
was agreed on is not lowered unseen. And a question about a round that was answered may be asked
again as it was, to the same answer, but no other one about that round: each answer to new
candidates would tell more of the same documents.

The file also has the number of the last entry in the ledger of noise that an answer was given with:
a ledger with fewer was put back from an older copy.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synthfr.disk import read_json, write_text
from synthfr.errors import UserError
from synthfr.sites.exchanges import Question, check_params
from synthfr.sites.leaves import leaves, within

_ITEMS = "rounds or steps"


class Memory:
    """The file at `path`, written with mode 600; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept: dict[str, Any] = read_json(path) if path.exists() else {}
        self._agreed: dict[str, Any] = kept.get("agreed", {})
        self._named: dict[str, list[str]] = kept.get("named", {})  # parameters, by exchange
        self._answered: dict[str, str] = kept.get("answered", {})
        self._items: dict[str, list[str]] = kept.get("items", {})  # rounds or steps, by exchange
        self.entries: int = kept.get("entries", 0)  # of the ledger, that answers were given with

    def new(self, question: Question) -> dict[str, Any]:
        """Parameters that no earlier question had, each value by its whole name, and the `rounds or
        steps` of such a question: a person should read them.
        """
        new = {
            name: value
            for name, value in leaves(question.params).items()
            if name not in self._agreed
        }
        if question.item is not None and question.exchange not in self._items:
            new[_ITEMS] = list(question.items)
        return new

    def check(self, question: Question) -> None:
        """Refuse a question with other parameters, about a further round or step, or another one
        about the same.
        """
        theirs = leaves(question.params)
        ours = {name: self._agreed.get(name, value) for name, value in theirs.items()}
        if within(theirs, self._agreed) or within(self._agreed, theirs):
            raise UserError(
                f"the question has a section of parameters where {self._path} has a value, or the "
                "other way round: ask for one with the parameters that were agreed on."
            )
        try:
            check_params(theirs, ours, "in the bundle", f"agreed on in {self._path}")
        except UserError as error:
            raise UserError(
                f"{error} If you agree to the new one, remove the old one from that file."
            ) from None
        named = self._named.get(question.exchange, [])
        if missing := [name for name in named if name not in theirs]:
            raise UserError(
                f"the question does not say what {missing[0]} is, which was agreed on in "
                f"{self._path}: ask for one that does."
            )
        agreed = self._items.get(question.exchange, question.items)
        if question.item is not None and question.item not in agreed:
            raise UserError(
                f"{question.name} is not among those that were agreed on ({', '.join(agreed)}): "
                f"each further answer tells more of the same documents: if you agree, add it in "
                f"{self._path}."
            )
        before = self._answered.get(question.name)
        if before is not None and before != question.digest():
            raise UserError(
                f"{question.name} was answered before, to another question (other candidates or "
                "texts): each further answer tells more of the same documents: if the loop was "
                f"begun anew and you agree, remove {question.name} from {self._path}."
            )

    def keep(self, question: Question, entry: int = 0) -> None:
        """Write down that `question` was answered, with that `entry` of the ledger (none: 0)."""
        params = leaves(question.params)
        self._agreed |= params
        self._named[question.exchange] = sorted(params)
        self._answered[question.name] = question.digest()
        if question.item is not None:
            self._items.setdefault(question.exchange, list(question.items))
        self.entries = max(self.entries, entry)
        kept = {
            "agreed": self._agreed,
            "named": self._named,
            "answered": self._answered,
            "items": self._items,
            "entries": self.entries,
        }
        text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False)
        write_text(self._path, text + "\n", private=True)
