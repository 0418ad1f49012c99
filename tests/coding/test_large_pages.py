"""Large pages are asked for in a process of its own, and change no result."""

import ctypes
import sys

import pytest

from synthfr.coding import large_pages
from synthfr.coding.processes import in_order

BLOCK = 64 << 20  # bytes; glibc would map so large a block by itself


def _advised(_: int) -> bool:
    """Whether a large block of this process lies where large pages were asked for."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    block = library.malloc(ctypes.c_size_t(BLOCK))
    inside = False
    with open("/proc/self/smaps") as lines:
        for line in lines:
            name, *rest = line.split()
            if not name.endswith(":"):
                first, last = (int(end, 16) for end in name.split("-"))
                inside = first <= block + BLOCK // 2 < last
            elif inside and name == "VmFlags:":
                return "hg" in rest
    raise AssertionError("the block is nowhere")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells what was asked for")
def test_large_blocks_are_where_large_pages_were_asked_for() -> None:
    if not any(in_order(_asked, [0, 1], 2, float)):
        pytest.skip("this system's C library or kernel has none")
    assert list(in_order(_advised, [0, 1], 2, float)) == [True, True]
    assert not _advised(0)  # the control: this process has not asked


def _asked(_: int) -> bool:
    return large_pages.use()


def test_nothing_is_asked_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not large_pages.use()
