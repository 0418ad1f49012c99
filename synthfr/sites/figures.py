"""The figures that may leave a hospital: every name, what kind of number stands there, its range,
and how those of several hospitals become one.

Closed: a figure without a form here is not sent, and not accepted. So a stage that begins to tell
something new tells it to nobody outside before somebody has decided so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from synthfr.coding.decisions import RULES
from synthfr.coding.metrics.decided import NAMES
from synthfr.icd10.names import SOURCES
from synthfr.preferences.choice import COUNTS, DROPPED_BEST
from synthfr.privacy.audits import AUDITS
from synthfr.privacy.identifiers.finder import Kind
from synthfr.privacy.verdicts import RISKS
from synthfr.records import SCORES
from synthfr.text.language_resources import CONTEXTS

# add: documents of different people. mean: by documents. most: what holds for all of them.
# same: of what is public, where all tell the same. alone: means nothing beside another's.
Together = Literal["add", "mean", "most", "least", "same", "alone"]

_LARGEST = 10**9


@dataclass(frozen=True)
class Form:
    """Of the figures whose path (names, with / between) `path` matches wholly: numbers from `low`
    to `high`, or null; whole ones alone where `whole`.
    """

    path: re.Pattern[str]
    low: float
    high: float
    whole: bool
    together: Together

    def holds(self, value: Any) -> bool:
        """Whether a figure has this form."""
        if value is None:
            return True
        known = type(value) is int or (type(value) is float and not self.whole)
        return known and self.low <= value <= self.high


def _form(path: str, low: float, high: float, whole: bool, together: Together) -> Form:
    return Form(re.compile(path), low, high, whole, together)


def _count(path: str, together: Together = "add") -> Form:
    return _form(path, 0, _LARGEST, True, together)


def _flag(path: str) -> Form:
    return _form(path, 0, 1, True, "most")


def _share(path: str, together: Together = "mean") -> Form:
    return _form(path, 0, 1, False, together)


def _rate(path: str, together: Together = "mean") -> Form:
    """A share, a difference of two, or an end of its interval, which may lie beyond."""
    return _form(path, -100, 100, False, together)


def _amount(path: str, together: Together = "mean") -> Form:
    """Words, reports, and means, differences and intervals of them."""
    return _form(path, -_LARGEST, _LARGEST, False, together)


def _any(*names: str) -> str:
    return f"(?:{'|'.join(names)})"


_INTERVAL = _any("mean", "low", "high", "min", "max")
_SIDE = _any("train", "holdout")
_GAP = rf"(?:{_SIDE}|difference/{_INTERVAL})"
_SPREAD = _any("mean", "median", "max", "p95", "p99")

_OF_SIDE = [
    _count("documents", "add"),
    _count("kept", "add"),
    _amount("keywords_found_per_document"),
    _share(
        _any("without_prompt", "without_keyword", *SOURCES, *CONTEXTS)
        + "_share|codes_(?:widened|unknown)_share"
    ),
]
_OF_PROMPTS = [_amount("terms_per_prompt"), _share("share_in_text")]


def _within(name: str, forms: list[Form], together: Together | None = None) -> list[Form]:
    return [
        _form(
            f"{name}/(?:{one.path.pattern})",
            one.low,
            one.high,
            one.whole,
            together or one.together,
        )
        for one in forms
    ]


_WORK = _any("terms", "misspelt", "windows", "distinct", "exact", "approximate")
_KEYWORDS = [
    _count(f"matcher/{_WORK}", "most"),
    *_within("public", _OF_SIDE, "same"),
    *_within("private", _OF_SIDE),
    *_within("training_prompts", _OF_PROMPTS, "same"),
    *_within("private_prompts", _OF_PROMPTS),
    _share(r"prompt_sets/unique(?:_in_order|_pair)?_share"),
    _share(r"prompt_sets/size_shares/(?:\d{1,3}|other)"),
    _count("given/" + _any("drawn", "by_report", "by_codes", "neither"), "same"),
    _count("exported/" + _any("keywords", "dropped_as_rare"), "most"),
    _count("exported/" + _any("code", "pair", "size", "set") + "_rows", "most"),
    _share("exported/whole_sets_share"),
]
_SCORE = [
    _count(_any("candidates", "prompts", "unjudged")),
    _flag("control/" + _any("shuffled", "wrong_document")),
    _share("discriminator/" + _any("auc", "private", "public")),
    _count("encoder/" + _any("own_limit", "max_tokens", "tokens_read", "window_tokens"), "same"),
]
_PARTS = _any(*SCORES.schema.names[len(SCORES.key) :])
_RELEASE = [
    _count("counts/" + _any(*COUNTS, DROPPED_BEST)),
    _rate(rf"total/mean|spread|{_PARTS}/(?:mean|sd)"),
    # of a patient of one hospital; who is in several has the sum of their epsilons
    _amount("dp/epsilon/" + _any("round", "all_rounds", "spent"), "most"),
    _amount("dp/mu/" + _any("round", "all_rounds"), "most"),
    _share("dp/delta", "most"),
    _amount("dp/distance", "most"),
    _amount("dp/sigma", "least"),
    _amount("dp/sensitivity", "most"),
    _flag("dp/neighbours/" + _any("add_remove", "replace_one")),
    _count("dp/ledger_entry", "alone"),
]
_METRICS = (
    _any(*NAMES, "map", "map_document", "r_precision", "auc_macro", "auc_micro")
    + r"|(?:precision|recall|f1)_at_\d{1,3}"
)
_SETTING = _any(
    *("labels", "labels_with_own_threshold", "trained_reports", "evaluated_reports", "threshold")
)
_CELL = r"size=\d{1,9}/top_k=\d{1,9}/"


def _of_coders(cell: str) -> list[Form]:
    return [
        _rate(rf"{cell}(?:rules/{_any(*RULES)}/)?(?:{_METRICS})/(?:{_INTERVAL}|seed=\d{{1,10}})"),
        _amount(rf"{cell}{_SETTING}/{_INTERVAL}"),
    ]


_FEATURES = _any(
    *("documents", "sentences", "tokens", "unique_tokens", "unique_token_ratio"),
    *("sentences_per_document", "tokens_per_document", "tokens_per_sentence"),
    *("words_mean", "words_sd", "words_median"),
    *("unique_token_ratio_at_equal_size", "distinct_3", "distinct_texts"),
)
_PHRASES = _any(
    *("code_recall", "wrong_codes", "well_formed", "phrases"),
    *("hospital_binding", "hospital_share", "public_binding"),
    *("known_coverage", "known_share", "local_coverage", "local_share"),
)
_DISTANCE = _any("synthetic", "floor")
_LEVEL = _any("real", "synthetic", "difference", "floor")
_NUMBERS = _any(
    *("words_per_report", "sentences_per_report", "sections_per_report", "codes_per_report"),
    *("numbers_per_100_words", "negated_share"),
)
_KINDS = _any("sections", "codes", "code_pairs", "words")
_STYLE = _any(
    *("lengths", "punctuation", "digits", "casing", "layout", "headings", "sentence_starts"),
    *("common_words", "one_sided_words", "common_word_pairs", "one_sided_word_pairs"),
)
_CLOUD = _any("frechet", "precision", "recall", "density", "coverage", "mauve")
_FIDELITY = [
    _amount(rf"{_FEATURES}/{_any('real', 'synthetic', 'difference', 'real_difference')}"),
    _share("keyword_recall/synthetic"),
    _amount(rf"faithfulness(?:_real|_floor)?/{_PHRASES}"),
    # null: there were too few reports
    _share(_any("distributions", "diversity", "discriminator", "embedding", "own_codes")),
    _count(rf"{_any('distributions', 'diversity', 'discriminator', 'embedding')}/reports", "least"),
    _amount(rf"distributions/{_NUMBERS}/{_LEVEL}"),
    _share(rf"distributions/{_NUMBERS}/ks/{_DISTANCE}"),
    _share(rf"distributions/{_KINDS}/(?:js|apart|merged|merged_real)/{_DISTANCE}"),
    _rate(rf"diversity/(?:(?:same_codes_)?self_bleu|distinct_\d_words)/{_LEVEL}"),
    _share(r"diversity/same_codes_self_bleu"),
    _rate(rf"discriminator/auc/{_DISTANCE}/{_INTERVAL}"),
    _rate(rf"discriminator/{_any('shares', 'alone')}/{_STYLE}/{_DISTANCE}"),
    _amount(rf"embedding/{_CLOUD}/{_DISTANCE}/{_INTERVAL}"),
    _count("embedding/repeats", "same"),
    _count("own_codes/labels", "most"),
    _rate(
        "own_codes/"
        + _any("probability", "other_probability", "ranked_right", "micro_f1")
        + f"/{_LEVEL}"
    ),
]
_TEST = "tests/" + _any(*AUDITS)
_PRIVACY = [
    _share(rf"{_SIDE}/(?:containment|jaccard)"),
    _rate(rf"{_SIDE}/(?:report_share|reports_sharing)/{_INTERVAL}"),
    _amount(rf"{_SIDE}/longest_run_words/{_SPREAD}"),
    _rate("gap/containment"),
    _amount(rf"gap/(?:report_share|longest_run_words)/{_INTERVAL}"),
    _count("gap/compared_reports"),
    _share(rf"best_match/{_SIDE}/(?:precision|f_measure|recall/{_SPREAD})"),
    _share(rf"best_match/{_SIDE}/shared_ngrams_of/(?:boilerplate|few_patients|one_patient)"),
    _rate(rf"best_match/recall/(?:{_SPREAD}|mean_of_top_(?:percent|\d{{1,6}}))/{_GAP}"),
    _amount(rf"embedding/(?:dcr|nndr)/{_GAP}"),
    _share("embedding/nearer_to_train"),
    _amount(rf"longest_run_words/(?:{_SIDE}/{_SPREAD}|mean/{_GAP})"),
    _share("near_duplicates/threshold"),
    _rate(rf"near_duplicates/reports/{_GAP}"),
    _rate(rf"shared_ngrams/(?:containment|jaccard|report_share|reports_sharing)/{_GAP}"),
    _form("verdict", 0, 2, True, "most"),
    _amount(rf"{_TEST}/{_GAP}"),
    _share(rf"{_TEST}/(?:p_value|adjusted_p)"),
    _flag(rf"{_TEST}/exceeds"),
    _form(rf"{_TEST}/risk", 0, len(RISKS) - 1, True, "same"),
    _form(rf"{_TEST}/verdict", 0, 2, True, "most"),
    _count(rf"{_TEST}/detection/(?:verbatim|reworded)"),
    _rate(rf"{_TEST}/(?:all_guesses|baseline)/(?:{_SIDE}|difference)/{_INTERVAL}"),
    _share(rf"{_TEST}/all_guesses/p_value"),
    _rate(rf"{_TEST}/all_guesses/risk"),
    _rate(rf"{_TEST}/(?:auc|tpr_at_1_percent|tpr_at_10_percent)/{_INTERVAL}"),
    _count(rf"{_TEST}/(?:limit_words|longest_words/{_SIDE})"),
    _flag(rf"{_TEST}/nothing_to_replay"),
    _rate(rf"{_TEST}/kinds/{_any(*get_args(Kind))}/(?:{_GAP}|difference)"),
    _flag(rf"{_TEST}/kinds/{_any(*get_args(Kind))}/(?:farthest|too_few_reports)"),
]

FORMS: Mapping[str, list[Form]] = {
    "keywords": _KEYWORDS,
    "score": _SCORE,
    "release": _RELEASE,
    "classify": _of_coders(f"{_CELL}(?:original/)?"),
    "fidelity": _FIDELITY,
    "privacy": _PRIVACY,
    "judge_coder": _of_coders(_CELL),
}
"""By stage."""


def unknown(measures: Mapping[str, Any], stages: Collection[str]) -> list[str]:
    """Paths of those measures that may not leave, of an answer for these `stages`."""
    return [
        path
        for path, value in _leaves("", measures)
        if path.split("/", 1)[0] not in stages or not _holds(path, value)
    ]


def together(path: str) -> Together:
    """How a figure of several hospitals, ``stage/name/...``, becomes one."""
    form = _of(path)
    return "alone" if form is None else form.together


def _holds(path: str, value: Any) -> bool:
    form = _of(path)
    return form is not None and form.holds(value)


def _of(path: str) -> Form | None:
    stage, _, rest = path.partition("/")
    return next((one for one in FORMS.get(stage, ()) if one.path.fullmatch(rest)), None)


def _leaves(prefix: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        yield prefix, tree
        return
    for name, inner in tree.items():
        yield from _leaves(f"{prefix}/{name}" if prefix else str(name), inner)
