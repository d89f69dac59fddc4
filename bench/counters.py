"""A digest of counters by unit, civil day and cell, to compare peers key by key."""

import hashlib
from collections.abc import Iterable

Counter = tuple[str, str, str, int, int]


def digest(counters: Iterable[Counter]) -> str:
    """Return a digest of all counters that are not 0/0, in a fixed order."""
    lines = sorted(f"{u}|{d}|{c}|{n}|{m}" for u, d, c, n, m in counters if m or n)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
