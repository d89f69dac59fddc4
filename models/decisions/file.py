"""A decision as data: what its file may hold, and how a file is checked.

The words of the file are those of the decision. Each value carries the clause it comes from; a question that the text
leaves to its owner is a named switch with a default. What the file means is worked out in `models.decisions.reading`.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from models.wording import sentence_of

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

INDICATORS: Final = (
    "full-online-provision",
    "services-with-dossiers",
    "online-dossiers",
    "online-payments",
    "digitised-results",
    "electronic-results",
    "electronic-copies",
    "national-portal-integration",
)
"""names that have a meaning of their own (contract); a decision may count by any other name as well"""
INDICATOR_NAME: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Indicator = Annotated[str, StringConstraints(pattern=INDICATOR_NAME, max_length=63)]
"""lower-case letters and digits, words joined by hyphens"""

COMMON_SWITCHES: Final[Mapping[str, tuple[str, ...]]] = {
    "postal_in_denominator": ("true", "false"),
    "report_months": ("calendar", "15-14"),
    "trajectory": ("default", "flat", "linear"),
    "alert_rule": ("evidence", "literal", "forecast", "graded"),
}
QUESTIONS: Final[Mapping[str, str]] = {
    "postal_in_denominator": "Hồ sơ nộp qua bưu chính công ích có tính vào tổng số hồ sơ không?",
    "report_months": "Tháng báo cáo tính theo tháng dương lịch hay từ ngày 15 đến ngày 14?",
    "trajectory": "Lộ trình trong kỳ: theo mặc định của quyết định, giữ nguyên chỉ tiêu, hay tăng đều đến chỉ tiêu?",
    "alert_rule": "Quy tắc cảnh báo nào được áp dụng?",
}


class BadDecision(ValueError):  # noqa: N818 - a sentence for the person who wrote the file
    """A decision file is wrong; each line of the message says where, and what was expected."""


class Strict(BaseModel):
    """No field beyond those named; immutable once read.

    Editors show the texts below fields (`models.authoring.json_schema`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Period(Strict):
    """The days the decision judges, both inclusive; `yearly_from` for a decision that holds for every calendar year."""

    first: date | None = Field(default=None, alias="from")
    """first civil day, inclusive"""
    last: date | None = Field(default=None, alias="to")
    """last civil day, inclusive"""
    yearly_from: int | None = None
    """the first year, where the decision holds for every calendar year"""
    clause: Text
    """where the text says so"""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        fixed = self.first is not None and self.last is not None
        if fixed == (self.yearly_from is not None):
            raise ValueError("a period is `from` and `to`, or `yearly_from`")
        if fixed and self.first > self.last:  # type: ignore[operator]  # both are dates where `fixed`
            raise ValueError("the period ends before it begins")
        return self


Filter = Literal[
    "online", "postal", "assisted", "listed", "full", "partial", "payable-online", "result-document", "electronic",
    "digitised", "component-digitised", "reused", "fee", "paid-online", "national-gateway", "exempt", "due", "on-time",
    "!online", "!postal", "!assisted", "!listed", "!full", "!partial", "!payable-online", "!result-document",
    "!electronic", "!digitised", "!component-digitised", "!reused", "!fee", "!paid-online", "!national-gateway",
    "!exempt", "!due", "!on-time",
]  # fmt: skip
"""what may be asked of a dossier, of its procedure, of a payment; `!` in front: that it is not so"""
NOT: Final = "!"
OF_LIST: Final = frozenset({"listed", "full", "partial", "payable-online"})
"""what the catalogue says of a procedure"""
OF_PAYMENT: Final = frozenset({"online", "paid-online", "national-gateway"})
LATER: Final = frozenset(
    {"digitised", "electronic", "component-digitised", "reused", "paid-online", "national-gateway"}
)
"""what may still be done after the day on which a dossier counts"""
Shape = Literal["ratio", "adoption"]
Growth = Literal["points", "relative"]


def plain(filters: Iterable[str]) -> frozenset[str]:
    """Return the names of filters, negated ones too.

    >>> sorted(plain(("online", "!postal")))
    ['online', 'postal']
    """
    return frozenset(name.removeprefix(NOT) for name in filters)


class Change(Strict):
    """What a choice makes of one formula; what it does not name stays as it is."""

    numerator: tuple[Filter, ...] | None = None
    """marks above the line, in place of the formula's"""
    denominator: tuple[Filter, ...] | None = None
    """marks below the line, in place of the formula's"""
    shape: Shape | None = None
    """shape, in place of the formula's"""


class Effect(Strict):
    """What a choice changes besides days."""

    indicators: dict[Indicator, Change] = {}
    """indicator → what changes of its formula"""
    growth: Growth | None = None
    """how the yearly targets of this decision grow"""


class Switch(Strict):
    """A question that the text leaves to its owner.

    The first choice is the default. A choice `date` stands for any civil day, YYYY-MM-DD. What a choice means is said
    here: in `effects` by choice, or in `days`, which the days of `[catalogue]` refer to.
    """

    choices: tuple[Text, ...] = Field(min_length=1)
    """the answers, the default first; `none` and `date` for a day that is not known yet"""
    question: Text
    """the question, in Vietnamese, as officials read it"""
    clause: Text
    """where the text says so"""
    answers: dict[str, Text] = {}
    """choice → what it means, in Vietnamese, as reports print it"""
    days: dict[str, int] = {}
    """choice → how many days later"""
    effects: dict[str, Effect] = {}
    """choice → what it changes"""

    @model_validator(mode="after")
    def _known_choices(self) -> Self:
        if self.days and self.days.keys() != set(self.choices):
            raise ValueError(f"`days` needs a number for each of {', '.join(self.choices)}")
        for name, given in (("answers", self.answers), ("effects", self.effects)):
            if strange := sorted(given.keys() - set(self.choices)):
                raise ValueError(f"`{name}` names {', '.join(strange)}, which is no choice")
        return self


class DayOf(Strict):
    """A civil day that a switch gives; unknown while that switch is `none`."""

    on: Text
    """the switch whose choice is a date"""
    plus: Text | None = None
    """the switch whose `days` are added"""


class ListRule(Strict):
    """Between which days the dossiers of procedures on certain lists count; both days inclusive.

    Until its day is known a rule with `from` has not begun, and one with `to` has not ended.
    """

    clause: Text
    """where the text says so"""
    on: tuple[Text, ...] = Field(min_length=1)
    """lists, all of which hold the procedure"""
    off: tuple[Text, ...] = ()
    """lists, none of which holds it"""
    first: DayOf | None = Field(default=None, alias="from")
    """the first day"""
    last: DayOf | None = Field(default=None, alias="to")
    """the last day"""


class Scope(Strict):
    """Which rows of the procedure catalogue are the list that this decision speaks of."""

    title: Text
    """the list, in the decision's own words"""
    clause: Text
    """where the text says so"""
    owner: Text
    """who answers for what stands on the list: to whom it goes if a target cannot be reached because of it"""
    levels: tuple[Literal["full", "partial", "none"], ...] = ()
    """only rows of these levels; empty: of any"""
    rules: tuple[ListRule, ...] = ()
    """by list and day; empty: on any list"""


class Duty(Strict):
    """A report that the decision asks for.

    `latest_day` is the last day on which it is in time ("trước ngày 20": the 19th).
    """

    period: Literal["month", "year"]
    """how often"""
    latest_day: int = Field(ge=1, le=28)
    """day of the month"""
    latest_month: int | None = Field(default=None, ge=1, le=12)
    """of a yearly report"""
    by: Text
    """who reports"""
    to: Text
    """to whom"""
    clause: Text
    """where the text says so"""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.period == "year") != (self.latest_month is not None):
            raise ValueError("`latest_month` belongs to a yearly report, and to that alone")
        return self

    def due(self, last: date) -> date:
        """Return the last day on which the report on a period that ends on `last` is in time.

        A monthly report: the next such day after the month, be it a calendar month or one from the 15th to the 14th. A
        yearly one: that day of the year itself.
        """
        if self.latest_month is not None:
            return date(last.year, self.latest_month, self.latest_day)
        if last.day < self.latest_day:
            return last.replace(day=self.latest_day)
        following = last.replace(day=28) + timedelta(days=4)
        return following.replace(day=self.latest_day)

    def estimates(self, last: date) -> bool:
        """Tell whether the report is due before its period ends: it gives figures so far, and an estimate."""
        return self.due(last) <= last


Count = Literal["dossier", "transaction", "copy", "service", "catalogue", "measure"]
BASES: Final[Mapping[str, tuple[str, ...]]] = {
    "dossier": ("received", "resolved", "issued"),
    "service": ("received", "resolved", "issued"),
    "transaction": ("paid",),
    "copy": ("certified",),
    "catalogue": ("catalogue",),
    "measure": ("measure",),
}
"""what is counted → the days on which it can count; the only one is left out"""
_OF_TRANSACTION: Final = OF_PAYMENT | OF_LIST | {"postal", "assisted", "fee", "exempt"}
_ASKED: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "transaction": (_OF_TRANSACTION, _OF_TRANSACTION),
    "copy": (frozenset({"electronic"}), frozenset()),
    "catalogue": (OF_LIST, OF_LIST),
    "measure": (frozenset(), frozenset()),
}
"""what is counted → filters that can be asked above the line, and below it; of dossiers all"""
OWN_RULES: Final = frozenset({"full-online-provision", "national-portal-integration"})
"""figures of the catalogue that the contract fixes by name"""


class Formula(Strict):
    """What one indicator counts (contract: "When a dossier counts")."""

    title: Text
    """the decision's own words"""
    short: Text
    """a wall's column head, Vietnamese"""
    short_en: Text | None = None
    """the same in English, for those who read that"""
    clause: Text
    """where the text says so"""
    count: Count
    """what is counted"""
    basis: Literal["received", "resolved", "issued", "paid", "certified", "catalogue", "measure"]
    """the event on whose civil day it counts; `copied` is taken for `certified`; left out where there is no choice"""
    numerator: tuple[Filter, ...] = ()
    """marks a dossier (payment, copy) needs to count above the line, besides those below it"""
    denominator: tuple[Filter, ...] = ()
    """marks it needs to count at all"""
    shape: Shape = "ratio"
    """ratio: of what is counted; adoption: a unit is 1/1 with at least one above the line, 0/1 with none of some"""
    trajectory: Literal["flat", "ramp"] = "flat"
    """flat: the target from the first day on; ramp: from 0 evenly to the target. A row's baseline makes it a ramp."""
    reading: Text | None = None
    """how an ambiguity was read, for those who ask"""

    @model_validator(mode="before")
    @classmethod
    def _only_basis(cls, given: Any) -> Any:
        """Fill in the basis where there is no choice."""
        if isinstance(given, dict):
            bases = BASES.get(given.get("count", ""), ())
            if "basis" not in given and len(bases) == 1:
                return {**given, "basis": bases[0]}
            if given.get("basis") == "copied":
                return {**given, "basis": "certified"}
        return given

    @model_validator(mode="after")
    def _can_be_counted(self) -> Self:
        if self.basis not in BASES[self.count]:
            raise ValueError(f"count {self.count!r} has the basis {' or '.join(BASES[self.count])}, not {self.basis!r}")
        if self.count in _ASKED:
            filters_of = (("numerator", self.numerator), ("denominator", self.denominator))
            for (where, filters), allowed in zip(filters_of, _ASKED[self.count], strict=True):
                if strange := sorted(plain(filters) - allowed):
                    said = ", ".join(sorted(allowed)) or "nothing"
                    raise ValueError(f"{where}: count {self.count!r} does not know {strange[0]!r}; it knows {said}")
        if self.count == "service" and (strange := sorted(plain(self.denominator) - OF_LIST)):
            said = ", ".join(sorted(OF_LIST))
            raise ValueError(f"denominator: count 'service' does not know {strange[0]!r}; it knows {said}")
        for where, filters in (("numerator", self.numerator), ("denominator", self.denominator)):
            if both := sorted(name for name in filters if NOT + name in filters):
                raise ValueError(f"{where}: {both[0]!r} and its negation: nothing is both")
        return self

    @property
    def asks_list(self) -> bool:
        """Tell whether dossiers are counted by whether their procedure is listed."""
        return self.count in ("dossier", "transaction") and "listed" in plain((*self.numerator, *self.denominator))

    @property
    def of_catalogue(self) -> bool:
        """Tell whether only a catalogue can tell its figures."""
        if self.count in ("service", "catalogue"):
            return True
        return not (OF_LIST - {"listed"}).isdisjoint(plain((*self.numerator, *self.denominator)))

    @property
    def capped(self) -> bool:
        """Tell whether a unit's catalogue may cap its ratio: above only what is listed, below all (A25)."""
        return bool(self.caps)

    @property
    def caps(self) -> tuple[Filter, ...]:
        """Return what the catalogue has to say of a procedure for its dossiers to come above the line."""
        if self.count != "dossier":
            return ()
        return tuple(f for f in self.numerator if f in OF_LIST and f not in self.denominator)

    def changed(self, change: Change) -> "Formula":
        """Return the formula as a choice has it."""
        given = {name: value for name, value in change if value is not None}
        return Formula.model_validate({**dict(self), **given})

    @property
    def fulfilled_later(self) -> bool:
        """Tell whether a dossier may come above the line by something done after the day on which it counts."""
        later = LATER | {"on-time"} if self.basis == "received" else LATER
        return self.count == "dossier" and not later.isdisjoint(self.numerator)

    @property
    def lists_overdue(self) -> bool:
        """Tell whether dossiers that wait although their day has come are listed beside it."""
        return self.count == "dossier" and "on-time" in plain((*self.numerator, *self.denominator))


class Growing(Strict):
    """A target that grows with the years of a yearly decision, by points of percent or by percent of itself."""

    first: Decimal = Field(ge=0, le=100)
    """percent in the first year"""
    yearly: Decimal = Field(ge=0, le=100)
    """added every year: points of percent, or percent of itself"""
    growth: Growth = "points"
    """how it grows"""
    cap: Decimal = Field(default=Decimal(100), ge=0, le=100)
    """percent beyond which it does not grow"""


class ByYear(Strict):
    """A target that a text gives as a table of years; each holds until the next one that is named."""

    years: Annotated[dict[Annotated[str, StringConstraints(pattern=r"^(20[0-9]{2}|2100)$")], str], Field(min_length=1)]
    """year → percent; '' = none given"""

    def of(self, year: int) -> str:
        """Return what holds in a year; nothing before the first.

        >>> table = ByYear(years={"2025": "50", "2027": "60"})
        >>> [table.of(year) for year in (2024, 2025, 2026, 2030)]
        ['', '50', '50', '60']
        """
        named = [given for given in self.years if int(given) <= year]
        return self.years[max(named)] if named else ""


Value = str | Growing | ByYear
"""what stands in the cell of a row: percent, '' for a blank, or how it changes with the years"""
Between = Literal["step", "linear"]


class Step(Strict):
    """What is to be reached by the end of a civil day."""

    by: date
    """the civil day"""
    targets: tuple[str, ...] | dict[Indicator, str]
    """percent, in the order of `columns` or by indicator; '' = nothing said"""
    between: Between | None = None
    """how it goes on after this day, where not as for the others"""


class Row(Strict):
    """One row of the annex, or one clause: for whom, and which target per indicator (percent; '' = none given)."""

    row: Text
    """number or clause of the row, as in the text"""
    name: Text
    """the row's own words"""
    unit: str | None = None
    """code of the unit; `CODE/communes` for all communes of a district"""
    units: Literal["province-agency", "district", "commune"] | None = None
    """a class of units in place of `unit`, expanded over the registry"""
    of: str | None = None
    """the province of a class of units"""
    excluded: tuple[Text, ...] = Field(default=(), alias="except")
    """codes of units that belong to the class, or to the district, and that the row leaves out"""
    count: int | None = None
    """how many units the row itself says it has; compared with the registry"""
    targets: tuple[Value, ...] | dict[Indicator, Value]
    """in the order of `columns`, or by indicator"""
    baseline: dict[Indicator, str] = {}
    """indicator → percent at the beginning, from which a ramp rises to the target"""
    no_target: dict[Indicator, str] = {}
    """why a cell is blank, in the decision's words"""
    milestones: tuple[Step, ...] = ()
    """what is to be reached on the way: the trajectory of this row"""
    between: Between | None = None
    """how it goes on after a milestone: step (the value stays until the next, the default) or linear"""
    stretch: tuple[str, ...] | dict[Indicator, str] = ()
    """what units should reach beyond their targets; shown, never judged"""

    @model_validator(mode="after")
    def _for_whom(self) -> Self:
        if (self.unit is None) == (self.units is None):
            raise ValueError("a row names either `unit` or a class (`units`, with `of`)")
        if self.units is not None and self.of is None:
            raise ValueError("a class of units needs `of`, the code of its province")
        if self.excluded and self.unit is not None and not self.unit.endswith("/communes"):
            raise ValueError("`except` belongs to a class of units or to the communes of a district")
        return self


class Amendment(Strict):
    """A later decision that changes rows of this one, from a day on."""

    number: Text
    """as printed"""
    effective: date
    """the civil day from which its rows hold; before it the earlier ones do"""
    clause: Text
    """where its text says so"""
    rows: tuple[Row, ...] = Field(min_length=1)
    """the rows as they are from then on: their targets, and that a cell is blank"""


class Decision(Strict):
    """One decision file."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    """lower-case letters, digits and hyphens; names the decision everywhere"""
    number: Text | None = None
    """as printed; left out where the text has none"""
    title: Text
    """as printed"""
    issuer: Text
    """who issued it"""
    issued: date | None = None
    """day of issue"""
    effective: date | None = None
    """day from which alerts are raised; left out where unknown"""
    effective_clause: Text | None = None
    """where the text says so"""
    province: Text
    """code of the province whose units the decision addresses"""
    period: Period
    """the days it judges"""
    text: Text
    """file name of the decision's text"""
    notes: tuple[Text, ...] = ()
    """what a reader of figures has to know"""
    switches: dict[str, Switch] = {}
    """questions that the text leaves to its owner, by name"""
    catalogue: Scope | None = None
    """the list of procedures the decision speaks of; None where it speaks of none"""
    reports: tuple[Duty, ...] = ()
    """reports it asks for"""
    indicators: dict[Indicator, Formula]
    """indicator → how it is counted"""
    no_target: dict[Indicator, Text] = {}
    """why units of some rows have no target for an indicator, in the decision's words"""
    columns: tuple[Indicator, ...] = ()
    """the annex's columns from left to right, where rows give their targets as a list"""
    rows: tuple[Row, ...] = Field(min_length=1)
    """the annex, row by row"""
    milestones: tuple[Step, ...] = ()
    """what is to be reached on the way by every row that has no milestones of its own"""
    between: Between = "step"
    """how it goes on after a milestone: the value stays until the next (step), or rises evenly to it (linear)"""
    amendments: tuple[Amendment, ...] = ()
    """later decisions that change rows, in the order of their days"""

    def every_row(self) -> tuple[Row, ...]:
        """Return the rows of the annex, and those of its amendments."""
        return (*self.rows, *(row for amendment in self.amendments for row in amendment.rows))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems: list[str] = []
        seen: set[tuple[str, str | None]] = set()
        for row in self.rows:
            where = f"row {row.row!r}"
            if (row.row, row.unit or row.units) in seen:
                problems.append(f"{where}: the row stands twice")
            seen.add((row.row, row.unit or row.units))
            problems += _row_problems(self, row, where)
        for amendment in self.amendments:
            for row in amendment.rows:
                problems += _row_problems(self, row, f"amendment {amendment.number!r}, row {row.row!r}")
        if [a.effective for a in self.amendments] != sorted({a.effective for a in self.amendments}):
            problems.append("amendments: they stand in the order of their days, one for a day")
        problems += _step_problems(self, self.milestones, "milestones")
        problems += _own_rules(self.indicators)
        common = self.switches.keys() & COMMON_SWITCHES.keys()
        problems += [f"switch {name!r}: every decision has this switch already" for name in sorted(common)]
        problems += _switch_problems(self)
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _row_problems(decision: "Decision", row: Row, where: str) -> list[str]:
    """Say what is wrong with the cells of a row."""
    problems: list[str] = []
    if isinstance(row.targets, tuple) and len(row.targets) != len(decision.columns):
        return [f"{where}: {len(row.targets)} targets under {len(decision.columns)} columns"]
    for indicator, value in cells(decision, row).items():
        if indicator not in decision.indicators:
            problems.append(f"{where}: indicator {indicator} has no formula in [indicators]")
        for text in (value,) if isinstance(value, str) else value.years.values() if isinstance(value, ByYear) else ():
            _check_percent(text, f"{where}, {indicator}", problems)
    for indicator, value in row.baseline.items():
        _check_percent(value or "''", f"{where}, baseline.{indicator}", problems)
    problems += _beside_problems(decision, row.stretch, f"{where}, stretch") if row.stretch else []
    return problems + _step_problems(decision, row.milestones, f"{where}, milestones")


def _step_problems(decision: "Decision", steps: Sequence[Step], where: str) -> list[str]:
    """Say what is wrong with milestones."""
    problems = [p for step in steps for p in _beside_problems(decision, step.targets, f"{where}.{step.by}")]
    days = [step.by for step in steps]
    if days != sorted(set(days)):
        problems.append(f"{where}: they stand in the order of their days, one for a day")
    return problems


def _beside_problems(decision: "Decision", given: tuple[str, ...] | dict[str, str], where: str) -> list[str]:
    """Say what is wrong with values that stand beside a row's targets."""
    if isinstance(given, tuple) and len(given) != len(decision.columns):
        return [f"{where}: {len(given)} targets under {len(decision.columns)} columns"]
    problems: list[str] = []
    for indicator, text in beside(decision, given).items():
        if indicator not in decision.indicators:
            problems.append(f"{where}: indicator {indicator} has no formula in [indicators]")
        _check_percent(text, f"{where}.{indicator}", problems)
    return problems


def beside(decision: "Decision", given: tuple[str, ...] | dict[Indicator, str]) -> dict[Indicator, str]:
    """Return indicator → the value that stands beside a row's targets: a milestone's, or a stretch."""
    return dict(given) if isinstance(given, dict) else dict(zip(decision.columns, given, strict=False))


def steps_of(decision: "Decision", row: Row, indicator: Indicator) -> list[tuple[date, str, Between]]:
    """Return (civil day, percent, how it goes on) of the milestones that a row has under an indicator."""
    usual = row.between or decision.between
    steps = row.milestones or decision.milestones
    found = ((step, beside(decision, step.targets).get(indicator, "")) for step in steps)
    return [(step.by, text, step.between or usual) for step, text in found if text]


def _own_rules(indicators: Mapping[str, Formula]) -> list[str]:
    """Say where figures of the catalogue are asked for under a name that has other rules."""
    problems = []
    for indicator, formula in indicators.items():
        if formula.count != "catalogue":
            continue
        if indicator not in OWN_RULES and not formula.numerator:
            problems.append(f"indicators.{indicator}: count 'catalogue' needs a numerator under a name of your own")
        if indicator in OWN_RULES and (formula.numerator or formula.denominator):
            problems.append(f"indicators.{indicator}: this name has a rule of its own and takes no filters")
    return problems


def _switch_problems(decision: Decision) -> list[str]:
    """Say where formulas, lists and switches do not know one another."""
    problems, switches, scope = [], decision.switches, decision.catalogue
    if scope is None and any(f.asks_list for f in decision.indicators.values()):
        problems.append("a formula asks whether a procedure is listed: [catalogue] must say by which list")
    for number, rule in enumerate(scope.rules if scope is not None else (), start=1):
        for day in (d for d in (rule.first, rule.last) if d is not None):
            where = f"catalogue.rules, rule {number}"
            if day.on not in switches or "date" not in switches[day.on].choices:
                problems.append(f"{where}: {day.on!r} is no switch whose choice is a date")
            if day.plus is not None and not (day.plus in switches and switches[day.plus].days):
                problems.append(f"{where}: {day.plus!r} is no switch with `days`")
    return problems + _effect_problems(decision)


def _effect_problems(decision: Decision) -> list[str]:
    """Say where a choice changes a formula that is not there, or makes one that cannot be counted."""
    problems = []
    for name, switch in decision.switches.items():
        for choice, effect in switch.effects.items():
            strange = sorted(effect.indicators.keys() - decision.indicators.keys())
            problems += [f"switch {name!r}, {choice}: indicator {i} has no formula in [indicators]" for i in strange]
            for indicator, change in effect.indicators.items():
                if indicator in strange:
                    continue
                try:
                    decision.indicators[indicator].changed(change)
                except ValidationError as exc:
                    problems += [f"switch {name!r}, {choice}: {sentence_of(error)}" for error in exc.errors()]
    return problems


def _check_percent(value: str, where: str, problems: list[str]) -> None:
    if value == "":
        return
    try:
        number = Decimal(value)
    except InvalidOperation:
        problems.append(f"{where}: {value!r} is not a number of percent")
        return
    if not (number.is_finite() and 0 <= number <= 100):
        problems.append(f"{where}: {value} percent is not between 0 and 100")


def cells(decision: Decision, row: Row) -> dict[Indicator, Value]:
    """Return indicator → the value that stands in a row, in the order of the columns; '' for a blank cell."""
    if isinstance(row.targets, dict):
        return dict(row.targets)
    return dict(zip(decision.columns, row.targets, strict=True))


def parse_decision(text: str, name: str) -> Decision:
    """Read a decision file (TOML). Raises BadDecision, a line per problem, each naming file and place."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise BadDecision(f"{name}: not a readable TOML file: {exc}") from exc
    try:
        return Decision.model_validate(raw)
    except ValidationError as exc:
        raise BadDecision("\n".join(f"{name}: {line}" for line in _problems(exc, raw))) from exc


def _problems(exc: ValidationError, raw: Mapping[str, Any]) -> list[str]:
    lines = []
    for error in exc.errors(include_url=False):
        place = list(error["loc"])
        if place[:1] == ["rows"] and len(place) > 1 and isinstance(place[1], int):
            rows = raw.get("rows", [])
            row = rows[place[1]].get("row", place[1] + 1) if isinstance(rows[place[1]], dict) else place[1] + 1
            where = ".".join(
                [f"row {row!r}", *(str(p) for p in place[2:] if not str(p).startswith(("tuple[", "dict")))]
            )
        else:
            where = ".".join(str(p) for p in place)
        lines += [f"{where}: {m}" if where else m for m in sentence_of(error).split("\n")]
    return lines
