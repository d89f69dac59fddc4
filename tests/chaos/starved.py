"""Do workers go forward on a tenth of a core? `python -m tests.chaos.starved --dossiers 180000 --evenings 60 --share 0.1`.

A backlog of events and evenings lies in the log before anybody works. Then both workers get a share of each second
(SIGSTOP, SIGCONT) and are killed again and again; every takeover has to begin further on than the one before. At the
end they run freely, and the oracle judges. Prints what was seen; 1 where a partition stood still or a row is wrong.
"""

import argparse
import asyncio
import re
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from models.calendar.civil_time import end_of
from models.dossiers.events import Event, decode
from streams.broker import topics
from streams.broker.ticks import Ticker
from streams.feeds.publisher import Publisher
from streams.feeds.replay import Pace, Replay
from streams.feeds.simulate import Simulation, simulate
from streams.monitoring.completeness import Sight
from streams.settings import Settings
from tests.chaos.rig import Broker
from tests.integration.system import System, Worker

TAKEN_OVER = re.compile(r"(tally|watch)-(\d+) taken over: .* position (\d+)")
CYCLE_S = 1.0


def backlog(system: System, dossiers: int, last: date) -> Iterator[bytes]:
    """Events that arrive up to the end of a day."""
    for value in simulate(system.reading, Simulation(dossiers, 7)):
        event = decode(value)
        if isinstance(event, Event) and event.stamp.split("\t", 2)[1] <= end_of(last):
            yield value


async def publish(settings: Settings, events: Iterator[bytes], last: date) -> int:
    async with Publisher(settings) as publisher, Ticker(settings) as ticker:
        await Replay(publisher, ticker, Pace(None)).run(events, last)
        return publisher.published


async def tick(settings: Settings, at: str) -> None:
    async with Ticker(settings) as ticker:
        await ticker.tick(at)


class Starved:
    """Workers that run for a share of each second, and are started again when they end."""

    def __init__(self, system: System, share: float) -> None:
        self.system, self.share = system, share
        self.lives: list[Worker] = []
        self.now: dict[str, Worker] = {}
        self.exits: list[str] = []
        self._closing = threading.Event()
        self._lock = threading.Lock()
        for name in topics.TABLES:
            self._start(name)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _start(self, name: str) -> None:
        self.now[name] = worker = self.system.start(name)
        self.lives.append(worker)

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                for name, worker in list(self.now.items()):
                    if (code := worker.process.poll()) is not None:
                        self.exits += [f"{name} {code}"] if code >= 0 else []
                        self._start(name)
                workers = list(self.now.values())
            if self.share < 1:
                self._signal(workers, signal.SIGSTOP)
                self._closing.wait(CYCLE_S * (1 - self.share))
                self._signal(workers, signal.SIGCONT)
            time.sleep(CYCLE_S * self.share)

    @staticmethod
    def _signal(workers: list[Worker], signum: int) -> None:
        for worker in workers:
            if worker.process.poll() is None:
                worker.signal(signum)

    def kill_one(self, name: str) -> None:
        with self._lock:
            self.now[name].kill()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)

    def takeovers(self) -> dict[str, list[int]]:
        """Positions at which each partition was taken over, in the order of lives."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for worker in self.lives:
            for name, partition, position in TAKEN_OVER.findall(worker.text()):
                found[f"{name}-{partition}"].append(int(position))
        return found


def ends(settings: Settings) -> dict[str, int]:
    with Sight(settings) as sight:
        inbound = sight.stable([*topics.INBOUND, topics.TICKS])
        tallies = sight.stable([topics.TALLIES])
    found: defaultdict[str, int] = defaultdict(int)
    for name, where in ((topics.TALLY, inbound), (topics.WATCH, tallies)):
        for (_, partition), end in where.items():
            found[f"{name}-{partition}"] += end
    return found


def done(settings: Settings) -> bool:
    with Sight(settings) as sight:
        for app, names in ((topics.TALLY, [*topics.INBOUND, topics.TICKS]), (topics.WATCH, [topics.TALLIES])):
            positions = sight.positions(app)
            if any(positions.get(where, 0) < end for where, end in sight.stable(names).items()):
                return False
    return True


def starve(folder: Path, given: argparse.Namespace) -> int:
    broker = Broker(folder / "kafka")
    system = System(broker.address, folder, clock="records")
    first = system.reading.effective(date.max)
    last = first + timedelta(days=given.evenings - 1)
    try:
        published = asyncio.run(publish(system.settings, backlog(system, given.dossiers, last), last))
        print(f"{published} events, {given.evenings} evenings from {first}", flush=True)
        began, killed = time.monotonic(), 0
        workers = Starved(system, given.share)
        while time.monotonic() - began < given.minutes * 60 and not done(system.settings):
            time.sleep(given.kill_every_s)
            workers.kill_one((topics.TALLY, topics.WATCH)[killed % 2])
            killed += 1
            print(f"{time.monotonic() - began:5.0f} s: {dict(workers.takeovers())} exits {workers.exits}", flush=True)
        starved_s, workers.share = time.monotonic() - began, 1.0
        asyncio.run(tick(system.settings, end_of(system.reading.period(last)[1])))
        system.settle(900)
        workers.close()
        stuck = standing_still(workers.takeovers(), ends(system.settings))
        print(
            f"starved for {starved_s:.0f} s, {killed} kills, exits {workers.exits or 'none'}; stood still: {stuck or 'none'}"
        )
        print(system.verdict())
        return 1 if stuck else 0
    finally:
        system.close()
        broker.close()


def standing_still(takeovers: dict[str, list[int]], ends: dict[str, int]) -> list[str]:
    """Name the partitions of which one takeover began where the one before did, with more to read.

    A life that was killed before it was ready is none: three in a row have to move.
    """
    return [
        name
        for name, positions in takeovers.items()
        for (a, _), (_, c) in pairwise(pairwise(positions))
        if a == c < ends[name]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=180_000, help="of a whole year")
    parser.add_argument("--evenings", type=int, default=60)
    parser.add_argument("--share", type=float, default=0.1, help="of each second in which workers run")
    parser.add_argument("--kill-every-s", type=float, default=45)
    parser.add_argument("--minutes", type=float, default=30, help="after which they run freely in any case")
    with tempfile.TemporaryDirectory() as folder:
        return starve(Path(folder), parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
