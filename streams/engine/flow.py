"""Contiguity: what of a fetch continues the state, whatever was dropped, doubled or overtaken on the way here."""

from typing import Literal

from faust.types import TP

from streams.engine.stop import die
from streams.engine.transport import Fetch

REFETCHES_MAX = 3
"""times a stretch of the log is asked for again before the process gives up"""
REFETCH_S = 5.0
"""within which what was asked for again has to come; what was on its way before is passed over"""
STALL_S = 5.0
"""how often to look whether something was fetched and never arrived"""

Verdict = Literal["apply", "skip", "refetch"]


class Contiguity:
    """Judges fetches against the state's position, and remembers which stretches were asked for again."""

    def __init__(self) -> None:
        """Miss nothing."""
        self._missing: dict[TP, tuple[int, int, float]] = {}
        """(position asked for, times, when)"""
        self._seen: dict[TP, int] = {}

    def judge(self, fetch: Fetch, here: int, now: float) -> Verdict:
        """Say what to do with a fetch where the state has come to `here`; an overlap is trimmed off it.

        Fetches are true stretches of the log, so what continues the state may be applied whoever brought it, and when.
        """
        tp = TP(fetch.topic, fetch.partition)
        if fetch.position <= here:
            return "skip"  # all of it has been applied
        if fetch.start > here:
            return "refetch" if self.missing(tp, here, now) else "skip"
        if fetch.start < here:
            fetch.records = [r for r in fetch.records if r.offset >= here]
        self._missing.pop(tp, None)
        return "apply"

    def missing(self, tp: TP, here: int, now: float) -> bool:
        """Tell whether to fetch again from `here`; ends the process where that has been in vain."""
        at, times, when = self._missing.get(tp, (here, 0, -REFETCH_S))
        if at != here:
            times, when = 0, -REFETCH_S
        if times and now - when < REFETCH_S:
            return False  # asked for, and not yet due
        if times >= REFETCHES_MAX:
            die(f"{tp.topic}-{tp.partition}: what follows {here} cannot be fetched")
        self._missing[tp] = (here, times + 1, now)
        return True

    def stalled(self, tp: TP, here: int, fetched: int) -> bool:
        """Tell whether the consumer is further than the state and the state stands where it stood the last time.

        Then a fetch was dropped on the way, and no later one may come to show the hole.
        """
        before, self._seen[tp] = self._seen.get(tp), here
        return fetched > here and before == here
