"""Trajectories as offices enter them: by month, by quarter, in five columns; the template, the check, offices' tracks."""

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from models.authoring.trajectory_form import check_form, form_lines, month_end, read_form
from streams.errors import BadInput
from streams.files.decision_files import read_decision, read_form_file, read_reading, read_trajectories
from streams.files.workbooks import MONTHS, grid_of
from streams.settings import Settings
from tests.builders import received, thai_binh
from tests.commands import typed as lotrinh

TRADE = "34.so-cong-thuong"
DECISION = read_decision("thai-binh-2024")
HEAD = ["Mã đơn vị", "Đơn vị", "Mã chỉ tiêu", "Giữa các mốc", "T1", "T2", "T3"]
SETTINGS = Settings(decision="thai-binh-2024")


def book(path: Path, rows: list[list[Any]], sheet: str = "Lộ trình") -> Path:
    made = Workbook()
    made.active.title = "Ghi chú"
    page = made.create_sheet(sheet)
    for row in rows:
        page.append(row)
    made.save(path)
    return path


def grid(*rows: list[str]) -> list[list[str]]:
    return [HEAD, *rows]


def messages(*rows: list[str], head: list[str] = HEAD) -> list[str]:
    form = read_form([head, *rows], DECISION)
    return [f"{p.place}: {p.message}" for p in check_form(form, thai_binh())]


def test_a_month_is_a_milestone_at_its_end(tmp_path: Path) -> None:
    file = book(
        tmp_path / "f.xlsx",
        [["Lộ trình"], ["Năm", 2024], HEAD, [TRADE, "Sở", "online-dossiers", "tăng đều", 10, None, "45,5 %"]],
    )
    ((key, milestones),) = read_trajectories(file, SETTINGS).items()

    assert key == (TRADE, "online-dossiers")
    assert [(m.day, m.value, m.linear) for m in milestones.rows] == [
        (date(2024, 1, 31), Fraction(10), True), (date(2024, 3, 31), Fraction(91, 2), True),
    ]  # fmt: skip
    assert milestones.at(date(2024, 3, 1)) == 10 + (Fraction(91, 2) - 10) * Fraction(30, 60)


def test_quarters_and_names_of_indicators_are_read(tmp_path: Path) -> None:
    head = ["Mã đơn vị", "Chỉ tiêu", "QI", "Quý II", "Q3", "QIV"]
    file = book(tmp_path / "f.xlsx", [head, ["340", "Hồ sơ trực tuyến", 10, 20, 30, 50]])
    ((key, milestones),) = read_trajectories(file, SETTINGS).items()

    assert key == ("340", "online-dossiers")
    assert [m.day for m in milestones.rows] == [
        date(2024, 3, 31), date(2024, 6, 30), date(2024, 9, 30), date(2024, 12, 31),
    ]  # fmt: skip


def test_five_columns_are_read_from_a_workbook_as_from_csv(tmp_path: Path) -> None:
    rows = [["unit", "indicator", "date", "value", "between"],
            [TRADE, "online-dossiers", date(2024, 3, 31), 20.1, "linear"],
            [TRADE, "online-dossiers", "30/06/2024", "30", None]]  # fmt: skip
    text = (
        "unit,indicator,date,value,between\n"
        f"{TRADE},online-dossiers,2024-03-31,20.1,linear\n{TRADE},online-dossiers,2024-06-30,30,\n"
    )
    (tmp_path / "f.csv").write_text(text)

    assert read_trajectories(book(tmp_path / "f.xlsx", rows), SETTINGS) == read_trajectories(  # type: ignore[arg-type]
        tmp_path / "f.csv", SETTINGS
    )
    assert read_form_file(tmp_path / "f.csv", SETTINGS).trajectories() == read_trajectories(
        tmp_path / "f.csv", SETTINGS
    )


def test_a_cell_shown_as_percent_is_percent_and_a_number_is_what_was_typed(tmp_path: Path) -> None:
    made = Workbook()
    made.active.append([0.455, 0.1, 7.0, "x"])
    made.active["A1"].number_format = "0.0%"
    made.save(tmp_path / "f.xlsx")

    assert grid_of(tmp_path / "f.xlsx") == [["45.5", "0.1", "7", "x"]]


def test_reporting_months_end_on_the_14th_and_within_the_period() -> None:
    assert month_end(2024, 12, "15-14") == date(2024, 12, 14)
    form = read_form([["Mã đơn vị", "Mã chỉ tiêu", "T12"], [TRADE, "online-dossiers", "50"]], DECISION, "15-14")
    assert [e.day for e in form.entered] == [date(2024, 12, 14)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (["", "x", "online-dossiers", "", "1"], "ô A2: thiếu mã đơn vị"),
        ([TRADE, "", "hồ sơ", "", "1"], "ô C2: chỉ tiêu là 'hồ sơ', cần một trong"),
        ([TRADE, "", "online-dossiers", "nhảy", "1"], "ô D2: giữa các mốc: cần “giữ nguyên”"),
        ([TRADE, "", "online-dossiers", "", "", "nhiều"], "ô F2: giá trị là 'nhiều', cần một số phần trăm từ 0 đến 100"),
        ([TRADE, "", "online-dossiers", "", "101"], "ô E2: giá trị là '101'"),
        (["99999", "", "online-dossiers", "", "", "", "50"], "hàng 2: không có đơn vị '99999' trong danh mục"),
        ([TRADE, "", "national-portal-integration", "", "50"], "hàng 2: quyết định không có chỉ tiêu"),
        ([TRADE, "", "online-dossiers"], "hàng 2: chưa nhập mốc nào"),
        ([TRADE, "", "online-dossiers", "", "50", "40", "50"], "ô F2: 40 % thấp hơn mốc trước (50 %)"),
        ([TRADE, "", "online-dossiers", "", "", "", "49,99"], "ô G2: mốc cuối 49,99 % thấp hơn chỉ tiêu 50 %"),
        (["34.so-tai-chinh", "", "online-payments", "", "50"], "hàng 2: quyết định không giao chỉ tiêu này"),
    ],
)  # fmt: skip
def test_the_check_says_what_where_and_what_was_expected(row: list[str], expected: str) -> None:
    found = messages(row)

    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Đơn vị", "T1"]], "tệp: không thấy hàng tiêu đề"),
        ([["Mã đơn vị", "Mã chỉ tiêu"]], "hàng 1: cần các cột T1…T12"),
        ([["Năm", "2023"], HEAD], "hàng 1: năm là '2023', quyết định này cho năm 2024"),
        ([["Mã đơn vị", "Mã chỉ tiêu", "T3", "QI"]], "ô D1: có hai cột cùng kết thúc ngày 31/03/2024"),
    ],
)
def test_a_head_that_cannot_be_read_is_named(rows: list[list[str]], expected: str) -> None:
    assert messages(*rows[1:], head=rows[0])[0].startswith(expected)


def test_one_unit_and_indicator_has_one_row() -> None:
    row = [TRADE, "", "online-dossiers", "", "", "", "50"]

    assert messages(row, row)[0].startswith(f"hàng 3: {TRADE}, online-dossiers đã có ở hàng 2")


def test_a_sound_form_has_no_problems_also_for_groups_and_offices() -> None:
    rows = [
        [code, "", "online-dossiers", "", "10", "20", "50"] for code in (TRADE, "340/communes", "340.phong-tu-phap")
    ]

    assert messages(*rows) == []


def test_the_template_has_every_unit_and_target_and_comes_back_empty(tmp_path: Path) -> None:
    file = tmp_path / "f.xlsx"
    done = lotrinh("trajectories", "template", "--decision", "thai-binh-2024", "--out", str(file))
    page = load_workbook(file)["Lộ trình"]
    rows = [[c.value for c in row[:6]] for row in page.iter_rows(min_row=5)]

    assert done.returncode == 0
    assert page["B2"].value == 2024
    assert [c.value for c in page[4]][6:] == list(MONTHS)
    assert len(rows) == 191  # the annex's targets
    assert [
        "34.so-thong-tin-va-truyen-thong",
        "Sở Thông tin và Truyền thông",
        "full-online-provision",
        "Cung cấp toàn trình",
        90,
        None,
    ] in rows
    assert read_trajectories(file, SETTINGS) == {}

    page["G5"] = 12.5
    page["R5"] = 80
    page.parent.save(file)
    ((key, milestones),) = read_trajectories(file, SETTINGS).items()
    assert key == ("34.ban-quan-ly-khu-kinh-te-va-cac-khu-cong-nghiep", "full-online-provision")
    assert [(m.day.month, m.value) for m in milestones.rows] == [(1, Fraction(25, 2)), (12, Fraction(80))]


def test_a_districts_form_has_its_communes_and_all_leaves_can_be_asked_for() -> None:
    on = date(2024, 12, 31)
    district = form_lines(thai_binh(), on, "340")

    assert {line.unit for line in district} == {"340", "340/communes", *thai_binh().registry.communes_of("340")}
    assert len(form_lines(thai_binh(), on, communes=True)) == 1703 + 8 * 6
    assert {line.unit for line in form_lines(thai_binh(), on, TRADE)} == {TRADE}


def test_a_workbook_drives_evaluate_and_a_bad_one_is_one_sentence(tmp_path: Path) -> None:
    events = tmp_path / "e.jsonl"
    found = received(3, TRADE, "online", "2024-02-01") + received(7, TRADE, "in_person", "2024-02-01")
    events.write_text("\n".join(json.dumps(e) for e in found))
    good = book(tmp_path / "g.xlsx", [HEAD, [TRADE, "", "online-dossiers", "", 20, 40, 50]])
    bad = book(tmp_path / "b.xlsx", [HEAD, [TRADE, "", "online-dossiers", "", "ít", 40, "nhiều"]])
    arguments = ["evaluate", "--decision", "thai-binh-2024", "--events", str(events), "--json", "--as-of"]
    shown = {
        day: next(s for s in json.loads(lotrinh(*arguments, day, "--trajectories", str(good)).stdout)["standings"]
                  if (s["unit"], s["indicator"]) == (TRADE, "online-dossiers"))
        for day in ("2024-02-28", "2024-02-29")
    }  # fmt: skip
    refused = lotrinh(*arguments, "2024-02-29", "--trajectories", str(bad))

    assert [(s["expected"], s["status"]) for s in shown.values()] == [("20", "met"), ("40", "below")]
    assert refused.returncode == 2
    assert "b.xlsx, ô E2: giá trị là 'ít'" in refused.stderr
    assert "(and 1 more" in refused.stderr


def test_the_check_command_exits_2_on_errors_and_0_on_warnings(tmp_path: Path) -> None:
    bad = book(tmp_path / "b.xlsx", [HEAD, [TRADE, "", "online-dossiers", "", "ít"]])
    warned = book(tmp_path / "w.xlsx", [HEAD, [TRADE, "", "online-dossiers", "", 49]])
    first = lotrinh("trajectories", "check", str(bad), "--decision", "thai-binh-2024")
    second = lotrinh("trajectories", "check", str(warned), "--decision", "thai-binh-2024", "--json")

    assert (first.returncode, second.returncode) == (2, 0)
    assert "b.xlsx, ô E2: LỖI: giá trị là 'ít'" in first.stdout
    assert first.stderr.strip().endswith("1 lỗi cần sửa")
    assert [p["severity"] for p in json.loads(second.stdout)["problems"]] == ["warning"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"unit,indicator\n"])
def test_what_is_no_workbook_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.xlsx").write_bytes(content)
    with pytest.raises(BadInput, match="not a readable XLSX workbook"):
        grid_of(tmp_path / "f.xlsx")


def test_an_office_has_a_track_of_its_own_and_its_district_stands_as_before(tmp_path: Path) -> None:
    office = "340.phong-tu-phap"
    events = tmp_path / "e.jsonl"
    found = received(3, office, "online", "2024-02-01") + received(7, office, "in_person", "2024-02-01")
    found += received(10, "340", "online", "2024-02-01")
    events.write_text("\n".join(json.dumps(e) for e in found))
    form = book(tmp_path / "f.xlsx", [HEAD, [office, "", "online-dossiers", "", 20, 40, 50]])
    options = [
        "--decision",
        "thai-binh-2024",
        "--events",
        str(events),
        "--trajectories",
        str(form),
        "--as-of",
        "2024-02-29",
        "--json",
    ]
    tracks = json.loads(lotrinh("trajectories", "track", *options).stdout)["tracks"]
    judged = json.loads(lotrinh("evaluate", *options).stdout)

    assert tracks == [
        {"unit": office, "district": "340", "indicator": "online-dossiers", "as_of": "2024-02-29", "numerator": 3,
         "denominator": 10, "expected": "40", "status": "below", "shortfall": 1},
    ]  # fmt: skip
    standings = {s["unit"]: s for s in judged["standings"] if s["indicator"] == "online-dossiers"}
    assert (standings["340"]["numerator"], standings["340"]["denominator"], standings["340"]["expected"]) == (
        13,
        20,
        "50",
    )
    assert office not in standings
    assert not judged["alerts"]


def test_an_offices_rows_are_no_warning() -> None:
    office = (("340.phong-tu-phap", "online-dossiers", "2024-12-31", "10", "step"),)

    assert thai_binh(trajectories=office).warnings() == []
    assert read_reading(SETTINGS, offices_apart=True).registry.counts_for("340.phong-tu-phap") == "340.phong-tu-phap"


YEARLY = """
id = "moi-nam"
title = "Giao chỉ tiêu hằng năm"
issuer = "Chủ tịch Ủy ban nhân dân tỉnh"
province = "34"
text = "moi-nam.txt"
rows = [{ row = "1", unit = "34.so-cong-thuong", name = "Sở Công Thương", targets = { online-dossiers = { first = 50, yearly = 10 } } }]

[period]
yearly_from = 2022
clause = "Điều 2"

[catalogue]
title = "Danh mục dịch vụ công trực tuyến"
clause = "Điều 1"
owner = "Văn phòng Ủy ban nhân dân tỉnh"

[indicators.online-dossiers]
title = "Tỷ lệ hồ sơ trực tuyến"
short = "Hồ sơ trực tuyến"
clause = "Điều 2"
count = "dossier"
basis = "resolved"
numerator = ["online"]
denominator = ["listed"]
"""


def test_a_decision_for_every_year_needs_the_forms_year_and_no_catalogue(tmp_path: Path) -> None:
    decision, file = tmp_path / "moi-nam.toml", tmp_path / "f.xlsx"
    decision.write_text(YEARLY, encoding="utf-8")
    done = lotrinh("trajectories", "template", "--decision", str(decision), "--year", "2024", "--out", str(file))
    page = load_workbook(file)["Lộ trình"]

    assert done.returncode == 0, done.stderr
    assert (page["B2"].value, page["E5"].value) == (2024, 70)
    head = ["Mã đơn vị", "Mã chỉ tiêu", "T2"]
    made = read_form([["Năm", "2024"], head, [TRADE, "online-dossiers", "50"]], read_decision(str(decision)))
    without = read_form([head, [TRADE, "online-dossiers", "50"]], read_decision(str(decision)))
    early = read_form([["Năm", "2021"], head], read_decision(str(decision)))
    assert [e.day for e in made.entered] == [date(2024, 2, 29)]
    assert without.problems[0].message.startswith("cần một hàng “Năm”")
    assert early.problems[0].message == "quyết định này áp dụng từ năm 2022"
