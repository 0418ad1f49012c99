"""A sentence-transformers encoder with random weights, made in the test."""

from __future__ import annotations

from pathlib import Path

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefgh",
    "hta",
    "fievre",
    "omi",
    ":",
    ",",
]


def sentence_encoder(folder: Path, own_limit: int = 16, positions: int = 32) -> Path:
    """Two layers of BERT and mean pooling at `folder`; reads `own_limit` tokens unless it is told
    otherwise, and could read `positions`.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    plain = folder.with_name(f"{folder.name}-plain")
    plain.mkdir()
    (plain / "vocab.txt").write_text("\n".join(WORDS))
    tokenizer = BertTokenizerFast(str(plain / "vocab.txt"), model_max_length=own_limit)
    tokenizer.save_pretrained(plain)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=positions, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(plain)
    words = Transformer(str(plain))
    whole = SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension())])
    whole.save(str(folder))
    return folder
