"""How much one transaction may hold: learnt from what the last ones took.

A transaction that outlasts its timeout is aborted by the broker, and all of it has to be done again. So what goes into
one is bounded by what this machine, this broker and this load have been seen to finish in a fraction of that time.
Every takeover begins with a single record's consequences and grows from there: what was too much for a predecessor,
which could write nothing down, is never tried again whole.
"""

from math import ceil
from typing import Final

FIRST: Final = 1
"""records of the first transaction after a takeover"""
FIRST_BYTES: Final = 1 << 16
"""bytes that may be announced in the first transaction after a takeover"""
BYTES_MAX: Final = 16 << 20
"""of what one transaction announces or appends; a broker of production writes that in a fraction of a second"""
GROWTH: Final = 16
"""times by which a transaction may exceed the last one whatever that took"""
LEAP: Final = 256
"""times by which it may exceed one that took so little that even all of its time, times this, is safe"""
OPEN_SHARE: Final = 0.25
"""share of the transaction timeout for which its content may keep it open; twice that makes the next smaller"""
SAFE_SHARE: Final = 0.75
"""share of the transaction timeout that the next one may take if all of the time was taken by what was in it"""
CYCLE_S: Final = 5.0
"""seconds of work on a transaction before it begins that are aimed at: so much is done again after a crash"""
FLOOR: Final = 256
"""records below which slowness alone makes no transaction smaller: then it is not they that take the time"""


class Budget:
    """What the next transaction of one partition may hold.

    >>> budget = Budget(70_000, 10.0)
    >>> budget.records
    1
    >>> for used, seconds in ((1, 0.01), (125, 0.02), (7_812, 0.5), (40_960, 7.0)):
    ...     budget.took(used, 100 * used, open_s=seconds, made_s=seconds)
    ...     print(budget.records)
    125
    7813
    40402
    14672
    """

    def __init__(self, records_max: int, timeout_s: float) -> None:
        """Begin small; `records_max` records at most, transactions being aborted after `timeout_s` seconds."""
        self._records_max = records_max
        self._timeout_s = timeout_s
        self._fixed_s: float | None = None
        """what a transaction takes whatever is in it: the least that one has taken lately"""
        self.records = min(FIRST, records_max)
        """source records, and records announced, each"""
        self.bytes = FIRST_BYTES

    def took(self, records: int, size: int, *, open_s: float, made_s: float) -> None:
        """Learn from a committed transaction: so many records and bytes, open for so long, made in so long before."""
        fixed = self._fixed_s = open_s if self._fixed_s is None else min(open_s, 1.2 * self._fixed_s + 0.001)
        growth = max(GROWTH, min(LEAP, self._timeout_s * OPEN_SHARE / max(open_s + made_s, 1e-9)))
        pace = max((open_s - fixed) / (self._timeout_s * OPEN_SHARE), made_s / CYCLE_S, 1 / growth)
        weight = size / BYTES_MAX
        safe = self._timeout_s * SAFE_SHARE / max(open_s, 1e-9)
        if weight <= 1 and (pace <= 1 or records <= FLOOR):
            # So few records are held against the timeout alone: it may be the broker that takes its time.
            least = 1 / growth
            paced = pace if records > FLOOR else max(made_s / CYCLE_S, least)
            times = max(1.0, min(safe, 1 / paced, 1 / max(weight, least)))
            self.records = min(self._records_max, max(self.records, ceil(records * times)))
            self.bytes = min(BYTES_MAX, max(self.bytes, ceil(size * times)))
        elif max(pace, weight) > 2:
            floor = FIRST if weight > 1 else FLOOR
            self.records = min(self.records, max(floor, int(records / max(pace, weight))))
            self.bytes = min(self.bytes, max(FIRST_BYTES, int(size / max(pace, weight))))


class Room:
    """What is left of one transaction's budget while it is filled."""

    def __init__(self, records: int, size: int, *, patient: bool = False) -> None:
        """Have room for so many records and bytes; `patient`: what may wait is better said later."""
        self._records = self.records = records
        self._bytes = self.bytes = size
        self.patient = patient

    @property
    def full(self) -> bool:
        """Whether nothing more should go in. The first record always does, whatever its size."""
        return self.records <= 0 or self.bytes <= 0

    @property
    def used(self) -> tuple[int, int]:
        """Records and bytes that went in."""
        return self._records - self.records, self._bytes - self.bytes

    def take(self, size: int, records: int = 1) -> None:
        """Let something in."""
        self.records -= records
        self.bytes -= size
