"""Clocks, those who tick, and what a broker does to its logs by itself."""

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from models.calendar.civil_time import utc_ms
from streams.broker import topics
from streams.broker.ticks import tick_by_the_wall
from streams.settings import Settings
from tests.chaos.faults import TRANSACTION, fault, until
from tests.chaos.rig import Rig
from tests.integration.verdict import dump

CLOCK = Path(__file__).parent / "clock"
DAY_S = 86_400


class ExtraTicker:
    """Ticks beside tally, in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(tick_by_the_wall(settings))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with_cancelled = asyncio.gather(self._task, return_exceptions=True)
        self._loop.run_until_complete(with_cancelled)
        self._loop.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)
        assert not self._thread.is_alive()


def _until_judged(rig: Rig, since: float, seconds: float = 40) -> None:
    """Wait until every partition of watch has judged as of a moment, by ticks alone."""
    settings, wanted = rig.system.settings, utc_ms(int(since) * 1000)

    def judged() -> bool:
        found = dump(settings, [topics.HEARTBEATS])[topics.HEARTBEATS]
        clocks = {r.key: json.loads(r.value)["clock"] for r in found}
        return len(clocks) == settings.partitions and all(clock >= wanted for clock in clocks.values())

    until(judged, seconds, f"not everything was judged as of {wanted}")


@fault("ticks-twice")
def ticks_twice(rig: Rig, rng: random.Random) -> None:
    """Two more tick, one of them goes again: what is doubled is harmless."""
    tickers = [ExtraTicker(rig.system.settings) for _ in range(2)]
    time.sleep(rng.uniform(1, 3))
    tickers.pop().close()
    time.sleep(rng.uniform(1, 3))
    tickers.pop().close()


@fault("ticks-stop")
def ticks_stop(rig: Rig, rng: random.Random) -> None:
    """Who ticks dies and stays away; when it is back, also units of which nothing new is heard are judged."""
    worker = rig.one("tally")
    rig.retire(worker)
    worker.kill()
    time.sleep(rng.uniform(7, 10))
    back = time.time()
    rig.start("tally")
    _until_judged(rig, back)


@fault("clock-jumps")
def clock_jumps(rig: Rig, rng: random.Random) -> None:
    """The workers' wall clocks jump days ahead, far back, and right again, with a rebalance at each."""
    clock = rig.folder / "clock"
    clock.write_text("0", encoding="ascii")
    path = f"{CLOCK}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    for name in ("tally", "watch"):
        worker = rig.one(name)
        rig.retire(worker)
        assert worker.stop() == 0
        rig.start(name, PYTHONPATH=path, CHAOS_CLOCK=str(clock)).until_ready()
    for days in (2, -400, 0):
        clock.write_text(str(days * DAY_S), encoding="ascii")
        time.sleep(1)
        second = rig.start(rng.choice(("tally", "watch")), PYTHONPATH=path, CHAOS_CLOCK=str(clock)).until_ready()
        rig.retire(second)
        assert second.stop() == 0
    clocks = {json.loads(r.value)["clock"] for r in dump(rig.system.settings, [topics.HEARTBEATS])[topics.HEARTBEATS]}
    assert max(clocks) > utc_ms(int(time.time() + DAY_S) * 1000), "the clock did not jump"
    rig.spoiled = True  # the topics' clock stays ahead: later rounds would tick in vain


# -- compaction --------------------------------------------------------------------------------------------------------

QUICK = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "1000"}


class Shadow:
    """Follows changelogs from their beginning while they are compacted: what they say when nothing is left out."""

    def __init__(self, settings: Settings, names: Iterable[str]) -> None:
        self._reader = KafkaConsumer(
            bootstrap_servers=settings.kafka, isolation_level="read_committed", enable_auto_commit=False
        )
        self._tps = [TopicPartition(name, p) for name in names for p in range(settings.partitions)]
        self._reader.assign(self._tps)
        self._reader.seek_to_beginning(*self._tps)
        self.fold: dict[tuple[str, int, bytes], bytes | None] = {}
        self.records = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._poll()
        ends = self._reader.end_offsets(self._tps)
        while any(self._reader.position(tp) < end for tp, end in ends.items()):
            self._poll()
        self._reader.close()

    def _poll(self) -> None:
        for records in self._reader.poll(timeout_ms=200).values():
            self.records += len(records)
            self.fold.update({(r.topic, r.partition, r.key): r.value for r in records})

    def close(self) -> None:
        """Read to the end and stop."""
        self._closing.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


def _alter(rig: Rig, names: Iterable[str], configs: dict[str, str]) -> None:
    client = KafkaAdminClient(bootstrap_servers=rig.broker.address)
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=configs) for name in names])
    client.close()


@fault("changelog-compacted")
def changelog_compacted(rig: Rig, rng: random.Random) -> None:
    """Changelogs are compacted while they are written and while transactions in them are aborted; then all is read."""
    settings = rig.system.settings
    names = [topics.changelog(settings, app, table) for app, tables in topics.TABLES.items() for table in tables]
    specs = {spec.name: dict(spec.configs) for spec in topics.specs(settings)}
    _alter(rig, names, {**specs[names[0]], **QUICK})
    shadow = Shadow(settings, names)
    for name in ("tally", "watch"):
        worker = rig.one(name)
        rig.retire(worker)
        worker.kill()
        victim = rig.system.start(name, LOTRINH_FAULT=rng.choice(["after_begin", TRANSACTION[2]]))
        until(lambda v=victim: v.process.poll() is not None, 60, f"{name} never came to its fault point")  # type: ignore[misc]
        rig.start(name)
        for _ in range(4):  # rolls segments: only closed ones are compacted
            rig.system.feed(rig.year(20, rng.randrange(1 << 30)), 40)
    rig.system.settle(60)
    kept: dict[str, list[Any]] = {}

    def fewer() -> bool:
        kept.update(dump_changelogs(settings, names))
        return sum(map(len, kept.values())) < 0.7 * shadow.records

    until(fewer, 60, f"nothing was compacted: {sum(map(len, kept.values()))} of {shadow.records} records")
    for name in ("tally", "watch"):
        worker = rig.one(name)
        rig.retire(worker)
        assert worker.stop() == 0
    shadow.close()
    left = {(r.topic, r.partition, r.key): r.value for rs in dump_changelogs(settings, names).values() for r in rs}
    live = {key: value for key, value in shadow.fold.items() if value is not None}
    assert {key: value for key, value in left.items() if value is not None} == live, "compaction changed the state"
    print(f"compacted: {sum(map(len, kept.values()))} of {shadow.records} records left, {len(live)} rows")
    _alter(rig, names, specs[names[0]])
    for name in ("tally", "watch"):
        rig.start(name)  # they read what is left


def dump_changelogs(settings: Settings, names: Iterable[str]) -> dict[str, list[Any]]:
    return dict(dump(settings, [name.removeprefix(settings.prefix) for name in names]))
