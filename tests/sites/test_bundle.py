"""A bundle: equal bytes for equal contents, and every change is seen."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthfr import __version__, signing
from synthfr.errors import UserError
from synthfr.sites import bundle, exchanges, manifest
from synthfr.sites import tables as sites_tables
from synthfr.sites.manifest import Manifest
from tests.sites import toy

OTHER = {"keyid": "ab", "sig": "bm90ZQ=="}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.keys(tmp_path_factory.mktemp("keys"), "lyon")[0]


@pytest.fixture(scope="module")
def packed(key: Path) -> bytes:
    return exchanges.ask(toy.question(), key)


def told(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "version": 1,
        "software": __version__,
        "exchange": "scores",
        "side": "answer",
        "item": "dpo1",
        "params": {},
        "tables": {},
    }
    return Manifest.model_validate(values | changes)


def refused(data: bytes, key: Path, exchange: str = "scores") -> str:
    with pytest.raises(UserError) as caught:
        exchanges.read_question(data, exchange, [signing.public_half(key)])  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_equal_questions_give_equal_bytes_and_come_back(key: Path, packed: bytes) -> None:
    assert exchanges.ask(toy.question(), key) == packed
    back = exchanges.read_question(packed, "scores", [signing.public_half(key)])
    assert back.digest() == toy.question().digest()
    assert back.tables["candidates"].equals(toy.candidates())


def test_every_flipped_bit_is_seen(key: Path, packed: bytes) -> None:
    draw = random.Random(0)
    places = [*range(0, 60), *range(len(packed) - 80, len(packed))]  # the archive's own fields
    places += draw.sample(range(len(packed)), 150)
    for place in places:
        flipped = bytearray(packed)
        flipped[place] ^= 1 << draw.randrange(8)
        refused(bytes(flipped), key)


@pytest.mark.parametrize("given", [b"", b"PK", b"no bundle at all", b"{}"])
def test_what_is_no_bundle_is_one_sentence(given: bytes, key: Path) -> None:
    assert "no bundle" in refused(given, key)


def test_bytes_around_the_parts_are_refused(key: Path, packed: bytes) -> None:
    assert "belong to none of its parts" in refused(b"smuggled" + packed, key)
    buffer = io.BytesIO(packed)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"smuggled"
    assert "belong to none of its parts" in refused(buffer.getvalue(), key)


def test_a_part_too_many_or_another_is_refused(key: Path, packed: bytes) -> None:
    more = bundle._zipped(toy.parts(packed) | {"notes.txt": b"smuggled"})
    assert "not those that its manifest" in refused(more, key)
    other = toy.parts(packed) | {
        "candidates.parquet": toy.parts(exchanges.ask(toy.question(word="fièvre"), key))[
            "candidates.parquet"
        ]
    }
    assert "not those that its manifest" in refused(bundle._zipped(other), key)


def test_a_compressed_bundle_is_refused(key: Path, packed: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in toy.parts(packed).items():
            archive.writestr(name, part)
    assert "compressed" in refused(buffer.getvalue(), key)


def signed(payload: bytes, key: Path, packed: bytes) -> bytes:
    """The bundle with another manifest, rightly signed."""
    parts = toy.parts(packed)
    parts["manifest.dsse.json"] = signing.sign(payload, bundle.PAYLOAD_TYPE, key)
    return bundle._zipped(parts)


def payload_of(packed: bytes, key: Path) -> bytes:
    envelope = toy.parts(packed)["manifest.dsse.json"]
    return signing.verify(envelope, bundle.PAYLOAD_TYPE, signing.public_half(key))


def test_json_without_end_is_one_sentence(key: Path, packed: bytes) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert "no JSON as ours" in refused(signed(deep, key, packed), key)
    told = json.loads(payload_of(packed, key))
    nested: Any = 1
    for _ in range(200):  # deep, and yet read by Python
        nested = {"a": nested}
    told["params"]["deep"] = nested
    assert "no JSON as ours" in refused(signed(json.dumps(told).encode(), key, packed), key)
    parts = toy.parts(packed) | {"manifest.dsse.json": deep}
    assert "no signed file" in refused(bundle._zipped(parts), key)


def test_a_field_twice_or_a_blank_more_is_refused(key: Path, packed: bytes) -> None:
    payload = payload_of(packed, key)
    assert "not written as ours" in refused(signed(payload + b" ", key, packed), key)
    twice = payload.replace(b'{"asked"', b'{"item": "dpo9", "asked"', 1)
    assert twice != payload
    assert "not written as ours" in refused(signed(twice, key, packed), key)


def test_what_no_signature_covers_is_refused(key: Path, packed: bytes) -> None:
    parts = toy.parts(packed)
    envelope = json.loads(parts["manifest.dsse.json"])
    for more in ({"note": "Mme Durand"}, {"signatures": [*envelope["signatures"], OTHER]}):
        parts["manifest.dsse.json"] = json.dumps(envelope | more, sort_keys=True).encode()
        assert "holds more than what was signed" in refused(bundle._zipped(parts), key)
    parts["manifest.dsse.json"] = json.dumps(envelope, sort_keys=True).encode()
    assert bundle._zipped(parts) == packed  # negative control


def repacked(tables: dict[str, bytes], key: Path, packed: bytes) -> bytes:
    return bundle.pack(manifest.decoded(payload_of(packed, key)), tables, key)


def test_a_part_of_another_kind_or_a_missing_one_is_one_sentence(key: Path, packed: bytes) -> None:
    tables = toy.parts(packed)
    del tables["manifest.dsse.json"]
    bare = {name.removesuffix(".parquet"): part for name, part in tables.items()}
    assert "parts that are no tables" in refused(repacked(bare, key, packed), key)
    del tables["candidates.parquet"]
    assert "has no table of candidates" in refused(repacked(tables, key, packed), key)


def test_what_would_fill_the_memory_is_not_read(
    key: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"part{number}": b"" for number in range(bundle._MOST_PARTS + 1)}
    assert "more parts" in refused(bundle._zipped(toy.parts(packed) | many), key)
    with monkeypatch.context() as patched:
        patched.setattr(sites_tables, "MOST_ROWS", 11)
        assert "candidates.parquet: more than 11 rows" in refused(packed, key)
        patched.setattr(sites_tables, "MOST_ROWS", 12)
        exchanges.read_question(packed, "scores", [signing.public_half(key)])  # negative control
        patched.setattr(bundle, "MOST_BYTES", 1000)
        assert "larger than 0 MiB" in refused(packed, key)


def test_another_sender_is_refused(key: Path, packed: bytes, tmp_path: Path) -> None:
    (other,) = toy.keys(tmp_path, "paris")
    assert "not signed with the key" in refused(packed, other)
    both = [signing.public_half(other), signing.public_half(key)]
    assert exchanges.read_question(packed, "scores", both).item == "dpo1"


def test_a_manifest_signed_for_something_else_is_refused(key: Path, packed: bytes) -> None:
    parts = toy.parts(packed)
    parts["manifest.dsse.json"] = signing.sign(b"{}", "application/other", key)
    assert "another kind of file" in refused(bundle._zipped(parts), key)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "form 2"),
        ({"software": "99.0"}, "made by Synth-FR 99.0"),
        ({"comment": "the patient has"}, "something that this exchange does not know"),
        ({"item": "../private"}, "field item"),
        ({"measures": {"note": "text"}}, "field measures"),
        ({"measures": {"a sentence of text": 1.0}}, "field measures"),
        ({"side": "answer"}, "an answer about scores"),
        ({"exchange": "keywords"}, "about keywords"),
    ],
)
def test_a_manifest_with_anything_else_is_refused(
    change: dict[str, Any], said: str, key: Path, packed: bytes
) -> None:
    parts = toy.parts(packed)
    payload = signing.verify(
        parts["manifest.dsse.json"], bundle.PAYLOAD_TYPE, signing.public_half(key)
    )
    changed = json.dumps(json.loads(payload) | change).encode()
    parts["manifest.dsse.json"] = signing.sign(changed, bundle.PAYLOAD_TYPE, key)
    message = refused(bundle._zipped(parts), key)
    assert said in message
    assert "patient" not in message


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_are_finite(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        told(measures={"a": {"b": number}})
    assert manifest.decoded(told(measures={"a": {"b": 1.5, "c": None}}).encoded())


def smuggled(key: Path, packed: bytes, column: str | None, notes: bytes | None) -> bytes:
    """The bundle with a further column, or notes, in its candidates, rightly signed."""
    parts = toy.parts(packed)
    table = pq.read_table(io.BytesIO(parts["candidates.parquet"]))
    if column is not None:
        table = table.append_column(column, pa.array(["Mme Durand"] * len(table)))
    if notes is not None:
        table = table.replace_schema_metadata({"notes": notes})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, store_schema=notes is not None)
    payload = signing.verify(
        parts.pop("manifest.dsse.json"), bundle.PAYLOAD_TYPE, signing.public_half(key)
    )
    parts["candidates.parquet"] = buffer.getvalue()
    return bundle.pack(manifest.decoded(payload), parts, key)


def test_a_column_or_notes_smuggled_in_are_refused(key: Path, packed: bytes) -> None:
    assert "has no place in a candidates table" in refused(
        smuggled(key, packed, "comment", None), key
    )
    assert "notes stand beside" in refused(smuggled(key, packed, None, b"Mme Durand"), key)
    control = smuggled(key, packed, None, None)
    assert exchanges.read_question(control, "scores", [signing.public_half(key)]).item == "dpo1"
