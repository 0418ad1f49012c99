"""A step's data set as a folder for the hub: reports, card, Croissant metadata, lineage."""

from __future__ import annotations

import shutil
from pathlib import Path

from synthfr import front_matter, records
from synthfr.disk import sha256_file, write_json, write_text
from synthfr.errors import UserError
from synthfr.generation.card import REPORTS
from synthfr.models import licences
from synthfr.publishing import privacy
from synthfr.publishing.croissant import CROISSANT, croissant
from synthfr.publishing.folder import CARD, new_folder
from synthfr.publishing.origin import LINEAGE, Origin
from synthfr.publishing.terms import Terms

_COLUMNS = {
    "report_id": "Number of the report; the same at every step for the same codes and keywords",
    "text": "The invented report",
    "codes": "ICD-10 codes that were asked for",
    "keywords": "Names of the codes, as the prompt gave them",
    "language": "Of the report",
    "step": "Whose policy wrote it",
    "seed": "Of its sampling",
    "prompt": "What the policy was given",
}
_LOADING = """\
```python
from datasets import load_dataset

reports = load_dataset("{folder}", split="train")
```
"""


def write_dataset(
    made: Path,
    out: Path,
    origin: Origin,
    terms: Terms,
) -> None:
    """Write the data set in the folder `made` (see `generation.card`) to the new folder `out`."""
    table = made / REPORTS
    frame = records.read_table(table, records.SYNTHETIC)
    if steps := sorted(set(frame["step"]) - {origin.step}):
        raise UserError(
            f"{table} holds reports of another step ({steps[0]}): make it again with "
            f"`dvc repro synthesize@{origin.step}`."
        )
    if not (made / CARD).is_file():
        raise UserError(f"{made / CARD} is missing: fetch the folder again with `dvc checkout`.")
    facts, body = front_matter.split((made / CARD).read_text("utf-8"))
    if "pretty_name" not in facts:
        raise UserError(
            f"{made / CARD} has no valid head (YAML between two lines of ---): make it again with "
            f"`dvc repro synthesize@{origin.step}`."
        )
    facts |= {"size_categories": [front_matter.size_category(len(frame))]}
    # the licence given replaces one that an older card may name otherwise
    facts = {key: value for key, value in facts.items() if not key.startswith("license")}
    facts |= terms.licence
    told = licences.told(terms.licence)
    with new_folder(out) as partial:
        shutil.copyfile(table, partial / REPORTS)
        metadata = croissant(
            partial / REPORTS,
            name=f"synthetic-clinical-reports-{origin.step}",
            description=f"{facts['pretty_name']}: {len(frame)} invented reports with the ICD-10 "
            "codes that they were asked to describe. Not for clinical use.",
            licence=terms.licence.get("license_name", terms.licence["license"]),
            columns=_COLUMNS,
        )
        write_json(partial / CROISSANT, metadata)
        write_json(
            partial / LINEAGE, origin.as_dict() | {"reports_sha256": sha256_file(partial / REPORTS)}
        )
        sections = [
            body.strip(),
            f"## Loading\n\n{_LOADING.format(folder=terms.repo or '.')}",
            privacy.section(terms.audit, terms.accepted, "dataset"),
            origin.section(),
            f"## Licence\n\n{told}\n",
        ]
        text = "\n".join(f"{one.strip()}\n" for one in sections)
        write_text(partial / CARD, f"{front_matter.write(facts)}\n{text}")
