"""The exchange of evaluation: a step's data set and its kept coders go in, and figures alone come
back.

Inside, the figures are those of the stages `classify`, `privacy`, `fidelity` and `judge_coder`, by
the same functions; whether they stop a step (limits of `fidelity`) is decided outside. Figures
about a few texts would say whether a private report is among them, figures about labels of
somebody's choice who has them: so a question has many texts, and the code sets that this hospital
let out. What a coder does that was trained elsewhere cannot be told from its files: a hospital
judges one only if it agrees by name (`limits`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from synthfr import coding, fidelity
from synthfr.coding import saved
from synthfr.errors import UserError
from synthfr.icd10.names import names
from synthfr.privacy.examination import Examination, Private, examine
from synthfr.privacy.rewording import Reworder
from synthfr.sites import coder_checks, coders
from synthfr.sites.exchanges import STAGES, Answer, Question, check_asked
from synthfr.sites.leaves import leaves
from synthfr.sites.limits import SEEDS
from synthfr.sites.manifest import Manifest
from synthfr.sites.tables import contents

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify
    from synthfr.coding.saved import TrainCoder
    from synthfr.fidelity.compare import Comparison
    from synthfr.fidelity.settings import Distances, Fidelity
    from synthfr.privacy.settings import Privacy

FEWEST_TEXTS = 100
_FAITHFUL = "faithfulness"
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Settings:
    """The parameters that the figures follow from."""

    classify: Classify
    privacy: Privacy
    distances: Distances  # of `fidelity`
    min_documents: int  # of `keywords`: a count below it is not told
    source: str  # of the seed: faithfulness is told of the demo alone
    random_seed: int


def question(
    step: str,
    params: Mapping[str, Any],
    *,
    reports: pd.DataFrame,
    code_sets: pd.DataFrame,
    codes: pd.DataFrame,
    seed: pd.DataFrame,
    kept: Mapping[str, bytes] | None = None,
) -> Question:
    """About a step's data set (SYNTHETIC), whose coders' labels are those of CODE_SETS; the names
    of CODES reword what is planted to measure detection limits, and embeddings are learnt from the
    public `seed` (REPORTS) beside private reports. `kept`: coders that were trained outside on the
    data set (`coders.packed`).
    """
    tables = {"reports": reports, "code_sets": code_sets, "codes": codes, "seed": seed}
    return Question("evaluation", step, params, tables, coders=kept or {})


@dataclass(frozen=True)
class Evaluated:
    """`answer` leaves; `examined` holds pairs of reports to read, which stay inside. `notes`: what
    could not be measured, and why.
    """

    answer: Answer
    examined: Examination
    notes: Sequence[str] = ()


def check_asked_about(question: Question, let_out: pd.DataFrame) -> None:
    """Refuse, inside, a question about too few texts, or with other code sets than this hospital
    `let_out` (CODE_SETS). Texts that differ in numbers and signs alone are one.
    """
    texts = {tuple(_WORD.findall(text.casefold())) for text in question.tables["reports"]["text"]}
    if len(texts) < FEWEST_TEXTS:
        raise UserError(
            f"the question is about {len(texts)} different texts, and figures about fewer than "
            f"{FEWEST_TEXTS} may tell whether one of them is a private report: ask about a whole "
            "data set."
        )
    if contents({"": question.tables["code_sets"]}) != contents({"": let_out}):
        raise UserError(
            "the question's code sets are not those that this hospital let out: ask for one with "
            "them (of several hospitals: `synth-fr bundle step --site`)."
        )


def check_coders(
    question: Question, params: TrainCoder | None, classify: Classify, random_seed: int
) -> None:
    """Refuse, on both sides, kept coders that were not trained on the question's reports by these
    parameters, and coders whose seeds the question leaves to the defaults: what is not there nobody
    agrees to by name.
    """
    if not question.coders:
        return
    if params is None or SEEDS not in leaves(question.params):
        raise UserError(
            f"the question has kept coders and does not set {SEEDS}, which a hospital agrees to by "
            "its name: ask anew with it."
        )
    reports, code_sets = question.tables["reports"], question.tables["code_sets"]
    training = coder_checks.Training(reports, code_sets, params, classify, random_seed)
    coder_checks.check(question.coders, training)


def answer(
    question: Question,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    documents: int,
    settings: Settings,
    scratch: Path,
) -> Evaluated:
    """Measure the question's reports against the private ones (REPORTS); `scratch` is a folder for
    coders, which learn from the synthetic reports alone. Kept coders were checked.
    """
    reports, seed = question.tables["reports"], settings.random_seed
    coders.unpack(question.coders, scratch / "judge_coder")
    cells = coding.evaluate_grid(
        reports,
        holdout,
        settings.classify,
        coding.exported_space(question.tables["code_sets"]),
        seed,
        scratch,
        min_documents=settings.min_documents,
    )
    examined = examine(
        reports,
        Private(train, holdout, settings.min_documents),
        settings.privacy,
        Reworder(settings.privacy.rewording, names(question.tables["codes"]).values()),
        seed,
    )
    faithful = fidelity.measure(
        reports,
        holdout,
        train,
        question.tables["seed"],
        fidelity.Setup(settings.distances, settings.min_documents, settings.source, seed),
    )
    judged, _ = saved.judge(scratch / "judge_coder", holdout, settings.classify)
    measures = {
        "classify": coding.summarise(cells, settings.classify.decision_rule),
        "privacy": examined.as_dict(),
        "fidelity": faithful.figures,
        "judge_coder": coding.summarise(judged, settings.classify.decision_rule),
    }
    return Evaluated(Answer({}, documents, measures), examined, faithful.notes)


def check(answer: Answer, manifest: Manifest, now: Question) -> None:
    """Refuse an answer to another question than `now`, or without the figures of a stage."""
    check_asked(manifest, now)
    wanted = STAGES["evaluation"]
    if set(answer.measures) != set(wanted):
        raise UserError(
            f"the answer has not exactly the figures of {', '.join(wanted)}: do not use it, and "
            "ask its sender."
        )
    if bool(answer.measures["judge_coder"]) != bool(now.coders):
        raise UserError(
            f"the answer has {'no ' if now.coders else ''}figures of kept coders, and the question "
            f"had {'some' if now.coders else 'none'}: do not use it, and ask its sender."
        )


def measures(answers: Sequence[Answer], place: Path) -> Mapping[str, Any]:
    """The figures by stage, of the one answer that there may be (in `place`)."""
    if len(answers) > 1:
        raise UserError(
            f"{place} has the figures of {len(answers)} hospitals, and intervals and p values of "
            "several are not averaged: keep the answer of one there, and read the others' aside."
        )
    return answers[0].measures


def guard(step: str, measured: Mapping[str, Any], limits: Fidelity) -> None:
    """UserError where the step's figures of `fidelity` pass a limit, as the stage has it."""
    rest = {name: value for name, value in measured.items() if name != _FAITHFUL}
    fidelity.guard(step, cast("Comparison", rest), measured[_FAITHFUL], limits)
