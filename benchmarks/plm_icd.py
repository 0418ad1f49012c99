"""PLM-ICD: our batched reading in chunks against a straight loop over documents.

``python -m benchmarks.plm_icd [--documents 48] [--repeats 3]``

Both train the same random network on the same reports: the demo's as they are, which are short, and
demo text in the lengths that a hospital has (50 to 600 words). Forward, loss and backward, no step
of an optimiser. The loop is how the method reads when written down as it is defined: one document
at a time, padded to a multiple of 128 tokens. Ours reads the chunks of a batch together, whole ones
without a mask and last ones cut to the longest of them. Counted are the reports' own tokens a
second: padding earns nothing. The best of some repeats of each, in one process and by turns; CPU
seconds of one thread, or wall seconds in bfloat16 where torch sees a GPU. Both give the same
logits: the greatest difference is shown.

Where arithmetic is the limit (long reports on a CPU), the ratio cannot be much more than that of
the padded tokens that each reads; what a call costs by itself counts with short ones and on a GPU.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks import machine, random_models

if TYPE_CHECKING:
    from torch import Tensor

AIM = 1.5
CHUNK_TOKENS = 128
LABELS = 50
WORDS = (50, 600)


def main(
    documents: int = 48,
    batch: Annotated[int, typer.Option(help="Reports that ours holds at once.")] = 16,
    repeats: int = 3,
    full: Annotated[bool, typer.Option(help="ModernBERT-large's size; wants a GPU.")] = False,
) -> None:
    """Compare tokens a second."""
    for kind, texts in (("as the demo's", _demo(documents)), ("long", _long(documents))):
        found = compare(texts, batch, repeats, full)
        print(f"{documents} reports, {kind}: {found['tokens']} tokens, on {machine.name()}")
        print(f"loop over documents {found['loop']:9.0f} tokens/s")
        print(f"ours, {batch:3} at once  {found['ours']:9.0f} tokens/s", end="")
        print(f"  ratio {found['ours'] / found['loop']:.2f} (aim: {AIM})")
        print(f"logits differ by {found['difference']:.1e} at most")


def compare(texts: list[str], batch: int, repeats: int, full: bool = False) -> dict[str, float]:
    """Tokens a second of each, how many tokens there are, and how much logits differ."""
    import torch

    from synthfr import seeding
    from synthfr.coding.label_attention import collate, evaluating

    if machine.device() == "cpu":
        torch.set_num_threads(1)
    documents = len(texts)
    model, ids, padding = _network(texts, full)
    drawn = seeding.rng(0, "benchmark", "labels").random((documents, LABELS)) < 0.1
    truth = torch.from_numpy(drawn).float().to(machine.device())
    order = sorted(range(documents), key=lambda row: len(ids[row]))  # as the coder batches

    def reading(size: int) -> Callable[[], None]:
        def run() -> None:
            for at in range(0, documents, size):
                rows = order[at : at + size]
                logits = _logits(model, collate([ids[row] for row in rows], CHUNK_TOKENS, padding))
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth[rows])
                loss.backward()
            model.zero_grad()

        return run

    def looping() -> None:
        for row in order:
            batch_ = collate([ids[row]], CHUNK_TOKENS, padding)
            logits = _straight(model, batch_)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth[[row]])
            loss.backward()
        model.zero_grad()

    contenders = {"loop": looping, "ours": reading(batch)}
    tokens = sum(map(len, ids))
    seconds = {name: float("inf") for name in contenders}
    for number in range(repeats + 1):  # the first is to warm up
        for name, run in contenders.items():
            begun = machine.now()
            run()
            if number:
                seconds[name] = min(seconds[name], machine.now() - begun)
    with evaluating(model):
        together = _logits(model, collate(ids, CHUNK_TOKENS, padding))
        alone = torch.cat([_straight(model, collate([one], CHUNK_TOKENS, padding)) for one in ids])
    difference = float((together - alone).abs().max())
    speeds = {name: tokens / taken for name, taken in seconds.items()}
    return speeds | {"tokens": tokens, "difference": difference}


def _network(texts: list[str], full: bool) -> tuple[Any, list[list[int]], int]:
    """The network, the token ids of the reports, and the padding token."""
    from synthfr.coding.plm_icd import PlmIcdCoder, PlmIcdSettings

    architecture = random_models.MODERNBERT_LARGE if full else random_models.MODERNBERT_TINY
    with tempfile.TemporaryDirectory() as folder:
        encoder = random_models.encoder(architecture, Path(folder) / "encoder")
        how = PlmIcdSettings(model=str(encoder), chunk_tokens=CHUNK_TOKENS)
        coder = PlmIcdCoder(texts, how, 0, Path(folder))
        return (
            coder._model(LABELS).train().to(machine.device()),
            coder._ids,
            coder._tokenizer.pad_token_id,
        )


def _demo(documents: int) -> list[str]:
    from synthfr.corpora import demo
    from synthfr.corpora.demo import DemoSizes

    made = demo.corpus(DemoSizes(public=documents, private_train=1, private_holdout=1), 0)
    texts: list[str] = made.public["text"].tolist()
    return texts


def _long(documents: int) -> list[str]:
    from synthfr import seeding

    words = " ".join(_demo(400)).split()
    texts = []
    for index in range(documents):
        rng = seeding.rng(0, "benchmark", "report", index)
        length = round(WORDS[0] * (WORDS[1] / WORDS[0]) ** rng.random())
        begin = int(rng.integers(0, len(words) - length))
        texts.append(" ".join(words[begin : begin + length]))
    return texts


def _logits(model: Any, batch: dict[str, Tensor]) -> Tensor:
    with _precision():
        logits: Tensor = model(**{name: one.to(machine.device()) for name, one in batch.items()})[
            "logits"
        ]
    return logits


def _straight(model: Any, batch: dict[str, Tensor]) -> Tensor:
    """One document by the definition: all its chunks with their padding, which a mask hides."""
    ids, mask = (batch[name].to(machine.device()) for name in ("input_ids", "attention_mask"))
    chunks = (ids.view(-1, CHUNK_TOKENS), mask.view(-1, CHUNK_TOKENS))
    with _precision():
        read = model.encoder(input_ids=chunks[0], attention_mask=chunks[1]).last_hidden_state
        logits: Tensor = model.head(read.reshape(1, ids.shape[1], -1), mask.bool())[0]
    return logits


def _precision() -> Any:
    import torch

    if machine.device() == "cpu":
        return nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


if __name__ == "__main__":
    typer.run(main)
