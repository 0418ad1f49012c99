"""README's tables of `docs/gpu.json`: ours, the peer, the ratio, and what the project aims at.

What was not measured says so; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthfr.errors import UserError
from synthfr.pipeline.gpu_record import CONTENDERS, FULL, Outcome, Record

HEAD = ("what", "ours", "peer", "ratio", "target")
NOT_MEASURED = "not measured"
_NONE = "none"  # there is no peer
Cells = list[str]


@dataclass(frozen=True)
class Row:
    """One measure of a block. `peers`: contender -> what a reader sees; `target`: of the ratio to
    the first one, or of our own figure where there is no peer.
    """

    block: str
    what: str
    measure: str
    peers: Mapping[str, str]
    target: float | None = None
    ratio: bool = True  # of rates; memory is shown side by side


TRL = {"TRL": "TRL's defaults, padded"}
_SFT_PEERS = {**TRL, "512 chunks": "padded chunks of 512", "ours packed": "ours, packed"}
_GENERATE = {"loop": "`generate`, report by report", "batched": "`generate`, batches of 200"}
_LOOPS = {"loop": "the original's loop", "loop by part": "the same, documents encoded twice"}
_DOCUMENTS = {"loop": "document by document"}
_SFT, _DPO = "SFT, Qwen3-4B's size, LoRA r 32", "DPO, the same"
_CODER = "encoder coder, ModernBERT-large's size"
_PLM_ICD = "PLM-ICD forward and backward, the same size"
ROWS = (
    Row("sft", f"{_SFT}: tokens/s, no padding counted", "tokens_per_s", _SFT_PEERS, 2.0),
    Row("sft", f"{_SFT}: MFU", "mfu", TRL, 0.4, ratio=False),
    Row("sft", f"{_SFT}: peak GiB", "peak_gib", TRL, ratio=False),
    Row("dpo", f"{_DPO}: tokens/s, reference included", "tokens_per_s", TRL, 1.5),
    Row("dpo", f"{_DPO}: MFU", "mfu", TRL, 0.4, ratio=False),
    Row("dpo", f"{_DPO}: peak GiB", "peak_gib", TRL, ratio=False),
    Row("transformers-0.6b", "transformers engine, 0.6B: tokens/s", "tokens_per_s", _GENERATE),
    Row("transformers-4b", "transformers engine, 4B: tokens/s", "tokens_per_s", _GENERATE),
    Row("vllm", "vLLM engine, 0.6B: tokens/s", "tokens_per_s", {"raw": "raw vLLM"}, 0.9),
    Row("scoring", "scoring, XLM-R-base's size: candidates/s", "texts_per_s", _LOOPS, 5.0),
    Row("coder", f"{_CODER}: reports/s", "reports_per_s", {}),
    Row("coder", f"{_CODER}: peak GiB", "peak_gib", {}),
    Row("plm-icd", f"{_PLM_ICD}: tokens/s", "tokens_per_s", _DOCUMENTS, 1.5),
    Row("plm-icd", f"{_PLM_ICD}: peak GiB", "peak_gib", _DOCUMENTS, ratio=False),
)


def tables(record: Record) -> list[tuple[str, list[Cells], str]]:
    """A title, rows below `HEAD` and a line of where they come from for each GPU; one table that
    says "not measured" where there is none. UserError: a figure of a size that does not count.
    """
    if not record:
        return [("", _rows({}), "")]
    for gpu, blocks in record.items():
        for name, outcome in blocks.items():
            if outcome.size != FULL:
                raise UserError(
                    f"The GPU figures of {name!r} on {gpu!r} are of size {outcome.size!r}, which "
                    f"shows nothing: measure it with `make gpu-check` at size {FULL!r}."
                )
    return [(gpu, _rows(blocks), _origin(blocks)) for gpu, blocks in record.items()]


def _rows(blocks: Mapping[str, Outcome]) -> list[Cells]:
    return [_tests(blocks.get("tests")), *(_row(row, blocks.get(row.block)) for row in ROWS)]


def _tests(outcome: Outcome | None) -> Cells:
    what, target = "tests marked gpu", "none fails"
    counts = outcome.figures.get("tests", {}) if outcome else {}
    order = CONTENDERS["tests"]["tests"]
    told = ", ".join(f"{int(counts[name])} {name}" for name in order if name in counts)
    return [what, told or _absent(outcome), _NONE, _NONE, target]


def _row(row: Row, outcome: Outcome | None) -> Cells:
    figures = outcome.figures if outcome else {}
    absent = _absent(outcome)
    ours = figures.get("ours", {}).get(row.measure)
    peers, ratios = [], []
    for contender, title in row.peers.items():
        theirs = figures.get(contender, {}).get(row.measure)
        peers.append(f"{title}: {absent if theirs is None else _shown(row.measure, theirs)}")
        ratios.append(absent if not (ours and theirs) else f"{ours / theirs:.2f}")
    return [
        row.what + _share(row, figures),
        absent if ours is None else _shown(row.measure, ours),
        "; ".join(dict.fromkeys(peers)) or _NONE,
        _NONE if not (row.ratio and peers) else "; ".join(ratios) if any(figures) else absent,
        _target(row),
    ]


def _share(row: Row, figures: Mapping[str, Mapping[str, float]]) -> str:
    """On how many documents each was measured, where a peer had fewer."""
    if row.block != "scoring" or not {"ours", "loop"} <= set(figures):
        return ""
    ours, theirs = (int(figures[name]["documents"]) for name in ("ours", "loop"))
    return f" ({ours} x 4; the loops: {theirs} x 4 of them)" if theirs != ours else ""


def _absent(outcome: Outcome | None) -> str:
    """What stands in place of a figure: a block ended before it was measured."""
    if outcome is None:
        return NOT_MEASURED
    if outcome.status == "timeout":
        return f"{NOT_MEASURED} (over {outcome.seconds / 60:.0f} min)"
    return f"{NOT_MEASURED} ({outcome.reason})"


def _target(row: Row) -> str:
    if row.target is None:
        return _NONE
    target = f"{row.target:.0%}".replace("%", " %") if row.measure == "mfu" else f"{row.target:g}"
    return f"at least {target}"


def _shown(measure: str, value: float) -> str:
    if measure == "mfu":
        return f"{value:.1%}".replace("%", " %")
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.1f}"


def _origin(blocks: Mapping[str, Outcome]) -> str:
    """What the figures of one GPU were measured with."""
    outcomes: Sequence[Outcome] = list(blocks.values())
    parts = {
        "driver": {one.driver for one in outcomes},
        "torch": {one.torch for one in outcomes},
        "commit": {one.commit[:7] for one in outcomes},
        "": {one.date for one in outcomes},
    }
    told = [f"{name} {' and '.join(sorted(values))}".strip() for name, values in parts.items()]
    return ", ".join(told) + "; weights and texts of seed 0."
