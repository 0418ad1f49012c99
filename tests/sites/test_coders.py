"""Coders that a question about a step carries: which files, and whether they belong to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import records, signing
from synthfr.coding import saved
from synthfr.errors import UserError
from synthfr.keywords.disclosure import code_sets
from synthfr.pipeline import exchange, layout
from synthfr.pipeline.parameters import parse
from synthfr.sites import bundle, coder_checks, coders, exchanges, manifest
from synthfr.sites.coder_checks import Training
from synthfr.sites.exchanges import Question
from tests.coding import test_encoder
from tests.coding import toy as coding_toy
from tests.sites import toy

QUICK: dict[str, Any] = {"seeds": [0, 1], "layers": 1, "epochs": 4, "learning_rate": 0.008}
GRID = coding_toy.params(sizes=[60, 100], top_k=[3, 6], seeds=[0])
REPORTS = coding_toy.reports(110, 1)
SETS = code_sets(REPORTS["codes"].tolist(), REPORTS["report_id"].tolist(), 2)
WEIGHTS, DECISIONS = "coder/seed=1/model.safetensors", "coder/seed=1/decisions.json"
Parts = dict[str, bytes]


@pytest.fixture(scope="module")
def how(tmp_path_factory: pytest.TempPathFactory) -> saved.TrainCoder:
    model = test_encoder.encoder(tmp_path_factory.mktemp("model") / "modernbert")
    return saved.TrainCoder(model=str(model), max_length=64, chunk_tokens=32, **QUICK)


@pytest.fixture(scope="module")
def folder(how: saved.TrainCoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kept(how, tmp_path_factory.mktemp("trained"), REPORTS)


@pytest.fixture
def parts(folder: Path) -> Parts:
    return coders.packed(folder)


def kept(how: saved.TrainCoder, root: Path, reports: pd.DataFrame) -> Path:
    space = coding_toy.SPACE
    saved.train(reports, how, GRID, space, 0, root / "scratch", root / "kept")
    return root / "kept"


def checked(parts: Parts, how: saved.TrainCoder, **changes: Any) -> None:
    coder_checks.check(parts, replace(Training(REPORTS, SETS, how, GRID, 0), **changes))


def refused(parts: Parts, how: saved.TrainCoder, **changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        checked(parts, how, **changes)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


def without(code: str) -> pd.DataFrame:
    """The code sets of a hospital that let no set with this code out."""
    return SETS[[code not in codes for codes in SETS["codes"]]].reset_index(drop=True)


def edited(parts: Parts, name: str, change: Callable[[dict[str, Any]], Any]) -> Parts:
    told = json.loads(parts[name])
    change(told)
    return parts | {name: json.dumps(told).encode()}


def test_kept_coders_are_six_files_a_seed_and_belong_to_their_reports(
    parts: Parts, how: saved.TrainCoder, folder: Path, tmp_path: Path
) -> None:
    assert sorted(parts) == sorted(
        f"coder/seed={seed}/{name}" for seed in (0, 1) for name in coders.FILES
    )
    checked(parts, how)
    coders.unpack(parts, tmp_path / "here")
    own, here = (saved.judge(one, REPORTS, GRID) for one in (folder, tmp_path / "here"))
    assert own[0] == here[0]
    checked({}, how)  # a site that cannot judge them is sent none


def test_the_coder_of_another_step_is_refused(how: saved.TrainCoder, tmp_path: Path) -> None:
    """Steps may have the same ids and codes: then the texts alone tell."""
    order = np.random.default_rng(0).permutation(len(REPORTS))
    other = REPORTS.assign(text=REPORTS["text"].to_numpy()[order])
    of_other = coders.packed(kept(how, tmp_path, other))
    checked(of_other, how, reports=other)  # negative control
    assert "was trained on other reports than the question's" in refused(of_other, how)
    recoded = REPORTS.assign(codes=REPORTS["codes"].to_numpy()[order])
    assert "was trained on other reports" in refused(of_other, how, reports=recoded)


def test_changed_weights_are_refused(parts: Parts, how: saved.TrainCoder) -> None:
    from safetensors.torch import load, save

    weights = load(parts[WEIGHTS])
    swapped = parts | {WEIGHTS: parts["coder/seed=0/model.safetensors"]}
    assert "the coder of seed 1 was trained on other reports" in refused(swapped, how)
    doubled = parts | {WEIGHTS: save({name: 2 * one for name, one in weights.items()})}
    assert "or changed since" in refused(doubled, how)
    none = parts | {WEIGHTS: save({name: one / 0 for name, one in weights.items()})}
    assert "weights that are no finite numbers" in refused(none, how)
    first = next(iter(weights))
    fewer = parts | {WEIGHTS: save({k: one for k, one in weights.items() if k != first})}
    assert "cannot be read as PLM-ICD with safetensors weights" in refused(fewer, how)
    pickled = parts | {WEIGHTS: b"\x80\x04K\x01."}
    assert "cannot be read as PLM-ICD" in refused(pickled, how)
    checked(parts | {WEIGHTS: save(weights)}, how)  # negative control


def test_labels_that_the_code_sets_have_not_are_refused(
    parts: Parts, how: saved.TrainCoder
) -> None:
    def rename(told: dict[str, Any]) -> None:
        told["labels"][0] = "X99"

    message = refused(edited(parts, DECISIONS, rename), how)
    assert "has 1 labels that are not in the label space" in message and "X99" not in message
    fewer = without("F32.9")
    assert "has 1 labels that are not in" in refused(parts, how, code_sets=fewer)
    assert coders.strange_labels(parts, fewer) == 1
    assert coders.strange_labels(parts, SETS) == 0
    twice = edited(parts, DECISIONS, lambda told: told["labels"].__setitem__(0, told["labels"][1]))
    assert "was trained on other reports" in refused(twice, how)
    for none in ([], ["I10"] * 7, ["I10"], "I10"):  # the last but one: of somebody's choice
        one = edited(parts, DECISIONS, lambda told, none=none: told.update(labels=none))
        assert "not the number of labels that classify.top_k asks for" in refused(one, how)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chunk_tokens": 16}, "the parameters of the question (train_coder.chunk_tokens)"),
        ({"head": "cross_attention"}, "(train_coder.head)"),
        ({"layers": 2}, "has not as many layers as train_coder.layers says"),
        ({"seeds": [0]}, "has coders of the seeds 0, 1, and train_coder.seeds asks for 0:"),
        ({"seeds": [0, 1, 2]}, "seeds asks for 0, 1, 2: train it again"),
        ({"seeds": []}, "asks for none"),
    ],
)
def test_a_changed_parameter_is_refused(
    changes: dict[str, Any], said: str, parts: Parts, how: saved.TrainCoder
) -> None:
    assert said in refused(parts, how.model_copy(update=changes))


def test_other_draws_are_refused(parts: Parts, how: saved.TrainCoder) -> None:
    assert "was trained on other reports" in refused(parts, how, random_seed=1)
    smaller = coding_toy.params(sizes=[60], top_k=[6])
    assert "was trained on other reports" in refused(parts, how, classify=smaller)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("config.json", "auto_map"),
        ("config.json", "attn_implementation"),
        ("config.json", "quantization_config"),
        ("tokenizer_config.json", "auto_map"),
        ("tokenizer_config.json", "vocab_file"),
    ],
)
def test_what_leads_to_code_or_other_files_is_refused(
    name: str, key: str, parts: Parts, how: saved.TrainCoder
) -> None:
    for change in ({key: "a/b"}, {"inner": [{key: "a/b"}]}):
        hostile = edited(
            parts, f"coder/seed=1/{name}", lambda told, change=change: told.update(change)
        )
        assert f"{name} names code, kernels or files" in refused(hostile, how)


@pytest.mark.parametrize("name", coders.FILES)
def test_a_file_that_is_missing_or_broken_is_one_sentence(
    name: str, parts: Parts, how: saved.TrainCoder
) -> None:
    place = f"coder/seed=1/{name}"
    fewer = {one: data for one, data in parts.items() if one != place}
    assert f"the coder of seed 1 has no {name}" in refused(fewer, how)
    for broken in (b"", b"[" * 100_000, b"[1]", b"\xff{"):
        refused(parts | {place: broken}, how)
    refused(edited(parts, DECISIONS, lambda told: told.update(threshold="high")), how)


def test_a_folder_with_another_file_is_not_sent(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "kept")
    place = tmp_path / "kept/seed=0"
    (place / "chat_template.jinja").write_text("{{ messages }}")
    assert coders.packed(tmp_path / "kept") == coders.packed(folder)
    (place / "training_args.bin").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UserError, match=r"training_args\.bin: no bundle carries such a file"):
        coders.packed(tmp_path / "kept")
    (place / "training_args.bin").unlink()
    (place / "config.json").unlink()
    with pytest.raises(UserError, match=r"seed=0 has no config\.json"):
        coders.packed(tmp_path / "kept")
    with pytest.raises(UserError, match="none is missing"):
        coders.packed(tmp_path / "none")


def test_coders_too_large_for_a_bundle_are_not_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 1 << 10)
    with pytest.raises(UserError, match=r"has 2 coders of 0 MiB.*lower train_coder\.layers"):
        coders.packed(folder)


class TestBundle:
    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        return toy.keys(tmp_path, "paris")[0]

    @staticmethod
    def question(parts: Parts) -> Question:
        names = records.SYNTHETIC.schema.names
        reports = REPORTS.assign(step="dpo1", seed=1, prompt="écris")[names]
        reports["keywords"] = pd.Series([["HTA"]] * len(reports), dtype=object)
        tables = {
            "reports": reports,
            "code_sets": SETS,
            "codes": records.empty(records.CODES),
            "seed": records.empty(records.REPORTS),
        }
        return Question("evaluation", "dpo1", {"random_seed": 0}, tables, coders=parts)

    @staticmethod
    def opened(data: bytes, key: Path, name: exchanges.Exchange = "evaluation") -> Question:
        return exchanges.read_question(data, name, [signing.public_half(key)])

    def test_they_come_back_as_they_were_and_count_for_the_question(
        self, parts: Parts, key: Path
    ) -> None:
        asked = self.question(parts)
        data = exchanges.ask(asked, key)
        back = self.opened(data, key)
        assert back.coders == parts and back.digest() == asked.digest()
        assert data == exchanges.ask(asked, key)
        assert asked.digest() != self.question({}).digest()
        assert self.opened(exchanges.ask(self.question({}), key), key).coders == {}

    def test_a_flipped_bit_in_weights_is_seen(self, parts: Parts, key: Path) -> None:
        data = bytearray(exchanges.ask(self.question(parts), key))
        data[data.index(parts[WEIGHTS]) + len(parts[WEIGHTS]) // 2] ^= 1
        with pytest.raises(UserError, match="this is no bundle, or a damaged one"):
            self.opened(bytes(data), key)
        held = toy.parts(exchanges.ask(self.question(parts), key))
        swapped = held | {WEIGHTS: held["coder/seed=0/model.safetensors"]}
        with pytest.raises(UserError, match="not those that its manifest was signed for"):
            self.opened(bundle._zipped(swapped), key)

    @pytest.mark.parametrize(
        "name",
        [
            "coder/seed=0/model.pkl",
            "coder/seed=0/modeling.py",
            "coder/seed=0/pytorch_model.bin",
            "coder/seed=0/../config.json",
            "coder/seed=00/config.json",
            "coder/config.json",
            "coder/seed=0/sub/config.json",
        ],
    )
    def test_any_other_file_is_refused(self, name: str, parts: Parts, key: Path) -> None:
        more = exchanges.ask(self.question(parts | {name: b"{}"}), key)
        with pytest.raises(UserError, match=r"parts that are no tables .* nor files of coders"):
            self.opened(more, key)

    def test_other_exchanges_and_answers_have_none(self, parts: Parts, key: Path) -> None:
        data = exchanges.ask(replace(toy.question(), coders=parts), key)
        with pytest.raises(UserError, match="parts that are no tables"):
            self.opened(data, key, "scores")
        question = toy.question()
        sent = toy.parts(exchanges.reply(question, toy.answer(question).answer, key))
        payload = signing.verify(
            sent.pop("manifest.dsse.json"), bundle.PAYLOAD_TYPE, signing.public_half(key)
        )
        answer = bundle.pack(manifest.decoded(payload), sent | parts, key)
        with pytest.raises(UserError, match="parts that are no tables"):
            exchanges.read_answer(answer, "scores", [signing.public_half(key)])


def test_outside_sends_none_where_none_were_asked_for_or_a_site_knows_no_such_label(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with_seeds, none = (parse({"train_coder": {"seeds": seeds}}, "here") for seeds in ([0, 1], []))
    assert exchange._kept_coders("dpo1", none, SETS, None) == {}
    with pytest.raises(UserError, match="coder/dpo1 is missing"):
        exchange._kept_coders("dpo1", with_seeds, SETS, None)
    shutil.copytree(folder, layout.coder("dpo1"))
    fewer = without("F32.9")
    found = [
        len(exchange._kept_coders("dpo1", with_seeds, sets, site))
        for sets, site in ((SETS, None), (SETS, "lyon"), (fewer, "lyon"), (fewer, None))
    ]
    assert found == [12, 12, 0, 12]
