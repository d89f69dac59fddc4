"""Targets as texts have them: milestones, tables of years, amended rows, stretch, classes with exceptions."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pytest

from models.authoring.checking import check
from models.decisions.file import BadDecision, parse_decision
from models.decisions.reading import Reading, Sources
from models.registers.units import Registry, Unit
from models.standings.standings import Standing
from streams.cli.decision_page import print_decision
from tests.builders import evaluated, received, standing

UNITS = (
    Unit("99", "Tỉnh Sông Lam", "province", ""),
    Unit("991", "Huyện Thượng Nguồn", "district", "99"),
    *(Unit(f"9910{n}", f"Xã {n}", "commune", "991") for n in (1, 2, 3)),
)
REGISTRY = Registry({unit.code: unit for unit in UNITS})
FILE = """
id = "song-lam"
title = "t"
issuer = "i"
province = "99"
text = "t.txt"
columns = ["online", "on-time"]
{top}
rows = [ {rows} ]
{tables}
[period]
{period}
clause = "c"
[indicators.online]
title = "t"
short = "s"
clause = "c"
count = "dossier"
basis = "received"
numerator = ["online"]
[indicators.on-time]
title = "t"
short = "s"
clause = "c"
count = "dossier"
basis = "resolved"
numerator = ["on-time"]
denominator = ["due"]
"""
YEAR = "from = 2025-01-01\nto = 2025-12-31"
COMMUNES = '{ row = "1", units = "commune", of = "99", name = "Các xã", targets = ["50", ""] }'


def text_of(*rows: str, top: str = "", tables: str = "", period: str = YEAR) -> str:
    return FILE.format(rows=", ".join(rows or (COMMUNES,)), top=top, tables=tables, period=period)


def reading_of(*rows: str, trajectories: Mapping[Any, Any] | None = None, **parts: str) -> Reading:
    switches = {"alert_rule": "literal"}
    sources = Sources(REGISTRY, trajectories=trajectories or {}, switches=switches)
    return Reading(parse_decision(text_of(*rows, **parts), "song-lam.toml"), sources)


def seen(reading: Reading, day: str, unit: str = "99101", events: Iterable[Mapping[str, Any]] = ()) -> Standing:
    return standing(evaluated(reading, events, date.fromisoformat(day)), unit, "online")


def row(**more: str) -> str:
    parts = {"row": '"1"', "unit": '"99101"', "name": '"Xã 1"', "targets": '["60", ""]', **more}
    return "{ " + ", ".join(f"{name} = {value}" for name, value in parts.items()) + " }"


# -- milestones --------------------------------------------------------------------------------------------------------

MONTHS = '[{ by = 2025-03-31, targets = ["20", ""] }, { by = 2025-06-30, targets = ["40", ""] }, { by = 2025-12-31, targets = ["60", ""] }]'


@pytest.mark.parametrize(
    ("day", "expected", "status"),
    [("2025-03-30", None, "met"), ("2025-03-31", "20", "met"), ("2025-06-29", "20", "met"), ("2025-06-30", "40", "below"),
     ("2025-12-31", "60", "below")],
)  # fmt: skip
def test_a_rows_milestones_are_its_trajectory(day: str, expected: str | None, status: str) -> None:
    events = received(3, "99101", "online", "2025-01-10") + received(7, "99101", "in_person", "2025-01-10")
    found = seen(reading_of(row(milestones=MONTHS)), day, events=events)
    assert (found["expected"], found["status"], found["target"]) == (expected, status, "60")
    assert (found["target_status"], found["trajectory_source"]) == ("not-reached", "decision")


def test_the_page_of_a_decision_names_its_milestones(capsys: pytest.CaptureFixture[str]) -> None:
    print_decision(reading_of(row(milestones=MONTHS)), date(2025, 6, 30))
    said = " ".join(capsys.readouterr().out.split())
    assert "20 % đến 31/03/2025, 40 % đến 30/06/2025, 60 % đến 31/12/2025" in said


def test_milestones_may_rise_evenly_in_between() -> None:
    linear = reading_of(row(milestones=MONTHS, between='"linear"'))
    assert seen(linear, "2025-05-15")["expected"] == "29.8901"  # 20 + 20·45/91
    own = MONTHS.replace('["20", ""]', '["20", ""], between = "linear"')
    mixed = reading_of(row(milestones=own))
    assert [seen(mixed, day)["expected"] for day in ("2025-05-15", "2025-09-30")] == ["29.8901", "40"]


def test_a_decisions_milestones_are_every_rows_that_has_none_of_its_own() -> None:
    top = f"milestones = {MONTHS}"
    own = '{ row = "2", unit = "99102", name = "Xã 2", targets = ["60", ""], milestones = [{ by = 2025-01-31, targets = ["5", ""] }] }'
    reading = reading_of(row(), own, top=top)
    assert [seen(reading, "2025-06-30", unit)["expected"] for unit in ("99101", "99102")] == ["40", "5"]


def test_what_a_unit_enters_itself_goes_before_the_decisions() -> None:
    from models.decisions.trajectory import parse_trajectories

    entered = parse_trajectories([{"unit": "99101", "indicator": "online", "date": "2025-02-01", "value": "33"}])
    found = seen(reading_of(row(milestones=MONTHS), trajectories=entered), "2025-06-30")
    assert (found["expected"], found["trajectory_source"]) == ("33", "unit")


def test_an_alert_follows_a_milestone_and_not_the_days_before_it() -> None:
    events = received(3, "99101", "online", "2025-01-10") + received(7, "99101", "in_person", "2025-01-10")
    result = evaluated(reading_of(row(milestones=MONTHS)), events, date(2025, 7, 31))
    assert [(a["status"], a["at"][:10], a["expected"]) for a in result.alerts] == [("firing", "2025-06-30", "40")]


# -- years, amendments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "target"), [("2025-12-31", "50"), ("2026-01-01", "60"), ("2027-06-30", "60"), ("2028-01-01", "80")]
)
@pytest.mark.parametrize("period", ["yearly_from = 2025", "from = 2025-01-01\nto = 2030-12-31"])
def test_a_table_of_years_is_read_in_the_year_of_the_day(day: str, target: str, period: str) -> None:
    years = '[{ years = { 2025 = "50", 2026 = "60", 2028 = "80" } }, ""]'
    assert seen(reading_of(row(targets=years), period=period), day)["target"] == target


def test_an_amendment_holds_from_its_day_on_and_not_before() -> None:
    changed = (row(targets='["70", "90"]'), row(row='"2"', unit='"99102"', targets='["", ""]'))
    amended = f"""
[[amendments]]
number = "99/QĐ-UBND"
effective = 2025-07-01
clause = "Điều 1"
rows = [ {", ".join(changed)} ]
"""
    second = row(row='"2"', unit='"99102"')
    reading = reading_of(row(), second, tables=amended)
    events = received(13, "99101", "online", "2025-01-10") + received(7, "99101", "in_person", "2025-01-10")
    events += received(1, "99102", "in_person", "2025-01-10")

    def told(day: str) -> list[tuple[str | None, str]]:
        return [(s["target"], s["status"]) for s in (seen(reading, day, u, events) for u in ("99101", "99102"))]

    assert told("2025-06-30") == [("60", "met"), ("60", "below")]
    assert told("2025-07-01") == [("70", "below"), (None, "no-target")]
    fired = [(a["unit"], a["status"], a["at"][:10]) for a in evaluated(reading, events, date(2025, 8, 1)).alerts]
    assert fired == [
        ("99102", "firing", "2025-01-10"), ("99101", "firing", "2025-07-01"), ("99102", "resolved", "2025-07-01")
    ]  # fmt: skip


# -- stretch, exceptions -----------------------------------------------------------------------------------------------


def test_a_stretch_is_shown_and_never_judged() -> None:
    reading = reading_of(row(stretch='["80", ""]'), row(row='"2"', unit='"99102"'))
    events = received(6, "99101", "online", "2025-01-10") + received(4, "99101", "in_person", "2025-01-10")
    found = seen(reading, "2025-06-30", events=events)
    assert (found["stretch"], found["status"], found["target_status"]) == ("80", "met", "reached")
    assert "stretch" not in seen(reading, "2025-06-30", "99102")


@pytest.mark.parametrize("of", ['units = "commune", of = "99"', 'unit = "991/communes"'])
def test_a_class_may_leave_units_out(of: str) -> None:
    all_but_one = f'{{ row = "1", {of}, except = ["99103"], count = 2, name = "Các xã", targets = ["50", ""] }}'
    own = row(row='"2"', unit='"99103"', targets='["30", ""]')
    reading = reading_of(all_but_one, own)
    assert [seen(reading, "2025-06-30", f"9910{n}")["target"] for n in (1, 2, 3)] == ["50", "50", "30"]
    checked = check(text_of(all_but_one, own), Sources(REGISTRY))
    assert checked.problems == ()


# -- what a file may say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((row(milestones='[{ by = 2025-03-31, targets = ["20"] }]'),), "1 targets under 2 columns"),
        ((row(milestones='[{ by = 2025-03-31, targets = ["2O", ""] }]'),), "'2O' is not a number of percent"),
        ((row(stretch='["180", ""]'),), "180 percent is not between 0 and 100"),
        ((row(targets='[{ years = { 2025 = "x" } }, ""]'),), "'x' is not a number of percent"),
        ((row(targets='[{ years = {} }, ""]'),), "at least 1 item"),
        ((row(**{"except": '["99101"]'}),), "`except` belongs to a class"),
        (
            (row(milestones='[{ by = 2025-06-30, targets = ["2", ""] }, { by = 2025-03-31, targets = ["3", ""] }]'),),
            "in the order of their days",
        ),
    ],
)
def test_what_cannot_be_is_refused(rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadDecision, match=said):
        reading_of(*rows)


def test_the_check_speaks_vietnamese_of_milestones() -> None:
    short = row(milestones='[{ by = 2025-12-31, targets = ["40", ""] }]')
    checked = check(text_of(short), Sources(REGISTRY))
    assert any("các mốc của online kết thúc ở 40 %, thấp hơn chỉ tiêu 60 %" in w.what[0] for w in checked.warnings)
    wrong = check(text_of(row(milestones='[{ by = 2025-03-31, targets = ["2O", ""] }]')), Sources(REGISTRY))
    assert ["không phải là số phần trăm" in p.what[0] for p in wrong.problems] == [True]
    strange = check(text_of(COMMUNES.replace("targets", 'except = ["99999"], targets')), Sources(REGISTRY))
    assert 'danh mục đơn vị không có mã "99999"' in strange.problems[0].what[0]
