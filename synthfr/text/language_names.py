"""Which languages there are, and what they are called: all that most rooms need to know of one.

The rest of a language's file is for `language_resources` to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml
from synthfr.errors import UserError

FOLDER = Path(__file__).parent / "languages"


class LanguageFile(dict[str, Any]):
    """The keys of a language's file, or of a group in it. One that is missing is a UserError.

    Args:
        data: what the file or the group holds.
        path: of the file.
        group: name of the group with a dot behind it, as in ``"contexts."``.
    """

    def __init__(self, data: Mapping[str, Any], path: Path, group: str = "") -> None:
        super().__init__(data)
        self._path, self._group = path, group

    def __missing__(self, key: str) -> Any:
        raise self.wrong(key, "is missing: add it")

    def group(self, key: str) -> LanguageFile:
        """The keys below `key`."""
        value = self[key]
        if not isinstance(value, dict):
            raise self.wrong(key, "holds no keys of its own: write them")
        return LanguageFile(value, *self.place(key))

    def place(self, key: str) -> tuple[Path, str]:
        """The file, and the name of the group that `key` is: what the constructor takes."""
        return self._path, f"{self._group}{key}."

    def text(self, key: str) -> str:
        value = self[key]
        if not isinstance(value, str):
            raise self.wrong(key, "is no text: write it")
        return value

    def whole(self, key: str) -> int:
        """A whole number."""
        value = self[key]
        if not isinstance(value, int):
            raise self.wrong(key, "is no whole number: write it")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words or phrases."""
        value = self[key]
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.wrong(key, "is no list of words: write it in brackets, numbers quoted,")
        return tuple(value)

    def wrong(self, key: str, what: str) -> UserError:
        """The error of a key, to be raised; `what` ends in how to mend it."""
        return UserError(
            f"{self._path}: the key '{self._group}{key}' {what} as in "
            "synthfr/text/languages/en.yaml."
        )


@cache
def known_languages() -> tuple[str, ...]:
    """Codes of the languages that have a file, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def language_file(code: str) -> LanguageFile:
    """What stands in the file of a language.

    Raises:
        UserError: if there is no file for it.
    """
    if code not in known_languages():
        # not repeated: it may be a cell of a private table
        raise UserError(
            f"There are no resources for a language that is asked for (known: "
            f"{', '.join(known_languages())}): correct the language of the reports "
            "(seed.language), or add a file to synthfr/text/languages."
        )
    path = FOLDER / f"{code}.yaml"
    data = read_yaml(path)
    return LanguageFile(data if isinstance(data, dict) else {}, path)


def english_name(code: str) -> str:
    """``"sv"`` to ``"Swedish"``: what an English instruction calls the language."""
    return language_file(code).text("name")
