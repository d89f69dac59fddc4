"""Report periods: months, quarters, halves, nine months and years as half-open windows of civil days.

A month is that of the calendar, or runs from the 15th to the 14th (switch `report_months=15-14`: month 2024-06 is
15/05/2024 to 14/06/2024), which is how administrative reports are reckoned; longer periods are made of such months.
Every window is cut to the days for which the decision holds. Where a decision begins in December of the year before
(15/12 to 14/12) and months are those of the calendar, the quarter, half, nine months and year that begin with its first
January begin with its first day, so that they add up to the decision's own year.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

Kind = Literal["month", "quarter", "half", "nine-months", "year"]
Months = Literal["calendar", "15-14"]

_FORMS: Final = re.compile(r"([1-9][0-9]{3})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])|H([12])|(9M)))?")
_ROMAN: Final = ("I", "II", "III", "IV")
_MONTHS_IN: Final = {"month": 1, "quarter": 3, "half": 6, "nine-months": 9, "year": 12}


class Label(NamedTuple):
    """The name of a report period: 2024-06, 2024-Q2, 2024-H1, 2024-9M, 2024."""

    kind: Kind
    year: int
    number: int
    """which month, quarter or half of the year; 1 for nine months and a year"""

    @classmethod
    def of(cls, text: str) -> "Label":
        """Read a period's name. Raises ValueError.

        >>> Label.of("2024-Q2")
        Label(kind='quarter', year=2024, number=2)
        """
        match = _FORMS.fullmatch(text)
        if match is None:
            raise ValueError(f"period {text!r}: expected 2024-06, 2024-Q2, 2024-H1, 2024-9M or 2024")
        year, month, quarter, half, nine = match.groups()
        if month:
            return cls("month", int(year), int(month))
        if quarter:
            return cls("quarter", int(year), int(quarter))
        if half:
            return cls("half", int(year), int(half))
        return cls("nine-months" if nine else "year", int(year), 1)

    def __str__(self) -> str:
        """Return the name as it is written.

        >>> [str(Label.of(text)) for text in ("2024-06", "2024-Q2", "2024-H1", "2024-9M", "2024")]
        ['2024-06', '2024-Q2', '2024-H1', '2024-9M', '2024']
        """
        tail = {
            "month": f"-{self.number:02d}",
            "quarter": f"-Q{self.number}",
            "half": f"-H{self.number}",
            "nine-months": "-9M",
            "year": "",
        }
        return f"{self.year}{tail[self.kind]}"

    @property
    def months(self) -> range:
        """Return the months it is made of, counted from January of year 0."""
        length = _MONTHS_IN[self.kind]
        first = 12 * self.year + length * (self.number - 1)
        return range(first, first + length)

    @property
    def previous(self) -> "Label":
        """Return the period it is compared with: the one before; of nine months, those of the year before.

        >>> str(Label.of("2024-01").previous), str(Label.of("2024-Q3").previous), str(Label.of("2024-9M").previous)
        ('2023-12', '2024-Q2', '2023-9M')
        """
        if self.number > 1:
            return self._replace(number=self.number - 1)
        in_a_year = 1 if self.kind == "nine-months" else 12 // _MONTHS_IN[self.kind]
        return self._replace(year=self.year - 1, number=in_a_year)

    @property
    def title(self) -> str:
        """Return its name as officials write it.

        >>> [Label.of(text).title for text in ("2024-06", "2024-Q3", "2024-H2", "2024-9M", "2024")]
        ['tháng 6 năm 2024', 'quý III năm 2024', '6 tháng cuối năm 2024', '9 tháng đầu năm 2024', 'năm 2024']
        """
        match self.kind:
            case "month":
                return f"tháng {self.number} năm {self.year}"
            case "quarter":
                return f"quý {_ROMAN[self.number - 1]} năm {self.year}"
            case "half":
                return f"6 tháng {'đầu' if self.number == 1 else 'cuối'} năm {self.year}"
            case "nine-months":
                return f"9 tháng đầu năm {self.year}"
            case _:
                return f"năm {self.year}"


@dataclass(frozen=True, slots=True)
class Window:
    """A report period of a decision: the civil days from `first` up to, and without, `until`."""

    label: Label
    first: date
    until: date

    @property
    def last(self) -> date:
        """Return the last day that belongs to it."""
        return self.until - timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        """Tell whether a civil day belongs to it."""
        return self.first <= day < self.until


class Holds(NamedTuple):
    """The days for which a decision holds, both inclusive; `last` is None where it holds for every year to come."""

    first: date
    last: date | None


def window(label: Label, months: Months, holds: Holds) -> Window:
    """Return the days of a report period. Raises ValueError where none of them is a day of the decision.

    >>> year = Holds(date(2024, 1, 1), date(2024, 12, 31))
    >>> june = window(Label.of("2024-06"), "15-14", year)
    >>> june.first.isoformat(), june.last.isoformat()
    ('2024-05-15', '2024-06-14')
    """
    first = _first_day(label.months.start, months)
    until = _first_day(label.months.stop, months)
    if label.kind != "month" and (begins := _december_start(holds)) is not None:
        january = _first_day(12 * begins, months)
        if first == january:
            first = min(first, holds.first)
        elif until <= january:
            until = min(until, holds.first)  # those days are in the year that they begin
    first = max(first, holds.first)
    if holds.last is not None:
        until = min(until, holds.last + timedelta(days=1))
    if first >= until:
        to = "" if holds.last is None else f" to {holds.last}"
        raise ValueError(f"period {label}: the decision holds from {holds.first}{to}")
    return Window(label, first, until)


def window_before(of: Window, months: Months, holds: Holds) -> Window | None:
    """Return the period that one is compared with; None where the decision has none before it."""
    try:
        before = window(of.label.previous, months, holds)
    except ValueError:
        return None
    return before if before.until <= of.first else None


def _first_day(month: int, months: Months) -> date:
    """Return the first day of a month, counted from January of year 0."""
    if months == "15-14":
        month -= 1
    return date(month // 12, month % 12 + 1, 15 if months == "15-14" else 1)


def _december_start(holds: Holds) -> int | None:
    """Return the year that a decision begins in the December before, if it does."""
    if holds.last is None or holds.first.month != 12 or holds.last.year != holds.first.year + 1:
        return None
    return holds.last.year
