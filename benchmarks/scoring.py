"""Scoring a round: our one pass against the original's loop over candidates, with the same encoder.

``python -m benchmarks.scoring [--documents 16] [--encoder FOLDER]``

Four candidates for each private document; similarity = mean of the whole texts' cosine and the
worst window's. The original goes one candidate at a time: `loop` encodes the candidate, its
document and the candidate's windows, each in a call of its own (so that nothing is padded to the
longest); `loop, by part` is two functions, one for the whole texts and one for the windows, and
each encodes the document that it compares with. Where arithmetic is the limit, their ratio to ours
cannot be much more than that of the tokens that each encodes, which is shown.
Ours is `synthfr.scoring.similarities` with the sentence-transformers evaluator, as the stage score
runs it. The encoder is shaped like a small XLM-R with random weights and a tokenizer trained on the
spot, unless a folder is named: speed and equality need no meaning. Texts are demo reports, joined
so that there are several windows. Each contender runs in a process of its own with one thread;
seconds are CPU seconds (on a GPU: wall seconds), loading not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks import machine
from benchmarks.random_models import XLMR_BASE, Architecture

if TYPE_CHECKING:
    from synthfr.scoring.sentence_transformers import SentenceTransformersEvaluator

CANDIDATES = 4
MAX_TOKENS, WINDOW_TOKENS, STRIDE_TOKENS = 512, 128, 64
VOCABULARY = 8000  # of the tokenizer
SMALL: Architecture = {
    **XLMR_BASE,
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "layer_norm_eps": 1e-12,
    "type_vocab_size": 2,
}
# reports in a text, evenly drawn; private ones are shorter: both make texts of like length
JOINED = {"candidate": (2, 7), "document": (3, 10)}
TOLERANCE = 1e-4
AIMS = "1.5 on a CPU, 5 on a GPU"

Round = tuple[list[str], list[str]]  # candidates (CANDIDATES for each document), documents


def main(
    documents: int = 16,
    encoder: Annotated[
        Path | None, typer.Option(help="Folder of a sentence-transformers model.")
    ] = None,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare seconds and scores."""
    if only and encoder:
        print(json.dumps(measure(only, encoder, documents)))
        return
    result = compare(documents, encoder)
    print(
        f"{documents * CANDIDATES} candidates of {documents} documents, {result['windows']} windows"
    )
    ours = result["one pass"]
    for name in CONTENDERS:
        row = result[name]
        print(f"{name:14} {row['seconds']:6.1f} s  {row['tokens']:7} tokens", end="")
        if row is not ours:
            seconds, tokens = (row[unit] / ours[unit] for unit in ("seconds", "tokens"))
            print(f"  ratio {seconds:.2f} (aim: {AIMS}; of tokens: {tokens:.2f})", end="")
        print()
    print(f"scores differ by {result['difference']:.1e} at most (aim: {TOLERANCE:.0e})")


def compare(documents: int, encoder: Path | None) -> dict[str, Any]:
    """Run all on the same round; `difference`: the greatest between two scores of a candidate."""
    with tempfile.TemporaryDirectory() as folder:
        if encoder is None:
            encoder = make_encoder(Path(folder))
        result: dict[str, Any] = {}
        one_thread = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        for name in CONTENDERS:
            command = [sys.executable, "-m", "benchmarks.scoring", "--only", name]
            command += ["--encoder", str(encoder), "--documents", str(documents)]
            done = subprocess.run(command, check=True, env=one_thread, stdout=subprocess.PIPE)
            result[name] = json.loads(done.stdout.splitlines()[-1])
    scores = [result[name].pop("scores") for name in CONTENDERS]
    result["difference"] = max(max(each) - min(each) for each in zip(*scores, strict=True))
    return result | {"windows": result["loop"]["windows"]}


def make_encoder(folder: Path, architecture: Architecture = SMALL) -> Path:
    """A random encoder with XLM-R's architecture and special tokens, mean pooling; its tokenizer is
    trained on the demo.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    words = Tokenizer(models.Unigram())
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    words.train_from_iterator(
        _reports("pub", 400),
        trainers.UnigramTrainer(
            vocab_size=VOCABULARY, special_tokens=special, unk_token="<unk>", show_progress=False
        ),
    )
    words.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    plain = folder / "plain"
    PreTrainedTokenizerFast(
        tokenizer_object=words, model_max_length=MAX_TOKENS, bos_token="<s>", pad_token="<pad>",
        eos_token="</s>", unk_token="<unk>", mask_token="<mask>", cls_token="<s>", sep_token="</s>",
    ).save_pretrained(plain)  # fmt: skip
    torch.manual_seed(0)
    vocabulary = max(architecture["vocab_size"], words.get_vocab_size())
    config = XLMRobertaConfig(**architecture | {"vocab_size": vocabulary}, initializer_range=0.1)
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(plain)
    module = Transformer(str(plain))
    made = folder / "encoder"
    pooled = Pooling(module.get_embedding_dimension())
    SentenceTransformer(modules=[module, pooled]).save(str(made))
    return made


def _reports(side: str, n: int) -> list[str]:
    from synthfr.corpora import demo
    from synthfr.corpora.demo import DemoSizes

    made = demo.corpus(DemoSizes(public=n, private_train=n, private_holdout=1), 0)
    table = made.public if side == "pub" else made.private_train
    texts: list[str] = table["text"].tolist()
    return texts


def _round(documents: int) -> Round:
    """Candidates look like the public reports, documents like the private ones."""
    from synthfr import seeding

    def joined(reports: list[str], n: int, kind: str) -> list[str]:
        made = []
        for index in range(n):
            rng = seeding.rng(0, "benchmark", kind, index)
            chosen = rng.choice(len(reports), int(rng.integers(*JOINED[kind])), replace=False)
            made.append("\n".join(reports[int(i)] for i in chosen))
        return made

    candidates = joined(_reports("pub", 400), documents * CANDIDATES, "candidate")
    return candidates, joined(_reports("train", 400), documents, "document")


def measure(name: str, encoder: Path, documents: int) -> dict[str, Any]:
    """One contender's seconds, scores and encoded tokens, in this process."""
    import torch

    from synthfr.scoring.sentence_transformers import (
        SentenceTransformersEvaluator,
        SentenceTransformersSettings,
    )

    torch.set_num_threads(1)
    contender = CONTENDERS[name]
    settings = SentenceTransformersSettings(model=str(encoder), max_tokens=MAX_TOKENS)
    evaluator = SentenceTransformersEvaluator(settings, WINDOW_TOKENS)
    candidates, private = _round(documents)
    contender(evaluator, (candidates[:CANDIDATES], private[:1]))  # what is set up once
    begin = machine.now()
    scores = contender(evaluator, (candidates, private))
    seconds = machine.now() - begin
    windows = [evaluator.windows(text, WINDOW_TOKENS, STRIDE_TOKENS) for text in candidates]
    counted = [[*candidates], [*private], [window for each in windows for window in each]]
    n_candidates, n_documents, n_windows = (sum(evaluator._lengths(each)) for each in counted)
    times = {_one_pass: 1, _loop: CANDIDATES, _loop_by_part: 2 * CANDIDATES}[contender]
    return {
        "seconds": seconds,
        "scores": scores,
        "windows": len(counted[2]),
        "tokens": n_candidates + times * n_documents + n_windows,
    }


def _one_pass(evaluator: SentenceTransformersEvaluator, round_: Round) -> list[float]:
    import numpy as np

    from synthfr.scoring.similarity import similarities

    candidates, documents = round_
    document_of = np.arange(len(candidates)) // CANDIDATES
    found = similarities(
        evaluator, candidates, documents, document_of, WINDOW_TOKENS, STRIDE_TOKENS
    )
    return [float(score) for score in found]


def _loop(evaluator: SentenceTransformersEvaluator, round_: Round) -> list[float]:
    return _original(evaluator, round_, by_part=False)


def _loop_by_part(evaluator: SentenceTransformersEvaluator, round_: Round) -> list[float]:
    return _original(evaluator, round_, by_part=True)


def _original(
    evaluator: SentenceTransformersEvaluator, round_: Round, by_part: bool
) -> list[float]:
    def encode(texts: list[str]) -> Any:
        return evaluator._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    found = []
    for index, candidate in enumerate(round_[0]):
        text = round_[1][index // CANDIDATES]
        (whole,), (document,) = encode([candidate]), encode([text])
        similarity = float(whole @ document)
        if by_part:
            (document,) = encode([text])
        windows = encode(evaluator.windows(candidate, WINDOW_TOKENS, STRIDE_TOKENS))
        found.append((similarity + float((windows @ document).min())) / 2)
    return found


Contender = Callable[["SentenceTransformersEvaluator", Round], list[float]]

CONTENDERS: dict[str, Contender] = {
    "one pass": _one_pass,
    "loop": _loop,
    "loop, by part": _loop_by_part,
}

if __name__ == "__main__":
    typer.run(main)
