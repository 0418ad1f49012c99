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
from collections.abc import Callable, Sequence
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
    for kind, texts in (("as the demo's", _demo(documents)), ("long", long_reports(documents))):
        found = compare(texts, batch, repeats, full)
        print(f"{documents} reports, {kind}: {found['tokens']} tokens, on {machine.name()}")
        print(f"loop over documents {found['loop']:9.0f} tokens/s")
        print(f"ours, {batch:3} at once  {found['ours']:9.0f} tokens/s", end="")
        print(f"  ratio {found['ours'] / found['loop']:.2f} (aim: {AIM})")
        print(f"logits differ by {found['difference']:.1e} at most")


class Contest:
    """Both ways to train one random network, ``ours`` and ``loop``, over the same reports.

    `ids`: token ids of each report; `batch`: reports that ours holds at once; `full`: of
    ModernBERT-large's size.
    """

    def __init__(self, texts: list[str], batch: int, full: bool = False) -> None:
        import torch

        from synthfr import seeding

        if machine.device() == "cpu":
            torch.set_num_threads(1)
        self._model, self.ids, self._padding = _network(texts, full)
        drawn = seeding.rng(0, "benchmark", "labels").random((len(texts), LABELS)) < 0.1
        self._truth = torch.from_numpy(drawn).float().to(machine.device())
        # as the coder batches
        self._order = sorted(range(len(texts)), key=lambda row: len(self.ids[row]))
        self._batch = batch

    @property
    def tokens(self) -> int:
        """The reports' own, in one pass."""
        return sum(map(len, self.ids))

    def train(self, name: str) -> float:
        """Seconds of one pass: forward, loss and backward of every report."""
        begun = machine.now()
        held = {"ours": self._batch, "loop": 1}[name]
        read = {"ours": _logits, "loop": _straight}[name]
        for at in range(0, len(self._order), held):
            self._backward(read, self._order[at : at + held])
        self._model.zero_grad()
        return machine.now() - begun

    def difference(self) -> float:
        """The greatest between logits of the two."""
        import torch

        from synthfr.coding.label_attention import evaluating

        with evaluating(self._model):
            rows = range(len(self.ids))
            parts = [rows[at : at + self._batch] for at in range(0, len(rows), self._batch)]
            together = torch.cat([_logits(self._model, self._collated(part)) for part in parts])
            alone = torch.cat([_straight(self._model, self._collated([row])) for row in rows])
        return float((together - alone).abs().max())

    def _backward(self, read: Callable[[Any, dict[str, Tensor]], Tensor], rows: list[int]) -> None:
        import torch

        logits = read(self._model, self._collated(rows))
        truth = self._truth[rows]
        torch.nn.functional.binary_cross_entropy_with_logits(logits, truth).backward()

    def _collated(self, rows: Sequence[int]) -> dict[str, Tensor]:
        from synthfr.coding.label_attention import collate

        return collate([self.ids[row] for row in rows], CHUNK_TOKENS, self._padding)


def compare(texts: list[str], batch: int, repeats: int, full: bool = False) -> dict[str, float]:
    """Tokens a second of each, how many tokens there are, and how much logits differ."""
    contest = Contest(texts, batch, full)
    seconds = dict.fromkeys(("loop", "ours"), float("inf"))
    for number in range(repeats + 1):  # the first is to warm up
        for name in seconds:
            taken = contest.train(name)
            seconds[name] = min(seconds[name], taken) if number else seconds[name]
    speeds = {name: contest.tokens / taken for name, taken in seconds.items()}
    return speeds | {"tokens": contest.tokens, "difference": contest.difference()}


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


def long_reports(documents: int) -> list[str]:
    """Demo text in the lengths that a hospital has: many short reports, few long ones."""
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
