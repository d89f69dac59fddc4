"""On the trajectory and at the target are two things, and whose trajectory it is stands beside them."""

from datetime import date
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from models.reporting.report import csv_rows, make_report
from streams.cli import lotrinh
from streams.reports.workbook import workbook_bytes
from tests.builders import evaluated, received, standing, thai_binh
from tests.unit.reporting.test_report import known

SCIENCE, TRADE, FINANCE = "34.so-khoa-hoc-va-cong-nghe", "34.so-cong-thuong", "34.so-tai-chinh"
LATE = ((SCIENCE, "online-dossiers", "2024-12-31", "50", "step"),)
EVENTS = [
    *received(8, SCIENCE, "online", "2024-06-03"),
    *received(29, SCIENCE, "in_person", "2024-06-03"),
    *received(6, TRADE, "online", "2024-06-03"),
    *received(4, TRADE, "in_person", "2024-06-03"),
]


def test_a_unit_with_one_late_milestone_is_met_and_has_not_reached_its_target() -> None:
    result = evaluated(thai_binh(trajectories=LATE), EVENTS, date(2024, 9, 30))
    late, fair, empty = (standing(result, unit) for unit in (SCIENCE, TRADE, FINANCE))

    assert (late["status"], late["target_status"], late["trajectory_source"]) == ("met", "not-reached", "unit")
    assert (fair["status"], fair["target_status"], fair["trajectory_source"]) == ("met", "reached", "decision")
    assert (empty["status"], empty["target_status"]) == ("no-dossiers", "no-dossiers")
    assert standing(result, FINANCE, "online-payments")["target_status"] == "no-target"
    assert standing(result, TRADE, "services-with-dossiers")["target_status"] == "not-measured"


def test_the_csv_has_both_words() -> None:
    head, *rows = csv_rows(make_report(known(EVENTS, thai_binh(trajectories=LATE)), "2024-09", []))
    told = {
        line["unit"]: (line["status"], line["target_status"])
        for line in (dict(zip(head, row, strict=True)) for row in rows)
        if line["indicator"] == "online-dossiers"
    }
    assert (told[SCIENCE], told[TRADE]) == (("met", "not-reached"), ("met", "reached"))


def test_a_ramp_is_met_long_before_its_target() -> None:
    reading = thai_binh(switches=(("trajectory", "linear"),))
    events = received(3, TRADE, "online", "2024-06-03") + received(7, TRADE, "in_person", "2024-06-03")

    row = standing(evaluated(reading, events, date(2024, 6, 30)), TRADE)

    assert (row["status"], row["target_status"], row["trajectory_source"]) == ("met", "not-reached", "decision")


@pytest.mark.long
def test_the_report_says_both(tmp_path: Path) -> None:
    report = make_report(known(EVENTS, thai_binh(trajectories=LATE)), "2024-09", [])
    file = tmp_path / "report.xlsx"
    file.write_bytes(workbook_bytes(report))
    text = "\n".join(str(c.value) for sheet in openpyxl.load_workbook(file) for row in sheet for c in row if c.value)

    assert "So với chỉ tiêu của cả kỳ đánh giá: 1 đã đạt chỉ tiêu, 1 chưa đạt chỉ tiêu." in text
    assert "Lộ trình do đơn vị tự nhập: 1 dòng" in text
    plain = make_report(known(EVENTS[-10:], thai_binh()), "2024-09", [])
    file.write_bytes(workbook_bytes(plain))
    rows = (row for sheet in openpyxl.load_workbook(file) for row in sheet)
    text = "\n".join(str(c.value) for row in rows for c in row if c.value)
    assert "tự nhập" not in text
    assert "So với chỉ tiêu của cả kỳ đánh giá: 1 đã đạt chỉ tiêu, 0 chưa đạt chỉ tiêu." in text


@pytest.mark.parametrize(
    ("milestones", "said"),
    [
        (("2024-12-31,50",), "mốc đầu tiên đến ngày 31/12/2024 mới có"),
        (("2024-04-02,50",), "mốc đầu tiên đến ngày 02/04/2024 mới có"),
        (("2024-01-01,0", "2024-06-30,12", "2024-12-31,50"), "mức 12 % ngày 30/06/2024 thấp hơn một nửa mức tăng đều"),
        (("2024-03-31,0", "2024-12-31,50"), "mức 0 % ngày 31/03/2024 thấp hơn một nửa mức tăng đều"),
        (("2024-01-01,0", "2024-03-31,12", "2024-12-31,50"), ""),
    ],
)
def test_check_warns_of_milestones_that_ask_for_nothing(tmp_path: Path, milestones: tuple[str, ...], said: str) -> None:
    file = tmp_path / "t.csv"
    rows = "".join(f"{SCIENCE},online-dossiers,{milestone},step\n" for milestone in milestones)
    file.write_text(f"unit,indicator,date,value,between\n{rows}", encoding="utf-8")
    found = CliRunner().invoke(lotrinh, ["decisions", "check", "thai-binh-2024", "--trajectories", str(file)])

    assert found.exit_code == 0
    assert (said in found.stderr) if said else ("warning" not in found.stderr)
