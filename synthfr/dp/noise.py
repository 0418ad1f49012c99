"""Noise from integers alone: the discrete Gaussian, drawn exactly, from a stream of keyed bytes.

A Gaussian in floating point has gaps and uneven steps by which the noiseless value can be read off
(Mironov 2012, "On significance of the least significant bits for differential privacy"). Here
everything is an integer: the sums, the noise, and every comparison that draws it (Canonne, Kamath
and Steinke 2020, "The discrete Gaussian for differential privacy", algorithms 1-3).

What it guarantees, for an integer vector whose Euclidean norm moves by at most D between
neighbouring corpora, with noise P(k) ~ exp(-k^2 / (2 s^2)) in each coordinate, s an integer:

* concentrated differential privacy, exactly: rho = D^2 / (2 s^2) (their Theorem 4 and Corollary);
* Gaussian differential privacy with mu = D / s, but for a term. The Gaussian mechanism rounded to
  integers is a post-processing of it, and the vector is one of integers, so that its noise is a
  rounded Gaussian R(k) = integral of the density from k - 1/2 to k + 1/2. The total variation
  between that and P is at most .121 / s^2 a coordinate: with g(x) = exp(-x^2 / (2 s^2)), summing by
  the midpoint rule errs by at most 1/8 of the integral of |g''|, which is 4 max |g'| = 4 e^(-1/2) /
  s; so sum_k |g(k) - integral over k's cell| <= e^(-1/2) / (2 s), which relative to the total
  s sqrt(2 pi) is .121 / s^2, and the two totals differ by no more. `distance` is that bound for a
  vector; `accounting.epsilon` adds what it costs to delta. With 200 000 coordinates and the
  standard deviations used here (2^40) it is 1e-20.

The stream is SHAKE-256 of a secret key, as good as fresh random bits to whoever does not have the
key; against a computationally unbounded adversary nothing is promised. The same key gives the same
noise: a key must belong to one answer only (`synthfr.dp.secret`, `synthfr.dp.ledger`).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

GRID_BITS = 40
GRID = 1 << GRID_BITS  # integers from 0 to a vector's largest norm, 1
_KEY_BYTES = 32
_BLOCK_BYTES = 1 << 16
_LARGEST_SIGMA = GRID << 16  # sums and noise stay far within 64 bits


class KeyedBits:
    """Uniform integers out of SHAKE-256(key, 0), SHAKE-256(key, 1), ...: the same for a key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError(f"a noise key has {_KEY_BYTES} bytes")
        self._key, self._block = key, 0
        self._bytes, self._at = b"", 0

    def below(self, bound: int) -> int:
        """Uniform in [0, bound), by rejection: exact."""
        bits = (bound - 1).bit_length()
        size, surplus = (bits + 7) // 8, -bits % 8
        while True:
            if (drawn := int.from_bytes(self._take(size), "big") >> surplus) < bound:
                return drawn

    def _take(self, size: int) -> bytes:
        while len(self._bytes) - self._at < size:
            block = hashlib.shake_256(self._key + self._block.to_bytes(8, "big"))
            self._bytes = self._bytes[self._at :] + block.digest(_BLOCK_BYTES)
            self._at, self._block = 0, self._block + 1
        self._at += size
        return self._bytes[self._at - size : self._at]


def discrete_gaussian(key: bytes, sigma: int, size: int) -> NDArray[np.int64]:
    """`size` independent integers, P(k) ~ exp(-k^2 / (2 sigma^2)); the same for the same key."""
    if not 0 < sigma <= _LARGEST_SIGMA:
        raise ValueError("sigma must be a number of grid steps above 0, within 64 bits")
    bits = KeyedBits(key)
    return np.array([_gaussian(bits, sigma) for _ in range(size)], dtype=np.int64)


def distance(sigma: int, size: int) -> float:
    """Bound of the total variation between `size` draws and Gaussian ones rounded to integers."""
    return size * 0.121 / sigma**2


def _gaussian(bits: KeyedBits, sigma: int) -> int:
    """Algorithm 3 with t = sigma: a discrete Laplace draw y, kept with probability
    exp(-(|y| - sigma)^2 / (2 sigma^2)).
    """
    while True:
        drawn = _laplace(bits, sigma)
        if _exp_minus(bits, (abs(drawn) - sigma) ** 2, 2 * sigma**2):
            return drawn


def _laplace(bits: KeyedBits, scale: int) -> int:
    """Algorithm 2: P(k) ~ exp(-|k| / scale)."""
    while True:
        part = bits.below(scale)
        if not _exp_minus(bits, part, scale):
            continue
        whole = 0
        while _exp_minus(bits, 1, 1):
            whole += 1
        size, negative = part + scale * whole, bits.below(2)
        if size or not negative:  # 0 has one sign only
            return -size if negative else size


def _exp_minus(bits: KeyedBits, above: int, below: int) -> bool:
    """Algorithm 1: true with probability exp(-above / below), of two integers, exactly."""
    while above > below:
        if not _exp_minus_small(bits, 1, 1):
            return False
        above -= below
    return _exp_minus_small(bits, above, below)


def _exp_minus_small(bits: KeyedBits, above: int, below: int) -> bool:
    """For above / below in [0, 1]: the number of draws until the first failure is odd."""
    draws = 1
    while bits.below(below * draws) < above:
        draws += 1
    return draws % 2 == 1
