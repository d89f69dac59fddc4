"""More partitions (or fewer) without a loss: everything that cannot be derived, published anew under another prefix.

Facts are absolute and versioned, so tally and watch make the same counters of them in any number of partitions. What is
remembered is carried over: alert memory of watch, transitions, what receivers were told, operators' acts, closed
periods. The old topics stay as they are: the way back is the old prefix.

One transaction per chunk, with the position in it: a copy that was interrupted goes on where it stopped, and copies
nothing twice. What is remembered moves in one transaction of its own, once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from models.alerting.alerts import EVERY
from models.calendar.civil_time import civil_day
from models.decisions.reading import Reading
from streams.broker import topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.reading import records_of
from streams.engine.aiokafka_log import KafkaAppender, KafkaLog
from streams.engine.log import Passing, partition_of
from streams.engine.progress import POSITION, Progress
from streams.errors import BadInput, Incomplete
from streams.monitoring.completeness import Sight
from streams.records.messages import EVIDENCE_HEADER
from streams.settings import Settings

CHUNK_RECORDS: Final = 5_000
TRANSACTION_S: Final = 600.0
"""of the move of what is remembered; Kafka's default maximum is 900"""
COPIED: Final = (*topics.INBOUND, topics.OPERATORS, topics.PERIODS)
"""record by record; `ticks`, `unit.tallies`, `standings`, `heartbeats` and dead letters follow from them"""
AT: Final = "position/"
"""of notify's rows: partition of `alerts` → offset of the next one"""

Say = Callable[[str], None]
Rows = dict[tuple[str, int], list[Any]]
"""(topic, partition) → records"""
Places = dict[tuple[int, int], tuple[int, int]]
"""(partition, offset) of a transition in the old log → the same in the new one"""


@dataclass
class Grown:
    """What was published anew."""

    records: dict[str, int] = field(default_factory=dict)
    """topic (without prefix) → records of this run"""
    remembered: bool = False
    """whether this run moved what is remembered"""


def grow(settings: Settings, reading: Reading, to: str, partitions: int, say: Say) -> Grown:
    """Publish a deployment anew under the prefix `to`, with so many partitions per topic.

    Raises BadInput where workers of either prefix are running, or where `to` is in use for something else; Incomplete
    where a portal's transaction is open.
    """
    if to == settings.prefix:
        raise BadInput(f"the new prefix is the old one, {to}: topics cannot be given other partitions in place")
    given = settings.model_dump(exclude_unset=True)
    new = Settings(**{**given, "prefix": to, "partitions": partitions})
    client = topics.administrator(settings)
    try:
        _refuse_if_running(client, settings, new)
        _refuse_if_open(settings)
        created = topics.apply(client, new)
        ours = {spec.name for of in (settings, new) for spec in topics.specs(of)}
        present = sorted(ours & set(client.list_topics()))
        counts = {t["name"]: len(t["partitions"]) for t in client.describe_topics(present)}
    finally:
        client.close()
    if created:
        say(f"created {len(created)} topics with {partitions} partitions each")
    return asyncio.run(_Growth(settings, new, reading, counts, say).run())


def _refuse_if_running(client: Any, old: Settings, new: Settings) -> None:
    groups = [s.topic(app) for s in (old, new) for app in topics.SOURCES]
    for name, group in client.describe_groups(groups).items():
        if group["members"]:
            raise BadInput(
                f"{len(group['members'])} workers are in the group {name}: stop all workers and notify first"
            )


def _refuse_if_open(settings: Settings) -> None:
    """Refuse to leave behind what a portal's open transaction holds back. Raises Incomplete."""
    with Sight(settings) as sight:
        held = [cause for cause in sight.causes() if cause.cause == "open-transaction"]
    if held:
        raise Incomplete(held)


class _Growth:
    """One run."""

    def __init__(self, old: Settings, new: Settings, reading: Reading, counts: Mapping[str, int], say: Say) -> None:
        self._counts = counts
        """topic → how many partitions it has"""
        self._old = old
        self._new = new
        self._reading = reading
        self._say = say
        self._group = new.topic("grow")
        self._client = {"bootstrap_servers": bootstrap(old), **client_options(old)}
        self._grown = Grown()

    async def run(self) -> Grown:
        async with self._reader() as reader:
            appender = KafkaLog(self._client, self._group, TRANSACTION_S).appender(self._group)
            await appender.fence()  # of two that run at once, the second goes on
            try:
                for name in COPIED:
                    self._grown.records[name] = await self._copy(reader, appender, name)
                await self._remember(reader, appender)
            except Passing as exc:
                raise BadInput(f"Kafka did not take it ({exc}): run it again, it goes on where it stopped") from exc
            finally:
                await appender.stop()
        return self._grown

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        reader = AIOKafkaConsumer(
            **self._client, group_id=self._group, isolation_level="read_committed", enable_auto_commit=False,
            auto_offset_reset="earliest",
        )  # fmt: skip
        await reader.start()
        try:
            yield reader
        finally:
            await reader.stop()

    # -- record by record ----------------------------------------------------------------------------------------------

    async def _copy(self, reader: Any, appender: KafkaAppender, name: str) -> int:
        """Publish every committed record of all partitions there are, also of those that no worker reads."""
        tps = self._partitions_of(self._old.topic(name))
        reader.assign(tps)
        ends, count = await reader.end_offsets(tps), 0
        starts = {tp: await reader.committed(tp) or 0 for tp in tps}
        for tp, start in starts.items():
            if start:
                reader.seek(tp, start)
            else:
                await reader.seek_to_beginning(tp)
        while any([await reader.position(tp) < end for tp, end in ends.items()]):
            found = await reader.getmany(timeout_ms=500, max_records=CHUNK_RECORDS)
            rows: Rows = {}
            for records in found.values():
                for record in records:
                    place = self._new.topic(name), self._place(name, record.key, record.partition)
                    rows.setdefault(place, []).append((record.key, record.value, tuple(record.headers)))
                count += len(records)
            positions = {TP(*tp): await reader.position(tp) for tp in found}
            if rows:
                await appender.begin()
                await appender.send(rows)
                await appender.tell(positions, self._group)
                await appender.commit()
                self._say(f"{name}: {count} records")
        return count

    def _partitions_of(self, topic: str) -> list[TopicPartition]:
        """Return all partitions there are. Raises BadInput where the topic is missing."""
        if topic not in self._counts:
            raise BadInput(f"topic {topic} is missing: there is nothing under this prefix to be published anew")
        return [TopicPartition(topic, p) for p in range(self._counts[topic])]

    def _place(self, name: str, key: bytes | None, partition: int) -> int:
        """Return a record's new partition; without a key, which is refused anyway, it stays about where it was."""
        if key is None:
            return partition % self._new.partitions
        if name in topics.INBOUND:
            return self._new.inbound_partition(key)
        return partition_of(key, self._new.partitions)

    # -- what is remembered --------------------------------------------------------------------------------------------

    async def _remember(self, reader: Any, appender: KafkaAppender) -> None:
        """Move transitions, what was told of them, and watch's memory of alerts: all of it or nothing, and once."""
        state = topics.changelog(self._old, topics.WATCH, "alerts")
        marks = self._partitions_of(state)
        reader.assign(marks)
        if any([await reader.committed(tp) for tp in marks]):
            self._say("what is remembered has moved before, and stays as it is")
            return
        fresh = self._partitions_of(self._new.topic(topics.ALERTS))
        if any((await reader.end_offsets(fresh)).values()):
            raise BadInput(f"the prefix {self._new.prefix} has alerts of its own: choose one that nobody uses")
        delivered = _Delivered(self._old)
        rows: Rows = {}
        places = self._alerts(rows, delivered)
        self._deliveries(rows, delivered, places)
        self._memory(rows, await self._longer(reader))
        await appender.begin()
        await appender.send(rows)
        await appender.tell({TP(*tp): 1 for tp in marks}, self._group)
        await appender.commit()
        self._grown.records[topics.ALERTS] = len(places)
        self._grown.remembered = True

    async def _longer(self, reader: Any) -> int:
        """Return by how many offsets the new inbound topics are longer than the old ones; below 0 where shorter."""
        ends = {}
        for settings in (self._new, self._old):
            tps = [tp for name in topics.INBOUND for tp in self._partitions_of(settings.topic(name))]
            ends[settings.prefix] = sum((await reader.end_offsets(tps)).values())
        return int(ends[self._new.prefix] - ends[self._old.prefix])

    def _alerts(self, rows: Rows, delivered: "_Delivered") -> Places:
        """Take the transitions in: first those that notify has read, so that its new position lies behind them.

        Returns old (partition, offset) → new. Where in the log of counters each comes from is left out: that log stays.
        """
        found = list(records_of(self._old, topics.ALERTS))
        found.sort(key=lambda r: not delivered.has_read(r))  # stable: a fingerprint's order stays
        places: Places = {}
        for record in found:
            partition = self._place(topics.ALERTS, record.key, record.partition)
            to = rows.setdefault((self._new.topic(topics.ALERTS), partition), [])
            headers = tuple(h for h in record.headers if h[0] != EVIDENCE_HEADER)
            places[record.partition, record.offset] = partition, len(to)
            to.append((record.key, record.value, headers))
            if delivered.has_read(record):
                delivered.moved_to[partition] = len(to)
        return places

    def _deliveries(self, rows: Rows, delivered: "_Delivered", places: Places) -> None:
        """Take in what receivers were told; places in the log of alerts become those of the new one."""
        found: dict[str, Any] = {key: _in_place(row, places) for key, row in delivered.rows.items()}
        found |= {f"position/{partition}": {"next": to} for partition, to in delivered.moved_to.items()}
        for key, row in found.items():
            place = self._new.topic(topics.DELIVERIES), partition_of(key.encode(), self._new.partitions)
            rows.setdefault(place, []).append((key.encode(), orjson.dumps(row), delivered.headers))

    def _memory(self, rows: Rows, more: int) -> None:
        """Take in what watch remembers of alerts, and how far it has judged; `more`: offsets of the new inbound log."""
        states: dict[int, tuple[Progress, Any]] = {}
        first = topics.TABLES[topics.WATCH][0]
        for record in self._changelog(first):
            if record.key == POSITION:
                states[record.partition] = Progress.load(record.value), tuple(record.headers)
        clocks = [p.memo["clock"] for p, _ in states.values() if p.memo.get("clock") is not None]
        if not clocks:
            return  # it has never judged anything
        if civil_day(min(clocks)) != civil_day(max(clocks)) or len(clocks) < len(states):
            raise BadInput(
                f"watch has judged some partitions up to {min(clocks)}, others up to {max(clocks)}: start the workers"
                " again, wait for `lotrinh standings --wait`, and stop them in order"
            )
        for partition, remembered in enumerate(self._remembered(more)):
            place = topics.changelog(self._new, topics.WATCH, "alerts"), partition
            rows.setdefault(place, []).extend(remembered.values())
        epoch = max(progress.epoch for progress, _ in states.values())
        headers = next(headers for _, headers in states.values())
        start = Progress({self._new.topic(topics.TALLIES): 0}, epoch, "", {"clock": min(clocks)})
        for partition in range(self._new.partitions):
            place = topics.changelog(self._new, topics.WATCH, first), partition
            rows.setdefault(place, []).append((POSITION, start.dump(), headers))

    def _remembered(self, more: int) -> list[dict[bytes, Any]]:
        """Return, for each new partition, what it remembers: key → record.

        A unit's alerts are remembered where it is at home, and those of misplaced records at the province's; how many
        records had come by an evening, which all partitions hear, everywhere, and counted as the new log counts.
        """
        found: list[dict[bytes, Any]] = [{} for _ in range(self._new.partitions)]
        newest: dict[tuple[int, bytes], Any] = {}
        for record in self._changelog("alerts"):
            newest[record.partition, record.key] = record
        decision = self._reading.decision
        for (_, key), record in sorted(newest.items()):
            if record.value is None or key == POSITION:
                continue
            of, indicator, unit = orjson.loads(key).split("/", 2)
            memory = orjson.loads(record.value)
            everywhere = indicator == EVERY and "totals" in memory["rule"] and not memory["episode"]
            if "totals" in memory["rule"]:
                memory["rule"]["totals"] = [total + more for total in memory["rule"]["totals"]]
            if unit in topics.INBOUND and of == decision.id:
                unit = decision.province
            home = partition_of(self._reading.registry.home(unit).encode(), self._new.partitions)
            row = key, orjson.dumps(memory), tuple(record.headers)
            for remembered in found if everywhere else (found[home],):
                known = remembered.get(key)
                if known is None or orjson.loads(known[1])["episode"] <= memory["episode"]:
                    remembered[key] = row
        return found

    def _changelog(self, table: str) -> Iterable[Any]:
        return records_of(self._old, topics.changelog(self._old, topics.WATCH, table).removeprefix(self._old.prefix))


class _Delivered:
    """What notify has kept: its rows, and up to where it has read the old log of alerts."""

    def __init__(self, settings: Settings) -> None:
        """Read all of it."""
        self.headers: Any = ()
        latest: dict[bytes, Any] = {}
        for record in records_of(settings, topics.DELIVERIES):
            latest[record.key], self.headers = record.value, tuple(record.headers)
        rows = {key.decode(): orjson.loads(value) for key, value in latest.items() if value is not None}
        self.rows = {key: row for key, row in rows.items() if not key.startswith(AT)}
        self._read = {int(key.removeprefix(AT)): row["next"] for key, row in rows.items() if key.startswith(AT)}
        self.moved_to: dict[int, int] = {}
        """partition of the new log → offset behind the last transition that was read"""

    def has_read(self, record: Any) -> bool:
        """Tell whether notify has taken a transition in."""
        return bool(record.offset < self._read.get(record.partition, 0))


def _in_place(row: Mapping[str, Any], places: Places) -> dict[str, Any]:
    marks = {name: value for name, value in row.items() if name in ("mark", "owed", "told") and isinstance(value, str)}
    return {**row, **{name: _moved(mark, places) for name, mark in marks.items()}}


def _moved(mark: str, places: Places) -> str:
    """Return a mark of the old log as one of the new; what retention has taken lies before everything."""
    if not mark:
        return mark
    partition, _, offset = mark.partition(":")
    new = places.get((int(partition), int(offset)))
    return f"0:{0:020d}" if new is None else f"{new[0]}:{new[1]:020d}"
