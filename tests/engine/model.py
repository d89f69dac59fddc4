"""A model of Kafka: logs, transactions with fencing and a last stable offset, compaction, a group that rebalances.

Every request takes time before and after its effect; between the two anything may happen to who sent it. It is kept as
small as the promises that the engine relies on; `tests/integration/test_broker_conformance.py` holds real Kafka to them.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from faust.types import TP

from streams.engine.log import WITNESS, Bounds, Broken, Passing, Rows
from tests.engine.virtual import Life


class FencedError(Broken):
    """A newer appender of the same name has come."""


class Record(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    headers: Any = ()


@dataclass
class Entry:
    offset: int
    key: bytes | None
    value: bytes | None
    at: float
    txn: "Txn | None" = None
    """None: visible at once; else when its transaction is committed and marked in this log"""
    marker: bool = False
    headers: Any = ()


@dataclass(eq=False)
class Txn:
    epoch: int
    began: float
    name: str = ""
    marks: dict[TP, bool] = field(default_factory=dict)
    """partition → what the marker there says; an outcome is not visible before"""
    logs: dict[TP, int] = field(default_factory=dict)
    """partition → first offset"""
    outcome: bool | None = None
    unmarked: set[TP] = field(default_factory=set)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    cleared: bool = False
    """aborted by one who is alive to see it marked"""


class Partition:
    """One log."""

    def __init__(self, tp: TP) -> None:
        self.tp = tp
        self.entries: list[Entry] = []
        self.first = 0
        self.next = 0
        self.open: dict[Txn, int] = {}
        """transactions whose marker is still to come → first offset"""

    def append(self, key: bytes | None, value: bytes | None, at: float, txn: Txn | None = None, **kw: Any) -> int:
        self.entries.append(Entry(self.next, key, value, at, txn, **kw))
        self.next += 1
        return self.next

    @property
    def stable(self) -> int:
        """The last stable offset: nothing at or after it is shown to readers of committed records."""
        return min(self.open.values(), default=self.next)

    def visible(self, entry: Entry) -> bool:
        return entry.txn is None or entry.txn.marks.get(self.tp, False)

    def committed(self, since: int, upto: int) -> list[Record]:
        return [
            Record(e.offset, e.key, e.value, headers=e.headers)
            for e in self.entries
            if since <= e.offset < upto and not e.marker and self.visible(e)
        ]


class Broker:
    """All logs, the transaction coordinator and the group's positions. `step` is the one place where time passes."""

    def __init__(self, rng: random.Random, latency_s: float = 0.004, transaction_timeout_s: float = 10.0) -> None:
        self.rng = rng
        self.latency_s = latency_s
        self.transaction_timeout_s = transaction_timeout_s
        self.fences = True
        self.forgets_markers = 0.0
        """share of markers of aborted transactions that are never written: Kafka 4.3.0 without a leader"""
        self.atomic = True
        self.logs: dict[TP, Partition] = {}
        self.partitions = 2
        self.deleted: set[str] = set()
        """topics of which it says that it does not know them"""
        self.bytes_per_s: float | None = None
        """how fast appending goes; None: as fast as any other request"""
        self.back_at = 0.0
        """until then it answers nobody: it is paused, restarted, or the network is cut"""
        self.epochs: dict[str, int] = {}
        self.txns: dict[str, Txn] = {}
        self.group: dict[TP, tuple[int, str]] = {}
        self.forgot: list[str] = []
        """where a witness of the group was put back: what it knew is lost"""
        self.generation = 0
        self.effects: list[str] = []
        self.before_effect: Callable[[int, str], None] = lambda n, name: None
        self.after_effect: Callable[[int, str], None] = lambda n, name: None
        self.grown = asyncio.Event()

    def log(self, tp: TP) -> Partition:
        tp = TP(*tp)
        if tp not in self.logs:
            self.logs[tp] = Partition(tp)
        return self.logs[tp]

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def step(self, life: Life, name: str, effect: Callable[[], Any] | None = None) -> Any:
        """One request: it leaves, takes effect (or not, where the sender ends first), and is answered."""
        await life.gate()
        number = len(self.effects)
        self.effects.append(name)
        self.before_effect(number, name)
        await life.gate()
        await asyncio.sleep(self.rng.expovariate(1 / self.latency_s))
        await self._answers()
        if not life.alive:
            await life.gate()
        result = None if effect is None else effect()  # also of a sender that has been paused meanwhile
        self.after_effect(number, name)
        await asyncio.sleep(self.rng.expovariate(1 / self.latency_s))
        await self._answers()
        await life.gate()
        return result

    async def _answers(self) -> None:
        while (wait_s := self.back_at - self.now()) > 0:  # noqa: ASYNC110 - it may be put off again
            await asyncio.sleep(wait_s)

    def _grown(self) -> None:
        self.grown.set()
        self.grown = asyncio.Event()

    # -- transactions --------------------------------------------------------------------------------------------------

    def produce(self, tp: TP, key: bytes | None, value: bytes | None) -> None:
        """A portal's record."""
        self.log(tp).append(key, value, self.now())
        self._grown()

    def init(self, name: str) -> int:
        epoch = self.epochs[name] = self.epochs.get(name, 0) + 1
        txn = self.txns.get(name)
        if txn is not None and txn.outcome is None:
            self.end(name, txn, commit=False)
        return epoch

    def check(self, name: str, epoch: int) -> None:
        if self.fences and self.epochs[name] != epoch:
            raise FencedError(name)

    def begin(self, name: str, epoch: int) -> Txn:
        txn = self.txns[name] = Txn(epoch, self.now(), name)
        asyncio.get_running_loop().call_later(self.transaction_timeout_s, self._time_out, name, txn)
        return txn

    def _time_out(self, name: str, txn: Txn) -> None:
        if txn.outcome is None and self.txns.get(name) is txn:
            self.epochs[name] += 1
            self.end(name, txn, commit=False)

    def append(self, txn: Txn, tp: TP, rows: Sequence[Any]) -> int:
        log = self.log(tp)
        if tp not in txn.logs:
            txn.logs[tp] = log.next
            if self.atomic:
                log.open[txn] = log.next
        for key, value, *headers in rows:
            log.append(key, value, self.now(), txn if self.atomic else None, headers=tuple(*headers))
        if not self.atomic:
            self._grown()
        return log.next

    def end(self, name: str, txn: Txn, *, commit: bool) -> None:
        """Decide; the markers that make it visible are written log by log, some time later."""
        txn.outcome = commit
        txn.unmarked = set(txn.logs)
        if not txn.unmarked:
            txn.done.set()
        for tp in txn.logs:
            delay = self.rng.expovariate(1 / self.latency_s)
            asyncio.get_running_loop().call_later(delay, self._mark, txn, tp)

    def _mark(self, txn: Txn, tp: TP) -> None:
        log = self.log(tp)
        if txn.outcome or txn.cleared or self.rng.random() >= self.forgets_markers:
            log.append(None, None, self.now(), txn, marker=True)
            for ended in [t for t in log.open if t.name == txn.name]:  # a marker is of a producer, not of a transaction
                ended.marks[tp] = bool(txn.outcome)
                del log.open[ended]
        txn.unmarked.discard(tp)
        if not txn.unmarked:
            txn.done.set()
        self._grown()

    def tell_group(self, positions: Mapping[TP, tuple[int, str]]) -> None:
        for tp, (at, metadata) in positions.items():
            before, whose = self.group.get(tp, (0, WITNESS))
            if whose == WITNESS and at < before:
                self.forgot.append(f"{tp.topic}-{tp.partition}: {at} after {before}")
            self.group[tp] = at, metadata

    # -- what else a broker does ---------------------------------------------------------------------------------------

    def compact(self, tp: TP, tombstones_live_s: float) -> None:
        log = self.log(tp)
        stable = log.stable
        newest = {r.key: r.offset for r in log.committed(0, stable)}
        log.entries = [
            e
            for e in log.entries
            if e.offset >= stable
            or e.marker
            or (
                log.visible(e)
                and newest[e.key] == e.offset
                and (e.value is not None or e.at > self.now() - tombstones_live_s)
            )
        ]


class ModelLog:
    """The engine's `Log` on the model, as one process has it."""

    def __init__(self, broker: Broker, life: Life, trouble: float = 0.0) -> None:
        self.broker = broker
        self.life = life
        self.trouble = trouble
        """share of requests that go wrong in a way that may pass, or leave a commit's outcome unknown"""

    def appender(self, name: str) -> "ModelAppender":
        return ModelAppender(self, name)

    @asynccontextmanager
    async def reader(self) -> AsyncIterator["ModelReader"]:
        await self.broker.step(self.life, "connect")
        yield ModelReader(self)

    async def witnessed(self, tps: Collection[TP]) -> Mapping[TP, int]:
        group = await self.broker.step(self.life, "witnessed", lambda: dict(self.broker.group))
        return {tp: group[tp][0] for tp in tps if tp in group and group[tp][1] == WITNESS}

    def goes_wrong(self) -> bool:
        return self.broker.rng.random() < self.trouble


class ModelAppender:
    def __init__(self, log: ModelLog, name: str) -> None:
        self._log, self._broker, self._life = log, log.broker, log.life
        self._name = name
        self._epoch = 0
        self._txn: Txn | None = None

    async def fence(self) -> None:
        self._epoch = await self._broker.step(self._life, "init", lambda: self._broker.init(self._name))
        if (before := self._broker.txns.get(self._name)) is not None:
            await before.done.wait()
        await self._life.gate()

    async def partitions(self, topic: str) -> int:
        return self._broker.partitions

    async def gone(self, topics: Collection[str]) -> list[str]:
        return sorted(self._broker.deleted & {*topics})

    async def clear(self, tps: Collection[TP]) -> None:
        def effect() -> None:
            self._broker.check(self._name, self._epoch)
            self._txn = self._broker.begin(self._name, self._epoch)
            for tp in tps:
                self._broker.append(self._txn, tp, [(b"cleared", None)])

        if self._broker.atomic:
            await self._broker.step(self._life, "touch", effect)
            assert self._txn is not None
            self._txn.cleared = True
            await self.abort()

    async def begin(self) -> None:
        await self._life.gate()
        if self._txn is not None:
            await self._txn.done.wait()
        self._txn = None

    async def send(self, rows: Rows) -> Mapping[TP, int]:
        ends = {}
        for (topic, partition), of_partition in rows.items():
            if not of_partition:
                continue
            if self._log.goes_wrong():
                raise Passing("trouble")
            tp = TP(topic, partition)

            def effect(tp: TP = tp, of_partition: Sequence[Any] = of_partition) -> int:
                self._broker.check(self._name, self._epoch)
                if self._txn is None:
                    self._txn = self._broker.begin(self._name, self._epoch)
                return self._broker.append(self._txn, tp, of_partition)

            takes_s = _bytes(of_partition) / self._broker.bytes_per_s if self._broker.bytes_per_s else 0.0
            ends[tp] = await self._broker.step(self._life, f"send {topic}", effect)
            if takes_s:
                await asyncio.sleep(takes_s)
                await self._life.gate()
        return ends

    async def commit(self) -> None:
        if self._log.goes_wrong() and self._broker.rng.random() < 0.5:
            raise Broken("the broker never heard of it, nor do we know that")
        await self._end(commit=True)
        if self._log.goes_wrong():
            raise Broken("it was committed, and the answer got lost")

    async def abort(self) -> None:
        if self._txn is not None:
            await self._end(commit=False)

    async def _end(self, *, commit: bool) -> None:
        txn = self._txn
        assert txn is not None

        def effect() -> None:
            self._broker.check(self._name, self._epoch)
            if txn.outcome is None:
                self._broker.end(self._name, txn, commit=commit)

        await self._broker.step(self._life, "commit" if commit else "abort", effect)

    async def stop(self) -> None:
        await self._life.gate()


def _bytes(rows: Sequence[Any]) -> int:
    return sum(len(part or b"") for key, value, *_ in rows for part in (key, value))


class ModelReader:
    def __init__(self, log: ModelLog) -> None:
        self._broker, self._life = log.broker, log.life

    async def bounds(self, tps: Collection[TP]) -> Mapping[TP, Bounds]:
        def effect() -> Mapping[TP, Bounds]:
            return {tp: Bounds(self._broker.log(tp).first, self._broker.log(tp).stable) for tp in tps}

        bounds: Mapping[TP, Bounds] = await self._broker.step(self._life, "bounds", effect)
        return bounds

    async def written(self, tps: Collection[TP]) -> Mapping[TP, int]:
        return {tp: bounds.last for tp, bounds in (await self.bounds(tps)).items()}

    async def read(self, since: Mapping[TP, int], upto: Mapping[TP, int]) -> AsyncIterator[tuple[TP, Sequence[Any]]]:
        for tp, start in since.items():
            at = start
            while at < upto[tp]:
                end = min(upto[tp], at + self._broker.rng.randint(1, 40))
                records = await self._broker.step(
                    self._life,
                    "read",
                    lambda tp=tp, at=at, end=end: self._broker.log(tp).committed(at, end),  # type: ignore[misc]
                )
                yield tp, records
                at = end
