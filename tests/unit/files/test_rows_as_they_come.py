"""Exports as other systems write them: read as a person reads them, or refused with line, column and reason."""

import csv
import gzip
import json
import unicodedata
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from openpyxl import Workbook

from models.dossiers.events import Refused
from streams.errors import BadInput
from streams.feeds.importing import MappingCourse, lines_of_rows
from streams.feeds.mapping import Mapper, parse_mapping
from streams.files.rows import FileForm, FileNotes, rows_of
from tests.commands import typed

MAPPING = """
events:
  - type: received
    when: {"Trạng thái": "Đã tiếp nhận"}
    id: "s:{Mã hồ sơ}"
    dossier: "{Mã hồ sơ}"
    fields:
      at: {column: "Ngày", format: "%d/%m/%Y"}
      unit: {constant: "12688"}
      channel: {column: "Kênh", map: {"Trực tuyến": online, "Trực tiếp": in_person}}
"""
HEADING = "Mã hồ sơ,Kênh,Ngày,Trạng thái"
ROWS = "A-1,Trực tuyến,03/06/2024,Đã tiếp nhận\nA-2,Trực tiếp,04/06/2024,Đã tiếp nhận\n"
TEXT = f"{HEADING}\n{ROWS}"


def read(
    path: Path, mapping: str = MAPPING, **options: str
) -> tuple[list[dict[str, Any]], list[tuple[int, str]], MappingCourse]:
    """Return events, refusals (line, reason) and the course of an import."""
    course = MappingCourse()
    said = "".join(f"{name}: {json.dumps(value)}\n" for name, value in options.items())
    lines = [*lines_of_rows(path, Mapper(parse_mapping(said + mapping, "m.yaml")), course=course)]
    refused = [(line.number, line.event.reason) for line in lines if isinstance(line.event, Refused)]
    return [orjson.loads(line.value) for line in lines if line.value], refused, course


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.csv"


def expected(tmp_path: Path) -> list[dict[str, Any]]:
    plain = tmp_path / "plain.csv"
    plain.write_text(TEXT, encoding="utf-8")
    events, refused, _ = read(plain)
    assert ([e["channel"] for e in events], refused) == (["online", "in_person"], [])
    return events


def decomposed(text: str, encoding: str) -> bytes:
    """As Windows-1258 has it: a base letter that it has, then its tone."""
    out = bytearray()
    for letter in text:
        try:
            out += letter.encode(encoding)
        except UnicodeEncodeError:
            base, tone = unicodedata.normalize("NFD", letter)[:-1], unicodedata.normalize("NFD", letter)[-1]
            if tone in "\u0302\u0306\u031b":  # belongs to the letter, the tone stands before it
                base, tone = base[0] + tone, base[1:]
            out += unicodedata.normalize("NFC", base).encode(encoding) + tone.encode(encoding)
    return bytes(out)


SAME = {
    "byte order mark": (TEXT.encode("utf-8-sig"), {}),
    "decomposed": (unicodedata.normalize("NFD", TEXT).encode(), {}),
    "utf-16": (TEXT.encode("utf-16"), {}),
    "utf-16 declared": (TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "cp1258": (decomposed(TEXT, "cp1258"), {"encoding": "cp1258"}),
    "semicolons": (TEXT.replace(",", ";").encode(), {}),
    "tabulators": (TEXT.replace(",", "\t").encode(), {}),
    "another delimiter than declared": (TEXT.replace(",", ";").encode(), {"delimiter": ","}),
    "sep=": (f"sep=|\r\n{TEXT.replace(',', '|')}".encode(), {}),
    "title rows": (f"DANH SÁCH HỒ SƠ,,,\nTừ ngày 01/06/2024,,,\n,,,\n{TEXT}".encode(), {}),
    "lines of Windows": (TEXT.replace("\n", "\r\n").encode(), {}),
    "lines of old Macs": (TEXT.replace("\n", "\r").encode(), {}),
    "blanks": (TEXT.replace(",", " ,\u00a0").replace("A-1", "\u200bA-1 ").encode(), {}),
    "blanks within": (TEXT.replace("Mã hồ", "Mã  hồ").replace("Trực tiếp", '"Trực\u00a0\n tiếp"').encode(), {}),
    "quotes": (("\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in TEXT.splitlines())).encode(), {}),
    "a quoted line end": (TEXT.replace("Mã hồ sơ", '"Mã\nhồ sơ"').encode(), {}),
    "empty lines": (TEXT.replace("\n", "\n\n").encode(), {}),
    "empty headings and others": (TEXT.replace("\n", ",,x\n").encode(), {}),
    "gzip": (gzip.compress(TEXT.encode()), {}),
    "zstd": (zstandard.compress(TEXT.encode()), {}),
}


@pytest.mark.parametrize("kind", SAME)
def test_it_is_read_as_a_person_reads_it(kind: str, file: Path, tmp_path: Path) -> None:
    data, options = SAME[kind]
    file.write_bytes(data)
    events, refused, _ = read(file, **options)

    assert refused == []
    assert events == expected(tmp_path)


def test_a_mapping_may_have_blanks_that_the_heading_has_not(file: Path, tmp_path: Path) -> None:
    file.write_text(TEXT, encoding="utf-8")
    assert read(file, MAPPING.replace("Mã hồ sơ", "Mã  hồ\u00a0sơ"))[0] == expected(tmp_path)


def test_a_workbook_has_numbers_times_and_texts(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["DANH SÁCH"])
    sheet.append(HEADING.split(","))
    sheet.append(["A-1", "Trực tuyến", datetime(2024, 6, 3), "Đã tiếp nhận "])  # noqa: DTZ001
    sheet.append(["A-2", "Trực tiếp", "04/06/2024", "Đã tiếp nhận"])
    sheet.append([None] * 4)
    sheet.append([3, "Trực tiếp", "04/06/2024", "Đã tiếp nhận"])
    book.create_sheet("Khác").append(["x"])
    path = tmp_path / "b.xlsx"
    book.save(path)
    events, refused, course = read(path)

    assert refused == []
    assert events[:2] == expected(tmp_path)
    assert events[2]["dossier"] == "3"
    assert course.notes.told(None) == ["1 row above the heading passed over", "blanks around 1 cell left out"]
    with pytest.raises(BadInput, match=r"no sheet 'Thêm'; its sheets are 'Sheet', 'Khác'"):
        read(path, sheet="Thêm")


RECORDS = [dict(zip(HEADING.split(","), row.split(","), strict=True)) for row in ROWS.splitlines()]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (json.dumps(RECORDS), {}),
        (json.dumps(RECORDS, indent=1, ensure_ascii=False), {}),
        ("\n".join(json.dumps(r) for r in RECORDS), {}),
        (json.dumps({"total": 2, "data": RECORDS}), {}),
        (json.dumps({"meta": [1], "result": {"a/b": RECORDS}}), {"rows": "/result/a~1b"}),
    ],
)
def test_json_is_rows_too(data: str, options: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    path.write_text(data, encoding="utf-8")
    assert read(path, **options)[0] == expected(tmp_path)


def test_a_column_of_json_may_lie_deeper(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    nested = [{"code": "A-1", "when": {"ms": 1_717_372_800_000}, "fee": {"vnd": "525.000 đ"}, "n": [1, 2]}]
    path.write_text(json.dumps({"data": nested}), encoding="utf-8")
    mapping = """
events:
  - type: paid
    id: "p:{/code}"
    dossier: "{/code}"
    fields:
      at: {column: /when/ms, format: epoch-milliseconds}
      transaction: "{/code}"
      amount: {column: /fee/vnd, type: amount, decimal: ","}
"""
    events, refused, _ = read(path, mapping)
    assert (events[0]["at"], events[0]["amount"], refused) == ("2024-06-03T07:00:00+07:00", 525_000, [])
    assert read(path, mapping.replace("/code", "/n", 1))[1] == [
        (1, "'/n' holds more than one value; name one by a JSON Pointer")
    ]


REFUSED_ROWS = {
    "too many cells": (f"{TEXT}A-3,Phố Huế,12,Trực tuyến,05/06/2024,Đã tiếp nhận\n", 4, "6 cells under 4 headings"),
    "too few cells": (f"{HEADING}\nA-0,Trực tuyến\n{ROWS}", 2, "2 cells under 4 headings"),
    "a quote that is never closed": (f'{HEADING}\n"A-0,Trực tuyến,03/06/2024,x\n{ROWS}', 2, "a quotation mark"),
    "a value of no table": (f"{TEXT}A-3,Zalo,05/06/2024,Đã tiếp nhận\n", 4, "that is not in its `map`"),
    "a time of another form": (
        f"{TEXT}A-3,Trực tiếp,1717372800000,Đã tiếp nhận\n",
        4,
        "looks like `epoch-milliseconds`",
    ),
}


@pytest.mark.parametrize("kind", REFUSED_ROWS)
def test_a_row_that_cannot_be_read_takes_no_other_with_it(kind: str, file: Path, tmp_path: Path) -> None:
    text, line, reason = REFUSED_ROWS[kind]
    file.write_text(text, encoding="utf-8")
    events, refused, _ = read(file)

    assert events == expected(tmp_path)
    assert [number for number, _ in refused] == [line]
    assert reason in refused[0][1]


def test_a_byte_of_another_encoding_is_one_row(file: Path, tmp_path: Path) -> None:
    file.write_bytes(TEXT.encode() + b"A-3,Tr\xfdc tuy\xean,05/06/2024,\xd0\n")
    events, refused, _ = read(file)
    assert events == expected(tmp_path)
    assert refused == [(4, "column 'Kênh' holds bytes that are no UTF-8")]


def test_many_rows_with_a_stray_quote_are_read_in_linear_time(file: Path) -> None:
    file.write_text(HEADING + "\n" + '"A,x,y,z\n' * 3_000, encoding="utf-8")
    events, refused, _ = read(file)
    assert (events, len(refused)) == ([], 3_000)


UNREADABLE = {
    "empty": (b"", "is empty"),
    "other columns": (b"a;b\n1;2\n", r"the file has no columns 'Trạng thái', .*; its columns are 'a', 'b'"),
    "cp1258 undeclared": (decomposed(TEXT, "cp1258"), "it is not UTF-8: write `encoding: cp1258`"),
    "utf-16 without a mark": (TEXT.encode("utf-16-le"), "write `encoding: utf-16-le`"),
    "one name twice": (TEXT.replace("Ngày", "Kênh", 1).replace("Trạng", "Ngày,Trạng", 1).encode(), "columns 2 and 3"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"\.xls"),
    "html": (b"<html><table>", "a page of HTML or XML"),
    "zip": (b"PK\x03\x04rest", "not a readable XLSX workbook"),
    "half a gzip": (gzip.compress(TEXT.encode() * 9_999)[:200], "cannot be read further"),
    "broken JSON": (b'[{"a": 1},\n', "not JSON"),
    "JSON of two arrays": (b'{"a": [], "b": []}', "there are /a, /b"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_sentence(kind: str, file: Path) -> None:
    data, sentence = UNREADABLE[kind]
    file.write_bytes(data)
    with pytest.raises(BadInput, match=sentence):
        read(file)


FORMS = """
events:
  - type: paid
    id: "p:{n}"
    dossier: "{n}"
    fields:
      transaction: "{n}"
      at: {column: t, format: ["%d/%m/%Y %H:%M", "%d/%m/%y", excel-serial, epoch-seconds], midnight_24: true}
      amount: {column: a, type: amount, decimal: "."}
"""


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("03/06/2024 24:00", "2024-06-04T00:00:00+07:00"),
        ("03/06/24", "2024-06-03T00:00:00+07:00"),
        ("3/6/2024 8:15", "2024-06-03T08:15:00+07:00"),
        ("1717372800", datetime(2024, 6, 3, tzinfo=UTC).isoformat()),
        ("45446.34375", "2024-06-03T08:15:00+07:00"),
    ],
)
def test_times_come_in_several_forms(time: str, at: str, file: Path) -> None:
    file.write_text(f"n,t,a\n1,{time},36.0\n", encoding="utf-8")
    (event,), refused, _ = read(file, FORMS)
    assert refused == []
    assert datetime.fromisoformat(event["at"]) == datetime.fromisoformat(at)


@pytest.mark.parametrize(("text", "amount"), [("36", 36), ("36.00", 36), ("$1,525.00", 1525), ("1 525 VND", 1525)])
def test_amounts_are_whole(text: str, amount: int, file: Path) -> None:
    file.write_text(f'n,t,a\n1,03/06/24,"{text}"\n', encoding="utf-8")
    assert read(file, FORMS)[0][0]["amount"] == amount


@pytest.mark.parametrize("text", ["36.5", "1,52.00", "much", "1.525.000"])
def test_an_amount_that_is_none_refuses_its_row(text: str, file: Path) -> None:
    file.write_text(f'n,t,a\n1,03/06/24,"{text}"\n', encoding="utf-8")
    events, refused, _ = read(file, FORMS)
    assert (events, refused) == ([], [(2, "column 'a' holds no whole amount with '.' before decimals")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FORMS.replace(', decimal: "."', ""), "an amount needs `decimal`"),
        (FORMS.replace("epoch-seconds", "epoch"), "'epoch' is no format of a time"),
        (f"encoding: klingon\n{FORMS}", "no encoding is called 'klingon'"),
        ("a: &a [x]\nevents: *a", "a mapping has no aliases"),
    ],
)
def test_a_mapping_that_asks_for_nonsense_is_refused(text: str, message: str, file: Path) -> None:
    file.write_text("n,t,a\n", encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        read(file, text)


# -- the command -------------------------------------------------------------------------------------------------------


def test_a_row_is_all_or_nothing_whatever_the_order_of_rules(file: Path) -> None:
    first, second = (
        '  - {type: resolved, id: "r:{n}", dossier: "{n}", fields: {at: "{t}"}}\n',
        '  - {type: paid, id: "p:{n}", dossier: "{n}", fields: {at: "{t}", transaction: "{n}", amount: {column: a, type: integer}}}\n',
    )
    file.write_text("n,t,a\n1,2024-06-01T08:00:00,36.0\n2,2024-06-01T08:00:00,36\n", encoding="utf-8")
    for rules in (first + second, second + first):
        events, refused, _ = read(file, f"events:\n{rules}")
        assert {e["dossier"] for e in events} == {"2"}
        assert len(events) == 2
        assert refused == [(2, "column 'a' holds no whole number")]


def test_an_event_that_the_contract_refuses_takes_the_other_of_its_row_with_it(file: Path) -> None:
    rules = (
        '  - {type: resolved, id: "r:{n}", dossier: "{n}", fields: {at: "{t}"}}\n'
        '  - {type: paid, id: "p:{n}", dossier: "{n}", fields: {at: "{t}", transaction: "{k}"}}\n'
    )
    file.write_text("n,t,k\n1,2024-06-01T08:00:00,no code\n2,2024-06-01T08:00:00,T\n", encoding="utf-8")
    events, refused, course = read(file, f"events:\n{rules}")
    assert [e["dossier"] for e in events] == ["2", "2"]
    assert refused == [(2, "transaction is not a code")]
    assert course.by_rule == {0: 1, 1: 1}


def test_refusals_go_to_a_file_and_by_kind_to_the_terminal(file: Path, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    name = "Nguyễn Thị A"
    file.write_text(TEXT + f"{name},Trực tuyến,05/06/2024,Đã tiếp nhận\n" + "A-4,Zalo,05/06/2024,Đã tiếp nhận\n" * 50)
    common = ("import", str(file), "--mapping", str(tmp_path / "m.yaml"), "--out", str(tmp_path / "o.jsonl"))
    done = typed(*common)

    assert done.returncode == 3
    assert "line 5, and 49 more: column 'Kênh'" in done.stderr
    assert "2 events written to" in done.stderr
    assert len(done.stderr.splitlines()) < 15
    with (tmp_path / "export.csv.refused.csv").open(encoding="utf-8", newline="") as kept:
        rows = [*csv.reader(kept)]
    assert rows[0] == ["line", "column", "reason"]
    assert [row[0] for row in rows[1:]] == [str(n) for n in range(4, 55)]
    assert rows[2][1] == "Kênh"
    assert name not in (tmp_path / "export.csv.refused.csv").read_text(encoding="utf-8") + done.stderr
    assert typed(*common, "--allow-refused", "51", "--refused", str(tmp_path / "r.csv")).returncode == 0
    assert typed(*common, "--allow-refused", "50", "--refused", str(tmp_path / "r.csv")).returncode == 3


def test_a_dry_run_says_what_would_happen(file: Path, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    file.write_text(TEXT + "A-3,Zalo,05/06/2024,Đã tiếp nhận\nA-4,Trực tuyến,05/06/2024,Chờ\n", encoding="utf-8")
    done = typed("import", str(file), "--mapping", str(tmp_path / "m.yaml"), "--dry-run")

    assert done.returncode == 3
    assert "rule 1 (received): 2 of 4 rows" in done.stderr
    assert "1 of 4 rows were taken by no rule" in done.stderr
    assert "column 'Kênh' holds a value 'Zalo' that is not in its `map`; rows: 1" in done.stderr
    assert "2 events would be published, 1 rows refused" in done.stderr


def test_rows_of_which_no_rule_takes_one_are_no_success(file: Path, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    file.write_text(TEXT.replace("Đã tiếp nhận", "Chờ"), encoding="utf-8")
    done = typed("import", str(file), "--mapping", str(tmp_path / "m.yaml"), "--out", str(tmp_path / "o"))
    assert done.returncode == 3
    assert "2 of 2 rows were taken by no rule" in done.stderr


def test_an_import_in_which_all_goes_in_is_quiet(file: Path, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    file.write_text(TEXT, encoding="utf-8")
    done = typed("import", str(file), "--mapping", str(tmp_path / "m.yaml"), "--out", str(tmp_path / "o"))
    assert done.returncode == 0
    assert not (tmp_path / "export.csv.refused.csv").exists()
    for command in (["--mapping", str(tmp_path / "none.yaml")], []):
        assert typed("import", str(file), *command, "--out", str(tmp_path / "o")).returncode == 2


def _of_times(tmp_path: Path, cells: str, value: str) -> list[Any]:
    (tmp_path / "t.csv").write_text(f"ma,ngay\n{cells}")
    text = f'events: [{{type: received, id: "x:{{ma}}", dossier: "{{ma}}", fields: {{at: {value}}}}}]'
    return [line.event for line in lines_of_rows(tmp_path / "t.csv", Mapper(parse_mapping(text, "m.yaml")))]


def test_a_day_that_two_forms_read_differently_refuses_its_row_and_no_other(tmp_path: Path) -> None:
    forms = '{column: ngay, format: ["%d/%m/%Y", "%m/%d/%Y"]}'
    found = _of_times(tmp_path, "A,25/06/2024\nB,03/06/2024\nC,06/06/2024\n", forms)

    assert found[0].facts["received_at"] == "2024-06-25T00:00:00+07:00"
    assert found[1] == Refused("column 'ngay' holds a time that %d/%m/%Y and %m/%d/%Y read differently")
    assert found[2].facts["received_at"] == "2024-06-06T00:00:00+07:00", "both forms say the same"


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M %p", "%d/%m/%Y %I:%M"])
def test_a_clock_of_which_half_is_passed_over_is_a_bad_mapping(tmp_path: Path, form: str) -> None:
    with pytest.raises(BadInput, match="a clock of 12 hours needs both %I and %p"):
        _of_times(tmp_path, "A,03/06/2024 03:15 PM\n", f'{{column: ngay, format: "{form}"}}')


def test_an_underscore_makes_no_whole_number(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("ma,so\nA,1_000\n")
    text = """events: [{type: paid, id: "x:{ma}", dossier: "{ma}", fields: {at: {constant: 2024-06-03T08:00:00},
      transaction: "{ma}", amount: {column: so, type: integer}}}]"""
    text = text.replace("2024-06-03T08:00:00", '"2024-06-03T08:00:00"')
    (line,) = lines_of_rows(tmp_path / "n.csv", Mapper(parse_mapping(text, "m.yaml")))

    assert line.event == Refused("column 'so' holds no whole number")


def test_a_workbook_that_unpacks_to_a_thousand_times_its_size_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", bytes(20 << 20))

    with pytest.raises(BadInput, match="a part unpacks to 200 times its size"):
        next(rows_of(tmp_path / "b.xlsx", ["a"], FileForm(), FileNotes()))


@pytest.mark.parametrize(
    ("said", "hour"),
    [
        ("08:15 SA", "08"),
        ("03:15 CH", "15"),
        ("3:15ch", "15"),
        ("12:15 SA", "00"),
        ("12:15 CH", "12"),
        ("3:15 p.m.", "15"),
    ],
)
def test_halves_of_the_day_may_be_sang_and_chieu(tmp_path: Path, said: str, hour: str) -> None:
    form = "%d/%m/%Y %I:%M%p" if said.endswith("5ch") else "%d/%m/%Y %I:%M %p"
    (event,) = _of_times(tmp_path, f"A,03/06/2024 {said}\n", f'{{column: ngay, format: "{form}"}}')

    assert event.facts["received_at"] == f"2024-06-03T{hour}:15:00+07:00"
