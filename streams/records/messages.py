"""The records that our own processes send one another: ticks, tallies, marks. JSON, absolute, versioned."""

from typing import Any, Final, Literal, NotRequired

import orjson
from typing_extensions import TypedDict

from models.counting.open_dossiers import Listed

EVIDENCE_HEADER: Final = "evidence"
"""of an alert transition: topic, partition and position up to which the log leads to it; and the reading's name"""


class Tick(TypedDict):
    """The clock, as a record: it passes once everything before `upto` has been counted.

    `at` is a canonical instant, or None for a tick that moves no clock. `flush` names a tick that asks for an
    evaluation even where the clock stands; it is acted on when the last source partition has passed it.
    """

    at: str | None
    flush: str | None
    upto: dict[str, int]
    """inbound topic (without prefix) → position in the tick's own partition"""


class Version(TypedDict):
    """Who says it, and how new it is: (epoch, position) of one source partition."""

    slot: int
    """source partition"""
    epoch: int
    position: int


class Tally(Version):
    """One source partition's counters for some days of a unit, absolute: they replace what it said of these days."""

    kind: Literal["tally"]
    unit: str
    days: dict[str, dict[str, list[int]]]
    """civil day → cell → [numerator, denominator]"""
    gaps: NotRequired[dict[str, Listed]]
    """cell → the first dossiers still to be fulfilled, [civil day, code]; of the cells where that has changed"""


class Mark(Version):
    """A source partition begins an epoch, or has completed it: from then on its older cells count as absent."""

    kind: Literal["mark"]
    fold: str
    """fingerprint of the rules by which it counts"""
    complete: bool


class Passed(Version):
    """A source partition has counted everything that came before a tick."""

    kind: Literal["passed"]
    at: str | None
    flush: str | None
    records: int
    """how many records had come in when the tick was written: the sum of its cut"""
    misplaced: NotRequired[dict[str, int]]
    """inbound topic (without prefix) → records refused since the state's first, for their key does not belong there"""


class Restored(TypedDict):
    """A partition of watch remembers this, from a backup; it judges again from the tick that `flush` names."""

    kind: Literal["restored"]
    flush: str
    clock: str | None
    """up to which it had judged"""
    memory: dict[str, Any]
    """row of the table `alerts` → what is remembered"""


def cells_in_force(epochs: dict[str, list[Any]], slot: dict[str, Any] | None) -> dict[str, Any]:
    """Return the cells that hold of what a slot said of a unit's day: those of its current epoch."""
    said = None if slot is None else epochs.get(str(slot["epoch"]))
    cells: dict[str, Any] = {} if said is None else said[1]
    return cells


def dumps(message: Any) -> bytes:
    """Return a message's bytes."""
    return orjson.dumps(message)
