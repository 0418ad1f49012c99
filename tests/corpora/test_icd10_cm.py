from pathlib import Path

import pytest

from synthfr.corpora.files.icd10_cm import tabular_list
from synthfr.errors import UserError

# in the form of the publisher's file, with words of our own
TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <version>2026</version>
  <chapter>
    <name>10</name>
    <desc>Chapter of the lungs (J00-J99)</desc>
    <includes><note>a note of the chapter</note></includes>
    <section id="J40-J47">
      <desc>Airways (J40-J47)</desc>
      <diag>
        <name>J44</name>
        <desc>Chronic airway disease</desc>
        <includes>
          <note>asthma with chronic
            airway disease</note>
        </includes>
        <excludes1><note>bronchitis (J42)</note></excludes1>
        <codeFirst><note>cause of the disease</note></codeFirst>
        <diag>
          <name>J44.9</name>
          <desc>Chronic airway disease, unspecified</desc>
          <inclusionTerm>
            <note>Smoker's lung NOS</note>
            <note>Any of the following:</note>
            <note>Airway disease, any but those in J47.-</note>
            <note>Airways hit by E. coli O157</note>
          </inclusionTerm>
        </diag>
      </diag>
      <diag><name>QA0</name><desc>No code of ICD-10</desc></diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""


def written(tmp_path: Path, text: str = TABULAR) -> Path:
    path = tmp_path / "tabular.xml"
    path.write_text(text, encoding="utf-8")
    return path


def test_codes_labels_and_further_names(tmp_path: Path) -> None:
    assert list(tabular_list(written(tmp_path))) == [
        (
            "J44.9",
            "Chronic airway disease, unspecified",
            ["Smoker's lung NOS", "Airways hit by E. coli O157"],
        ),
        ("J44", "Chronic airway disease", ["asthma with chronic airway disease"]),
    ]


def test_negative_control_what_is_excluded_is_no_name(tmp_path: Path) -> None:
    names = {name for _, label, others in tabular_list(written(tmp_path)) for name in others}
    assert not any("bronchitis" in name or "cause" in name or "chapter" in name for name in names)


@pytest.mark.parametrize(
    ("text", "said"), [("<a><b/></a>", "no tabular list"), ("code,label\n", "is no XML")]
)
def test_another_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        list(tabular_list(written(tmp_path, text)))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing"):
        list(tabular_list(tmp_path / "none.xml"))
