"""One worker of tally beside two on the same backlog: the ratio, and what bounds it.

usage: python -m bench.two_workers [--dossiers 100000] [--rounds 3] [--out bench/results/two-workers.json]

Workers own their partitions before anything is there; they are paused (SIGSTOP) while the log is filled and go on
together, so that neither start nor rebalance nor feed is in the figures. CPU of workers and broker is of the same time.
On two cores the broker and two workers share what one worker and the broker had nearly to themselves.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import expected
from bench.growth import metric, sample, scraped
from bench.peers.lotrinh import Worker, tallied
from bench.rig import broker_process, cpu_of, events_of, feed, fresh, idle, idle_between, jiffies

GOAL = 1.6
PARTITIONS = 4
ENV = {"LOTRINH_OPS_PORT": "0"}


def measure(address: str, broker_pid: int | None, values: list[bytes], many: int) -> dict[str, Any]:
    """Let so many workers work a backlog off."""
    settings = fresh(address, session_timeout_s=60, heartbeat_s=3)  # they will be silent while the log is filled
    with tempfile.TemporaryDirectory() as folder:
        homes = [Path(tempfile.mkdtemp(dir=folder)) for _ in range(many)]
        workers = [Worker("tally", settings, home, **ENV).until_ready() for home in homes]
        try:
            _balanced(workers)
            for worker in workers:
                worker.process.send_signal(signal.SIGSTOP)
            feed(settings, values)
            before = idle()
            used, machine, began = _used(workers, broker_pid), jiffies(), time.monotonic()
            for worker in workers:
                worker.process.send_signal(signal.SIGCONT)
            done = [0.0] * many
            while sum(done) < len(values) + 2 * PARTITIONS:
                time.sleep(0.1)
                done = [sample(worker).records for worker in workers]
                if time.monotonic() - began > 600:
                    raise SystemExit(workers[0].text()[-3000:])
            seconds = time.monotonic() - began
            after, machine_after = _used(workers, broker_pid), jiffies()
        finally:
            for worker in workers:
                worker.process.send_signal(signal.SIGCONT)
                worker.stop()
    busy = {name: round((after[name] - used[name]) / seconds, 2) for name in used}
    return {
        "workers": many, "seconds": round(seconds, 2), "rate": round(len(values) / seconds), "records_each": done,
        "cores_busy": busy, "machine_idle_percent": idle_between(machine, machine_after), "idle_before": before,
        "digest": tallied(settings),
    }  # fmt: skip


def _balanced(workers: list[Worker]) -> None:
    """Wait until every worker owns its share, and no takeover is under way."""
    share, quiet = PARTITIONS // len(workers), 0
    deadline = time.monotonic() + 60
    while quiet < 5:
        owned = [metric(scraped(worker), "lotrinh_assigned_partitions") for worker in workers]
        quiet = quiet + 1 if all(n == share for n in owned) else 0
        if time.monotonic() > deadline:
            raise SystemExit(f"partitions are not shared evenly: {owned}")
        time.sleep(0.2)


def _used(workers: list[Worker], broker_pid: int | None) -> dict[str, float]:
    used = {f"worker {n}": cpu_of(worker.process.pid) for n, worker in enumerate(workers, start=1)}
    return used if broker_pid is None else used | {"broker": cpu_of(broker_pid)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dossiers", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--out", type=Path, default=Path("bench/results/two-workers.json"))
    given = options.parse_args()
    values = events_of(given.dossiers)
    wanted = expected.counted(values)
    runs: list[dict[str, Any]] = []
    with broker_process() as (address, pid):
        for number in range(given.rounds):
            for many in (1, 2):
                runs.append(measure(address, pid, values, many) | {"round": number})
                print(runs[-1], flush=True)
    ratios = [
        two["rate"] / one["rate"]
        for one in runs
        for two in runs
        if one["workers"] == 1 and two["workers"] == 2 and one["round"] == two["round"]
    ]
    report = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "command": " ".join(["python -m bench.two_workers", *sys.argv[1:]]), "events": len(values),
        "ratio": round(statistics.median(ratios), 2), "ratios": [round(r, 2) for r in ratios], "goal": GOAL,
        "totals_agree": all(run["digest"] == wanted for run in runs), "runs": runs,
    }  # fmt: skip
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(
        f"two workers ÷ one: {report['ratio']} ({report['ratios']}; goal ≥ {GOAL} where cores allow, here {os.cpu_count()}); "
        f"totals agree: {report['totals_agree']}; {given.out}"
    )
    if not report["totals_agree"]:
        raise SystemExit("totals differ")


if __name__ == "__main__":
    main()
