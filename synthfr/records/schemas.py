"""The tables that stages hand to one another: their columns, and what each may not lack."""

import pyarrow as pa

from synthfr.records.table import Table

_LIST = pa.list_(pa.string())


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


_REPORT = {
    "report_id": pa.string(),
    "text": pa.string(),
    "codes": _LIST,  # the first is the principal diagnosis
    "keywords": _LIST,
    "language": pa.string(),
}

REPORTS = Table(
    "reports",
    _schema(**_REPORT, patient_id=pa.string()),
    key=("report_id",),
    text=("report_id", "text", "language"),
    optional=("patient_id",),
)
CANARIES = Table(
    "canaries",
    _schema(canary_id=pa.string(), text=pa.string(), language=pa.string(), report_id=pa.string()),
    key=("canary_id",),
    text=("canary_id", "text", "language"),
    nullable=("report_id",),  # drawn, but planted nowhere
)
CODES = Table(
    "codes",
    _schema(code=pa.string(), label=pa.string(), synonyms=_LIST, sources=_LIST),
    key=("code",),
    text=("code", "label"),
)
SFT = Table(
    "sft",
    _schema(report_id=pa.string(), prompt=pa.string(), completion=pa.string(), keywords=_LIST),
    key=("report_id",),
    text=("report_id", "prompt", "completion"),
    filled=("keywords",),
)
PROMPTS = Table(
    "prompts",
    _schema(prompt_id=pa.string(), keywords=_LIST, prompt=pa.string(), language=pa.string()),
    key=("prompt_id",),
    text=("prompt_id", "prompt", "language"),
    filled=("keywords",),
)
KEYED = Table(
    "keyed",
    _schema(**_REPORT, prompt_id=pa.string(), patient_id=pa.string()),
    key=("prompt_id",),
    text=("report_id", "text", "language", "prompt_id"),
    filled=("keywords",),
    optional=("patient_id",),
)
CODE_SETS = Table(
    "code_sets",
    _schema(kind=pa.string(), codes=_LIST, size=pa.int8(), n_documents=pa.int32()),
    key=("kind", "codes", "size"),
    # set: a whole code set, its principal code first; the codes of a pair have no order
    choices={"kind": ("size", "code", "pair", "set")},
)
CANDIDATES = Table(
    "candidates",
    _schema(
        prompt_id=pa.string(),
        candidate=pa.int8(),
        text=pa.string(),
        seed=pa.int64(),
        temperature=pa.float32(),
        top_p=pa.float32(),
        n_tokens=pa.int32(),
        finish_reason=pa.string(),
    ),
    key=("prompt_id", "candidate"),
    text=("prompt_id",),  # a model may stop at once: an empty candidate is a fact, and scores low
    choices={"finish_reason": ("stop", "length")},
)
JUDGEMENTS = Table(
    "judgements",
    _schema(
        prompt_id=pa.string(),
        candidate=pa.int8(),
        judge=pa.float32(),
        language=pa.float32(),
        plausibility=pa.float32(),
        authenticity=pa.float32(),
    ),
    key=("prompt_id", "candidate"),
    text=("prompt_id",),
    # no judge, no answer in form, or a judge that compares and does not rate
    nullable=("judge", "language", "plausibility", "authenticity"),
)
SIMILARITIES = Table(
    "similarities",
    _schema(prompt_id=pa.string(), candidate=pa.int8(), similarity=pa.float32()),
    key=("prompt_id", "candidate"),
    text=("prompt_id",),
    nullable=("similarity",),  # no judge, or no answer in form
)
SCORES = Table(
    "scores",
    _schema(
        prompt_id=pa.string(),
        candidate=pa.int8(),
        similarity=pa.float32(),
        keyword_recall=pa.float32(),
        judge=pa.float32(),
        similarity_judge=pa.float32(),
        bleu=pa.float32(),
        total=pa.float32(),
    ),
    key=("prompt_id", "candidate"),
    text=("prompt_id",),
    # without a judgement that has a weight there is no total; what has none is not released
    nullable=("similarity", "keyword_recall", "judge", "similarity_judge", "bleu", "total"),
)
PRIVATE_SCORES = Table(
    "private scores",
    # population: similarities to all private documents, summed in steps of 2^-40, without noise
    pa.schema([*SCORES.schema, ("population", pa.int64())]),
    key=SCORES.key,
    text=SCORES.text,
    nullable=SCORES.nullable,
    optional=("population",),
)
ORDERS = Table(
    "orders",
    # numbers of candidates: of `best_of`, and of the prompt's pair
    _schema(prompt_id=pa.string(), best=pa.int8(), chosen=pa.int8(), rejected=pa.int8()),
    key=("prompt_id",),
    text=("prompt_id",),
    nullable=("best", "chosen", "rejected"),  # the prompt is not in `best_of`, or has no pair
)
PAIRS = Table(
    "pairs",
    _schema(
        prompt_id=pa.string(),
        prompt=pa.string(),
        chosen=pa.string(),
        rejected=pa.string(),
        chosen_score=pa.float32(),
        rejected_score=pa.float32(),
        margin=pa.float32(),
    ),
    key=("prompt_id",),
    text=("prompt_id", "prompt", "chosen"),
    # only the choice left the private side
    nullable=("chosen_score", "rejected_score", "margin"),
)
DECISIONS = Table(
    "decisions",
    # of coders that learnt from real reports with noise (share 0: without), per coder's seed
    _schema(
        hypothesis=pa.string(),
        share=pa.float64(),
        seed=pa.int64(),
        report_id=pa.string(),
        codes=_LIST,
    ),
    key=("hypothesis", "share", "seed", "report_id"),
    text=("hypothesis", "report_id"),
    choices={"hypothesis": ("spread", "concentrated")},
)
EVIDENCE = Table(
    "evidence",
    # the words of a synthetic report that a coder attended to most for a label that it carries
    _schema(
        report_id=pa.string(),
        label=pa.string(),
        probability=pa.float32(),  # of the label
        rank=pa.int32(),  # of the word, from 0
        word=pa.string(),
        share=pa.float32(),  # of the label's attention
    ),
    key=("report_id", "label", "rank"),
    text=("report_id", "label", "word"),
)
SYNTHETIC = Table(
    "synthetic",
    _schema(**_REPORT, step=pa.string(), seed=pa.int64(), prompt=pa.string()),
    key=("report_id",),
    text=("report_id", "text", "language", "step", "prompt"),
    filled=("codes", "keywords"),
)
