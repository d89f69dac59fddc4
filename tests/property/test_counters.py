"""Counters that rest packed are the counters that never rest."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.counting.counters import Counters

UNITS, DAYS = ("12688", "340"), ("2024-06-03", "2024-06-04", "2023-12-31")
CELLS = ("online", "digitised", "services:1.004616", "online@2024-11-01/12688")
HOW_MANY = st.one_of(st.integers(1, 3), st.sampled_from([255, 256, 300, 65_535, 65_536, 70_000]))
STEP = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(UNITS), st.sampled_from(DAYS), st.sampled_from(CELLS), HOW_MANY, st.booleans()),
)


@given(st.lists(STEP, max_size=60))
def test_resting_changes_nothing(steps: list[tuple[str, str, str, int, bool] | None]) -> None:
    """None lays all to rest; a step counts in, and the same step again out."""
    counters, plain = Counters(), defaultdict[tuple[str, str, str], list[int]](lambda: [0, 0])
    held: set[tuple[str, str, str, int, bool]] = set()
    touched: set[tuple[str, str]] = set()
    for step in steps:
        if step is None:
            assert set(counters) == touched
            counters.settle()
            touched = set()
            continue
        unit, day, cell, many, above = step
        sign = -1 if step in held else 1
        held ^= {step}
        touched.add((unit, day))
        for counter in (counters[unit, day].setdefault(cell, [0, 0]), plain[unit, day, cell]):
            counter[0] += sign * many * above
            counter[1] += sign * many
    counters.settle()
    found = {(u, d, c): n for u, days in counters.resting() for d, cells in days.items() for c, n in cells.items()}
    assert found == {key: counter for key, counter in plain.items() if counter[1]}
    assert counters.unit_days() == len({key[:2] for key in found})
    assert not counters


@pytest.mark.parametrize("many", [255, 256, 65_535, 65_536])
def test_what_rests_is_not_what_is_in_hand(many: int) -> None:
    counters = Counters()
    counters["340", "2024-06-03"]["online"] = [0, many]
    counters.settle()
    counters["340", "2024-06-03"]["online"][1] += 1
    assert dict(counters.resting()) == {"340": {"2024-06-03": {"online": [0, many]}}}, "changed before it was settled"
    counters.settle()
    assert dict(counters.resting()) == {"340": {"2024-06-03": {"online": [0, many + 1]}}}


def test_what_is_laid_to_rest_at_once_is_counted_on() -> None:
    counters = Counters()
    counters.lay("340", {"2024-06-03": {"online": [1, 2]}, "2024-06-04": {"online": [0, 70_000]}})
    counters["340", "2024-06-03"]["online"][1] += 1
    counters["12688", "2024-06-03"]["online"] = [1, 1]
    counters.settle()

    assert dict(counters.resting()) == {
        "340": {"2024-06-03": {"online": [1, 3]}, "2024-06-04": {"online": [0, 70_000]}},
        "12688": {"2024-06-03": {"online": [1, 1]}},
    }
    with pytest.raises(ValueError, match="days of 340 are at rest already"):
        counters.lay("340", {"2024-06-05": {"online": [1, 1]}})


def test_more_cells_than_numbers() -> None:
    counters = Counters()
    names = [f"services:{n}" for n in range(65_540)]
    for n in range(0, len(names), 10):
        for name in names[n : n + 10]:
            counters["340", f"day {n}"][name] = [1, 1]
    counters.settle()
    assert [c for _, days in counters.resting() for cells in days.values() for c in cells] == names
