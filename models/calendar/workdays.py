"""Working days of Viet Nam: weekends, public holidays with Tết, and days worked in exchange.

Holds, graces and reminders of alerts run in working days. What is expected of the rest of a period runs on the
*profile* of the days: how much arrives on a day of its kind, in twentieths of a usual working day.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from models.registers.tables import BadTable

FREE_DAYS: Final = {
    2021: "01-01 02-10..02-16 04-21 04-30..05-03 09-02..09-03",
    2022: "01-01 01-03 01-31..02-04 04-10..04-11 04-30..05-03 09-01..09-02",
    2023: "01-01..01-02 01-20..01-26 04-29..05-03 09-01..09-04",
    2024: "01-01 02-08..02-14 04-18 04-29..05-01 09-02..09-03",
    2025: "01-01 01-27..02-02 04-07 04-30..05-02 09-01..09-02",
    2026: "01-01 02-14..02-22 04-26..04-27 04-30..05-01 08-31..09-02 11-24",
    2027: "01-01 02-05..02-11 04-16 04-30..05-03 09-02..09-03 11-24",
}
"""Public holidays with their substitutes, and Tết of 2025 and 2026 with the weekends around it. Source: the PyPI
package `holidays` 0.109, country VN, which follows the Government's yearly announcements. Tết of 2027 is counted by
the Labour Code, art. 111 and 112: the eve, four days from 06/02, and two days for its Saturday and Sunday."""
KNOWN_UNTIL: Final = date(max(FREE_DAYS), 12, 31)
"""last civil day of the table above"""
WORKED_SATURDAYS: Final = frozenset({date(2024, 5, 4), date(2025, 4, 26), date(2026, 8, 22)})
"""worked in exchange for a bridge day (29/4/2024, 2/5/2025, 31/8/2026)"""

FIXED_DAYS: Final = "01-01 04-30..05-01 09-02..09-03 11-24"
"""of years beyond the table: what the Labour Code fixes by the solar calendar"""
LUNAR_DAYS: Final = {
    2028: ("01-26", "04-04"), 2029: ("02-13", "04-23"), 2030: ("02-02", "04-12"), 2031: ("01-23", "04-01"),
    2032: ("02-11", "04-19"), 2033: ("01-31", "04-09"), 2034: ("02-19", "04-28"), 2035: ("02-08", "04-17"),
}  # fmt: skip
"""of years beyond the table: Lunar New Year and the Hùng Kings' day by the lunar calendar (package `holidays`). Tết is
then the eve and four days, without the days that a year's announcement adds"""

USUAL, SATURDAY, SUNDAY, HOLIDAY = 20, 4, 1, 1
"""profile of a day, in twentieths. Why: counters open on weekdays, some on Saturday morning; the portal always."""

Kind = Literal["off", "worked"]


class Correction(NamedTuple):
    """What a deployment says of one civil day: offices are shut (`off`) or open (`worked`)."""

    day: date
    kind: Kind


def parse_holidays(rows: Iterable[Mapping[str, str]]) -> list[Correction]:
    """Read rows of ``day,kind``; a day may be a range ``2027-02-05..2027-02-11``. Raises BadTable with the line.

    >>> [c.day.day for c in parse_holidays([{"day": "2027-02-05..2027-02-07", "kind": "off"}])]
    [5, 6, 7]
    """
    corrections: dict[date, Correction] = {}
    for line, row in enumerate(rows, start=2):
        text, kind = ((row.get(c) or "").strip() for c in ("day", "kind"))
        try:
            days = list(_days_between(*text.partition("..")[::2]))
        except ValueError as exc:
            raise BadTable(f"line {line}: day is {text!r}, expected YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD") from exc
        if not days or len(days) > 31:
            raise BadTable(f"line {line}: {text} is no stretch of 1 to 31 days")
        if kind not in ("off", "worked"):
            raise BadTable(f"line {line}: kind is {kind!r}, expected off or worked")
        for day in days:
            made = Correction(day, "off" if kind == "off" else "worked")
            if corrections.setdefault(day, made) != made:
                raise BadTable(f"line {line}: {day} was both off and worked")
    return sorted(corrections.values())


def _days_between(first: str, last: str) -> Iterable[date]:
    """Yield the civil days of a stretch, both ends inclusive. Raises ValueError where a text is no day."""
    day, until = date.fromisoformat(first), date.fromisoformat(last or first)
    return [day + timedelta(days=n) for n in range((until - day).days + 1)]


@lru_cache(maxsize=64)
def _table(year: int) -> frozenset[date]:
    """Return the public holidays of a year as shipped."""
    parts = [
        (f"{year}-{first}", f"{year}-{last or first}")
        for first, _, last in (part.partition("..") for part in FREE_DAYS.get(year, FIXED_DAYS).split())
    ]
    days = {day for part in parts for day in _days_between(*part)}
    if year not in FREE_DAYS and year in LUNAR_DAYS:
        new_year, kings = (date.fromisoformat(f"{year}-{text}") for text in LUNAR_DAYS[year])
        days |= {kings, *(new_year + timedelta(days=n) for n in range(-1, 4))}
    return frozenset(days)


class Workdays:
    """The working calendar: the shipped table, and what a deployment corrects in it."""

    def __init__(self, corrections: Iterable[Correction] = ()) -> None:
        """Hold corrections; of a day that is named twice the last one holds."""
        self.corrections: Final = dict(corrections)
        self._working: dict[date, bool] = {}
        self._profiles: dict[tuple[date, date], Profile] = {}

    @property
    def known_until(self) -> date:
        """The last civil day whose holidays are known: later years have the days by law, without announced ones.

        A deployment's file makes a year known by saying when its Tết is: four days off in January or February.
        """
        year = KNOWN_UNTIL.year
        while sum(k == "off" and d.year == year + 1 and d.month <= 2 for d, k in self.corrections.items()) >= 4:
            year += 1
        return date(year, 12, 31)

    def holidays(self, year: int) -> frozenset[date]:
        """Return the public holidays of a year.

        >>> free = Workdays().holidays(2024)
        >>> date(2024, 2, 14) in free, date(2024, 2, 15) in free
        (True, False)
        """
        said = {day: kind for day, kind in self.corrections.items() if day.year == year}
        return _table(year) - said.keys() | {day for day, kind in said.items() if kind == "off"}

    def is_working(self, day: date) -> bool:
        """Tell whether offices are open on a civil day.

        >>> calendar = Workdays([Correction(date(2024, 2, 15), "off"), Correction(date(2024, 2, 17), "worked")])
        >>> [calendar.is_working(date(2024, 2, d)) for d in (7, 8, 14, 15, 16, 17, 18)]
        [True, False, False, False, True, True, False]
        >>> SHIPPED.is_working(date(2024, 5, 4))
        True
        """
        known = self._working.get(day)
        if known is None:
            kind = self.corrections.get(day)
            usual = (day.weekday() < 5 and day not in _table(day.year)) or day in WORKED_SATURDAYS
            known = self._working[day] = usual if kind is None else kind == "worked"
        return known

    def last_due(self, day: date) -> date:
        """Return the last civil day whose grace of one working day is over at the end of `day`.

        >>> [str(SHIPPED.last_due(date(2024, 6, d))) for d in (4, 9, 10)]
        ['2024-06-03', '2024-06-06', '2024-06-09']
        """
        while not self.is_working(day):
            day -= timedelta(days=1)
        return day - timedelta(days=1)

    def profile(self, first: date, last: date) -> "Profile":
        """Return the profile of a period, both days inclusive."""
        if (first, last) not in self._profiles:
            self._profiles[first, last] = Profile(self, first, last)
        return self._profiles[first, last]

    def weight(self, day: date) -> int:
        """Return how much arrives on a day of its kind, in twentieths of a usual working day."""
        if self.is_working(day):
            return USUAL
        if self.corrections.get(day) == "off" or day in _table(day.year):
            return HOLIDAY
        return SATURDAY if day.weekday() == 5 else SUNDAY


SHIPPED: Final = Workdays()
"""the calendar without corrections"""


class Profile:
    """Sums of the profile and of working days over the days of a period."""

    def __init__(self, workdays: Workdays, first: date, last: date) -> None:
        """Add up the days from `first` to `last`, both inclusive."""
        self.first = first
        self.last = last
        self._sums = [0]
        self._working = [0]
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            self._sums.append(self._sums[-1] + workdays.weight(day))
            self._working.append(self._working[-1] + workdays.is_working(day))

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
