"""Where a dossier counts: one pure function from what is known of it to counters of units and civil days.

A correction, a transfer, a refund, a recall or a withdrawal has no code of its own: counters are the fold of
`contributions` over the dossiers, and an event moves them by what it takes out and what it puts in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from sys import intern
from typing import Any, Final, Literal, NamedTuple

from models.dossiers.instants import Instants, days_of
from models.registers.units import Heirs

Basis = Literal["received", "resolved", "issued"]

FOLD_VERSION: Final = 4
"""Raise it whenever `contributions` gives another answer to the same facts, or more is told of the counters (2: which
dossiers are still to be fulfilled), or elsewhere (3: units that nobody knows lie in one partition): counters are then
made anew. 4: exempt dossiers count nowhere, and a result may be asked of what is received."""


LISTED: Final = "listed"
"""the item under which an indicator also counts the listed part of its denominator, where that caps its ratio"""
ASSISTED_ITEM: Final = "*assisted"
"""beside an indicator of what is filed online: those above the line that somebody filed for the citizen"""
EXEMPT_ITEM: Final = "*exempt"
"""beside an indicator of dossiers: those that would count and are exempt from it"""
OVERDUE_ITEM: Final = "*overdue"
"""beside an indicator of what is on time: dossiers that wait, from the civil day on by which they were promised"""
LATE_ITEM: Final = "*late"
"""the same of dossiers resolved since: below the line from that day on, above it from the day on that ended it"""
ASIDE: Final = frozenset({LISTED, ASSISTED_ITEM, EXEMPT_ITEM, OVERDUE_ITEM, LATE_ITEM})
"""items that are no part of an indicator's own figures; an asterisk stands in no procedure's code"""


class Mark(IntFlag):
    """What the filters of a formula may ask of a dossier, or of a payment."""

    ONLINE = 1
    LISTED = 2
    DIGITISED = 4
    ELECTRONIC = 8
    RESULT_DOCUMENT = 16
    POSTAL = 32
    ASSISTED = 512
    EXEMPT_FROM_COUNT = 1024
    COMPONENT_DIGITISED = 2048
    REUSED = 4096
    FEE = 8192
    DUE = 16384
    ON_TIME = 32768
    PAID_ONLINE = 1 << 16
    NATIONAL_GATEWAY = 1 << 17
    EXEMPT = 1 << 18


ONLINE, LISTED_MARK, DIGITISED, ELECTRONIC, RESULT_DOCUMENT, POSTAL = map(int, [*Mark][:6])
"""the marks as numbers, where the enum would cost more than all the rest"""
ASSISTED, EXEMPT_FROM_COUNT, COMPONENT_DIGITISED, REUSED, FEE, DUE, ON_TIME = map(int, [*Mark][6:13])
PAID_ONLINE, NATIONAL_GATEWAY, EXEMPT = map(int, [*Mark][13:])
FULL, PARTIAL, PAYABLE_ONLINE = 1 << 20, 1 << 24, 1 << 28
ON_PAYMENT: Final = 3
"""what the catalogue says of a procedure, shifted by the day on which: 0 received, 1 resolved, 2 issued, 3 paid"""
OF_CATALOGUE: Final = 0xFFF << 20
OF_PAYMENTS: Final = PAID_ONLINE | NATIONAL_GATEWAY | EXEMPT
OF_RESULT: Final = DIGITISED | ELECTRONIC | RESULT_DOCUMENT


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


class Sieve(NamedTuple):
    """Marks that are asked for, and marks that are forbidden: below the line, and above it."""

    below: int = 0
    above: int = 0
    not_below: int = 0
    not_above: int = 0

    @property
    def asks(self) -> int:
        """Return all marks that it looks at."""
        return self.below | self.above | self.not_below | self.not_above

    def counts(self, bears: int) -> bool:
        """Tell whether what bears these marks counts at all."""
        return bears & self.below == self.below and not bears & self.not_below

    def numerator(self, bears: int) -> int:
        """Return 1 where what counts is above the line, else 0."""
        return int(bears & self.above == self.above and not bears & self.not_above)


class DossierRule(NamedTuple):
    """Counts dossiers, on the civil day of `basis`, by their marks."""

    indicator: str
    basis: Basis
    sieve: Sieve
    by_procedure: bool = False
    """one cell per procedure: the figure is how many procedures are positive"""


class PaymentRule(NamedTuple):
    """Counts payment transactions, on the civil day of each, by their own marks and by those of their dossier."""

    indicator: str
    sieve: Sieve = Sieve(above=PAID_ONLINE)


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
            if not (bears & known and rule.sieve.counts(bears)):
                continue
            above, plain = rule.sieve.numerator(bears), ":" not in rule.indicator
            if bears & EXEMPT_FROM_COUNT:
                if plain and not rule.by_procedure:
                    whole.append((instant, f"{rule.indicator}:{EXEMPT_ITEM}", 0))
            elif rule.by_procedure:
                by_procedure.append((instant, rule.indicator, above))
            else:
                whole.append((instant, rule.indicator, above))
                if plain and above and bears & ASSISTED and rule.sieve.above & ONLINE:
                    whole.append((instant, f"{rule.indicator}:{ASSISTED_ITEM}", 1))
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
    said: Callable[[str | None, str, str], int] | None = None
    """(procedure, unit, civil day) → what the catalogue says of it that day: FULL, PARTIAL, PAYABLE_ONLINE"""
    overdue: tuple[str, ...] = ()
    """indicators beside which dossiers are counted that wait although their day has come"""
    plans: _Plans = field(init=False, repr=False, compare=False)
    asks: int = field(init=False, repr=False, compare=False)
    """marks of a dossier that some rule asks for, beyond those that are always looked at"""
    paid: tuple[tuple[Cells, Cells], tuple[Cells, Cells]] | None = field(init=False, repr=False, compare=False)
    """[paid online?][by the national gateway?] → how a payment is counted; None where its dossier's marks matter"""

    def __post_init__(self) -> None:
        """Know no plan of a dossier yet, and all of a payment that is counted by its own marks alone."""
        object.__setattr__(self, "plans", _Plans(self.dossiers))
        asked = early = 0
        for rule in self.dossiers:
            asked |= rule.sieve.asks
            early |= rule.sieve.asks & OF_RESULT if rule.basis == "received" else 0
        usual = ONLINE | LISTED_MARK | OF_RESULT | POSTAL | ASSISTED
        object.__setattr__(self, "asks", asked & ~usual | early)
        own = all(not payment.sieve.asks & ~OF_PAYMENTS for payment in self.payments)
        either = tuple(
            tuple(self._paid(PAID_ONLINE * online | NATIONAL_GATEWAY * national) for national in (0, 1))
            for online in (0, 1)
        )
        object.__setattr__(self, "paid", either if own else None)

    def _paid(self, bears: int) -> Cells:
        return tuple((r.indicator, r.sieve.numerator(bears)) for r in self.payments if r.sieve.counts(bears))

    def cells(self) -> tuple[str, ...]:
        """Return every cell that a dossier may count in, by procedure and of heirs aside."""
        plain = [r.indicator for of in (self.dossiers, self.payments, self.copies) for r in of]
        beside = [
            f"{rule.indicator}:{item}"
            for rule in self.dossiers
            if ":" not in rule.indicator and not rule.by_procedure
            for item in (EXEMPT_ITEM, *((ASSISTED_ITEM,) if rule.sieve.above & ONLINE else ()))
        ]
        late = [f"{indicator}:{item}" for indicator in self.overdue for item in (OVERDUE_ITEM, LATE_ITEM)]
        return tuple(dict.fromkeys((*plain, *beside, *late)))


_NOTHING: Final[tuple[Contribution, ...]] = ()
_CHANNELS: Final[Mapping[str | None, int]] = {"online": ONLINE, "postal": POSTAL}
"""the marks of a channel; every other has none"""


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
    unit, exempt = get("unit"), get("exempt_from_count")
    alone = None if unit is None else rules.heirs.alone(unit)
    days = None if unit is None else days_of(known)
    found: list[Contribution] = []
    if days is not None:
        for instant, cell, above in _plan_of(known, unit, days, rules, exempt):  # type: ignore[arg-type]
            day = intern(days[instant][:10])  # type: ignore[index]
            if alone is not None:
                found.append((alone, day, cell, above))  # type: ignore[arg-type]
            else:
                _spread(found, rules, known, Contribution(unit, day, cell, above))  # type: ignore[arg-type]
        if rules.overdue and not exempt:
            for day, cell, above in _overdue(known, days, rules):
                _spread(found, rules, known, Contribution(unit, day, cell, above))  # type: ignore[arg-type]
    if exempt:
        return found
    if rules.payments or rules.copies:
        for name in known:
            if "_at@" in name:  # the leading fact of a payment or of a copy
                kind, _, key = name.partition("@")
                if kind == "copied_at":
                    _copy(known, unit, key, rules, found)
                elif unit is not None and kind == "paid_at":
                    day, cells = _payment(known, unit, key, rules)
                    for cell, above in cells:
                        if alone is not None:
                            found.append((alone, day, cell, above))  # type: ignore[arg-type]
                        else:
                            _spread(found, rules, known, Contribution(unit, day, cell, above))
    return found


def _plan_of(  # noqa: C901 - the hot path, in one
    known: Mapping[str, Any], unit: str, days: Instants, rules: FoldRules, exempt: object
) -> Iterable[tuple[int, str, int]]:
    """Return how a dossier is counted: which of its instants gives the day, cell, numerator."""
    received, resolved, issued = days
    get = known.get
    procedure = get("procedure")
    bears = _CHANNELS.get(get("channel"), 0)
    if resolved is not None:  # as it is wherever `issued` is: `days_of`
        bears |= RESOLVED if issued is None else RESOLVED | ISSUED
        if get("digitised"):  # `_of_result`, in place: nearly every dossier comes by here
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
    if get("assisted"):
        bears |= ASSISTED
    if exempt:
        bears |= EXEMPT_FROM_COUNT
    if rules.asks:
        bears |= _further(known, unit, days, rules)
    whole, by_procedure = rules.plans[bears]
    if by_procedure and procedure is not None:
        return [*whole, *((instant, f"{indicator}:{procedure}", above) for instant, indicator, above in by_procedure)]
    return whole


_FURTHER: Final = (
    ("component_digitised", COMPONENT_DIGITISED),
    ("reused", REUSED),
    ("fee", FEE),
    ("due_at", DUE),
)
"""field → the mark of a dossier that says it, where what it says is neither null, nor nought, nor false"""


def _further(known: Mapping[str, Any], unit: str, days: Instants, rules: FoldRules) -> int:
    """Return the marks of a dossier that few decisions ask for, as far as this one does."""
    get, asks, bears = known.get, rules.asks, 0
    procedure = get("procedure")
    for name, mark in _FURTHER:
        if asks & mark and get(name):
            bears |= mark
    resolved = days[1]
    if asks & ON_TIME and resolved is not None:
        due = get("due_at")
        if due is not None and resolved <= due:
            bears |= ON_TIME
    if asks & OF_PAYMENTS:
        bears |= _of_payments(known) & asks
    if asks & OF_CATALOGUE and rules.said is not None:
        for place, instant in enumerate(days):
            if instant is not None:
                bears |= rules.said(procedure, unit, instant[:10]) << place & asks
    if resolved is None and asks & OF_RESULT:  # asked of what is received, whether or not it is resolved
        bears |= _of_result(known, unit, procedure, rules)
    return bears


def _of_result(known: Mapping[str, Any], unit: str, procedure: str | None, rules: FoldRules) -> int:
    """Return the marks of a dossier's result."""
    get = known.get
    bears = (DIGITISED if get("digitised") else 0) | (ELECTRONIC if get("electronic") else 0)
    document = get("result_document")
    if document or (document is None and (rules.documented is None or rules.documented(procedure, unit))):
        bears |= RESULT_DOCUMENT
    return bears


def _of_payments(known: Mapping[str, Any]) -> int:
    """Return the marks that a dossier has from its payments."""
    bears = 0
    for name in known:
        if name.startswith("paid_at@"):
            bears |= _bears(known, name[8:])
    return bears


def _overdue(known: Mapping[str, Any], days: Instants, rules: FoldRules) -> Iterable[tuple[str, str, int]]:
    """Return (civil day, cell, numerator) of a dossier that waits although its day has come, or has waited so.

    It waits from the day it was promised for, or from its reception where that is later, until it is resolved. What is
    resolved by the end of that day has never waited; what is withdrawn or stopped waits no longer.
    """
    received, resolved, _ = days
    due = known.get("due_at")
    if due is None or received is None or (resolved is None and known.get("status") is not None):
        return ()
    since = max(received[:10], due[:10])
    if resolved is None:
        return [(since, f"{indicator}:{OVERDUE_ITEM}", 0) for indicator in rules.overdue]
    until = resolved[:10]
    if until <= since:
        return ()
    return [
        (day, f"{indicator}:{LATE_ITEM}", ended)
        for indicator in rules.overdue
        for day, ended in ((since, 0), (until, 1))
    ]


def _payment(known: Mapping[str, Any], unit: str, key: str, rules: FoldRules) -> tuple[str, Cells]:
    """Return the civil day of a payment transaction, and the cells it counts in with their numerators."""
    get = known.get
    paid_at = get("paid_at@" + key)
    if paid_at is None or get("payment@" + key) == "refunded" or get("exempt@" + key) or get("amount@" + key) == 0:
        return "", ()
    online = get("method@" + key) == "online"
    national = online and get("gateway@" + key) == "national"
    if rules.paid is not None:
        return paid_at[:10], rules.paid[online][national]
    return paid_at[:10], _paid_by_dossier(known, unit, paid_at[:10], _bears(known, key), rules)


def _bears(known: Mapping[str, Any], key: str) -> int:
    """Return the marks of a payment: how it was made, if it counts; or that it was waived."""
    get = known.get
    if get("paid_at@" + key) is None or get("payment@" + key) == "refunded":
        return 0
    if get("exempt@" + key):
        return EXEMPT
    if get("amount@" + key) == 0 or get("method@" + key) != "online":
        return 0
    return PAID_ONLINE | NATIONAL_GATEWAY if get("gateway@" + key) == "national" else PAID_ONLINE


def _paid_by_dossier(known: Mapping[str, Any], unit: str, day: str, bears: int, rules: FoldRules) -> Cells:
    """Return the cells that a payment of a civil day counts in, where the marks of its dossier matter."""
    get = known.get
    procedure, received = get("procedure"), get("received_at")
    bears |= _CHANNELS.get(get("channel"), 0) & POSTAL
    bears |= (ASSISTED if get("assisted") else 0) | (FEE if get("fee") else 0)
    if rules.listed is not None and received is not None and rules.listed(procedure, unit, received[:10]):
        bears |= LISTED_MARK
    if rules.said is not None:
        bears |= rules.said(procedure, unit, day) << ON_PAYMENT
    return tuple((r.indicator, r.sieve.numerator(bears)) for r in rules.payments if r.sieve.counts(bears))


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
