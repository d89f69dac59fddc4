"""The standing of a unit under one indicator: figures, what is expected of them, and the verdict. Exact throughout."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Literal, NamedTuple, NotRequired, cast

from typing_extensions import TypedDict

from models.calendar import EPOCH, day_number
from models.contributions import Cell
from models.decisions import Formula, Indicator
from models.gaps import Listed, first_of
from models.ledger import NONE, Days, Figures, Ledger
from models.reading import Group, Reading
from models.trajectory import decimal_text

Status = Literal["met", "below", "no-dossiers", "no-target", "not-measured"]


Assurance = Literal["secured", "likely", "open", "unlikely", "unreachable"]
"""secured, unreachable: whatever the rest brings; otherwise by the forecast, and open where there is none"""
Direction = Literal["up", "steady", "down"]


class StillNeeded(TypedDict):
    """What is missing, in the three senses in which it is asked (domain §5)."""

    of_rest: int
    """to reach the target: so many of the dossiers still expected have to be above the line"""
    rest: int
    """dossiers still expected, the catalogue's rows or services still below the line"""
    extra: int | None
    """to reach the trajectory today: so many further dossiers above the line; None: no number would"""
    instead: int
    """to reach the trajectory today: so many of those counted, had they been above the line (`shortfall`)"""


class Trend(TypedDict):
    """The last 30 days against what came before."""

    direction: Direction
    change_points: str
    p: str
    """probability of such a difference by chance alone"""


class Standing(TypedDict):
    """The contract's standing: the same object in Kafka, in Redis, on the command line and on the wall."""

    decision: str
    indicator: str
    unit: str
    as_of: str
    numerator: int
    denominator: int
    target: str | None
    expected: str | None
    status: Status
    shortfall: int
    last_7_days: list[int]
    last_30_days: list[int]
    required_ratio: str | None
    forecast: dict[str, str] | None
    probability_met: str | None
    alert: dict[str, Any] | None
    frozen: NotRequired[bool]
    ceiling: NotRequired[str]
    members: NotRequired[dict[str, int]]
    version: NotRequired[str]
    still_needed: NotRequired[StillNeeded]
    assurance: NotRequired[Assurance]
    trend: NotRequired[Trend | None]
    chance: NotRequired[str]
    """of a unit below: how often chance alone leaves one that far behind"""


class Judged(NamedTuple):
    """What is judged of a unit on a day: the exact figures, and the line they are held against (percent)."""

    figures: Figures
    expected: Fraction | None
    status: Status


def reaches(figures: Figures, expected: Fraction) -> bool:
    """Tell whether a ratio reaches a percentage: 100·numerator ≥ expected·denominator, on integers (A21).

    >>> reaches((1999, 4000), Fraction(50)), reaches((46, 100), Fraction(45))
    (False, True)
    """
    return 100 * figures[0] * expected.denominator >= expected.numerator * figures[1]


def shortfall(figures: Figures, expected: Fraction | None) -> int:
    """Return how many of the counted would have to be above the line, to reach it: ⌈expected·denominator⌉ - numerator.

    >>> shortfall((41, 98), Fraction(50))
    8
    """
    if expected is None:
        return 0
    needed = -(-expected.numerator * figures[1] // (100 * expected.denominator))
    return max(0, needed - figures[0])


class Standings:
    """Standings of some units at one moment, from their ledger and the decision's reading."""

    def __init__(self, reading: Reading, as_of: date) -> None:
        """Start with empty counters as of a civil day, brought into the nearest period."""
        self.reading = reading
        self.as_of = reading.nearest(as_of)
        first, _ = reading.period(self.as_of)
        self.ledger = Ledger(first.toordinal() - EPOCH, self.as_of.toordinal() - EPOCH)
        self._day = self.as_of.isoformat()
        self._targets = reading.targets(self.as_of)
        self._changed: set[tuple[str, Indicator]] = set()
        self._lists: dict[tuple[str, str], dict[str, dict[str, Listed]]] = {}
        """(unit, indicator) → cell → who says so → dossiers still to be fulfilled"""

    def list_gaps(self, unit: str, cell: str, source: str, listed: Listed) -> None:
        """Take in what a source says of the dossiers still to be fulfilled; it replaces what it said before."""
        indicator = Cell.of(cell).indicator
        self._lists.setdefault((unit, indicator), {}).setdefault(cell, {})[source] = listed

    def gaps_of(self, unit: str, indicator: Indicator, until: date) -> list[str]:
        """Return codes of dossiers still to be fulfilled that count on a day up to `until`, oldest first, few."""
        cells = self._lists.get((unit, indicator), {})
        lists = (listed for cell, said in cells.items() if Cell.of(cell).since <= self._day for listed in said.values())
        return first_of(lists, until.isoformat())

    def add(self, unit: str, day: str, cell: str, numerator: int, denominator: int) -> None:
        """Add to one counter of a civil day (ISO text); negative amounts take out."""
        indicator = self.ledger.add(unit, day_number(day), cell, numerator, denominator)
        self._changed.add((unit, cast("Indicator", indicator)))

    def move_to(self, day: date) -> bool:
        """Make `day`, or the period's nearest day, the day of the standings; tell whether that is another day."""
        as_of = self.reading.nearest(day)
        if as_of == self.as_of:
            return False
        first, _ = self.reading.period(as_of)
        moved = self.ledger.move(first.toordinal() - EPOCH, as_of.toordinal() - EPOCH)
        self._changed |= cast("set[tuple[str, Indicator]]", moved)
        self.as_of, self._day = as_of, as_of.isoformat()
        targets = self.reading.targets(as_of)
        if targets is not self._targets:
            self._changed |= targets.targets.keys() | self._targets.targets.keys()
            self._targets = targets
        for indicator, formula in self.reading.indicators.items():
            of_catalogue = formula.count in ("service", "catalogue")
            if self.reading.measured(indicator) and (of_catalogue or self.reading.moves(indicator)):
                self._changed |= {key for key in targets.targets if key[1] == indicator}
        return True

    def take_changed(self) -> set[tuple[str, Indicator]]:
        """Return the (unit, indicator) that may be judged otherwise than when last asked, and forget them."""
        changed, self._changed = self._changed, set()
        return changed

    # -- figures -------------------------------------------------------------------------------------------------------

    def figures(self, unit: str, indicator: Indicator) -> Figures:
        """Return a unit's cumulative figures from the period's first day to today."""
        return self._figures(unit, indicator, self.ledger.first, self.ledger.last)

    def window(self, unit: str, indicator: Indicator, days: int) -> Figures:
        """Return figures of the last `days` days up to today; they stop at the period's first day."""
        return self._figures(unit, indicator, max(self.ledger.first, self.ledger.last - days + 1), self.ledger.last)

    def figures_until(self, unit: str, indicator: Indicator, last: int, further: Figures = NONE) -> Figures:
        """Return cumulative figures up to a day number, as they are known now, plus `further` of the next day."""
        return self._figures(unit, indicator, self.ledger.first, last, further)

    def counted_on(self, unit: str, indicator: Indicator, day: int) -> Figures:
        """Return what the counters of one day number hold, before any shape is given to them."""
        return _sum(days.between(day, day) for _, _, days in self.ledger.items(unit, indicator, self._day))

    def days(self, unit: str, indicator: Indicator, last: int) -> list[tuple[int, int, int]]:
        """Return (day number, numerator, denominator) of the days with counts, from the period's first to `last`."""
        first = self.ledger.first
        cells = self.ledger.items(unit, indicator, self._day)
        if len(cells) == 1:
            return [(day, c[0], c[1]) for day, c in cells[0][2].days.items() if first <= day <= last and c[1] > 0]
        merged: dict[int, Figures] = {}
        for _, _, days in cells:
            for day, c in days.days.items():
                if first <= day <= last:
                    n, d = merged.get(day, NONE)
                    merged[day] = n + c[0], d + c[1]
        return [(day, n, d) for day, (n, d) in merged.items() if d > 0]

    def _figures(self, unit: str, indicator: Indicator, first: int, last: int, further: Figures = NONE) -> Figures:
        formula: Formula = self.reading.indicators[indicator]
        if formula.count == "catalogue":
            return self._of_catalogue(unit, indicator, last)
        cells = self.ledger.items(unit, indicator, self._day)
        if formula.count == "service":
            return self._coverage(unit, cells, first, last, formula)
        running = first == self.ledger.first and last == self.ledger.last
        numerator, denominator = further
        for _, _, days in cells:
            n, d = (days.numerator, days.denominator) if running else days.between(first, last)
            numerator += n
            denominator += d
        if formula.count == "copy" and self.reading.switches.get("electronic_copies") == "adoption":
            return min(numerator, 1), min(denominator, 1)
        return numerator, denominator

    def _coverage(
        self, unit: str, cells: Iterable[tuple[str, str, Days]], first: int, last: int, formula: Formula
    ) -> Figures:
        services = self.reading.online_services(unit, date.fromordinal(last + EPOCH))
        if not services:
            return NONE
        online_only = "online" in formula.numerator
        running = first == self.ledger.first and last == self.ledger.last
        seen = set()
        for item, _, days in cells:
            if item in services and item not in seen:
                n, d = (days.numerator, days.denominator) if running else days.between(first, last)
                if (n if online_only else d) > 0:
                    seen.add(item)
        return len(seen), len(services)

    def _of_catalogue(self, unit: str, indicator: Indicator, last: int) -> Figures:
        catalogue = self.reading.catalogue
        if catalogue is None:
            return NONE
        on = date.fromordinal(last + EPOCH)
        if indicator == "national-portal-integration":
            return catalogue.national_portal_integration(unit, on)
        return catalogue.full_online_provision(unit, on)

    # -- verdicts ------------------------------------------------------------------------------------------------------

    def judge(self, unit: str, indicator: Indicator) -> Judged:
        """Return a unit's figures, the trajectory's value today and the status."""
        figures = self.figures(unit, indicator)
        return self.judged(unit, indicator, figures, self.as_of)

    def judged(self, unit: str, indicator: Indicator, figures: Figures, on: date) -> Judged:
        """Return the status that given figures have on a day."""
        expected = self.reading.expected(unit, indicator, on)
        if not self.reading.measured(indicator):
            return Judged(NONE, expected, "not-measured")
        if self.reading.target(unit, indicator, on) is None:
            return Judged(figures, None, "no-target")
        if figures[1] == 0:
            return Judged(figures, expected, "no-dossiers")
        met = expected is None or reaches(figures, expected)
        return Judged(figures, expected, "met" if met else "below")

    # -- who -----------------------------------------------------------------------------------------------------------

    def has_standing(self, unit: str) -> bool:
        """Tell whether a unit has its standing: always if the decision names it, otherwise once it has dossiers."""
        founded = self.reading.heirs.founded.get(unit)
        if founded is not None and founded > self.as_of:
            return False
        return unit in self._targets.rows or self.ledger.counts(unit)

    def named(self) -> Mapping[str, Any]:
        """Return the units that the decision names, leaf by leaf."""
        return self._targets.rows

    def groups(self) -> Mapping[str, Group]:
        """Return the decision's groups, by code."""
        return self._targets.groups

    def group_of(self, unit: str) -> str | None:
        """Return the group a unit is a member of."""
        return self._targets.group_of.get(unit)

    # -- standings -----------------------------------------------------------------------------------------------------

    def standing(self, unit: str, indicator: Indicator, alert: dict[str, Any] | None = None) -> Standing:
        """Return a unit's standing under one indicator."""
        judged = self.judge(unit, indicator)
        windows = self.window(unit, indicator, 7), self.window(unit, indicator, 30)
        standing = self._standing(unit, indicator, judged, windows)
        standing["alert"] = alert
        closed = self.reading.heirs.closed.get(unit)
        if closed is not None and closed <= self.as_of:
            standing["frozen"] = True
        return standing

    def group_standing(self, group: Group, indicator: Indicator) -> Standing:
        """Return the standing of a group: pooled figures, and how its members stand."""
        frozen = self.reading.heirs.closed
        members = [m for m in group.members if not (m in frozen and frozen[m] <= self.as_of)]
        pooled = _sum(self.figures(m, indicator) for m in members)
        judged = self.judged(group.code, indicator, pooled, self.as_of)
        week = _sum(self.window(m, indicator, 7) for m in members)
        month = _sum(self.window(m, indicator, 30) for m in members)
        standing = self._standing(group.code, indicator, judged, (week, month))
        statuses = Counter(self.judge(m, indicator).status for m in members)
        standing["members"] = dict(sorted(statuses.items()))
        return standing

    def _standing(self, unit: str, indicator: Indicator, judged: Judged, windows: tuple[Figures, Figures]) -> Standing:
        target = self.reading.target(unit, indicator, self.as_of)
        return {
            "decision": self.reading.decision.id,
            "indicator": indicator,
            "unit": unit,
            "as_of": self._day,
            "numerator": judged.figures[0],
            "denominator": judged.figures[1],
            "target": None if target is None else decimal_text(target.value),
            "expected": None if judged.expected is None else decimal_text(judged.expected),
            "status": judged.status,
            "shortfall": shortfall(judged.figures, judged.expected),
            "last_7_days": list(windows[0]),
            "last_30_days": list(windows[1]),
            "required_ratio": None,
            "forecast": None,
            "probability_met": None,
            "alert": None,
        }


def _sum(figures: Iterable[Figures]) -> Figures:
    numerator = denominator = 0
    for n, d in figures:
        numerator += n
        denominator += d
    return numerator, denominator
