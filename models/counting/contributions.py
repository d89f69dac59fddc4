"""Where a dossier counts: one pure function from what is known of it to counters of units and civil days.

A correction, a transfer, a refund, a recall or a withdrawal has no code of its own: counters are the fold of
`contributions` over the dossiers, and an event moves them by what it takes out and what it puts in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Final, Literal, NamedTuple

from models.dossiers.instants import Instants, days_of
from models.registers.units import Heirs

Basis = Literal["received", "resolved", "issued"]

FOLD_VERSION: Final = 3
"""Raise it whenever `contributions` gives another answer to the same facts, or more is told of the counters (2: which
dossiers are still to be fulfilled), or elsewhere (3: units that nobody knows lie in one partition): counters are then
made anew."""


LISTED: Final = "listed"
"""the item under which an indicator also counts the listed part of its denominator, where that caps its ratio"""


class Mark(IntFlag):
    """What the filters of a formula may ask of a dossier."""

    ONLINE = 1
    LISTED = 2
    DIGITISED = 4
    ELECTRONIC = 8
    RESULT_DOCUMENT = 16
    NOT_POSTAL = 32


ONLINE, LISTED_MARK, DIGITISED, ELECTRONIC, RESULT_DOCUMENT, NOT_POSTAL = map(int, Mark)
"""the marks as numbers, where the enum would cost more than all the rest"""


class Contribution(NamedTuple):
    """One dossier, transaction, copy or service that counts: in the denominator, and in the numerator or not."""

    unit: str
    day: str
    """civil day, ISO text"""
    cell: str
    """``indicator[:item][@inherited]``, see `Cell`"""
    numerator: int
    """1 or 0"""


class Cell(NamedTuple):
    """The name of a counter, taken apart. An heir counts what `predecessor` had from the civil day `since` on.

    `item` is a procedure where an indicator counts services, `LISTED` for the listed part of a denominator, else ''.
    """

    indicator: str
    item: str
    since: str
    predecessor: str

    @classmethod
    def of(cls, text: str) -> "Cell":
        """Take a cell's text apart.

        >>> Cell.of("services-with-dossiers:1.004616@2024-11-01/12688")
        Cell(indicator='services-with-dossiers', item='1.004616', since='2024-11-01', predecessor='12688')
        """
        head, _, inherited = text.partition("@")
        indicator, _, item = head.partition(":")
        since, _, predecessor = inherited.partition("/")
        return cls(indicator, item, since, predecessor)


class DossierRule(NamedTuple):
    """Counts dossiers: on the day of `basis`, if it bears every mark of `denominator`; above, also `numerator`."""

    indicator: str
    basis: Basis
    denominator: int
    numerator: int
    by_procedure: bool = False
    """one cell per procedure: the figure is how many procedures are positive"""


@dataclass(frozen=True, slots=True)
class PaymentRule:
    """Counts payment transactions; above the line, those paid online (through the national portal)."""

    indicator: str
    national_only: bool


@dataclass(frozen=True, slots=True)
class CopyRule:
    """Counts certified copies; above the line, electronic ones."""

    indicator: str


RECEIVED, RESOLVED, ISSUED = 64, 128, 256
"""beside a dossier's marks: which of its instants are known"""
_BASES: Final[Mapping[Basis, tuple[int, int]]] = {
    "received": (0, RECEIVED),
    "resolved": (1, RESOLVED),
    "issued": (2, ISSUED),
}
Plan = tuple[tuple[tuple[int, str, int], ...], tuple[tuple[int, str, int], ...]]
"""(which instant gives the day, cell, numerator) of each rule that counts a dossier; apart, those by procedure"""


Cells = tuple[tuple[str, int], ...]
"""(cell, numerator) of each"""


class _Plans(dict[int, Plan]):
    """What a dossier bears (its marks, and which instants are known) → how it is counted; worked out when first met.

    Of thousands of dossiers a few dozen differ in this, so the rules are gone through a few dozen times.
    """

    def __init__(self, rules: "tuple[DossierRule, ...]") -> None:
        self._rules = rules

    def __missing__(self, bears: int) -> Plan:
        whole: list[tuple[int, str, int]] = []
        by_procedure: list[tuple[int, str, int]] = []
        for rule in self._rules:
            instant, known = _BASES[rule.basis]
            if bears & known and bears & rule.denominator == rule.denominator:
                counted = (instant, rule.indicator, int(bears & rule.numerator == rule.numerator))
                (by_procedure if rule.by_procedure else whole).append(counted)
        self[bears] = plan = tuple(whole), tuple(by_procedure)
        return plan


@dataclass(frozen=True)
class FoldRules:
    """All that `contributions` needs of a decision, compiled."""

    dossiers: tuple[DossierRule, ...]
    payments: tuple[PaymentRule, ...]
    copies: tuple[CopyRule, ...]
    heirs: Heirs
    listed: Callable[[str | None, str, str], bool] | None
    """(procedure, unit, civil day of reception) → is it listed; None where no formula asks"""
    documented: Callable[[str | None, str], bool] | None = None
    """(procedure, unit) → does the procedure issue a result document, by the catalogue"""
    plans: _Plans = field(init=False, repr=False, compare=False)
    paid: tuple[tuple[Cells, Cells], tuple[Cells, Cells]] = field(init=False, repr=False, compare=False)
    """[paid online?][by the national gateway?] → how a payment is counted"""

    def __post_init__(self) -> None:
        """Know no plan of a dossier yet, and all of a payment."""
        object.__setattr__(self, "plans", _Plans(self.dossiers))

        def cells(*, online: bool, national: bool) -> Cells:
            return tuple((r.indicator, int(online and (national or not r.national_only))) for r in self.payments)

        paid = ((cells(online=on, national=False), cells(online=on, national=True)) for on in (False, True))
        object.__setattr__(self, "paid", tuple(paid))


_NOTHING: Final[tuple[Contribution, ...]] = ()
_CHANNELS: Final[Mapping[str | None, int]] = {"online": ONLINE | NOT_POSTAL, "postal": 0}
"""the marks of a channel; of every other, and where none is known, NOT_POSTAL"""


def contributions(  # noqa: C901, PLR0912 - the hot path, in one
    known: Mapping[str, Any], rules: FoldRules
) -> Sequence[Contribution]:
    """Return where a dossier counts; `known` is field → value. Contract: "When a dossier counts".

    Two payments of one day give the same contribution twice. Most of what is returned are plain tuples, which equal
    contributions and take half as long to make: take them apart by place, not by name.
    """
    get = known.get
    if get("status") == "deleted":
        return _NOTHING
    unit = get("unit")
    alone = None if unit is None else rules.heirs.alone(unit)
    days = None if unit is None else days_of(known)
    found: list[Contribution] = []
    if days is not None:
        for instant, cell, above in _plan_of(known, unit, days, rules):  # type: ignore[arg-type]
            day = days[instant][:10]  # type: ignore[index]
            if alone is not None:
                found.append((alone, day, cell, above))  # type: ignore[arg-type]
            else:
                _spread(found, rules, known, Contribution(unit, day, cell, above))  # type: ignore[arg-type]
    if rules.payments or rules.copies:
        for name in known:
            if "_at@" in name:  # the leading fact of a payment or of a copy
                kind, _, key = name.partition("@")
                if kind == "copied_at":
                    _copy(known, unit, key, rules, found)
                elif unit is not None and kind == "paid_at":
                    day, cells = _payment(known, key, rules)
                    for cell, above in cells:
                        if alone is not None:
                            found.append((alone, day, cell, above))  # type: ignore[arg-type]
                        else:
                            _spread(found, rules, known, Contribution(unit, day, cell, above))
    return found


def _plan_of(known: Mapping[str, Any], unit: str, days: Instants, rules: FoldRules) -> Iterable[tuple[int, str, int]]:
    """Return how a dossier is counted: which of its instants gives the day, cell, numerator."""
    received, resolved, issued = days
    get = known.get
    procedure = get("procedure")
    bears = _CHANNELS.get(get("channel"), NOT_POSTAL)
    if resolved is not None:  # as it is wherever `issued` is: `days_of`
        bears |= RESOLVED if issued is None else RESOLVED | ISSUED
        if get("digitised"):
            bears |= DIGITISED
        if get("electronic"):
            bears |= ELECTRONIC
        document = get("result_document")
        if document or (document is None and (rules.documented is None or rules.documented(procedure, unit))):
            bears |= RESULT_DOCUMENT
    if received is not None:
        bears |= RECEIVED
        if rules.listed is not None and rules.listed(procedure, unit, received[:10]):
            bears |= LISTED_MARK
    whole, by_procedure = rules.plans[bears]
    if by_procedure and procedure is not None:
        return [*whole, *((instant, f"{indicator}:{procedure}", above) for instant, indicator, above in by_procedure)]
    return whole


def _payment(known: Mapping[str, Any], key: str, rules: FoldRules) -> tuple[str, Sequence[tuple[str, int]]]:
    """Return the civil day of a payment transaction, and the cells it counts in with their numerators."""
    get = known.get
    paid_at = get("paid_at@" + key)
    if paid_at is None or get("payment@" + key) == "refunded" or get("exempt@" + key) or get("amount@" + key) == 0:
        return "", ()
    online = get("method@" + key) == "online"
    national = online and get("gateway@" + key) == "national"
    return paid_at[:10], rules.paid[online][national]


def _copy(known: Mapping[str, Any], unit: str | None, key: str, rules: FoldRules, found: list[Contribution]) -> None:
    """Count a certified copy."""
    owner = known.get(f"copy_unit@{key}") or unit
    electronic = int(bool(known.get(f"copy_electronic@{key}")))
    if owner is not None:
        for copy in rules.copies:
            _spread(
                found, rules, known, Contribution(owner, known[f"copied_at@{key}"][:10], copy.indicator, electronic)
            )


def _spread(found: list[Contribution], rules: FoldRules, known: Mapping[str, Any], counted: Contribution) -> None:
    """Count for the unit, or whom it counts for, and for its heirs."""
    if (alone := rules.heirs.alone(counted.unit)) is not None:
        found.append(counted._replace(unit=alone))
        return
    for code, inherited in rules.heirs.units(counted.unit, known.get("procedure"), counted.day):
        cell = f"{counted.cell}@{inherited}" if inherited else counted.cell
        found.append(counted._replace(unit=code, cell=cell))
