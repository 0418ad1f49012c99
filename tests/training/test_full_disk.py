"""A disk that fills up while a checkpoint is written: one sentence, and no half file stays."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from synthfr import resume
from synthfr.errors import UserError
from synthfr.training.launch import train
from tests.small_disk import small_disk
from tests.training import small
from tests.training.test_distributed import TWO, _job

# of a checkpoint the adapter ends at about 40 KiB, the optimiser at 120, and all at 140
SIZES = {"adapter": 40, "optimiser": 84, "next checkpoint": 180}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("cut", SIZES)
def test_a_checkpoint_that_does_not_fit_is_one_sentence(
    cut: str, base: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", SIZES[cut]) as disk:
        with pytest.raises(UserError, match=f"No space left.*a checkpoint under {disk} .* free "):
            small.train("sft", base, disk)
        stay = ["checkpoint-2"] if cut == "next checkpoint" else []
        assert [path.name for path in disk.iterdir()] == stay
        assert resume.last_checkpoint(disk) == (disk / stay[0] if stay else None)


@pytest.mark.long
@pytest.mark.slow
def test_with_room_the_training_ends_well(base: Path, tmp_path: Path) -> None:
    """Negative control."""
    with small_disk(tmp_path / "disk", 1000) as disk:
        assert small.train("sft", base, disk).metrics["steps"] == 8


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_a_limit_on_the_size_of_files_is_told_too(kind: str, base: Path, tmp_path: Path) -> None:
    """Where nobody may mount a small disk; torch tells of any of them the same."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from synthfr.errors import UserError
        from tests.training import small
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))  # the optimiser is larger
        try:
            small.train(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
        except UserError as error:
            sys.exit(str(error))
        """
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, kind, str(base), str(scratch)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("No space left on the disk (or a quota or file-size limit is reached)")
    assert "Traceback" not in done.stderr
    assert not list(scratch.glob(f"{resume.PREFIX}*"))


@pytest.mark.long
@pytest.mark.slow
def test_also_in_two_processes_whose_disk_holds_no_word(base: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", SIZES["optimiser"]) as disk:
        job = _job("sft", base, disk / "scratch", **TWO)
        with pytest.raises(UserError, match=f"No space left on the disk.*{disk}"):
            train(job, tmp_path / "adapter")
        assert not list(job.scratch.glob(f"{resume.PREFIX}*"))
    assert not (tmp_path / "adapter").exists()
