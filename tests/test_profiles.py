"""Profiles: every shipped one gives valid parameters, and applying one keeps the comments."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import profiles
from synthfr.pipeline.parameters import load_params, parse

ROOT = Path(__file__).parents[1]
PARAMS, FOLDER = ROOT / "params.yaml", ROOT / "profiles"
SHIPPED = profiles.names(FOLDER)


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return Path(shutil.copy(PARAMS, tmp_path / "params.yaml"))


def overlay(tmp_path: Path, text: str, name: str = "mine") -> Path:
    path = tmp_path / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_gives_valid_parameters(name: str) -> None:
    parse(profiles.merged(PARAMS, FOLDER / f"{name}.yaml"), name)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_opens_with_what_it_takes_to_run_it(name: str) -> None:
    text = "\n".join(profiles.header(FOLDER / f"{name}.yaml"))
    for word in ("Assumes", "Model", "Launch", "Override", "Undo"):
        assert re.search(rf"^{word} ", text, re.MULTILINE), word
    assert f"synth-fr profile apply {name}" in text


def test_published_has_the_values_of_the_publication() -> None:
    published = parse(profiles.merged(PARAMS, FOLDER / "published.yaml"), "published")
    keywords, sft, dpo = published.keywords, published.sft, published.dpo
    assert (keywords.matcher, keywords.ngrams.threshold) == ("ngrams", 0.8)
    assert (keywords.ngrams.max_window_tokens, keywords.max_keywords) == (5, None)
    assert (keywords.form, keywords.order, keywords.min_documents) == ("normalised", "longest", 1)
    assert set(keywords.context.model_dump().values()) == {"keep"}
    assert not keywords.complete_from_codes and not keywords.complete_public
    assert (published.prompt.template, published.base.chat_template) == ("published", False)
    for lora in (sft.lora, dpo.lora):
        assert (lora.r, lora.alpha) == (32, 64)
        assert lora.target_modules == ["q_proj", "k_proj", "v_proj", "o_proj"]
    assert (sft.learning_rate, sft.epochs, sft.batch_size, sft.device_batch_size) == (
        1e-5,
        10,
        8,
        2,
    )
    assert (sft.batching, sft.max_length, sft.loss) == ("chunked", 512, "all")
    assert (sft.schedule, sft.warmup_ratio, sft.weight_decay) == ("cosine", 0.1, 0.01)
    assert published.generate.temperatures == [0.2, (0.6, 0.9), (0.6, 0.9), (0.6, 0.9)]
    assert published.generate.temperature_draws == "column"
    assert (published.generate.prompt_choice, published.generate.max_new_tokens) == ("first", 3000)
    judge, score = published.judge, published.score
    assert (judge.kind, judge.unparsable, judge.temperature) == ("overall", "zero", 0.7)
    assert judge.max_new_tokens == 40
    encoder = score.evaluator.sentence_transformers
    assert (encoder.max_tokens, encoder.own_limit) == (512, "accept")
    assert (score.window_tokens, score.stride_tokens) == (128, 64)
    assert score.windows_within_tokens == 512 and not score.strip_headings
    assert score.release == "raw"  # the floats leave, as theirs did
    weights = {name: value for name, value in score.weights.model_dump().items() if value}
    assert weights == {"similarity": 1.0, "keyword_recall": 1.0, "judge": 1.0}
    pair = published.pair
    assert (pair.best_candidates, pair.max_pairs, pair.max_length_ratio) == (5000, None, None)
    rounds = [(one.prompts, one.learning_rate, one.epochs) for one in published.rounds.values()]
    assert rounds == [(2800, 5e-6, 10)] * 3
    assert (dpo.beta, dpo.loss_type, dpo.batch_size, dpo.device_batch_size) == (
        0.1, ["sigmoid"], 32, 8
    )  # fmt: skip
    assert (dpo.schedule, dpo.warmup_ratio, dpo.weight_decay) == ("linear", 0.0, 1e-7)
    assert (dpo.max_length, dpo.validation_share, dpo.max_chosen_logp_drop) == (3000, 0.1, None)
    synthesize = published.synthesize
    assert (synthesize.reports, synthesize.temperature) == (50_000, 0.5)
    assert (synthesize.code_sets, synthesize.max_codes) == ("imitated", 6)
    assert (synthesize.max_keywords_per_code, synthesize.keyword_form) == (1, "listed")
    classify, coder = published.classify, published.classify.coder.encoder
    assert (classify.sizes, classify.top_k) == ([10_000, 20_000, 50_000], [20, 50, 100])
    assert (classify.sample, classify.evaluations) == ("first", ["unbiased", "original"])
    assert (classify.decision_rule, classify.max_labels) == ("fixed_threshold", 10)
    assert classify.validation_share == 0.1
    assert (coder.learning_rate, coder.epochs, coder.batch_size) == (1e-4, 8, 32)
    assert (coder.evaluate_every_steps, coder.patience, coder.max_gradient_norm) == (25, 5, 10.0)


def test_applying_changes_values_and_keeps_comments(params: Path) -> None:
    made = profiles.apply(params, FOLDER / "smoke.yaml")
    assert {"synthesize.reports", "tracking.profile"} <= {change.name for change in made}
    applied = load_params(params)
    assert (applied.synthesize.reports, applied.tracking.profile) == (60, "smoke")
    comments = [line.partition("#")[2] for line in PARAMS.read_text().splitlines() if "#" in line]
    after = params.read_text()
    assert all(comment in after for comment in comments)


def test_only_the_lines_of_changed_values_change(tmp_path: Path, params: Path) -> None:
    profiles.apply(params, overlay(tmp_path, "classify: {sizes: [5, 10]}\ndpo: {beta: 2.0e-1}"))
    lines = zip(PARAMS.read_text().splitlines(), params.read_text().splitlines(), strict=True)
    changed = [after.partition("#")[0].strip() for before, after in lines if before != after]
    assert changed == ["profile: mine", "beta: 2.0e-1", "sizes: [5, 10]"]


def test_applying_the_same_one_again_changes_nothing(params: Path) -> None:
    profiles.apply(params, FOLDER / "smoke.yaml")
    before = params.read_bytes()
    assert profiles.apply(params, FOLDER / "smoke.yaml") == []
    assert params.read_bytes() == before


def test_lists_are_replaced_and_mappings_merged(tmp_path: Path, params: Path) -> None:
    profiles.apply(params, overlay(tmp_path, "classify: {sizes: [5]}\nrounds: {dpo2: {epochs: 7}}"))
    after = read_yaml(params)
    assert after["classify"]["sizes"] == [5] and after["classify"]["top_k"] == [10, 20, 30]
    assert after["rounds"]["dpo2"]["epochs"] == 7 and after["rounds"]["dpo2"]["parent"] == "dpo1"


@pytest.mark.parametrize(
    ("text", "message"),
    [("sft: {learning_rat: 1}", "learning_rate"), ("dpo: {beta: -1}", "dpo.beta")],
)
def test_a_bad_profile_is_refused_and_nothing_is_written(
    tmp_path: Path, params: Path, text: str, message: str
) -> None:
    before = params.read_bytes()
    with pytest.raises(UserError, match=message):
        profiles.apply(params, overlay(tmp_path, text))
    assert params.read_bytes() == before


def test_a_second_profile_on_top_of_another_is_refused(tmp_path: Path, params: Path) -> None:
    profiles.apply(params, FOLDER / "smoke.yaml")
    with pytest.raises(UserError, match="git restore"):
        profiles.apply(params, overlay(tmp_path, "dpo: {beta: 0.2}"))


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="smoke"):
        profiles.path_of(FOLDER, "smok")
