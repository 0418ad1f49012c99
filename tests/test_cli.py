"""``synth-fr``: what each command prints and writes, in a checkout with only what it needs."""

from __future__ import annotations
