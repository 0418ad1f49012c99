"""A step's policy as a folder for the hub and for servers: plain weights, or one LoRA adapter.

A later step's own adapter is no policy: it was trained on weights with the earlier ones merged in,
and on the bare base it loads without a word and writes something else. So what is given away is
all adapters merged, or composed into one (exact: `models.adapters.compose`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from synthfr import front_matter
from synthfr.disk import read_json, write_json, write_text
from synthfr.errors import UserError
from synthfr.generation.synthesis import Synthesize
from synthfr.models import ModelFiles, licences, load_tokenizer, published
from synthfr.models.adapters import compose
from synthfr.models.lora import ADAPTER_CONFIG
from synthfr.models.merged import Dtype, write_merged
from synthfr.prompts import SLOT
from synthfr.publishing import privacy
from synthfr.publishing.folder import CARD, new_folder
from synthfr.publishing.origin import LINEAGE, Origin
from synthfr.publishing.terms import Terms

TEMPLATE = "prompt_template.txt"
GENERATION = "generation_config.json"
Kind = Literal["adapter", "merged"]

_LOAD = {
    "merged": """\
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

folder = {folder}
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
""",
    "adapter": """\
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, pipeline

folder = {folder}
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoPeftModelForCausalLM.from_pretrained(folder, dtype=torch.float32).merge_and_unload()
""",
}
_WRITE = """\
template = {template}
prompt = {prompt}
write = pipeline("text-generation", model=model, tokenizer=tokenizer)
report = write(prompt, max_new_tokens={max_new_tokens}, do_sample=True, top_p=0.9)
print(report[0]["generated_text"])
"""
_TERMS = "HTA, pneumonie"
_WHAT = {
    "merged": "The base with the adapters of all steps up to this one merged into it: plain "
    "weights, nothing else is needed.",
    "adapter": "One LoRA adapter that does to the base what the adapters of all steps up to this "
    "one do together (ranks added, exact). It belongs on the bare base, merged in float32.",
}


@dataclass(frozen=True)
class Use:
    """How a policy is asked."""

    template: str  # text of the prompt, with its slot for the keywords
    language: str
    sampling: Synthesize  # as the step's data set was written


def write_model(
    files: ModelFiles,
    out: Path,
    kind: Kind,
    origin: Origin,
    use: Use,
    terms: Terms,
    *,
    dtype: Dtype,
    base: str | None,
) -> None:
    """Write the policy of `files` to the new folder `out`: weights or adapter, tokenizer, prompt
    template, sampling defaults, card, lineage.

    `dtype` is that of merged weights; `base` is what an adapter calls its base, a hub name or a
    folder.
    """
    chain = _on_base(files, base)
    if kind == "adapter" and not chain:
        raise UserError(
            f"{files.name} has no adapter: it is the bare base; publish another step, or --merged."
        )
    head = _front(kind, origin, use, terms, base)
    card = _card(kind, origin, use, terms, files.chat_template)
    with new_folder(out) as partial:
        if kind == "merged":
            write_merged(files, partial, dtype)
            _sampling(partial, use)
        else:
            compose(chain, partial)
            load_tokenizer(files).save_pretrained(partial)
            config = read_json(partial / ADAPTER_CONFIG)
            revision = origin.base["revision"] if base == origin.base["repo_id"] else None
            config |= {"base_model_name_or_path": base, "revision": revision}
            config["target_modules"] = sorted(config["target_modules"])  # peft: a set's order
            write_json(partial / ADAPTER_CONFIG, config)
        write_text(partial / TEMPLATE, use.template)
        write_json(partial / LINEAGE, origin.as_dict())
        write_text(partial / CARD, f"{head}\n{card}")


def _on_base(files: ModelFiles, base: str | None) -> list[Path]:
    """The adapters that make the policy of the base that is called `base`, in order: where that is
    not the provided one itself (models/base), those of `base.adapters` are not merged into it yet.
    """
    provided = base is not None and Path(base).resolve() == files.folder.resolve()
    return [*([] if provided else published.kept_adapters(files.folder)), *files.adapters]


def _sampling(folder: Path, use: Use) -> None:
    """Sampling defaults of a plain model: those of its data set, not those of its base, whose
    end-of-text tokens stay.
    """
    path = folder / GENERATION
    kept = ("eos_token_id", "pad_token_id", "bos_token_id")
    before = read_json(path) if path.is_file() else {}
    how = use.sampling
    made = {key: before[key] for key in kept if before.get(key) is not None}
    made["do_sample"] = how.temperature > 0
    if made["do_sample"]:
        made |= {"temperature": how.temperature, "top_p": how.top_p, "top_k": how.top_k}
    write_json(path, made)


def _front(kind: Kind, origin: Origin, use: Use, terms: Terms, base: str | None) -> str:
    hub_name = origin.base["repo_id"] or (base if base and not Path(base).is_dir() else None)
    named = {"base_model": hub_name} if hub_name else {}
    relation = {"base_model_relation": "adapter" if kind == "adapter" else "finetune"}
    return front_matter.write(
        {
            "language": [use.language],
            **terms.licence,
            **named,
            **(relation if named else {}),
            "library_name": "peft" if kind == "adapter" else "transformers",
            "pipeline_tag": "text-generation",
            "tags": ["synthetic", "clinical", "icd-10", *(["lora"] if kind == "adapter" else [])],
        }
    )


def _card(kind: Kind, origin: Origin, use: Use, terms: Terms, chat: bool) -> str:
    how = use.sampling
    filled = f'template.replace("{SLOT}", "{_TERMS}")'
    code = _LOAD[kind].format(folder=json.dumps(terms.repo or ".")) + _WRITE.format(
        template=json.dumps(use.template, ensure_ascii=False),
        prompt=f'[{{"role": "user", "content": {filled}}}]' if chat else filled,
        max_new_tokens=how.max_new_tokens,
    )
    turn = (
        " and given as the user's turn of the chat template" if chat else " and given as it stands"
    )
    sections = [
        f"# Writer of synthetic clinical reports, step `{origin.step}`",
        f"{_WHAT[kind]} It writes invented clinical reports from keywords. Not for clinical use.",
        f"## Use\n\n```python\n{code}```",
        f"The prompt is `{TEMPLATE}` with `{SLOT}` replaced by terms with commas between{turn}. "
        f"The step's data set was written with temperature {how.temperature:g}, top-p "
        f"{how.top_p:g}, top-k {how.top_k} (0: off), at most {how.max_new_tokens} tokens.",
        privacy.section(terms.audit, terms.accepted, kind).strip(),
        origin.section().strip(),
        f"## Licence\n\n{licences.told(terms.licence)}",
    ]
    return "\n\n".join(sections) + "\n"
