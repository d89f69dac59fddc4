"""Importers: JSON lines as they are, CSV through a mapping file; bad rows are named and go nowhere."""

import gzip
from collections import Counter
from pathlib import Path

import orjson
import pytest
import zstandard

from models.dossiers.events import Event, Refused
from streams.errors import BadInput
from streams.feeds.importing import lines_of_json, lines_of_rows
from streams.feeds.mapping import Mapper, parse_mapping
from tests.commands import typed

ROOT = Path(__file__).parents[3]
MAPPING = ROOT / "docs/examples/receipt.yaml"
EXCERPT = ROOT / "tests/data/receipt-excerpt.csv"


def mapper(text: str = MAPPING.read_text()) -> Mapper:
    return Mapper(parse_mapping(text, "m.yaml"))


def test_the_permit_log_gives_the_counts_found_by_hand() -> None:
    """In the excerpt, by `grep -c 'Confirmation of receipt'` and the like: 50 cases, 44 by internet, 45 ended."""
    found = list(lines_of_rows(EXCERPT, mapper()))
    events = [orjson.loads(line.value) for line in found]
    received = [e for e in events if e["type"] == "received"]

    assert not [line for line in found if isinstance(line.event, Refused)]
    assert len(received) == EXCERPT.read_text().count("Confirmation of receipt,20")
    assert Counter(e["channel"] for e in received)["online"] == sum(
        line.startswith("Internet,") and ",Confirmation of receipt," in line
        for line in EXCERPT.read_text().splitlines()
    )
    assert received[0] == {
        "id": "receipt:case-10011:received", "type": "received", "dossier": "case-10011", "version": 1,
        "at": "2011-10-11T18:45:40.276+07:00", "submitted_at": "2011-10-11T18:42:22.688+07:00",
        "procedure": "environmental-permit", "unit": "permits.general", "channel": "online",
    }  # fmt: skip


def test_a_bad_row_is_named_by_its_line_and_the_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    file.write_text("code,day\nA,2024-06-03\nB,soon\nC,2024-06-05\n", encoding="utf-8-sig")
    text = (
        'events: [{type: received, id: "x:{code}", dossier: "{code}", fields: {at: "{day}", unit: {constant: "340"}}}]'
    )
    found = [(line.number, line.event) for line in lines_of_rows(file, mapper(text))]

    assert [n for n, _ in found] == [2, 3, 4]
    assert [type(e) for _, e in found] == [Event, Refused, Event]
    assert found[1][1] == Refused("field `at` holds no time of the form ISO 8601")
    assert isinstance(found[0][1], Event)
    assert found[0][1].facts["received_at"] == "2024-06-03T00:00:00+07:00"


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    file.write_text("a\n1\n")

    with pytest.raises(BadInput, match=r"the file has no columns 'concept:name', .*; its columns are 'a'$"):
        next(lines_of_rows(file, mapper()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("events: []", "events"),
        ("events: [", "not readable as YAML"),
        ("zone: Mars\nevents: [{type: received, id: a, dossier: b, fields: {at: c}}]", "no time zone is called 'Mars'"),
        ("events: [{type: received, id: a, dossier: b, fields: {unit: c}}]", "must say where `at` comes from"),
        ("events: [{type: received, id: a, dossier: b, fields: {at: c, applicant: d}}]", "'applicant' is no field"),
        ("events: [{type: born, id: a, dossier: b, fields: {at: c}}]", "events.0.type"),
    ],
)
def test_a_bad_mapping_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_mapping(text, "m.yaml")


def test_values_may_be_integers_booleans_and_times_of_a_format(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    file.write_text("c;d;n;e\nA;03/06/2024 07:30;12000;1\nB;03/06/2024 07:30;many;1\n")
    text = """
delimiter: ";"
events:
  - type: paid
    id: "p:{c}"
    dossier: "{c}"
    fields:
      at: {column: d, format: "%d/%m/%Y %H:%M"}
      transaction: "{c}"
      amount: {column: n, type: integer}
      electronic: {column: e, type: boolean}
"""
    good, bad = lines_of_rows(file, mapper(text))

    assert orjson.loads(good.value) == {
        "id": "p:A", "type": "paid", "dossier": "A", "at": "2024-06-03T07:30:00+07:00", "transaction": "A",
        "amount": 12000, "electronic": True,
    }  # fmt: skip
    assert bad.event == Refused("column 'n' holds no whole number")


def test_json_lines_are_taken_byte_for_byte_and_blank_lines_passed_over(tmp_path: Path) -> None:
    line = b'{"id": "a", "type": "received", "dossier": "D",  "at": "2024-06-03T08:00:00+07:00"}'
    file = tmp_path / "e.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\n  \n" + b"oops\n" + line)
    found = list(lines_of_json(file))

    assert [(f.number, f.value) for f in found] == [(1, line), (4, b"oops"), (5, line)]
    assert isinstance(found[1].event, Refused)


def test_json_lines_may_be_packed(tmp_path: Path) -> None:
    line = b'{"id": "a", "type": "received", "dossier": "D", "at": "2024-06-03T08:00:00+07:00"}\n'
    file = tmp_path / "e.jsonl.gz"
    for packed in (gzip.compress(line * 3), zstandard.compress(line * 3)):
        file.write_bytes(packed)
        assert [found.number for found in lines_of_json(file)] == [1, 2, 3]
    file.write_bytes(gzip.compress(line * 999)[:60])
    with pytest.raises(BadInput, match="cannot be read further"):
        list(lines_of_json(file))


def test_import_into_a_file_needs_no_kafka(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = typed("import", str(EXCERPT), "--mapping", str(MAPPING), "--out", str(out))

    assert done.returncode == 0
    assert f"{len(out.read_text().splitlines())} events written to" in done.stderr
