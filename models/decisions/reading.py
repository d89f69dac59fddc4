"""A decision made executable: its file together with registry, switches, catalogue, trajectories and successions.

A `Reading` answers what the rest of the core asks: which rules count dossiers, who has which target on a day, what is
expected by then, who belongs to which group. It is built once and never changed; its fingerprints name the epoch.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from pydantic_core import to_json

from models.calendar.workdays import SHIPPED, Workdays
from models.counting.contributions import (
    FOLD_VERSION,
    FULL,
    LISTED,
    ON_PAYMENT,
    OVERDUE_ITEM,
    PARTIAL,
    PAYABLE_ONLINE,
    Basis,
    CopyRule,
    DossierRule,
    FoldRules,
    Mark,
    PaymentRule,
    Sieve,
)
from models.decisions.file import (
    COMMON_SWITCHES,
    NOT,
    QUESTIONS,
    BadDecision,
    ByYear,
    DayOf,
    Decision,
    Effect,
    Formula,
    Growth,
    Indicator,
    Row,
    cells,
    steps_of,
)
from models.decisions.measures import Measure, MeasureKey
from models.decisions.targets import Assignment, Group, Target, Targets, members_of, value_of
from models.decisions.trajectory import Flat, Milestones, Ramp, Trajectory
from models.registers.catalogue import OPEN, Catalogue, DatedRule, Entry, Listing
from models.registers.tables import BadTable
from models.registers.units import COMMUNES, Heirs, Registry, Succession, Unit
from models.wording import decimal_text

__all__ = ["Group", "Reading", "Sources", "SwitchView", "Target", "Targets"]
STANDING_VERSION: Final = 6
UNKNOWN_HOME: Final = "unknown-units"
"""Raise it whenever a standing or an alert comes out differently from the same counters, or is to be said anew."""
LATE_SHARE: Final = Fraction(1, 4)
"""of a period: a first milestone after its first quarter is warned of"""
LOW_SHARE: Final = Fraction(1, 2)
"""of a straight line from 0 to the target: a milestone below that, and by `LOW_POINTS`, is warned of"""
LOW_POINTS: Final = 5
"""points of percent"""


class SwitchView(NamedTuple):
    """A switch with its value, for those who read a figure that depends on it."""

    name: str
    value: str
    choices: tuple[str, ...]
    question: str


@dataclass(frozen=True)
class Sources:
    """What a reading is made of besides the decision file. All of it is data, and part of the fingerprint."""

    registry: Registry
    catalogue: tuple[Entry, ...] | None = None
    trajectories: Mapping[tuple[str, str], Milestones] = field(default_factory=dict)
    successions: tuple[Succession, ...] = ()
    switches: Mapping[str, str] = field(default_factory=dict)
    workdays: Workdays = SHIPPED
    measures: Mapping[MeasureKey, Measure] | None = None
    """figures from outside; None where none are given: what counts them is then not measured"""
    unknown_units_max: int = 1_000
    """units that no registry knows and that have a standing all the same, at most"""


class Reading:
    """One decision, as it is applied."""

    def __init__(self, decision: Decision, sources: Sources) -> None:
        """Work out what the decision says. Raises BadDecision where it does not fit the registry or a switch."""
        self.decision = decision
        self.registry = with_agencies(decision, sources.registry)
        try:
            self.heirs = Heirs(self.registry, sources.successions, _named(decision))
        except BadTable as exc:
            raise BadDecision(str(exc)) from exc
        self.trajectories = dict(sources.trajectories)
        self.workdays = sources.workdays
        self.unknown_units_max = sources.unknown_units_max
        self._of_successions = {u for s in sources.successions for u in (s.predecessor, s.heir)}
        self.switches = _switches(decision, sources.switches)
        self.indicators: Mapping[Indicator, Formula] = self._formulas()
        """as the switches have them"""
        self.listing = self._listing()
        self._sources = sources
        self.catalogue = (
            None if sources.catalogue is None else Catalogue(sources.catalogue, self.registry, self.listing)
        )
        self._by_year = any(
            isinstance(value, ByYear)
            for row in decision.every_row()
            for value in (row.targets.values() if isinstance(row.targets, dict) else row.targets)
        )
        """whether a target may change at the turn of a year within the period"""
        self.fold = self._fold_rules()
        self._regime = lru_cache(maxsize=64)(self._targets)
        self._trajectory = lru_cache(maxsize=65536)(self._trajectory_of)
        self._expected = lru_cache(maxsize=65536)(self._expected_on)
        if problems := self.problems():
            raise BadDecision("\n".join(f"{decision.id}: {p}" for p in problems))

    def is_unknown(self, unit: str) -> bool:
        """Tell whether neither the registry, nor the decision, nor a succession knows a unit: a code and no more."""
        if unit.endswith(COMMUNES) and unit.removesuffix(COMMUNES) in self.registry.units:
            return False  # a class of communes is a row of decisions
        return self.registry.is_unknown(unit) and unit not in self._of_successions

    def home(self, unit: str) -> str:
        """Return the key that decides which partition of watch a unit lies in.

        All units that nobody knows lie together: which of them have a standing is decided in one place.
        """
        return UNKNOWN_HOME if self.is_unknown(unit) else self.registry.home(unit)

    # -- time ----------------------------------------------------------------------------------------------------------

    def period(self, on: date) -> tuple[date, date]:
        """Return the first and last day of the period that a day belongs to, or of the nearest one."""
        period = self.decision.period
        if period.first is not None and period.last is not None:
            return period.first, period.last
        year = max(on.year, period.yearly_from or on.year)
        return date(year, 1, 1), date(year, 12, 31)

    def nearest(self, on: date) -> date:
        """Return a day, or the nearest day of its period."""
        first, last = self.period(on)
        return min(max(on, first), last)

    def effective(self, on: date) -> date:
        """Return the day from which alerts are raised: the decision's, or the period's first where that is unknown."""
        first, _ = self.period(on)
        return max(first, self.decision.effective or first)

    # -- targets -------------------------------------------------------------------------------------------------------

    def targets(self, on: date) -> Targets:
        """Return who has which target on a day."""
        first = self.period(on)[0]
        year = first.year if self.decision.period.yearly_from is not None else on.year if self._by_year else 0
        amended = sum(a.effective <= on for a in self.decision.amendments)
        return self._regime(first, sum(s.day <= on for s in self.heirs.successions), year, amended)

    def target(self, unit: str, indicator: Indicator, on: date) -> Target | None:
        """Return a unit's or a group's target on a day; None for a blank cell and for a unit not named."""
        return self.targets(on).targets.get((unit, indicator))

    def expected(self, unit: str, indicator: Indicator, on: date) -> Fraction | None:
        """Return the trajectory's value by the end of a day, percent; None without target or before its first row."""
        return self._expected(unit, indicator, on)

    def _expected_on(self, unit: str, indicator: Indicator, on: date) -> Fraction | None:
        target = self.target(unit, indicator, on)
        return None if target is None else self.expected_of(unit, indicator, target, on)

    def expected_of(self, unit: str, indicator: Indicator, target: Target, on: date) -> Fraction | None:
        """Return the trajectory's value by the end of a day, for a unit that is to reach this target."""
        return self._trajectory(unit, indicator, target, self.period(on)).at(on)

    def moves(self, indicator: Indicator) -> bool:
        """Tell whether what is expected of units under an indicator may change from one day to the next."""
        mode = self.switches["trajectory"]
        ramp = self.indicators[indicator].trajectory == "ramp" if mode == "default" else mode == "linear"
        rows = self.decision.every_row()
        if mode == "default" and any(indicator in row.baseline or row.milestones for row in rows):
            return True
        if (mode == "default" and self.decision.milestones) or self.decision.amendments or self._by_year:
            return True
        return ramp or any(i == indicator for _, i in self.trajectories) or self.decision.period.yearly_from is not None

    def entered(self, unit: str, indicator: Indicator, on: date) -> bool:
        """Tell whether a unit, or its group, has entered a trajectory of its own."""
        return any((c, indicator) in self.trajectories for c in (unit, self.targets(on).group_of.get(unit, "")))

    def _trajectory_of(self, unit: str, indicator: Indicator, target: Target, period: tuple[date, date]) -> Trajectory:
        for code in (unit, self.targets(period[1]).group_of.get(unit, "")):
            entered = self.trajectories.get((code, indicator))
            if entered is not None:
                return entered
        mode = self.switches["trajectory"]
        if mode == "default" and target.milestones is not None:
            return target.milestones
        ramp = self.indicators[indicator].trajectory == "ramp" if mode == "default" else mode == "linear"
        if ramp or (mode == "default" and target.baseline is not None):
            return Ramp(target.baseline or Fraction(0), target.value, *period)
        return Flat(target.value)

    def steps(self, unit: str, indicator: Indicator, on: date) -> bool:
        """Tell whether what is expected of a unit may rise from one day to the next by more than a ramp does."""
        target = self.target(unit, indicator, on)
        own = target is not None and (target.milestones is not None or bool(self.decision.amendments) or self._by_year)
        return own or self.entered(unit, indicator, on)

    def _targets(self, first: date, taken_in: int, year: int, amended: int) -> Targets:
        assignment = Assignment(self.decision, self.registry, self.heirs)
        assignment.take_rows(self._years(first), self._growth(), year, amended)
        for succession in self.heirs.successions[:taken_in]:
            assignment.take_succession(succession)
        return assignment.result()

    def row_targets(self, row: Row, on: date) -> dict[Indicator, Fraction | None]:
        """Return what stands in a row of the decision, in the year of a day: percent, None where it is blank."""
        first = self.period(on)[0]
        year = first.year if self.decision.period.yearly_from is not None else on.year
        years, growth = self._years(first), self._growth()
        return {i: value_of(cell, years, growth, year) for i, cell in cells(self.decision, row).items()}

    def _years(self, first: date) -> int:
        return first.year - (self.decision.period.yearly_from or first.year)

    # -- switches ------------------------------------------------------------------------------------------------------

    def _effects(self) -> list[Effect]:
        chosen = ((switch, self.switches[name]) for name, switch in self.decision.switches.items())
        return [switch.effects[value] for switch, value in chosen if value in switch.effects]

    def _formulas(self) -> dict[Indicator, Formula]:
        formulas = dict(self.decision.indicators)
        for effect in self._effects():
            for indicator, change in effect.indicators.items():
                formulas[indicator] = formulas[indicator].changed(change)
        return formulas

    def _growth(self) -> Growth | None:
        return next((effect.growth for effect in self._effects() if effect.growth is not None), None)

    def _listing(self) -> Listing:
        scope = self.decision.catalogue
        if scope is None:
            return Listing()
        rules = []
        for rule in scope.rules:
            first = OPEN[0] if rule.first is None else self._day(rule.first)
            last = OPEN[1] if rule.last is None else self._day(rule.last) or OPEN[1]
            if first is not None:  # a day not known yet: the rule has not begun, or has not ended
                rules.append(DatedRule(frozenset(rule.on), frozenset(rule.off), (first, last)))
        return Listing(frozenset(scope.levels), tuple(rules) if scope.rules else None)

    def _day(self, rule: DayOf) -> str | None:
        """Return the civil day a switch gives (ISO text); None while it is not known."""
        value = self.switches[rule.on]
        if not _is_date(value):
            return None
        switch = None if rule.plus is None else self.decision.switches[rule.plus]
        days = 0 if switch is None else switch.days[self.switches[rule.plus or ""]]
        try:
            return (date.fromisoformat(value) + timedelta(days=days)).isoformat()
        except OverflowError as exc:
            raise BadDecision(f"switch {rule.on} is {value!r}: {days} days on the calendar ends") from exc

    # -- counting ------------------------------------------------------------------------------------------------------

    def measured(self, indicator: Indicator) -> bool:
        """Tell whether an indicator can be measured with what this reading has."""
        formula = self.indicators[indicator]
        if formula.count == "measure":
            return self._sources.measures is not None
        return not formula.of_catalogue or self.catalogue is not None

    def measures(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Yield (unit it counts for, civil day, indicator, numerator, denominator) of what comes from outside."""
        for (indicator, unit, day), told in (self._sources.measures or {}).items():
            formula = self.indicators.get(indicator)
            if formula is not None and formula.count == "measure":
                yield self.registry.counts_for(unit), day, indicator, told.numerator, told.denominator

    def with_measures(self, measures: Mapping[MeasureKey, Measure]) -> "Reading":
        """Return the same decision with figures from outside.

        Raises BadDecision where they bear the name of none of its measures.
        """
        of = {i for i, formula in self.indicators.items() if formula.count == "measure"}
        if strange := sorted({indicator for indicator, _, _ in measures} - of):
            raise BadDecision(f"{self.decision.id}: it counts no measures under {strange[0]!r}")
        return Reading(self.decision, replace(self._sources, measures=measures))

    def listed(self, procedure: str | None, unit: str, day: str) -> bool:
        """Tell whether a procedure is listed for a unit on a civil day (ISO text)."""
        return self.catalogue is not None and self.catalogue.listed(procedure, unit, day)

    def online_services(self, unit: str, on: date) -> frozenset[str]:
        """Return the online services of a unit on a day."""
        return frozenset() if self.catalogue is None else self.catalogue.online_services(unit, on)

    def _fold_rules(self) -> FoldRules:
        dossiers: list[DossierRule] = []
        payments: list[PaymentRule] = []
        copies: list[CopyRule] = []
        for indicator, formula in self.indicators.items():
            if not self.measured(indicator):
                continue
            if formula.count == "transaction":
                payments.append(PaymentRule(indicator, _sieve_of_payments(formula)))
            elif formula.count == "copy":
                copies.append(CopyRule(indicator))
            elif formula.count in ("dossier", "service"):
                dossiers += self._dossier_rules(indicator, formula)
        asks_list = any(formula.asks_list for formula in self.indicators.values())
        if asks_list and self.catalogue is None:
            raise BadDecision(f"{self.decision.id}: its online ratio needs the list of procedures: give a catalogue")
        catalogue = self.catalogue
        return FoldRules(
            tuple(dossiers),
            tuple(payments),
            tuple(copies),
            self.heirs,
            self.listed if asks_list else None,
            None if catalogue is None else lru_cache(maxsize=65536)(catalogue.documented),
            None if catalogue is None else lru_cache(maxsize=65536)(_said_by(catalogue)),
            tuple(i for i, formula in self.indicators.items() if formula.lists_overdue and self.measured(i)),
        )

    def under(self, switches: Mapping[str, str]) -> "Reading":
        """Return the same decision, with the same files, read otherwise. Raises BadDecision."""
        if all(self.switches.get(name) == value for name, value in switches.items()):
            return self
        return Reading(self.decision, replace(self._sources, switches={**self._sources.switches, **switches}))

    def _dossier_rules(self, indicator: Indicator, formula: Formula) -> list[DossierRule]:
        basis = _basis(formula)
        of_services = formula.count == "service"
        below, without = (0, 0) if of_services else _marks(formula.denominator, basis)
        if indicator == "online-dossiers" and self.switches["postal_in_denominator"] == "false":
            without |= Mark.POSTAL
        above, unless = _marks(formula.numerator, basis)
        rules = [DossierRule(indicator, basis, Sieve(below, below | above, without, unless), of_services)]
        if formula.caps:  # beside it, what the catalogue lets a unit have above the line at most
            most = below | _marks(formula.caps, basis)[0]
            rules.append(DossierRule(f"{indicator}:{LISTED}", basis, Sieve(most, most, without)))
        return rules

    # -- about itself --------------------------------------------------------------------------------------------------

    def switch_views(self) -> list[SwitchView]:
        """Return every switch of this decision with the value that holds."""
        own = [SwitchView(n, self.switches[n], s.choices, s.question) for n, s in self.decision.switches.items()]
        common = [SwitchView(n, self.switches[n], c, QUESTIONS[n]) for n, c in COMMON_SWITCHES.items()]
        return own + common

    def followed(self) -> frozenset[str]:
        """Return the cells whose dossiers below the line are listed: still to be fulfilled, or overdue."""
        later = [i for i, formula in self.indicators.items() if formula.fulfilled_later]
        return frozenset((*later, *(f"{indicator}:{OVERDUE_ITEM}" for indicator in self.fold.overdue)))

    def problems(self) -> list[str]:
        """Say what does not fit between the decision and the registry; empty when all is well."""
        found = []
        for row in self.decision.every_row():
            members, group = members_of(row, self.registry, self.heirs)
            found += [f"{self._place(row)}: no registry knows the unit {u!r}" for u in self._strange(row)]
            if not members and row.units != "province-agency":
                found.append(f"{self._place(row)}: the registry has no unit for it")
            shipped = sum(m not in self.registry.added for m in members)  # a deployment may add to a row
            if row.count is not None and row.count not in {len(members), shipped}:
                what = "units" if group is None else "communes"
                found.append(f"{self._place(row)}: it names {row.count} {what}, the registry has {len(members)}")
            if group is None and row.unit is not None and row.unit not in self.registry.units:
                found.append(f"{self._place(row)}: no registry knows the unit {row.unit!r}")
        for unit, indicator in self.trajectories:
            if indicator not in self.indicators:
                found.append(f"trajectory of {unit}: the decision has no indicator {indicator}")
        return found

    def _strange(self, row: Row) -> list[str]:
        """Return what a row leaves out although no registry knows it."""
        return [unit for unit in row.excluded if unit not in self.registry.units]

    def _place(self, row: Row) -> str:
        """Return how a row is named in a sentence: by its number, and by its words where several bear the number."""
        alike = sum(other.row == row.row for other in self.decision.rows) > 1
        return f"row {row.row!r} ({row.name})" if alike else f"row {row.row!r}"

    def warnings(self) -> list[str]:
        """Say what is allowed and yet worth a look: rows that watch nobody, trajectories that end below the target."""
        found = [
            f"{self._place(row)}: it watches nobody yet, the registry has no such unit; declare them with --units"
            for row in self.decision.rows
            if not members_of(row, self.registry, self.heirs)[0]
        ]
        found += self._short_milestones()
        last = self.decision.period.last
        for (unit, indicator), milestones in sorted(self.trajectories.items()):
            if self.registry.district_of(unit):
                continue  # an office's own track (models/evaluation/office_tracks.py)
            final = milestones.rows[-1]
            target = self.target(unit, indicator, last or final.day)
            if target is None:
                found.append(f"trajectory of {unit}, {indicator}: the decision gives it no target")
            elif final.value < target.value:
                found.append(
                    f"trajectory of {unit}, {indicator}: ends at {final.value}, below the target {target.value}"
                )
            if target is not None:
                found += self._lax(f"trajectory of {unit}, {indicator}", milestones, target.value)
        return found

    def _short_milestones(self) -> Iterator[str]:
        """Say which rows' milestones end below their own target."""
        for row in self.decision.every_row():
            for indicator, value in cells(self.decision, row).items():
                steps = steps_of(self.decision, row, indicator)
                if not steps:
                    continue
                day, text, _ = steps[-1]
                target = value_of(value, self._years(self.period(day)[0]), self._growth(), day.year)
                if target is not None and Fraction(text) < target:
                    yield (
                        f"{self._place(row)}: its milestones of {indicator} end at {text}, below the target "
                        f"{decimal_text(target)}"
                    )

    def _lax(self, what: str, milestones: Milestones, target: Fraction) -> Iterator[str]:
        """Say where milestones ask for so little that nobody can fall below them for months."""
        begin = milestones.rows[0].day
        first, last = self.period(begin)
        days = (last - first).days + 1
        if (begin - first).days > days * LATE_SHARE:
            yield f"{what}: begins on {begin:%d/%m/%Y} only; before that day the unit cannot fall below it"
        for milestone in milestones.rows:
            n = (milestone.day - first).days + 1
            line = target * n / days
            if 0 < n < days and milestone.value < min(line * LOW_SHARE, line - LOW_POINTS):
                yield (
                    f"{what}: {decimal_text(milestone.value)} on {milestone.day:%d/%m/%Y} is less than half of an even "
                    f"way to the target, {line // 1}"
                )
                return

    def fold_fingerprint(self) -> str:
        """Return a name of all that decides where a dossier counts; counters are made anew when it changes."""
        s = self._sources
        return _fingerprint(
            FOLD_VERSION,
            [
                (i, f.model_dump(include={"count", "basis", "numerator", "denominator"}))
                for i, f in self.indicators.items()
            ],
            self.switches["postal_in_denominator"],
            (
                sorted(self.listing.levels),
                self.listing.rules is not None,
                [(sorted(r.on), sorted(r.off), r.days) for r in self.listing.rules or ()],
            ),
            sorted((u.code, u.level, u.parent) for u in self.registry.units.values()),
            None if s.catalogue is None else [_plain(e) for e in s.catalogue],
            [_plain(x) for x in self.heirs.successions],
        )

    def fingerprint(self) -> str:
        """Return a name of all that decides what a standing or an alert says."""
        s = self._sources
        return _fingerprint(
            STANDING_VERSION,
            self.fold_fingerprint(),
            self.decision.model_dump(mode="json"),
            self.switches,
            sorted((u.code, u.name, u.target_of, str(u.since)) for u in self.registry.units.values()),
            [(k, [_plain(m) for m in v.rows]) for k, v in sorted(s.trajectories.items())],
            sorted(s.workdays.corrections.items()),
            s.unknown_units_max,
        )


def _named(decision: Decision) -> frozenset[str]:
    """Return the units that a decision names one by one."""
    return frozenset(row.unit for row in decision.every_row() if row.unit is not None)


def _plain(value: object) -> list[str]:
    """Return a frozen dataclass as texts in a stable order."""
    parts = []
    for name in value.__dataclass_fields__:  # type: ignore[attr-defined]
        part = getattr(value, name)
        parts.append(",".join(sorted(part)) if isinstance(part, frozenset) else str(part))
    return parts


def _fingerprint(*parts: object) -> str:
    return hashlib.sha256(to_json(parts)).hexdigest()[:16]


_BY_DAY: Final = {"full": FULL, "partial": PARTIAL, "payable-online": PAYABLE_ONLINE}
"""filter → its mark on the day of reception; of other days shifted"""
_PLACES: Final[Mapping[Basis, int]] = {"received": 0, "resolved": 1, "issued": 2}


def _marks(filters: Iterable[str], basis: Basis | Literal["paid"]) -> tuple[int, int]:
    """Return the marks that filters ask for, and those that they forbid."""
    asked = forbidden = 0
    place = ON_PAYMENT if basis == "paid" else _PLACES[basis]
    for name in filters:
        word = name.removeprefix(NOT)
        if word in _BY_DAY:
            mark = _BY_DAY[word] << place
        elif basis == "paid" and word == "online":
            mark = int(Mark.PAID_ONLINE)
        else:
            mark = int(Mark[word.upper().replace("-", "_")])
        if name.startswith(NOT):
            forbidden |= mark
        else:
            asked |= mark
    return asked, forbidden


def _sieve_of_payments(formula: Formula) -> Sieve:
    """Return the marks by which payments are counted.

    Where nothing is asked of it, a payment above the line is one made online.
    """
    below, without = _marks(formula.denominator, "paid")
    above, unless = _marks(formula.numerator, "paid")
    if not formula.numerator:
        above = int(Mark.PAID_ONLINE)
    return Sieve(below, below | above, without, unless)


def _said_by(catalogue: Catalogue) -> Callable[[str | None, str, str], int]:
    def said(procedure: str | None, unit: str, day: str) -> int:
        level, payable = catalogue.offered(procedure, unit, date.fromisoformat(day))
        mark = FULL if level == "full" else PARTIAL if level == "partial" else 0
        return mark | (PAYABLE_ONLINE if payable else 0)

    return said


def _basis(formula: Formula) -> Basis:
    if formula.basis in ("received", "resolved", "issued"):
        return formula.basis
    raise BadDecision(f"a formula that counts dossiers needs the basis received, resolved or issued: {formula.title}")


def with_agencies(decision: Decision, registry: Registry) -> Registry:
    """Add the agencies that a decision itself names: their names stand in its rows."""
    named = [
        Unit(row.unit, row.name, "province-agency", decision.province)
        for row in decision.every_row()
        if row.unit is not None and "/" not in row.unit and row.unit not in registry.units
        and row.unit.startswith(f"{decision.province}.")
    ]  # fmt: skip
    return replace(registry.with_units(named), added=registry.added)


def _switches(decision: Decision, given: Mapping[str, str]) -> dict[str, str]:
    choices = {**{n: s.choices for n, s in decision.switches.items()}, **COMMON_SWITCHES}
    values = {name: options[0] for name, options in choices.items()}
    for name, value in given.items():
        if name not in choices:
            raise BadDecision(f"{decision.id} has no switch {name!r}; it has {', '.join(sorted(choices))}")
        if value not in choices[name] and not ("date" in choices[name] and _is_date(value)):
            raise BadDecision(f"switch {name} is {value!r}, expected one of {', '.join(choices[name])}")
        values[name] = value
    return values


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
