"""Co-partitioned topics read side by side in time, while a backlog is worked off.

A fetch brings so many bytes, not so many minutes: the topic of the smallest records runs ahead, by weeks over a year's
backlog. Then what belongs to one key comes apart into several transactions, and its row is written each time. So a
partition that is ahead of a sibling waits for it; never for long, for a sibling may be silent for reasons of its own.
"""

from collections.abc import Collection, Iterable
from typing import Final

from faust.types import TP

HOLD_S: Final = 1.0
"""how long a partition waits at a time"""


class Alignment:
    """How far each partition has been handed over, by the records' timestamps; and which have waited since when."""

    def __init__(self) -> None:
        """Know nothing yet: nobody waits."""
        self._reached: dict[TP, int] = {}
        self._held: dict[TP, float] = {}

    def handed_over(self, tp: TP, timestamp: int) -> None:
        """Take note of the timestamp (ms) of the last record handed over."""
        self._reached[tp] = timestamp

    def due(self, asked: Iterable[TP], behind: Collection[TP], now: float) -> set[TP]:
        """Return which of the partitions asked for are to be read now, at least one: those that no sibling is behind.

        `behind`: those of which there is more to come. `now`: seconds.
        """
        due: set[TP] = set()
        oldest: dict[int, int] = {}
        for tp in behind:
            oldest[tp.partition] = min(oldest.get(tp.partition, self._when(tp)), self._when(tp))
        for tp in asked:
            if self._when(tp) <= oldest.get(tp.partition, self._when(tp)):
                self._held.pop(tp, None)
                due.add(tp)
            elif now - self._held.setdefault(tp, now) >= HOLD_S:
                self._held[tp] = now
                due.add(tp)
        return due

    def _when(self, tp: TP) -> int:
        return self._reached.get(tp, -1)
