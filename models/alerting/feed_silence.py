"""When a feed is silent: nothing arrives, although by its own rhythm it should have.

Zero dossiers of a unit are a value; a silent source is a fault, and says nothing about units. What has been heard is
noted on the evening of each working day, as how many records had come in all.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

RHYTHM_DAYS: Final = 20
"""working days with records, of the last `RHYTHM_OF`, from which a feed has a rhythm"""
RHYTHM_OF: Final = 30
MISSED_RECORDS: Final = 20
"""records that the rhythm makes expected in the silence. Why: with chance alone, once in five hundred million"""


def heard(totals: Sequence[int], total: int) -> list[int]:
    """Return what had come in by the evening of each of the last working days, with one evening more.

    Silent evenings do not push the rhythm out of memory: of a silence, the last `RHYTHM_OF` evenings are kept.
    """
    said = [*totals, total]
    quiet = _quiet(said)
    return said[-(RHYTHM_OF + 1 + min(quiet, RHYTHM_OF)) :]


def silent(totals: Sequence[int]) -> bool:
    """Tell whether the feed has fallen silent.

    >>> week = list(range(0, 1000, 40))
    >>> silent(week), silent([*week, week[-1]]), silent([5, 5, 5, 5])
    (False, True, False)
    """
    quiet = _quiet(totals)
    spoke = totals[: len(totals) - quiet]
    daily = [b - a for a, b in pairwise(spoke)][-RHYTHM_OF:]
    if quiet == 0 or sum(d > 0 for d in daily) < RHYTHM_DAYS:
        return False
    return quiet * sum(daily) >= MISSED_RECORDS * len(daily)


def is_quiet(totals: Sequence[int]) -> bool:
    """Tell whether nothing is known to have come since the last evening but one."""
    return len(totals) < 2 or _quiet(totals) > 0


def _quiet(totals: Sequence[int]) -> int:
    """Return on how many of the last evenings nothing more had come than on the one before."""
    count = 0
    while count + 1 < len(totals) and totals[-1 - count] == totals[-2 - count]:
        count += 1
    return count
