"""Outputs are whole or absent, also when the disk fills up or the process dies in mid-write."""

import errno
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from synthfr import disk
from synthfr.errors import UserError
from tests.small_disk import small_disk


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_atomic_path_replaces_only_on_success(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with disk.atomic_path(path) as partial:
        partial.write_text("one")
        assert partial.suffix == ".txt"
        assert not path.exists()
    with pytest.raises(RuntimeError), disk.atomic_path(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "one"
    assert names(path.parent) == ["a.txt"]


def test_atomic_dir_replaces_the_whole_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with disk.atomic_dir(folder) as partial:
        (partial / "old").write_text("1")
    with disk.atomic_dir(folder) as partial:
        (partial / "sub").mkdir()
        (partial / "sub" / "new").write_text("2")
    assert names(folder) == ["sub"]
    with pytest.raises(RuntimeError), disk.atomic_dir(folder) as partial:
        (partial / "half").write_text("3")
        raise RuntimeError
    assert names(folder) == ["sub"]
    assert names(tmp_path) == ["out"]


def test_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """A real write past a limit of the operating system, in a process of its own."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        import pandas as pd
        from synthfr import records
        from synthfr.errors import UserError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        texts = [f"{i} {hash(str(i))}" for i in range(20_000)]
        frame = pd.DataFrame({"report_id": texts, "text": texts, "language": "fr"})
        frame["codes"] = frame["keywords"] = [[]] * len(frame)
        try:
            records.write_table(frame, sys.argv[1], records.REPORTS)
        except UserError as error:
            sys.exit(str(error))
        """
    )
    path = tmp_path / "t.parquet"
    path.write_text("what was there before")
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "No space left" in done.stderr
    assert "t.parquet" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text() == "what was there before"
    assert names(tmp_path) == ["t.parquet"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "x"),
        OSError(errno.EDQUOT, "x"),
        RuntimeError(f"I/O error: {os.strerror(errno.ENOSPC)} (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
        RuntimeError("basic_ios::clear: iostream error"),
        OSError("400000 requested and 3040 written"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_libraries_own_words_for_a_full_disk(tmp_path: Path, error: Exception) -> None:
    with (
        pytest.raises(UserError, match="free some space"),
        disk.atomic_dir(tmp_path / "x") as part,
    ):
        (part / "half").write_text("")
        raise error
    assert names(tmp_path) == []


def _chained() -> Exception:
    try:
        try:
            raise OSError(errno.ENOSPC, "x")
        except OSError:
            raise RuntimeError("while tidying up") from None
    except RuntimeError as error:
        return error


def test_a_full_disk_is_seen_behind_another_error() -> None:
    assert disk.is_full(_chained())
    for other in (OSError(errno.EACCES, "x"), RuntimeError("shapes 3 and 4"), KeyError("text")):
        assert not disk.is_full(other)  # negative control


def test_no_room_for_temporary_files_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")
    with small_disk(tmp_path / "disk", 64) as small:
        (small / "much").write_bytes(bytes(64 << 10))
        monkeypatch.chdir(small)
        assert disk.is_full(error)
        monkeypatch.chdir(tmp_path)
        assert not disk.is_full(error)  # negative control: folders that nobody may write to


def test_the_room_that_is_left_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 3 << 10) as small:
        assert disk.free_space(small / "to" / "be" / "made") == "3 MiB"
        told = str(disk.full_disk("x", small))
        assert f"while writing x ({small} has 3 MiB left): free some space" in told
        (small / "much").write_bytes(bytes(3 << 20))
        assert disk.free_space(small) == "0 MiB"
        with pytest.raises(UserError, match="of which nothing was kept"):
            disk.write_text(small / "a.txt", "x" * 5000)
        assert names(small) == ["much"]
    assert disk.size(5 << 30) == "5.0 GiB"


def test_a_disk_without_inodes_is_no_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 3 << 10, "nr_inodes=3") as small:
        assert disk.free_space(small) == "3 MiB"  # the control
        for name in "ab":
            (small / name).touch()
        assert disk.free_space(small) == "no inode"


def test_other_errors_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), disk.atomic_path(tmp_path / "x"):
        raise PermissionError(errno.EACCES, "x")


def test_what_a_killed_process_left_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    script = textwrap.dedent(
        """
        import os, signal, sys
        from synthfr import disk
        with disk.atomic_path(sys.argv[1]) as partial:
            partial.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    assert names(tmp_path) == [".a.partial.json"]
    disk.write_json(path, {})
    assert names(tmp_path) == ["a.json"]


def test_json_is_canonical(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    disk.write_json(path, {"b": 0.1 + 0.2, "a": [float("nan"), 1, "é"], "c": {2: True}})
    assert path.read_text() == textwrap.dedent(
        """\
        {
          "a": [
            null,
            1,
            "é"
          ],
          "b": 0.3,
          "c": {
            "2": true
          }
        }
        """
    )
    assert disk.read_json(path) == json.loads(path.read_text())


def test_numpy_values_are_numbers(tmp_path: Path) -> None:
    import numpy as np

    disk.write_json(tmp_path / "a.json", {"x": np.float32(0.5), "y": np.arange(2)})
    assert disk.read_json(tmp_path / "a.json") == {"x": 0.5, "y": [0, 1]}


def test_broken_json_and_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing"):
        disk.read_json(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match=r"bad\.json is not valid JSON"):
        disk.read_json(tmp_path / "bad.json")
    with pytest.raises(UserError, match="is missing"):
        disk.digest_tree(tmp_path / "none")


def test_yaml_mistakes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("a: 5e-4\nb: no\n")
    assert disk.read_yaml(path) == {"a": 0.0005, "b": "no"}  # YAML 1.2, as DVC reads it
    for content, message in [
        (b"a: 1\na: 2\n", "line 2: found duplicate key"),
        (b"a: [1\nb: 2\n", "line 2"),
        ("a: é".encode("latin-1"), "is not UTF-8"),
    ]:
        path.write_bytes(content)
        with pytest.raises(UserError, match=message):
            disk.read_yaml(path)
    with pytest.raises(UserError, match="is missing"):
        disk.read_yaml(tmp_path / "none.yaml")


def test_digests_see_content_and_names_only(tmp_path: Path) -> None:
    assert disk.digest({"b": 1, "a": 0.1}) == disk.digest({"a": 0.1, "b": 1})
    assert disk.digest({"a": 1}) != disk.digest({"a": 2})
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "f").write_text("x")
    os.utime(two / "sub" / "f", (0, 0))
    assert disk.digest_tree(one) == disk.digest_tree(two)
    (two / "sub" / "f").rename(two / "f")
    assert disk.digest_tree(one) != disk.digest_tree(two)
    # printf x | sha256sum
    assert disk.sha256_file(one / "sub" / "f").startswith("2d711642b726b044")


def test_this_process_can_still_write() -> None:
    """Negative control of the full-disk test: its limit was the child's alone."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
