"""Periods tile the days of a decision: every day is in one month and in one quarter, and nothing is in two."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.calendar.periods import Holds, Label, Months, Window, window

CONVENTIONS = st.sampled_from(["calendar", "15-14"])
DECISIONS = st.sampled_from(
    [
        Holds(date(2024, 1, 1), date(2024, 12, 31)),
        Holds(date(2023, 12, 15), date(2024, 12, 14)),
        Holds(date(2022, 5, 20), date(2022, 12, 31)),
    ]
)


def windows(texts: list[str], months: Months, holds: Holds) -> list[Window]:
    found = []
    for text in texts:
        try:
            found.append(window(Label.of(text), months, holds))
        except ValueError:
            continue
    return found


@given(CONVENTIONS, DECISIONS)
def test_months_and_quarters_tile_the_days_of_a_decision(months: Months, holds: Holds) -> None:
    assert holds.last is not None
    every = [holds.first + timedelta(days=n) for n in range((holds.last - holds.first).days + 1)]
    years = range(holds.first.year, holds.last.year + 2)
    for texts in (
        [f"{y}-{m:02d}" for y in years for m in range(1, 13)],
        [f"{y}-Q{q}" for y in years for q in range(1, 5)],
        [f"{y}-H{h}" for y in years for h in (1, 2)],
        [f"{y}" for y in years],
    ):
        found = windows(texts, months, holds)
        assert [sum(day in w for w in found) for day in every] == [1] * len(every)
        assert all(w.first >= holds.first and w.last <= holds.last for w in found)
        assert all(a.until <= b.first for a, b in pairwise(found))


@given(st.integers(2000, 2100), st.integers(1, 12), CONVENTIONS)
def test_a_period_begins_where_the_one_before_it_ends(year: int, month: int, months: Months) -> None:
    holds = Holds(date(1990, 1, 1), None)
    for label in (
        Label("month", year, month),
        Label("quarter", year, (month + 2) // 3),
        Label("half", year, (month + 5) // 6),
        Label("year", year, 1),
    ):
        assert window(label.previous, months, holds).until == window(label, months, holds).first
        assert Label.of(str(label)) == label
