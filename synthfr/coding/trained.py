"""A PLM-ICD coder that was trained and kept: it codes texts, and shows the words behind a code.

Nothing is trained here. What it knows it has from the reports that it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr.coding.evidence import Evidence, words_behind
from synthfr.coding.fine_tuning import tokenizer
from synthfr.coding.metrics import Floats
from synthfr.coding.plm_icd import SETTINGS, WEIGHTS, alone
from synthfr.disk import read_json
from synthfr.errors import UserError

if TYPE_CHECKING:
    from synthfr.coding.label_attention import PlmIcd

# a row a label
_QUERIES = {"label_attention": "head.queries.weight", "cross_attention": "head.queries"}


class TrainedPlmIcd:
    """A coder that was trained and kept: scores of any texts, and the words behind a code.

    Its attention over a private report tells words of that report: both stay on the private side.
    """

    def __init__(
        self, model: PlmIcd, tokenizer: Any, max_length: int, labels: Sequence[str]
    ) -> None:
        self.labels = list(labels)
        self._model = model
        self._tokenizer = tokenizer
        self._max_length = max_length

    def scores(self, texts: Sequence[str], batch_size: int = 8) -> Floats:
        """Logits, shape (n_texts, n_labels); columns are `labels`."""
        from synthfr.coding.label_attention import evaluating

        encoded = [self._encoded(text)[0] for text in texts]
        order = np.argsort([len(ids) for ids in encoded], kind="stable")
        scores = np.empty((len(texts), len(self.labels)))
        with evaluating(self._model):
            for at in range(0, len(order), batch_size):
                rows = order[at : at + batch_size]
                logits, _ = self._read([encoded[row] for row in rows])
                scores[rows] = logits.double().numpy()
        return scores

    def evidence(self, text: str, label: str) -> list[Evidence]:
        """Each word of a text, in its order, with the attention that it has from a label.

        UserError when the model knows no such label.
        """
        from synthfr.coding.label_attention import evaluating

        if label not in self.labels:
            raise UserError(
                f"evidence: the coder has no label {label}: name one it was trained on."
            )
        ids, offsets = self._encoded(text)
        with evaluating(self._model):
            _, attention = self._read([ids])
        weights = attention[0, self.labels.index(label), : len(offsets)].tolist()
        return words_behind(text, offsets, weights)

    def _encoded(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids, and the characters of each; a text without tokens is one padding token."""
        encoded = self._tokenizer(
            text,
            truncation=True,
            max_length=self._max_length,
            verbose=False,
            return_offsets_mapping=True,
        )
        nothing: list[int] = [self._tokenizer.pad_token_id]
        return encoded["input_ids"] or nothing, encoded["offset_mapping"] or [(0, 0)]

    def _read(self, ids: list[list[int]]) -> Any:
        from synthfr.coding.label_attention import collate

        padding = self._tokenizer.pad_token_id
        return self._model.read(**collate(ids, self._model.chunk_tokens, padding))


def load(folder: Path, labels: Sequence[str]) -> TrainedPlmIcd:
    """A coder kept in `folder`, which `PlmIcdCoder.kept` names, on the CPU.

    Args:
        folder: what was kept.
        labels: names of the columns that it was trained on, in their order.

    UserError when the folder is no such coder, or has another number of labels.
    """
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel

    from synthfr.coding.label_attention import PlmIcd

    how = read_json(folder / SETTINGS)
    weights = load_file(folder / WEIGHTS)
    n_labels = len(weights[_QUERIES[how["head"]]])
    if n_labels != len(labels):
        raise UserError(
            f"{folder} holds a coder of {n_labels} labels, and {len(labels)} are named: "
            "name those that it was trained on."
        )
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    encoder = AutoModel.from_config(config, trust_remote_code=False).float()
    alone(encoder)
    model = PlmIcd(encoder, how["head"], n_labels, how["chunk_tokens"], how["published"])
    model.load_state_dict(weights)
    words = tokenizer(folder, str(folder))
    if not words.is_fast:
        raise UserError(
            f"{folder}: its tokenizer does not tell which characters a token stands for: train the "
            "coder on a model with a tokenizer.json."
        )
    return TrainedPlmIcd(model, words, how["max_length"], labels)
