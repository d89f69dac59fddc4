"""The lines of a report: a unit under an indicator, its figures of the period beside those that are judged."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from models.calendar.periods import Window
from models.counting.ledger import NONE, Figures
from models.decisions.file import Indicator
from models.standings.standings import Judged, Standing, Standings, Status, TargetStatus, target_status

UnitClass = Literal["province-agency", "district", "commune", "other"]
CLASSES: Final[tuple[UnitClass, ...]] = ("province-agency", "district", "commune", "other")
_CLASS_OF: Final[Mapping[str, UnitClass]] = {
    "province-agency": "province-agency",
    "district": "district",
    "commune": "commune",
    "special-zone": "commune",
}
"""level of a unit → its class in a report; a special zone is a unit of the communes' tier"""
RUN_RATE_DAYS: Final = 30

Key = tuple[str, Indicator]
"""(unit, indicator)"""


class Line(NamedTuple):
    """One unit under one indicator, as published."""

    row: str
    """the decision's own number or clause; '' for a unit that it does not name"""
    unit: str
    name: str
    unit_class: UnitClass
    group: str
    """code of the group it is a member of, or is itself; '' otherwise"""
    indicator: Indicator
    numerator: int
    denominator: int
    cumulative_numerator: int
    cumulative_denominator: int
    target: str | None
    expected: str | None
    status: Status
    shortfall: int
    previous: tuple[int, int] | None
    """figures of the period before, as they were published where that is closed; None where there is none"""
    frozen: bool
    ceiling: str | None
    """percent that the unit cannot pass because of the catalogue, where that is below its target"""

    @property
    def key(self) -> Key:
        """Return what names it within a report."""
        return self.unit, self.indicator

    @property
    def figures(self) -> Figures:
        """Return the figures of the period itself."""
        return self.numerator, self.denominator

    @property
    def cumulative(self) -> Figures:
        """Return the figures that the decision judges."""
        return self.cumulative_numerator, self.cumulative_denominator

    @property
    def target_status(self) -> TargetStatus:
        """Return how the cumulative figures stand against the target itself, as it was published."""
        target = None if self.target is None else Fraction(self.target)
        return target_status(Judged(self.cumulative, None, self.status), target)

    @property
    def is_group(self) -> bool:
        """Tell whether it is a group's own line."""
        return self.group == self.unit


def lines_of(
    standings: Standings, days: Window, before: Window | None, published: Mapping[Key, Figures] | None
) -> list[Line]:
    """Return a line per unit and indicator: by indicator, class of unit, the decision's order; groups first."""
    places = _places(standings)
    last = min(days.last, standings.as_of)
    found = []
    for indicator in standings.reading.indicators:
        for place in places:
            members = _members(standings, place.unit, indicator)
            standing = _standing(standings, place.unit, indicator)
            measured = standing["status"] != "not-measured"
            own = _pooled(standings, members, indicator, days.first, last) if measured else NONE
            earlier: Figures | None = None
            if published is not None:
                earlier = published.get((place.unit, indicator))
            elif before is not None and measured:
                earlier = _pooled(standings, members, indicator, before.first, before.last)
            line = Line(
                place.row, place.unit, place.name, place.unit_class, place.group, indicator, *own,
                standing["numerator"], standing["denominator"], standing["target"], standing["expected"],
                standing["status"], standing["shortfall"], earlier, standing.get("frozen", False),
                standing.get("ceiling"),
            )  # fmt: skip
            found.append(line)
    return found


def _standing(standings: Standings, unit: str, indicator: Indicator) -> Standing:
    group = standings.groups().get(unit)
    return standings.standing(unit, indicator) if group is None else standings.group_standing(group, indicator)


def _members(standings: Standings, unit: str, indicator: Indicator) -> list[str]:
    """Return a unit alone, or the members of a group; a frozen one's figures are its heir's by now."""
    group = standings.groups().get(unit)
    if group is None:
        return [unit]
    return [m for m in group.members if not standings.standing(m, indicator).get("frozen")]


def _pooled(standings: Standings, units: Sequence[str], indicator: Indicator, first: date, last: date) -> Figures:
    each = [standings.figures_between(unit, indicator, first, last) for unit in units]
    return sum(n for n, _ in each), sum(d for _, d in each)


class _Place(NamedTuple):
    """Where a unit stands in the table."""

    unit_class: UnitClass
    order: int
    """of the decision's row"""
    within: str
    """'' for a group's own line, then its members by code"""
    unit: str
    name: str
    row: str
    group: str


def _places(standings: Standings) -> list[_Place]:
    registry, named = standings.reading.registry, standings.named()
    order = {id(row): n for n, row in enumerate(standings.reading.decision.every_row())}
    places = []
    for group in standings.groups().values():
        at = min((order[id(named[m])] for m in group.members if m in named), default=len(order))
        places.append(_Place("commune", at, "", group.code, group.name, group.row, group.code))
    for unit in sorted({*named, *standings.with_counters()}):
        if not standings.has_standing(unit):
            continue
        row = named.get(unit)
        known = registry.units.get(unit)
        unit_class: UnitClass = "other"
        if row is not None and known is not None:
            unit_class = _CLASS_OF.get(known.level, "other")
        name = row.name if row is not None and row.unit == unit else registry.name(unit)
        place = _Place(
            unit_class, len(order) if row is None else order[id(row)], unit, unit, name,
            "" if row is None else row.row, standings.group_of(unit) or "",
        )  # fmt: skip
        places.append(place)
    return sorted(places, key=lambda p: (CLASSES.index(p.unit_class), p.order, p.within))


# -- the year's estimate -----------------------------------------------------------------------------------------------


def estimates_of(standings: Standings, lines: Sequence[Line]) -> dict[Key, float]:
    """Return what the year comes to where the last 30 days go on as they were: (N + r·R)/(D + R), percent."""
    first, last = standings.reading.period(standings.as_of)
    ran = min(RUN_RATE_DAYS, (standings.as_of - first).days + 1)
    left = (last - standings.as_of).days
    since = standings.as_of - timedelta(days=ran - 1)
    found = {}
    for line in lines:
        if standings.reading.indicators[line.indicator].count not in ("dossier", "transaction"):
            continue
        recent = _pooled(
            standings, _members(standings, line.unit, line.indicator), line.indicator, since, standings.as_of
        )
        ratio = estimate(line.cumulative, recent, left / ran)
        if ratio is not None and line.status != "not-measured":
            found[line.key] = ratio
    return found


def estimate(cumulative: Figures, recent: Figures, windows_left: float) -> float | None:
    """Return a year-end ratio in percent by the run rate; None where nothing is counted.

    `recent` are the figures of the last days, `windows_left` how many times as many days are left. An estimate: the one
    figure of a report that is a float.

    >>> estimate((400, 1000), (35, 50), 10)
    50.0
    """
    rest = recent[1] * windows_left
    if cumulative[1] + rest == 0:
        return None
    return 100 * (cumulative[0] + recent[0] * windows_left) / (cumulative[1] + rest)
