"""What a machine without a registry lacks, by name and size, and how to fetch it elsewhere.

Versions are those of requirements.lock. Sizes were read off the wheels for Python 3.12 on x86-64
Linux on 2026-11-29.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from synthfr.errors import UserError

LOCK = Path(__file__).parents[2] / "requirements.lock"
MEASURED = "2026-11-29, Python 3.12 on x86-64 Linux"
# what an image with torch, transformers, peft and accelerate has usually not: bytes of the wheels
SIZES = {
    "trl": 948205,
    "datasets": 608276,
    "multiprocess": 150281,
    "dill": 120019,
    "xxhash": 472238,
    "pydantic": 494071,
    "pydantic_core": 2261727,
    "annotated-types": 13427,
    "typing-inspection": 14874,
    "ruamel.yaml": 118102,
    "ruamel.yaml.clib": 788211,
}
CARRIED = tuple(SIZES)
_MODULES = {  # distribution -> what is imported of it, where the names differ
    "ruamel.yaml.clib": "_ruamel_yaml",
    "sentence-transformers": "sentence_transformers",
    "annotated-types": "annotated_types",
    "typing-inspection": "typing_inspection",
}
_MB = 1_000_000
# what pip may be given for x86-64: it matches these names exactly
_PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux1")


def missing(needs: Iterable[str]) -> list[str]:
    """Those of `needs` (names of distributions) that cannot be imported here."""
    return [name for name in needs if not _there(_MODULES.get(name, name))]


def told(names: Sequence[str]) -> str:
    """``trl==1.16.0 (0.9 MB), ...``: how to ask for them, and how much they weigh."""
    pins = locked()
    parts = []
    for name in names:
        weight = f"{SIZES[name] / _MB:.1f} MB" if name in SIZES else "size not listed"
        parts.append(f"{name}=={pins[name]} ({weight})" if name in pins else name)
    return ", ".join(parts)


def locked() -> dict[str, str]:
    """Name -> version of requirements.lock."""
    lines = LOCK.read_text("utf-8").splitlines()
    return dict(line.strip().split("==", 1) for line in lines if "==" in line)


def download(dest: Path, names: Sequence[str], python: str) -> None:
    """Fetch wheels, and nothing that they depend on, into `dest`; tell each one's size."""
    pins = locked()
    if unknown := [name for name in names if name not in pins]:
        raise UserError(
            f"requirements.lock has no {unknown[0]!r}: name packages as they stand there."
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--python-version", python, "--dest", str(dest)]
    command += [f"--platform={one}_x86_64" for one in _PLATFORMS]
    command += [f"{name}=={pins[name]}" for name in names]
    if status := subprocess.run(command, check=False).returncode:
        raise UserError(
            f"pip could not fetch the wheels (status {status}, its words stand above): run this "
            "where a package registry can be reached."
        )
    files = sorted(dest.glob("*.whl"))
    for file in files:
        print(f"{file.stat().st_size / _MB:6.1f} MB  {file.name}")
    print(f"{sum(file.stat().st_size for file in files) / _MB:6.1f} MB in all, in {dest}")
    # dill, which datasets hashes with, takes only what lies in a folder of that name for a library
    print(
        f"Carry the folder. There: python3 -m pip install --no-index --no-deps --target "
        f"carried/site-packages {dest.name}/*.whl, then PYTHONPATH=carried/site-packages:. "
        "python3 -m benchmarks.gpu_check"
    )


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that would hold it
        return False
