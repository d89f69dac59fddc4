"""lotrinh itself, as workers: `tally` alone, `watch` alone on all that tally has said, or `both` end to end.

usage: python -m bench.peers.lotrinh tally|watch|both BOOTSTRAP PREFIX RECORDS

Times are the workers' own words (from the first record taken to the last transaction committed) and, end to end, the
last record in `standings`. `watch` needs a system on which tally has worked; it starts one, unmeasured, where none has.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench.counters import digest
from bench.peers.client import given, report
from bench.rig import cpu_of, env_of, peak_rss_mb
from models.calendar.civil_time import day_text
from streams.board.standings_log import standings_now
from streams.broker import topics
from streams.broker.reading import POSITION, records_of
from streams.engine.tables import windowed
from streams.local.children import end_with_parent
from streams.monitoring.completeness import Sight, Where
from streams.settings import Settings

CAUGHT_UP = re.compile(r"caught up: (\d+) records, (\d+) transactions, from ([\d.]+) to ([\d.]+)")
WAIT_S = 900.0
DAY_S = 86_400


class Worker:
    """One worker process, its log, and the CPU it had used when it was ready."""

    def __init__(self, name: str, settings: Settings, folder: Path, **env: str) -> None:
        self.name = name
        self.log, self.ready = folder / f"{name}.log", folder / f"{name}.ready"
        self.ready.unlink(missing_ok=True)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker", name],
                env=env_of(settings) | {"LOTRINH_READY_FILE": str(self.ready)} | env,
                stdout=out, stderr=out, preexec_fn=end_with_parent(os.getpid()),
            )  # fmt: skip
        self._cpu_before = 0.0

    def until_ready(self, seconds: float = WAIT_S) -> "Worker":
        """Return when it has taken over its partitions; nothing has been counted by then."""
        self.until(self.ready.exists, seconds, 0.005)
        self._cpu_before = cpu_of(self.process.pid)
        return self

    def until(self, done: Any, seconds: float = WAIT_S, poll_s: float = 0.1) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            time.sleep(poll_s)
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"{self.name}: {self.text()[-3000:]}")

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where its metrics are, if it was started with LOTRINH_OPS_PORT."""
        return self.ready.read_text().strip() + "metrics"

    def caught_up(self) -> list[tuple[float, float, float, float]]:
        """Return (records, transactions, from, to) of each partition that has said so."""
        return [(float(n), float(t), float(a), float(b)) for n, t, a, b in CAUGHT_UP.findall(self.text())]

    def used(self) -> dict[str, float]:
        """Return CPU since it was ready, and the most memory it held."""
        return {"cpu": cpu_of(self.process.pid) - self._cpu_before, "rss_mb": peak_rss_mb(self.process.pid)}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def worked(*names: str, settings: Settings) -> Iterator[list[Worker]]:
    """Workers on a full log; stopped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        # watch first, so that it is there when tally begins to speak
        workers = [Worker(name, settings, Path(folder)) for name in sorted(names, reverse=True)]
        try:
            yield [worker.until_ready() for worker in workers]
        finally:
            for worker in workers:
                if worker.process.poll() is None:
                    worker.stop()


def run_tally(settings: Settings, records: int) -> dict[str, Any]:
    """Measure tally alone."""
    with worked("tally", settings=settings) as (tally,):
        return _counted(tally, settings, records) | tally.used()


def _counted(tally: Worker, settings: Settings, records: int) -> dict[str, Any]:
    """Wait until tally has counted everything."""
    inbound = records + 2 * settings.partitions  # and two ticks in each
    tally.until(lambda: sum(f[0] for f in tally.caught_up()) >= inbound)
    found = tally.caught_up()
    began = min(f[2] for f in found)
    return {
        "began": began,
        "seconds": max(f[3] for f in found) - began,
        "transactions": int(sum(f[1] for f in found)),
    }


def run_watch(settings: Settings, records: int) -> dict[str, Any]:
    """Measure watch alone, on the whole log of tallies."""
    if not any(True for _ in records_of(settings, topics.TALLIES)):
        run_tally(settings, records)
    ends = _all_tallies(settings)
    with worked("watch", settings=settings) as (watch,):
        holding = sum(1 for end in ends.values() if end)
        watch.until(lambda: len(watch.caught_up()) >= holding)
        found = watch.caught_up()
        began = min(f[2] for f in found)
        result = watch.used()
    return result | {"seconds": max(f[3] for f in found) - began, "tallies": int(sum(f[0] for f in found))}


def run_both(settings: Settings, records: int) -> dict[str, Any]:
    """Measure from the portal's record to the last standing."""
    with worked("tally", "watch", settings=settings) as workers:
        by_name = {worker.name: worker for worker in workers}
        tally, watch = by_name["tally"], by_name["watch"]
        counted = _counted(tally, settings, records)
        of_tally = tally.used()
        _followed(settings)
        of_watch = watch.used()
    ended = _last_standing(settings)
    tally_ended = counted["began"] + counted["seconds"]
    return counted | {
        "seconds": ended - counted["began"], "watch_after_tally": ended - tally_ended,
        "cpu": of_tally["cpu"] + of_watch["cpu"], "rss_mb": of_tally["rss_mb"] + of_watch["rss_mb"],
        "cpu_of": {"tally": of_tally["cpu"], "watch": of_watch["cpu"]},
    }  # fmt: skip


def _all_tallies(settings: Settings) -> dict[Where, int]:
    with Sight(settings) as sight:
        return sight.stable([topics.TALLIES])


def _followed(settings: Settings) -> None:
    """Wait until watch has committed all tallies."""
    with Sight(settings) as sight:
        ends, deadline = sight.stable([topics.TALLIES]), time.monotonic() + WAIT_S
        while any(sight.positions(topics.WATCH).get(where, 0) < end for where, end in ends.items()):
            if time.monotonic() > deadline:
                raise SystemExit(f"watch had not caught up after {WAIT_S:.0f} s")
            time.sleep(0.1)


def _last_standing(settings: Settings) -> float:
    """Return when the last row of `standings` was sent: its transaction ends some ten milliseconds later."""
    found = [record.timestamp for record in records_of(settings, topics.STANDINGS)]
    if not found:
        raise SystemExit("watch has announced no standing")
    return float(max(found)) / 1000


# -- what came out -----------------------------------------------------------------------------------------------------


def tallied(settings: Settings) -> str:
    """Return the digest of the newest counters of every slot, added up: what tally has announced."""
    newest: dict[tuple[int, str, str], dict[str, list[int]]] = {}
    for record in records_of(settings, topics.TALLIES):
        message = orjson.loads(record.value)
        if message["kind"] == "tally":
            for day, cells in message["days"].items():
                newest[message["slot"], message["unit"], day] = cells
    return _added((unit, day, cells) for (_, unit, day), cells in newest.items())


def judged(settings: Settings) -> str:
    """Return the digest of watch's rows of unit-days: what its standings are made of."""
    name = topics.changelog(settings, topics.WATCH, "unit-days").removeprefix(settings.prefix)
    rows: dict[bytes, bytes | None] = {r.key: r.value for r in records_of(settings, name) if r.key != POSITION}
    kept = ((orjson.loads(key), orjson.loads(value)) for key, value in rows.items() if value is not None)
    return _added(
        (unit, day_text(int(start) // DAY_S), cells)
        for unit, start, row in windowed((key_of(key), row) for key, row in kept)
        for epochs in row.values()
        for _, cells in (epochs[max(epochs, key=int)],)
    )


def key_of(key: Any) -> Any:
    """Return a window's key as the table has it: lists of JSON are tuples there."""
    return tuple(key_of(part) for part in key) if isinstance(key, list) else key


def _added(rows: Iterable[tuple[str, str, dict[str, list[int]]]]) -> str:
    total: dict[tuple[str, str, str], list[int]] = {}
    for unit, day, cells in rows:
        for cell, (numerator, denominator) in cells.items():
            counted = total.setdefault((unit, day, cell), [0, 0])
            counted[0] += numerator
            counted[1] += denominator
    return digest((u, d, c, n, m) for (u, d, c), (n, m) in total.items())


def standings_of(settings: Settings) -> dict[str, tuple[int, int]]:
    """Return what `standings` say: decision/indicator/unit → (numerator, denominator)."""
    return {
        f"{row['decision']}/{row['indicator']}/{row['unit']}": (row["numerator"], row["denominator"])
        for row in standings_now(settings)
    }


RUNS = {
    "tally": (run_tally, tallied),
    "watch": (run_watch, judged),
    "both": (run_both, judged),
}


def main() -> None:
    of, (run, counted) = given(), RUNS[sys.argv[1]]
    settings = Settings(kafka=of.bootstrap, prefix=of.prefix, clock="records")
    found = run(settings, of.records)
    if "watch" in sys.argv[1] or "both" in sys.argv[1]:
        found["standings"] = standings_digest(standings_of(settings))
    report(found, counted(settings))


def standings_digest(rows: dict[str, tuple[int, int]]) -> str:
    """Return a digest of standings."""
    return digest((key, "", "", *figures) for key, figures in rows.items())


if __name__ == "__main__":
    main()
