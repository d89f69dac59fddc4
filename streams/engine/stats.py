"""What an engine says of itself: plain attributes, written as work goes on and read by whoever asks.

Nothing here locks, waits or allocates on the way of a record: counters are added to once per fetch or transaction, and
a view is put together only when somebody asks for one.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any, Final

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Durations:
    """A histogram of durations, seconds: how many lie in each bucket of `BOUNDS_S`, and their sum.

    >>> d = Durations()
    >>> for seconds in (0.004, 0.005, 120):
    ...     d.observe(seconds)
    >>> [(le, n) for le, n in d.cumulative() if le in ("0.0025", "0.005", "+Inf")]
    [('0.0025', 0), ('0.005', 2), ('+Inf', 3)]
    """

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        """Start with nothing observed."""
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Take one duration in; a bucket holds what is at most its bound."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, int]]:
        """Return (upper bound, how many are at most that), the last of them all."""
        total, found = 0, []
        for bound, count in zip((*BOUNDS_S, None), self.counts, strict=True):
            total += count
            found.append(("+Inf" if bound is None else f"{bound:g}", total))
        return found


@dataclass
class Stats:
    """Counters of one process since its start."""

    transactions: int = 0
    aborted: int = 0
    """transactions that were aborted and sent again"""
    records_out: int = 0
    """rows, positions and announcements committed"""
    holes: int = 0
    """stretches of a log that had to be fetched again"""
    rebalances: int = 0
    working_since: float | None = None
    """monotonic; None while partitions are being taken over or given back"""
    applied_at: float = 0.0
    """monotonic, of the last fetch applied"""
    records_in: dict[tuple[str, int], int] = field(default_factory=dict)
    """(topic, partition) → records applied"""
    appended_ms: dict[tuple[str, int], int] = field(default_factory=dict)
    """(topic, partition) → timestamp of the newest record applied"""
    commit: Durations = field(default_factory=Durations)
    """of a transaction, from its beginning to the broker's word that it is committed"""
    takeover: Durations = field(default_factory=Durations)
    """of a rebalance's takeover: fencing, restoring, seeking"""

    def applied(self, topic: str, partition: int, records: Any, now: float) -> None:
        """Take note of a fetch that has been applied."""
        self.applied_at = now
        if records:
            key = (topic, partition)
            self.records_in[key] = self.records_in.get(key, 0) + len(records)
            self.appended_ms[key] = records[-1].timestamp
