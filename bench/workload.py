"""The fixed workload: 100 000 dossiers × 3 events over a year, with duplicates, late events, corrections, transfers.

The shape of the workload that the project's figures have been quoted on from the start, in the contract's events:
200 units, 365 days, 1 % duplicates, 1 % up to three days late, 1 % corrections, ½ % transfers, by time of arrival.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

ZONE = timezone(timedelta(hours=7))
DOSSIERS, UNITS, DAYS = 100_000, 200, 365
START = datetime(2024, 1, 1, tzinfo=ZONE)


def units(named: list[str]) -> list[str]:
    """Return the 200 units used: the first of the decision's, sorted."""
    return sorted(named)[:UNITS]


def events(named: list[str], dossiers: int = DOSSIERS, seed: int = 42) -> list[bytes]:
    """Return all events in order of arrival."""
    rng = random.Random(seed)
    codes = units(named)
    arriving: list[tuple[float, bytes]] = []
    for n in range(dossiers):
        for arrival, value in _dossier(rng, codes, n):
            arriving.append((arrival, value))
            if rng.random() < 0.01:
                arriving.append((arrival + rng.uniform(0, 600), value))
    arriving.sort(key=lambda pair: pair[0])
    return [value for _, value in arriving]


def _dossier(rng: random.Random, codes: list[str], n: int) -> Iterator[tuple[float, bytes]]:
    code, unit = f"000.00.34-24-{n:06d}", rng.choice(codes)
    received = START + timedelta(seconds=rng.randrange(DAYS * 86_400 - 6 * 86_400))
    online = rng.random() < 0.55
    story: list[tuple[str, timedelta, dict[str, Any]]] = [
        ("received", timedelta(0), {"unit": unit, "procedure": f"1.{rng.randrange(40):06d}",
                                    "channel": "online" if online else "in_person"}),
        ("paid", timedelta(hours=1), {"transaction": f"T{n}", "amount": 15_000,
                                      "method": "online" if online else "cash",
                                      "gateway": "national" if online else None}),
        ("result-issued", timedelta(days=rng.uniform(1, 5)), {"electronic": True, "digitised": rng.random() < 0.97}),
    ]  # fmt: skip
    if rng.random() < 0.01:
        story.append(("corrected", timedelta(days=2), {"channel": "in_person" if online else "online"}))
    if rng.random() < 0.005:
        story.append(("transferred", timedelta(days=1), {"unit": rng.choice(codes)}))
    for version, (kind, after, fields) in enumerate(sorted(story, key=lambda s: s[1]), start=1):
        at = received + after
        event = {"id": f"tb:{code}:{version}", "type": kind, "dossier": code, "version": version,
                 "at": at.isoformat(timespec="seconds"), **fields}  # fmt: skip
        late = rng.uniform(0, 3 * 86_400) if rng.random() < 0.01 else 0
        yield at.timestamp() + late, orjson.dumps(event)
