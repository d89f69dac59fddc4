"""Memory of tally: bytes per dossier of state, while it was counted and after a restart, as a real worker holds it.

usage: python -m bench.memory [--dossiers 50000] [--steps 3]

Feeds the fixed workload in equal steps to one worker on a Kafka of its own; after each step, at rest, it reads the
worker's resident memory from its metrics, then restarts it and reads again. The slope over the steps is the price of a
dossier; what a process needs besides (interpreter, libraries, buffers of one transaction) is the same at every step.
"""

import argparse
import json
import re
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import orjson

from bench import workload
from bench.run import broker
from streams.broker import topics
from streams.broker.reading import records_of
from tests.integration.system import System, Worker, running

RESIDENT = re.compile(r"^lotrinh_process_resident_memory_bytes ([\d.e+]+)$", re.MULTILINE)
ROWS = re.compile(r"^lotrinh_state_rows\{[^}]*\} (\d+)$", re.MULTILINE)
LAG = re.compile(r"^lotrinh_(?:source_lag|pending)_records\{[^}]*\} (\d+)$", re.MULTILINE)
DAYS = re.compile(r"^lotrinh_unit_days\{[^}]*\} (\d+)$", re.MULTILINE)
REST_S = 300.0


def at_rest(worker: Worker, dossiers: int) -> dict[str, int]:
    """Wait until a worker has nothing left to do and return what it holds."""
    url = worker.ready.read_text().strip() + "metrics"
    deadline = time.monotonic() + REST_S
    quiet = 0
    while quiet < 3:
        assert time.monotonic() < deadline, "the worker does not come to rest"  # noqa: S101
        time.sleep(1)
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310
            text = response.read().decode()
        rows = sum(map(int, ROWS.findall(text)))
        quiet = quiet + 1 if rows == dossiers and not any(map(int, LAG.findall(text))) else 0
    found = RESIDENT.search(text)
    assert found is not None  # noqa: S101
    return {"dossiers": rows, "unit_days": sum(map(int, DAYS.findall(text))), "resident_bytes": int(float(found[1]))}


def slope(points: list[dict[str, int]]) -> float:
    """Return bytes per dossier by least squares."""
    n, xs, ys = len(points), [p["dossiers"] for p in points], [p["resident_bytes"] for p in points]
    mx, my = sum(xs) / n, sum(ys) / n
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum((x - mx) ** 2 for x in xs)


def steps_of(system: System, dossiers: int, steps: int) -> list[list[bytes]]:
    """Return the workload in parts of so many dossiers each."""
    named = sorted(system.reading.targets(system.reading.nearest(workload.START.date())).rows)
    parts: list[list[bytes]] = [[] for _ in range(steps)]
    for value in workload.events(named, dossiers * steps):
        number = int(orjson.loads(value)["dossier"].rsplit("-", 1)[1])
        parts[number % steps].append(value)
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dossiers", type=int, default=50_000)
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    with broker() as address, tempfile.TemporaryDirectory() as folder, running(address, Path(folder)) as system:
        print(json.dumps(measure(system, given.dossiers, given.steps), indent=1))


def measure(system: System, dossiers: int, steps: int) -> dict[str, Any]:
    """Feed, rest, read, restart, read; step by step."""
    counted, restarted = [], []
    ops = {"LOTRINH_OPS_PORT": "0"}
    worker = system.start("tally", **ops).until_ready()
    for step, values in enumerate(steps_of(system, dossiers, steps), start=1):
        system.feed(values)
        counted.append(at_rest(worker, dossiers * step))
        assert worker.stop(120) == 0  # noqa: S101
        worker = system.start("tally", **ops).until_ready(120)
        restarted.append(at_rest(worker, dossiers * step))
    changelog = topics.changelog(system.settings, topics.TALLY, "dossiers").removeprefix(system.settings.prefix)
    rows = {r.key: len(r.value) for r in records_of(system.settings, changelog) if r.value and r.key[:1] != b"\0"}
    assert len(rows) == dossiers * steps  # noqa: S101
    return {
        "bytes_per_dossier_counted": round(slope(counted)),
        "bytes_per_dossier_restarted": round(slope(restarted)),
        "of_which_row_bytes": round(sum(rows.values()) / len(rows)),
        "counted": counted,
        "restarted": restarted,
    }


if __name__ == "__main__":
    main()
