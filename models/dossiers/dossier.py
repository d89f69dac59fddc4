"""What is known of one dossier: a merge of facts, field by field, the newest of each winning.

A dossier is ``[facts, said]``: every field with its value, grouped by the event that said it, oldest event first; and
``stamp, how many`` of each such event, in the same order. So each field stands once and each stamp once; an event of
which nothing stands any more has left no trace; and the same events give the same dossier, to the byte, in whatever
order, however often they come. Neither part is ever changed in place.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from operator import attrgetter
from typing import Any, Final, Literal

from models.dossiers.events import Event

Facts = dict[str, Any]
Dossier = list[Any]
"""[facts: dict of field → value, said: list of stamp, count, stamp, count …]; JSON, so that it can be a row of state"""

Outcome = Literal["applied", "unchanged"]
NOTHING: Final[Dossier] = [{}, []]
MANY: Final = 64
"""length of `said` from which a dossier is gone through by other means"""


def merge(dossier: Dossier, stamp: str, facts: Facts) -> Dossier:
    """Return the dossier with an event's facts taken in; the very same object where nothing is to be remembered.

    Associative, commutative and idempotent over events.

    >>> a = merge(NOTHING, "b1", {"unit": "340", "channel": "online"})
    >>> merge(a, "b2", {"channel": "postal"})
    [{'unit': '340', 'channel': 'postal'}, ['b1', 1, 'b2', 1]]
    >>> merge(merge(NOTHING, "b2", {"channel": "postal"}), "b1", {"unit": "340", "channel": "online"})
    [{'unit': '340', 'channel': 'postal'}, ['b1', 1, 'b2', 1]]
    """
    if not facts:
        return dossier
    known, said = dossier
    if not said:
        return [facts, [stamp, len(facts)]]
    if known.keys().isdisjoint(facts):  # it says something of its own, after all that is known or before it
        if said[-2] < stamp:
            return [known | facts, [*said, stamp, len(facts)]]
        if stamp < said[0]:
            return [facts | known, [stamp, len(facts), *said]]
    return _merge(dossier, stamp, facts)


_stamp: Final = attrgetter("stamp")


def put_together(dossier: Dossier, events: Sequence[Event]) -> Dossier | None:
    """Return what `merge` gives of one event after the other, where each is newer than all known and says its own.

    None where one is older, says nothing, or something that is known or that another says: then `merge` has to decide.
    """
    known, said = dossier
    ordered = sorted(events, key=_stamp)
    if said and ordered[0].stamp <= said[-2]:
        return None
    facts, told, fields = known.copy(), said.copy(), len(known)
    for _, _, stamp, own, _ in ordered:
        facts.update(own)
        told += (stamp, len(own))
        fields += len(own)
    return [facts, told] if len(facts) == fields and all(told[1::2]) else None


def merge_all(dossier: Dossier, events: Iterable[Event]) -> tuple[Dossier, int]:
    """Return what `merge` gives of one event after the other, and how many left it "unchanged" (`outcome`).

    What is known is gone through once, and not once per event: one dossier may have a thousand payments.
    """
    known = {field: (stamp, value) for stamp, facts in said_by(dossier) for field, value in facts.items()}
    stands = dict(zip(dossier[1][::2], dossier[1][1::2], strict=True))
    """stamp → how many of its facts stand"""
    ranks = Counter(map(rank_of, stands))
    """version → how many events of it have facts that stand"""
    unchanged, same = 0, True
    for _, _, stamp, facts, _ in events:
        won = [] if stamp in stands else [f for f in facts if f not in known or known[f][0] < stamp]
        if not won:
            unchanged += 1
            continue
        rank, same = rank_of(stamp), False
        if ranks[rank] and all(f in known and known[f][1] == facts[f] and rank_of(known[f][0]) >= rank for f in won):
            unchanged += 1
        for field in won:
            older = known.pop(field, None)  # what is put back stands last, beside the rest of its event
            if older is not None:
                stands[older[0]] -= 1
                if not stands[older[0]]:
                    del stands[older[0]]
                    ranks[rank_of(older[0])] -= 1
            known[field] = (stamp, facts[field])
        stands[stamp] = len(won)
        ranks[rank] += 1
    if same:
        return dossier, unchanged
    said: dict[str, Facts] = {stamp: {} for stamp in sorted(stands)}
    for field, (stamp, value) in known.items():
        said[stamp][field] = value
    together: Facts = {}
    counts: list[Any] = []
    for stamp, facts in said.items():
        together.update(facts)
        counts += (stamp, len(facts))
    return [together, counts], unchanged


def _merge(dossier: Dossier, stamp: str, facts: Facts) -> Dossier:
    """Merge an event that is not the newest, or says anew what is known."""
    known, said = dossier
    if known.keys().isdisjoint(facts):  # it came late and says something of its own: put it into its place
        before = at = 0
        while at < len(said) and said[at] < stamp:
            before += said[at + 1]
            at += 2
        fields = list(known.items())
        fields[before:before] = facts.items()
        return [dict(fields), [*said[:at], stamp, len(facts), *said[at:]]]
    if said[-2] < stamp:
        return _newest(dossier, stamp, facts)
    merged: Facts = {}
    order: list[Any] = []
    won = _won(dossier, stamp, facts)
    if not won:
        return dossier
    placed = False
    for other, theirs in said_by(dossier):
        if other > stamp and not placed:
            merged.update(won)
            order += (stamp, len(won))
            placed = True
        rest = theirs if placed else {k: v for k, v in theirs.items() if k not in won}
        if rest:
            merged.update(rest)
            order += (other, len(rest))
    if not placed:
        merged.update(won)
        order += (stamp, len(won))
    return [merged, order]


def _newest(dossier: Dossier, stamp: str, facts: Facts) -> Dossier:
    """Merge an event newer than all others: what it says replaces what they said, and the rest of it stays."""
    known, said = dossier
    if len(said) > MANY:
        return _newest_of_many(dossier, stamp, facts)
    merged = {field: value for field, value in known.items() if field not in facts}
    merged.update(facts)
    order: list[Any] = []
    fields = iter(known)
    for n in range(0, len(said), 2):
        kept = sum([field not in facts for field in islice(fields, said[n + 1])])
        if kept:
            order += (said[n], kept)
    return [merged, [*order, stamp, len(facts)]]


def _newest_of_many(dossier: Dossier, stamp: str, facts: Facts) -> Dossier:
    """Do as `_newest` does, without a step for every field that stays: a thousand payments have six thousand."""
    known, said = dossier
    fields, counts = [*known], said[1::2]
    ends = [*accumulate(counts)]
    merged = known.copy()
    for field in facts.keys() & known.keys():
        counts[bisect_right(ends, fields.index(field))] -= 1
        del merged[field]
    merged.update(facts)
    order = [part for pair in zip(said[::2], counts, strict=True) if pair[1] for part in pair]
    return [merged, [*order, stamp, len(facts)]]


def _won(dossier: Dossier, stamp: str, facts: Facts) -> Facts:
    """Return the facts of an event that nothing newer contradicts; none where the event itself is known."""
    won = facts
    if dossier[1][-2] >= stamp:
        for newer_stamp, newer in said_by(dossier):
            if newer_stamp == stamp:
                return {}
            if newer_stamp > stamp and not newer.keys().isdisjoint(won):
                won = {k: v for k, v in won.items() if k not in newer}
    return won


def said_by(dossier: Dossier) -> Iterator[tuple[str, Facts]]:
    """Yield stamp and facts of each event of which something stands, oldest first."""
    known, said = dossier
    fields = iter(known.items())
    for n in range(0, len(said), 2):
        yield said[n], dict(islice(fields, said[n + 1]))


def outcome(before: Dossier, after: Dossier, stamp: str) -> Outcome:
    """Tell whether an event changed what is known: a value, or the version at which one is known.

    A resend under a new id at the same version, with the same values, changes nothing (A11).
    """
    if before is after:
        return "unchanged"
    rank = rank_of(stamp)
    if not before[1] or rank_of(before[1][-2]) < rank:
        return "applied"  # newer than all that is known
    if all(rank_of(other) != rank for other in before[1][::2]):
        return "applied"
    at = after[1].index(stamp)
    first = sum(after[1][1:at:2])
    won = dict(islice(after[0].items(), first, first + after[1][at + 1]))
    if any(k not in before[0] or before[0][k] != v for k, v in won.items()):
        return "applied"
    known: Mapping[str, tuple[Any, str]] = {
        k: (v, rank_of(s)) for s, facts in said_by(before) for k, v in facts.items()
    }
    same = all(k in known and known[k][0] == v and known[k][1] >= rank for k, v in won.items())
    return "unchanged" if same else "applied"


def rank_of(stamp: str) -> str:
    """Return the part of a stamp that says how new a fact is: its version, or without one its `at`."""
    return stamp[: stamp.find("\t", 2)]
