"""However slow the broker and however much there is to say: after every takeover the state comes further."""

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from faust.types import TP

from streams.engine.progress import POSITION
from tests.engine import virtual
from tests.engine.model import Broker
from tests.engine.worker import SAID, Worker
from tests.engine.world import simulated

RECORDS = 1_500
SLOW = 400.0
"""bytes a second: a row and what is said of it are some 130, so that 30 records outlast the timeout of 10 s"""
LIVES = 400


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with simulated(monkeypatch):
        yield


def state(broker: Broker) -> dict[str, Any]:
    rows = broker.log(TP("counts-changelog", 0)).committed(0, 1 << 30)
    found: dict[str, Any] = json.loads([r.value for r in rows if r.key == POSITION][-1] or b"{}")
    return found


def come(broker: Broker) -> tuple[int, str]:
    """How far the state has come, and what it has said at its position."""
    found = state(broker)
    return found["next"]["a"], found["memo"].get("owed", "")


async def live(broker: Broker, seconds: float, **config: Any) -> bool:
    """Let one process work for so long, or until it ends by itself; tell whether everything is done."""
    config = {"pending_records_max": 10_000, "stuck_s": 60.0} | config
    worker = Worker(broker, random.Random(2), **config)
    worker.start()
    broker.generation += 1
    worker.life.spawn(worker.assigned({0}, broker.generation))
    ends = broker.now() + seconds
    while worker.life.alive and broker.now() < ends:
        await asyncio.sleep(0.5)
        if broker.group.get(TP("a", 0), (0,))[0] >= RECORDS:
            return True
    worker.life.end()
    await asyncio.sleep(1)
    return False


def backlog(keys: int) -> Broker:
    broker = Broker(random.Random(1))
    broker.bytes_per_s = SLOW
    for n in range(RECORDS):
        broker.produce(TP("a", 0), b"0/%04d" % (n % keys), b"")
    return broker


def judge(broker: Broker, keys: int) -> None:
    """Every count was said, exactly, and none older after newer."""
    last: dict[bytes, tuple[int, int, int]] = {}
    for record in broker.log(TP(SAID, 0)).committed(0, 1 << 30):
        said = json.loads(record.value or b"")
        version = said["epoch"], said["at"]
        assert version > last.get(record.key or b"", (0, 0, 0))[:2]
        last[record.key or b""] = (*version, said["count"])
    assert {key: count for key, (_, _, count) in last.items()} == {b"0/%04d" % n: RECORDS // keys for n in range(keys)}


@pytest.mark.parametrize("life_s", [45.0, 1e6], ids=["killed again and again", "left alone"])
@pytest.mark.parametrize("keys", [RECORDS, 100])
def test_a_backlog_that_outlasts_the_timeout_is_worked_off(life_s: float, keys: int) -> None:
    async def program() -> None:
        broker, before = backlog(keys), (-1, "")
        for _ in range(LIVES):
            if await live(broker, life_s):
                break
            now = come(broker)
            assert now > before, f"nothing came of a whole life: {now}"
            before = now
        else:
            raise AssertionError(f"after {LIVES} lives only {before}")
        judge(broker, keys)

    virtual.run(program)


def test_what_a_new_epoch_has_to_say_is_said_in_as_many_transactions_as_it_takes() -> None:
    """All counts anew: some 100 bytes each, of which a transaction can hold some 40."""

    async def program() -> None:
        broker = backlog(500)
        broker.bytes_per_s = None
        assert await live(broker, 600)
        broker.bytes_per_s, before = SLOW, ("", "")
        broker.group.clear()
        for _ in range(LIVES):
            if await live(broker, 30.0, fingerprint="2"):
                break
            found = state(broker)
            now = found["fingerprint"], found["memo"].get("owed", "")
            assert now > before, f"nothing came of a whole life: {now}"
            before = now
        else:
            raise AssertionError(f"after {LIVES} lives only {before}")
        judge(broker, 500)

    virtual.run(program)
