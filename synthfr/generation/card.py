"""A step's data set as a folder: the reports, and a card that says what they are and are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr import front_matter, records
from synthfr.disk import atomic_dir, write_text
from synthfr.models import Lineage, licences, read_provenance
from synthfr.models.base_languages import TINY_KNOWS, cannot_write
from synthfr.models.published import told_adapter

if TYPE_CHECKING:
    from synthfr.generation.synthesis import Synthesis, Synthesize

REPORTS, CARD = "reports.parquet", "README.md"

# what a corpus from this source can show
_SOURCES = {
    "demo": "The corpora behind it are themselves machine-written from a small grammar: this data "
    "set shows that the machinery works and says nothing about clinical realism.",
    "files": "Measure its use, fidelity and privacy against the private corpus it imitates before "
    "relying on it.",
}
_SOURCES["hub"] = _SOURCES["files"]  # whose private side is the user's own
_COMPLETED = """
* Training: prompts of private documents were completed from gold codes: where no term found in a
  document's text named one of its codes, a random synonym of the code was added, so that prompts
  also name what the text does not."""

_LABELS = """\
The labels are those of the prompt, not of an expert who read the text. Adapters of later steps were
trained on preferences that come from scores against private reports: how much of these a report
repeats is measured by the stage `privacy`, not excluded.
"""

# by `synthesize.code_sets`
_CODE_SETS = {
    "cooccurrence": """\
* Codes: sets of at most {max_codes}, drawn from how often codes and pairs of codes occur in
  the private corpus; only counts over at least `keywords.min_documents` private documents are known
  on this side.""",
    "imitated": """\
* Codes: a principal code and some of those associated with it, at most {max_codes} together,
  sampled from whole code sets of the private corpus; only sets that documents of at least
  `keywords.min_documents` private patients have exactly are known on this side. A whole set says
  more about the patients who have it than counts of codes and pairs do.""",
    "uniform": """\
* Codes: 1 to {max_codes} of {listed}, every size and every code equally likely.
  Nothing of the private corpus went into them: how often codes occur here, and with which others,
  means nothing.""",
    "given": """\
* Codes: the sets of a file, in its order, each of at most {max_codes}. Nothing that the private
  side exports went into them: how often codes occur here, and with which others, is the file's.""",
}
_FROM_THE_CORPUS = ("cooccurrence", "imitated")
_NOTHING_HELD_BACK = " That number is 1 here: what a single patient has is known, too."


def save(
    made: Synthesis,
    params: Synthesize,
    folder: Path,
    *,
    step: str,
    language: str,
    template: str,
    source: str,
    base_dir: Path,
    lineage: Sequence[Lineage],
    completed_from_codes: bool,
    min_documents: int,
) -> None:
    """Write reports and card of `step` to `folder`, which appears whole or not at all.

    `lineage` is that of the policy's adapters on the base in `base_dir`; `completed_from_codes`
    is ``keywords.complete_from_codes``, under which the policy was trained, `min_documents` that of
    `keywords`; the rest: see `card`.
    """
    base = read_provenance(base_dir)
    unlearnt = cannot_write(base["source"], base_dir, language)
    if unlearnt is None and base["source"] == "tiny" and source != "demo":
        unlearnt = (
            f"{TINY_KNOWS[0].upper()}{TINY_KNOWS[1:]}: figures about its reports say nothing."
        )
    text = card(
        made,
        params,
        step=step,
        language=language,
        template=template,
        source=source,
        base=base,
        unlearnt=unlearnt,
        licence=licences.licence(base_dir, base),
        lineage=lineage,
        completed_from_codes=completed_from_codes,
        min_documents=min_documents,
    )
    with atomic_dir(folder) as partial:
        records.write_table(made.reports, partial / REPORTS, records.SYNTHETIC)
        write_text(partial / CARD, text)


def card(
    made: Synthesis,
    params: Synthesize,
    *,
    step: str,
    language: str,
    template: str,
    source: str,
    base: Mapping[str, Any],
    unlearnt: str | None,
    licence: Mapping[str, str],
    lineage: Sequence[Lineage],
    completed_from_codes: bool,
    min_documents: int,
) -> str:
    """Markdown with the front matter of a Hugging Face data set card.

    `base` is the base's provenance, `unlearnt` what it cannot write, `licence` see
    `models.licences`, `lineage` that of the policy's adapters, `source` of the seed.
    """
    name = base["repo_id"] or f"{base['source']} base"
    at = f" at `{base['revision']}`" if base["revision"] else ""
    at += "".join(f" with {told_adapter(one)} merged in" for one in base.get("adapters", []))
    chain = " -> ".join(f"`{one.step}`" for one in lineage)
    adapters = f"LoRA adapters merged in order: {chain}" if lineage else "no adapter, no SFT"
    completed = _COMPLETED if completed_from_codes and lineage else ""
    limit = f"{unlearnt}\n\n" if unlearnt else ""
    facts = made.summary
    head = front_matter.write(
        {
            "language": [language],
            "pretty_name": f"Synthetic clinical reports, step {step}",
            **licence,
            "size_categories": [front_matter.size_category(len(made.reports))],
            "task_categories": ["text-classification", "text-generation"],
            "tags": ["synthetic", "clinical", "icd-10"],
            "configs": [{"config_name": "default", "data_files": REPORTS}],
        }
    )
    return f"""{head}
# Synthetic clinical reports, step `{step}`

{facts["reports"]:,} invented reports with the ICD-10 codes they were asked to describe. No text in
it was written about a patient. {_SOURCES[source]} Not for clinical use.

| | |
|---|---|
| reports | {facts["reports"]:,} |
| distinct codes | {facts["distinct_codes"]} |
| codes a report, mean | {facts["codes_per_report"]:.2f} |
| words a report, mean | {facts["words_per_report"]:.1f} |
| distinct texts, share | {facts["distinct_share"]:.4f} |
| cut at the length limit, share | {facts["cut_share"]:.4f} |
| left out because empty | {facts["left_out_empty"]} |

## How it was made

{_code_sets(params, min_documents)}
* Keywords: {_names_of_codes(params)}. Prompt: template `{template}`. A `report_id` asks for
  the same keywords at every step.
* Policy: {name}{at} ({base["parameters"]:,} parameters, digest `{base["digest"][:12]}`),
  {adapters}.{completed}
* Sampling: temperature {params.temperature:g}, top-p {params.top_p:g}, top-k {params.top_k},
  at most {params.max_new_tokens} tokens; every report's own seed is in its row.

## Columns

`report_id`, `text`, `codes` (what was asked for: a report may leave one out or hint at another),
`keywords`, `language`, `step`, `seed`, `prompt`.

## Limits

{limit}{_LABELS}"""


def _code_sets(params: Synthesize, min_documents: int) -> str:
    """How the code sets came to be."""
    listed = "the codes of a list" if params.code_list.path else "all codes of the code table"
    text = _CODE_SETS[params.code_sets].format(max_codes=params.max_codes, listed=listed)
    held_back = params.code_sets not in _FROM_THE_CORPUS or min_documents > 1
    return text if held_back else text + _NOTHING_HELD_BACK


def _names_of_codes(params: Synthesize) -> str:
    most = params.max_keywords_per_code
    number = "one random synonym" if most == 1 else f"1 to {most} random synonyms"
    form = " in normal form" if params.keyword_form == "normalised" else ""
    return f"{number} of each code{form}"
