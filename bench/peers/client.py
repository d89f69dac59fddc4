"""What the peers in Python share: their arguments, how a run is measured, and counting with our core."""

import json
import sys
import time
from collections import defaultdict
from typing import Any, NamedTuple

from bench.counters import digest
from bench.rig import peak_rss_mb
from models.counting.contributions import contributions
from models.counting.learning import NONE, Held, learn, moved
from models.dossiers.dossier import NOTHING, Dossier
from models.dossiers.events import Event, Refused, decode
from streams.files.decision_files import read_reading
from streams.settings import Settings


class Given(NamedTuple):
    """The arguments of a peer."""

    bootstrap: str
    prefix: str
    records: int


def given() -> Given:
    """Read the arguments."""
    bootstrap, prefix, records = sys.argv[-3:]
    return Given(bootstrap, prefix, int(records))


class Stopwatch:
    """Measures from the first record to the last: wall time, CPU, memory."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None

    def begin(self) -> None:
        """Note that the first record is here; later calls change nothing."""
        if self._began is None:
            self._began = time.perf_counter(), time.process_time()

    def end(self) -> dict[str, Any]:
        """Return what a run took until now."""
        assert self._began is not None  # noqa: S101
        wall, cpu = self._began
        return {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rss_mb": peak_rss_mb()}


def report(found: dict[str, Any], counted: str) -> None:
    """Write the one line."""
    print(json.dumps({**found, "digest": counted}), flush=True)


def event_of(value: bytes | None, headers: Any = ()) -> Event:
    """Decode a record of the workload, which holds no bad ones."""
    event = decode(value, headers)
    if isinstance(event, Refused):
        raise SystemExit("the workload holds no bad events")
    return event


class Counting:
    """Counts in memory and keeps nothing: dossiers, where each counts, counters."""

    def __init__(self) -> None:
        self._rules = read_reading(Settings()).fold
        self._dossiers: dict[bytes, tuple[Dossier, Held]] = {}
        self._cells: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(dict)

    def take(self, key: bytes, value: bytes, headers: Any) -> None:
        """Take one record in."""
        event = event_of(value, headers)
        dossier, held = self._dossiers.get(key, (NOTHING, NONE))
        after, _ = learn(dossier, event)
        now = contributions(after[0], self._rules)
        self._dossiers[key] = (after, now)
        taken, put = moved(held, now)
        for unit, day, cell, numerator in taken:
            counted = self._cells[unit, day][cell]
            counted[0] -= numerator
            counted[1] -= 1
        for unit, day, cell, numerator in put:
            counted = self._cells[unit, day].setdefault(cell, [0, 0])
            counted[0] += numerator
            counted[1] += 1

    def digest(self) -> str:
        return digest((u, d, c, *n) for (u, d), of in self._cells.items() for c, n in of.items())


Delta = tuple[str, str, int, int]
"""(civil day, cell, ± numerator, ± 1), of a unit"""


class Learning:
    """The first of two steps, for peers that keep state by key: what an event does to its dossier and to counters."""

    def __init__(self) -> None:
        self._rules = read_reading(Settings()).fold

    def learn(self, before: Dossier | None, event: Event) -> tuple[Dossier, list[tuple[str, Delta]]]:
        """Return the dossier after an event, and by how much counters of which unit move."""
        dossier = NOTHING if before is None else before
        after, _ = learn(dossier, event)
        taken, put = moved(contributions(dossier[0], self._rules), contributions(after[0], self._rules))
        return after, [
            (unit, (day, cell, sign * numerator, sign))
            for sign, some in ((-1, taken), (1, put))
            for unit, day, cell, numerator in some
        ]
