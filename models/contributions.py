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

FOLD_VERSION: Final = 1
"""Raise it whenever `contributions` gives another answer to the same facts: counters are then made anew."""


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
    """``indicator[:procedure][@inherited]``, see `Cell`"""
    numerator: int
    """1 or 0"""


class Cell(NamedTuple):
    """The name of a counter, taken apart. An heir counts what `predecessor` had from the civil day `since` on."""

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


@dataclass(frozen=True, slots=True)
class DossierRule:
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
    """Return where a dossier counts; `known` is the `view` of its facts. Contract: "When a dossier counts"."""
    if known.get("status") == "deleted":
        return _NOTHING
    unit = known.get("unit")
    found: list[Contribution] = []
    if unit is not None:
        _dossier(known, unit, rules, found)
    if rules.payments or rules.copies:
        for field in known:
            if "@" in field:
                _part(field, known, unit, rules, found)
    return found


def days_of(known: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return the instants on which a dossier counts as received, as resolved, and as issued; None where it does not."""
    received, refused = known.get("received_at"), known.get("refused_at")
    if refused is not None and (received is None or refused >= received):
        return None, None, None
    resolved, issued = known.get("resolved_at"), known.get("issued_at")
    if received is None and (resolved is not None or issued is not None):
        received = known.get("submitted_at")
    status = known.get("status")
    if status == "withdrawn":
        return received, None, None
    if resolved is None and status != "stopped":
        return received, issued, issued
    return received, resolved, issued if status != "stopped" else None


def _dossier(known: Mapping[str, Any], unit: str, rules: FoldRules, found: list[Contribution]) -> None:
    received, resolved, issued = days_of(known)
    if received is None and resolved is None and issued is None:
        return
    procedure = known.get("procedure")
    marks = _marks(known, unit, rules)
    if rules.listed is not None and received is not None and rules.listed(procedure, unit, received[:10]):
        marks |= 2
    for rule in rules.dossiers:
        basis = rule.basis
        at = received if basis == "received" else resolved if basis == "resolved" else issued
        if at is None or marks & rule.denominator != rule.denominator or (rule.by_procedure and procedure is None):
            continue
        cell = f"{rule.indicator}:{procedure}" if rule.by_procedure else rule.indicator
        day = at[:10]
        numerator = 1 if marks & rule.numerator == rule.numerator else 0
        for code, inherited in rules.heirs.units(unit, procedure, day):
            found.append(_new(Contribution, (code, day, f"{cell}@{inherited}" if inherited else cell, numerator)))


def _marks(known: Mapping[str, Any], unit: str, rules: FoldRules) -> int:
    """Return the marks of a dossier, all but LISTED, as the numbers of `Mark`: the enum costs more than the rest."""
    get = known.get
    channel = get("channel")
    marks = 1 if channel == "online" else 0
    if channel != "postal":
        marks |= 32
    if get("digitised"):
        marks |= 4
    if get("electronic"):
        marks |= 8
    document = get("result_document")
    if document is None:
        document = rules.documented is None or rules.documented(get("procedure"), unit)
    return marks | 16 if document else marks


def _part(field: str, known: Mapping[str, Any], unit: str | None, rules: FoldRules, found: list[Contribution]) -> None:
    """Count the payment or the copy whose leading fact this is."""
    get = known.get
    kind, _, key = field.partition("@")
    if kind == "paid_at":
        paid_at = known[field]
        free = get(f"exempt@{key}") or get(f"amount@{key}") == 0
        if paid_at is None or unit is None or free or get(f"payment@{key}") == "refunded":
            return
        online = get(f"method@{key}") == "online"
        for payment in rules.payments:
            counted = online and (not payment.national_only or get(f"gateway@{key}") == "national")
            _spread(found, rules, known, Contribution(unit, paid_at[:10], payment.indicator, int(counted)))
    elif kind == "copied_at":
        owner = get(f"copy_unit@{key}") or unit
        electronic = int(bool(get(f"copy_electronic@{key}")))
        if owner is not None:
            for copy in rules.copies:
                _spread(found, rules, known, Contribution(owner, known[field][:10], copy.indicator, electronic))


def _spread(found: list[Contribution], rules: FoldRules, known: Mapping[str, Any], counted: Contribution) -> None:
    """Count for the unit, or whom it counts for, and for its heirs."""
    for code, inherited in rules.heirs.units(counted.unit, known.get("procedure"), counted.day):
        cell = f"{counted.cell}@{inherited}" if inherited else counted.cell
        found.append(counted._replace(unit=code, cell=cell))
