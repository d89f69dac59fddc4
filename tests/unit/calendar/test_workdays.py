"""The working calendar: what ships with it, what a deployment corrects, and how far it is known."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.calendar.workdays import (
    FREE_DAYS,
    KNOWN_UNTIL,
    LUNAR_DAYS,
    SHIPPED,
    WORKED_SATURDAYS,
    Workdays,
    parse_holidays,
)
from models.registers.tables import BadTable
from streams.cli import lotrinh
from streams.doctor import checks as doctor
from streams.files.decision_files import read_reading
from streams.settings import Settings


def off(year: int) -> list[str]:
    """Weekdays of a year on which offices are shut."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
    return [f"{d:%m-%d}" for d in days if d.weekday() < 5 and not SHIPPED.is_working(d)]


def test_the_weekdays_off_in_2027() -> None:
    tet = ["02-05", "02-08", "02-09", "02-10", "02-11"]

    assert off(2027) == ["01-01", *tet, "04-16", "04-30", "05-03", "09-02", "09-03", "11-24"]
    assert SHIPPED.is_working(date(2027, 2, 4))
    assert SHIPPED.is_working(date(2027, 2, 12))


WEEKDAYS_UNLIKE_THE_PACKAGE = {
    "2027-02-04": "off there: the package guesses at Tết until the Government has announced it",
    "2027-02-11": "off here: by the Labour Code, art. 112, two days for the Saturday and Sunday of Tết",
}


def test_the_table_is_that_of_the_package_it_names() -> None:
    """Day by day, and the Saturdays worked in exchange; later years by the days that the moon decides. `make holidays`."""
    with (Path(__file__).parents[2] / "data/holidays-vn.csv").open(encoding="utf-8", newline="") as file:
        rows = [(date.fromisoformat(day), kind, name) for day, kind, name in list(csv.reader(file))[1:]]
    theirs = {day: name.split("; ") for day, kind, name in rows if kind == "off"}
    first = date(min(FREE_DAYS), 1, 1)
    days = (first + timedelta(days=n) for n in range((KNOWN_UNTIL - first).days + 1))

    unlike = {str(d) for d in days if d.weekday() < 5 and (d in theirs) == SHIPPED.is_working(d)}

    assert unlike == set(WEEKDAYS_UNLIKE_THE_PACKAGE)
    assert {day for day, kind, _ in rows if kind == "worked"} == WORKED_SATURDAYS
    for year, moon in LUNAR_DAYS.items():
        for text, name in zip(moon, ("Lunar New Year", "Hung Kings' Commemoration Day"), strict=True):
            assert name in theirs[date.fromisoformat(f"{year}-{text}")], (year, text)


@pytest.mark.parametrize("year", range(2028, 2036))
def test_no_year_to_come_is_without_tet(year: int) -> None:
    """The Labour Code gives five days of Tết; whatever the weekdays, three of them at least are no weekend."""
    tet = [day for day in off(year) if "01-20" <= day <= "02-24"]

    assert 3 <= len(tet) <= 5


def test_a_deployment_adds_and_takes_away_days(tmp_path: Path) -> None:
    file = tmp_path / "holidays.csv"
    file.write_text("day,kind\n2027-02-12,off\n2027-02-13..2027-02-14,worked\n2027-02-11,worked\n", encoding="utf-8")
    reading = read_reading(Settings(holidays=file))
    calendar = reading.workdays

    assert [calendar.is_working(date(2027, 2, d)) for d in range(10, 16)] == [False, True, False, True, True, True]
    assert calendar.weight(date(2027, 2, 12)) == SHIPPED.weight(date(2027, 2, 8))
    plain = read_reading(Settings())
    assert reading.fingerprint() != plain.fingerprint()
    assert reading.fold_fingerprint() == plain.fold_fingerprint()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"day": "12/02/2027", "kind": "off"}], "line 2: day is '12/02/2027', expected YYYY-MM-DD"),
        ([{"day": "2027-02-12", "kind": "free"}], "line 2: kind is 'free', expected off or worked"),
        ([{"day": "2027-02-12..2027-02-01", "kind": "off"}], "no stretch of 1 to 31 days"),
        ([{"day": "2027-02-12", "kind": "off"}, {"day": "2027-02-12", "kind": "worked"}], "line 3: .* both"),
        ([{"day": "", "kind": "off"}], "line 2: day is ''"),
    ],
)
def test_a_wrong_row_is_named(rows: list[dict[str, str]], said: str) -> None:
    with pytest.raises(BadTable, match=said):
        parse_holidays(rows)


def test_the_doctor_warns_a_quarter_before_the_table_ends() -> None:
    known = SHIPPED.known_until

    assert doctor.holidays(SHIPPED, known - timedelta(days=90)).level == "ok"
    late = doctor.holidays(SHIPPED, known - timedelta(days=89))
    assert late.level == "warning"
    assert f"{known:%d/%m/%Y}" in late.text
    assert late.remedy
    tet = Workdays(parse_holidays([{"day": f"{known.year + 1}-01-24..{known.year + 1}-01-31", "kind": "off"}]))
    assert doctor.holidays(tet, known).level == "ok"
    one = Workdays(parse_holidays([{"day": f"{known.year + 1}-01-03", "kind": "off"}]))
    assert doctor.holidays(one, known).level == "warning"


def test_a_period_beyond_the_table_is_warned_of(tmp_path: Path) -> None:
    decision = tmp_path / "later.toml"
    shipped = CliRunner().invoke(lotrinh, ["decisions", "list", "--json"]).output
    assert "lak-2022" in shipped
    text = Path("models/data/decisions/lak-2022.toml").read_text(encoding="utf-8")
    decision.write_text(text.replace("2022-", f"{SHIPPED.known_until.year + 1}-"), encoding="utf-8")
    catalogue = tmp_path / "catalogue.csv"
    columns = "procedure,name,authority,level,eligible,lists,listed_from,listed_to,result_document,national_portal"
    catalogue.write_text(f"{columns}\n1.000001,x,commune,full,true,a,,,true,true\n", encoding="utf-8")
    command = ["decisions", "check", str(decision), "--catalogue", str(catalogue)]
    said = f"holidays are known until {SHIPPED.known_until:%d/%m/%Y} only"

    assert said in CliRunner().invoke(lotrinh, command).stderr
    holidays = tmp_path / "holidays.csv"
    holidays.write_text(f"day,kind\n{SHIPPED.known_until.year + 1}-01-24..{SHIPPED.known_until.year + 1}-01-31,off\n")
    assert said not in CliRunner().invoke(lotrinh, [*command, "--holidays", str(holidays)]).stderr
