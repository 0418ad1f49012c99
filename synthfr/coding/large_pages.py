"""Large pages for what C libraries hold, in a process that does nothing but train coders.

liblinear walks through a training set in random order again and again, so that with pages of 4 KiB
it waits for page tables a good part of the time; and each of its copies of the training set, one a
label, is memory that the system clears anew. numpy asks for large pages itself, liblinear does not.
Memory that is freed stays with the process until it ends. Where the system's C library is not glibc
or the kernel does not have large pages, all stays as it was. No result depends on it.
"""

from __future__ import annotations

import ctypes
import sys
from mmap import PAGESIZE

HEAP = 1 << 30  # bytes: so much of the heap; what is not used takes no memory
# glibc's <malloc.h>, Linux's <sys/mman.h>
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_TRIM_THRESHOLD, _MMAP_MAX = 128 << 10, 1 << 16  # glibc's own
_MADV_HUGEPAGE = 14


def use() -> bool:
    """Take large blocks from this process's heap, keep it when they are freed, and ask for large
    pages there; whether the system has agreed.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if not (library.mallopt(_M_MMAP_MAX, 0) and library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)):
        return False
    agreed, block = False, library.malloc(HEAP)
    if block:
        first = -(-block // PAGESIZE) * PAGESIZE
        length = (block + HEAP - first) // PAGESIZE * PAGESIZE
        agreed = library.madvise(first, length, _MADV_HUGEPAGE) == 0
        library.free(block)
    if not agreed:
        library.mallopt(_M_MMAP_MAX, _MMAP_MAX)
        library.mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD)
    return agreed
