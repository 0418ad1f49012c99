"""The privacy gate at `publish`: a failure is refused unless somebody answers for it in the card,
an audit that cannot tell warns.
"""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from synthfr.pipeline.cli import app
from synthfr.pipeline.profiles import lay
from tests.publishing.conftest import Publish, of_verdict, record_audit, record_round

ACCEPTED = "Dr A. Martin, DPO: the passage is a public form"


def test_a_failure_is_refused(checkout: Path, publish: Publish, tmp_path: Path) -> None:
    record_audit(checkout, of_verdict(2))
    done = publish()
    assert done.exit_code == 1
    assert "The privacy audit of dpo1 failed (copied_runs)" in done.stderr
    assert "--accept-privacy-failure" in done.stderr and "Remove the synthetic" in done.stderr
    assert not (tmp_path / "out").exists()


def test_who_answers_for_a_failure_stands_in_the_card(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    record_audit(checkout, of_verdict(2))
    done = publish("--accept-privacy-failure", ACCEPTED)
    assert done.exit_code == 0, done.output
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert "**Fail**" in card
    assert (
        "Let out in spite of it (`copied_runs`). Dr A. Martin, DPO answers for that: the passage "
        "is a public form" in card
    )


def test_a_name_without_a_reason_is_refused(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    record_audit(checkout, of_verdict(2))
    done = publish("--accept-privacy-failure", "Dr A. Martin")
    assert done.exit_code == 1 and "write who answers for it and why" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_audit_that_cannot_tell_warns(checkout: Path, publish: Publish, tmp_path: Path) -> None:
    record_audit(checkout, of_verdict(1))
    done = publish()
    assert done.exit_code == 0, done.output
    assert "cannot tell whether dpo1 leaks (copied_runs)" in done.stderr
    assert "**Cannot tell**" in (tmp_path / "out/README.md").read_text("utf-8")


def test_a_pass_is_silent_and_told_with_its_limits(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    """Negative control; an acceptance that nobody needs is not written."""
    record_audit(checkout, of_verdict(0))
    done = publish("--license", "cc-by-4.0", "--accept-privacy-failure", ACCEPTED)
    assert done.exit_code == 0 and done.stderr == ""
    card = (tmp_path / "out/README.md").read_text("utf-8")
    row = "| `copied_runs` | 1.5 | 1.25 | +0.25 [-0.125 … +0.5] | 5 / – | pass |"
    assert "**Pass**" in card and row in card
    assert "Does a synthetic report repeat a passage" in card and "Martin" not in card


def test_a_server_on_this_machine_is_no_publication(checkout: Path, tmp_path: Path) -> None:
    record_audit(checkout, of_verdict(2))
    options = ["export", "--step", "dpo1", "--out", str(tmp_path / "served"), "--lora"]
    assert CliRunner().invoke(app, options).exit_code == 0


class TestPush:
    """`synth-fr gate`, which the hook before a push runs."""

    @staticmethod
    def gate() -> tuple[int, str]:
        done = CliRunner().invoke(app, ["gate"])
        return done.exit_code, done.stderr

    def test_a_failure_is_refused(self, checkout: Path) -> None:
        record_audit(checkout, of_verdict(2))
        status, told = self.gate()
        assert status == 1 and "data/synthetic/dpo1 failed" in told and "Nothing is pushed" in told

    def test_what_passes_or_cannot_tell_goes(self, checkout: Path) -> None:
        record_audit(checkout, of_verdict(0))
        assert self.gate() == (0, "")
        record_audit(checkout, of_verdict(1))
        status, told = self.gate()
        assert status == 0 and "cannot tell" in told

    def test_a_round_that_failed_stops_a_push_only_where_it_shall(self, checkout: Path) -> None:
        record_audit(checkout, of_verdict(0))
        record_round("linkage", of_verdict(2))
        status, told = self.gate()
        assert status == 0 and "data/rounds/dpo1 failed" in told
        lay(Path("params.yaml"), {"privacy": {"gate": {"rounds": "refuse"}}})
        status, told = self.gate()
        assert status == 1 and "data/rounds/dpo1 failed" in told and "Nothing is pushed" in told

    def test_no_audit_of_what_is_pushed_is_told(self, checkout: Path) -> None:
        record_audit(checkout, of_verdict(2))
        lock = Path("dvc.lock")
        lock.write_text(lock.read_text().replace("privacy@dpo1", "other@dpo1"))
        status, told = self.gate()
        assert status == 0 and "No privacy audit of data/synthetic/dpo1" in told

    def test_an_audit_of_other_data_is_none(self, checkout: Path) -> None:
        import yaml

        record_audit(checkout, of_verdict(2))
        lock = yaml.safe_load(Path("dvc.lock").read_text())
        other = {"path": "data/synthetic/dpo1", "md5": f"{'0' * 32}.dir"}
        lock["stages"]["synthesize@dpo1"]["outs"] = [other]
        Path("dvc.lock").write_text(yaml.safe_dump(lock))
        status, told = self.gate()
        assert status == 0 and "No privacy audit of data/synthetic/dpo1" in told

    def test_without_a_lock_there_is_nothing_to_push(self, checkout: Path) -> None:
        assert self.gate() == (0, "")
