"""Parameter mistakes are named before any work starts, and every shipped file is valid."""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline.parameters import ALWAYS, Params, load_params, parse
from synthfr.pipeline.recipe import Recipe, check_sections, recipes
from synthfr.section import Section
from synthfr.training.sft import Sft

ROOT = Path(__file__).parents[1]


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(read_yaml(ROOT / "params.yaml"))


def overlaid(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = overlaid(old, value) if both else value
    return merged


def test_the_default_is_valid() -> None:
    params = load_params(ROOT / "params.yaml")
    assert params.steps == ["base", "step0", *params.rounds]
    assert params.sft.lora.r > 0


@pytest.mark.parametrize(
    "path", sorted((ROOT / "profiles").glob("**/*.yaml")), ids=lambda path: path.name
)
def test_every_shipped_profile_is_valid_over_the_default(path: Path, data: dict[str, Any]) -> None:
    parse(overlaid(data, read_yaml(path)), path.name)


def test_every_value_of_the_default_is_documented() -> None:
    """A value has a comment on its line, or on its section's, or under the same name elsewhere."""
    named, documented, section_has_comment = set(), set(), False
    for line in (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines():
        key = re.match(r"^ *([A-Za-z0-9_]+):( *)([^ #])?", line)
        if not key:
            continue
        if key[3] is None:  # opens a section
            section_has_comment = "#" in line
            continue
        named.add(key[1])
        if "#" in line or section_has_comment:
            documented.add(key[1])
    assert sorted(named - documented) == []
    assert {"threshold", "learning_rate"} <= named


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["keywords"]["ngrams"].update(thresold=0.7),
            r"keywords\.ngrams: unknown parameter 'thresold': did you mean 'threshold'\?$",
        ),
        (lambda d: d.update(kewords={}), r"unknown parameter 'kewords': did you mean 'keywords'\?"),
        (
            lambda d: d["sft"]["lora"].update(rank=8),
            "sft.lora: unknown parameter 'rank': known are: r, alpha",
        ),
        (
            lambda d: d["dpo"].update(warmup_share=0.1),
            r"^my\.yaml: dpo: 'warmup_share' is now called 'warmup_ratio'\.$",
        ),
        (
            lambda d: d["classify"]["coder"]["encoder"].update(warmup_share=0.1),
            r"classify\.coder\.encoder: 'warmup_share' is now called 'warmup_ratio'",
        ),
        (
            lambda d: d["engines"]["vllm"].update(memory_share=0.5),
            r"engines\.vllm: 'memory_share' is now called 'gpu_memory_utilization'",
        ),
        (
            lambda d: d["keywords"].update(threshold=0.7),
            r"keywords: 'threshold' is now called 'ngrams\.threshold'",
        ),
        (
            lambda d: d["keywords"]["ngrams"].update(threshold=7),
            r"keywords\.ngrams\.threshold: .*less than or equal to 1",
        ),
        (lambda d: d["sft"].update(learning_rate=0), r"sft\.learning_rate: .*greater than 0"),
        (lambda d: d["sft"].update(epochs="many"), r"sft\.epochs: .*valid number"),
        (lambda d: d.update(random_seed=-1), r"random_seed: .*greater than or equal to 0"),
        (lambda d: d["seed"].update(source="dmeo"), r"seed\.source: Input should be 'demo'"),
        (lambda d: d["base"].update(source="hub"), r"base: source 'hub' wants 'repo_id'"),
        (lambda d: d["base"].update(source="local"), r"base: source 'local' wants 'path'"),
        (lambda d: d["dpo"].update(loss_weights=[1.0, 1.0, 1.0]), r"dpo: .*equally long"),
        (lambda d: d["sft"].update(device_batch_size=5), r"sft: .*multiple of device_batch_size"),
        (lambda d: d["score"].update(stride_tokens=500), r"score: stride_tokens must not exceed"),
        (
            lambda d: d["score"].update(weights=dict.fromkeys(d["score"]["weights"], 0)),
            r"score\.weights: at least one weight",
        ),
        (
            lambda d: d["score"]["weights"].update(judge=1.0),
            r"score\.weights\.judge is above 0, but judge\.kind is none",
        ),
        (
            lambda d: d["score"]["weights"].update(similarity_judge=1.0),
            r"score\.weights\.similarity_judge is above 0, but similarity_judge\.model is null",
        ),
        (
            lambda d: d["similarity_judge"].update(kind="score"),
            r"similarity_judge: unknown parameter 'kind'",
        ),
        (
            lambda d: d["score"].update(similarity_judge=d.pop("similarity_judge")),
            r"score: 'similarity_judge' is now a section of its own: move it out of score\.$",
        ),
        (
            lambda d: d["score"].update(local={"lsa_weight": 0.5}),
            r"score: 'local' is now part of evaluator: move it to score\.evaluator\.local\.$",
        ),
        (
            lambda d: d["score"].update(discriminator={"folds": 3}),
            r"score: 'discriminator' is .*: move it to score\.evaluator\.discriminator\.$",
        ),
        (
            lambda d: d["score"].update(max_tokens=512),
            r"score: 'max_tokens' is now score\.evaluator\.sentence_transformers\.max_tokens",
        ),
        (
            lambda d: d["score"].update(evaluator="discriminator"),
            r"score\.evaluator: 'discriminator' is now a section: set kind to 'discriminator'\.$",
        ),
        (
            lambda d: d["score"].update(evaluator="sentence-transformers:owner/encoder"),
            r"set kind to 'sentence_transformers', and sentence_transformers\.model to 'owner/enc",
        ),
        (
            lambda d: d["score"]["evaluator"].update(kind="sentence_transformers"),
            r"score\.evaluator: kind 'sentence_transformers' wants sentence_transformers\.model",
        ),
        (lambda d: d["judge"].update(kind="score"), r"judge: kind is not 'none', so 'model' must"),
        (
            lambda d: d["rounds"]["dpo2"].update(parent="dpo11"),
            r"rounds\.dpo2\.parent: there is no step 'dpo11' \(did you mean 'dpo1'\?\)",
        ),
        (
            lambda d: d["rounds"]["dpo1"].update(parent="dpo3"),
            r"rounds\.dpo1\.parent: the rounds make a loop \(dpo1 -> dpo3 -> dpo2 -> dpo1\)",
        ),
        (lambda d: d["rounds"]["dpo2"].update(parent="dpo2"), r"loop \(dpo2 -> dpo2\)"),
        (lambda d: d["rounds"].pop("dpo2"), r"rounds\.dpo3\.parent: there is no step 'dpo2'"),
        (lambda d: d["rounds"].update({"DPO 4": d["rounds"]["dpo1"]}), r"rounds\.DPO 4"),
        (lambda d: d["rounds"].update(step0=d["rounds"]["dpo1"]), r"rounds\.step0: this name"),
        (
            lambda d: d["rounds"].update(base=d["rounds"]["dpo1"]),
            r"rounds\.base: this name is that of the bare base",
        ),
        (
            lambda d: d["rounds"]["dpo1"].update(parent="base"),
            r"rounds\.dpo1\.parent: no round starts from the bare base: name step0 or another",
        ),
        (lambda d: d["rounds"].update(dpo4=d["rounds"]["dpo3"]), r"steps: must be .*dpo3, dpo4\]"),
        (lambda d: d.update(steps=["step0", "dpo2", "dpo1", "dpo3"]), r"steps: must be"),
        (lambda d: d.update(steps=["step0", "base", "dpo1", "dpo2", "dpo3"]), r"steps: must be"),
        (lambda d: d.update(steps=["base", "dpo1", "dpo2", "dpo3"]), r"steps: must be"),
        (lambda d: d["sft"].update(epochs=True), r"sft\.epochs: .*valid number"),
        (lambda d: d["pair"].update(max_pairs=True), r"pair\.max_pairs: .*valid integer"),
        (lambda d: d["dpo"].update(beta=float("inf")), r"dpo\.beta: .*finite number"),
        (lambda d: d["dpo"].update(beta=float("nan")), r"dpo\.beta: .*(finite|greater)"),
        (lambda d: d.update(random_seed="7"), r"random_seed: .*valid integer"),
        (lambda d: d.update(random_seed=7.0), r"random_seed: .*valid integer"),
        (lambda d: d["keywords"].update(complete_public="yes"), r"complete_public: .*boolean"),
        (lambda d: d["synthesize"].update(reports=10**12), r"synthesize\.reports: .*less than"),
        (lambda d: d["pair"].update(max_pairs=10**12), r"pair\.max_pairs: .*less than"),
        (
            lambda d: d["generate"].update(temperatures=[0.7, 0.9, 0.7]),
            r"generate\.temperatures: 0\.7 is named twice",
        ),
        (lambda d: d["classify"].update(sizes=[250, 250]), r"classify\.sizes: 250 is named twice"),
        (lambda d: d["classify"].update(seeds=[0, 0]), r"classify\.seeds: 0 is named twice"),
        (lambda d: d["classify"].update(top_k=[10, 10]), r"classify\.top_k: 10 is named twice"),
        (lambda d: d["classify"].update(top_k=[10, 4000]), r"classify\.top_k\.1: .*less than"),
        (
            lambda d: d["classify"].update(sizes=[250, 1001]),
            r"classify\.sizes asks for 1001 reports, synthesize\.reports makes 1000: lower the",
        ),
        (
            lambda d: d["synthesize"].update(code_sets="imitated"),
            r"code_sets is imitated, but keywords\.code_sets exports counts alone: set it to sets",
        ),
        (
            lambda d: d["synthesize"].update(code_sets="given"),
            r"synthesize: code_sets is given, but given\.path is null: name the file",
        ),
        (
            lambda d: d["synthesize"]["given"].update(path="sets.csv"),
            r"synthesize\.given\.watch is 'models/README\.md', not synthesize\.given\.path: name",
        ),
        (
            lambda d: d["synthesize"]["code_list"].update(path="data/private/raw/codes.csv"),
            r"synthesize\.code_list\.path is on the private side, and synthesize may read nothing",
        ),
        (lambda d: d["keywords"].update(given_fraction=1.1), r"given_fraction: .*less than or eq"),
        (lambda d: d["keywords"].update(form="normalized"), r"keywords\.form: Input should be"),
        (lambda d: d["keywords"].update(max_keywords=0), r"keywords\.max_keywords: .*greater than"),
    ],
)
def test_mistakes(data: dict[str, Any], change: Change, message: str) -> None:
    change(data)
    with pytest.raises(UserError, match=message) as caught:
        parse(data, "my.yaml")
    assert str(caught.value).startswith("my.yaml: ")
    assert len(str(caught.value).splitlines()) == 1


def test_code_sets_of_every_kind_may_be_asked_for(data: dict[str, Any]) -> None:
    data["keywords"]["code_sets"] = "sets"
    data["synthesize"]["code_sets"] = "imitated"
    assert parse(data, "here").synthesize.code_sets == "imitated"
    data["keywords"]["code_sets"] = "counts"
    file = {"path": "sets.csv", "watch": "sets.csv", "column": "codes"}
    for kind in ("uniform", "given"):
        data["synthesize"] |= {"code_sets": kind, "given": file}
        assert parse(data, "here").synthesize.given.column == "codes"


def test_a_range_of_temperatures_may_stand_twice(data: dict[str, Any]) -> None:
    data["generate"]["temperatures"] = [0.2, [0.6, 0.9], [0.6, 0.9]]
    assert parse(data, "here").generate.temperatures == [0.2, (0.6, 0.9), (0.6, 0.9)]


def test_a_whole_number_stands_for_a_real_one(data: dict[str, Any]) -> None:
    data["sft"]["epochs"] = 2
    assert parse(data, "here").sft.epochs == 2.0


def test_a_fourth_round_is_one_line_and_its_name(data: dict[str, Any]) -> None:
    data["rounds"]["dpo4"] = data["rounds"]["dpo3"] | {"parent": "dpo3"}
    data["steps"].append("dpo4")
    assert parse(data, "here").rounds["dpo4"].parent == "dpo3"


def test_the_bare_base_may_be_left_out(data: dict[str, Any]) -> None:
    data["steps"].remove("base")
    assert parse(data, "here").steps == ["step0", "dpo1", "dpo2", "dpo3"]


def test_two_rounds_may_share_a_parent(data: dict[str, Any]) -> None:
    data["rounds"]["dpo3"]["parent"] = "dpo1"
    assert parse(data, "here").rounds["dpo3"].parent == "dpo1"


def test_not_a_mapping() -> None:
    with pytest.raises(UserError, match=r"^my\.yaml: "):
        parse(None, "my.yaml")


def test_parameters_cannot_be_changed() -> None:
    params = load_params(ROOT / "params.yaml")
    with pytest.raises(ValidationError):
        params.sft.epochs = 3
    assert Params.model_validate(params.model_dump()) == params


class TestRecipe:
    """A recipe has the sections that its params.yaml names."""

    def write(self, folder: Path, params: str) -> Path:
        (folder / "dvc.yaml").write_text(
            "stages:\n  sft:\n    cmd: x\n    params: [random_seed, sft]\n"
            "  dpo:\n    foreach: ${rounds}\n    do:\n      cmd: x\n      params: [dpo.beta]\n"
        )
        path = folder / "params.yaml"
        path.write_text(params)
        return path

    def test_a_section_that_is_not_named_is_not_there(self, tmp_path: Path) -> None:
        params = load_params(self.write(tmp_path, "sft: {epochs: 3}\n"))
        assert (params.sft.epochs, params.sft.batch_size) == (3, Sft().batch_size)
        assert params.has("sft") and not params.has("sft", "score")
        with pytest.raises(UserError, match=r"no section 'score'.*`score: \{\}`"):
            _ = params.score
        with pytest.raises(AttributeError):
            _ = params.no_such_section

    def test_a_stage_whose_section_is_missing_is_told_before_anything_runs(
        self, tmp_path: Path
    ) -> None:
        self.write(tmp_path, "random_seed: 0\nsft: {}\nrounds: {}\n")
        with pytest.raises(UserError, match=r"no section 'dpo', which stage dpo of"):
            check_sections(tmp_path)
        self.write(tmp_path, "random_seed: 0\nsft: {}\ndpo: {}\n")
        with pytest.raises(UserError, match=r"no section 'rounds', which stage dpo of"):
            check_sections(tmp_path)
        self.write(tmp_path, "random_seed: 0\nsft: {}\ndpo: {}\nrounds: {}\n")
        check_sections(tmp_path)  # negative control


@pytest.mark.parametrize("recipe", recipes(ROOT), ids=lambda recipe: recipe.name)
def test_every_shipped_params_file_is_complete(recipe: Recipe) -> None:
    """Nobody runs by a default that the file does not show."""
    written = read_yaml(recipe.folder / "params.yaml")
    params = load_params(recipe.folder / "params.yaml")
    assert list(missing(params, written)) == []
    del written["sft"]["epochs"]
    assert list(missing(params, written)) == ["sft.epochs"]  # negative control


def missing(section: Section, written: dict[str, Any], where: str = "") -> Iterator[str]:
    for name in type(section).model_fields:
        if name not in written:
            # of the recipe itself: the sections that it has
            if where or name in ALWAYS - {"rounds"}:
                yield f"{where}{name}"
        elif isinstance(below := getattr(section, name), Section):
            yield from missing(below, written[name], f"{where}{name}.")


def test_the_defaults_are_those_of_the_embedded_default() -> None:
    """`Sft()` and params.yaml say the same."""
    params = load_params(ROOT / "params.yaml")
    for name in type(params).model_fields:
        section = getattr(params, name)
        if isinstance(section, Section):
            assert section == type(section)(), name


def test_a_model_that_is_a_folder_is_watched(data: dict[str, Any], tmp_path: Path) -> None:
    coders = data["classify"]["coder"]
    for place in (data["judge"], coders["encoder"], coders["plm_icd"]):
        place["model"] = str(tmp_path)
        with pytest.raises(UserError, match=r"model is a folder, and .*watch is 'models/README"):
            parse(data, "params.yaml")
        place["watch"] = str(tmp_path)
        parse(data, "params.yaml")
    data["judge"]["model"] = f"owner/name@{'c' * 40}"  # negative control: no folder
    data["judge"]["watch"] = "models/README.md"
    parse(data, "params.yaml")


@pytest.mark.parametrize("source", ["demo", "files", "hub"])
def test_code_sets_are_not_taken_from_the_users_private_reports(
    tmp_path: Path, data: dict[str, Any], source: str
) -> None:
    """Wherever those lie, and by whatever name; the demo has none."""
    stays = tmp_path / "hospital/stays.csv"
    (tmp_path / "link.csv").symlink_to(stays)
    data["seed"]["source"] = source
    data["seed"]["files"]["private"]["path"] = str(tmp_path / "hospital")
    data["seed"]["hub"]["public"]["repo_id"] = f"owner/reports@{'c' * 40}"
    data["synthesize"]["code_sets"] = "given"
    for named in (stays, tmp_path / "link.csv"):
        data["synthesize"]["given"] |= {"path": str(named), "watch": str(named)}
        if source == "demo":
            parse(data, "params.yaml")
            continue
        with pytest.raises(UserError, match=r"synthesize\.given\.path is on the private side"):
            parse(data, "params.yaml")


def test_a_template_of_the_private_side_is_refused(
    tmp_path: Path, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("data/private", "mine"):
        path = tmp_path / folder / "template.txt"
        path.parent.mkdir(parents=True)
        path.write_text("About {keywords}:\n")
    data["prompt"] = {"template": "mine/template.txt", "watch": "mine/template.txt"}
    assert parse(data, "params.yaml").prompt.template == "mine/template.txt"
    own = "data/private/template.txt"
    data["prompt"] = {"template": own, "watch": own}
    with pytest.raises(UserError, match=r"prompt\.template is on the private side"):
        parse(data, "params.yaml")


def test_a_coder_that_is_kept_is_made_of_no_private_model() -> None:
    """Its weights are pushed."""
    written = read_yaml(ROOT / "params.yaml")
    for folder, refused in (("data/private/encoder", True), ("models/encoder", False)):
        written["train_coder"] |= {"model": folder, "watch": folder}
        try:
            parse(written, "here")
        except (UserError, ValueError) as error:
            assert refused and "train_coder.model is on the private side" in str(error)
        else:
            assert not refused
