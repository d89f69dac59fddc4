"""The days of a simulated year: which are busy, when offices are open, and how an instant is written.

Time is in whole seconds since 00:00 (+07:00) of the stream's first day; a day is its number from there.
"""

from datetime import date, timedelta
from typing import Final

from models.calendar.civil_time import OFFSET
from models.calendar.workdays import SHIPPED
from streams.feeds.simulation.draws import DAY, HOUR, between, quantile

WARM_UP_DAYS: Final = 14
"""dossiers are filed from this many days before the period, so that the old year's work reaches into the new one"""
HORIZON_DAYS: Final = 400
"""how far after the period an act of an office may be dated; no procedure takes that long, mistakes included"""

MONTHS: Final = (0.98, 0.86, 1.08, 1.0, 1.0, 1.06, 1.08, 1.12, 1.0, 0.98, 1.02, 1.08)
"""Season. Why: slack around Tết, school papers in summer, land and budget papers before the year ends."""
WEEK: Final = (1.18, 1.08, 1.02, 1.0, 0.98, 0.26, 0.1)
"""Monday to Sunday. Why: counters open on weekdays and some on Saturday morning; on Sunday the portal alone is open."""
HOLIDAY: Final = 0.04
"""of a usual day: a few file online even at Tết, nobody receives"""
WOBBLE: Final = 0.12
"""days of one kind differ by up to this much, up or down"""

MORNING: Final = tuple(HOUR * h for h in (7.5, 7.9, 8.3, 8.8, 9.4, 10.1, 11.5))
AFTERNOON: Final = tuple(HOUR * h for h in (13.5, 13.9, 14.4, 15.0, 15.7, 17.0))
MORNING_SHARE: Final = 0.58
"""Counters: most come early, nobody over lunch."""
ONLINE_HOURS: Final = tuple(
    HOUR * h
    for h in (0.0, 7.0, 7.8, 8.3, 8.8, 9.3, 9.9, 10.6, 11.5, 13.7, 14.4, 15.1, 16.0, 17.5, 19.5, 20.5, 21.5, 24.0)
)
"""Portal: office hours most of all, then the evening; a little at night."""
OPENS: Final = int(7.5 * HOUR)
CLOSES: Final = 17 * HOUR
FIRST_HOURS: Final = tuple(HOUR * h for h in (7.5, 7.7, 8.0, 8.4, 9.0, 10.0, 11.4))
"""when a thing that waited for the office to open gets done"""

_MINUTES: Final = [f"T{m // 60:02d}:{m % 60:02d}:" for m in range(1440)]
_SECONDS: Final = [f"{s:02d}{OFFSET}" for s in range(60)]


class Days:
    """The stream's calendar, from `WARM_UP_DAYS` before a period to `HORIZON_DAYS` after it."""

    def __init__(self, first: date, last: date) -> None:
        """Work out the days around a period from civil day `first` to `last`, both inclusive."""
        start = first - timedelta(days=WARM_UP_DAYS)
        self.filing = (last - start).days + 1
        """days on which dossiers are filed"""
        dates = [start + timedelta(days=n) for n in range(self.filing + HORIZON_DAYS)]
        free = frozenset[date]().union(*(SHIPPED.holidays(year) for year in range(start.year, dates[-1].year + 1)))
        self.texts = [d.isoformat() for d in dates]
        self.codes = [f"{d:%y%m%d}" for d in dates]
        self.office = [d.weekday() < 5 and d not in free for d in dates]
        self.saturday = [d.weekday() == 5 and d not in free for d in dates]
        self.weights = [HOLIDAY if d in free else MONTHS[d.month - 1] * WEEK[d.weekday()] for d in dates[: self.filing]]
        self._working = [n for n, open_ in enumerate(self.office) if open_]
        ahead = len(self._working) - 1
        self._next = [ahead] * len(dates)
        for n in range(len(dates) - 1, -1, -1):
            if self.office[n] and n != self._working[ahead]:
                ahead -= 1
            self._next[n] = ahead

    def after(self, day: int, working_days: int) -> int:
        """Return the office day that comes `working_days` after a day's next office day (its own, if it is one).

        At the end of the horizon it stays on the last one.
        """
        return self._working[min(self._next[min(day, len(self._next) - 1)] + working_days, len(self._working) - 1)]

    def in_office(self, moment: int, u: float) -> int:
        """Return a moment if offices are open then, otherwise one (by `u`) in the first hours after they open."""
        day, second = divmod(moment, DAY)
        if day < len(self.office) and self.office[day]:
            if OPENS <= second < CLOSES:
                return moment
            if second < OPENS:
                return day * DAY + int(quantile(u, FIRST_HOURS))
        return self.after(day + 1, 0) * DAY + int(quantile(u, FIRST_HOURS))

    def at_counter(self, day: int, u: float) -> int:
        """Return a moment (by `u`) of a day on which a counter is open; Saturdays end at noon."""
        if self.saturday[day]:
            return day * DAY + int(quantile(u, MORNING))
        if u < MORNING_SHARE:
            return day * DAY + int(quantile(u / MORNING_SHARE, MORNING))
        return day * DAY + int(quantile((u - MORNING_SHARE) / (1 - MORNING_SHARE), AFTERNOON))

    def text(self, moment: int) -> str:
        """Return a moment as RFC 3339 text at +07:00."""
        day, second = divmod(moment, DAY)
        return self.texts[day] + _MINUTES[second // 60] + _SECONDS[second % 60]


def wobble(u: float) -> float:
    """Return by how much one day differs from the usual day of its kind (factor)."""
    return between(u, 1 - WOBBLE, 1 + WOBBLE)
