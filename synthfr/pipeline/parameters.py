"""The whole of ``params.yaml``: read, checked, and the rounds' descent proved."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from synthfr.coding.grid import Classify
from synthfr.corpora import Seed
from synthfr.disk import read_yaml
from synthfr.engines.engine_settings import Engines
from synthfr.errors import UserError
from synthfr.fidelity.guard import Fidelity
from synthfr.generation.candidates import Generate
from synthfr.generation.synthesis import Synthesize
from synthfr.judging.judgements import Judge
from synthfr.keywords.export import Keywords
from synthfr.models.adapters import BASE_STEP, FIRST_STEP
from synthfr.models.base import Base
from synthfr.preferences import Pair
from synthfr.privacy.overlap import Privacy
from synthfr.prompts import Prompt
from synthfr.scoring.scores import Score
from synthfr.section import Count, Name, Positive, Section
from synthfr.training.dpo import Dpo, Round
from synthfr.training.sft import Sft


class Runtime(Section):
    threads: Count = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Tracking(Section):
    experiment: Annotated[str, Field(min_length=1)] = "synth-fr"
    profile: Annotated[str, Field(min_length=1)] = "embedded"
    timeout_s: Positive = 10.0


class Page(Section):
    samples_per_step: Annotated[int, Field(ge=0)] = 3


class Params(Section):
    """All of ``params.yaml``."""

    random_seed: Annotated[int, Field(ge=0, lt=2**31)]
    runtime: Runtime
    tracking: Tracking
    prompt: Prompt
    engines: Engines
    seed: Seed
    keywords: Keywords
    base: Base
    sft: Sft
    generate: Generate
    judge: Judge
    score: Score
    pair: Pair
    dpo: Dpo
    synthesize: Synthesize
    classify: Classify
    privacy: Privacy
    fidelity: Fidelity
    report: Page
    rounds: dict[Name, Round]
    steps: list[Name]

    @model_validator(mode="after")
    def _judged_by_someone(self) -> Params:
        if self.score.weights.judge > 0 and self.judge.kind == "none":
            raise ValueError(
                "score.weights.judge is above 0, but judge.kind is none: "
                "set the weight to 0, or configure a judge"
            )
        return self

    @model_validator(mode="after")
    def _enough_reports(self) -> Params:
        if (largest := max(self.classify.sizes)) > (reports := self.synthesize.reports):
            raise ValueError(
                f"classify.sizes asks for {largest} reports, synthesize.reports makes {reports}: "
                "lower the one or raise the other"
            )
        return self

    @model_validator(mode="after")
    def _rounds_descend(self) -> Params:
        taken = {BASE_STEP: "the bare base", FIRST_STEP: "the step SFT makes"}
        for name, one in self.rounds.items():
            if name in taken:
                raise ValueError(
                    f"rounds.{name}: this name is that of {taken[name]}: rename the round"
                )
            if one.parent == BASE_STEP:
                raise ValueError(
                    f"rounds.{name}.parent: no round starts from the bare base: "
                    f"name {FIRST_STEP} or another round"
                )
            if one.parent != FIRST_STEP and one.parent not in self.rounds:
                near = difflib.get_close_matches(one.parent, [FIRST_STEP, *self.rounds], n=1)
                hint = f" (did you mean '{near[0]}'?)" if near else ""
                raise ValueError(
                    f"rounds.{name}.parent: there is no step '{one.parent}'{hint}: "
                    f"name {FIRST_STEP} or another round"
                )
            seen, parent = [name], one.parent
            while parent != FIRST_STEP and parent in self.rounds:
                if parent in seen:
                    loop = " -> ".join([*seen, parent])
                    raise ValueError(
                        f"rounds.{name}.parent: the rounds make a loop ({loop}): "
                        f"start one at {FIRST_STEP}"
                    )
                seen.append(parent)
                parent = self.rounds[parent].parent
        wanted = [BASE_STEP, FIRST_STEP, *self.rounds]
        if self.steps not in (wanted, wanted[1:]):
            raise ValueError(
                f"steps: must be {BASE_STEP} (or not), {FIRST_STEP} and the rounds in their order: "
                f"[{', '.join(wanted)}]"
            )
        return self


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and check a parameter file (YAML 1.2, as DVC reads it); every mistake is a UserError."""
    return parse(read_yaml(path), str(path))


def parse(data: Any, where: str) -> Params:
    """Check parameters already in memory (a file with overlays merged in), named `where`."""
    try:
        return Params.model_validate(data)
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_context=False)
        location = ".".join(str(part) for part in first["loc"] if not _is_union_tag(part))
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        more = f" ({len(others)} more after this one)" if others else ""
        end = "" if (message + more).endswith("?") else "."
        raise UserError(
            f"{where}: {location + ': ' if location else ''}{message}{more}{end}"
        ) from None


def _is_union_tag(part: int | str) -> bool:
    # pydantic names the tried member of a union in the location, such as "list[str]"
    return isinstance(part, str) and ("[" in part or part in {"float", "constrained-float", "str"})
