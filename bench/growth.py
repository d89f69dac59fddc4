"""What a worker says of itself while it works a backlog off, tenth by tenth: rate, CPU and memory, flat or growing.

On a shared machine each core is for a second or a minute half as quick, which looks like growth, or hides it. So at every
look the same piece of work is timed on the worker's core (`pace`, CPU µs), and a record's CPU is told in such pieces too.
"""

import os
import re
import statistics
import time
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import psutil

from bench.peers.lotrinh import Worker

POLL_S = 0.25


class Sample(NamedTuple):
    """One look at a worker's metrics."""

    at: float
    """seconds, monotonic"""
    records: float
    """committed by this process: what is applied and not committed has not been paid for yet"""
    cpu: float
    """seconds"""
    resident_mb: float
    pace: float = 0.0
    """CPU µs that a fixed piece of work took just then, on the core where its main thread was; 0: not timed"""


def pace(core: int) -> float:
    """Return how long a fixed piece of work takes on a core now, in CPU µs: the best of three, for caches are cold."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return min(_piece() for _ in range(3))
    finally:
        os.sched_setaffinity(0, before)


def _piece() -> float:
    began = time.thread_time_ns()
    found: dict[str, int] = {}
    for n in range(2_000):
        found[f"{n % 97}/{n % 7}"] = len(found) + n
    return (time.thread_time_ns() - began) / 1000


def metric(text: str, name: str) -> float:
    """Return the sum of a metric's samples; 0 where there is none."""
    return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? ([\d.e+-]+)$", text, re.MULTILINE))


def scraped(worker: Worker) -> str:
    """Return a worker's metrics."""
    with urllib.request.urlopen(worker.url, timeout=60) as response:  # noqa: S310
        return str(response.read().decode())


def sample(worker: Worker) -> Sample:
    """Look at a worker once."""
    text = scraped(worker)
    return Sample(
        time.monotonic(),
        metric(text, "lotrinh_source_records_total") - metric(text, "lotrinh_pending_records"),
        metric(text, "lotrinh_process_cpu_seconds_total"),
        metric(text, "lotrinh_process_resident_memory_bytes") / 2**20,
    )


def samples(worker: Worker, records: int, limit_s: float = 1800.0) -> Iterator[Sample]:
    """Look at a worker until it has committed so many records."""
    deadline = time.monotonic() + limit_s
    while (found := sample(worker)).records < records:
        yield _paced(found, worker)
        if time.monotonic() > deadline or worker.process.poll() is not None:
            raise SystemExit(f"{worker.name} has done {found.records:.0f} of {records}: {worker.text()[-2000:]}")
        time.sleep(POLL_S)
    yield _paced(found, worker)


def _paced(found: Sample, worker: Worker) -> Sample:
    return found._replace(pace=pace(psutil.Process(worker.process.pid).cpu_num()))


def tenths(found: Sequence[Sample]) -> dict[str, Any]:
    """Return rate, CPU per record and memory of each tenth of the records, and the last three beside the first three.

    By their medians, as they are and held against the machine's pace. Each tenth is taken between the samples that lie
    nearest to its ends, so that it should be several samples long.
    """
    total = found[-1].records
    if total <= 0:
        raise ValueError("nothing was applied")
    marks = [_nearest(found, total * n / 10) for n in range(11)]
    each = [_between([s for s in found if a.at <= s.at <= b.at]) for a, b in pairwise(marks)]
    rate, cpu, pieces = (
        statistics.median(of[figure] for of in each[-3:]) / statistics.median(of[figure] for of in each[:3])
        for figure in ("records_per_s", "cpu_us_per_record", "pieces_per_1000_records")
    )
    return {
        "records": int(total), "tenths": each,
        "rate_last_to_first": round(rate, 2), "cpu_last_to_first": round(cpu, 2),
        "cpu_at_equal_pace_last_to_first": round(pieces, 2),
    }  # fmt: skip


def _nearest(found: Sequence[Sample], records: float) -> Sample:
    """Return the last sample before anything was applied, or the one nearest to so many records."""
    if records == 0:
        return max((s for s in found if s.records == 0), default=found[0], key=lambda s: s.at)
    return min(found, key=lambda s: abs(s.records - records))


def _between(looks: Sequence[Sample]) -> dict[str, float]:
    a, b = looks[0], looks[-1]
    records = b.records - a.records
    if records <= 0:
        raise ValueError("samples are too far apart for a tenth: take more events")
    cpu_us, pace_us = 1e6 * (b.cpu - a.cpu) / records, statistics.fmean(look.pace for look in looks)
    return {
        "records_per_s": round(records / (b.at - a.at)),
        "cpu_us_per_record": round(cpu_us, 1),
        "pace_us": round(pace_us),
        "pieces_per_1000_records": round(1000 * cpu_us / pace_us, 1),
        "resident_mb": round(b.resident_mb),
    }
