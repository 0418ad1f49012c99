"""The data set of a step: reports written for code sets (`set_sources`: by default such as resemble
the private corpus').

Record i has the same codes and keywords at every step, so that steps are compared on the same
prompts; only the sampling seeds differ. A longer data set begins with the shorter one's records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from synthfr import prompts, seeding
from synthfr.corpora.code_files import CodeListFile, CodeSetFile
from synthfr.engines.chunks import complete
from synthfr.engines.engine_settings import Sampling
from synthfr.engines.protocol import Completion, Engine, Request
from synthfr.errors import UserError
from synthfr.generation.set_sources import open_source
from synthfr.icd10.names import names
from synthfr.section import Count, NonNegative
from synthfr.text.term_form import Form, names_written
from synthfr.text.tokens import words

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Synthesize(Sampling):
    """Parameters `synthesize`: see the comments in params.yaml."""

    reports: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    temperature: NonNegative = 0.9
    max_codes: Count = 5
    code_sets: Literal["cooccurrence", "imitated", "uniform", "given"] = "cooccurrence"
    code_list: CodeListFile = CodeListFile()
    given: CodeSetFile = CodeSetFile()
    max_keywords_per_code: Count = 1
    keyword_form: Form = "listed"

    @model_validator(mode="after")
    def _given_somewhere(self) -> Synthesize:
        if self.code_sets == "given" and self.given.path is None:
            raise ValueError(
                "code_sets is given, but given.path is null: name the file with your code sets"
            )
        return self


ATTEMPTS = 4  # a model may stop at once: such a report is asked for again, with another seed


@dataclass(frozen=True)
class Synthesis:
    """A step's reports (SYNTHETIC) and what to know about how they came to be."""

    reports: pd.DataFrame
    summary: dict[str, float]


@dataclass(frozen=True)
class Record:
    """What a synthetic report is asked for."""

    report_id: str
    codes: list[str]
    keywords: list[str]


@dataclass(frozen=True)
class Plan:
    """What to ask for in `step`: records by report id, and a request for each, without its seed."""

    step: str
    language: str
    random_seed: int
    records: dict[str, Record]
    requests: dict[str, Request]

    def attempt(self, number: int, names: Iterable[str] | None = None) -> list[Request]:
        """The requests of these reports (all) with the seeds of their attempt `number`."""
        seeds = partial(seeding.derive, self.random_seed, "report", self.step)
        return [
            replace(self.requests[name], seed=seeds(name, number))
            for name in (self.requests if names is None else names)
        ]


def plan(
    code_sets: pd.DataFrame,
    codes: pd.DataFrame,
    params: Synthesize,
    *,
    step: str,
    template: str,
    language: str,
    random_seed: int,
) -> Plan:
    """``params.reports`` records of `step`, by CODE_SETS (or files of the user's) and the synonyms
    in CODES.
    """
    import numpy as np

    planned = records(code_sets, codes, params, language, random_seed)
    requests = {
        record.report_id: Request(
            id=record.report_id,
            prompt=prompts.render(record.keywords, template, language),
            seed=0,  # set at each attempt
            temperature=float(np.float32(params.temperature)),
            top_p=float(np.float32(params.top_p)),
            top_k=params.top_k,
            max_new_tokens=params.max_new_tokens,
        )
        for record in planned
    }
    by_id = {record.report_id: record for record in planned}
    return Plan(step, language, random_seed, by_id, requests)


def synthesis(planned: Plan, engine: Engine, chunk_size: int, scratch: Path) -> Synthesis:
    """The reports of a plan. One that stays empty after several attempts is left out and counted.

    `scratch` keeps finished chunks of a run that is killed.
    """
    import pandas as pd

    requests = planned.requests
    written: dict[str, Completion] = {}
    wanted = list(requests)
    for attempt in range(ATTEMPTS):
        written |= complete(engine, planned.attempt(attempt, wanted), chunk_size, scratch)
        wanted = [name for name in wanted if not written[name].text.strip()]
        if not wanted:
            break
    kept = [name for name in requests if name not in set(wanted)]
    if not kept:
        raise UserError(
            f"The policy of {planned.step} wrote nothing but empty reports: it has collapsed, "
            "train it more gently."
        )
    reports = pd.DataFrame(
        {
            "report_id": kept,
            "text": [written[name].text for name in kept],
            "codes": [planned.records[name].codes for name in kept],
            "keywords": [planned.records[name].keywords for name in kept],
            "language": planned.language,
            "step": planned.step,
            "seed": [written[name].seed for name in kept],
            "prompt": [requests[name].prompt for name in kept],
        }
    )
    tokens = [written[name].n_tokens for name in kept]
    return Synthesis(
        reports,
        {
            "reports": len(kept),
            "left_out_empty": len(wanted),
            "tokens": sum(tokens),
            "tokens_per_report": sum(tokens) / len(tokens),
            "words_per_report": sum(len(words(text)) for text in reports["text"]) / len(reports),
            "codes_per_report": sum(map(len, reports["codes"])) / len(reports),
            "distinct_codes": len({code for row in reports["codes"] for code in row}),
            "distinct_share": float(reports["text"].nunique() / len(reports)),
            "cut_share": sum(written[n].finish_reason == "length" for n in kept) / len(kept),
        },
    )


def records(
    code_sets: pd.DataFrame,
    codes: pd.DataFrame,
    params: Synthesize,
    language: str,
    random_seed: int,
) -> list[Record]:
    """Codes and keywords of ``params.reports`` reports: each record's own draw."""
    listed = names(codes)
    source = open_source(params, code_sets, list(listed))
    if unknown := sorted(set(source.codes) - set(listed)):
        raise UserError(
            f"Code {unknown[0]} of the exported code sets is not in the code table: "
            "make both again with `dvc repro keywords`."
        )
    synonyms = names_written(listed, params.keyword_form, language)
    if unnamed := sorted(set(source.codes) - set(synonyms)):
        raise UserError(
            f"Code {unnamed[0]} has no name with a letter in it: give it one "
            "(seed.files.synonyms), or set synthesize.keyword_form to listed."
        )
    planned = []
    for index in range(params.reports):
        report_id = f"report-{index:06d}"
        generator = seeding.rng(random_seed, "code set", report_id)
        drawn = source.draw(index, generator)
        terms = _keywords(drawn, synonyms, params.max_keywords_per_code, generator)
        planned.append(Record(report_id, drawn, terms))
    return planned


def _keywords(
    codes: Sequence[str],
    synonyms: Mapping[str, Sequence[str]],
    most: int,
    generator: np.random.Generator,
) -> list[str]:
    """1 to `most` random synonyms of each code, as far as it has so many; every number is equally
    likely.
    """
    chosen: list[str] = []
    for code in codes:
        # two codes may share a synonym: say each thing once where the code has another name
        unsaid = [term for term in synonyms[code] if term not in chosen]
        several = most > 1 and len(unsaid) > 1
        number = int(generator.integers(1, min(most, len(unsaid)) + 1)) if several else 1
        left = unsaid or list(synonyms[code])
        for _ in range(number):
            chosen.append(left.pop(int(generator.integers(len(left)))))
    return chosen
