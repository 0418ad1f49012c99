"""A random Qwen3 of a few thousand weights and a byte-level tokenizer, made in the test: no
download, no training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEXTS = [
    "Mots-clés : hypertension artérielle, diabète de type 2",
    "Compte rendu : patient de 67 ans, fièvre à 39, traité par amoxicilline.",
    "L'examen retrouve une pression artérielle élevée. Sortie à domicile.",
]

# as Qwen3's: a finished answer is written otherwise than an opened one
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(vocabulary: int = 300) -> Any:
    """Byte-level BPE over a few French sentences, with end-of-text 0 and padding 1, padded on the
    left.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE(unk_token=None))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=["<|endoftext|>", "<|pad|>"],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|endoftext|>", pad_token="<|pad|>", padding_side="left"
    )


def model(
    seed: int = 0, hidden: int = 32, layers: int = 2, vocabulary: int = 300, context: int = 256
) -> Any:
    """Qwen3 with random float32 weights, wide enough apart that greedy choices are no near-ties."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    made = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=hidden // 4,
            max_position_embeddings=context,
            initializer_range=0.3,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=0,
            pad_token_id=1,
        )
    )
    return made.eval()


def save_model(folder: Path, seed: int = 0, **architecture: int) -> Path:
    """A model folder as a user would have one: config, safetensors, tokenizer."""
    words = tokenizer()
    made = model(seed, vocabulary=len(words), **architecture)
    made.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def save_chat_model(folder: Path, **architecture: int) -> Path:
    """An instruct model's folder: a chat template, and an end of turn that is not its end of
    text.
    """
    words = tokenizer()
    words.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    words.chat_template = CHAT_TEMPLATE
    made = model(vocabulary=304, **architecture)
    ends = words.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    made.generation_config.eos_token_id = ends
    for one in (made, words):
        one.save_pretrained(folder)
    return folder


def base(folder: Path, seed: int = 0, **architecture: int) -> Path:
    """A base as the stage ``base`` makes it (with provenance), at `folder`; its source lies
    beside it.
    """
    from synthfr.models.base import Base, provide

    source = save_model(folder.with_name(f"{folder.name}-source"), seed, **architecture)
    provide(
        Base(source="local", path=str(source), repo_id=None, revision=None, allow_download=False),
        folder,
    )
    return folder


def adapter(
    folder: Path, base_dir: Path, step: str, parent_dir: Path | None = None, seed: int = 0
) -> Path:
    """A random LoRA adapter for `step`, saved with its lineage; its parent is what `parent_dir`
    holds.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    from synthfr.models import load_policy, read_lineage, save_adapter

    policy = load_policy(base_dir, [])
    torch.manual_seed(seed)
    lora = get_peft_model(policy.model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))
    with torch.no_grad():
        for name, weight in lora.named_parameters():
            if "lora_B" in name:  # starts at zero: an adapter that changes nothing
                weight.normal_(std=0.1)
    parent = read_lineage(parent_dir).step if parent_dir else None
    save_adapter(lora, folder, step, parent, base_dir, parent_dir)
    return folder
