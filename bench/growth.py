"""What a worker says of itself while it works a backlog off, tenth by tenth: rate, CPU and memory, flat or growing."""

import re
import statistics
import time
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

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
        yield found
        if time.monotonic() > deadline or worker.process.poll() is not None:
            raise SystemExit(f"{worker.name} has done {found.records:.0f} of {records}: {worker.text()[-2000:]}")
        time.sleep(POLL_S)
    yield found


def tenths(found: Sequence[Sample]) -> dict[str, Any]:
    """Return rate, CPU per record and memory of each tenth of the records, and the last three beside the first three.

    By their medians: a shared machine is for seconds at a time half as quick. Each tenth is taken between the samples
    that lie nearest to its ends, so that it should be several samples long.
    """
    total = found[-1].records
    if total <= 0:
        raise ValueError("nothing was applied")
    marks = [_nearest(found, total * n / 10) for n in range(11)]
    each = [_between(a, b) for a, b in pairwise(marks)]
    rate, cpu = (
        statistics.median(of[figure] for of in each[-3:]) / statistics.median(of[figure] for of in each[:3])
        for figure in ("records_per_s", "cpu_us_per_record")
    )
    return {
        "records": int(total), "tenths": each,
        "rate_last_to_first": round(rate, 2), "cpu_last_to_first": round(cpu, 2),
    }  # fmt: skip


def _nearest(found: Sequence[Sample], records: float) -> Sample:
    """Return the last sample before anything was applied, or the one nearest to so many records."""
    if records == 0:
        return max((s for s in found if s.records == 0), default=found[0], key=lambda s: s.at)
    return min(found, key=lambda s: abs(s.records - records))


def _between(a: Sample, b: Sample) -> dict[str, float]:
    records = b.records - a.records
    if records <= 0:
        raise ValueError("samples are too far apart for a tenth: take more events")
    return {
        "records_per_s": round(records / (b.at - a.at)),
        "cpu_us_per_record": round(1e6 * (b.cpu - a.cpu) / records, 1),
        "resident_mb": round(b.resident_mb),
    }
