"""Trajectories from files, defaults, switches; and what a standing says of them."""

from datetime import date
from fractions import Fraction

import pytest

from models.decisions.file import BadDecision
from models.decisions.trajectory import parse_trajectories
from models.registers.tables import BadTable
from tests.builders import evaluated, figures, received, standing, thai_binh

TRADE = "34.so-cong-thuong"
ROWS = (
    (TRADE, "online-dossiers", "2024-03-31", "20", "linear"),
    (TRADE, "online-dossiers", "2024-06-30", "30", "step"),
    (TRADE, "online-dossiers", "2024-09-30", "45", ""),
)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2024-03-30", None),
        ("2024-03-31", Fraction(20)),
        ("2024-05-15", Fraction(20) + Fraction(10 * 45, 91)),
        ("2024-06-30", Fraction(30)),
        ("2024-09-29", Fraction(30)),
        ("2024-09-30", Fraction(45)),
        ("2024-12-31", Fraction(45)),
    ],
)
def test_milestones_step_or_go_on_linearly(day: str, expected: Fraction | None) -> None:
    reading = thai_binh(trajectories=ROWS)

    assert reading.expected(TRADE, "online-dossiers", date.fromisoformat(day)) == expected


def test_before_the_first_milestone_there_is_nothing_to_fall_below() -> None:
    events = received(1, TRADE, "in_person", "2024-02-01")
    early = standing(evaluated(thai_binh(trajectories=ROWS), events, date(2024, 3, 30)), TRADE)

    assert (early["expected"], early["target"], early["status"], early["shortfall"]) == (None, "50", "met", 0)
    assert figures(evaluated(thai_binh(trajectories=ROWS), events, date(2024, 3, 31)), TRADE)[2] == "below"


def test_rows_of_a_group_hold_for_its_members() -> None:
    reading = thai_binh(trajectories=(("340/communes", "online-dossiers", "2024-01-01", "10", "step"),))
    commune = reading.registry.communes_of("340")[0]

    assert reading.expected(commune, "online-dossiers", date(2024, 6, 1)) == 10
    assert reading.expected("340/communes", "online-dossiers", date(2024, 6, 1)) == 10
    assert reading.expected("340", "online-dossiers", date(2024, 6, 1)) == 50


def test_a_trajectory_that_ends_below_the_target_is_a_warning() -> None:
    assert "ends at 45, below the target 50" in thai_binh(trajectories=ROWS).warnings()[0]


def test_the_switch_makes_every_trajectory_flat_or_linear() -> None:
    day = date(2024, 6, 30)  # 182 of 366
    linear = thai_binh(switches=(("trajectory", "linear"),))
    flat = thai_binh(switches=(("trajectory", "flat"),))

    assert linear.expected(TRADE, "online-dossiers", day) == Fraction(50 * 182, 366)
    assert flat.expected(TRADE, "services-with-dossiers", day) == 85
    assert thai_binh().expected(TRADE, "services-with-dossiers", day) == Fraction(85 * 182, 366)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"unit": "", "indicator": "online-dossiers"}, "line 2: a row needs a unit"),
        ({"unit": TRADE, "indicator": "X y"}, "line 2: indicator is 'X y'"),
        ({"unit": TRADE, "indicator": "online-dossiers", "date": "30/6/2024"}, "line 2: date is '30/6/2024'"),
        ({"unit": TRADE, "indicator": "online-dossiers", "date": "2024-06-30", "value": "5O"}, "line 2: value is '5O'"),
        ({"unit": TRADE, "indicator": "online-dossiers", "date": "2024-06-30", "value": "101"}, "between 0 and 100"),
        (
            {"unit": TRADE, "indicator": "online-dossiers", "date": "2024-06-30", "value": "1", "between": "?"},
            "between is",
        ),
    ],
)
def test_a_bad_row_is_named_with_its_line(row: dict[str, str], message: str) -> None:
    with pytest.raises(BadTable, match=message.replace("?", r"\?")):
        parse_trajectories([row])


def test_an_unknown_switch_and_value_are_refused() -> None:
    with pytest.raises(BadDecision, match="has no switch 'postal'"):
        thai_binh(switches=(("postal", "true"),))
    with pytest.raises(BadDecision, match="expected one of true, false"):
        thai_binh(switches=(("postal_in_denominator", "maybe"),))
