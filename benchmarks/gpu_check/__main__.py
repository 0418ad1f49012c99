"""The command line of `benchmarks.gpu_check`."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_check import runner, wheels
from benchmarks.gpu_check.blocks import BLOCKS, EVERYWHERE, LIMIT_S, Block
from synthfr.errors import UserError
from synthfr.pipeline import gpu_record
from synthfr.pipeline.gpu_record import FULL, RECORD, Outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 if every block that was run is done, and where there was nothing to run."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # runs `finally`
    try:
        if given[:1] == ["wheels"]:
            return _wheels(given[1:])
        if given[:1] == ["block"]:
            return _block(given[1:])
        return _check(_options(given))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def _options(arguments: list[str]) -> argparse.Namespace:
    asked = argparse.ArgumentParser("gpu_check", description="Measure this project on a GPU.")
    some = {"nargs": "+", "metavar": "NAME", "default": [], "choices": list(BLOCKS)}
    add = asked.add_argument
    add("--list", action="store_true", help="show the blocks and how each ended here")
    add("--only", **some, help="these blocks, of those that are not recorded yet")
    add("--again", **some, help="these blocks, recorded or not")
    add("--out", type=Path, default=RECORD, help=f"the file of results ({RECORD})")
    add("--minutes", type=float, help="begin no block that could end later than this")
    add("--limit", type=float, default=LIMIT_S, help=f"most seconds of a block ({LIMIT_S:g})")
    add("--commit", help="what is measured, where there is no git to ask")
    add("--device", choices=("auto", "cpu"), default="auto")
    add("--size", choices=(FULL, "tiny"), default=FULL, help="tiny: the same path, no figures")
    return asked.parse_args(arguments)


def _check(asked: argparse.Namespace) -> int:
    if asked.size != FULL and asked.out.resolve() == RECORD.resolve():
        raise UserError(f"Size {asked.size} shows nothing for {RECORD}: name another file (--out).")
    machine = runner.find_machine(asked.device)
    record = gpu_record.read(asked.out)
    chosen = [BLOCKS[name] for name in asked.again + asked.only] or list(BLOCKS.values())
    if asked.list:
        for gpu in [machine.name] if machine else list(record) or ["no GPU here"]:
            print(f"{gpu} ({asked.out})")
            for block in chosen:
                state = _state(record.get(gpu, {}).get(block.name))
                print(f"{block.name:18} {state:40} {block.what}")
        return 0
    if machine is None:
        return _without_gpu(chosen, asked.limit)
    recorded = record.get(machine.name, {})
    print(f"{machine.name}, driver {machine.driver}, torch {machine.torch}; results: {asked.out}")
    begun, ended = time.monotonic(), []
    for block in dict.fromkeys(chosen):
        outcome = recorded.get(block.name)
        if outcome is not None and block.name not in asked.again:
            print(f"{block.name}: {_state(outcome)} (--again {block.name} measures it anew)")
            continue
        if lacking := wheels.missing(block.needs):
            print(f"{block.name}: not run, this machine lacks {wheels.told(lacking)}")
            continue
        left = float("inf") if asked.minutes is None else asked.minutes * 60 - _since(begun)
        if left < asked.limit:
            print(f"{block.name}: not begun, it could take longer than the {left:.0f} s left")
            continue
        print(f"{block.name}: {block.what}", flush=True)
        sha = asked.commit or runner.commit()
        outcome = runner.run(block.name, asked.size, machine, asked.limit, sha)
        gpu_record.add(asked.out, machine.name, block.name, outcome)
        ended.append(outcome)
        print(f"{block.name}: {_state(outcome)}", flush=True)
    return int(any(outcome.status != "done" for outcome in ended))


def _state(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not measured"
    why = f": {outcome.reason}" if outcome.reason else ""
    return f"{outcome.status}, {outcome.seconds:.0f} s{why}"


def _without_gpu(chosen: Sequence[Block], limit_s: float) -> int:
    """What would be run, and what it needs."""
    try:
        import torch

        why = f"torch {torch.__version__} sees no GPU"
    except ImportError:
        why = "torch is not installed"
    print(f"No GPU here ({why}): nothing is measured. On a machine with one this would run:")
    for block in chosen:
        print(f"{block.name:18} at most {limit_s / 60:g} min, about {block.gib} GiB of GPU memory")
        print(f"{'':18} {block.what}")
        if block.own:
            print(f"{'':18} needs {', '.join(block.own)}")
    print(f"All need {', '.join(EVERYWHERE)}.")
    if lacking := wheels.missing(dict.fromkeys(name for one in chosen for name in one.needs)):
        print(f"This machine lacks {wheels.told(lacking)}.")
    total = sum(wheels.SIZES.values()) / 1e6
    print(
        "A machine without a package registry that has torch, transformers, peft and accelerate "
        f"wants these wheels carried ({total:.1f} MB; sizes of {wheels.MEASURED}):\n"
        f"{wheels.told(wheels.CARRIED)}\n"
        "python -m benchmarks.gpu_check wheels --dest FOLDER fetches them where there is one."
    )
    return 0


def _wheels(arguments: list[str]) -> int:
    asked = argparse.ArgumentParser(
        "gpu_check wheels", description="Fetch the wheels that a machine without a registry lacks."
    )
    asked.add_argument("--dest", type=Path, required=True)
    asked.add_argument("--python", default="3.12", help="the other machine's (3.12)")
    asked.add_argument("names", nargs="*", help="further or other packages of requirements.lock")
    given = asked.parse_args(arguments)
    wheels.download(given.dest, given.names or wheels.CARRIED, given.python)
    return 0


def _block(arguments: list[str]) -> int:
    """One block in this process: how `runner` starts it."""
    asked = argparse.ArgumentParser("gpu_check block")
    asked.add_argument("name", choices=list(BLOCKS))
    asked.add_argument("--size", required=True)
    asked.add_argument("--figures", type=Path, required=True)
    given = asked.parse_args(arguments)
    return runner.execute(given.name, given.size, given.figures)


def _since(begun: float) -> float:
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
