"""What a bundle says of itself: which exchange it belongs to, and what stands in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError, field_validator

from synthfr import __version__
from synthfr.errors import UserError
from synthfr.section import Count, Name, Section

VERSION = 1  # of the form of bundles
# keys of measures: no blank, so that no sentence fits in
_KEY = re.compile(r"[A-Za-z0-9_.=/@+-]{1,80}")
_DEPTH = 20  # of mappings and lists; ours have half of it


class Manifest(Section):
    """Closed: a bundle with any other field is refused.

    version: of the form. software: version of this package. exchange, side, item: which question,
    or answer to it, of which round or step. items: of a question, all rounds or steps that will be
    asked about. params: those that count for the answer, by their
    dotted names. tables: file name to SHA-256 of its bytes, kept coders' files among them. asked:
    of an answer, digests of what the question's tables hold, by table, and of its coders
    together. documents: of an answer, its weight beside those of other
    hospitals. measures: of an answer, nested numbers by stage.
    """

    version: int
    software: str
    exchange: Literal["scores", "keywords", "evaluation"]
    side: Literal["question", "answer"]
    item: Name | None
    items: list[Name] = []
    params: dict[str, Any]
    tables: dict[str, str]
    asked: dict[str, str] = {}
    documents: Count | None = None
    measures: dict[str, Any] = {}

    @field_validator("measures")
    @classmethod
    def _numbers(cls, measures: dict[str, Any]) -> dict[str, Any]:
        if not _only_numbers(measures):
            raise ValueError("something else than finite numbers under short names")
        return measures

    def encoded(self) -> bytes:
        """Equal manifests give equal bytes."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, allow_nan=False
        ).encode()


def decoded(data: bytes) -> Manifest:
    """A manifest from its bytes; one of another form or version is a UserError."""
    try:
        found = json.loads(data)
        if _deeper_than(found, _DEPTH):
            raise RecursionError
        version = found.get("version") if isinstance(found, Mapping) else None
        if version != VERSION:
            raise UserError(
                f"the bundle has form {version if isinstance(version, int) else 'unknown'}, and "
                f"this program knows form {VERSION}: use the same version of Synth-FR on both "
                "sides."
            )
        manifest = Manifest.model_validate(found)
        if manifest.encoded() != data:  # a name twice, of which one is read
            raise UserError(
                "the bundle's manifest is not written as ours are: do not use it, and ask its "
                "sender."
            )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # names of unknown fields may be text: only ours are said
        where = next((str(part) for part in first["loc"] if part in Manifest.model_fields), "")
        raise UserError(
            f"the bundle's manifest is not in form{f' (field {where})' if where else ''}: it holds "
            "something that this exchange does not know: do not use it, and ask its sender."
        ) from None
    except (ValueError, RecursionError):
        raise UserError("the bundle's manifest is no JSON as ours is: ask for it again.") from None
    if manifest.software != __version__:
        raise UserError(
            f"the bundle was made by Synth-FR {_short(manifest.software)}, and this is "
            f"{__version__}: use the same version on both sides, else results differ."
        )
    return manifest


def _deeper_than(tree: Any, depth: int) -> bool:
    level = [tree]
    for _ in range(depth):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for parts in inner for one in parts if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def plain(tree: Any) -> Any:
    """Nested measures as JSON has them: numpy's numbers as Python's, what is not finite null."""
    if isinstance(tree, Mapping):
        return {str(key): plain(value) for key, value in tree.items()}
    number = tree.item() if hasattr(tree, "item") else tree
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _only_numbers(tree: Any) -> bool:
    """Nested mappings of short names to finite numbers or nulls."""
    if isinstance(tree, Mapping):
        return all(
            isinstance(key, str) and _KEY.fullmatch(key) and _only_numbers(value)
            for key, value in tree.items()
        )
    return tree is None or (type(tree) in (int, float) and math.isfinite(tree))


def _short(version: str) -> str:
    return version if re.fullmatch(r"[0-9A-Za-z.+]{1,30}", version) else "of another version"
