"""Runs workers on the model broker under a seed's misfortunes, and judges what is left by one oracle."""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from faust.types import TP

from streams.engine import process_exit as stop
from streams.engine.progress import POSITION
from tests.engine import virtual
from tests.engine.model import Broker
from tests.engine.worker import SAID, SOURCES, THIRDS, Worker

KEYS = 5
TOMBSTONES_LIVE_S = 60.0
HEALS_S = 400.0
"""virtual seconds within which everything must be done once nothing goes wrong any more"""


@dataclass
class Plan:
    """What a run does: how much is published, for how long things go wrong, and how often."""

    seed: int
    records: int = 30
    storm_s: float = 30.0
    workers: int = 2
    trouble: float = 0.02
    losses: float = 0.1
    crash: float = 0.07
    pause: float = 0.06
    rebalance: float = 0.1
    join: float = 0.02
    compact: float = 0.1
    outage: float = 0.03
    clock: float = 0.05
    alter: Callable[[Broker], None] = lambda broker: None
    worker: type[Worker] = Worker


class World:
    """A broker, its group, and the processes a supervisor keeps running."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rng = random.Random(plan.seed)
        self._weather = random.Random(f"weather {plan.seed}")
        self.broker = Broker(random.Random(self.rng.random()))
        plan.alter(self.broker)
        self.workers: list[Worker] = []
        self.deaths = 0
        self.calm = False
        self._rebalancing: asyncio.Task[None] | None = None

    # -- group and supervisor ------------------------------------------------------------------------------------------

    def start_worker(self) -> Worker:
        trouble = 0.0 if self.calm else self.plan.trouble
        losses = 0.0 if self.calm else self.plan.losses
        worker = self.plan.worker(self.broker, random.Random(self.rng.random()), trouble=trouble, losses=losses)
        worker.life.on_end = lambda: self._ended(worker)
        self.workers.append(worker)
        worker.start()
        self.rebalance()
        return worker

    def _ended(self, worker: Worker) -> None:
        self.deaths += 1
        self.workers.remove(worker)
        loop = asyncio.get_running_loop()
        loop.call_later(self.rng.uniform(0.1, 3), self._restart)
        loop.call_later(self.rng.uniform(0.1, 2), self.rebalance)  # it left, or its session has timed out

    def _restart(self) -> None:
        if len(self.workers) < self.plan.workers:
            self.start_worker()

    def rebalance(self) -> None:
        """Begin an eager rebalance; one that is under way is overtaken."""
        if self._rebalancing is not None:
            self._rebalancing.cancel()
        self._rebalancing = asyncio.create_task(self._rebalance())

    async def _rebalance(self) -> None:
        members = [w for w in self.workers if not w.life.paused]
        revoked = [w.life.spawn(w.revoked()) for w in members]
        if revoked:
            await asyncio.wait(revoked, timeout=8.0)  # who does not answer in time is shut out: its epoch will be
        self.broker.generation += 1
        members = [w for w in members if w.life.alive]
        shares: dict[Worker, set[int]] = {w: set() for w in members}
        for partition in range(self.broker.partitions):
            if members:
                shares[self.rng.choice(members)].add(partition)
        for worker, partitions in shares.items():
            worker.life.spawn(worker.assigned(partitions, self.broker.generation))

    # -- misfortunes ---------------------------------------------------------------------------------------------------

    def _misfortune(self) -> None:
        plan, rng, chance = self.plan, self.rng, self.rng.random
        if self.workers and chance() < plan.crash:
            rng.choice(self.workers).life.end()
        if self.workers and chance() < plan.pause:
            victim = rng.choice(self.workers)
            victim.life.pause()
            asyncio.get_running_loop().call_later(rng.uniform(0.5, 20), self._go_on, victim)
            if chance() < 0.7:
                asyncio.get_running_loop().call_later(rng.uniform(0.1, 10), self.rebalance)
        if chance() < plan.rebalance:
            self.rebalance()
        if chance() < plan.join and len(self.workers) < 4:
            self.start_worker()
        if chance() < plan.compact:
            for table in ("counts", "marks"):
                for p in range(self.broker.partitions):
                    self.broker.compact(TP(f"{table}-changelog", p), TOMBSTONES_LIVE_S)

        self._bad_weather()

    def _bad_weather(self) -> None:
        """What happens to broker and machines: it answers nobody for a while, a clock is set."""
        plan, rng = self.plan, self._weather
        if rng.random() < plan.outage:
            self.broker.back_at = self.broker.now() + rng.choice([rng.uniform(0.1, 3), rng.uniform(3, 45)])
        if self.workers and rng.random() < plan.clock:
            rng.choice(self.workers).clock_off_s += rng.choice([-1, 1]) * rng.choice([rng.uniform(0, 90), 86_400 * 400])

    def _go_on(self, worker: Worker) -> None:
        worker.life.go_on()
        asyncio.get_running_loop().call_later(self.rng.uniform(0, 3), self.rebalance)  # it joins again, late

    def publish(self) -> None:
        partition = self.rng.randrange(self.broker.partitions)
        key = f"{partition}/{self.rng.randrange(KEYS)}".encode()
        tp = TP(self.rng.choice(SOURCES), partition)
        self.broker.produce(tp, key, b"")
        if self.rng.random() < 0.2:  # somebody's marker: an offset without a record
            log = self.broker.log(tp)
            log.append(None, None, self.broker.now(), marker=True)

    # -- the whole run -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        for _ in range(self.plan.workers):
            self.start_worker()
        step = self.plan.storm_s / self.plan.records
        for _ in range(self.plan.records):
            self.publish()
            self._misfortune()
            await asyncio.sleep(self.rng.expovariate(1 / step))
        await self.heal()
        self.judge()

    async def heal(self) -> None:
        """Let nothing more go wrong, and wait until all is done; that it is done at all is a promise too."""
        self.calm = True
        for worker in list(self.workers):
            worker.life.go_on()
            worker.kafka.trouble = worker.losses = 0.0
        if not self.workers:
            self.start_worker()
        before = self.broker.generation
        if self.plan.rebalance:
            self.rebalance()
        else:
            before -= 1
        deadline = self.broker.now() + HEALS_S
        while self.broker.generation == before or not self.done():
            assert self.broker.now() < deadline, f"not done {HEALS_S:g} s after the last misfortune"
            await asyncio.sleep(0.5)

    def done(self) -> bool:
        if any(w.consumer_generation_id != self.broker.generation or not w.flowing for w in self.workers):
            return False
        positions = {w: w.holdings.positions() for w in self.workers}
        ends = {TP(t, p): self.broker.log(TP(t, p)).stable for t in SOURCES for p in range(self.broker.partitions)}
        return all(
            any(
                at.get(tp) == end and w.committed.get(tp) == end and self.broker.group.get(tp, (0,))[0] == end
                for w, at in positions.items()
            )
            or end == 0
            for tp, end in ends.items()
        )

    # -- the oracle ----------------------------------------------------------------------------------------------------

    def judge(self) -> None:
        """State = fold of the log; what was said is complete, true of its position, in order; once-only is once."""
        said_of, thirds = Counter[bytes](), Counter[bytes]()
        for partition in range(self.broker.partitions):
            inbound = {t: self._all(t, partition) for t in SOURCES}
            fold = Counter(r.key for records in inbound.values() for r in records)
            state = self._compacted("counts-changelog", partition)
            marks = self._compacted("marks-changelog", partition)
            position = json.loads(state.pop(POSITION, b'{"next": {}, "memo": {}}'))
            assert {k: json.loads(v) for k, v in state.items()} == {
                json.dumps(k.decode()).encode(): n for k, n in fold.items()
            }, "the state is not the fold of the log"
            assert {k: json.loads(v) for k, v in marks.items()} == {
                json.dumps(k.decode()).encode(): n for k, n in fold.items() if n % 3 == 0
            }, "a mark is missing, or one that was taken back is there"
            assert position["memo"].get("records", 0) == sum(fold.values())
            self._judge_said(partition, inbound, fold)
            thirds += Counter(r.key for r in self._all(THIRDS, partition))
            said_of += fold
        expected = Counter(f"{k.decode()}:{n}".encode() for k, total in said_of.items() for n in range(3, total + 1, 3))
        assert thirds == expected, f"once-only announcements: {thirds - expected} too many, {expected - thirds} missing"
        assert not self.broker.forgot, f"a witness of the group was put back: {self.broker.forgot}"
        self._judge_memory()

    def _judge_said(self, partition: int, inbound: dict[str, list[Any]], fold: Counter[bytes]) -> None:
        last: dict[bytes, tuple[int, int, int]] = {}
        for record in self._all(SAID, partition):
            said = json.loads(record.value)
            version = (said["epoch"], said["at"])
            assert version > last.get(record.key, (-1, -1, 0))[:2], "an older figure after a newer one"
            true = sum(r.key == record.key for t, rs in inbound.items() for r in rs if r.offset < said["next"][t])
            assert said["count"] == true, "a figure that is not true of its position"
            last[record.key] = (*version, said["count"])
        assert {k: v[2] for k, v in last.items()} == fold, "not everything was said"

    def _judge_memory(self) -> None:
        for worker in self.workers:
            for partition, owner in worker.holdings.owners.items():
                fold = Counter(r.key.decode() for t in SOURCES for r in self._all(t, partition))
                assert dict(owner.rows(worker._tables[0])) == fold, "memory differs from the log"
                marks = {key: count for key, count in fold.items() if count % 3 == 0}
                assert dict(owner.rows(worker._tables[1])) == marks, "a mark in memory differs from the log"
            held = [*worker.holdings.owners.items(), *worker.holdings._kept.items()]
            for partition, owner in held:
                for table in worker._tables:
                    assert all(key[:2] == f"{partition}/" for key, _ in owner.rows(table)), "another partition's rows"

    def _all(self, topic: str, partition: int) -> list[Any]:
        log = self.broker.log(TP(topic, partition))
        return log.committed(0, log.stable)

    def _compacted(self, topic: str, partition: int) -> dict[bytes, bytes]:
        newest = {r.key: r.value for r in self._all(topic, partition)}
        return {k: v for k, v in newest.items() if v is not None}


@contextmanager
def simulated(monkeypatch: Any) -> Iterator[None]:
    """Let `process_exit.end_process` end simulated processes, silently."""
    monkeypatch.setattr(stop, "end_process", virtual.end_process)
    monkeypatch.setattr(stop, "_leave", [])
    logger = logging.getLogger("lotrinh.engine")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def simulate(plan: Plan) -> World:
    """Run a plan; raises AssertionError where a promise is broken."""
    made: list[World] = []

    async def program() -> None:
        made.append(World(plan))
        await made[0].run()

    virtual.run(program)
    return made[0]
