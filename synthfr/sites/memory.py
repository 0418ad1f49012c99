"""What a hospital keeps of the questions that it has answered, in a file beside its documents.

The first question sets the parameters that both sides agree on; a later one with another value is
refused, so that a wall that was agreed on is not lowered unseen. And a question about a round that
was answered may be asked again as it was, to the same answer, but no other one about that round:
each answer to new candidates would tell more of the same documents.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synthfr.disk import read_json, write_text
from synthfr.errors import UserError
from synthfr.sites.exchanges import Question, check_params


class Memory:
    """The file at `path`, written with mode 600; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept: dict[str, Any] = read_json(path) if path.exists() else {}
        self._agreed: dict[str, Any] = kept.get("agreed", {})
        self._named: dict[str, list[str]] = kept.get("named", {})  # parameters, by exchange
        self._answered: dict[str, str] = kept.get("answered", {})

    def new(self, question: Question) -> dict[str, Any]:
        """Parameters that no earlier question had: a person should read them."""
        return {name: value for name, value in question.params.items() if name not in self._agreed}

    def check(self, question: Question) -> None:
        """Refuse a question with other parameters, or another one about the same round or step."""
        ours = {name: self._agreed.get(name, value) for name, value in question.params.items()}
        try:
            check_params(question.params, ours, "in the bundle", f"agreed on in {self._path}")
        except UserError as error:
            raise UserError(
                f"{error} If you agree to the new one, remove the old one from that file."
            ) from None
        named = self._named.get(question.exchange, [])
        if missing := [name for name in named if name not in question.params]:
            raise UserError(
                f"the question does not say what {missing[0]} is, which was agreed on in "
                f"{self._path}: ask for one that does."
            )
        before = self._answered.get(question.name)
        if before is not None and before != question.digest():
            raise UserError(
                f"{question.name} was answered before, to another question (other candidates or "
                "texts): each further answer tells more of the same documents: if the loop was "
                f"begun anew and you agree, remove {question.name} from {self._path}."
            )

    def keep(self, question: Question) -> None:
        """Write down that `question` was answered."""
        self._agreed |= dict(question.params)
        self._named[question.exchange] = sorted(question.params)
        self._answered[question.name] = question.digest()
        kept = {"agreed": self._agreed, "named": self._named, "answered": self._answered}
        text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False)
        write_text(self._path, text + "\n", private=True)
