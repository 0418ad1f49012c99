"""Every path of a recipe, in one place: relative to its folder, where DVC runs the stages.

MLflow's store alone is not the recipe's: all of a checkout share it.
"""

from __future__ import annotations

import os
from pathlib import Path

PUBLIC = Path("data/public")
SEED = PUBLIC / "seed.parquet"
CODES = PUBLIC / "codes.parquet"
SFT_TABLE = PUBLIC / "sft.parquet"
PROMPTS = PUBLIC / "prompts.parquet"
CODE_SETS = PUBLIC / "code_sets.parquet"

PRIVATE = Path("data/private")
PRIVATE_TRAIN = PRIVATE / "train.parquet"
PRIVATE_HOLDOUT = PRIVATE / "holdout.parquet"
CANARIES = PRIVATE / "canaries.parquet"  # planted in the train reports, and those to compare with
KEYED = PRIVATE / "keyed.parquet"
ANSWERS = PRIVATE / "judged"  # what coders said of each holdout report
DECISIONS = (
    PRIVATE / "decisions.parquet"
)  # of coders trained on real reports, with and without noise
SECRET = PRIVATE / "secret.key"  # the hospital's; the ledger of what was spent lies beside it
FAILURES = PRIVATE / "failures"  # tracebacks that may quote private text

REFERENCES = ("public_seed", "private_train")  # real reports that coders are trained on, too
MIXED_PUBLIC = "mixed_public"  # and both together, in the place of private and synthetic ones
LET_OUT = PRIVATE / "let_out.parquet"  # code sets that a hospital told (public, but compared with)
SITE_MEMORY = PRIVATE / "site.json"  # what a hospital keeps of the questions that it answered
EXCHANGE = Path("data/exchange")  # hospitals' answers, as they were accepted outside

MODELS = Path("models")
BASE = MODELS / "base"

METRICS = Path("metrics")
PLOTS = Path("plots")
ROUNDS = Path("data/rounds")
SYNTHETIC = Path("data/synthetic")
EVIDENCE = Path("data/evidence")
REPORTS = Path("reports")
RECORD = Path("docs/seeds.json")  # figures over seeds of the whole loop
DEMO = Path("docs/demo")  # the shipped demo's figures, which no run touches
TIMINGS = Path("mlruns/timings")  # seconds and peak memory of each stage's last run
LEDGER_MARK = Path("mlruns/ledger.json")  # the ledger's highest entry that was released here
SCRATCH = Path(".scratch")  # chunks and checkpoints of stages that are under way
MERGED = SCRATCH / "merged"  # policies as plain weights, for engines that want them
_TEMPORARY = (".dvc", "tmp", "exps")  # where DVC makes workspaces of experiments


def checkout(folder: Path | None = None) -> Path:
    """Root of the checkout that `folder` (default: the current one) is in, absolute: the nearest
    folder upwards with a ``.dvc``.

    A workspace of ``dvc exp run --temp`` or of the queue (below ``.dvc/tmp/exps``) belongs to the
    checkout that it was made from. A folder outside of any checkout is its own root.
    """
    here = Path(os.path.realpath(folder or Path.cwd()))  # unlike `resolve`, never fails
    root = next((one for one in (here, *here.parents) if (one / ".dvc").is_dir()), here)
    above = [one for one in root.parents if one.parts[-3:] == _TEMPORARY]
    return above[0].parents[2] if above else root


def store_folder(folder: Path | None = None) -> Path:
    """Folder of MLflow's store: one for all recipes and experiments of a checkout."""
    return checkout(folder) / "mlruns"


def adapter(step: str) -> Path:
    """Folder of a step's LoRA adapter."""
    return MODELS / step


def coder(step: str) -> Path:
    """Folder of the coders that were trained on a step's data set and kept."""
    return MODELS / "coder" / step


def evidence(step: str) -> Path:
    """The words behind the codes of some of a step's reports."""
    return EVIDENCE / f"{step}.parquet"


def candidates(round_: str) -> Path:
    return ROUNDS / round_ / "candidates.parquet"


def judgements(round_: str) -> Path:
    return ROUNDS / round_ / "judgements.parquet"


def similarities(round_: str) -> Path:
    """What the similarity judge says of a round's candidates: it stays on the private side."""
    return PRIVATE / "rounds" / round_ / "similarities.parquet"


def private_scores(round_: str) -> Path:
    """All scores of a round's candidates: they stay on the private side."""
    return PRIVATE / "rounds" / round_ / "scores.parquet"


def review(step: str) -> Path:
    """Folder of the page that shows the most similar private reports: it stays there."""
    return PRIVATE / "review" / step


def kept_answers(name: str, coder: str = "") -> Path:
    """What the coders of a step, or of a reference, said of each holdout report: it stays there.
    `coder`: the stage that trained them, if it was not ``classify``.
    """
    return ANSWERS / coder / f"{name}.npz"


def scores(round_: str) -> Path:
    """What `release` lets out of them."""
    return ROUNDS / round_ / "scores.parquet"


def pairs(round_: str) -> Path:
    """A round's preference pairs; `best_of` and `kto` lie beside it."""
    return ROUNDS / round_ / "pairs.parquet"


def best_of(round_: str) -> Path:
    """The best candidate of each prompt, in TRL's prompt-completion format."""
    return ROUNDS / round_ / "best_of.parquet"


def kto(round_: str) -> Path:
    """Best and worst candidates as single labelled examples, in TRL's KTO format."""
    return ROUNDS / round_ / "kto.parquet"


def synthetic(step: str) -> Path:
    """Folder of a step's data set: ``reports.parquet`` and its card, ``README.md``."""
    return SYNTHETIC / step


def synthetic_reports(step: str) -> Path:
    return synthetic(step) / "reports.parquet"


def answers(exchange: str, item: str | None = None) -> Path:
    """Folder of accepted bundles, each with the public key of its sender beside it."""
    return EXCHANGE / (exchange if item is None else f"{exchange}/{item}")


def metrics(stage: str, item: str | None = None) -> Path:
    """``metrics/<stage>.json``, or ``metrics/<stage>/<item>.json`` of a round or step."""
    return _per_item(METRICS, stage, item, ".json")


def plot(stage: str, item: str | None = None, name: str = "history") -> Path:
    """``plots/<stage>/<name>.csv``, or ``plots/<stage>/<name>/<item>.csv``: a folder to compare."""
    return PLOTS / stage / (f"{name}.csv" if item is None else f"{name}/{item}.csv")


def timing(stage: str, item: str | None = None) -> Path:
    return _per_item(TIMINGS, stage, item, ".json")


def scratch(stage: str, item: str | None = None) -> Path:
    return SCRATCH / (stage if item is None else f"{stage}@{item}")


def _per_item(folder: Path, stage: str, item: str | None, suffix: str) -> Path:
    return folder / (f"{stage}{suffix}" if item is None else f"{stage}/{item}{suffix}")
