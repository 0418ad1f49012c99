"""The page of the most similar pairs: what it marks, and that it is written on the private side
alone.
"""

from __future__ import annotations

import stat
from functools import partial
from pathlib import Path

import pytest

from synthfr.errors import UserError
from synthfr.privacy import review
from synthfr.privacy.review import Pair, Review, marks
from tests.page.test_page import Balanced

PRIVATE = Path("data/private")
write = partial(review.write, private=PRIVATE)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pair(number: int, share: float, synthetic: str = "a b c", private: str = "a b d") -> Pair:
    return Pair(f"syn{number}", synthetic, f"priv{number}", private, share)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "private" / "review" / "dpo1"


def test_runs_same_words_and_others_by_hand() -> None:
    one, other = marks.marked("Vu par A B C hier. FIN", "a b c puis vu ici fin", run_words=3)
    assert [tuple(piece) for piece in one.pieces] == [
        ("Vu par ", "other"),
        ("A B C ", "run"),
        ("hier. ", "other"),
        ("FIN", "same"),
    ]
    assert [tuple(piece) for piece in other.pieces] == [
        ("a b c ", "run"),
        ("puis vu ici ", "other"),
        ("fin", "same"),
    ]


def test_a_moved_run_is_marked_on_both_sides() -> None:
    one, other = marks.marked("x y z 1 2 3 4", "1 2 3 4 x y z", run_words=3)
    assert {piece.mark for piece in (*one.pieces, *other.pieces)} == {"run"}


@pytest.mark.parametrize("text", ["", " \n ", "un", "🙂 e\u0301"])
def test_nothing_of_a_text_is_lost(text: str) -> None:
    for one in marks.marked(text, "un deux trois", run_words=3):
        assert one.left_out == 0
    shown = marks.marked(text, "autre", run_words=3)[0]
    assert "".join(piece.text for piece in shown.pieces).strip() == text.strip()


def test_the_page_holds_the_closest_pairs_first(folder: Path) -> None:
    pairs = [pair(at, at / 100) for at in range(50)]
    text = write(pairs, folder, "dpo1", Review(pairs=3)).read_text("utf-8")
    Balanced(text)
    assert [f"syn{at}" in text for at in (49, 48, 47, 46)] == [True, True, True, False]
    assert text.index("priv49") < text.index("priv48") < text.index("priv47")
    assert "Share of the private report 0.49" in text and "priv46" not in text


def test_text_cannot_become_markup_and_the_page_loads_nothing(folder: Path) -> None:
    bad = "<script>alert(1)</script> & <img src=x onerror=y> {{ 7 * 7 }} \"'"
    text = write([pair(1, 1.0, bad, bad)], folder, "<b>", Review()).read_text("utf-8")
    assert "<script" not in text and "<img" not in text and "<b>" not in text
    assert "&lt;script&gt;" in text and "{{ 7 * 7 }}" in text
    parsed = Balanced(text)
    assert parsed.links == []


def test_it_is_its_owners_alone_and_the_same_each_time(folder: Path) -> None:
    path = write([pair(1, 1.0), pair(2, 1.0)], folder, "dpo1", Review())
    assert path == folder / "index.html"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = path.read_bytes()
    write([pair(2, 1.0), pair(1, 1.0)], folder, "dpo1", Review())
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "reports/dpo1",
        "data/public/review",
        "data/private/../public",
        "data/private/../../out",
        "data/privately/review",
        "private/data",
    ],
)
def test_other_places_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"not below data/private"):
        write([pair(1, 1.0)], tmp_path / name, "dpo1", Review())
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_project_below_a_folder_of_that_name_is_not_private_throughout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "data" / "private" / "project"
    project.mkdir(parents=True)
    monkeypatch.chdir(project)
    for name in ("reports/dpo1", "data/public"):
        with pytest.raises(UserError, match=r"not below data/private"):
            write([pair(1, 1.0)], Path(name), "dpo1", Review())
    assert write([pair(1, 1.0)], PRIVATE / "review", "dpo1", Review()).is_file()


def test_a_link_that_leads_out_is_refused_and_one_of_the_whole_folder_is_not(
    tmp_path: Path,
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    private = tmp_path / "one" / "data" / "private"
    private.mkdir(parents=True)
    (private / "review").symlink_to(outside)
    with pytest.raises(UserError, match="link leads out"):
        review.write([pair(1, 1.0)], private / "review/dpo1", "dpo1", Review(), private=private)
    assert not list(outside.iterdir())

    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "two" / "data").mkdir(parents=True)
    (tmp_path / "two" / "data" / "private").symlink_to(disk)
    private = tmp_path / "two/data/private"
    review.write([pair(1, 1.0)], private / "review/dpo1", "dpo1", Review(), private=private)
    assert (disk / "review/dpo1/index.html").is_file()


def test_a_file_that_is_a_link_out_is_refused(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "index.html").symlink_to(tmp_path / "open.html")
    with pytest.raises(UserError, match="link leads out"):
        write([pair(1, 1.0)], folder, "dpo1", Review())


def test_no_pairs_and_a_report_of_a_megabyte(folder: Path) -> None:
    assert "no pair" in write([], folder, "dpo1", Review()).read_text("utf-8")
    long = "mot " * 250_000
    text = write([pair(1, 1.0, long, "mot " * 10)], folder, "dpo1", Review()).read_text("utf-8")
    assert "248000 more words are not shown" in text and len(text) < 100_000
