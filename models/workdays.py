"""Working days of Viet Nam: weekends, public holidays with Tết, and days worked in exchange.

Holds, graces and reminders of alerts run in working days. What is expected of the rest of a period runs on the
*profile* of the days: how much arrives on a day of its kind, in twentieths of a usual working day.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

FREE_DAYS: Final = {
    2021: "01-01 02-10..02-16 04-21 04-30..05-03 09-02..09-03",
    2022: "01-01 01-03 01-31..02-04 04-10..04-11 04-30..05-03 09-01..09-02",
    2023: "01-01..01-02 01-20..01-26 04-29..05-03 09-01..09-04",
    2024: "01-01 02-08..02-14 04-18 04-29..05-01 09-02..09-03",
    2025: "01-01 01-27..02-02 04-07 04-30..05-02 09-01..09-02",
    2026: "01-01 02-14..02-22 04-26..04-27 04-30..05-01 08-31..09-02 11-24",
}
"""Public holidays with their substitutes, and Tết of 2025 and 2026 with the weekends around it. Source: the PyPI
package `holidays` 0.109, country VN, which follows the Government's yearly announcements."""
FIXED_DAYS: Final = "01-01 04-30..05-01 09-02..09-03"
"""of years beyond the table: what the Labour Code fixes by the solar calendar; their Tết is not known here"""
WORKED_SATURDAYS: Final = frozenset({date(2024, 5, 4), date(2025, 4, 26), date(2026, 8, 22)})
"""worked in exchange for a bridge day (29/4/2024, 2/5/2025, 31/8/2026)"""

USUAL, SATURDAY, SUNDAY, HOLIDAY = 20, 4, 1, 1
"""profile of a day, in twentieths. Why: counters open on weekdays, some on Saturday morning; the portal always."""


def holidays(year: int) -> frozenset[date]:
    """Return the public holidays of a year.

    >>> date(2024, 2, 14) in holidays(2024), date(2024, 2, 15) in holidays(2024)
    (True, False)
    """
    days = set()
    for part in FREE_DAYS.get(year, FIXED_DAYS).split():
        first, _, last = part.partition("..")
        day, until = (date.fromisoformat(f"{year}-{text}") for text in (first, last or first))
        while day <= until:
            days.add(day)
            day += timedelta(days=1)
    return frozenset(days)


_holidays = lru_cache(maxsize=64)(holidays)


@lru_cache(maxsize=8192)
def is_working(day: date) -> bool:
    """Tell whether offices are open on a civil day.

    >>> [is_working(date(2024, 2, d)) for d in (7, 8, 14, 15)], is_working(date(2024, 5, 4))
    ([True, False, False, True], True)
    """
    return (day.weekday() < 5 and day not in _holidays(day.year)) or day in WORKED_SATURDAYS


def last_due(day: date) -> date:
    """Return the last civil day whose grace of one working day is over at the end of `day`.

    >>> last_due(date(2024, 6, 4)), last_due(date(2024, 6, 9)), last_due(date(2024, 6, 10))
    (datetime.date(2024, 6, 3), datetime.date(2024, 6, 6), datetime.date(2024, 6, 9))
    """
    while not is_working(day):
        day -= timedelta(days=1)
    return day - timedelta(days=1)


class Profile:
    """Sums of the profile and of working days over the days of a period."""

    def __init__(self, first: date, last: date) -> None:
        """Add up the days from `first` to `last`, both inclusive."""
        self.first = first
        self.last = last
        self._sums = [0]
        self._working = [0]
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            self._sums.append(self._sums[-1] + _weight(day))
            self._working.append(self._working[-1] + is_working(day))

    @property
    def working(self) -> Sequence[int]:
        """Return how many working days lie before the first day, until its end, until the second's end, and so on."""
        return self._working

    def until(self, day: date) -> int:
        """Return the profile's sum from the first day to `day`, in twentieths of a working day."""
        return self._sums[self._place(day)]

    def after(self, day: date) -> int:
        """Return the profile's sum of the days after `day`."""
        return self._sums[-1] - self._sums[self._place(day)]

    def working_after(self, day: date) -> int:
        """Return how many working days come after `day`."""
        return self._working[-1] - self._working[self._place(day)]

    def working_until(self, day: date) -> int:
        """Return how many working days lie between the first day and `day`, both inclusive."""
        return self._working[self._place(day)]

    def back(self, day: date, working_days: int) -> date:
        """Return the first day of the stretch that ends with `day` and holds so many working days."""
        wanted = max(0, self.working_until(day) - working_days)
        return self.first + timedelta(days=max(0, bisect_left(self._working, wanted + 1) - 1))

    def _place(self, day: date) -> int:
        return min(max((day - self.first).days + 1, 0), len(self._sums) - 1)


@lru_cache(maxsize=64)
def profile(first: date, last: date) -> Profile:
    """Return the profile of a period."""
    return Profile(first, last)


def _weight(day: date) -> int:
    if is_working(day):
        return USUAL
    if day in _holidays(day.year):
        return HOLIDAY
    return SATURDAY if day.weekday() == 5 else SUNDAY
