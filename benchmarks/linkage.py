"""The linkage attack on real cases: what a released score table tells of who is behind a prompt.

``SYNTHFR_TEST_DATA=FOLDER python -m benchmarks.linkage [--seed 0] [--private 150]``

FOLDER has fr_e3c_cases.parquet, fr_codiesp_icd10_train.parquet and cim10.parquet. Of each corpus so
many cases are private, as many were never used, and the rest is public. No generator of this size
writes such cases, so the candidates are what one that knows the topic and has seen no private text
could write at best: each mixes the sentences of the three public cases that are likest to the
private one (TF-IDF of words), in a drawn order, of each sentence a share that falls from candidate
to candidate. Keywords and prompts are exported as the pipeline does, with `min_documents` 2.

Scored by two evaluators: the default's, fitted on the private cases, and a public one, which is the
same fitted on the public cases, so that an adversary has it too. A line is a way to release the
scores; the last ones are the control: scores that belong to other prompts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

if TYPE_CHECKING:
    import pandas as pd

CORPORA = ("fr_e3c_cases", "fr_codiesp_icd10_train")
SHARES = (1.0, 0.75, 0.5, 0.35)  # of the sentences of the three cases, by candidate
LANGUAGE = "fr"


def main(
    seed: int = 0,
    private: Annotated[int, typer.Option(help="Private cases, and as many others.")] = 150,
) -> None:
    """Print AUC, TPR at 1 % FPR and links, by corpus, evaluator and way to release."""
    folder = Path(os.environ.get("SYNTHFR_TEST_DATA", ""))
    for corpus in CORPORA:
        if not (folder / f"{corpus}.parquet").is_file():
            raise SystemExit(f"SYNTHFR_TEST_DATA is '{folder}', which has no {corpus}.parquet.")
    codes = _codes(folder)
    for corpus in CORPORA:
        measured = measure(folder / f"{corpus}.parquet", codes, private, seed)
        for evaluator, figures in measured.items():
            print(f"\n{corpus}, {evaluator}: {figures['suspects']} of each side, prompts "
                  f"{figures['prompts']}")  # fmt: skip
            print(_line("prompts alone", figures["by_prompts"]))
            print(_line("candidates alone", figures["by_candidates"]))
            for way, told in figures["by_scores"].items():
                print(_line(way, told))


def measure(path: Path, codes: pd.DataFrame, private: int, seed: int) -> dict[str, Any]:
    """Figures of the attack on one corpus, by evaluator."""
    import pandas as pd

    from synthfr import seeding
    from synthfr.keywords.export import Keywords, export
    from synthfr.preferences import Pair, choose
    from synthfr.privacy.linkage import Linkage, Round, attack
    from synthfr.scoring import score
    from synthfr.scoring.scores import Score

    cases = pd.read_parquet(path, columns=["id", "text"]).drop_duplicates("text")
    order = seeding.rng(seed, "cases").permutation(len(cases))
    reports = pd.DataFrame(
        {
            "report_id": cases["id"].astype(str).to_numpy()[order],
            "text": cases["text"].to_numpy()[order],
            "codes": [[] for _ in order],
            "keywords": [[] for _ in order],
            "language": LANGUAGE,
        }
    )
    used, never, public = (
        part.reset_index(drop=True)
        for part in (reports[:private], reports[private : 2 * private], reports[2 * private :])
    )
    # what leaves of codes is no matter here, and must be there
    used["codes"] = pd.Series([["I10"]] * len(used), dtype=object)
    keywords = Keywords(min_documents=2)
    exported = export(public, used, codes, keywords, "plain", seed)
    candidates = _candidates(exported.keyed, public, seed)
    params, pair = Score(), Pair(max_pairs=None)
    judged = candidates[["prompt_id", "candidate"]].assign(judge=np.nan, similarity=np.nan)
    scores = score(
        candidates,
        exported.keyed,
        exported.prompts,
        judged,
        judged,
        public,
        params,
        random_seed=seed,
        round_name="dpo1",
    ).scores
    tables = {
        "evaluator fitted on private cases": scores,
        "public evaluator": _by_public(scores, exported, candidates, public, params),
    }
    tables["public evaluator, scores of other prompts (control)"] = _of_others(
        tables["public evaluator"], seed
    )
    found = {}
    for evaluator, table in tables.items():
        released = choose(candidates, table, pair, seeding.derive(seed, "dpo1")).orders
        round_ = Round("dpo1", candidates, exported.prompts, released, public, codes, table,
                       exported.keyed, never)  # fmt: skip
        _, found[evaluator] = attack(round_, Linkage(), params, pair, keywords, seed)
    return found


def _codes(folder: Path) -> pd.DataFrame:
    from synthfr.corpora.files import FileSource, SeedFiles
    from synthfr.corpora.files.code_list import code_list

    source = FileSource(path=str(folder / "cim10.parquet"), columns={"label": "label_fr"})
    return code_list(SeedFiles(codes=source, synonyms=FileSource()), LANGUAGE)


def _candidates(keyed: pd.DataFrame, public: pd.DataFrame, seed: int) -> pd.DataFrame:
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer

    from synthfr import seeding

    vectorizer = TfidfVectorizer(sublinear_tf=True)
    known = vectorizer.fit_transform(public["text"])
    likest = np.argsort(-(vectorizer.transform(keyed["text"]) @ known.T).toarray(), axis=1)[:, :3]
    sentences = [[one for one in text.split(". ") if one] for text in public["text"]]
    rows = []
    for prompt_id, own in zip(keyed["prompt_id"], likest, strict=True):
        pool = [sentence for case in own for sentence in sentences[case]]
        for number, share in enumerate(SHARES):
            rng = seeding.rng(seed, "candidate", prompt_id, number)
            kept = rng.permutation(len(pool))[: max(1, round(share * len(pool) / 3))]
            text = ". ".join(pool[at] for at in kept) + "."
            rows.append((prompt_id, number, text, len(text.split())))
    names = ["prompt_id", "candidate", "text", "n_tokens"]
    return pd.DataFrame(rows, columns=names).assign(finish_reason="stop")


def _by_public(
    scores: pd.DataFrame,
    exported: Any,
    candidates: pd.DataFrame,
    public: pd.DataFrame,
    params: Any,
) -> pd.DataFrame:
    """The table as it is with the evaluator fitted on public cases."""
    from synthfr.scoring.local import LocalEvaluator
    from synthfr.scoring.similarity import similarities
    from synthfr.text import strip_headings

    def stripped(texts: pd.Series) -> list[str]:
        return [strip_headings(text, LANGUAGE) for text in texts]

    encoder = LocalEvaluator(params.evaluator.local)
    encoder.fit(stripped(public["text"]))
    place = {one: row for row, one in enumerate(exported.keyed["prompt_id"])}
    told = candidates.sort_values(["prompt_id", "candidate"], ignore_index=True)
    similar = similarities(
        encoder,
        stripped(told["text"]),
        stripped(exported.keyed["text"]),
        told["prompt_id"].map(place).to_numpy(),
        params.window_tokens,
        params.stride_tokens,
    ).astype(np.float32)
    return scores.assign(similarity=similar, total=similar)


def _of_others(scores: pd.DataFrame, seed: int) -> pd.DataFrame:
    from synthfr import seeding

    ids = sorted(set(scores["prompt_id"]))
    others = dict(zip(ids, seeding.rng(seed, "others").permutation(ids), strict=True))
    moved = scores.assign(prompt_id=scores["prompt_id"].map(others))
    return moved.sort_values(["prompt_id", "candidate"], ignore_index=True)


def _line(name: str, told: Any) -> str:
    def shown(figure: Any) -> str:
        return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"

    def membership(of: Any) -> str:
        return f"AUC {shown(of['auc'])} TPR {shown(of['tpr_at_fpr_1'])}"

    parts = [
        f"{name:16} among all {membership(told['among_all'])}",
        f"known prompt {membership(told['known_prompt'])}",
        f"linked {shown(told['linked'])}",
    ]
    if "with_prompts" in told:
        both = told["with_prompts"]
        parts.append(f"with prompts {membership(both)} gain {shown(both['auc_gain'])} linked "
                     f"{shown(both['linked'])} gain {shown(both['linked_gain'])}")  # fmt: skip
    return " | ".join(parts)


if __name__ == "__main__":
    typer.run(main)
