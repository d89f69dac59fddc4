"""How long a worker takes from its assignment to readiness, after a stop and after kill -9; and whether it stays as quick.

usage: python -m bench.recovery [--dossiers 100000] [--apps tally,watch] [--repeats 3] [--out bench/results/recovery-….json]

Feeds the fixed workload, lets tally and then watch count it, and restarts each. Times are the worker's own words: from
the group's assignment to work ("works on … after … s"), of which fencing and reading the rows; and beside them the whole
start by the clock, from the process to its ready file, after a kill with the session timeout in it. While the backlog is
worked off the first time, rate, CPU and memory are read tenth by tenth (`growth`): flat or not.
"""

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.growth import samples, tenths
from bench.peers.lotrinh import Worker
from bench.rig import broker, events_of, idle_now, prepared
from streams.broker import topics
from streams.broker.reading import records_of
from streams.settings import Settings

WORKS = re.compile(r"works on \[([\d, ]*)\] after ([\d.]+) s")
TAKEN = re.compile(r"taken over: fenced in ([\d.]+) s, (\d+) rows in ([\d.]+) s")
GOALS_S = {100_000: 2.0, 1_000_000: 15.0}
"""dossiers → seconds from assignment to ready"""
OPS = {"LOTRINH_OPS_PORT": "0"}


def taken_over(text: str) -> dict[str, Any]:
    """Return what a worker's log says of its last takeover. Raises ValueError where there was none."""
    works = [m for m in WORKS.finditer(text) if m[1]]
    if not works:
        raise ValueError("the log tells of no takeover")
    before = works[-2].end() if len(works) > 1 else 0
    rows = TAKEN.findall(text[before : works[-1].start()])
    return {
        "assigned_to_ready_s": float(works[-1][2]),
        "slowest_fence_s": max((float(r[0]) for r in rows), default=0.0),
        "slowest_rows_s": max((float(r[2]) for r in rows), default=0.0),
        "rows": sum(int(r[1]) for r in rows),
    }


def restarted(app: str, settings: Settings, folder: Path) -> tuple[Worker, dict[str, Any]]:
    """Start a worker on what is there and return it, ready, with what that took."""
    began = time.monotonic()
    worker = Worker(app, settings, Path(tempfile.mkdtemp(dir=folder)), **OPS).until_ready()
    whole = time.monotonic() - began
    worker.until(lambda: WORKS.search(worker.text()))
    return worker, taken_over(worker.text()) | {"process_to_ready_s": round(whole, 2)}


def measure(app: str, settings: Settings, records: int, folder: Path, repeats: int) -> dict[str, Any]:
    """Let an app count everything, then restart it: as often by SIGTERM as by kill -9."""
    worker, _ = restarted(app, settings, folder)
    looked = list(samples(worker, records))
    try:
        growth = tenths(looked)
    except ValueError as exc:  # a backlog too short to tell its tenths apart
        growth = {"not_measured": str(exc)}
    found: dict[str, list[dict[str, Any]]] = {"stop": [], "kill": []}
    for how in list(found) * repeats:
        (worker.stop if how == "stop" else worker.kill)()
        before = idle_now()
        worker, took = restarted(app, settings, folder)
        found[how].append(took | {"idle_before": before})
        print(f"{app}, after {how}: {found[how][-1]}", flush=True)
    worker.stop()
    return {"growth": growth, "restarts": found} | {
        f"median_after_{how}_s": statistics.median(r["assigned_to_ready_s"] for r in of) for how, of in found.items()
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dossiers", type=int, default=100_000)
    options.add_argument("--apps", default="tally,watch")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    found: dict[str, Any] = {}
    with broker() as address, tempfile.TemporaryDirectory() as name:
        values = events_of(given.dossiers)
        settings, records = prepared(address, values), len(values)
        del values
        for app in ("tally", "watch"):
            if app == topics.WATCH:
                records = sum(1 for _ in records_of(settings, topics.TALLIES))
            if app in given.apps.split(","):
                found[app] = measure(app, settings, records, Path(name), given.repeats)
            print(f"{app}: {json.dumps(found.get(app, {}).get('growth'))}", flush=True)
    goal = GOALS_S.get(given.dossiers)
    report = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "command": " ".join(["python -m bench.recovery", *sys.argv[1:]]), "dossiers": given.dossiers,
        "goal_s": goal, "apps": found,
    }  # fmt: skip
    out = given.out or Path(f"bench/results/recovery-{given.dossiers}.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    for app, of in found.items():
        medians = f"after a stop {of['median_after_stop_s']} s, after kill -9 {of['median_after_kill_s']} s"
        print(f"{app}: {medians}; goal: {f'≤ {goal:g} s' if goal else 'none for so many'}; {out}")


if __name__ == "__main__":
    main()
