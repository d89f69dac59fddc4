"""Where a dossier counts: one pure function from what is known of it to counters of units and civil days.

A correction, a transfer, a refund, a recall or a withdrawal has no code of its own: counters are the fold of
`contributions` over the dossiers, and an event moves them by what it takes out and what it puts in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Final, Literal, NamedTuple

from models.units import Heirs

Basis = Literal["received", "resolved", "issued"]

FOLD_VERSION: Final = 2
"""Raise it whenever `contributions` gives another answer to the same facts, or more is told of the counters (2: which
dossiers are still to be fulfilled): counters are then made anew."""


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


_NOTHING: Final[tuple[Contribution, ...]] = ()
_new: Final = tuple.__new__


def contributions(known: Mapping[str, Any], rules: FoldRules) -> Sequence[Contribution]:
    """Return where a dossier counts; `known` is field → value. Contract: "When a dossier counts".

    Two payments of one day give the same contribution twice.
    """
    get = known.get
    if get("status") == "deleted":
        return _NOTHING
    unit = get("unit")
    found: list[Contribution] = []
    if unit is not None:
        days = days_of(known)
        if days is not None:
            _dossier(known, unit, days, rules, found)
    if rules.payments or rules.copies:
        for field in known:
            if "_at@" in field:  # the leading fact of a payment or of a copy
                _part(field, known, unit, rules, found)
    return found


Instants = tuple[str | None, str | None, str | None]


def days_of(known: Mapping[str, Any]) -> Instants | None:
    """Return when a dossier counts as received, as resolved and as issued; None where it counts as none of them."""
    get = known.get
    received, resolved, issued = get("received_at"), get("resolved_at"), get("issued_at")
    if received is None:
        if resolved is None and issued is None:
            return None
        if get("refused_at") is not None:
            return None
        received = get("submitted_at")
    else:
        refused = get("refused_at")
        if refused is not None and refused >= received:
            return None
    status = get("status")
    if status == "withdrawn":
        return received, None, None
    if status == "stopped":
        return received, resolved, None if resolved is None else issued
    return received, issued if resolved is None else resolved, issued


def _dossier(known: Mapping[str, Any], unit: str, days: Instants, rules: FoldRules, found: list[Contribution]) -> None:
    received, resolved, issued = days
    get = known.get
    procedure = get("procedure")
    # The marks as numbers, where the enum would cost more than all the rest.
    channel = get("channel")
    marks = 33 if channel == "online" else 0 if channel == "postal" else 32
    if resolved is not None or issued is not None:
        if get("digitised"):
            marks |= 4
        if get("electronic"):
            marks |= 8
        document = get("result_document")
        if document or (document is None and (rules.documented is None or rules.documented(procedure, unit))):
            marks |= 16
    if rules.listed is not None and received is not None and rules.listed(procedure, unit, received[:10]):
        marks |= 2
    counts_for = rules.heirs.alone(unit)
    for indicator, basis, denominator, above, by_procedure in rules.dossiers:
        at = received if basis == "received" else resolved if basis == "resolved" else issued
        if at is None or marks & denominator != denominator or (by_procedure and procedure is None):
            continue
        cell = f"{indicator}:{procedure}" if by_procedure else indicator
        numerator = 1 if marks & above == above else 0
        if counts_for is not None:
            found.append(_new(Contribution, (counts_for, at[:10], cell, numerator)))
        else:
            _spread(found, rules, known, Contribution(unit, at[:10], cell, numerator))


def _part(field: str, known: Mapping[str, Any], unit: str | None, rules: FoldRules, found: list[Contribution]) -> None:
    """Count the payment or the copy whose leading fact this is."""
    get = known.get
    kind, _, key = field.partition("@")
    if kind == "paid_at":
        paid_at = known[field]
        if paid_at is None or unit is None or get("payment@" + key) == "refunded":
            return
        if get("exempt@" + key) or get("amount@" + key) == 0:
            return
        online = get("method@" + key) == "online"
        for payment in rules.payments:
            counted = online and (not payment.national_only or get("gateway@" + key) == "national")
            _spread(found, rules, known, _new(Contribution, (unit, paid_at[:10], payment.indicator, int(counted))))
    elif kind == "copied_at":
        owner = get(f"copy_unit@{key}") or unit
        electronic = int(bool(get(f"copy_electronic@{key}")))
        if owner is not None:
            for copy in rules.copies:
                _spread(found, rules, known, Contribution(owner, known[field][:10], copy.indicator, electronic))


def _spread(found: list[Contribution], rules: FoldRules, known: Mapping[str, Any], counted: Contribution) -> None:
    """Count for the unit, or whom it counts for, and for its heirs."""
    if (alone := rules.heirs.alone(counted[0])) is not None:
        found.append(counted if alone == counted[0] else counted._replace(unit=alone))
        return
    for code, inherited in rules.heirs.units(counted.unit, known.get("procedure"), counted.day):
        cell = f"{counted.cell}@{inherited}" if inherited else counted.cell
        found.append(counted._replace(unit=code, cell=cell))
