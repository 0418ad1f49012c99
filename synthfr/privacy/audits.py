"""The tests that a set of synthetic reports is put to, and how each is set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthfr.corpora import canaries
from synthfr.privacy.attributes import AttributeInference
from synthfr.privacy.best_match import Index
from synthfr.privacy.canaries import CanaryAudit
from synthfr.privacy.copied import BestMatch5, CopiedRuns, SharedNgrams8
from synthfr.privacy.findings import Audit
from synthfr.privacy.identifiers.replay import IdentifierReplay
from synthfr.privacy.membership.language_model import LanguageModelAttack
from synthfr.privacy.membership.nearest import NearestNeighbour
from synthfr.privacy.membership.tuned import TunedModel
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import Sides
from synthfr.privacy.term_vectors import TermVectors
from synthfr.text.tokens import composed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Setup:
    """What tests are set up with.

    Attributes:
        sides: the private reports, without canaries.
        settings: parameters `privacy`.
        min_documents: a count below it is not written down.
        canaries: what was planted in the train reports (CANARIES); None: nothing.
    """

    sides: Sides
    settings: Privacy
    random_seed: int
    min_documents: int
    canaries: pd.DataFrame | None = None

    @property
    def planted(self) -> list[str]:
        """Ids of the reports that hold a canary."""
        return [] if self.canaries is None else list(self.canaries["report_id"].dropna())

    @cached_property
    def index(self) -> Index:
        """The private reports by their 5-grams; several tests search it."""
        return Index(self.sides.texts)

    @cached_property
    def vectors(self) -> TermVectors:
        """Of the terms of the private reports; several tests compare by them."""
        return TermVectors(self.sides.texts)

    def sides_with_canaries(self) -> Sides:
        """The private reports as the loop has read them."""
        if self.canaries is None:
            return self.sides
        texts = canaries.put_in(self.sides.ids, self.sides.texts, self.canaries)
        return replace(self.sides, texts=tuple(map(composed, texts)))


@dataclass(frozen=True)
class Audited:
    """Synthetic reports: texts (NFC), and the codes that leave with them; none where none do."""

    texts: Sequence[str]
    codes: Sequence[Sequence[str]] = field(default_factory=list)


Make = Callable[[Setup], Audit[Any] | None]


def _canaries(of: Setup) -> Audit[Any] | None:
    if of.canaries is None or not of.planted:
        return None
    return CanaryAudit(of.canaries, of.settings.membership, of.random_seed)


def _tuned(of: Setup) -> Audit[Any] | None:
    if not of.settings.membership.tuned_epochs:
        return None
    return TunedModel(of.sides, of.settings.membership, of.random_seed)


# a test whose every finding takes a training: its limit is not measured, and it never passes alone
WITHOUT_LIMIT = frozenset({TunedModel.name})

# name in the metrics file -> sets the test up; None where there is nothing that it could look for
AUDITS: Mapping[str, Make] = {
    CopiedRuns.name: lambda of: CopiedRuns(of.sides, of.settings.copying, of.random_seed),
    SharedNgrams8.name: lambda of: SharedNgrams8(of.sides, of.settings.copying, of.random_seed),
    BestMatch5.name: lambda of: BestMatch5(of.sides, of.settings.copying, of.random_seed, of.index),
    NearestNeighbour.name: lambda of: NearestNeighbour(
        of.sides, of.settings.membership, of.random_seed, of.vectors
    ),
    LanguageModelAttack.name: lambda of: LanguageModelAttack(
        of.sides, of.settings.membership, of.random_seed
    ),
    TunedModel.name: _tuned,
    AttributeInference.name: lambda of: AttributeInference(
        of.sides, of.settings.attributes, of.random_seed, of.vectors
    ),
    IdentifierReplay.name: lambda of: IdentifierReplay(
        of.sides, of.settings.identifiers, of.random_seed, min_documents=of.min_documents
    ),
    CanaryAudit.name: _canaries,
}


def measure(audit: Audit[Any], reports: Audited) -> Any:
    """The audit's state for these reports; attribute inference takes their codes too."""
    if isinstance(audit, AttributeInference):
        return audit.measure(reports.texts, reports.codes)
    return audit.measure(reports.texts)


def wants_codes(name: str) -> bool:
    """Whether the test can only be put to reports that leave with their codes."""
    return name == AttributeInference.name
