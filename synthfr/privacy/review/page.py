"""The page: pairs beside one another, one HTML file that loads nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from synthfr.disk import atomic_path
from synthfr.errors import UserError
from synthfr.privacy.review.marks import marked
from synthfr.section import Count, Section

HERE = Path(__file__).parent


class Review(Section):
    """Parameters `privacy.review`: see the comments in params.yaml."""

    pairs: Count = 20
    run_words: Count = 5


class Pair(NamedTuple):
    """A synthetic report and the private one that it is most like."""

    synthetic_id: str
    synthetic_text: str
    private_id: str
    private_text: str
    share_of_private: float  # of the private report's n-grams that stand in the synthetic one


def write(
    pairs: Sequence[Pair], folder: Path, step: str, settings: Review, *, private: Path
) -> Path:
    """Write ``index.html`` to `folder`, readable by its owner alone (mode 600): the most similar of
    `pairs`, the closest first. Path of the file.

    `private`: the project's folder for private files.

    Raises:
        UserError: if `folder` is not below `private`, or a link leads out of it.
    """
    refuse_open(folder, private)
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    closest = sorted(pairs, key=_closest_first)
    rows = [
        (pair, *marked(pair.synthetic_text, pair.private_text, settings.run_words))
        for pair in closest[: settings.pairs]
    ]
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("review.html.j2")
    page = template.render(step=step, rows=rows, run_words=settings.run_words)
    path = folder / "index.html"
    with atomic_path(path, private=True) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def refuse_open(folder: Path, private: Path) -> None:
    """UserError unless `folder` lies below `private`, as it is written and with its links followed:
    `private` may itself be a link to another disk. A folder of the name ``data/private`` above the
    project closes nothing.
    """
    page = folder / "index.html"
    written, real = (
        Path(of(page)).is_relative_to(of(private)) for of in (os.path.abspath, os.path.realpath)
    )
    if not (written and real):
        raise UserError(
            f"{folder} is not below {private}, or a link leads out of it: the page of the most "
            "similar pairs shows private text and is written nowhere else; name a folder there."
        )


def _closest_first(pair: Pair) -> tuple[float, str, str]:
    return -pair.share_of_private, pair.synthetic_id, pair.private_id
