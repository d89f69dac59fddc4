"""Events taken into dossiers, and how counters move by it.

`learn` is what one event does to one dossier, `learn_all` what several do; `moved` is what that does to the counters.
Between the two any number of events may be learnt: counters follow from what is known, not from how it came to be
known.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar

from models.counting.contributions import Contribution
from models.dossiers.dossier import Dossier, Outcome, merge, merge_all, outcome, put_together
from models.dossiers.events import Event

T = TypeVar("T")
Held = Sequence[Contribution]
"""where a dossier counts now; derived from it, and kept beside it so that it need not be derived twice"""
NONE: Final[Held] = ()
FEW: Final = 16
"""contributions up to which going through them is quicker than counting them"""
MANY: Final = 64
"""facts, known and told, from which a merge of all events at once is quicker than one event after the other"""
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


def learn_all(dossier: Dossier, events: Sequence[Event]) -> tuple[Dossier, int]:
    """Return the dossier with events taken in, in the order in which they came, and how many left it "unchanged".

    Events that speak of different things, and of nothing known, are put together at once.

    >>> from models.dossiers.dossier import NOTHING
    >>> issued = Event("result-issued", "A", "b2", {"electronic": True})
    >>> learn_all(NOTHING, [issued, Event("received", "A", "b1", {"unit": "340"}), issued])
    ([{'unit': '340', 'electronic': True}, ['b1', 1, 'b2', 1]], 1)
    """
    if len(events) > 1 and (after := put_together(dossier, events)) is not None:
        return after, 0
    if len(events) > 1 and len(dossier[0]) + len(events) > MANY:
        return merge_all(dossier, events)
    unchanged = 0
    for event in events:
        dossier, outcome = learn(dossier, event)
        unchanged += outcome == "unchanged"
    return dossier, unchanged


def moved(held: Sequence[T], now: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Return (what counts no longer, what counts from now on) of a dossier that counted as `held`.

    As often as a contribution stands in both, it stays; two payments of one day are two.
    """
    if not held:
        return (), now
    if len(held) > FEW:
        before, after = Counter(held), Counter(now)
        return [*(before - after).elements()], [*(after - before).elements()]
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
