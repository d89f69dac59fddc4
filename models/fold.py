"""One event taken into one dossier: what is known after it, and what it takes out of counters and puts in."""

from collections.abc import Sequence
from typing import NamedTuple

from models.contributions import Contribution, FoldRules, contributions
from models.dossier import Layers, Outcome, merge, outcome, view
from models.events import Event


class Folded(NamedTuple):
    """The effect of one event. `taken` and `put` are equal, and empty here, where counters do not move."""

    layers: Layers
    outcome: Outcome
    taken: Sequence[Contribution]
    put: Sequence[Contribution]


def fold(layers: Layers, event: Event, rules: FoldRules) -> Folded:
    """Take an event into a dossier. Pure; the given layers stay as they are."""
    after = merge(layers, event.stamp, event.facts)
    if after is layers:
        return Folded(layers, "unchanged", (), ())
    taken = contributions(view(layers), rules) if layers else ()
    put = contributions(view(after), rules)
    if taken == put:
        return Folded(after, outcome(layers, after, event.stamp), (), ())
    return Folded(after, outcome(layers, after, event.stamp), taken, put)
