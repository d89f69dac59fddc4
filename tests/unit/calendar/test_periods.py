"""Report periods: which days belong to a month, a quarter, half a year, nine months, a year."""

from datetime import date

import pytest

from models.calendar.periods import Holds, Label, Months, window, window_before

THAI_BINH = Holds(date(2024, 1, 1), date(2024, 12, 31))
KHANH_HOA = Holds(date(2023, 12, 15), date(2024, 12, 14))
HA_TINH = Holds(date(2022, 1, 1), None)


def days(text: str, months: Months, holds: Holds) -> tuple[str, str]:
    found = window(Label.of(text), months, holds)
    return found.first.isoformat(), found.last.isoformat()


@pytest.mark.parametrize(
    ("text", "months", "holds", "first", "last"),
    [
        ("2024-06", "calendar", THAI_BINH, "2024-06-01", "2024-06-30"),
        ("2024-02", "calendar", THAI_BINH, "2024-02-01", "2024-02-29"),
        ("2024-Q2", "calendar", THAI_BINH, "2024-04-01", "2024-06-30"),
        ("2024-H1", "calendar", THAI_BINH, "2024-01-01", "2024-06-30"),
        ("2024-H2", "calendar", THAI_BINH, "2024-07-01", "2024-12-31"),
        ("2024-9M", "calendar", THAI_BINH, "2024-01-01", "2024-09-30"),
        ("2024", "calendar", THAI_BINH, "2024-01-01", "2024-12-31"),
        ("2024-06", "15-14", THAI_BINH, "2024-05-15", "2024-06-14"),
        ("2024-Q3", "15-14", THAI_BINH, "2024-06-15", "2024-09-14"),
        ("2024-01", "15-14", THAI_BINH, "2024-01-01", "2024-01-14"),  # cut to the decision's days
        ("2025-01", "15-14", THAI_BINH, "2024-12-15", "2024-12-31"),
        ("2024", "15-14", THAI_BINH, "2024-01-01", "2024-12-14"),
        ("2024", "15-14", KHANH_HOA, "2023-12-15", "2024-12-14"),
        ("2024-01", "15-14", KHANH_HOA, "2023-12-15", "2024-01-14"),
        ("2024-12", "15-14", KHANH_HOA, "2024-11-15", "2024-12-14"),
        ("2023-12", "calendar", KHANH_HOA, "2023-12-15", "2023-12-31"),
        ("2024-12", "calendar", KHANH_HOA, "2024-12-01", "2024-12-14"),
        ("2024-Q1", "calendar", KHANH_HOA, "2023-12-15", "2024-03-31"),  # the decision's own year, whole
        ("2024-H1", "calendar", KHANH_HOA, "2023-12-15", "2024-06-30"),
        ("2024", "calendar", KHANH_HOA, "2023-12-15", "2024-12-14"),
        ("2030-03", "calendar", HA_TINH, "2030-03-01", "2030-03-31"),
        ("2025-01", "15-14", HA_TINH, "2024-12-15", "2025-01-14"),  # one decision for all its years
        ("2022-01", "15-14", HA_TINH, "2022-01-01", "2022-01-14"),
    ],
)
def test_the_days_of_a_period(text: str, months: Months, holds: Holds, first: str, last: str) -> None:
    assert days(text, months, holds) == (first, last)


@pytest.mark.parametrize(
    "text", ["2024-13", "2024-00", "2024-Q5", "2024-H3", "2024-6", "24-06", "2024-9m", "", "2024-", "0024"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected 2024-06, 2024-Q2, 2024-H1, 2024-9M or 2024"):
        Label.of(text)


@pytest.mark.parametrize(
    ("text", "months", "holds"),
    [
        ("2023-12", "calendar", THAI_BINH),
        ("2025-01", "calendar", THAI_BINH),
        ("2023-Q4", "calendar", KHANH_HOA),  # its December days are in the first quarter of 2024
        ("2023", "calendar", KHANH_HOA),
        ("2021-12", "calendar", HA_TINH),
    ],
)
def test_a_period_outside_the_decision_is_refused(text: str, months: Months, holds: Holds) -> None:
    with pytest.raises(ValueError, match="the decision holds from"):
        days(text, months, holds)


@pytest.mark.parametrize(
    ("text", "holds", "before"),
    [
        ("2024-06", THAI_BINH, "2024-05"),
        ("2024-01", THAI_BINH, None),
        ("2024-01", KHANH_HOA, "2023-12"),
        ("2024-Q1", KHANH_HOA, None),  # no day is in both a period and the one before it
        ("2024-Q3", THAI_BINH, "2024-Q2"),
        ("2024-H2", THAI_BINH, "2024-H1"),
        ("2024-9M", THAI_BINH, None),
        ("2024-9M", HA_TINH, "2023-9M"),
        ("2024", HA_TINH, "2023"),
        ("2023-Q1", HA_TINH, "2022-Q4"),
    ],
)
def test_the_period_compared_with(text: str, holds: Holds, before: str | None) -> None:
    found = window_before(window(Label.of(text), "calendar", holds), "calendar", holds)

    assert (None if found is None else str(found.label)) == before


def test_the_last_second_of_a_15_14_month_and_the_first_of_the_next() -> None:
    june = window(Label.of("2024-06"), "15-14", THAI_BINH)

    assert [date(2024, 5, d) in june for d in (14, 15)] == [False, True]
    assert [date(2024, 6, d) in june for d in (14, 15)] == [True, False]
