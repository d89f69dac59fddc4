"""Closed periods and reports: what a month is, what is judged, what comes later, what an office is handed."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest

from models.calendar.periods import Holds, Label, window
from models.decisions.file import Indicator
from models.decisions.reading import Reading
from models.evaluation.evaluation import evaluate
from models.registers.units import Succession
from models.reporting.closed_period import Closing
from models.reporting.report import CSV_COLUMNS, Due, Known, Report, close_period, csv_rows, make_report
from models.reporting.report_lines import Line
from streams.feeds.simulate import Simulation, simulate
from streams.reports.closings import _each_once
from streams.reports.counters import of_events
from streams.reports.files import csv_bytes
from streams.reports.sources import dues_of
from streams.reports.workbook import workbook_bytes
from tests.builders import entries, event, paid, received, thai_binh

TRADE = "34.so-cong-thuong"
FINANCE = "34.so-tai-chinh"
WARD = "12688"
CLOSED_AT = "2024-07-02T09:00:00+07:00"

JUNE = [
    *paid(44, TRADE, "2024-06-10", "online"),
    *paid(54, TRADE, "2024-06-11", "cash", method="cash", gateway=None),
    event("received", "later", "2024-07-01", version=1, unit=FINANCE, channel="online"),
]
LATE = [
    event("paid", f"late-{n}", "2024-07-05", version=2, unit=TRADE, transaction="T", amount=1, method="online",
          gateway="national", paid_at="2024-06-29T09:00:00+07:00")
    for n in range(2)
]  # fmt: skip


def known(events: Iterable[Mapping[str, Any]], reading: Reading | None = None) -> Known:
    lines = ((n, json.dumps(e).encode()) for n, e in enumerate(events, start=1))
    return of_events(reading or thai_binh(), lines)[0]


def closed(events: Iterable[Mapping[str, Any]], period: str = "2024-06", **how: Any) -> Closing:
    closings = how.get("closings", [])
    return close_period(known(events, how.get("reading")), period, closings, CLOSED_AT, how.get("reason"))


def line(report: Report, unit: str = TRADE, indicator: Indicator = "online-payments") -> Line:
    return next(x for x in report.lines if x.key == (unit, indicator))


def csv_row(report: Report, unit: str = TRADE, indicator: str = "online-payments") -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(csv_bytes(report).decode()))
    return next(r for r in rows if (r["unit"], r["indicator"]) == (unit, indicator))


# -- a closed month ----------------------------------------------------------------------------------------------------


def test_a12_a_closed_month_stays_and_late_payments_are_its_adjustment() -> None:
    closing = closed(JUNE)
    report = make_report(known(JUNE + LATE), "2024-06", [closing])
    row = csv_row(report)

    assert (row["numerator"], row["denominator"], row["ratio"], row["status"]) == ("44", "98", "44.89", "below")
    assert (row["adjusted_numerator"], row["adjusted_denominator"]) == ("2", "2")
    assert report.adjusted() == 1


def test_a12_an_open_month_is_restated() -> None:
    row = csv_row(make_report(known(JUNE + LATE), "2024-06", []))

    assert (row["numerator"], row["denominator"], row["ratio"], row["status"]) == ("46", "100", "46.00", "met")
    assert (row["adjusted_numerator"], row["adjusted_denominator"]) == ("", "")


def test_a_closed_month_without_late_facts_says_so() -> None:
    report = make_report(known(JUNE), "2024-06", [closed(JUNE)])

    assert set(report.adjustments.values()) == {(0, 0)}
    assert csv_row(report)["adjusted_numerator"] == "0"


def test_what_is_taken_back_later_is_a_negative_adjustment() -> None:
    refund = event("refunded", "online-0", "2024-07-03", version=3, transaction="T0")
    report = make_report(known([*JUNE, refund]), "2024-06", [closed(JUNE)])

    assert report.adjustments[TRADE, "online-payments"] == (-1, -1)


def test_a_unit_that_had_nothing_when_the_month_was_closed_appears_with_its_adjustment_alone() -> None:
    stranger = event("received", "x", "2024-07-03", version=1, unit="34.van-phong", channel="online",
                     received_at="2024-06-20T08:00:00+07:00")  # fmt: skip
    row = csv_row(make_report(known([*JUNE, stranger]), "2024-06", [closed(JUNE)]), "34.van-phong", "online-dossiers")

    assert (row["numerator"], row["denominator"], row["status"]) == ("0", "0", "no-target")
    assert (row["adjusted_numerator"], row["adjusted_denominator"]) == ("1", "1")


def test_the_published_verdict_stays_although_the_target_would_be_reached_now() -> None:
    report = make_report(known(JUNE + LATE), "2024-06", [closed(JUNE)])

    assert line(report).cumulative == (44, 98)
    assert line(report).shortfall == 1


# -- closing -----------------------------------------------------------------------------------------------------------


def test_a_month_that_has_not_ended_is_not_closed() -> None:
    with pytest.raises(ValueError, match="period 2024-07 ends on 2024-07-31; counted so far is up to 2024-07-01"):
        closed(JUNE, "2024-07")


def test_a_month_is_closed_once_and_again_only_beside_the_first_and_with_a_reason() -> None:
    first = closed(JUNE)
    with pytest.raises(ValueError, match="was closed on 2024-07-02"):
        closed(JUNE + LATE, closings=[first])
    second = closed(JUNE + LATE, closings=[first], reason="Bổ sung dữ liệu cổng thanh toán")
    report = make_report(known(JUNE + LATE), "2024-06", [first, second])

    assert (first.sequence, second.sequence) == (1, 2)
    assert line(report).figures == (46, 100)
    assert report.adjusted() == 0
    assert [c.sequence for c in report.closings] == [1, 2]


def test_a_reason_without_a_first_closing_is_refused() -> None:
    with pytest.raises(ValueError, match="is not closed yet"):
        closed(JUNE, reason="vì sao")


def test_a_closing_that_was_altered_is_refused() -> None:
    raw = closed(JUNE).model_dump_json().encode()

    assert Closing.read(raw) == closed(JUNE)
    with pytest.raises(ValueError, match="its digest does not fit"):
        Closing.read(raw.replace(b",44,98,", b",45,98,"))
    with pytest.raises(ValueError, match="no closing of a period"):
        Closing.read(b'{"decision": "x"}')


def test_what_somebody_vouched_for_is_part_of_a_closing_and_absent_from_all_others() -> None:
    vouched = close_period(replace(known(JUNE[:-1]), complete_to=date(2024, 6, 30)), "2024-06", [], CLOSED_AT, None)
    needless = close_period(replace(known(JUNE), complete_to=date(2024, 6, 30)), "2024-06", [], CLOSED_AT, None)
    raw = vouched.model_dump_json().encode()

    assert (vouched.known_until, vouched.complete_to) == ("2024-06-11T08:00:00+07:00", date(2024, 6, 30))
    assert Closing.read(raw) == vouched
    with pytest.raises(ValueError, match="its digest does not fit"):
        Closing.read(raw.replace(b'"complete_to":"2024-06-30"', b'"complete_to":"2024-07-30"'))
    assert needless == closed(JUNE)
    assert b"complete_to" not in needless.model_dump_json().encode()
    with pytest.raises(ValueError, match="ends on 2024-06-30; counted so far is up to 2024-06-11"):
        close_period(replace(known(JUNE[:-1]), complete_to=date(2024, 6, 29)), "2024-06", [], CLOSED_AT, None)


def test_of_two_closings_under_one_key_the_first_holds() -> None:
    first, other = closed(JUNE), closed(JUNE + LATE)

    found = _each_once([("a", first.model_dump_json().encode()), ("b", other.model_dump_json().encode())])

    assert [c.digest for c in found] == [first.digest]


def test_counting_by_other_rules_than_at_the_closing_is_said() -> None:
    postal = thai_binh(switches=(("postal_in_denominator", "false"),))
    same = make_report(known(JUNE), "2024-06", [closed(JUNE)])
    other = make_report(known(JUNE, postal), "2024-06", [closed(JUNE)])

    assert (same.rules_changed, other.rules_changed) == (False, True)
    assert other.switches["postal_in_denominator"] == "true"  # what the closed figures were counted by


# -- the figures -------------------------------------------------------------------------------------------------------


def test_figures_are_those_of_the_period_and_the_verdict_that_of_the_standing_at_its_end() -> None:
    may = received(10, TRADE, "online", "2024-05-10") + received(2, TRADE, "in_person", "2024-05-10")
    june = received(3, TRADE, "online", "2024-06-10") + received(5, TRADE, "in_person", "2024-06-10")
    july = received(9, TRADE, "in_person", "2024-07-01")
    report = make_report(known(may + june + july), "2024-06", [])
    found = line(report, indicator="online-dossiers")
    lines = ((n, json.dumps(e).encode()) for n, e in enumerate(may + june + july))
    standing = next(
        s for s in evaluate(thai_binh(), lines, date(2024, 6, 30)).standings
        if (s["unit"], s["indicator"]) == (TRADE, "online-dossiers")
    )  # fmt: skip

    assert found.figures == (3, 8)
    assert found.previous == (10, 12)
    assert found.cumulative == (standing["numerator"], standing["denominator"]) == (13, 20)
    assert (found.status, found.shortfall, found.expected) == ("met", 0, "50")
    row = csv_row(report, indicator="online-dossiers")
    assert (row["ratio"], row["previous_ratio"], row["change_points"]) == ("37.50", "83.33", "-45.83")


def test_every_verdict_of_a_simulated_half_is_that_of_evaluate() -> None:
    reading = thai_binh()
    values = list(simulate(reading, Simulation(1_500, 5)))
    report = make_report(of_events(reading, enumerate(values, 1))[0], "2024-H1", [])
    standings = evaluate(reading, enumerate(values, 1), date(2024, 6, 30)).standings

    assert {(x.unit, x.indicator, *x.cumulative, x.target, x.expected, x.status, x.shortfall) for x in report.lines} == {
        (s["unit"], s["indicator"], s["numerator"], s["denominator"], s["target"], s["expected"], s["status"], s["shortfall"])
        for s in standings
    }  # fmt: skip
    assert all(x.figures == x.cumulative for x in report.lines)  # a half that begins with the decision


def test_months_add_up_to_their_quarter() -> None:
    reading = thai_binh()
    values = list(simulate(reading, Simulation(1_500, 6)))
    quarter, *months = (
        {x.key: x.figures for x in make_report(of_events(reading, enumerate(values, 1))[0], text, []).lines}
        for text in ("2024-Q2", "2024-04", "2024-05", "2024-06")
    )
    additive = ("online-dossiers", "online-payments", "digitised-results", "electronic-results")

    for key, figures in quarter.items():
        if key[1] in additive:
            parts = [m.get(key, (0, 0)) for m in months]
            assert figures == (sum(n for n, _ in parts), sum(d for _, d in parts)), key


def test_the_period_before_is_as_published_where_it_is_closed() -> None:
    july = paid(1, TRADE, "2024-07-20", "july")
    events = JUNE + LATE + july
    open_june = make_report(known(events), "2024-07", [])
    closed_june = make_report(known(events), "2024-07", [closed(JUNE)])

    assert (line(open_june).previous, open_june.before_is_closed) == ((46, 100), False)
    assert (line(closed_june).previous, closed_june.before_is_closed) == ((44, 98), True)


def test_a_month_from_the_15th_to_the_14th() -> None:
    reading = thai_binh(switches=(("report_months", "15-14"),))
    events = [r for d in ("05-14", "05-15", "06-14", "06-15") for r in received(1, TRADE, "online", f"2024-{d}")]
    report = make_report(known(events, reading), "2024-06", [])

    assert line(report, indicator="online-dossiers").figures == (2, 2)
    assert (report.window.first, report.as_of) == (date(2024, 5, 15), date(2024, 6, 14))


def test_a18_half_past_midnight_belongs_to_july_and_the_third_quarter() -> None:
    events = [event("received", "x", "2024-06-30T17:30:00Z", version=1, unit=TRADE, channel="online")]
    figures = {
        text: line(make_report(known(events), text, []), indicator="online-dossiers").figures
        for text in ("2024-06", "2024-07", "2024-Q2", "2024-Q3")
    }

    assert figures == {"2024-06": (0, 0), "2024-07": (1, 1), "2024-Q2": (0, 0), "2024-Q3": (1, 1)}


def test_a_unit_below_its_line_never_reads_as_met() -> None:
    events = received(1999, TRADE, "online", "2024-01-10") + received(2001, TRADE, "in_person", "2024-01-10")
    row = csv_row(make_report(known(events), "2024-01", []), indicator="online-dossiers")

    assert (row["ratio"], row["status"]) == ("49.97", "below")


def test_rows_stand_by_indicator_class_and_in_the_decisions_order() -> None:
    lines = make_report(known(JUNE), "2024-06", []).lines
    first = [x for x in lines if x.indicator == "online-dossiers"]
    own_rows = [(x.unit_class, x.row) for x in first if x.is_group or not x.group]

    assert own_rows == (
        [("province-agency", str(n)) for n in range(1, 17)]
        + [("district", str(n)) for n in range(17, 32, 2)]
        + [("commune", str(n)) for n in range(18, 33, 2)]
    )
    at = next(n for n, x in enumerate(first) if x.unit == "340/communes")
    assert [x.group for x in first[at : at + 39]] == ["340/communes"] * 39


def test_the_csv_has_the_contracts_columns_and_a_line_per_target_cell() -> None:
    rows = list(csv_rows(make_report(known(JUNE), "2024-06", [])))

    assert ",".join(rows[0]) == (
        "row,unit,name,indicator,numerator,denominator,ratio,target,expected,status,shortfall,"
        "previous_ratio,change_points,adjusted_numerator,adjusted_denominator,target_status"
    )
    assert len(rows) == 1 + 7 * (284 + 8)
    assert {len(r) for r in rows} == {len(CSV_COLUMNS)}
    finance = next(r for r in rows if r[1:4:2] == (FINANCE, "online-payments"))
    assert finance[4:11] == ("0", "0", "", "", "", "no-target", "0")


# -- before the year ends ----------------------------------------------------------------------------------------------


def test_a_years_report_made_before_its_end_has_an_estimate() -> None:
    events = received(60, TRADE, "in_person", "2024-03-01") + received(45, TRADE, "online", "2024-11-20")
    report = make_report(known(events), "2024", [], date(2024, 12, 1))
    found = line(report, indicator="online-dossiers")

    assert (found.figures, report.as_of, report.is_over) == ((45, 105), date(2024, 12, 1), False)
    assert report.estimates[found.key] == pytest.approx(
        100 * 90 / 150
    )  # thirty days are left, as many as were looked at
    assert make_report(known(events), "2024", []).estimates == {}


def test_the_deadline_is_that_of_the_decisions_file() -> None:
    year = window(Label.of("2024"), "calendar", Holds(date(2024, 1, 1), date(2024, 12, 31)))
    duty = SimpleNamespace(period="year", clause="Điều 2.2.c", due=lambda last: date(last.year, 12, 9))
    other = SimpleNamespace(period="month", clause="Điều 2.2.c", due=lambda last: last)

    assert dues_of([other, duty], year) == [(date(2024, 12, 9), "Điều 2.2.c")]  # type: ignore[list-item]  # what it reads of a duty


def test_a_closed_period_has_no_report_of_a_part_of_it() -> None:
    with pytest.raises(ValueError, match="is closed: its figures are those of all its days"):
        make_report(known(JUNE), "2024-06", [closed(JUNE)], date(2024, 6, 20))


# -- the workbook ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    file: Path = tmp_path_factory.mktemp("report") / "june.xlsx"
    commune = received(5, WARD, "online", "2024-06-03") + received(3, WARD, "in_person", "2024-05-03")
    first = closed(JUNE + commune)
    file.write_bytes(workbook_bytes(make_report(known(JUNE + commune + LATE), "2024-06", [first])))
    return openpyxl.load_workbook(file)


def row_of(sheet: Any, name: str) -> list[Any]:
    return next([c.value for c in row] for row in sheet.iter_rows() if row[1].value == name)


def test_the_workbook_has_a_report_and_an_annex_per_indicator(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == [
        "Báo cáo", "1. Cung cấp toàn trình", "2. Hồ sơ trực tuyến", "3. Thanh toán trực tuyến", "4. Số hóa kết quả",
        "5. Kết quả điện tử", "6. Dịch vụ có hồ sơ", "7. Bản sao điện tử", "Danh sách đôn đốc",
    ]  # fmt: skip


def test_figures_in_the_workbook_are_numbers(book: openpyxl.Workbook) -> None:
    row = row_of(book["3. Thanh toán trực tuyến"], "Sở Công Thương")

    assert row[2:16] == [44, 98, 0.4489, "–", "–", 44, 98, 0.4489, 0.45, 0.45, "Chưa đạt", 1, 2, 2]
    cell = next(c for c in book["3. Thanh toán trực tuyến"]["E"] if c.value == 0.4489)
    assert cell.number_format == "[$-42A]0.00\\ %_-"


def test_a_group_says_how_many_of_its_members_reach_the_target(book: openpyxl.Workbook) -> None:
    sheet = book["2. Hồ sơ trực tuyến"]

    assert row_of(sheet, "38/38 xã, thị trấn huyện Đông Hưng")[12] == "Đạt (1/38)"
    ward = row_of(sheet, "Thị trấn Đông Hưng")
    assert ward[2:5] == [5, 5, 1]
    assert ward[5:10] == [0, 100, 5, 8, 0.625]  # percent as a share, change in points
    assert row_of(sheet, "Xã Đô Lương")[12] == "Chưa phát sinh"


def test_a_class_without_targets_is_one_line_with_the_decisions_reason(book: openpyxl.Workbook) -> None:
    row = {"procedure": "1.1", "authority": "province-agency", "level": "full", "eligible": "true"}
    measured = make_report(known(JUNE, thai_binh(catalogue=entries(row))), "2024-06", [])
    sheet = openpyxl.load_workbook(io.BytesIO(workbook_bytes(measured)))["1. Cung cấp toàn trình"]
    texts = [str(c.value) for c in sheet["B"]]

    assert texts.count("Không giao. Tiêu chí này áp dụng đối với các sở, ban, ngành.") == 2
    assert row_of(book["3. Thanh toán trực tuyến"], "Sở Tài chính")[12] == "Không giao"


def test_the_workbook_prints_on_a4_landscape_with_its_headings_on_every_page(book: openpyxl.Workbook) -> None:
    sheet = book["2. Hồ sơ trực tuyến"]

    assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "landscape")
    assert (sheet.print_title_rows, sheet.freeze_panes) == ("$7:$9", "C10")
    assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight) == (True, 0)


def test_the_report_says_formula_cut_off_closing_and_open_questions(book: openpyxl.Workbook) -> None:
    text = "\n".join(str(c.value) for row in book["Báo cáo"].iter_rows() for c in row if c.value is not None)

    for expected in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Số: ……/BC-……", "Quyết định số 805/QĐ-UBND ngày 24/05/2024",
        "Số liệu chốt đến hết ngày 30/06/2024", "theo dữ liệu nhận được đến ngày 01/07/2024",
        "Kỳ báo cáo đã chốt ngày 02/07/2024", "(Giao chỉ tiêu nâng cao tỷ lệ sử dụng", "Mẫu số: hồ sơ tiếp nhận (theo ngày tiếp nhận)", "Đang áp dụng: tỷ lệ đơn vị có thực hiện.",
        "Đang áp dụng: tháng dương lịch.", "mã kiểm tra số liệu",
    ):  # fmt: skip
        assert expected in text, expected


@pytest.mark.parametrize("write", [csv_bytes, workbook_bytes])
def test_the_same_facts_give_the_same_bytes_in_whatever_order_they_came(write: Any) -> None:
    reading = thai_binh()
    values = list(simulate(reading, Simulation(400, 8)))
    reports = [
        make_report(of_events(reading, enumerate(order, 1))[0], "2024-Q2", []) for order in (values, values[::-1])
    ]

    assert write(reports[0]) == write(reports[1])


def test_the_archive_carries_no_time_of_its_making() -> None:
    with zipfile.ZipFile(io.BytesIO(workbook_bytes(make_report(known(JUNE), "2024-06", [])))) as archive:
        assert {part.date_time for part in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2024-07-01T08:00:00Z" in archive.read("docProps/core.xml")


@pytest.mark.long
def test_the_workbook_of_an_unfinished_year_says_so_and_estimates() -> None:
    events = received(60, TRADE, "in_person", "2024-03-01") + received(45, TRADE, "online", "2024-11-20")
    report = make_report(known(events), "2024", [], date(2024, 12, 1))
    found = openpyxl.load_workbook(
        io.BytesIO(workbook_bytes(replace(report, dues=(Due(date(2024, 12, 9), "Điều 2"),))))
    )
    text = "\n".join(str(c.value) for row in found["Báo cáo"].iter_rows() for c in row if c.value is not None)

    assert row_of(found["2. Hồ sơ trực tuyến"], "Sở Công Thương")[18] == 0.6
    assert row_of(found["2. Hồ sơ trực tuyến"], "Sở Y tế")[18] == "–"
    for expected in (
        "Kỳ báo cáo chưa kết thúc: số liệu là tạm tính.",
        "Hạn gửi: ngày 09/12/2024 (Điều 2)",
        "Ước cả năm là ước tính",
    ):
        assert expected in text, expected


def test_a_merged_unit_is_frozen_and_counted_once_in_its_group() -> None:
    merged = Succession(date(2024, 6, 1), "12691", "12688")
    events = received(3, "12691", "online", "2024-05-03") + received(2, "12688", "in_person", "2024-06-03")
    report = make_report(known(events, thai_binh(successions=(merged,))), "2024-06", [])
    old, heir, group = (line(report, unit, "online-dossiers") for unit in ("12691", "12688", "340/communes"))

    assert (old.frozen, heir.frozen) == (True, False)
    assert heir.cumulative == (3, 5)
    assert (group.figures, group.previous, group.cumulative) == ((0, 2), (3, 3), (3, 5))


@pytest.mark.long
def test_a_unit_that_its_catalogue_caps_is_shown_as_such() -> None:
    report = make_report(known(JUNE), "2024-06", [])
    lines = [x._replace(ceiling="44.5") if x.key == (TRADE, "online-payments") else x for x in report.lines]
    found = openpyxl.load_workbook(io.BytesIO(workbook_bytes(replace(report, lines=lines))))

    assert row_of(found["3. Thanh toán trực tuyến"], "Sở Công Thương")[12] == "Chưa đạt (trần 44,5 %)"
    assert any("do danh mục, không do đơn vị." in str(c.value) for c in found["Báo cáo"]["A"])
