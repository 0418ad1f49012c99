"""Questions as they stand in this checkout, and the answers that were accepted to them.

A clone without private documents (`outside`) has, for every private stage, one that unpacks the
answer which hospitals gave instead. Accepted answers lie in ``data/exchange``, each a signed bundle
``<site>.zip`` beside the public key ``<site>.pub`` that it was checked with; they hold nothing
private and belong into git.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr import records
from synthfr.disk import atomic_path, read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import dvc_graph, layout
from synthfr.sites import bundle, coders, combine, evaluation, exchanges, keywords, scores
from synthfr.sites.exchanges import STAGES, Answer, Exchange, Question
from synthfr.sites.leaves import within
from synthfr.sites.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.pipeline.parameters import Params

# whose parameters an answer follows from too: how private reports are read and split, and how the
# coders that are judged were trained
_ALSO: Mapping[Exchange, tuple[str, ...]] = {"keywords": ("seed",), "evaluation": ("train_coder",)}
# limits that no figure follows from
_DECIDED_OUTSIDE = tuple(
    f"fidelity.{name}" for name in ("min_keyword_recall", "min_code_recall", "max_wrong_codes")
)

_BUNDLE, _KEY = ".zip", ".pub"
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Accepted:
    """An answer in its place, and the site that gave it."""

    site: str
    answer: Answer
    manifest: Manifest

    @property
    def entry(self) -> int | None:
        """Of the site's ledger of noise, that the answer was paid with; without noise None."""
        entry: int | None = (
            self.answer.measures.get("release", {}).get("dp", {}).get("ledger_entry")
        )
        return entry


def counting(exchange: Exchange) -> tuple[str, ...]:
    """The stages whose parameters count for the answer."""
    return (*STAGES[exchange], *_ALSO.get(exchange, ()))


def counted(exchange: Exchange, item: str | None, params: Params) -> dict[str, Any]:
    """The parameters that the answer can change with, by their dotted names: those that dvc.yaml
    lists for the stages which it stands for.
    """
    values = params.model_dump(mode="json")
    graph = dvc_graph.resolve(read_yaml("dvc.yaml"), values)
    names = set()
    for kind in counting(exchange):
        name = kind if item is None else f"{kind}@{item}"
        if name not in graph.stages:
            known = ", ".join(one for one in graph.stages if one.startswith(f"{kind}@"))
            raise UserError(f"There is no stage {name} in dvc.yaml: it has {known or 'none'}.")
        names |= set(graph.stages[name].params)
    names -= set(_DECIDED_OUTSIDE)
    whole = dict.fromkeys(names)
    return {
        name: dvc_graph.value_at(values, name) for name in sorted(names - set(within(whole, whole)))
    }


def question(
    exchange: Exchange, item: str | None, params: Params, site: str | None = None
) -> Question:
    """What would be asked now about a round or step; where a `site` is named, about its own prompts
    (scores) or by the code sets that it let out (evaluation).
    """
    refuse_canaries(params)
    if exchange == "scores":
        asked = _about_scores(str(item), params, site)
        return replace(asked, items=list(params.rounds))
    if exchange == "keywords":
        return keywords.question(
            counted(exchange, item, params),
            seed=records.read_table(layout.SEED, records.REPORTS),
            codes=records.read_table(layout.CODES, records.CODES),
        )
    code_sets = (
        records.read_table(layout.CODE_SETS, records.CODE_SETS)
        if site is None
        else told_by(site).tables["code_sets"]
    )
    asked = evaluation.question(
        str(item),
        counted(exchange, item, params),
        reports=records.read_table(layout.synthetic_reports(str(item)), records.SYNTHETIC),
        code_sets=code_sets,
        codes=records.read_table(layout.CODES, records.CODES),
        seed=records.read_table(layout.SEED, records.REPORTS),
        kept=_kept_coders(str(item), params, code_sets, site),
    )
    return replace(asked, items=list(params.steps))


def _kept_coders(
    step: str, params: Params, code_sets: pd.DataFrame, site: str | None
) -> dict[str, bytes]:
    """None for a `site` of several that let out no code of some label: it cannot judge it."""
    if not params.has("train_coder") or not params.train_coder.seeds:
        return {}
    kept = coders.packed(layout.coder(step))
    return {} if site is not None and coders.strange_labels(kept, code_sets) else kept


def refuse_canaries(params: Params) -> None:
    """UserError where canaries are to be planted: that is done where the documents are."""
    if params.has("seed") and params.seed.canaries > 0:
        raise UserError(
            "seed.canaries is above 0, and nothing is planted in a hospital's documents from "
            "outside: set it to 0."
        )


def _about_scores(round_: str, params: Params, site: str | None) -> Question:
    prompts = records.read_table(layout.PROMPTS, records.PROMPTS)
    if site is not None:
        prompts = prompts[prompts["prompt_id"].isin(told_by(site).tables["prompts"]["prompt_id"])]
    return scores.question(
        round_,
        counted("scores", round_, params),
        params.score,
        candidates=records.read_table(layout.candidates(round_), records.CANDIDATES),
        prompts=prompts,
        judgements=records.read_table(layout.judgements(round_), records.JUDGEMENTS),
        seed=records.read_table(layout.SEED, records.REPORTS),
        codes=records.read_table(layout.CODES, records.CODES),
    )


def told_by(site: str) -> Answer:
    """A site's answer about keywords."""
    for one in accepted("keywords", None):
        if one.site == site:
            return one.answer
    raise UserError(
        f"{layout.answers('keywords')} has no answer of a site '{site}': accept its keywords first."
    )


def accept(path: Path, senders: Sequence[Path], params: Params) -> Accepted:
    """Check the answer in the bundle at `path`, signed by one of the `senders`, and put it into its
    place under the name of the sender's key.

    Raises:
        UserError: it is no answer to what would be asked now, or holds what no answer may hold.
    """
    data = read_bundle(path)
    try:
        opened = bundle.unpack(data, senders)
        if opened.manifest.side != "answer":
            raise UserError("it is a question: a hospital answers it, and that answer is accepted.")
        site = _site(opened.sender)
        answer, manifest, _ = exchanges.read_answer(data, opened.manifest.exchange, senders)
        new = Accepted(site, answer, manifest)
        check(new, params)
        _check_ledger(new, params)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    folder = layout.answers(manifest.exchange, manifest.item)
    others = _still_fitting(folder, site, manifest, params)
    if manifest.exchange == "scores":  # refuse a mix of ways before it is in place
        combine.released([one.answer for one in (*others, new)])
    with atomic_path(folder / f"{site}{_KEY}") as partial:
        shutil.copyfile(opened.sender, partial)
    with atomic_path(folder / f"{site}{_BUNDLE}") as partial:
        partial.write_bytes(data)
    return new


def read_bundle(path: Path) -> bytes:
    """The bytes of a bundle; UserError where it cannot be read."""
    try:
        if path.stat().st_size > bundle.MOST_BYTES:
            raise UserError(
                f"{path} is larger than {bundle.MOST_BYTES >> 20} MiB: ask for less at once."
            )
        return path.read_bytes()
    except OSError:
        raise UserError(f"{path} cannot be read: name a bundle that you were sent.") from None


def check(given: Accepted, params: Params) -> None:
    """Refuse an answer that does not fit what lies here now."""
    answer, manifest = given.answer, given.manifest
    by = given.site if manifest.exchange == "evaluation" else None
    now = question(manifest.exchange, manifest.item, params, by)
    if manifest.exchange == "scores":
        scores.check(answer, manifest, now, params.score)
    elif manifest.exchange == "keywords":
        keywords.check(answer, manifest, now, params.keywords, params.prompt.template)
    else:
        evaluation.check(answer, manifest, now)


def accepted(exchange: Exchange, item: str | None) -> list[Accepted]:
    """All answers in their place, their signatures checked, by site."""
    folder = layout.answers(exchange, item)
    found = []
    for path in sorted(folder.glob(f"*{_BUNDLE}")):
        try:
            answer, manifest, _ = exchanges.read_answer(
                path.read_bytes(), exchange, [path.with_suffix(_KEY)]
            )
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        found.append(Accepted(path.stem, answer, manifest))
    return found


def checked(exchange: Exchange, item: str | None, params: Params) -> list[Answer]:
    """All answers in their place, which must fit what lies here now; UserError where there is none
    or one does not.
    """
    found = accepted(exchange, item)
    if not found:
        raise UserError(
            f"{layout.answers(exchange, item)} has no answer: send the question (`synth-fr bundle`)"
            " and accept what comes back (`synth-fr accept`)."
        )
    for one in found:
        try:
            check(one, params)
        except UserError as error:
            place = layout.answers(exchange, item) / f"{one.site}{_BUNDLE}"
            raise UserError(f"{place}: {error}") from None
    return [one.answer for one in found]


def _check_ledger(new: Accepted, params: Params) -> None:
    """Refuse an answer paid with the entry of the site's ledger that another round's was: the
    ledger was put back from an older copy, and what was spent is no longer known.
    """
    if new.entry is None:
        return
    for round_ in params.rounds:
        if round_ == new.manifest.item:
            continue
        if any(
            (one.site, one.entry) == (new.site, new.entry) for one in accepted("scores", round_)
        ):
            raise UserError(
                f"the answer has the number in {new.site}'s ledger that its answer to {round_} "
                "has: the ledger was put back from an older copy: ask its sender."
            )


def _still_fitting(folder: Path, site: str, manifest: Manifest, params: Params) -> list[Accepted]:
    """What other sites answered to the same question; answers to former ones are removed."""
    kept = []
    for one in accepted(manifest.exchange, manifest.item):
        if one.site == site:
            continue
        try:
            check(one, params)
        except UserError:
            for suffix in (_BUNDLE, _KEY):
                (folder / f"{one.site}{suffix}").unlink()
        else:
            kept.append(one)
    return kept


def _site(key: Path) -> str:
    """A site is called as the file with its public key, without the suffix."""
    if not _SITE.fullmatch(key.stem):
        raise UserError(
            f"{key}: a site is called as its key's file, in letters, digits, _ and -: rename it."
        )
    return key.stem
