"""`lotrinh evaluate` beside reading and parsing the same file with orjson alone: one multiple, and what bounds it.

    python -m bench.evaluate [--dossiers 75000] [--rounds 3] [--events F.jsonl]

Every figure is of a process of its own, interleaved, median of the rounds: wall seconds, CPU seconds, peak resident
memory. `validated` and `decoded` are the same file through the strict schema alone and through `decode` alone: the part
of the multiple that no cleverness behind it can take away.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DECISION, AS_OF = "thai-binh-2024", "2024-12-31"
LOOP = """
import gc, resource, sys, time
{setup}
gc.disable()
begun, cpu = time.perf_counter(), time.process_time()
with open(sys.argv[1], "rb") as file:
    for line in file:
        parse(line)
seconds = time.perf_counter() - begun
print(seconds, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""
EVALUATE = """
import resource, sys, time
begun, cpu = time.perf_counter(), time.process_time()
from streams.cli import lotrinh
sys.stdout = open("/dev/null", "w")
lotrinh(["evaluate", "--decision", sys.argv[2], "--events", sys.argv[1], "--as-of", sys.argv[3], "--json"], standalone_mode=False)
sys.stdout = sys.__stdout__
seconds = time.perf_counter() - begun
print(seconds, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""
PEERS = {
    "orjson": LOOP.format(setup="from orjson import loads as parse"),
    "validated": LOOP.format(setup="from models.dossiers.events import _validate as parse"),
    "decoded": LOOP.format(
        setup="from models.dossiers.events import decode\nparse = lambda line: decode(line.strip())"
    ),
    "evaluate": EVALUATE,
}


def run(peer: str, events: Path) -> dict[str, float]:
    """Run one peer in a process of its own."""
    command = [sys.executable, "-c", PEERS[peer], str(events), DECISION, AS_OF]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu, rss = done.stdout.split()
    return {"seconds": float(seconds), "cpu": float(cpu), "rss_mb": int(rss)}


def simulated(folder: str, dossiers: int) -> Path:
    events = Path(folder) / "events.jsonl"
    command = [sys.executable, "-m", "streams.cli", "simulate", "--decision", DECISION, "--seed", "1"]
    subprocess.run([*command, "--dossiers", str(dossiers), "--out", str(events)], check=True)
    return events


def measured(events: Path, rounds: int) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
    for _ in range(rounds):
        for peer in PEERS:
            runs[peer].append(run(peer, events))
    with events.open("rb") as file:
        count = sum(1 for line in file if line.strip())

    def median(peer: str, what: str) -> float:
        return statistics.median(r[what] for r in runs[peer])

    peers = {
        peer: {
            "seconds": round(median(peer, "seconds"), 3),
            "cpu_us_per_event": round(1e6 * median(peer, "cpu") / count, 2),
            "rss_mb": median(peer, "rss_mb"),
            "x_orjson": round(median(peer, "seconds") / median("orjson", "seconds"), 2),
            "x_orjson_cpu": round(median(peer, "cpu") / median("orjson", "cpu"), 2),
        }
        for peer in PEERS
    }
    return {
        "multiple": peers["evaluate"]["x_orjson"],
        "multiple_cpu": peers["evaluate"]["x_orjson_cpu"],
        "events": count,
        "rounds": rounds,
        "peers": peers,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "command": " ".join(["python -m bench.evaluate", *sys.argv[1:]]),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dossiers", type=int, default=75_000, help="some 300 000 events")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--events", type=Path, help="a file instead of a simulated year")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        events = given.events or simulated(folder, given.dossiers)
        print(json.dumps(measured(events, given.rounds), indent=1))


if __name__ == "__main__":
    main()
