"""What a dossier says, from the figures of the audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.privacy.outcome import Verdict
from synthfr.privacy.rows import Row, rows
from synthfr.privacy.verdicts import RISKS

HERE = Path(__file__).parent
FPR = 0.01


@dataclass(frozen=True)
class Facts:
    """What is known of a step.

    Attributes:
        figures: of its privacy audit (metrics/privacy), with a verdict.
        rounds: of the audits of what its rounds let out (metrics/linkage), by round.
        lineage: as `Origin.as_dict` has it, with ``reports_sha256``. What its rounds guarantee, and
            how their scores left, stands there.
    """

    step: str
    figures: Mapping[str, Any]
    lineage: Mapping[str, Any]
    rounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def languages() -> list[str]:
    """In which there is a dossier."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))


def render(facts: Facts, language: str) -> str:
    """The page, HTML. UserError for a language that there is none in."""
    if language not in languages():
        raise UserError(f"--language: no dossier in '{language}': {' or '.join(languages())}.")
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    words = read_yaml(HERE / f"{language}.yaml")
    of_step = rows(facts.figures, language, words["decimal"])
    rounds = [
        (name, rows(figures, language, words["decimal"]))
        for name, figures in facts.rounds.items()
        if figures.get("tests")
    ]
    of_rounds = [row for _, own in rounds for row in own]
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("dossier.html.j2").render(
        language=language,
        words=words,
        step=facts.step,
        verdict=_worst(of_step),
        verdict_of_rounds=_worst(of_rounds),
        by_risk=[[row for row in of_step if row.risk == number] for number in range(len(RISKS))],
        rounds=rounds,
        failed=[row for row in (*of_step, *of_rounds) if row.verdict == Verdict.FAIL],
        releases=[(one, words["releases"][way]) for one, way in facts.lineage["releases"].items()],
        guarantee=_guarantee(list(facts.lineage["guarantees"].values()), words),
        lineage=_lineage(facts.lineage, words["lineage_names"]),
    )


def _worst(rows: Sequence[Row]) -> int:
    """The verdict of several tests; of none: cannot tell."""
    return max((row.verdict for row in rows), default=int(Verdict.CANNOT_TELL))


def _guarantee(claims: Sequence[Mapping[str, Any]], words: Mapping[str, Any]) -> list[str]:
    from synthfr.dp.accounting import tpr_ceiling
    from synthfr.dp.claims import together

    whole = together(claims)
    if whole is None:
        return [words["no_guarantee"]]

    def told(value: float, form: str = ".3g") -> str:
        return f"{value:{form}}".replace(".", words["decimal"])

    ceiling = told(100 * tpr_ceiling(whole.mu, FPR)) + " %"
    said = words["guarantee_text"].format(
        epsilon=told(whole.epsilon), delta=told(whole.delta), ceiling=ceiling
    )
    spent = words["ledger_text"].format(spent=told(whole.spent))
    return [said, spent, words["not_covered"]]


def _lineage(lineage: Mapping[str, Any], names: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [
        (names["reports"], lineage["reports_sha256"]),
        (names["base"], lineage["base"]["digest"]),
        *((f"{names['adapter']} {one['step']}", one["digest"]) for one in lineage["adapters"]),
        *((names[name], digest) for name, digest in lineage["run"].items()),
    ]
