"""Every target of the four decisions without an annex like Thái Bình's, against the decision's own text.

The text is parsed here, sentence by sentence; our files are only compared with what it says.
"""

import csv
import re
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.registers.units import slug
from tests.builders import reading_of

TEXTS = Path(__file__).parents[2] / "texts"
IDS = ("hai-duong-2022", "lak-2022", "ha-tinh", "khanh-hoa-2024")
with (Path(__file__).parents[3] / "models/data/units.csv").open(encoding="utf-8") as file:
    REGISTRY = {row["code"]: row for row in csv.DictReader(file)}

Targets = dict[tuple[str, str], Fraction]


def text(decision: str) -> str:
    return " ".join((TEXTS / f"{decision}.txt").read_text(encoding="utf-8").split())


def ours(decision: str, on: date, *switches: tuple[str, str]) -> Targets:
    targets = reading_of(decision, catalogue=(), switches=switches).targets(on)
    return {(unit, i): t.value for (unit, i), t in targets.targets.items() if unit in targets.rows}


def province(code: str) -> str:
    return code if REGISTRY[code]["level"] == "province" else province(REGISTRY[code]["parent"])


def of_level(level: str, code: str) -> list[str]:
    return [u for u, row in REGISTRY.items() if row["level"] == level and province(u) == code]


def percent(pattern: str, where: str) -> Fraction:
    """The one number that a sentence gives; the pattern has to fit exactly once."""
    found = re.findall(pattern, where)
    assert len(found) == 1, (pattern, found)
    return Fraction(found[0])


# -- Hải Dương ---------------------------------------------------------------------------------------------------------


def test_every_target_of_hai_duong() -> None:
    said = text("hai-duong-2022")
    above = percent(
        r"1\. Đối với các Sở, ban, ngành thuộc UBND tỉnh; UBND các huyện, thị xã, thành phố: Đạt tỷ lệ từ (\d+)%", said
    )
    below = percent(r"2\. Đối với UBND các xã, phường, thị trấn: Đạt tỷ lệ từ (\d+)%", said)
    expected = {(unit, "online-dossiers"): above for unit in of_level("district", "30")}
    expected |= {(unit, "online-dossiers"): below for unit in of_level("commune", "30")}

    assert ours("hai-duong-2022", date(2022, 6, 1)) == expected
    assert Counter(expected.values()) == {Fraction(55): 12, Fraction(50): 235}
    rows = {(r.row, r.units) for r in reading_of("hai-duong-2022", catalogue=()).decision.rows}
    assert rows == {("1.1", "province-agency"), ("1.1", "district"), ("1.2", "commune")}


# -- Lắk ---------------------------------------------------------------------------------------------------------------


def test_every_cell_of_lak() -> None:
    lines = (TEXTS / "lak-2022.txt").read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines if "\t" in line]
    assert "số hóa" in header[3]
    assert "năm 2021" in header[4]
    assert "năm 2022" in header[5]
    reading = reading_of("lak-2022", catalogue=())
    targets = ours("lak-2022", date(2022, 6, 1))
    of_row = {row.row: row for row in reading.decision.rows}
    for number, name, procedures, digitised, baseline, online in rows:
        row = of_row.pop(number)
        assert row.name == name
        assert procedures == "102"
        # One name of the registry is spelt otherwise (Đắk for Đăk, Phơi for Phoi): without diacritics they agree.
        assert f"ubnd-{slug(REGISTRY[row.unit or '']['name'])}" == slug(name)
        assert REGISTRY[row.unit or ""]["parent"] == "656"
        assert f"{targets.pop((row.unit or '', 'digitised-results'))}%" == digitised
        assert f"{targets.pop((row.unit or '', 'online-dossiers'))}%" == online
        assert f"{row.baseline['online-dossiers']}%" == baseline

    assert (of_row, targets) == ({}, {})
    assert len(rows) == len(of_level("commune", "66")) - sum(
        REGISTRY[u]["parent"] != "656" for u in of_level("commune", "66")
    )


# -- Hà Tĩnh -----------------------------------------------------------------------------------------------------------


def test_every_target_of_ha_tinh() -> None:
    said = text("ha-tinh")
    said = said[said.index("d) Giao chỉ tiêu") :]
    first = int(percent(r"UBND các huyện, thị, thành phố từ năm (\d+)", said))
    fixed = {
        "full-online-provision": percent(r"(\d+)% thủ tục hành chính đủ điều kiện thực hiện", said),
        "services-with-dossiers": percent(r"(\d+)% dịch vụ công trực tuyến phát sinh hồ sơ trực tuyến", said),
        "national-portal-integration": percent(r"ít nhất (\d+)% dịch vụ công trực tuyến được tích hợp", said),
    }
    start = percent(r"phải đạt từ (\d+)% trở lên", said)
    step = percent(r"và tăng (\d+)% trong các năm tiếp theo", said)
    for n in range(8):
        points = min(start + n * step, Fraction(100))
        relative = min(start * (1 + step / 100) ** n, Fraction(100))
        for choice, online in (("points", points), ("relative", relative)):
            expected: dict[tuple[str, str], Fraction] = {}
            for unit in of_level("district", "42"):
                expected |= {(unit, i): value for i, value in fixed.items()} | {(unit, "online-dossiers"): online}
            assert ours("ha-tinh", date(first + n, 6, 1), ("yearly_increase", choice)) == expected
            assert len(expected) == 13 * 4


def test_the_reports_ha_tinh_asks_for() -> None:
    said = text("ha-tinh")
    before = int(percent(r"\(trước ngày (\d+) hàng tháng đối với báo cáo tháng", said))
    day, month = re.findall(r"trước ngày (\d+)/(\d+) đối với báo cáo năm", said)[0]
    monthly, yearly = reading_of("ha-tinh", catalogue=()).decision.reports

    assert monthly.latest_day == before - 1
    assert yearly.latest_month is not None
    assert (yearly.latest_day, yearly.latest_month) == (int(day) - 1, int(month))
    assert [r.clause.split(": ")[1] in said for r in (monthly, yearly)] == [True, True]


# -- Khánh Hòa ---------------------------------------------------------------------------------------------------------


def places(names: str) -> list[str]:
    """`huyện Cam Lâm, thị xã Ninh Hòa` as codes."""
    codes = {row["name"].lower(): code for code, row in REGISTRY.items() if row["parent"] == "56"}
    return [codes[name.strip().lower()] for name in names.split(",")]


def khanh_hoa_says() -> dict[str, tuple[str, Fraction]]:
    """Unit or group → (clause, target), as the sentences of Điều 1 name them."""
    said = text("khanh-hoa-2024")
    said = said[said.index("Điều 1.") : said.index("Điều 2. Căn cứ")]
    found: dict[str, tuple[str, Fraction]] = {}
    departments = re.findall(
        r"([ab])\) Giao chỉ tiêu tối thiểu (\d+)% hồ sơ trực tuyến trên .*? đối với ([^:]*?)các Sở: (.*?)\.", said
    )
    for letter, target, board, names in departments:
        agencies = [f"56.so-{slug(name)}" for name in names.split(", ")]
        agencies += [f"56.{slug(board.removesuffix(' và '))}"] if board else []
        found |= dict.fromkeys(agencies, (f"1.1.{letter}", Fraction(target)))
    for named, target in re.findall(r"- Ủy ban nhân dân (huyện [^:]*): Tối thiểu (\d+)%", said):
        found |= dict.fromkeys(places(named), ("1.2.a", Fraction(target)))
    for named, target in re.findall(r"- Các xã,[^:]*? thuộc (huyện [^:]*): Tối thiểu (\d+)%", said):
        found |= {f"{code}/communes": ("1.2.b", Fraction(target)) for code in places(named)}
    return found


def test_every_target_of_khanh_hoa() -> None:
    said = khanh_hoa_says()
    reading = reading_of("khanh-hoa-2024", catalogue=())
    targets = reading.targets(date(2024, 6, 1))

    assert {
        row.unit: (row.row, Fraction(str(row.targets[0])))
        for row in reading.decision.rows
        if isinstance(row.targets, tuple)
    } == said
    expected: Targets = {}
    for unit, (_, value) in said.items():
        district, slash, _ = unit.partition("/")
        members = [u for u, row in REGISTRY.items() if row["parent"] == district] if slash else [unit]
        expected |= {(member, "online-dossiers"): value for member in members}
        if slash:
            assert list(targets.groups[unit].members) == sorted(members)
    assert ours("khanh-hoa-2024", date(2024, 6, 1)) == expected
    assert Counter(c for c, _ in said.values()) == {"1.1.a": 11, "1.1.b": 6, "1.2.a": 8, "1.2.b": 8}
    assert Counter(expected.values()) == {
        Fraction(60): 11, Fraction(55): 12, Fraction(50): 2, Fraction(45): 114, Fraction(40): 22
    }  # fmt: skip


def test_the_names_of_khanh_hoas_rows_are_those_of_the_registry() -> None:
    for row in reading_of("khanh-hoa-2024", catalogue=()).decision.rows:
        assert row.unit is not None
        district = row.unit.removesuffix("/communes")
        if district in REGISTRY:
            name = REGISTRY[district]["name"]
            assert row.name.endswith(f"{name[0].lower()}{name[1:]}")
        else:
            assert row.unit == f"56.{slug(row.name)}"


def test_the_dated_rules_of_khanh_hoa() -> None:
    said, decision = text("khanh-hoa-2024"), reading_of("khanh-hoa-2024", catalogue=()).decision
    days = re.findall(r"tính từ ngày (\d+)/(\d+)/(\d+) đến ngày (\d+)/(\d+)/(\d+)\.", said)

    assert len(days) == 1
    d1, m1, y1, d2, m2, y2 = map(int, days[0])
    assert (decision.period.first, decision.period.last) == (date(y1, m1, d1), date(y2, m2, d2))
    grace = int(percent(r"tính sau (\d+) ngày kể từ ngày Quyết định công bố", said))
    assert decision.switches["replacement_grace"].days == {"ordinary": grace, "strict": grace + 1}
    assert "từ ngày 15/12/2023 đến ngày Quyết định công bố" in said
    assert decision.catalogue is not None
    assert [(rule.on, rule.off) for rule in decision.catalogue.rules] == [
        (("2653", "replacement"), ()), (("2653",), ("replacement",)), (("replacement",), ("2653",)),
    ]  # fmt: skip


# -- all four ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", IDS)
def test_titles_and_lists_are_the_decisions_own_words(decision: str) -> None:
    said, read = text(decision).replace("**", ""), reading_of(decision, catalogue=()).decision

    assert read.title.lower() in said.lower()
    for indicator, formula in read.indicators.items():
        assert formula.title in said, indicator
    assert read.catalogue is not None
    assert read.catalogue.title in said
    if read.effective_clause is not None:
        assert read.effective_clause.split(": ")[1] in said
    quoted = [q for note in read.notes for q in re.findall(r'"(.*?)"', note)]
    assert [q for q in quoted if q not in said] == []


@pytest.mark.parametrize(
    ("decision", "blank"),
    [
        ("hai-duong-2022", "Số: /QĐ-UBND"),
        ("lak-2022", "Quyết định số: /QĐ-UBND ngày /5/2022"),
        ("ha-tinh", ""),
        ("khanh-hoa-2024", ""),
    ],
)
def test_no_number_and_no_day_is_made_up(decision: str, blank: str) -> None:
    read: Any = reading_of(decision, catalogue=()).decision

    assert blank in text(decision)
    assert (read.number, read.issued, read.effective) == (None, None, None)
