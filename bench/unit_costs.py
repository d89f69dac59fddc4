"""What one event, one dossier and one transaction cost: the figures that docs/scale.md multiplies.

usage: python -m bench.unit_costs [--dossiers 100000] [--rate 200] [--seconds 40] [--out bench/results/unit-costs.json]

A Kafka of its own, one worker of tally and one of watch. First a backlog, then a steady rate on top of it: processor
time of broker, tally and watch per event, bytes of each topic on disk per event, transactions per event; then memory
per dossier after a stop and a start of both. How long a takeover takes: `bench.recovery`.
"""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from bench import workload
from bench.run import broker, idle
from streams.broker import topics
from tests.integration.system import System, Worker, running

METRIC = re.compile(r"^(lotrinh_\w+)(?:\{[^}]*\})? ([\d.e+-]+)$", re.MULTILINE)


def cpu_s(process: psutil.Process) -> float:
    """Return user and system time of a process: seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def broker_process() -> psutil.Process:
    """Return the Java process that this one has started."""
    return next(p for p in psutil.Process().children(recursive=True) if "java" in p.name())


def metrics(worker: Worker) -> dict[str, float]:
    """Return a worker's metrics, summed over their labels."""
    with urllib.request.urlopen(worker.ready.read_text().strip() + "metrics", timeout=60) as answer:  # noqa: S310
        text = answer.read().decode()
    total: Counter[str] = Counter()
    for name, value in METRIC.findall(text):
        total[name] += float(value)
    return dict(total)


def disk_bytes(system: System) -> dict[str, int]:
    """Return topic → bytes in its logs, of one copy."""
    client = topics.admin(system.settings.kafka or "", {})
    found: Counter[str] = Counter()
    for answer in client.describe_log_dirs():
        for folder in answer["log_dirs"]:
            for topic in folder["topics"]:
                name = topic["name"]
                if name.startswith(system.settings.prefix):
                    short = name.removeprefix(system.settings.prefix)
                    found[short] += sum(p["partition_size"] for p in topic["partitions"])
    client.close()
    return dict(found)


def stage(system: System, workers: Mapping[str, Worker], values: list[bytes], rate: float | None) -> dict[str, Any]:
    """Feed events, wait until they are judged, and return what that cost per event."""
    processes = {"broker": broker_process()} | {n: psutil.Process(w.process.pid) for n, w in workers.items()}
    before = {name: cpu_s(process) for name, process in processes.items()}
    disk, said = disk_bytes(system), {name: metrics(worker) for name, worker in workers.items()}
    began = time.monotonic()
    fed = system.feed(values, per_second=rate)
    system.settle(600)
    took = time.monotonic() - began
    after = {name: metrics(worker) for name, worker in workers.items()}
    grown = {topic: size - disk.get(topic, 0) for topic, size in disk_bytes(system).items()}
    counter = "lotrinh_transactions_total"
    return {
        "events": fed,
        "seconds": round(took, 1),
        "cpu_us_per_event": {n: round(1e6 * (cpu_s(p) - before[n]) / fed, 1) for n, p in processes.items()},
        "bytes_per_event": {t: round(g / fed, 1) for t, g in sorted(grown.items()) if g > fed / 100},
        "transactions_per_event": {n: round((after[n][counter] - said[n][counter]) / fed, 4) for n in workers},
        "commit_s": {n: round(_mean(said[n], after[n], "lotrinh_commit_seconds"), 4) for n in workers},
    }


def _mean(before: dict[str, float], after: dict[str, float], histogram: str) -> float:
    count = after[f"{histogram}_count"] - before.get(f"{histogram}_count", 0)
    return (after[f"{histogram}_sum"] - before.get(f"{histogram}_sum", 0)) / count if count else 0.0


def measure(system: System, dossiers: int, rate: float, seconds: float) -> dict[str, Any]:
    """Feed a backlog and a steady rate, restart, and return all figures."""
    named = sorted(system.reading.targets(system.reading.nearest(workload.START.date())).rows)
    more = int(rate * seconds)
    values = workload.events(named, dossiers + more)
    backlog, steady = values[:-more], values[-more:]
    ops = {"LOTRINH_OPS_PORT": "0"}
    workers = {name: system.start(name, **ops).until_ready() for name in ("tally", "watch")}
    empty = {name: metrics(worker)["lotrinh_process_resident_memory_bytes"] for name, worker in workers.items()}
    found: dict[str, Any] = {"backlog": stage(system, workers, backlog, None)}
    found["steady"] = stage(system, workers, steady, rate)
    held = {name: metrics(worker) for name, worker in workers.items()}
    found["rows"] = {name: round(m["lotrinh_state_rows"]) for name, m in held.items()}
    for worker in workers.values():
        assert worker.stop(120) == 0  # noqa: S101
    again = {name: system.start(name, **ops).until_ready(300) for name in workers}
    system.settle(300)
    found["resident_bytes_empty"] = {name: round(n) for name, n in empty.items()}
    found["resident_bytes"] = {n: round(metrics(w)["lotrinh_process_resident_memory_bytes"]) for n, w in again.items()}
    found["live_bytes"] = live_bytes(system)
    return found


def live_bytes(system: System) -> dict[str, int]:
    """Return topic → bytes of keys and newest values: what compaction leaves, before overhead of batches."""
    from streams.broker.reading import records_of

    found = {}
    names = [topics.changelog(system.settings, app, table) for app, tables in topics.TABLES.items() for table in tables]
    for name in (*(n.removeprefix(system.settings.prefix) for n in names), topics.STANDINGS):
        newest = {(r.partition, r.key): len(r.key) + len(r.value or b"") for r in records_of(system.settings, name)}
        found[name] = sum(newest.values())
    return found


def main() -> None:
    """Measure and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dossiers", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=200, help="events a second")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--out", type=Path, default=Path("bench/results/unit-costs.json"))
    given = parser.parse_args()
    before = idle()
    with broker() as address, tempfile.TemporaryDirectory() as folder, running(address, Path(folder)) as system:
        found = measure(system, given.dossiers, given.rate, given.seconds)
    report = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "command": " ".join(["python -m bench.unit_costs", *sys.argv[1:]]),
        "dossiers": given.dossiers,
        "idle_before": before,
        **found,
    }
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
