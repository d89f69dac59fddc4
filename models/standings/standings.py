"""The standing of a unit under one indicator: figures, what is expected of them, and the verdict. Exact throughout."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Literal, NamedTuple, NotRequired

from typing_extensions import TypedDict

from models.calendar.civil_time import EPOCH, day_number
from models.counting.contributions import (
    ASIDE,
    ASSISTED_ITEM,
    EXEMPT_ITEM,
    LATE_ITEM,
    LISTED,
    OVERDUE_ITEM,
    Cell,
)
from models.counting.ledger import NONE, Days, Figures, Ledger
from models.counting.open_dossiers import LISTED as GAPS_LISTED
from models.counting.open_dossiers import Listed, first_of
from models.decisions.file import Formula, Indicator
from models.decisions.reading import Group, Reading
from models.decisions.targets import Target, weighted
from models.wording import decimal_text

Status = Literal["met", "below", "no-dossiers", "no-target", "not-measured"]
TargetStatus = Literal["reached", "not-reached", "no-dossiers", "no-target", "not-measured"]
"""the ratio against the target itself, whatever the trajectory of the day"""
TrajectorySource = Literal["decision", "unit"]
"""whose trajectory a unit is held against: the decision's own, or one that the unit or its group has entered"""
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
    target_status: TargetStatus
    trajectory_source: TrajectorySource
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
    unknown: NotRequired[bool]
    """of a unit that nobody knows: it has no row on the wall"""
    version: NotRequired[str]
    still_needed: NotRequired[StillNeeded]
    assurance: NotRequired[Assurance]
    trend: NotRequired[Trend | None]
    stretch: NotRequired[str]
    """percent that the unit should reach beyond its target; never judged"""
    overdue: NotRequired[int]
    """beside an indicator of what is on time: dossiers that wait although their day has come"""
    overdue_dossiers: NotRequired[list[str]]
    """the first of them by day, few"""
    assisted: NotRequired[int]
    """of those filed online in the numerator: so many that somebody filed for the citizen"""
    exempt: NotRequired[int]
    """dossiers that would count and are exempt from it"""
    chance: NotRequired[str]
    """of a unit below: how often chance alone leaves one that far behind"""


class Judged(NamedTuple):
    """What is judged of a unit on a day: the exact figures, and the line they are held against (percent)."""

    figures: Figures
    expected: Fraction | None
    status: Status


class Recent(NamedTuple):
    """A unit's figures of the last 7 and 30 days; kept until they change, for a group asks for them of every member."""

    week: Figures
    month: Figures


def reaches(figures: Figures, expected: Fraction) -> bool:
    """Tell whether a ratio reaches a percentage: 100·numerator ≥ expected·denominator, on integers (A21).

    >>> reaches((1999, 4000), Fraction(50)), reaches((46, 100), Fraction(45))
    (False, True)
    """
    return 100 * figures[0] * expected.denominator >= expected.numerator * figures[1]


def target_status(judged: Judged, target: Fraction | None) -> TargetStatus:
    """Return how figures stand against the target itself (percent), where `Judged.status` asks the day's trajectory.

    >>> early = Judged((8, 37), Fraction(0), "met")
    >>> target_status(early, Fraction(50)), target_status(early._replace(figures=(19, 37)), Fraction(50))
    ('not-reached', 'reached')
    """
    if judged.status != "met" and judged.status != "below":  # noqa: PLR1714 - mypy narrows by these alone
        return judged.status
    return "reached" if target is not None and reaches(judged.figures, target) else "not-reached"


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
        self._known: dict[tuple[str, Indicator], Judged] = {}
        self._recent: dict[tuple[str, Indicator], Recent] = {}
        """apart from verdicts: a rule asks for these every evening, and only a reader for what was lately"""
        self._strangers: set[str] = set()
        """units that nobody knows and that have counters, or had"""
        self._acquainted: dict[str, bool] = {}
        self._stirred: set[str] = set()
        """those of them whose counters have moved since `_counted` was made"""
        self._counted: list[str] = []
        """those for which something counts today, by code"""
        self._lists: dict[tuple[str, str], dict[str, dict[str, Listed]]] = {}
        """(unit, indicator) → cell → who says so → dossiers still to be fulfilled"""

    def list_gaps(self, unit: str, cell: str, source: str, listed: Listed) -> None:
        """Take in what a source says of the dossiers still to be fulfilled; it replaces what it said before."""
        indicator = Cell.of(cell).indicator
        self._lists.setdefault((unit, indicator), {}).setdefault(cell, {})[source] = listed
        if Cell.of(cell).item:
            self._changed.add((unit, indicator))

    def gaps_of(self, unit: str, indicator: Indicator, until: date, item: str = "") -> list[str]:
        """Return codes of dossiers still to be fulfilled that count on a day up to `until`, oldest first, few.

        Of `OVERDUE_ITEM` as `item`: of those that wait although their day has come.
        """
        lists = [
            listed
            for cell, said in self._lists.get((unit, indicator), {}).items()
            if Cell.of(cell).since <= self._day and Cell.of(cell).item == item
            for listed in said.values()
        ]
        return first_of(lists, until.isoformat())

    def add(self, unit: str, day: str, cell: str, numerator: int, denominator: int) -> None:
        """Add to one counter of a civil day (ISO text); negative amounts take out."""
        self.add_day(unit, day, {cell: (numerator, denominator)})

    def add_day(self, unit: str, day: str, cells: Mapping[str, Sequence[int]], sign: int = 1) -> None:
        """Add cell → (numerator, denominator) of a civil day (ISO text), or take out (sign -1)."""
        moved = self.ledger.add(unit, day_number(day), cells, sign)
        self._changed.update(moved)
        for key in moved:
            self._known.pop(key, None)
            self._recent.pop(key, None)
        if unit in self._strangers or self._is_stranger(unit):
            self._stirred.add(unit)

    def _is_stranger(self, unit: str) -> bool:
        """Look at a unit that was not taken for unknown before."""
        known = self._acquainted.get(unit)
        if known is None:
            known = self._acquainted[unit] = not self.reading.is_unknown(unit)
            if not known:
                self._strangers.add(unit)
        return not known

    def strangers(self) -> list[str]:
        """Return the units that nobody knows and for which something counts, by code; the first few have a standing.

        Which these are follows from the counters alone, not from who came first.
        """
        if not self._stirred:
            return self._counted
        before, counted = self._counted[: self.reading.unknown_units_max], self._counted
        for unit in self._stirred:
            at = bisect_left(counted, unit)
            stands = at < len(counted) and counted[at] == unit
            if stands != self.ledger.counts(unit):
                if stands:
                    del counted[at]
                else:
                    counted.insert(at, unit)
        self._stirred.clear()
        for unit in {*before} ^ {*counted[: self.reading.unknown_units_max]}:
            self._changed.update((unit, indicator) for indicator in self.reading.indicators)
        return counted

    def with_counters(self) -> list[str]:
        """Return the units for which something counts, but of those that nobody knows only such as have a standing."""
        shown = self.strangers()[: self.reading.unknown_units_max]
        return [*(u for u in self.ledger.units() if u not in self._strangers), *shown]

    def add_all(self, counters: Mapping[tuple[str, str, str], Sequence[int]]) -> None:
        """Add (unit, civil day, cell) → (numerator, denominator); what comes to nothing is passed over."""
        for (unit, day, cell), (numerator, denominator) in counters.items():
            if numerator or denominator:
                self.add(unit, day, cell, numerator, denominator)

    def move_to(self, day: date) -> bool:
        """Make `day`, or the period's nearest day, the day of the standings; tell whether that is another day."""
        as_of = self.reading.nearest(day)
        if as_of == self.as_of:
            return False
        first, _ = self.reading.period(as_of)
        moved = self.ledger.move(first.toordinal() - EPOCH, as_of.toordinal() - EPOCH)
        self._changed |= moved
        self.as_of, self._day = as_of, as_of.isoformat()
        self._known.clear()
        self._recent.clear()
        self._stirred |= self._strangers
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
        self.strangers()
        changed, self._changed = self._changed, set()
        return changed

    # -- figures -------------------------------------------------------------------------------------------------------

    def figures(self, unit: str, indicator: Indicator) -> Figures:
        """Return a unit's cumulative figures from the period's first day to today.

        Of a unit that has been succeeded that is what it had the day before, and dossiers of procedures that have no
        heir; what only the catalogue tells stays that of the day before.
        """
        of_catalogue = self.reading.indicators[indicator].count in ("service", "catalogue")
        return self._figures(unit, indicator, self.ledger.first, self._last(unit) if of_catalogue else self.ledger.last)

    def window(self, unit: str, indicator: Indicator, days: int) -> Figures:
        """Return figures of the last `days` days up to today; they stop at the period's first day."""
        last = self._last(unit)
        return self._figures(unit, indicator, max(self.ledger.first, last - days + 1), last)

    def figures_until(self, unit: str, indicator: Indicator, last: int, further: Figures | None = None) -> Figures:
        """Return cumulative figures up to a day number, as they are known now, plus `further` of the next day.

        They begin with the period of that day, which may be one before today's.
        """
        on = last if further is None else last + 1
        first, _ = self.reading.period(date.fromordinal(on + EPOCH))
        return self._figures(unit, indicator, first.toordinal() - EPOCH, last, further or NONE)

    def frozen(self, unit: str) -> bool:
        """Tell whether a unit has been succeeded: its standing stays that of the day before."""
        return self.reading.heirs.frozen_since(unit, self.as_of) is not None

    def _last(self, unit: str) -> int:
        """Return the number of the day on which a unit is judged: today, or the day before it was succeeded."""
        since = self.reading.heirs.frozen_since(unit, self.as_of)
        return self.ledger.last if since is None else since.toordinal() - EPOCH - 1

    def counted_on(self, unit: str, indicator: Indicator, day: int) -> Figures:
        """Return what the counters of one day number hold, before any shape is given to them."""
        cells = self.ledger.items(unit, indicator, self._day)
        return _sum(days.between(day, day) for item, _, days in cells if item not in ASIDE)

    def days(self, unit: str, indicator: Indicator, last: int) -> list[tuple[int, int, int]]:
        """Return (day number, numerator, denominator) of the days with counts, from the period's first to `last`."""
        first = self.ledger.first
        cells = [item for item in self.ledger.items(unit, indicator, self._day) if item[0] not in ASIDE]
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
        running = first == self.ledger.first and last <= self.ledger.last
        numerator, denominator = further
        for item, _, days in cells:
            if item in ASIDE:
                continue
            if running:  # most that is asked for ends today or a few days before
                n, d = days.between(last + 1, self.ledger.last) if last < self.ledger.last else NONE
                n, d = days.numerator - n, days.denominator - d
            else:
                n, d = days.between(first, last)
            numerator += n
            denominator += d
        if formula.shape == "adoption":
            return min(numerator, 1), min(denominator, 1)
        return numerator, denominator

    def listed(self, unit: str, indicator: Indicator) -> int:
        """Return how many in a unit's denominator are listed, where its catalogue may cap its ratio (A25)."""
        return self._beside(unit, indicator, LISTED)

    def _beside(self, unit: str, indicator: Indicator, aside: str) -> int:
        """Return how many are counted beside a unit's figures, from the period's first day to today."""
        items = self.ledger.items(unit, indicator, self._day)
        return sum(days.denominator for item, _, days in items if item == aside)

    def overdue(self, unit: str, indicator: Indicator) -> int:
        """Return how many dossiers wait today although their day has come, be it before the period."""
        waiting = 0
        for item, _, days in self.ledger.items(unit, indicator, self._day):
            if item in (OVERDUE_ITEM, LATE_ITEM):
                ended, moves = days.between(0, self._last(unit))
                waiting += moves - 2 * ended
        return waiting

    def _coverage(
        self, unit: str, cells: Iterable[tuple[str, str, Days]], first: int, last: int, formula: Formula
    ) -> Figures:
        services = self._services(unit, cells, first, last, formula)
        return sum(services.values()), len(services)

    def services(self, unit: str, indicator: Indicator, days: int | None = None) -> Mapping[str, bool]:
        """Return each online service of a unit today, and whether it is above the line: in the period, or lately."""
        last = self._last(unit)
        first = self.ledger.first if days is None else max(self.ledger.first, last - days + 1)
        cells = self.ledger.items(unit, indicator, self._day)
        return self._services(unit, cells, first, last, self.reading.indicators[indicator])

    def _services(
        self, unit: str, cells: Iterable[tuple[str, str, Days]], first: int, last: int, formula: Formula
    ) -> Mapping[str, bool]:
        on, catalogue = date.fromordinal(last + EPOCH), self.reading.catalogue
        services = self.reading.online_services(unit, on)
        if formula.denominator and catalogue is not None:
            services = frozenset(p for p in services if catalogue.fits(p, unit, on, formula.denominator))
        found = dict.fromkeys(services, False)
        if not services:
            return found
        above_only = bool(formula.numerator)
        running = first == self.ledger.first and last == self.ledger.last
        for item, _, days in cells:
            if item in services and not found[item]:
                n, d = (days.numerator, days.denominator) if running else days.between(first, last)
                found[item] = (n if above_only else d) > 0
        return found

    def _of_catalogue(self, unit: str, indicator: Indicator, last: int) -> Figures:
        catalogue = self.reading.catalogue
        if catalogue is None:
            return NONE
        on = date.fromordinal(last + EPOCH)
        if indicator == "national-portal-integration":
            return catalogue.national_portal_integration(unit, on)
        if indicator == "full-online-provision":
            return catalogue.full_online_provision(unit, on)
        formula = self.reading.indicators[indicator]
        return catalogue.share(unit, on, formula.numerator, formula.denominator)

    def figures_between(self, unit: str, indicator: Indicator, first: date, last: date) -> Figures:
        """Return figures of the civil days from `first` to `last`, both inclusive, as they are known now."""
        return self._figures(unit, indicator, first.toordinal() - EPOCH, last.toordinal() - EPOCH)

    # -- verdicts ------------------------------------------------------------------------------------------------------

    def judge(self, unit: str, indicator: Indicator) -> Judged:
        """Return a unit's figures, the trajectory's value today and the status."""
        known = self._known.get((unit, indicator))
        if known is None:
            figures = self.figures(unit, indicator)
            known = self.judged(unit, indicator, figures, date.fromordinal(self._last(unit) + EPOCH))
            self._known[unit, indicator] = known
        return known

    def _lately(self, unit: str, indicator: Indicator) -> Recent:
        known = self._recent.get((unit, indicator))
        if known is None:
            known = Recent(self.window(unit, indicator, 7), self.window(unit, indicator, 30))
            self._recent[unit, indicator] = known
        return known

    def target(self, unit: str, indicator: Indicator, on: date) -> Target | None:
        """Return a unit's target on a day; while it is held, its predecessors' weighted by what they counted (A20)."""
        targets = self._targets if on == self.as_of else self.reading.targets(on)
        target = targets.targets.get((unit, indicator))
        if target is None or not target.held:
            return target
        weights: Counter[str] = Counter()
        for item, origin, days in self.ledger.items(unit, indicator, self._day):
            if item not in ASIDE:
                weights[origin] += days.denominator
        return weighted(target, weights)

    def judged(self, unit: str, indicator: Indicator, figures: Figures, on: date) -> Judged:
        """Return the status that given figures have on a day."""
        target = self.target(unit, indicator, on)
        if target is not None and target.held:
            expected = self.reading.expected_of(unit, indicator, target, on)
        else:
            expected = self.reading.expected(unit, indicator, on)
        if not self.reading.measured(indicator):
            return Judged(NONE, expected, "not-measured")
        if target is None:
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
        if unit in self._targets.rows:
            return True
        if not self.ledger.counts(unit):
            return False
        if unit not in self._strangers:
            return True
        at = bisect_left(self.strangers(), unit)
        return at < self.reading.unknown_units_max

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
        standing = self._standing(unit, indicator, self.judge(unit, indicator), self._lately(unit, indicator))
        standing["alert"] = alert
        if unit in self._strangers:
            standing["unknown"] = True
        if self.frozen(unit):
            standing["frozen"] = True
        self._with_counts_beside(standing, [unit])
        return self._with_ceiling(standing, self.ceiling(unit, indicator))

    def _with_counts_beside(self, standing: Standing, units: Sequence[str]) -> None:
        """Put beside the figures of some units what is no part of them, and yet not to be hidden."""
        indicator = standing["indicator"]
        if self.reading.indicators[indicator].count != "dossier":
            return
        assisted = sum(self._beside(unit, indicator, ASSISTED_ITEM) for unit in units)
        exempt = sum(self._beside(unit, indicator, EXEMPT_ITEM) for unit in units)
        if assisted:
            standing["assisted"] = assisted
        if exempt:
            standing["exempt"] = exempt
        if self.reading.indicators[indicator].lists_overdue and standing["status"] != "not-measured":
            standing["overdue"] = sum(self.overdue(unit, indicator) for unit in units)
            codes = [self.gaps_of(unit, indicator, self.as_of, OVERDUE_ITEM) for unit in units]
            standing["overdue_dossiers"] = [code for of_unit in codes for code in of_unit][:GAPS_LISTED]

    def group_standing(self, group: Group, indicator: Indicator) -> Standing:
        """Return the standing of a group: pooled figures, and how its members stand."""
        members = [m for m in group.members if not self.frozen(m)]
        of_members = [self.judge(m, indicator) for m in members]
        lately = [self._lately(m, indicator) for m in members]
        pooled = _sum(judged.figures for judged in of_members)
        judged = self.judged(group.code, indicator, pooled, self.as_of)
        recent = Recent(_sum(of.week for of in lately), _sum(of.month for of in lately))
        standing = self._standing(group.code, indicator, judged, recent)
        statuses = Counter(member.status for member in of_members)
        standing["members"] = dict(sorted(statuses.items()))
        self._with_counts_beside(standing, members)
        return self._with_ceiling(standing, self._ceiling(members, group.code, indicator))

    def ceiling(self, unit: str, indicator: Indicator) -> Fraction | None:
        """Return the percentage that a unit cannot pass because of the catalogue; None unless it lies below the target.

        It is the listed part of the denominator: were all of that online, the ratio would be no higher (A25). What is
        below it is for the catalogue's owner to mend, `reading.decision.catalogue.owner`.
        """
        return self._ceiling([unit], unit, indicator)

    def _ceiling(self, units: Sequence[str], of: str, indicator: Indicator) -> Fraction | None:
        """Return the ceiling of some units together, held against the target of one."""
        if not self.reading.indicators[indicator].capped:
            return None
        target, denominator = self.target(of, indicator, self.as_of), _sum(self.figures(u, indicator) for u in units)[1]
        if target is None or denominator == 0:
            return None
        ceiling = Fraction(100 * sum(self.listed(u, indicator) for u in units), denominator)
        return ceiling if ceiling < target.value else None

    @staticmethod
    def _with_ceiling(standing: Standing, ceiling: Fraction | None) -> Standing:
        if ceiling is not None:
            standing["ceiling"] = decimal_text(ceiling, cut=True)
        return standing

    def _source(self, unit: str, indicator: Indicator) -> TrajectorySource:
        return "unit" if self.reading.entered(unit, indicator, self.as_of) else "decision"

    def _standing(self, unit: str, indicator: Indicator, judged: Judged, recent: Recent) -> Standing:
        target = self.target(unit, indicator, self.as_of)
        standing: Standing = {
            "decision": self.reading.decision.id,
            "indicator": indicator,
            "unit": unit,
            "as_of": self._day,
            "numerator": judged.figures[0],
            "denominator": judged.figures[1],
            "target": None if target is None else decimal_text(target.value),
            "expected": None if judged.expected is None else decimal_text(judged.expected),
            "status": judged.status,
            "target_status": target_status(judged, None if target is None else target.value),
            "trajectory_source": self._source(unit, indicator),
            "shortfall": shortfall(judged.figures, judged.expected),
            "last_7_days": list(recent.week),
            "last_30_days": list(recent.month),
            "required_ratio": None,
            "forecast": None,
            "probability_met": None,
            "alert": None,
        }
        if target is not None and target.stretch is not None:
            standing["stretch"] = decimal_text(target.stretch)
        return standing


def _sum(figures: Iterable[Figures]) -> Figures:
    numerator = denominator = 0
    for n, d in figures:
        numerator += n
        denominator += d
    return numerator, denominator
