"""Restores a backup into an empty cluster: facts, what was told of alerts, what operators did, closed periods.

It works through the log alone, so workers may run or not. Watch is told first what it had remembered, and not to judge
before a certain tick; that tick is written last, and passes once every fact has been counted. The delivery log is
locked meanwhile: a notifier that runs is shut out before there is anything to tell, and begins when all is in place.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Self

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced

from models.alerting.alerts import EVERY
from models.notification.outbox import elsewhere
from models.partitioning import partition_of
from streams.broker import formats, topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.reading import records_of
from streams.broker.ticks import Ticker
from streams.errors import BadInput
from streams.files.decision_files import read_reading
from streams.maintenance.backup import FACTS, KEPT, MEMORY, Line, Manifest, check_backup, lines_in
from streams.notify.log import LOCK, NAME
from streams.records.messages import EVIDENCE_HEADER, Restored, dumps
from streams.settings import Settings

BATCH_BYTES: Final = 256_000
RECORD_BYTES_MAX: Final = 64 << 20
IN_FLIGHT: Final = 16
MEMORIES: Final = 200
"""of alerts in one record to watch: some 400 KB"""
ATTEMPTS: Final = 10

Say = Callable[[int], object]


def restore_backup(settings: Settings, path: Path, manifest: Manifest, say: Say = lambda _: None) -> Mapping[str, int]:
    """Restore a backup that has been checked, and return how many records of each kind were written.

    Raises BadInput where the cluster is not empty, or Kafka does not take all of it.
    """
    _check_empty(settings)
    try:
        return asyncio.run(_Restore(settings, path, manifest, say).run())
    except KafkaError as exc:
        raise BadInput(
            f"Kafka did not take all of it ({type(exc).__name__}): delete the topics of {settings.prefix}, run "
            "`lotrinh topics apply` and restore again"
        ) from exc


def _check_empty(settings: Settings) -> None:
    """Refuse a cluster that holds anything. Offsets say nothing: each start of a worker leaves a marker or two."""
    for name in KEPT:
        for record in records_of(settings, name):
            raise BadInput(
                f"the cluster is not empty: {record.topic}-{record.partition} holds records; restore into new topics "
                "(another LOTRINH_PREFIX, or another state directory)"
            )


class _Restore:
    """One restoration."""

    def __init__(self, settings: Settings, path: Path, manifest: Manifest, say: Say) -> None:
        self._settings, self._path, self._manifest, self._say = settings, path, manifest, say
        self._same = manifest.head["partitions"] == settings.partitions
        self._reading = read_reading(settings)
        self._counts: Counter[str] = Counter()
        self._token = secrets.token_hex(8)

    async def run(self) -> Mapping[str, int]:
        await self._lock(complete=False, rows={})
        kept = {line.key or b"": line for line in self._lines({topics.DELIVERIES})}
        async with _Publisher(self._settings) as out:
            await self._remember(out)
            rows = await self._alerts(out, kept)
            await self._lock(complete=True, rows=rows)
            self._counts[topics.DELIVERIES] = len(kept)
            for line in self._lines({topics.OPERATORS, topics.PERIODS}):
                await self._put(out, line, line.partition % self._settings.partitions)
            for line in self._lines({*FACTS}):
                await self._put(out, line, self._inbound(line))
            await out.flush()
        async with Ticker(self._settings) as ticker:
            await ticker.tick(self._manifest.clock, flush=self._token)
        return dict(self._counts)

    def _lines(self, kinds: set[str]) -> Iterable[Line]:
        """Yield the lines of some kinds; the file is read once for each group of them, and never held.

        Facts come last, and are nearly all of it.
        """
        for said in lines_in(self._path):
            kind = said.get("t")
            if kind in kinds:
                yield Line.load(said)
            elif kind in FACTS:
                return

    async def _put(self, out: "_Publisher", line: Line, partition: int, name: str = "") -> None:
        await out.publish(line.kind, partition, line.key, line.value, line.headers, name)
        self._counts[line.kind] += 1
        self._say(1)

    def _inbound(self, line: Line) -> int:
        """Return where a fact belongs; where nothing is agreed upon, where it lay."""
        settings = self._settings
        if line.key is None or (self._same and settings.partitioner == "any"):
            return line.partition % settings.partitions
        return settings.inbound_partition(line.key)

    # -- what watch remembers ------------------------------------------------------------------------------------------

    async def _remember(self, out: "_Publisher") -> None:
        """Tell every partition of watch what it remembers, and from which tick on it may judge."""
        of: dict[int, dict[str, Any]] = {p: {} for p in range(self._settings.partitions)}
        for line in self._lines({MEMORY}):
            name, memory = (line.key or b"").decode(), self._heard(orjson.loads(line.value or b"{}"))
            for partition in self._homes(line, name, memory):
                known = of[partition].get(name)
                if known is None or known["episode"] <= memory["episode"]:
                    of[partition][name] = memory
            self._counts[MEMORY] += 1
            self._say(1)
        for partition, known in of.items():
            names = sorted(known)
            for start in range(0, max(1, len(names)), MEMORIES):
                chunk = {name: known[name] for name in names[start : start + MEMORIES]}
                said: Restored = {
                    "kind": "restored", "flush": self._token, "clock": self._manifest.clock, "memory": chunk,
                }  # fmt: skip
                headers = tuple(formats.stamped(topics.TALLIES))
                await out.publish(topics.TALLIES, partition, None, dumps(said), headers)
        await out.flush()

    def _homes(self, line: Line, name: str, memory: Mapping[str, Any]) -> Iterable[int]:
        """Return where a memory belongs: in the home of its unit; that of the feed, which all hear, everywhere."""
        if self._same:
            return (line.partition,)
        decision, indicator, unit = name.split("/", 2)
        if indicator == EVERY and "totals" in memory["rule"] and not memory["episode"]:
            return range(self._settings.partitions)
        if unit in FACTS and decision == self._reading.decision.id:
            unit = self._reading.decision.province  # where records that lie elsewhere are told from
        return (self._home(self._reading.registry.home(unit).encode()),)

    def _heard(self, memory: dict[str, Any]) -> dict[str, Any]:
        """Return a memory whose totals of records are those of the new log, which has neither gaps nor markers."""
        totals = memory.get("rule", {}).get("totals")
        if totals is None:
            return memory
        more = sum(self._manifest.counts.get(name, 0) for name in FACTS) - self._manifest.end["inbound"]
        return {**memory, "rule": {**memory["rule"], "totals": [total + more for total in totals]}}

    # -- alerts, and who was told of them ------------------------------------------------------------------------------

    async def _alerts(self, out: "_Publisher", kept: Mapping[bytes, Line]) -> dict[str, Any]:
        """Write the alerts, and return the rows of deliveries as they are about them where they lie now.

        In each partition those come first that notify has taken in, for it knows one position for each.
        """
        taken = {
            int(key.decode().partition("/")[2]): orjson.loads(line.value or b"{}")["next"]
            for key, line in kept.items()
            if key.startswith(b"position/")
        }
        places: dict[str, str] = {}
        positions: dict[str, dict[str, int]] = {}
        for first in (True, False):
            for line in self._lines({topics.ALERTS}):
                if (line.offset < taken.get(line.partition, 0)) == first:
                    at = line.partition if self._same else self._home(line.key or b"")
                    # Where it comes from lies in a log that is no more.
                    headers = tuple((n, v) for n, v in line.headers if n != EVIDENCE_HEADER)
                    await self._put(out, line._replace(headers=headers), at, _mark(line.partition, line.offset))
            for old, (to, offset) in (await out.flush()).items():
                places[old] = _mark(to, offset)
                if first:
                    name = f"position/{to}"
                    positions[name] = {"next": max(offset + 1, positions.get(name, {"next": 0})["next"])}
        rows = {
            key.decode(): elsewhere(orjson.loads(line.value or b"{}"), places)
            for key, line in kept.items()
            if line.value is not None and not key.startswith(b"position/")
        }
        return rows | positions

    def _home(self, key: bytes) -> int:
        """Return where our own topics keep a key."""
        return partition_of(key, self._settings.partitions, "murmur2")

    async def _lock(self, *, complete: bool, rows: Mapping[str, Any]) -> None:
        """Write delivery rows in one transaction, whoever else is a notifier: it is shut out, and starts again."""
        for attempt in range(1, ATTEMPTS + 1):
            producer = AIOKafkaProducer(
                bootstrap_servers=bootstrap(self._settings), transactional_id=self._settings.topic(NAME), acks="all",
                **client_options(self._settings),
            )  # fmt: skip
            try:
                await producer.start()
                async with producer.transaction():
                    topic, stamped = self._settings.topic(topics.DELIVERIES), formats.stamped(topics.DELIVERIES)
                    sent = [
                        await producer.send(topic, orjson.dumps(row), key=key.encode(), headers=stamped)
                        for key, row in {**rows, LOCK: {"complete": complete}}.items()
                    ]
                    await asyncio.gather(*sent)
            except ProducerFenced:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(0.2 * attempt)
            else:
                return
            finally:
                await producer.stop()


def _mark(partition: int, offset: int) -> str:
    """Return the place of a transition as `models.notification.outbox` names it."""
    return f"{partition}:{offset:020d}"


class _Publisher:
    """Packs records into batches per partition, acknowledged, in the order given."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap(settings), acks="all", enable_idempotence=True, compression_type="gzip",
            max_batch_size=BATCH_BYTES, max_request_size=RECORD_BYTES_MAX, **client_options(settings),
        )  # fmt: skip
        self._open: dict[tuple[str, int], Any] = {}
        self._names: dict[tuple[str, int], list[str]] = {}
        """of the records of an open batch"""
        self._sent: list[tuple[list[str], asyncio.Future[Any]]] = []
        self._places: dict[str, tuple[int, int]] = {}

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._producer.stop()

    async def publish(  # noqa: PLR0913, PLR0917 - a record, spelled out
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]],
        name: str = "",
    ) -> None:
        """Take one record into its batch; with a name, `flush` tells where it came to lie."""
        tp, extra = (self._settings.topic(topic), partition), list(headers)
        batch = self._open.get(tp)
        if batch is None or batch.append(key=key, value=value, timestamp=None, headers=extra) is None:
            if batch is not None:
                await self._send(tp)
            batch = self._open[tp] = self._producer.create_batch()
            if batch.append(key=key, value=value, timestamp=None, headers=extra) is None:
                raise BadInput(f"a record of {topic} with {len(value or b'')} bytes fits no batch")
        self._names.setdefault(tp, []).append(name)

    async def _send(self, tp: tuple[str, int]) -> None:
        batch = self._open.pop(tp)
        batch.close()
        self._sent.append((self._names.pop(tp), await self._producer.send_batch(batch, tp[0], partition=tp[1])))
        if len(self._sent) >= IN_FLIGHT:
            await self._acknowledged()

    async def _acknowledged(self) -> None:
        sent, self._sent = self._sent, []
        for names, future in sent:
            at = await future
            self._places.update((name, (at.partition, at.offset + n)) for n, name in enumerate(names) if name)

    async def flush(self) -> dict[str, tuple[int, int]]:
        """Send what is open, wait until all is acknowledged, and return where named records lie: partition, offset."""
        for tp in list(self._open):
            await self._send(tp)
        await self._acknowledged()
        places, self._places = self._places, {}
        return places


__all__ = ["check_backup", "restore_backup"]
