"""The dossier: whole in both languages, signed, and not verified once a byte is another."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from synthfr import signing
from synthfr.disk import digest_tree, read_yaml, sha256_file, write_json
from synthfr.dp import accounting
from synthfr.errors import UserError
from synthfr.pipeline.cli import app
from synthfr.publishing import dossier
from synthfr.publishing.dossier.page import HERE
from tests.dp.test_claims import claim
from tests.publishing.conftest import TEXTS, of_verdict, record_audit, record_round

LINEAGE = {
    "reports_sha256": "a" * 64, "base": {"digest": "b"}, "adapters": [], "run": {},
    "releases": {}, "guarantees": {},
}  # fmt: skip
NOISY = {"score.release": "population", "score.dp": {"epsilon": 2.0}}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    signing.new_key(tmp_path / "dpo.pem")
    return tmp_path / "dpo.pem"


def run(*options: str) -> Result:
    return CliRunner().invoke(app, list(options))


def made(tmp_path: Path, key: Path, language: str = "fr") -> Path:
    out = tmp_path / f"{language}.html"
    done = run("dossier", "dpo1", "--key", str(key), "--language", language, "--out", str(out))
    assert done.exit_code == 0, done.output
    return out


class Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("src", "href") and value]


@pytest.mark.parametrize(
    ("language", "phrases"),
    [
        ("fr", ["Individualisation", "Corrélation", "Inférence", "+0,25", "-0,125 … +0,5"]),
        ("en", ["Singling out", "Linkability", "Inference", "+0.25", "-0.125 … +0.5"]),
    ],
)  # fmt: skip
def test_it_says_what_was_measured_and_stands_alone(
    language: str, phrases: list[str], audited: Path, tmp_path: Path, key: Path
) -> None:
    page = made(tmp_path, key, language).read_text("utf-8")
    words = read_yaml(HERE / f"{language}.yaml")
    found = " ".join(Text(page).parts)
    for phrase in [*phrases, words["verdicts"][0], words["no_guarantee"], words["none_failed"]]:
        assert phrase in found, phrase
    assert found.count(words["no_test"]) == 2  # of two criteria nothing was measured
    assert Text(page).links == []
    digests = (
        digest_tree("models/dpo1"),
        digest_tree("models/step0"),
        sha256_file("data/synthetic/dpo1/reports.parquet"),
    )
    assert all(digest in page for digest in digests)
    assert not any(text in page for text in TEXTS)


def test_a_failure_comes_with_its_remedy(checkout: Path, tmp_path: Path, key: Path) -> None:
    record_audit(checkout, of_verdict(2))
    found = " ".join(Text(made(tmp_path, key).read_text("utf-8")).parts)
    assert "Échec." in found and "Retirer les comptes rendus synthétiques" in found


def test_a_round_that_leaks_has_a_verdict_beside_the_data_sets(
    audited: Path, tmp_path: Path, key: Path
) -> None:
    leaking = of_verdict(2)["tests"]["copied_runs"]
    record_round("linkage", {"verdict": 2, "tests": {"score_linking": leaking}})
    found = " ".join(Text(made(tmp_path, key).read_text("utf-8")).parts)
    assert "Le jeu de données: Réussite." in found and "score_linking" in found
    assert "Ce qui est sorti pendant l'apprentissage: Échec." in found
    # figures of something else are none
    write_json("metrics/linkage/dpo1.json", {"verdict": 0, "tests": {"score_linking": leaking}})
    (tmp_path / "fr.html").unlink()
    assert "score_linking" not in made(tmp_path, key).read_text("utf-8")


def test_it_is_what_was_signed_and_nothing_else(
    audited: Path, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = made(tmp_path, key)
    public = signing.public_half(key)
    again = made(tmp_path / "again", key)
    assert again.read_bytes() == page.read_bytes()
    assert dossier.signature_of(again).read_bytes() == dossier.signature_of(page).read_bytes()
    monkeypatch.chdir(tmp_path)  # no checkout is needed
    done = run("verify", page.name, "--key", str(public))
    assert done.exit_code == 0 and "is what the owner of" in done.stdout
    page.write_text(page.read_text("utf-8").replace("+0,25", "+0,05"), "utf-8")
    done = run("verify", page.name, "--key", str(public))
    assert done.exit_code == 1 and "is not the page that was signed" in done.stderr


def test_another_key_and_a_missing_signature_are_told(
    audited: Path, tmp_path: Path, key: Path
) -> None:
    page = made(tmp_path, key)
    signing.new_key(tmp_path / "other.pem")
    done = run("verify", str(page), "--key", str(tmp_path / "other.pem.pub"))
    assert done.exit_code == 1 and "signed with another key" in done.stderr
    dossier.signature_of(page).unlink()
    done = run("verify", str(page), "--key", str(signing.public_half(key)))
    assert done.exit_code == 1 and "a dossier is two files" in done.stderr


def test_a_signature_of_another_kind_of_file_is_none(tmp_path: Path, key: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>")
    dossier.signature_of(page).write_bytes(signing.sign(b"<p>", "application/other", key))
    with pytest.raises(UserError, match="another kind of file"):
        dossier.verify(page, signing.public_half(key))


def test_no_dossier_without_an_audit_of_this_data(
    checkout: Path, tmp_path: Path, key: Path
) -> None:
    done = run("dossier", "dpo1", "--key", str(key))
    assert done.exit_code == 1 and "dvc repro privacy@dpo1" in done.stderr
    assert "no step 'dpo9'" in run("dossier", "dpo9", "--key", str(key)).stderr


def test_a_language_without_texts_is_told(audited: Path, tmp_path: Path, key: Path) -> None:
    done = run("dossier", "dpo1", "--key", str(key), "--language", "xx")
    assert done.exit_code == 1 and "no dossier in 'xx': en or fr" in done.stderr


def rendered(guarantees: dict[str, Any]) -> str:
    facts = dossier.Facts("dpo1", of_verdict(0), LINEAGE | {"guarantees": guarantees})
    return dossier.render(facts, "en")


def test_a_guarantee_is_told_with_what_it_does_not_cover() -> None:
    page = rendered({"dpo1": claim(0.3, entry=8, spent=3.0), "dpo2": claim(0.4, entry=2)})
    epsilon = f"ε = {accounting.epsilon(0.5, 1e-5):.3g}"
    assert epsilon in page and "ε = 3" in page and "does not cover the exported keywords" in page
    # Phi(Phi^-1(.01) + .5) = Phi(-1.826) = .0339
    assert "3.39 %" in page
    assert "None is claimed" in rendered({})
    assert "None is claimed" in rendered({"dpo1": claim(0.3), "dpo2": {}})


@pytest.mark.parametrize("stale", ["", "metrics", "lock"])
def test_a_guarantee_is_claimed_by_figures_of_this_run_alone(
    stale: str, audited: Path, tmp_path: Path, key: Path
) -> None:
    record_round("release", {"dp": claim(0.5)}, **NOISY)
    if stale == "metrics":
        write_json("metrics/release/dpo1.json", {"dp": claim(0.1)})
    if stale == "lock":
        lock = Path("dvc.lock")
        lock.write_text(lock.read_text().replace("release@dpo1", "release@dpo2"))
    found = " ".join(Text(made(tmp_path, key, "en").read_text("utf-8")).parts)
    assert ("3.39 %" in found) == (stale == "") != ("None is claimed" in found)
    noisy = "dpo1: The scores left as numbers about the whole private corpus, with noise"
    assert (noisy in found) == (stale != "lock")
    assert ("dpo1: How its scores left is not known here" in found) == (stale == "lock")


def test_the_languages_say_the_same_things() -> None:
    def shape(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {name: shape(one) for name, one in tree.items()}
        return [shape(one) for one in tree] if isinstance(tree, list) else None

    shapes = [shape(read_yaml(HERE / f"{one}.yaml")) for one in dossier.languages()]
    assert len(shapes) > 1 and all(one == shapes[0] for one in shapes)
