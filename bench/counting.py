"""Whether evaluation delays counting: from the portal's record to its counter, while watch judges and while it does not.

usage: python -m bench.counting [--rate 200] [--seconds 20] [--rounds 3] [--dossiers 20000]

A year's dossiers are worked off first. Then records come at a steady rate while ticks move the clock by a whole civil day
every second, so that watch judges the decision's units 86 400 times as often as a wall's clock asks. tally and watch are
processes of their own: what could delay counting is the machine they share. The same ticks with watch stopped are the
control.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.latency import processes, quantiles
from bench.rig import broker, cpu_of, env_of, events_of, fresh, idle, named_units
from models.calendar.civil_time import end_of
from streams.broker import topics
from streams.broker.ticks import Ticker
from streams.engine.log import partition_of
from streams.feeds.publisher import Publisher
from streams.monitoring.waiting import wait_until_counted
from streams.settings import Settings

DAY = "2024-12-30"
"""a day on which the workload has nothing"""
EVENINGS_FROM = date(2024, 6, 1)
EVENINGS_A_SECOND = 1
CASES = {
    "no evenings": (True, False),
    "evenings, nobody judges": (False, True),
    "evenings, watch judges": (True, True),
}
"""name → whether watch runs, whether evenings pass"""


@contextmanager
def counted(address: str, dossiers: int, rule: str) -> Iterator[tuple[Settings, dict[str, str]]]:
    """Topics of their own with a year in them, counted and judged; and the environment of their workers."""
    settings = fresh(address)
    env = env_of(settings) | {"LOTRINH_SWITCHES": f"alert_rule={rule}"}
    with processes([command(name) for name in ("tally", "watch")], env):
        asyncio.run(fed(settings, events_of(dossiers)))
        wait_until_counted(settings, 120)
    yield settings, env


async def fed(settings: Settings, values: list[bytes]) -> None:
    """Publish a year, with the clock at the evening before those that are to pass."""
    async with Ticker(settings) as ticker, Publisher(settings) as publisher:
        await ticker.tick(end_of(EVENINGS_FROM - timedelta(days=1)))
        for value in values:
            event = orjson.loads(value)
            await publisher.publish(event["type"], event["dossier"], value)
        await publisher.flush()


def command(name: str) -> list[str]:
    return [sys.executable, "-m", "streams.cli", "worker", name]


class Counters:
    """What tally has said of one day, absolute counters of every source partition, and how long each record took."""

    def __init__(self, wanted: int) -> None:
        """Wait for so many records."""
        self.sent_at: dict[str, list[float]] = defaultdict(list)
        self.took: list[float] = []
        """milliseconds, in the order of counting"""
        self.done = asyncio.Event()
        self._wanted = wanted
        self._of: dict[tuple[str, int], int] = {}
        self._total: dict[str, int] = defaultdict(int)
        self._shown: dict[str, int] = defaultdict(int)

    def take(self, value: dict[str, Any], now: float) -> None:
        """Take one record of tally's in."""
        if value.get("kind") != "tally" or DAY not in value["days"]:
            return
        unit, cells = value["unit"], value["days"][DAY]
        count = max((c[1] for name, c in cells.items() if name.startswith("online-dossiers")), default=0)
        self._total[unit] += count - self._of.get((unit, value["slot"]), 0)
        self._of[unit, value["slot"]] = count
        while self._shown[unit] < min(self._total[unit], len(self.sent_at[unit])):
            self.took.append((now - self.sent_at[unit][self._shown[unit]]) * 1000)
            self._shown[unit] += 1
        if len(self.took) >= self._wanted:
            self.done.set()


async def follow(reader: AIOKafkaConsumer, counters: Counters) -> None:
    while True:
        for records in (await reader.getmany(timeout_ms=100)).values():
            now = time.perf_counter()
            for record in records:
                counters.take(orjson.loads(record.value), now)


async def pass_evenings(settings: Settings) -> None:
    async with Ticker(settings) as ticker:
        day = EVENINGS_FROM
        while day < date.fromisoformat(DAY):
            await ticker.tick(end_of(day))
            day += timedelta(days=1)
            await asyncio.sleep(1 / EVENINGS_A_SECOND)


async def measured(settings: Settings, units: list[str], rate: float, seconds: float, *, evenings: bool) -> list[float]:
    """Publish records at a rate and return the milliseconds until each is counted."""
    address, number = settings.kafka, settings.partitions
    producer = AIOKafkaProducer(bootstrap_servers=address, linger_ms=0, acks="all")
    reader = AIOKafkaConsumer(bootstrap_servers=address, isolation_level="read_committed", fetch_max_wait_ms=20)
    await producer.start()
    await reader.start()
    source, destination = settings.topic("dossier.submitted"), settings.topic(topics.TALLIES)
    reader.assign([TopicPartition(destination, p) for p in range(number)])
    await reader.seek_to_end()
    counters = Counters(int(rate * seconds))
    beside = [asyncio.create_task(follow(reader, counters))]
    beside += [asyncio.create_task(pass_evenings(settings))] if evenings else []
    began = time.perf_counter()
    for n in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + n / rate - time.perf_counter()))
        unit, code = units[n % len(units)], f"C{began}-{n}"
        event = {"id": code, "type": "received", "dossier": code, "version": 1, "at": f"{DAY}T08:00:00+07:00",
                 "unit": unit, "channel": "online"}  # fmt: skip
        counters.sent_at[unit].append(time.perf_counter())
        await producer.send(
            source, orjson.dumps(event), key=code.encode(), partition=partition_of(code.encode(), number)
        )
    with suppress(TimeoutError):
        await asyncio.wait_for(counters.done.wait(), 30)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await producer.stop()
    await reader.stop()
    if not counters.done.is_set():
        raise SystemExit(f"{len(counters.took)} of {int(rate * seconds)} records were counted")
    return counters.took[int(rate * 2) :]  # less two seconds to warm up


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=float, default=200)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--dossiers", type=int, default=20_000)
    options.add_argument("--rule", default="evidence")
    given = options.parse_args()
    units, found = named_units(), defaultdict[str, list[dict[str, float]]](list)
    with broker() as address:
        for number in range(given.rounds):
            turn = number % len(CASES)
            for case in [*CASES][turn:] + [*CASES][:turn]:
                watches, evenings = CASES[case]
                with counted(address, given.dossiers, given.rule) as (settings, env):
                    before = idle()
                    names = ("tally", "watch") if watches else ("tally",)
                    with processes([command(name) for name in names], env) as pids:
                        time.sleep(6)  # taken over, state read
                        spent = cpu_of(pids[-1])
                        took = asyncio.run(measured(settings, units, given.rate, given.seconds, evenings=evenings))
                        spent = cpu_of(pids[-1]) - spent
                found[case].append(quantiles(took))
                said = f"{found[case][-1]}, {names[-1]} used {spent:.1f} s of CPU, idle before {before} %"
                print(f"round {number + 1}: {case}: {said}", flush=True)
    for case, rounds in found.items():
        print(
            f"{case}: " + ", ".join(f"{q} {statistics.median(r[q] for r in rounds)} ms" for q in ("p50", "p90", "p99"))
        )


if __name__ == "__main__":
    main()
