"""Events taken into dossiers, and how counters move by it.

`learn` is what one event does to one dossier; `moved` is what that does to the counters. Between the two any number of
events may be learnt: counters follow from what is known, not from how it came to be known.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from models.contributions import Contribution
from models.dossier import Dossier, Outcome, merge, outcome
from models.events import Event

T = TypeVar("T")
Held = Sequence[Contribution]
"""where a dossier counts now; derived from it, and kept beside it so that it need not be derived twice"""
NONE: Final[Held] = ()
Counted = dict[tuple[str, str, str], list[int]]
"""(unit, civil day as ISO text, cell) → [numerator, denominator]"""


def learn(dossier: Dossier, event: Event) -> tuple[Dossier, Outcome]:
    """Return the dossier with an event taken in, and whether that changed what is known of it."""
    after = merge(dossier, event.stamp, event.facts)
    if after is dossier:
        return dossier, "unchanged"
    if len(after[0]) == len(dossier[0]) + len(event.facts):
        return after, "applied"  # every fact is about something not known before
    return after, outcome(dossier, after, event.stamp)


def moved(held: Sequence[T], now: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Return (what counts no longer, what counts from now on) of a dossier that counted as `held`.

    As often as a contribution stands in both, it stays; two payments of one day are two.
    """
    if not held:
        return (), now
    taken, put = list(held), []
    for contribution in now:
        if contribution in taken:
            taken.remove(contribution)
        else:
            put.append(contribution)
    return taken, put


def count(counters: Counted, held: Held, sign: int) -> None:
    """Put contributions into counters (sign 1), or take them out (-1)."""
    for unit, day, cell, numerator in held:
        key = (unit, day, cell)
        counter = counters.get(key)
        if counter is None:
            counters[key] = [sign * numerator, sign]
        else:
            counter[0] += sign * numerator
            counter[1] += sign
