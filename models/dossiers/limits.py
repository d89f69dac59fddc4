"""How much one dossier may hold: so many payments, so many copies. What is beyond is refused, in the order of the log.

A row of state is read and written whole, and no broker takes a record of any size: a portal that sends one constant
code for all its payers would make the row grow until nothing can be written any more.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from models.dossiers.events import Event

TOO_MANY_PAYMENTS: Final = "too many payments of one dossier"
TOO_MANY_COPIES: Final = "too many copies of one dossier"
KEPT_MAX: Final = 64
"""dossiers whose payments and copies are remembered by name; what is forgotten is read from what is known again"""
_OF_A_COPY: Final = frozenset({"copied_at", "copy_unit", "copy_electronic"})


class Limits(NamedTuple):
    """The largest numbers of payments and of certified copies that a dossier may have."""

    payments: int = 1_000
    copies: int = 1_000


LIMITS: Final = Limits()


class _Parts(NamedTuple):
    payments: set[str]
    copies: set[str]


def _parts_of(names: Iterable[str]) -> _Parts:
    """Return which payments and copies the facts of these names are about."""
    parts = _Parts(set(), set())
    for name in names:
        fact, of, part = name.partition("@")
        if of:
            (parts.copies if fact in _OF_A_COPY else parts.payments).add(part)
    return parts


class Crowds:
    """Tells which events name a payment or a copy too many.

    What a dossier has already may always be told of again. Which are the first so many is decided by the order in which
    they are asked for: that of the log, where a topic's events of a dossier all lie in one partition.
    """

    def __init__(self, limits: Limits) -> None:
        """Know of no dossier yet."""
        self._limits = limits
        self._least = min(limits)
        self._of: dict[str, _Parts] = {}

    def may_refuse(self, dossier: str, at_most: int) -> bool:
        """Tell whether an event of a dossier has to be asked about, `at_most` payments or copies being known of it."""
        return at_most >= self._least or dossier in self._of

    def refuses(self, event: Event, at_most: int, known: Callable[[], Iterable[str]]) -> str | None:
        """Return why an event is refused; None where it may be learnt, and then it has to be.

        `at_most`: so many payments, and so many copies, can be known of its dossier; `known` gives the names of the
        facts that are, and is asked only where that could be too many.
        """
        if event.parts is None:
            return None
        parts = self._of.get(event.dossier)
        if parts is None:
            if at_most < self._least:
                return None
            if len(self._of) >= KEPT_MAX:
                self._of.clear()
            parts = self._of[event.dossier] = _parts_of(known())
        payment, copy = event.parts
        if payment is not None and payment not in parts.payments and len(parts.payments) >= self._limits.payments:
            return TOO_MANY_PAYMENTS
        if copy is not None and copy not in parts.copies and len(parts.copies) >= self._limits.copies:
            return TOO_MANY_COPIES
        if payment is not None:
            parts.payments.add(payment)
        if copy is not None:
            parts.copies.add(copy)
        return None

    def forget(self) -> None:
        """Begin anew: what is known may be another's."""
        self._of.clear()
