"""What would end a run minutes in, or cut reports in silence, is said before; the values that are
named mend it; and where nothing is wrong, nothing is said.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr.corpora.corpus import Corpus
from synthfr.disk import read_yaml
from synthfr.engines.protocol import Request
from synthfr.engines.token_ids import limit
from synthfr.errors import UserError
from synthfr.models import Policy
from synthfr.models.base import TINY_BASE
from synthfr.models.base_languages import cannot_write, declared
from synthfr.pipeline import data_fit
from synthfr.pipeline.data_fit import base_reader, exported
from synthfr.pipeline.findings import Finding, Weight
from synthfr.pipeline.parameters import Params, parse
from synthfr.training import dpo, sft
from tests import tiny

ROOT = Path(__file__).parents[1]
LABELS = {"I10": "hypertension artérielle", "E11": "diabète de type 2", "J18": "pneumopathie"}
NAMES = list(LABELS)
SMALL = {
    "classify": {"sizes": [4, 8], "top_k": [2, 3], "seeds": [0]},
    "synthesize": {"reports": 12, "max_new_tokens": 120},
    "generate": {"max_new_tokens": 120},
    "sft": {"max_length": 250, "batch_size": 4, "device_batch_size": 4},
    "dpo": {"max_length": 250},
    "rounds": {name: {"prompts": 4} for name in ("dpo1", "dpo2", "dpo3")},
}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of 256 positions, as a user would have one."""
    return tiny.save_model(tmp_path_factory.mktemp("fit") / "base", context=256)


def reports(side: str, n: int, filler: str = "", codes: list[str] | None = None) -> pd.DataFrame:
    chosen = [(codes or NAMES)[row % len(codes or NAMES)] for row in range(n)]
    return pd.DataFrame(
        {
            "report_id": [f"{side}{row}" for row in range(n)],
            "text": [f"Vu pour {LABELS.get(code, 'toux')}, no {row}. {filler}"
                     for row, code in enumerate(chosen)],
            "codes": [[code] for code in chosen],
            "keywords": [[] for _ in range(n)],
            "language": "fr",
        }
    )  # fmt: skip


def corpus(filler: str = "", **sides: pd.DataFrame) -> Corpus:
    codes = pd.DataFrame(
        [
            {"code": code, "label": name, "synonyms": [name], "sources": ["label"]}
            for code, name in LABELS.items()
        ]
    )
    made = {
        "public": reports("a", 12, filler),
        "private_train": reports("b", 18, filler),
        "private_holdout": reports("c", 18, filler),
        "codes": codes,
    }
    return Corpus(**{**made, **sides})


def params(base: Path | None = None, *overlays: dict[str, Any], **values: Any) -> Params:
    """The shipped parameters, small, with a local base; `values`: sft__max_length=64."""
    data = copy.deepcopy(read_yaml(ROOT / "params.yaml"))
    own = {"base": {"source": "local", "path": str(base)}} if base else {}
    for overlay in (SMALL, own, {"seed": {"source": "files"}}, *overlays):
        _lay(data, overlay)
    return changed(parse(data, "test"), {k.replace("__", "."): v for k, v in values.items()})


def _lay(data: dict[str, Any], overlay: dict[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, dict):
            _lay(data[key], value)
        else:
            data[key] = value


def changed(params: Params, settings: Any) -> Params:
    data = params.model_dump()
    for name, value in settings.items():
        *path, last = name.split(".")
        place = data
        for part in path:
            place = place[part]
        place[last] = value
    return parse(data, "test")


def told(corpus: Corpus, params: Params, weight: Weight | None = None) -> list[Finding]:
    found = data_fit.findings(corpus, params)
    return [one for one in found if weight is None or one.weight == weight]


def settings(corpus: Corpus, params: Params) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for one in data_fit.fits(corpus, params):
        named |= one.settings
    return named


def policy(base: Path, chat: bool = False) -> Policy:
    from transformers import AutoTokenizer

    return Policy(None, AutoTokenizer.from_pretrained(base), (), chat)


def of_tokens(base: Path, n: int) -> str:
    """A text of `n` tokens."""
    tokenizer = policy(base).tokenizer
    text = tokenizer.decode(tokenizer("z" * (n + 50))["input_ids"][:n])
    assert len(tokenizer(text)["input_ids"]) == n
    return str(text)


def test_a_corpus_that_fits_is_told_so(base: Path) -> None:
    """The negative control of all others: nothing to mend, nothing to set."""
    found = told(corpus(), params(base))
    assert {one.weight for one in found} == {Weight.OK, Weight.NOTE}
    notes = {one.topic for one in found if one.weight == Weight.NOTE}
    assert notes == {"language"}  # the test's vocabulary spells
    assert {"sft", "generate", "synthesize", "dpo", "labels", "time", "memory"} <= {
        one.topic for one in found if one.weight == Weight.OK
    }
    assert settings(corpus(), params(base)) == {}


def dpo_pairs(base: Path, prompt: str, new_tokens: int) -> pd.DataFrame:
    """One pair whose chosen report was cut at `new_tokens`."""
    rows = [("p", prompt, of_tokens(base, new_tokens), "z", 1.0, 0.0, 1.0)]
    names = ["prompt_id", "prompt", "chosen", "rejected", "chosen_score", "rejected_score"]
    return pd.DataFrame(rows, columns=[*names, "margin"])


def longest_prompt(corpus: Corpus, params: Params, base: Path) -> tuple[str, int]:
    made = exported.exported(corpus, params)
    assert isinstance(made, exported.Exported)
    counts = base_reader.base_reader(params, base).prompts(made.prompts["prompt"].tolist())
    return str(made.prompts["prompt"].iloc[int(counts.argmax())]), int(counts.max())


@pytest.mark.parametrize(
    ("new_tokens", "max_length"), [(120, 100), (250, 256)], ids=["484 tokens", "513 against 512"]
)
def test_dpo_dies_of_long_pairs_and_the_check_says_so(
    base: Path, new_tokens: int, max_length: int
) -> None:
    """The second: a candidate that goes to the base's end, and then gets an end token."""
    bad = params(base, generate__max_new_tokens=new_tokens, dpo__max_length=max_length)
    prompt, n_prompt = longest_prompt(corpus(), bad, base)
    pairs = dpo_pairs(base, prompt, min(new_tokens, 256 - n_prompt))
    with pytest.raises(UserError, match=r"dpo.max_length: 1 of 1 pairs .* up to"):
        dpo._encoded(pairs, policy(base), bad.dpo)

    (stopped,) = told(corpus(), bad, Weight.STOP)
    assert stopped.topic == "dpo" and f"dpo.max_length is {max_length}" in stopped.text
    good = changed(bad, settings(corpus(), bad))
    assert told(corpus(), good, Weight.STOP) == []
    assert len(dpo._encoded(pairs, policy(base), good.dpo)) == 1


def test_cut_reports_are_counted_with_the_value_that_covers_them(base: Path) -> None:
    long = corpus(filler=of_tokens(base, 100))
    bad = params(base, sft__max_length=120, generate__max_new_tokens=64)
    by_topic = {one.topic: one for one in told(long, bad, Weight.NOTE)}
    assert "12 of 12 (100%) reports with their prompts are longer" in by_topic["sft"].text
    assert "48 of 48 (100%) reports are longer than generate.max_new_tokens 64" in (
        by_topic["generate"].text
    )
    good = changed(bad, settings(long, bad))
    assert not {"sft", "generate", "synthesize"} & {
        one.topic for one in told(long, good) if one.weight != Weight.OK
    }
    assert settings(long, good) == {}


def test_reports_longer_than_the_base_are_counted_and_nothing_claims_to_mend_it(
    base: Path,
) -> None:
    long = corpus(filler=of_tokens(base, 300))
    here = params(base)
    notes = {one.topic: one.text for one in told(long, here, Weight.NOTE)}
    assert "48 of 48 (100%) reports are longer" in notes["base length"]
    named = settings(long, here)
    assert named["sft.max_length"] == 256  # all that the base holds
    assert named["generate.max_new_tokens"] < 256
    after = {one.topic: one.text for one in told(long, changed(here, named), Weight.NOTE)}
    assert "the base holds no more" in after["sft"]
    assert told(long, changed(here, named), Weight.STOP) == []


def test_prompts_that_leave_no_room_end_sft_and_the_check_says_so(base: Path) -> None:
    bad = params(base, sft__max_length=16)
    made = exported.exported(corpus(), bad)
    assert isinstance(made, exported.Exported)
    with pytest.raises(UserError, match="leave no room"):
        sft._encoded(made.sft, policy(base), bad.sft)
    assert [one.topic for one in told(corpus(), bad, Weight.STOP)] == ["sft"]
    good = changed(bad, settings(corpus(), bad))
    assert told(corpus(), good, Weight.STOP) == []
    assert len(sft._encoded(made.sft, policy(base), good.sft)) == 12


def test_chunked_reports_are_never_cut(base: Path) -> None:
    """The same reports and limits that end SFT, or cut them, in any other way of batching."""
    long = corpus(filler=of_tokens(base, 100))
    for length in (16, 120):
        padded = params(base, sft__max_length=length)
        chunked = changed(padded, {"sft.batching": "chunked"})
        (told_,) = [one for one in told(long, chunked) if one.topic == "sft"]
        assert told_.weight == Weight.OK and f"pieces of {length} tokens" in told_.text
        (control,) = [one for one in told(long, padded) if one.topic == "sft"]
        assert control.weight != Weight.OK


def test_prompts_longer_than_the_base_end_generate_and_the_check_says_so(tmp_path: Path) -> None:
    """Every report names all three diseases; the base holds a prompt of two."""
    texts = "Vu pour " + " et ".join(LABELS.values())
    sides = {
        name: reports(name[-1], 18).assign(text=texts, codes=[NAMES] * 18)
        for name in ("public", "private_train", "private_holdout")
    }
    many = corpus(**sides)
    base = tiny.save_model(tmp_path / "base", context=48)
    bad = params(base, {"classify": {"evaluations": ["unbiased"]}})
    prompt, n_prompt = longest_prompt(many, bad, base)
    assert n_prompt >= 48
    with pytest.raises(UserError, match="the model's context only 48"):
        limit(Request("one", prompt, 0, 1.0, 1.0, 0, 100), [0] * n_prompt, 48)
    stops = told(many, bad, Weight.STOP)
    assert {one.topic for one in stops} == {"prompts", "sft"}
    named = settings(many, bad)
    assert named["keywords.max_keywords"] < 3 and named["synthesize.max_codes"] < 3
    good = changed(bad, named)
    assert told(many, good, Weight.STOP) == []
    # without a cap, a cap is named all the same
    assert settings(many, changed(bad, {"keywords.max_keywords": None})) == named
    # several names of a code: fewer codes
    several = changed(bad, {"synthesize.max_keywords_per_code": 2})
    assert settings(many, several)["synthesize.max_codes"] < named["synthesize.max_codes"] + 1


def test_a_base_whose_positions_end_is_not_trained_past_them(base: Path, tmp_path: Path) -> None:
    """GPT-2 looks its positions up; a model with rotary positions, the control, reads on."""
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt2"
    words = tiny.tokenizer()
    sizes = {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 256}
    GPT2LMHeadModel(GPT2Config(vocab_size=len(words), **sizes)).save_pretrained(folder)
    words.save_pretrained(folder)
    long = corpus(filler=of_tokens(folder, 300))
    values = {"sft__max_length": 300, "dpo__max_length": 300, "generate__max_new_tokens": 250}
    bad = params(folder, **values)
    assert {one.topic for one in told(long, bad, Weight.STOP)} == {"sft", "dpo"}
    good = changed(bad, settings(long, bad))
    assert (good.sft.max_length, good.dpo.max_length) == (256, 256)
    assert told(long, good, Weight.STOP) == []
    assert told(long, params(base, **values), Weight.STOP) == []
    chunked = changed(good, {"sft.max_length": 300, "sft.batching": "chunked"})
    (stopped,) = told(long, chunked, Weight.STOP)
    assert "sft.max_length 300 is more than the 256 positions" in stopped.text


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            lambda: {"private_train": reports("b", 3)},
            "no code set is shared by keywords.min_documents = 5 private patients of 3",
        ),
        (
            lambda: {"private_train": reports("b", 18).assign(text="Vu pour toux")},
            "No keyword is shared by enough private documents",
        ),
        (
            lambda: {"private_holdout": reports("c", 18, codes=["Z00"])},
            "no holdout report has a code of the top 2",
        ),
        (
            lambda: {"public": reports("a", 12, codes=["Z00"])},
            "coders trained on the public seed: classify: no training report",
        ),
    ],
    ids=["too few documents", "no keyword", "holdout without labels", "public coded otherwise"],
)
def test_codes_and_keywords_that_end_a_stage(
    base: Path, broken: Callable[[], dict[str, pd.DataFrame]], message: str
) -> None:
    # what the public seed is coded as plays no part in its prompts
    here = params(base, keywords__complete_public=False)
    sides = broken()
    if "public" in sides:
        sides["public"]["text"] = reports("a", 12)["text"]
    assert any(message in one.text for one in told(corpus(**sides), here, Weight.STOP))
    assert told(corpus(), here, Weight.STOP) == []


def test_code_sets_are_looked_at_as_they_will_leave(base: Path, tmp_path: Path) -> None:
    imitated = {"keywords__code_sets": "sets", "synthesize__code_sets": "imitated"}
    assert told(corpus(), params(base, **imitated), Weight.STOP) == []
    apart = reports("b", 18)  # every code is shared, and hardly a set
    apart["codes"] = [[NAMES[row % 3], NAMES[(row + row // 3) % 3]] for row in range(18)]
    apart["codes"] = [list(dict.fromkeys(codes)) for codes in apart["codes"]]
    scattered = corpus(private_train=apart)
    assert settings(scattered, params(base, **imitated)) == {"keywords.min_documents": 2}
    assert told(scattered, params(base), Weight.STOP) == []
    file = tmp_path / "sets.csv"
    file.write_text("codes\nQ99\n")
    given = params(
        base,
        synthesize__given__path=str(file),
        synthesize__given__watch=str(file),
        synthesize__code_sets="given",
    )
    (stop,) = told(corpus(), given, Weight.STOP)
    assert "row 1: code 1 is not in the code table" in stop.text
    alone = params(base, keywords__min_documents=1)
    assert any("min_documents is 1" in one.text for one in told(corpus(), alone))
    assert not any("min_documents is 1" in one.text for one in told(corpus(), params(base)))


def test_patients_too_few_for_min_documents_get_the_largest_number_that_serves(base: Path) -> None:
    few = corpus(private_train=reports("b", 9))
    assert settings(few, params(base)) == {"keywords.min_documents": 3}
    assert told(few, params(base, keywords__min_documents=3), Weight.STOP) == []


def test_labels_sizes_and_prompts_that_are_fewer_than_asked_for(base: Path) -> None:
    overlay = {
        "classify": {"top_k": [2, 10], "sizes": [4, 18, 40]},
        "synthesize": {"reports": 40},
        "rounds": {"dpo1": {"prompts": 50}},
    }
    here = params(base, overlay)
    holdout = reports("c", 18).assign(codes=[["I10"]] * 18)
    notes = told(corpus(private_holdout=holdout), here, Weight.NOTE)
    text = "\n".join(one.text for one in notes)
    assert "top 2: 2 labels, 1 without and 1 with fewer than 5 of 18 holdout reports" in text
    assert "exports 3 categories, classify.top_k asks for up to 10: set it to [2, 3]" in text
    assert "the public seed at 2 of them, the private train at 1 of them" in text
    assert "rounds.dpo1.prompts 50" in text
    named = settings(corpus(private_holdout=holdout), here)
    assert named == {"classify.top_k": [2, 3], "classify.sizes": [4, 9, 18]}
    assert not {"classify.top_k", "rounds.dpo1.prompts"} & set(settings(corpus(), params(base)))


def test_a_base_that_is_not_there(base: Path, tmp_path: Path) -> None:
    (stopped,) = told(corpus(), params(tmp_path / "nowhere"), Weight.STOP)
    assert "is no folder" in stopped.text
    overlay = {"base": {"source": "hub", "repo_id": "a/b", "revision": "c" * 40}}
    found = told(corpus(), params(None, overlay))
    assert Weight.STOP not in {one.weight for one in found}  # it may be fetched yet
    assert "not in the local cache" in found[-1].text
    half = shutil.copytree(base, tmp_path / "half")
    (half / "tokenizer.json").unlink()
    assert "no tokenizer" in told(corpus(), params(half), Weight.STOP)[0].text


def with_card(base: Path, folder: Path, card: str) -> Path:
    shutil.copytree(base, folder)
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


def test_languages_of_a_model_card(base: Path, tmp_path: Path) -> None:
    cards = {
        "list": "---\nlanguage:\n- en\n- pt-BR\n---\n# A model\n",
        "one": "---\nlanguage: fr\n---\n",
        "any": "---\nlanguage: [multilingual]\n---\n",
        "broken": "---\nlanguage: [\n---\n",
        "none": "# A model that says nothing\n",
    }
    folders = {name: with_card(base, tmp_path / name, card) for name, card in cards.items()}
    assert declared(folders["list"]) == {"en", "pt"}
    refused = {name for name, one in folders.items() if cannot_write("local", one, "fr")}
    assert refused == {"list"}
    assert "names en, pt" in str(cannot_write("local", folders["list"], "fr"))
    assert cannot_write("tiny", TINY_BASE, "fr") is None
    assert "has read 'fr' alone" in str(cannot_write("tiny", TINY_BASE, "ru"))

    foreign = told(corpus(), params(folders["list"]), Weight.NOTE)
    [unlearnt] = [one.text for one in foreign if "not learnt to write 'fr'" in one.text]
    assert "a round that finds no pair to learn from stops" in unlearnt
    assert not any("not learnt" in one.text for one in told(corpus(), params(folders["one"])))


def test_a_vocabulary_that_spells_the_reports_is_told_from_one_that_knows_them() -> None:
    here = params(None, {"base": {"source": "tiny"}, "sft": {"max_length": 500}})
    french = {one.text for one in told(corpus(), here) if one.topic == "language"}
    assert any("nothing says that it does not write 'fr'" in text for text in french)
    russian = "Больной жалуется на кашель и повышение температуры. " * 3
    found = {one.text for one in told(corpus(filler=russian), here) if one.topic == "language"}
    assert any("was not made for 'fr', it spells words by their letters" in text for text in found)


def test_no_text_of_a_report_is_told(base: Path) -> None:
    secret = "Zqxkanari"
    found = told(corpus(filler=secret), params(base, sft__max_length=40, dpo__max_length=40))
    assert any(one.weight == Weight.STOP for one in found)
    assert not any(secret in one.text for one in found)


def test_a_large_corpus_is_sampled(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code sets count all documents; keywords are looked for in some, with as large a share of
    min_documents.
    """
    whole = exported.exported(corpus(), params(base))
    monkeypatch.setattr(exported, "SAMPLE", 9)
    part = exported.exported(corpus(), params(base))
    assert isinstance(whole, exported.Exported) and isinstance(part, exported.Exported)
    assert (len(whole.sft), len(part.sft)) == (12, 9)
    assert (whole.share, part.share) == (1.0, 0.5)
    pd.testing.assert_frame_equal(whole.code_sets, part.code_sets)
    assert any("some 18 private documents" in one.text for one in told(corpus(), params(base)))


def test_notes_of_the_keyword_step_are_findings(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = reports("a", 12)
    public["codes"] = [NAMES] * 12  # each prompt is completed from them: 3 terms against 1
    found = told(corpus(public=public), params(base), Weight.NOTE)
    assert [one.topic for one in found if "3.00 against 1.00 terms a prompt" in one.text] == [
        "prompts"
    ]
    assert capsys.readouterr().err == ""  # not beside the findings
    found = told(corpus(), params(base), Weight.NOTE)  # control: both sides by one law
    assert not [one for one in found if "differ" in one.text]
