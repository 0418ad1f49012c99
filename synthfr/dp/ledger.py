"""What was spent: one line for each answer that was released, never changed, each sealed to the one
before it.

A line is written, and is on the disk, before its answer is let out; the same question is found in
it again and costs nothing; a question that would spend more than the budget is refused before
anything is released. A process that dies in between has lost a charge, never given a free answer.

Each line is sealed by HMAC-SHA256 of the seal before it and its own content, with a key of the
hospital's secret; the number of lines and the last seal stand beside the secret (`secret.head`).
What that notices: a line that was edited, moved, added by somebody without the secret or taken out;
a ledger that was cut, emptied, or put back from an older copy while the head was not; a ledger or a
head that is gone. What it cannot notice by itself: ledger and head put back together from the same
older copy, such as a backup of the private folder. For that `charge` is told how many entries
earlier releases speak of, as far as its caller knows (`at_least`): fewer are a roll-back. A caller
that knows of none, as in an answer to a bundle, notices no such roll-back. Who puts back what lies
outside too, or has the secret and the will to cheat, cheats: the ledger guards against mistakes and
against others, not against its owner.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synthfr.disk import atomic_path
from synthfr.dp import accounting, secret
from synthfr.dp.accounting import Neighbours
from synthfr.dp.secret import Secret
from synthfr.errors import UserError

NAME = "ledger.jsonl"  # beside the secret
_PURPOSE = "ledger"


@dataclass(frozen=True)
class Charge:
    """One answer.

    Attributes:
        question: keyed digest of everything that the answer is a function of, noise included.
        what: for people, such as ``release@dpo1``; says nothing of the answer.
        sigma: standard deviation of the noise, in units of the norm bound.
        sensitivity: of the sum, in the same units, for the neighbours it was asked for.
        mu: sensitivity / sigma.
        distance: see `accounting.epsilon`.
        delta: that its epsilon was told for.
    """

    question: str
    what: str
    sigma: float
    sensitivity: float
    mu: float
    distance: float
    delta: float


@dataclass(frozen=True)
class Spent:
    """The number of an answer in the ledger, from 1; epsilon of all up to it; whether it had been
    given before.
    """

    entry: int
    epsilon: float
    repeated: bool


@dataclass(frozen=True)
class _Lines:
    charges: list[Charge]
    seals: list[str]  # one more: the first is of the empty ledger
    size: int  # bytes of whole lines


def begin(secret_file: Path) -> None:
    """Make a hospital's secret, and the head of an empty ledger beside it. UserError, and nothing
    is written, where any of them, or a ledger, is there.
    """
    ledger, head = secret_file.with_name(NAME), _head(secret_file)
    if secret_file.exists():
        raise UserError(
            f"{secret_file} is there already: keep it; another secret gives the same question other"
            " noise, and the ledger of what was spent is read with this one."
        )
    if left := [one for one in (ledger, head) if one.exists()]:
        raise UserError(
            f"{left[0]} is there, without its secret {secret_file.name}: put that back; with "
            "another one nobody knows what was spent. Only where no answer was ever released may "
            "you remove it and begin anew."
        )
    drawn = secret.draw()
    # the secret last: without one there is nothing to release with
    _write_head(head, 0, _seal(drawn, "", {}))
    secret.write(secret_file, drawn)


def charge(
    one: Charge,
    *,
    secret_file: Path,
    neighbours: Neighbours,
    delta: float,
    budget: float,
    at_least: int = 0,
) -> Spent:
    """Write down an answer that is about to be released; one that is written down already costs
    nothing.

    `budget`: epsilon at `delta` that all answers together may spend, for these `neighbours`.
    `at_least`: entries that earlier releases speak of. UserError, and nothing is written: where it
    would spend more; where `delta` is above that of an earlier charge; where the ledger is not what
    it was left as.
    """
    key = secret.load(secret_file)
    ledger, head = secret_file.with_name(NAME), _head(secret_file)
    with _locked(ledger):
        lines = _checked(ledger, head, key, at_least)
        for entry, past in enumerate(lines.charges, start=1):
            if past.question == one.question:
                up_to_it = spent_epsilon(lines.charges[:entry], neighbours, delta)
                return Spent(entry, up_to_it, True)
        if lines.charges and delta > (least := min(past.delta for past in lines.charges)):
            raise UserError(
                f"score.dp.delta is {delta:g}, and answers were charged at {least:g}: a larger "
                "delta makes all that was spent look smaller; set it to no more than that."
            )
        charges = [*lines.charges, one]
        spent = spent_epsilon(charges, neighbours, delta)
        if spent > budget:
            before = spent_epsilon(lines.charges, neighbours, delta)
            raise UserError(
                f"{ledger}: {len(lines.charges)} answers have spent epsilon {before:.3g} at delta "
                f"{delta:g}, and {one.what} would make it {spent:.3g}, above score.dp.budget "
                f"({budget:g}): nothing was released; ask what was asked before, with more noise, "
                "or raise the budget if the data-protection officer agrees."
            )
        seal = _seal(key, lines.seals[-1], asdict(one))
        _append(ledger, {**asdict(one), "seal": seal}, lines.size)
        _write_head(head, len(charges), seal)
        return Spent(len(charges), spent, False)


def spent_epsilon(charges: Sequence[Charge], neighbours: Neighbours, delta: float) -> float:
    """Epsilon at `delta` of all these answers together, each with its own noise."""
    mu = accounting.composed([accounting.mu_of(one.sigma, neighbours) for one in charges])
    return accounting.epsilon(mu, delta, sum(one.distance for one in charges))


def _checked(ledger: Path, head: Path, key: Secret, at_least: int) -> _Lines:
    """The ledger's lines, if they are those that were written; what a killed process left undone
    is done.
    """
    lines = _parsed(ledger, key)
    known, seal = _read_head(head)
    entries = len(lines.charges)
    if entries < known:
        raise _spoilt(
            f"{ledger} has {entries} entries, and {known} were written: it was cut, or put back "
            "from an older copy"
        )
    if entries < at_least:
        raise _spoilt(
            f"{ledger} has {entries} entries, and earlier releases speak of {at_least}: it was put "
            "back from an older copy (or they are another hospital's: then remove metrics/release "
            "and mlruns/ledger.json)"
        )
    if entries > known + 1 or not hmac.compare_digest(lines.seals[known], seal):
        raise _spoilt(f"{ledger} is not the ledger that {head} was written for")
    if entries == known + 1:  # killed between the two
        _write_head(head, entries, lines.seals[-1])
    return lines


def _parsed(ledger: Path, key: Secret) -> _Lines:
    content = ledger.read_bytes() if ledger.exists() else b""
    # killed while it wrote: a line without its end was never sealed into the head, or is missed
    whole = content[: content.rfind(b"\n") + 1]
    charges: list[Charge] = []
    seals = [_seal(key, "", {})]
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            fields = json.loads(line)
            seal = fields.pop("seal")
            found = Charge(**fields)
            expected = _seal(key, seals[-1], fields)
            intact = hmac.compare_digest(str(seal), expected)
        except (ValueError, TypeError, KeyError, AttributeError):
            intact = False
        if not intact:
            raise _spoilt(f"{ledger}, line {number}, was changed, or sealed with another secret")
        charges.append(found)
        seals.append(expected)
    return _Lines(charges, seals, len(whole))


def _spoilt(what: str) -> UserError:
    return UserError(
        f"{what}: nothing more is released with a guarantee until the newest copy is put back; "
        "without one, what was spent is not known."
    )


def _seal(key: Secret, before: str, fields: dict[str, Any]) -> str:
    return key.digest(_PURPOSE, {"before": before, "entry": fields})


def _append(ledger: Path, line: dict[str, Any], size: int) -> None:
    """Add a line behind the first `size` bytes, on the disk when this returns."""
    text = json.dumps(line, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"
    new = not ledger.exists()
    descriptor = os.open(ledger, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, size)
        os.lseek(descriptor, 0, os.SEEK_END)
        data = text.encode("ascii")
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        _sync_folder(ledger.parent)


def _head(secret_file: Path) -> Path:
    return secret_file.with_suffix(".head")


def _write_head(head: Path, entries: int, seal: str) -> None:
    with atomic_path(head, private=True) as partial:
        partial.write_text(json.dumps({"entries": entries, "seal": seal}) + "\n", encoding="ascii")
    _sync_folder(head.parent)


def _read_head(head: Path) -> tuple[int, str]:
    try:
        found = json.loads(head.read_text(encoding="ascii"))
        entries, seal = found["entries"], found["seal"]
    except FileNotFoundError:
        raise _spoilt(f"{head} is missing, which says how many answers were released") from None
    except (ValueError, TypeError, KeyError):
        raise _spoilt(f"{head} is damaged, which says how many answers were released") from None
    if not (isinstance(entries, int) and entries >= 0 and isinstance(seal, str)):
        raise _spoilt(f"{head} is damaged, which says how many answers were released")
    return entries, seal


def _sync_folder(folder: Path) -> None:
    # a file's name is on the disk once its folder is
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(ledger: Path) -> Iterator[None]:
    """One process at a time; the system frees the lock however it ends."""
    with ledger.with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
