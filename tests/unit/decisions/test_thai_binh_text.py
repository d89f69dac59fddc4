"""Every cell of Thái Bình's annex against the decision's own text, read by this test and not from our data."""

import csv
import re
from collections import Counter
from datetime import date
from pathlib import Path

from models.registers.units import slug
from tests.builders import thai_binh

TEXT = Path(__file__).parents[2] / "texts" / "thai-binh-2024.txt"
WORDS = {
    "full-online-provision": "cung cấp dịch vụ công trực tuyến toàn trình",
    "online-dossiers": "hồ sơ trực tuyến trên tổng số hồ sơ",
    "online-payments": "thanh toán trực tuyến",
    "digitised-results": "số hóa kết quả",
    "electronic-results": "cấp kết quả giải quyết thủ tục hành chính điện tử",
    "services-with-dossiers": "dịch vụ công trực tuyến phát sinh hồ sơ",
    "electronic-copies": "chứng thực bản sao điện tử",
}


def annex() -> tuple[list[str], list[list[str]]]:
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    table = [line.split("\t") for line in lines if "\t" in line]
    header = next(row for row in table if row[0] == "STT")
    return header, [row for row in table if row[0].isdigit()]


def columns() -> dict[int, str]:
    header, _ = annex()
    found = {}
    for n, title in enumerate(header):
        for indicator, words in WORDS.items():
            if words in title:
                found[n] = indicator
    assert len(found) == len(WORDS)
    return found


def test_every_cell_of_the_annex() -> None:
    reading = thai_binh()
    targets = reading.targets(date(2024, 6, 1)).targets
    rows = {row.row: row for row in reading.decision.rows}
    checked: Counter[str] = Counter()
    for cells in annex()[1]:
        row = rows[cells[0]]
        assert row.name == cells[1]
        assert row.unit is not None
        for n, indicator in columns().items():
            target = targets.get((row.unit, indicator))
            if cells[n].strip():
                assert target is not None, (cells[0], indicator)
                assert target.value == int(cells[n]), (cells[0], indicator)
                assert target.row == cells[0]
                checked["target"] += 1
            else:
                assert target is None, (cells[0], indicator)
                checked["blank"] += 1

    assert checked == {"target": 191, "blank": 33}


def test_units_are_those_the_rows_name() -> None:
    reading = thai_binh()
    with (Path(__file__).parents[3] / "models/data/units.csv").open(encoding="utf-8") as file:
        registry = {row["code"]: row for row in csv.DictReader(file)}
    leaves = 0
    for row in reading.decision.rows:
        assert row.unit is not None
        district = row.unit.removesuffix("/communes")
        group = re.match(r"(\d+)/\1 ", row.name)
        if group:
            members = [c for c, r in registry.items() if r["level"] == "commune" and r["parent"] == district]
            assert len(members) == int(group.group(1))
            assert registry[district]["name"].removeprefix("Huyện ").removeprefix("Thành phố ") in row.name
            leaves += len(members)
        elif row.unit in registry:
            assert (
                row.name == f"Ủy ban nhân dân {registry[row.unit]['name'][0].lower()}{registry[row.unit]['name'][1:]}"
            )
            leaves += 1
        else:
            assert row.unit == f"34.{slug(row.name)}"
            leaves += 1

    assert leaves == len(reading.targets(date(2024, 6, 1)).rows) == 284


def test_what_the_text_says_besides_the_table() -> None:
    text, decision = TEXT.read_text(encoding="utf-8"), thai_binh().decision

    assert "Số: 805 /QĐ-UBND" in text
    assert decision.number == "805/QĐ-UBND"
    assert "ngày 24 tháng 5 năm 2024" in text
    assert decision.issued == decision.effective == date(2024, 5, 24)
    assert "có hiệu lực thi hành kể từ ngày ký, ban hành" in text
    assert decision.rows[9].no_target["online-payments"] in text
    for indicator, formula in decision.indicators.items():
        assert formula.title in text, indicator
