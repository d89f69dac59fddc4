"""The alert study: every rule sees the same days, whoever is warned, and forecasts are judged where they can be."""

from datetime import date

import pytest

from bench.alert_report import _forecast_of, _places
from bench.alert_study import WORLDS, Life, World, bound, by_peer, by_rule, population

WEEKS = World("weeks", "two weeks", date(2024, 6, 3), date(2024, 6, 16), parts=1)


@pytest.fixture(scope="module")
def lived() -> dict[str, list[Life]]:
    return {rule: by_rule(WEEKS, rule, 7) for rule in ("evidence", "graded")} | {"wilson": by_peer(WEEKS, "wilson", 7)}


def test_every_rule_sees_the_same_days(lived: dict[str, list[Life]]) -> None:
    days = {rule: [life.days for life in units] for rule, units in lived.items()}

    assert days["evidence"] == days["graded"] == days["wilson"]
    assert sum(n for unit in days["evidence"] for _, n in unit) > 5_000


def test_the_bound_reaches_from_nothing_to_everything(lived: dict[str, list[Life]]) -> None:
    points = bound(WEEKS, lived["evidence"], 7)

    assert points[0] == (0.0, 0.0)
    assert points[-1] == pytest.approx((1.0, 1.0))
    assert set(_places(lived)) == set(lived)


def test_a_population_is_what_is_drawn() -> None:
    kinds, even = (population(next(w for w in WORLDS if w.name == name)) for name in ("month", "month-even"))

    assert sum(-30 < x < -8 for x in kinds.offsets) == sum(-5 < x < 5 for x in kinds.offsets) == len(kinds.offsets) // 3
    assert not any(-8 < x < -5 for x in kinds.offsets)
    assert sum(even.offsets) / len(even.offsets) == pytest.approx(-1, abs=0.01)
    assert sum(-8 < x < -5 for x in even.offsets) > 0


def test_forecasts_of_units_that_react_to_a_warning_are_not_judged(lived: dict[str, list[Life]]) -> None:
    units = lived["evidence"]
    counted = [u for u in units if u.course.denominator]
    counted[0].reacts = True
    try:
        assert len(_forecast_of({"evidence": units})) == len(counted) - 1
        assert all(c.looks for c in _forecast_of({"evidence": units}) if c.denominator > 30)
    finally:
        counted[0].reacts = False
