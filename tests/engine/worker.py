"""A worker as the simulator runs it: the engine's own Holdings, Owner and Flow, a consumer and a group of the model.

What it counts is deliberately not idempotent: a record taken twice or not at all shows in every later figure.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any, cast

from faust.types import TP

from streams.engine.budget import Room
from streams.engine.config import EngineConfig
from streams.engine.contiguity import Flow
from streams.engine.log import WITNESS
from streams.engine.partition import Owner
from streams.engine.partitions import Holdings
from streams.engine.process_exit import die, watched
from streams.engine.stats import Stats
from streams.engine.tables import Rows
from streams.engine.work import Announcement, Fetch, Owes
from tests.engine.model import Broker, ModelLog
from tests.engine.virtual import Life

SOURCES = ("a", "b")
SAID, THIRDS = "said", "thirds"


class ModelTable(Rows):
    """Rows of a process, under JSON keys."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.changelog_topic_name = f"{name}-changelog"

    def put(self, key: str, value: Any) -> None:
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value
        self.written([key])


class Counting:
    """Counts records by key; says every count; marks, and announces once, every third; forgets the mark on the next.

    Counts may be said over several transactions, smallest key first; thirds go with the transaction they belong to.
    """

    def __init__(self, owner: Owner, counts: ModelTable, marks: ModelTable) -> None:
        self.owner, self.counts, self.marks = owner, counts, marks
        self.touched: dict[str, None] = {}
        self.thirds: list[tuple[str, int]] = []
        self.telling = False
        self.sum = 0
        """derived: must always equal the rows"""

    @property
    def owes(self) -> Owes:
        return "now" if self.telling else "later" if "owed" in self.owner.memo else "nothing"

    def read_back(self, records: Iterable[Any]) -> None:
        """Nothing is read back."""

    def restoring(self, *, renewed: bool) -> Iterator[None]:
        self.thirds.clear()
        yield
        self.sum = sum(count for _, count in self.owner.rows(self.counts))
        owed = "" if renewed else self.owner.memo.get("owed")
        self.touched = {key: None for key, _ in self.owner.rows(self.counts) if owed is not None and key >= owed}
        self.telling = bool(owed)  # what was begun is finished at the position at which it was begun

    def take(self, fetch: Fetch) -> None:
        assert not self.telling
        for index, record in enumerate(fetch.records):
            key = record.key.decode()
            count = self.counts.rows.get(key, 0) + 1
            self.counts.put(key, count)
            self.marks.put(key, count if count % 3 == 0 else None)
            self.sum += 1
            self.touched[key] = None
            if count % 3 == 0:
                self.thirds.append((key, count))
            if count % 4 == 0:
                fetch.leave(index + 1)
                break
        self.owner.memo["records"] = self.owner.memo.get("records", 0) + len(fetch.records)

    def announcements(self, room: Room) -> Iterable[Announcement | None]:
        if self.sum != self.owner.memo.get("records", 0):
            die("what is derived differs from what is kept")
        place = {"epoch": self.owner.epoch, "at": self.owner.position, "next": dict(self.owner.progress.next)}
        for key, count in self.thirds:
            yield Announcement(THIRDS, f"{key}:{count}".encode(), b"", self.owner.partition)
        self.thirds.clear()
        yield None
        if room.patient and len(self.touched) > room.records and not self.telling:
            self.owner.memo["owed"] = ""
            return
        for key in sorted(self.touched):
            if room.full:
                break
            del self.touched[key]
            said = {**place, "count": self.counts.rows[key]}
            yield Announcement(SAID, key.encode(), json.dumps(said).encode(), self.owner.partition)
        self.telling = bool(self.touched)
        if self.telling:
            self.owner.memo["owed"] = min(self.touched)
        else:
            self.owner.memo.pop("owed", None)


class Worker:
    """One process: an engine's host, a consumer thread, an agent, a member of the group."""

    new_flow = Flow

    def __init__(
        self, broker: Broker, rng: random.Random, *, trouble: float = 0.0, losses: float = 0.0, **config: Any
    ) -> None:
        self.broker, self.rng, self.losses = broker, rng, losses
        self.life = Life()
        self.clock_off_s = 0.0
        """by how much its wall clock is wrong"""
        self.config = EngineConfig(
            id="sim", bootstrap="", announces=(SAID, THIRDS), partitions=broker.partitions,
            wall=lambda: 1e6 + broker.now() + self.clock_off_s,
            **cast("dict[str, Any]", {"fingerprint": "1", "pending_records_max": 12, "kept_state_s": 40.0, "stuck_s": 30.0}) | config,
        )  # fmt: skip
        self.kafka = ModelLog(broker, self.life, trouble)
        self.sources = set(SOURCES)
        self.committed: dict[TP, int] = {}
        self.stats = Stats()
        self.consumer_generation_id = -1
        self._tables = [ModelTable("counts"), ModelTable("marks")]
        self.holdings = Holdings(self)  # type: ignore[arg-type]
        self._fetched: dict[TP, int] = {}
        self._told: dict[TP, int] = {}
        self.flowing = False
        self._queue: asyncio.Queue[tuple[Fetch, int]] = asyncio.Queue(8)

    # -- what the engine asks of its process ---------------------------------------------------------------------------

    def new_work(self, owner: Owner) -> Counting:
        return Counting(owner, *self._tables)

    def engine_tables(self) -> list[ModelTable]:
        return self._tables

    def end_of(self, tp: TP) -> int:
        return self.broker.log(tp).stable

    def forgotten(self, partition: int) -> None:
        pass

    async def fetch_again(self, tp: TP, here: int) -> None:
        if tp in self._fetched:
            self._fetched[tp] = here

    def fetched_to(self) -> Mapping[TP, int]:
        return dict(self._fetched)

    # -- what runs in it -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        flow = self.new_flow(self)
        for run in (lambda: self._agent(flow), self._fetch, self._tell_group, flow.mind_stalls):
            self.life.spawn(self._watched(run))

    async def _watched(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await run()
        except Exception as exc:  # noqa: BLE001 - as Engine._on_agent_error and Faust's crash
            die(exc, self.holdings.at_work())

    async def _agent(self, flow: Flow) -> None:
        async for fetch in flow.fetches(self._arrivals()):
            fetch.work.take(fetch)

    async def _arrivals(self) -> AsyncIterator[tuple[Fetch, int]]:
        while True:
            arrival = await self._queue.get()
            await self.life.gate()
            yield arrival

    async def _fetch(self) -> None:
        """The consumer's thread: hands over true stretches of logs, some of which are dropped, doubled or overtaken."""
        held: list[tuple[Fetch, int]] = []
        while True:
            grown = self.broker.grown
            for tp in list(self._fetched):
                await self.life.gate()
                log, start = self.broker.log(tp), self._fetched.get(tp)
                if start is None or not self.flowing or start >= log.stable:
                    continue
                end = min(log.stable, start + self.rng.randint(1, 6))
                self._fetched[tp] = end
                held.append((Fetch(tp, log.committed(start, end), start, end), self.consumer_generation_id))
                if self.rng.random() < self.losses:
                    held.append(held[-1])
                if self.rng.random() < self.losses:
                    self.rng.shuffle(held)
                if self.rng.random() < self.losses:
                    held.pop()
                while held and self.rng.random() > self.losses:
                    await self._queue.put(held.pop(0))
            if not any(self._fetched.get(tp, 0) < self.broker.log(tp).stable for tp in self._fetched):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(grown.wait(), 1.0)
            else:
                await asyncio.sleep(0.05)

    async def _tell_group(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            mine = {tp: at for tp, at in self.committed.items() if tp in self._fetched and self._told.get(tp) != at}
            if not mine:
                continue
            generation = self.consumer_generation_id

            def effect(mine: dict[TP, int] = mine, generation: int = generation) -> bool:
                if generation != self.broker.generation:
                    return False
                self.broker.tell_group({tp: (at, WITNESS) for tp, at in mine.items()})
                return True

            if await self.broker.step(self.life, "tell group", effect):
                self._told.update(mine)

    # -- what the group tells it ---------------------------------------------------------------------------------------

    async def revoked(self) -> None:
        await self.life.gate()
        self.flowing = False
        self._told.clear()
        self.committed.clear()
        await self.holdings.release()
        self.committed.clear()  # as `transport.Consumer.on_partitions_revoked`

    async def assigned(self, partitions: set[int], generation: int) -> None:
        await self.life.gate()
        self.committed.clear()  # the real consumer has been told of what was revoked before
        self.consumer_generation_id = generation
        self.committed.clear()
        self._fetched = {TP(t, p): 0 for t in SOURCES for p in partitions}
        await self.holdings.release()
        self.holdings.taking = watched(asyncio.create_task(self._take(partitions, generation), name="takeover"))

    async def _take(self, partitions: set[int], generation: int) -> None:
        """As `Takeover._take`."""
        await self.holdings.take(partitions)
        await self.life.gate()
        if self.consumer_generation_id != generation:
            return
        self._fetched = self.holdings.positions()
        while not self._queue.empty():
            self._queue.get_nowait()
        self.flowing = True
