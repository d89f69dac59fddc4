"""What is known of one dossier: a merge of facts, field by field, the newest of each winning.

A dossier is a list of *layers*, oldest first: ``[stamp, facts]``, where a layer holds what its event still says after
every newer event has spoken. So each field stands once, each stamp once, and the list is canonical: the same events
give the same layers in whatever order, however often they come. Layers are never changed in place.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

Layer = list[Any]
"""[stamp: str, facts: dict[str, Any]]"""
Layers = list[Layer]

Outcome = Literal["applied", "unchanged"]
EMPTY: Final[Layers] = []


def merge(layers: Layers, stamp: str, facts: Mapping[str, Any]) -> Layers:
    """Return the layers with an event's facts taken in; the very same list where nothing is to be remembered.

    Associative, commutative and idempotent over events.

    >>> a = merge(EMPTY, "b1", {"unit": "340", "channel": "online"})
    >>> merge(a, "b2", {"channel": "postal"})
    [['b1', {'unit': '340'}], ['b2', {'channel': 'postal'}]]
    >>> merge(merge(EMPTY, "b2", {"channel": "postal"}), "b1", {"unit": "340", "channel": "online"})
    [['b1', {'unit': '340'}], ['b2', {'channel': 'postal'}]]
    """
    if not facts:
        return layers
    at = len(layers)
    won: Mapping[str, Any] = facts
    while at and layers[at - 1][0] >= stamp:
        newer_stamp, newer = layers[at - 1]
        if newer_stamp == stamp:
            return layers
        if not newer.keys().isdisjoint(won):
            won = {k: v for k, v in won.items() if k not in newer}
            if not won:
                return layers
        at -= 1
    merged = []
    for layer in layers[:at]:
        older = layer[1]
        if older.keys().isdisjoint(won):
            merged.append(layer)
        elif rest := {k: v for k, v in older.items() if k not in won}:
            merged.append([layer[0], rest])
    merged.append([stamp, won])
    merged += layers[at:]
    return merged


def outcome(before: Layers, after: Layers, stamp: str) -> Outcome:
    """Tell whether an event changed what is known: a value, or the version at which one is known.

    A resend under a new id at the same version, with the same values, changes nothing (A11).
    """
    if before is after:
        return "unchanged"
    rank = rank_of(stamp)
    if all(rank_of(layer[0]) != rank for layer in before):
        return "applied"
    known = {k: (v, rank_of(layer[0])) for layer in before for k, v in layer[1].items()}
    won = next(layer[1] for layer in after if layer[0] == stamp)
    same = all(k in known and known[k][0] == v and known[k][1] >= rank for k, v in won.items())
    return "unchanged" if same else "applied"


def rank_of(stamp: str) -> str:
    """Return the part of a stamp that says how new a fact is: its version, or without one its `at`."""
    return stamp[: stamp.find("\t", 2)]


def view(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return field → value of everything known."""
    known: dict[str, Any] = {}
    for layer in layers:
        known.update(layer[1])
    return known
