"""What is asked and answered, and what may stand in each: the closed forms of all exchanges.

Outward go texts that are public (candidates, prompts, step data sets, the public seed, codes), and
coders that were trained on a step's data set alone.
Back come ids that were asked about with numbers, and what `keywords` may disclose.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from synthfr import __version__, records
from synthfr.disk import digest
from synthfr.errors import UserError
from synthfr.records import Table
from synthfr.sites import bundle, coders, figures, tables
from synthfr.sites.leaves import leaves
from synthfr.sites.manifest import VERSION, Manifest, plain

if TYPE_CHECKING:
    import pandas as pd

Exchange = Literal["scores", "keywords", "evaluation"]

TERMS = Table(
    "training terms",
    pa.schema([("report_id", pa.string()), ("keywords", pa.list_(pa.string()))]),
    key=("report_id",),
    text=("report_id",),
    filled=("keywords",),
)
"""Of the training rows what keywords has made; their texts are outside already."""

# table -> its schema, and for some one of several; an answer lacks none
ASKED: Mapping[Exchange, Mapping[str, Table]] = {
    "scores": {
        "candidates": records.CANDIDATES,
        "prompts": records.PROMPTS,
        "judgements": records.JUDGEMENTS,
        "seed": records.REPORTS,
        "codes": records.CODES,
    },
    "keywords": {"seed": records.REPORTS, "codes": records.CODES},
    "evaluation": {
        "reports": records.SYNTHETIC,
        "code_sets": records.CODE_SETS,
        "codes": records.CODES,
        "seed": records.REPORTS,
    },
}
# tables that go along only where the answer follows from them
MAY_LACK: Mapping[Exchange, frozenset[str]] = {
    "scores": frozenset({"seed", "codes"}),
    "keywords": frozenset(),
    "evaluation": frozenset(),
}
# questions that may also have files of kept coders
_WITH_CODERS: frozenset[Exchange] = frozenset({"evaluation"})
ANSWERED: Mapping[Exchange, Mapping[str, tuple[Table, ...]]] = {
    "scores": {"released": (records.ORDERS, records.SCORES)},
    "keywords": {
        "terms": (TERMS,),
        "prompts": (records.PROMPTS,),
        "code_sets": (records.CODE_SETS,),
    },
    "evaluation": {},
}
# what an answer stands for: these stages' outputs; it has figures of no other
STAGES: Mapping[Exchange, tuple[str, ...]] = {
    "keywords": ("keywords",),
    "scores": ("score", "release"),
    "evaluation": ("classify", "privacy", "fidelity", "judge_coder"),
}


@dataclass(frozen=True)
class Question:
    """What outside asks: public tables, and the parameters that count, by their dotted names.

    `items`: all rounds or steps that outside will ask about. The answer does not follow from them.
    `coders`: files of a step's kept coders (`coders.packed`), to be judged as they are.
    """

    exchange: Exchange
    item: str | None  # round or step
    params: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    items: Sequence[str] = ()
    coders: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.exchange if self.item is None else f"{self.exchange}@{self.item}"

    def contents(self) -> dict[str, str]:
        return tables.contents(self.tables) | coders.contents(self.coders)

    def digest(self) -> str:
        """SHA-256 of all that the answer follows from, but for the private documents."""
        return digest([self.exchange, self.item, dict(self.params), self.contents(), __version__])


@dataclass(frozen=True)
class Answer:
    """What a hospital lets out: tables, numbers by stage, and its weight beside others."""

    tables: Mapping[str, pd.DataFrame]
    documents: int
    measures: Mapping[str, Any] = field(default_factory=dict)


def ask(question: Question, key: Path) -> bytes:
    """The question as a bundle."""
    forms = ASKED[question.exchange]
    encoded = {
        f"{name}{tables.SUFFIX}": tables.encoded(frame, forms[name])
        for name, frame in question.tables.items()
    }
    return bundle.pack(_manifest(question, "question"), encoded | dict(question.coders), key)


def read_question(data: bytes, exchange: Exchange, senders: Sequence[Path]) -> Question:
    """The question in a bundle.

    Raises:
        UserError: whatever is wrong with it, in one sentence.
    """
    opened = _opened(data, exchange, "question", senders)
    manifest, forms = opened.manifest, ASKED[exchange]
    leaves(manifest.params)
    carried = exchange in _WITH_CODERS
    kept = {name: data for name, data in opened.tables.items() if carried and coders.is_part(name)}
    parts = {name: data for name, data in opened.tables.items() if name not in kept}
    names = _names(parts)
    if unknown := [name for name in names if name not in forms]:
        raise UserError(
            f"the bundle has {len(unknown)} tables that a question about {exchange} does not have: "
            "do not use it, and ask its sender."
        )
    if missing := forms.keys() - set(names) - MAY_LACK[exchange]:
        raise UserError(
            f"the bundle has no table of {', '.join(sorted(missing))}, which a question about "
            f"{exchange} has: ask for it again."
        )
    frames = {
        name: tables.decoded(name, data, forms[name])
        for name, data in zip(names, parts.values(), strict=True)
    }
    return Question(exchange, manifest.item, manifest.params, frames, manifest.items, kept)


def reply(question: Question, answer: Answer, key: Path) -> bytes:
    """The answer to a question as a bundle. It repeats the question's parameters and the digests of
    its tables, so that it fits no other question.

    Raises:
        ValueError: a figure has no form in `figures`: a fault of the program, never of the user.
    """
    measures = plain(answer.measures)
    if unknown := figures.unknown(measures, STAGES[question.exchange]):
        raise ValueError(f"measures that may not leave: {', '.join(unknown[:3])}")
    encoded = {}
    for name, frame in answer.tables.items():
        table = records.kind_of(frame, *ANSWERED[question.exchange][name])
        encoded[f"{name}{tables.SUFFIX}"] = tables.encoded(frame, table)
    manifest = _manifest(question, "answer").model_copy(
        update={
            "asked": question.contents(),
            "documents": answer.documents,
            "measures": measures,
        }
    )
    return bundle.pack(Manifest.model_validate(manifest.model_dump()), encoded, key)


def read_answer(
    data: bytes, exchange: Exchange, senders: Sequence[Path]
) -> tuple[Answer, Manifest, Path]:
    """The answer in a bundle, its manifest and its sender's key; whether it fits the question,
    `check_asked` says.

    Raises:
        UserError: whatever is wrong with it, in one sentence.
    """
    opened = _opened(data, exchange, "answer", senders)
    manifest, forms = opened.manifest, ANSWERED[exchange]
    if sorted(_names(opened.tables)) != sorted(forms):
        raise UserError(
            f"the bundle has not exactly the tables of an answer about {exchange} "
            f"({', '.join(forms) or 'none'}): do not use it, and ask its sender."
        )
    frames = {name: tables.decoded(name, _table(opened, name), *forms[name]) for name in forms}
    if unknown := figures.unknown(manifest.measures, STAGES[exchange]):
        raise UserError(
            f"the bundle has {len(unknown)} figures that an answer about {exchange} does not have, "
            "or that are out of range: do not use it, and ask its sender."
        )
    if manifest.documents is None:
        raise UserError("the bundle does not say of how many documents it is: ask for it again.")
    return Answer(frames, manifest.documents, manifest.measures), manifest, opened.sender


def check_asked(manifest: Manifest, question: Question) -> None:
    """Refuse an answer to any other question than `question`: UserError says what differs."""
    if manifest.item != question.item:
        raise UserError(
            f"the answer is about {manifest.item}, not about {question.item}: name the bundle of "
            "that round or step."
        )
    check_params(manifest.params, question.params, "in the bundle", "in params.yaml")
    for name, now in question.contents().items():
        if manifest.asked.get(name) != now:
            raise UserError(
                f"the answer is to another question: its {name} are not those that lie here now: "
                "write the question again and have it answered anew, or bring back the former "
                f"{name}."
            )
    if manifest.asked.keys() - question.contents().keys():
        raise UserError(
            "the answer is to a question about more tables or coders: have it answered anew."
        )


def check_params(theirs: Mapping[str, Any], ours: Mapping[str, Any], there: str, here: str) -> None:
    """Refuse parameters that differ: UserError names the first one and both values."""
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in theirs or name not in ours or digest(theirs[name]) != digest(ours[name]):
            leaf, theirs_now, ours_now = _difference(name, theirs.get(name), ours.get(name))
            raise UserError(
                f"parameter {leaf} is {theirs_now!r} {there} and {ours_now!r} {here}: both sides "
                "must have agreed on one value."
            )


def _difference(name: str, one: Any, other: Any) -> tuple[str, Any, Any]:
    """The innermost part of a parameter section that differs."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted(one.keys() | other.keys()):
            if digest(one.get(key)) != digest(other.get(key)):
                return _difference(f"{name}.{key}", one.get(key), other.get(key))
    return name, one, other


def _manifest(question: Question, side: Literal["question", "answer"]) -> Manifest:
    return Manifest(
        version=VERSION,
        software=__version__,
        exchange=question.exchange,
        side=side,
        item=question.item,
        items=list(question.items) if side == "question" else [],
        params=dict(question.params),
        tables={},
    )


def _opened(data: bytes, exchange: Exchange, side: str, senders: Sequence[Path]) -> bundle.Bundle:
    opened = bundle.unpack(data, senders)
    told = opened.manifest
    if (told.exchange, told.side) != (exchange, side):
        raise UserError(
            f"the bundle is {_a(told.side)} about {told.exchange}, and {_a(side)} about {exchange} "
            "is wanted: name that one."
        )
    return opened


def _a(side: str) -> str:
    return "an answer" if side == "answer" else "a question"


def _names(parts: Collection[str]) -> list[str]:
    if not all(name.endswith(tables.SUFFIX) for name in parts):
        raise UserError(
            f"the bundle has parts that are no tables ({tables.SUFFIX}), nor files of coders where "
            f"they may be ({', '.join(coders.FILES)}): do not use it, and ask its sender."
        )
    return [name.removesuffix(tables.SUFFIX) for name in parts]


def _table(opened: bundle.Bundle, name: str) -> bytes:
    return opened.tables[f"{name}{tables.SUFFIX}"]
