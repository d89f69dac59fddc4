"""Co-partitioned topics read side by side in time, while a backlog is worked off.

A fetch brings so many bytes, not so many minutes: the topic of the smallest records runs ahead, by weeks over a year's
backlog. Then what belongs to one key comes apart into several transactions, and its row is written each time. So a
partition that is ahead of a sibling waits for it; never for long, for a sibling may be silent for reasons of its own.
"""

from collections.abc import Collection, Iterable
from typing import Final

from faust.types import TP

HOLD_S: Final = 1.0
"""how long a partition waits for siblings that bring nothing, at a time"""
PAUSE_S: Final = 0.1
"""as much of the time between two rounds counts: in a longer pause it was us who did not ask"""


class Alignment:
    """How far each partition has been handed over, by the records' timestamps; and where nothing comes."""

    def __init__(self) -> None:
        """Know nothing yet: nobody waits."""
        self._reached: dict[TP, int] = {}
        self._oldest: dict[int, int] = {}
        """partition → timestamp of the topic that is furthest behind"""
        self._silent_s: dict[int, float] = {}
        """partition → for how long that has not moved"""
        self._at: float | None = None

    def handed_over(self, tp: TP, timestamp: int) -> None:
        """Take note of the timestamp (ms) of the last record handed over."""
        self._reached[tp] = timestamp

    def due(self, asked: Iterable[TP], behind: Collection[TP], now: float) -> set[TP]:
        """Return which of the partitions asked for are to be read now, at least one: those that no sibling is behind.

        `behind`: those of which there is more to come. `now`: seconds. A round begins, which `over` ends.
        """
        if self._at is not None:
            self._pass(min(now - self._at, PAUSE_S))
        self._at = now
        oldest: dict[int, int] = {}
        for tp in behind:
            oldest[tp.partition] = min(oldest.get(tp.partition, self._when(tp)), self._when(tp))
        silent = {p: self._silent_s.get(p, 0.0) if self._oldest.get(p) == when else 0.0 for p, when in oldest.items()}
        given_up = {p for p, seconds in silent.items() if seconds >= HOLD_S}
        self._oldest, self._silent_s = oldest, silent | dict.fromkeys(given_up, 0.0)
        return {
            tp for tp in asked
            if tp.partition in given_up or self._when(tp) <= oldest.get(tp.partition, self._when(tp))
        }  # fmt: skip

    def over(self, now: float) -> None:
        """Take note of when a round has brought what it brought."""
        if self._at is not None:
            self._pass(now - self._at)
        self._at = now

    def _pass(self, seconds: float) -> None:
        for partition in self._silent_s:
            self._silent_s[partition] += seconds

    def _when(self, tp: TP) -> int:
        return self._reached.get(tp, -1)
