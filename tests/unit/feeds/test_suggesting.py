"""A first mapping is one that reads the file it was made from, and says where it is not sure."""

import json
from collections import Counter
from pathlib import Path

import orjson
import pytest

from models.registers.units import Registry, Unit
from streams.errors import BadInput
from streams.feeds.importing import lines_of_rows
from streams.feeds.mapping import Mapper, parse_mapping
from streams.feeds.suggesting import Suggestion, suggest
from streams.files.rows import FileForm, FileNotes, sample_of
from tests.commands import typed

REGISTRY = Registry({"34.so-cong-thuong": Unit("34.so-cong-thuong", "Sở Công Thương", "province-agency", "34")})
VIETNAMESE = """DANH SÁCH HỒ SƠ;;;;;
Mã hồ sơ;Mã TTHC;Đơn vị xử lý;Hình thức nộp;Ngày tiếp nhận;Ngày trả kết quả
HS-1;1.004616;Sở Công Thương;Trực tuyến;03/06/2024 08:15;25/06/2024 16:00
HS-2;1.004616;Sở Công Thương;Nộp trực tiếp;24/06/2024 09:00;
HS-3;1.004616;Sở Nào Đó;Bưu chính công ích;05/06/2024 10:00;
"""


def suggested(path: Path) -> Suggestion:
    notes = FileNotes()
    return suggest(sample_of(path, FileForm(), notes), notes, REGISTRY)


def events_of(path: Path, text: str) -> list[dict[str, object]]:
    return [orjson.loads(line.value) for line in lines_of_rows(path, Mapper(parse_mapping(text, "m"))) if line.value]


def test_an_export_of_a_one_stop_system_is_mapped_at_once(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(VIETNAMESE, encoding="utf-8")
    made = suggested(path)
    events = events_of(path, made.text)

    assert Counter(e["type"] for e in events) == {"received": 2, "result-issued": 1}
    assert events[0] | {"id": ""} == {
        "id": "", "type": "received", "dossier": "HS-1", "at": "2024-06-03T08:15:00+07:00", "version": 1,
        "procedure": "1.004616", "unit": "34.so-cong-thuong", "channel": "online",
    }  # fmt: skip
    assert [doubt.partition(":")[0] for doubt in made.doubts] == ["unit"]
    assert "Sở Nào Đó" in made.text


@pytest.mark.parametrize(
    ("records", "at"),
    [
        ([{"dossierNo": "x", "receiveDate": 1717372800000}], "2024-06-03T07:00:00+07:00"),
        ([{"sr_number": "x", "created_date": "06/13/2024 02:05:00 PM"}], "2024-06-13T14:05:00+07:00"),
        ([{"case": {"id": "x"}, "received": "2024-06-03T08:00:00+07:00"}], "2024-06-03T08:00:00+07:00"),
    ],
)
def test_times_of_other_systems_are_told_apart(records: list[object], at: str, tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    (event,) = events_of(path, suggested(path).text)
    assert (event["dossier"], event["at"]) == ("x", at)


def test_what_could_be_read_in_two_ways_is_said(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("Mã hồ sơ,Ngày tiếp nhận\nA,03/06/2024\n", encoding="utf-8")
    assert suggested(path).doubts == ["received_at: days and months could be the other way round"]
    path.write_text("what,ever\nA,B\n", encoding="utf-8")
    assert len(suggested(path).doubts) == 2


def test_the_command_prints_a_mapping_and_its_doubts(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(VIETNAMESE, encoding="utf-8")
    done = typed("import", str(path), "--suggest")
    assert done.returncode == 0
    parse_mapping(done.stdout, "m")
    assert "not sure: unit" in done.stderr


@pytest.mark.parametrize("name", ["e.xlsx", "e.csv", "e.jsonl"])
def test_a_broken_workbook_is_one_sentence_here_too(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(BadInput, match="not a readable XLSX workbook"):
        suggested(path)
