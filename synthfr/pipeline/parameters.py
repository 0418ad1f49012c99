"""A recipe's ``params.yaml``: read, checked, and the rounds' descent proved.

A section's model stands beside the code that it configures; here they come together. A recipe has
the sections that its file names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator

from synthfr.coding.error_analysis import Errors
from synthfr.coding.grid import Classify
from synthfr.coding.modes import Augment
from synthfr.coding.noise.settings import Noise
from synthfr.coding.saved import TrainCoder
from synthfr.corpora import Seed
from synthfr.disk import read_yaml
from synthfr.engines.engine_settings import Engines
from synthfr.errors import UserError
from synthfr.fidelity.settings import Fidelity
from synthfr.generation.candidates import Generate
from synthfr.generation.synthesis import Synthesize
from synthfr.judging.judgements import Judge
from synthfr.keywords.export import Keywords
from synthfr.models.adapters import BASE_STEP, FIRST_STEP
from synthfr.models.base import Base
from synthfr.pipeline.private_files import leads_to_private
from synthfr.preferences import Pair
from synthfr.privacy.linkage import Linkage
from synthfr.privacy.settings import Privacy
from synthfr.prompts import Prompt, is_file
from synthfr.scoring.scores import Score
from synthfr.scoring.similarity_judge import SimilarityJudge
from synthfr.section import Count, Name, Positive, Section
from synthfr.training.dpo import Dpo, Round
from synthfr.training.sft import Sft


class Runtime(Section):
    """Parameters `runtime`: see the comments in params.yaml."""

    threads: Count = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Tracking(Section):
    """Parameters `tracking`: see the comments in params.yaml."""

    experiment: Annotated[str, Field(min_length=1)] = "synth-fr"
    profile: Annotated[str, Field(min_length=1)] = "embedded"
    timeout_s: Positive = 10.0
    cells: bool = True


class Page(Section):
    """Parameters `page`: see the comments in params.yaml."""

    samples_per_step: Annotated[int, Field(ge=0)] = 3


# what a recipe has though its file does not name it
ALWAYS = frozenset({"random_seed", "runtime", "tracking", "rounds", "steps"})


class Params(Section):
    """The parameters of a recipe: those sections that its ``params.yaml`` names.

    To ask for a section that the file does not name is a UserError, so that a recipe cannot run a
    stage by values that nobody sees. What every recipe has (`ALWAYS`) may be left out.
    """

    random_seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    runtime: Runtime = Runtime()
    tracking: Tracking = Tracking()
    prompt: Prompt = Prompt()
    engines: Engines = Engines()
    seed: Seed = Seed()
    keywords: Keywords = Keywords()
    base: Base = Base()
    sft: Sft = Sft()
    generate: Generate = Generate()
    judge: Judge = Judge()
    similarity_judge: SimilarityJudge = SimilarityJudge()
    score: Score = Score()
    pair: Pair = Pair()
    linkage: Linkage = Linkage()
    dpo: Dpo = Dpo()
    synthesize: Synthesize = Synthesize()
    classify: Classify = Classify()
    train_coder: TrainCoder = TrainCoder()
    augment: Augment = Augment()
    noise: Noise = Noise()
    errors: Errors = Errors()
    privacy: Privacy = Privacy()
    fidelity: Fidelity = Fidelity()
    page: Page = Page()
    rounds: dict[Name, Round] = {}
    steps: list[Name] = [FIRST_STEP]

    renamed: ClassVar[Mapping[str, str]] = {"report": "page"}

    def model_post_init(self, context: Any, /) -> None:
        for name in type(self).model_fields.keys() - self.model_fields_set - ALWAYS:
            del self.__dict__[name]

    if not TYPE_CHECKING:  # the type checker shall know the fields, and no others

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise UserError(
                    f"params.yaml has no section '{name}', which is asked for here: add it "
                    f"(`{name}: {{}}` takes every default), or leave out what needs it."
                )
            return super().__getattr__(name)

    def has(self, *names: str) -> bool:
        """Whether the file names all of these sections."""
        return self.model_fields_set.issuperset(names)

    @model_validator(mode="after")
    def _judged_by_someone(self) -> Params:
        if not self.has("score", "judge"):
            return self
        if self.score.weights.judge > 0 and self.judge.kind == "none":
            raise ValueError(
                "score.weights.judge is above 0, but judge.kind is none: "
                "set the weight to 0, or configure a judge"
            )
        return self

    @model_validator(mode="after")
    def _similarity_judged_by_someone(self) -> Params:
        if not self.has("score", "similarity_judge"):
            return self
        if self.score.weights.similarity_judge > 0 and not self.similarity_judge.enabled:
            raise ValueError(
                "score.weights.similarity_judge is above 0, but similarity_judge.model is null: "
                "set the weight to 0, or name a model"
            )
        return self

    @model_validator(mode="after")
    def _noise_for_all_rounds(self) -> Params:
        if not self.has("score"):
            return self
        dp = self.score.dp
        if dp.epsilon is not None and dp.releases < len(self.rounds):
            raise ValueError(
                f"score.dp.releases ({dp.releases}) is below the number of rounds "
                f"({len(self.rounds)}), which together would spend more than score.dp.epsilon: "
                "raise it"
            )
        return self

    @model_validator(mode="after")
    def _enough_reports(self) -> Params:
        if not self.has("classify", "synthesize"):
            return self
        if (largest := max(self.classify.sizes)) > (reports := self.synthesize.reports):
            raise ValueError(
                f"classify.sizes asks for {largest} reports, synthesize.reports makes {reports}: "
                "lower the one or raise the other"
            )
        return self

    @model_validator(mode="after")
    def _folders_are_watched(self) -> Params:
        for where, settings in self._models():
            model, watch = settings.model, settings.watch
            if model and Path(model).is_dir() and Path(watch) != Path(model):
                raise ValueError(
                    f"{where}.model is a folder, and {where}.watch is '{watch}': name the folder "
                    "there too, so that DVC notices when it changes"
                )
        return self

    @model_validator(mode="after")
    def _imitated_sets_are_exported(self) -> Params:
        if not self.has("keywords", "synthesize"):
            return self
        if self.synthesize.code_sets == "imitated" and self.keywords.code_sets != "sets":
            raise ValueError(
                "synthesize.code_sets is imitated, but keywords.code_sets exports counts alone: "
                "set it to sets (whole code sets then leave the private side)"
            )
        return self

    @model_validator(mode="after")
    def _code_files_are_watched(self) -> Params:
        if not self.has("synthesize"):
            return self
        for name in ("code_list", "given"):
            file = getattr(self.synthesize, name)
            if file.path is None:
                continue
            where = f"synthesize.{name}"
            if self._on_the_private_side(Path(file.path)):
                raise ValueError(
                    f"{where}.path is on the private side, and synthesize may read nothing there: "
                    "name a file that may be shared"
                )
            if Path(file.watch) != Path(file.path):
                raise ValueError(
                    f"{where}.watch is '{file.watch}', not {where}.path: name the file there too, "
                    "so that DVC notices when it changes"
                )
        return self

    @model_validator(mode="after")
    def _template_is_public(self) -> Params:
        template = self.prompt.template if self.has("prompt") else ""
        if is_file(template) and self._on_the_private_side(Path(template)):
            raise ValueError(
                "prompt.template is on the private side, and every prompt repeats it: name a file "
                "that may be shared"
            )
        return self

    @model_validator(mode="after")
    def _trained_coder_is_public(self) -> Params:
        model = self.train_coder.model if self.has("train_coder") else None
        if model and self._on_the_private_side(Path(model)):
            raise ValueError(
                "train_coder.model is on the private side, and the coder that is made of it may be "
                "pushed: name a model that may be shared"
            )
        return self

    def _on_the_private_side(self, path: Path) -> bool:
        return leads_to_private(path, self.seed if self.has("seed") else None)

    def _models(self) -> Iterator[tuple[str, Any]]:
        """Where a model is named that may be a folder, and its settings."""
        if self.has("judge"):
            yield "judge", self.judge
        if self.has("similarity_judge"):
            yield "similarity_judge", self.similarity_judge
        if self.has("score"):
            where = "score.evaluator.sentence_transformers"
            yield where, self.score.evaluator.sentence_transformers
        if self.has("classify"):
            yield "classify.coder.encoder", self.classify.coder.encoder
            yield "classify.coder.plm_icd", self.classify.coder.plm_icd
        if self.has("train_coder"):
            yield "train_coder", self.train_coder
        if self.has("fidelity"):
            yield "fidelity.distances.encoder", self.fidelity.distances.encoder

    @model_validator(mode="after")
    def _rounds_descend(self) -> Params:
        check_rounds(self.rounds)
        wanted = [BASE_STEP, FIRST_STEP, *self.rounds]
        if self.steps not in (wanted, wanted[1:]):
            raise ValueError(
                f"steps: must be {BASE_STEP} (or not), {FIRST_STEP} and the rounds in their order: "
                f"[{', '.join(wanted)}]"
            )
        return self


def check_rounds(rounds: Mapping[str, Round]) -> None:
    """ValueError unless every round descends from the first step, by names that are free."""
    taken = {
        BASE_STEP: "the bare base",
        FIRST_STEP: "the step SFT makes",
        "coder": "the folder of the coders that are kept",
    }
    for name, round_ in rounds.items():
        where = f"rounds.{name}"
        if name in taken:
            raise ValueError(f"{where}: this name is that of {taken[name]}: rename the round")
        if round_.parent == BASE_STEP:
            raise ValueError(
                f"{where}.parent: no round starts from the bare base: "
                f"name {FIRST_STEP} or another round"
            )
        if round_.parent != FIRST_STEP and round_.parent not in rounds:
            near = difflib.get_close_matches(round_.parent, [FIRST_STEP, *rounds], n=1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            raise ValueError(
                f"{where}.parent: there is no step '{round_.parent}'{hint}: "
                f"name {FIRST_STEP} or another round"
            )
        seen, parent = [name], round_.parent
        while parent != FIRST_STEP and parent in rounds:
            if parent in seen:
                loop = " -> ".join([*seen, parent])
                raise ValueError(
                    f"{where}.parent: the rounds make a loop ({loop}): start one at {FIRST_STEP}"
                )
            seen.append(parent)
            parent = rounds[parent].parent


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
