"""A ledger that was tampered with is refused; a question is charged once; no charge is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from synthfr.dp import accounting, ledger
from synthfr.dp.ledger import Charge, Spent
from synthfr.errors import UserError

DELTA = 1e-5
SIGMA = 4.0
ROOT = Path(__file__).parents[2]


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "private" / "secret.key"
    ledger.begin(path)
    return path


def question(number: int, sigma: float = SIGMA) -> Charge:
    return Charge(
        question=f"{number:064x}",
        what=f"release@dpo{number}",
        sigma=sigma,
        sensitivity=1.0,
        mu=1 / sigma,
        distance=0.0,
        delta=DELTA,
    )


def ask(
    secret_file: Path, number: int, budget: float = 20.0, at_least: int = 0, delta: float = DELTA
) -> Spent:
    return ledger.charge(
        replace(question(number), delta=delta),
        secret_file=secret_file,
        neighbours="add_remove",
        delta=delta,
        budget=budget,
        at_least=at_least,
    )


def book(secret_file: Path) -> Path:
    return secret_file.with_name("ledger.jsonl")


def written(secret_file: Path) -> list[Charge]:
    """All answers so far, as the ledger has them."""
    path = book(secret_file)
    lines = path.read_text().splitlines() if path.exists() else []
    fields = map(json.loads, lines)
    return [Charge(**{name: one for name, one in own.items() if name != "seal"}) for own in fields]


def head(secret_file: Path) -> Path:
    return secret_file.with_name("secret.head")


def test_each_new_question_is_charged_and_the_same_costs_nothing(secret_file: Path) -> None:
    first, second, again = (ask(secret_file, number) for number in (1, 2, 1))
    assert first == Spent(1, accounting.epsilon(1 / SIGMA, DELTA), False)
    both = accounting.epsilon(2**0.5 / SIGMA, DELTA)
    assert second == Spent(2, pytest.approx(both), False)  # type: ignore[arg-type]
    assert (again.entry, again.epsilon, again.repeated) == (1, first.epsilon, True)
    assert [one.what for one in written(secret_file)] == ["release@dpo1", "release@dpo2"]
    assert book(secret_file).stat().st_mode & 0o077 == 0


def test_the_same_answers_told_of_a_patient_replaced(secret_file: Path) -> None:
    ask(secret_file, 1)
    charges = written(secret_file)
    found = ledger.spent_epsilon(charges, "replace_one", DELTA)
    assert found == accounting.epsilon(2 / SIGMA, DELTA)


def test_what_would_pass_the_budget_is_refused_and_not_written(secret_file: Path) -> None:
    budget = accounting.epsilon(2**0.5 / SIGMA, DELTA)
    for number in (1, 2):
        ask(secret_file, number, budget + 1e-9)
    before = book(secret_file).read_bytes()
    with pytest.raises(UserError, match=r"2 answers have spent .* above score\.dp\.budget"):
        ask(secret_file, 3, budget + 1e-9)
    assert book(secret_file).read_bytes() == before
    assert ask(secret_file, 2, budget + 1e-9).repeated  # what was answered stays answered
    assert ask(secret_file, 1, 0.1).repeated


def test_a_delta_above_that_of_an_earlier_charge_is_refused(secret_file: Path) -> None:
    ask(secret_file, 1, delta=1e-6)
    before = book(secret_file).read_bytes()
    with pytest.raises(UserError, match=r"score\.dp\.delta is 1e-05, and .* charged at 1e-06"):
        ask(secret_file, 2)
    assert book(secret_file).read_bytes() == before
    assert ask(secret_file, 1).repeated  # nothing new is released
    assert ask(secret_file, 2, delta=1e-7).entry == 2
    with pytest.raises(UserError, match="charged at 1e-07"):
        ask(secret_file, 3, delta=1e-6)


# --- tampering ----------------------------------------------------------------------------------


def edited(secret_file: Path) -> None:
    lines = book(secret_file).read_text().splitlines()
    lines[0] = lines[0].replace('"sigma": 4.0', '"sigma": 40.0')
    book(secret_file).write_text("\n".join(lines) + "\n")


def cut(secret_file: Path) -> None:
    lines = book(secret_file).read_text().splitlines()
    book(secret_file).write_text("\n".join(lines[:-1]) + "\n")


def cut_in_a_line(secret_file: Path) -> None:
    book(secret_file).write_bytes(book(secret_file).read_bytes()[:-9])


def without_its_first(secret_file: Path) -> None:
    lines = book(secret_file).read_text().splitlines()
    book(secret_file).write_text("\n".join(lines[1:]) + "\n")


def swapped(secret_file: Path) -> None:
    lines = book(secret_file).read_text().splitlines()
    book(secret_file).write_text("\n".join(reversed(lines)) + "\n")


def added(secret_file: Path) -> None:
    with book(secret_file).open("a") as file:
        file.write(book(secret_file).read_text().splitlines()[0] + "\n")


def emptied(secret_file: Path) -> None:
    book(secret_file).write_text("")


def removed(secret_file: Path) -> None:
    book(secret_file).unlink()


def both_removed(secret_file: Path) -> None:
    book(secret_file).unlink()
    head(secret_file).unlink()


def garbage(secret_file: Path) -> None:
    book(secret_file).write_bytes(b"\xff[]\n" * 2)


def head_set_back(secret_file: Path) -> None:
    found = json.loads(head(secret_file).read_text())
    head(secret_file).write_text(json.dumps(found | {"entries": 1}))


def head_damaged(secret_file: Path) -> None:
    head(secret_file).write_text("{}")


TAMPERING = [
    *(edited, cut, cut_in_a_line, without_its_first, swapped, added, emptied),
    *(removed, both_removed, garbage, head_set_back, head_damaged),
]


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda one: one.__name__)
def test_a_ledger_that_is_not_what_it_was_is_refused(
    secret_file: Path, tamper: Callable[[Path], None]
) -> None:
    for number in (1, 2):
        ask(secret_file, number)
    tamper(secret_file)
    for number in (1, 3):  # the answered question, too
        with pytest.raises(UserError, match="nothing more is released"):
            ask(secret_file, number)


def test_an_older_copy_is_refused(secret_file: Path, tmp_path: Path) -> None:
    ask(secret_file, 1)
    shutil.copy(book(secret_file), tmp_path / "old.jsonl")
    shutil.copy(head(secret_file), tmp_path / "old.head")
    ask(secret_file, 2)
    shutil.copy(tmp_path / "old.jsonl", book(secret_file))
    with pytest.raises(UserError, match="has 1 entries, and 2 were written"):
        ask(secret_file, 3)
    # with its head it looks whole: only what was released can tell
    shutil.copy(tmp_path / "old.head", head(secret_file))
    with pytest.raises(UserError, match="has 1 entries, and earlier releases speak of 2"):
        ask(secret_file, 3, at_least=2)
    assert ask(secret_file, 3, at_least=1).entry == 2


def test_a_ledger_of_another_secret_is_refused(secret_file: Path, tmp_path: Path) -> None:
    ask(secret_file, 1)
    other = tmp_path / "other" / "secret.key"
    ledger.begin(other)
    for name in ("ledger.jsonl", "secret.head"):
        shutil.copy(secret_file.with_name(name), other.with_name(name))
    with pytest.raises(UserError, match="sealed with another secret"):
        ask(other, 2)


def test_a_secret_is_made_once(secret_file: Path) -> None:
    ask(secret_file, 1)
    before = secret_file.read_bytes()
    with pytest.raises(UserError, match="is there already"):
        ledger.begin(secret_file)
    assert secret_file.read_bytes() == before
    assert ask(secret_file, 1).repeated


@pytest.mark.parametrize("gone", [[], ["ledger.jsonl"], ["secret.head"]])
def test_what_is_left_of_a_lost_secret_is_not_written_over(
    secret_file: Path, gone: list[str]
) -> None:
    ask(secret_file, 1)
    key = secret_file.read_bytes()
    for name in ("secret.key", *gone):
        secret_file.with_name(name).unlink()
    names = ("ledger.jsonl", "secret.head")
    before = [path.read_bytes() for name in names if (path := secret_file.with_name(name)).exists()]
    with pytest.raises(UserError, match="is there, without its secret"):
        ledger.begin(secret_file)
    left = [path.read_bytes() for name in names if (path := secret_file.with_name(name)).exists()]
    assert left == before and not secret_file.exists()
    if not gone:  # and with the secret put back all goes on
        secret_file.write_bytes(key)
        secret_file.chmod(0o600)
        assert ask(secret_file, 1).repeated


# --- killed and crowded -------------------------------------------------------------------------


def test_a_charge_whose_process_died_before_the_head_is_kept(secret_file: Path) -> None:
    ask(secret_file, 1)
    before = head(secret_file).read_bytes()
    ask(secret_file, 2)
    head(secret_file).write_bytes(before)  # as it was when the line had been written, and no more
    assert ask(secret_file, 2) == ask(secret_file, 2)
    assert ask(secret_file, 3).entry == 3


def test_a_line_that_was_never_finished_is_written_again(secret_file: Path) -> None:
    ask(secret_file, 1)
    with book(secret_file).open("ab") as file:
        file.write(b'{"delta": 1e-05, "dist')
    spent = ask(secret_file, 2)
    assert (spent.entry, spent.repeated) == (2, False)
    assert len(book(secret_file).read_text().splitlines()) == 2
    assert ask(secret_file, 3).entry == 3


ASK = """
import sys
from pathlib import Path
from tests.dp.test_ledger import ask
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    ask(Path(sys.argv[1]), number)
"""


def test_processes_that_ask_at_once_lose_no_charge(secret_file: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    ranges = [("0", "6"), ("3", "9"), ("6", "12")]
    running = [
        subprocess.Popen([sys.executable, "-c", ASK, str(secret_file), *one], env=env)
        for one in ranges
    ]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert sorted(one.question for one in written(secret_file)) == [
        f"{number:064x}" for number in range(12)
    ]
