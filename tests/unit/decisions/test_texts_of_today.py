"""Texts of 2025 as decision files, written by docs/decisions.md alone; each figure is worked out by hand."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.authoring.checking import check
from models.decisions.measures import parse_measures
from models.decisions.reading import Reading, Sources
from models.registers.catalogue import parse_catalogue
from models.registers.units import Registry, Unit
from streams.cli.decision_page import print_decision
from streams.files.decision_files import read_decision
from tests.builders import evaluated, event, figures, standing

FILES = Path(__file__).parents[2] / "data" / "decisions"
CATALOGUE = (
    {"procedure": "1.1", "authority": "commune", "level": "full", "lists": "a", "payable_online": "true"},
    {"procedure": "1.2", "authority": "commune", "level": "partial", "lists": "a"},
)
TEXTS = {"ha-noi-2025-07": "01", "lam-dong-2025": "68", "bac-ninh-2025": "24"}


def sources_of(province: str) -> Sources:
    units = [Unit(province, "Tỉnh", "province", "")]
    units += [Unit(f"{province}00{n}", f"Xã {n}", "commune", province) for n in (1, 2, 3)]
    registry = Registry({unit.code: unit for unit in units})
    return Sources(registry, catalogue=tuple(parse_catalogue(CATALOGUE)), switches={"alert_rule": "literal"})


def reading_of(name: str) -> Reading:
    return Reading(read_decision(str(FILES / f"{name}.toml")), sources_of(TEXTS[name]))


def dossiers(unit: str, day: str, each: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Dossiers of a unit, received on a day; what is `resolved` is so on the day told."""
    found = []
    for n, given in enumerate(each):
        facts = {"procedure": "1.1", "channel": "online", **given}
        resolved = facts.pop("resolved", None)
        found.append(event("received", f"{unit}-{n}", day, version=1, unit=unit, **facts))
        if resolved:
            found.append(event("resolved", f"{unit}-{n}", resolved, version=2))
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_the_check_finds_nothing_wrong(name: str) -> None:
    checked = check((FILES / f"{name}.toml").read_text(encoding="utf-8"), sources_of(TEXTS[name]))
    assert checked.problems == ()


def test_the_page_of_a_decision_says_what_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    print_decision(reading_of("bac-ninh-2025"), date(2026, 6, 30))
    assert "trường hợp đạt ÷ trường hợp được khảo sát, thống kê, theo ngày của số liệu" in capsys.readouterr().out


def test_ha_noi_in_july() -> None:
    due = "2025-07-10T17:00:00+07:00"
    events = dossiers("01001", "2025-07-02", [
        {"due_at": due, "resolved": "2025-07-09", "electronic": True},
        {"due_at": due, "resolved": "2025-07-12", "electronic": True, "procedure": "1.2"},
        {"due_at": due, "procedure": "1.2"},
        {"channel": "in_person", "resolved": "2025-07-03"},
        {"channel": "in_person", "due_at": "2025-08-01T17:00:00+07:00"},
    ])  # fmt: skip
    result = evaluated(reading_of("ha-noi-2025-07"), events, date(2025, 7, 30))
    found = {
        i: figures(result, "01001", i) for i in ("online-share", "full-of-online", "on-time", "electronic-results")
    }
    assert found == {
        "online-share": (3, 5, "met"),
        "full-of-online": (1, 3, "met"),
        "on-time": (1, 2, "below"),
        "electronic-results": (2, 3, "below"),
    }
    late = standing(result, "01001", "on-time")
    assert (late["overdue"], late["overdue_dossiers"]) == (1, ["01001-2"])


def test_lam_dong_in_2025() -> None:
    both = {"digitised": True, "component_digitised": True}
    events = dossiers("68001", "2025-03-03", [
        {"resolved": "2025-03-04", "due_at": "2025-03-04T17:00:00+07:00", "fee": 10, "reused": True, **both},
        {"resolved": "2025-03-05", "due_at": "2025-03-04T17:00:00+07:00", "fee": 10, "digitised": True},
        {"fee": 0, "procedure": "1.2"},
        {"fee": 10, "channel": "postal"},
    ])  # fmt: skip
    events += [event("paid", f"68001-{n}", "2025-03-04", version=3, transaction="T", amount=10, method=how)
               for n, how in ((0, "online"), (1, "cash"))]  # fmt: skip
    result = evaluated(reading_of("lam-dong-2025"), events, date(2025, 12, 31))
    assert {i: figures(result, "68001", i)[:2] for i in reading_of("lam-dong-2025").indicators} == {
        "on-time": (1, 2), "digitised-results": (1, 2), "reuse": (1, 4), "full-share": (2, 4), "paid-online": (1, 3),
    }  # fmt: skip
    assert (standing(result, "68001", "full-share")["stretch"], standing(result, "68001", "full-share")["target"]) == (
        "80",
        "70",
    )
    assert standing(result, "68003", "full-share")["target"] == "40"
    assert standing(result, "68003", "paid-online")["status"] == "no-target"


@pytest.mark.parametrize(("day", "target", "satisfied"), [("2027-12-31", "50", "met"), ("2028-12-31", "65", "below")])
def test_bac_ninh_up_to_2030(day: str, target: str, satisfied: str) -> None:
    row = {"indicator": "satisfaction", "unit": "24001", "day": f"{day[:4]}-06-30", "version": "1"}
    measures = parse_measures([{**row, "numerator": "196", "denominator": "200"}])
    events = dossiers("24001", f"{day[:4]}-02-01", [{}, {}, {"procedure": "1.2"}, {"channel": "in_person"}])
    result = evaluated(reading_of("bac-ninh-2025").with_measures(measures), events, date.fromisoformat(day))
    assert figures(result, "24001", "full-share")[:2] == (2, 4)
    assert standing(result, "24001", "full-share")["target"] == target
    assert figures(result, "24001", "payable-procedures") == (1, 2, "below")
    assert figures(result, "24001", "satisfaction") == (196, 200, satisfied)
