"""Who has which target: the rows of a decision expanded over the registry, and handed on to heirs."""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from models.decisions.file import (
    ByYear,
    Decision,
    Growing,
    Growth,
    Indicator,
    Row,
    Value,
    beside,
    cells,
    steps_of,
)
from models.decisions.trajectory import Milestone, Milestones
from models.registers.units import COMMUNES, Heirs, Registry, Succession

ZERO: Final = Fraction(0)


class Target(NamedTuple):
    """What a unit is to reach: percent, the row that says so, and whether predecessors' targets disagree.

    While a target is `held` nobody has assigned one, and `value` is the plain mean of `parts`; a standing weights them
    by what each predecessor counted (`weighted`).
    """

    value: Fraction
    row: str
    baseline: Fraction | None
    held: bool = False
    parts: tuple[tuple[str, "Target"], ...] = ()
    """predecessor → its target, where the target is held"""
    milestones: Milestones | None = None
    """what the decision itself wants reached on the way"""
    stretch: Fraction | None = None
    """percent that the unit should reach beyond its target; shown, never judged"""


class Group(NamedTuple):
    """All communes of a district as one row of the decision."""

    code: str
    name: str
    row: str
    members: tuple[str, ...]


class Targets(NamedTuple):
    """Who has which target in one period, once the successions up to a day are taken in."""

    targets: Mapping[tuple[str, Indicator], Target]
    rows: Mapping[str, Row]
    """named unit → the row that names it"""
    groups: Mapping[str, Group]
    group_of: Mapping[str, str]


def weighted(target: Target, weights: Mapping[str, int]) -> Target:
    """Return a held target at the mean of its parts, weighted by what each predecessor counted (A20).

    >>> sixty, forty = (Target(Fraction(n), "1", None) for n in (60, 40))
    >>> held = Target(Fraction(50), "1", None, held=True, parts=(("A", sixty), ("B", forty)))
    >>> weighted(held, {"A": 300, "B": 200}).value
    Fraction(52, 1)
    """
    value, baseline, _ = _mean(target, "", weights)
    return target._replace(value=value, baseline=baseline)


def _mean(target: Target, unit: str, weights: Mapping[str, int]) -> tuple[Fraction, Fraction | None, int]:
    """Return target, baseline and weight of a unit, its own predecessors taken in."""
    own = weights.get(unit, 0)
    if not target.parts:
        return target.value, target.baseline, own
    parts = [_mean(part, code, weights) for code, part in target.parts]
    total = sum(weight for _, _, weight in parts)
    if total == 0:
        return target.value, target.baseline, own
    value = sum((value * weight for value, _, weight in parts), ZERO) / total
    baselines = [(baseline, weight) for _, baseline, weight in parts if baseline is not None]
    baseline = None
    if len(baselines) == len(parts):
        baseline = sum((baseline * weight for baseline, weight in baselines), ZERO) / total
    return value, baseline, total + own


def value_of(value: Value, years: int, growth: Growth | None, year: int = 0) -> Fraction | None:
    """Return a cell's target in a year, so many years after the first; None for a blank cell.

    >>> rise = Growing(first="50", yearly="10")
    >>> [float(value_of(rise, n, "relative")) for n in (0, 2)], value_of(rise, 9, None)
    ([50.0, 60.5], Fraction(100, 1))
    """
    if isinstance(value, Growing):
        first, yearly = Fraction(value.first), Fraction(value.yearly)
        grown = first * (1 + yearly / 100) ** years
        if (growth or value.growth) == "points":
            grown = first + yearly * years
        return min(grown, Fraction(value.cap))
    if isinstance(value, ByYear):
        value = value.of(year)
    return Fraction(value) if value else None


def members_of(row: Row, registry: Registry, heirs: Heirs) -> tuple[tuple[str, ...], Group | None]:
    """Return the units a row names, and the group it is, if it is one; units founded later are not among them."""
    if row.unit is not None and row.unit.endswith(COMMUNES):
        members = _existing(registry.communes_of(row.unit.removesuffix(COMMUNES)), heirs, row)
        return members, Group(row.unit, row.name, row.row, members)
    if row.unit is not None:
        return (row.unit,), None
    return _existing(registry.of_level(row.units or "commune", row.of or ""), heirs, row), None


def _existing(codes: Iterable[str], heirs: Heirs, row: Row) -> tuple[str, ...]:
    return tuple(c for c in codes if c not in heirs.founded and c not in row.excluded)


def _milestones(steps: Iterable[tuple[date, str, str]]) -> Milestones:
    return Milestones(tuple(Milestone(day, Fraction(text), between == "linear") for day, text, between in steps))


class Assignment:
    """Works out who has which target in one period: first the rows, then one succession after another."""

    def __init__(self, decision: Decision, registry: Registry, heirs: Heirs) -> None:
        """Start with nobody named."""
        self.decision = decision
        self.registry = registry
        self.heirs = heirs
        self.targets: dict[tuple[str, Indicator], Target] = {}
        self.rows: dict[str, Row] = {}
        self.groups: dict[str, Group] = {}
        self.group_of: dict[str, str] = {}
        self._named: set[str] = set()
        """units that a row names, itself or as one of a class: they keep what it gives them"""
        self._parts: dict[tuple[str, Indicator], dict[str, Target | None]] = {}
        """heir → what each of its named predecessors was to reach"""

    def take_rows(self, years: int, growth: Growth | None, year: int, amended: int = 0) -> None:
        """Expand the decision's rows, in a year, so many years after its first; then those of so many amendments."""
        for row in self.decision.rows:
            self._take_row(row, years, growth, year)
        for amendment in self.decision.amendments[:amended]:
            for row in amendment.rows:
                self._take_row(row, years, growth, year)

    def _take_row(self, row: Row, years: int, growth: Growth | None, year: int) -> None:
        members, group = members_of(row, self.registry, self.heirs)
        if group is not None:
            self.groups[group.code] = group
            self.group_of.update(dict.fromkeys(group.members, group.code))
        stretch = beside(self.decision, row.stretch)
        for indicator, cell in cells(self.decision, row).items():
            value = value_of(cell, years, growth, year)
            codes = (*members, *([group.code] if group is not None else ()))
            if value is None:
                for code in codes:  # an amendment may take a target back
                    self.targets.pop((code, indicator), None)
                continue
            baseline, steps = row.baseline.get(indicator), steps_of(self.decision, row, indicator)
            target = Target(
                value,
                row.row,
                None if baseline is None else Fraction(baseline),
                milestones=_milestones(steps) if steps else None,
                stretch=Fraction(stretch[indicator]) if stretch.get(indicator) else None,
            )
            for code in codes:
                self.targets[code, indicator] = target
        self.rows.update(dict.fromkeys(members, row))
        self._named.update(members)

    def take_succession(self, succession: Succession) -> None:
        """Give an heir the targets of its predecessors; held where these differ and nobody has assigned one (P14).

        An heir that the decision names itself keeps the target it has there.
        """
        heir, old = succession.heir, succession.predecessor
        self._join_group(heir, old)
        assigned = self.registry.units[heir].target_of if heir in self.registry.units else ""
        if assigned:
            self._assign(heir, assigned)
        elif old in self.rows and heir not in self._named:
            self.rows.setdefault(heir, self.rows[old])
            for indicator in self.decision.indicators:
                parts = self._parts.setdefault((heir, indicator), {})
                parts[old] = self.targets.get((old, indicator))
                self._settle(heir, indicator, parts)

    def _assign(self, heir: str, source: str) -> None:
        if source in self.rows:
            self.rows.setdefault(heir, self.rows[source])
        for indicator in self.decision.indicators:
            target = self.targets.get((source, indicator))
            if target is not None:
                self.targets[heir, indicator] = target
            else:
                self.targets.pop((heir, indicator), None)

    def _settle(self, heir: str, indicator: Indicator, parts: Mapping[str, Target | None]) -> None:
        """Give an heir the one target all its predecessors had, or hold it where they differ."""
        given = {code: target for code, target in parts.items() if target is not None}
        if not given:
            return
        one = next(iter(given.values()))
        agreed = len(given) == len(parts) and all(
            (t.value, t.milestones) == (one.value, one.milestones) and not t.held for t in given.values()
        )
        if not agreed:
            mean = sum((t.value for t in given.values()), ZERO) / len(given)
            one = Target(mean, one.row, one.baseline, held=True, parts=tuple(sorted(given.items())))
        self.targets[heir, indicator] = one

    def _join_group(self, heir: str, old: str) -> None:
        group = self.groups.get(self.group_of.get(old, ""))
        if (
            group is not None
            and heir not in self.group_of
            and self.registry.home(heir) == self.registry.home(group.code)
        ):
            self.groups[group.code] = group._replace(members=tuple(sorted({*group.members, heir})))
            self.group_of[heir] = group.code

    def result(self) -> Targets:
        """Return what was worked out."""
        return Targets(self.targets, self.rows, self.groups, self.group_of)
