"""``dvc.yaml`` of a clone that has no private documents.

Each private stage becomes one of the same name that unpacks what hospitals answered in its place,
so that ``dvc repro`` goes on behind it and never runs private work: its dependencies are what was
asked and the accepted answers, its outputs what the public side sees. A stage that nothing stands
for is left out. All others stay as they are.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthfr.disk import write_text
from synthfr.pipeline import layout, profiles
from synthfr.pipeline.exchange import counting
from synthfr.sites.exchanges import STAGES, Exchange

_PRIVATE = "PRIVATE."  # how the description of a private stage begins
_CODE = ["stages/answer.py", "synthfr/sites"]
_MADE = ("outs", "metrics", "plots")
# what the answers of an exchange are checked against
_ASKED: Mapping[Exchange, list[str]] = {
    "keywords": [
        "synthfr/prompts",
        "data/public/seed.parquet",
        "data/public/codes.parquet",
        "${prompt.watch}",
    ],
    "scores": [
        "data/public/prompts.parquet",
        "data/public/seed.parquet",
        "data/rounds/${key}/candidates.parquet",
        "data/rounds/${key}/judgements.parquet",
        "data/public/codes.parquet",
    ],
    "evaluation": [
        "data/public/code_sets.parquet",
        "data/public/codes.parquet",
        "data/public/seed.parquet",
        "data/synthetic/${item}",
        "models/coder/${item}",
        layout.answers("keywords").as_posix(),
    ],
}


def rewrite(path: Path = Path("dvc.yaml")) -> list[str]:
    """Rewrite `path` for a clone without private documents; names of the stages that changed.

    Comments inside the stages that change are lost; all else is kept as it is written.
    """
    yaml = profiles.round_trip()
    yaml.indent(mapping=2, sequence=4, offset=2)  # as the file is written
    tree = yaml.load(path.read_text(encoding="utf-8"))
    before = {name: entry.get("do", entry) for name, entry in tree["stages"].items()}
    changed = []
    for name, entry in list(tree["stages"].items()):
        body = before[name]
        if not str(body.get("desc", "")).startswith(_PRIVATE):
            continue
        changed.append(name)
        new = _instead(name, body, before)
        if new is None:
            del tree["stages"][name]
        elif body is entry:
            tree["stages"][name] = new
        else:
            entry["do"] = new
    text = io.StringIO()
    yaml.dump(tree, text)
    write_text(path, text.getvalue())
    return changed


def _instead(
    name: str, body: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The stage that stands for a private one; None: nothing does. `before`: all stages."""
    item = str(body["cmd"]).removeprefix(f"python -m stages.{name}").strip()
    made = {part: kept for part in _MADE if (kept := _public(body.get(part) or ()))}
    if name == "seed":  # the public side alone, from its own files
        of_private = ("stages/seed.py", "${seed.files.private.path}")
        params = list(body["params"])
        deps = ["stages/answer.py", *(dep for dep in body["deps"] if dep not in of_private)]
        desc = "Collect the public seed reports and the codes"
    else:
        exchange = next((one for one, stages in STAGES.items() if name in stages), None)
        if exchange is None:
            return None
        # one question is asked about all stages of the exchange: what it counts, all watch
        asked = [one for stage in counting(exchange) for one in before[stage]["params"]]
        params = sorted(set(asked))
        deps = [*_CODE, *_ASKED[exchange], layout.answers(exchange, item or None).as_posix()]
        desc = f"Unpack what hospitals answered about {exchange}"
    return {
        "desc": desc,
        "cmd": f"python -m stages.answer {name} {item}".strip(),
        "deps": deps,
        "params": params,
        **made,
    }


def _public(made: Any) -> list[Any]:
    """Those outputs of a stage that are not on the private side."""
    names = [next(iter(one)) if isinstance(one, Mapping) else one for one in made]
    private = layout.PRIVATE.as_posix()
    return [one for one, name in zip(made, names, strict=True) if not name.startswith(private)]
