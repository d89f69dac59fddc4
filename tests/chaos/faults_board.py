"""What is done to Redis, beside which counting must go on; afterwards the wall shows the standings, byte by byte."""

import asyncio
import random
import signal
import time
from typing import Any

from streams.board.records import RowFact, read_standing
from streams.board.store import BoardStore, connect
from streams.broker import topics
from tests.chaos.faults import FAULTS, Fault, fault, until
from tests.chaos.rig import Rig
from tests.chaos.wall import WallUnderTest
from tests.integration.verdict import dump

OLD_ROWS = 20


def _shown(rig: Rig) -> WallUnderTest:
    wall = rig.put_up_wall()
    wall.until_shown()
    return wall


def _counted_meanwhile(rig: Rig) -> None:
    """Without Redis everything is counted and judged as with it."""
    rig.system.settle(60)


@fault("redis-away-at-start")
def redis_away_at_start(rig: Rig, rng: random.Random) -> None:
    wall = rig.put_up_wall(with_redis=False)
    _counted_meanwhile(rig)
    wall.valkey.start()
    wall.until_shown()


@fault("redis-killed")
def redis_killed(rig: Rig, rng: random.Random) -> None:
    """It held nothing that is not in Kafka; until it is back screens say that their figures are old."""
    wall = _shown(rig)
    wall.valkey.kill()
    _counted_meanwhile(rig)
    until(lambda: "store" in wall.screen.reasons, 20, "the screen never said that its figures are old")
    wall.valkey.start()


@fault("redis-paused")
def redis_paused(rig: Rig, rng: random.Random) -> None:
    wall = _shown(rig)
    wall.valkey.signal(signal.SIGSTOP)
    _counted_meanwhile(rig)
    until(lambda: "store" in wall.screen.reasons, 20, "the screen never said that its figures are old")
    wall.valkey.signal(signal.SIGCONT)


def _redis_net(how: str) -> Fault:
    def run(rig: Rig, rng: random.Random) -> None:
        wall = _shown(rig)
        if how == "cut":
            wall.proxy.cut()
        else:
            wall.proxy.deaf_to = {how}
        _counted_meanwhile(rig)
        until(lambda: "store" in wall.screen.reasons, 20, "the screen never said that its figures are old")
        wall.proxy.heal()

    return run


FAULTS["redis-cut"] = _redis_net("cut")
FAULTS["redis-answers-lost"] = _redis_net("down")
FAULTS["redis-requests-lost"] = _redis_net("up")


@fault("redis-flushed")
def redis_flushed(rig: Rig, rng: random.Random) -> None:
    """Three times, and the scripts with it."""
    wall = _shown(rig)
    for _ in range(3):
        time.sleep(rng.uniform(0.2, 2.0))
        wall.valkey.client.flushall()
        wall.valkey.client.script_flush()


@fault("redis-wrong-type")
def redis_wrong_type(rig: Rig, rng: random.Random) -> None:
    """Somebody's string lies where a board's key is: of each of its keys in turn."""
    wall = _shown(rig)
    for key in rng.sample(wall.keys, len(wall.keys)):
        wall.valkey.client.set(key, "something else")
        until(lambda key=key: wall.valkey.client.type(key) != b"string", 30, f"{key} is still somebody else's")  # type: ignore[misc]


@fault("redis-stale-writer")
def redis_stale_writer(rig: Rig, rng: random.Random) -> None:
    """A second writer comes late with rows as they were: the script takes none of them."""
    wall = _shown(rig)
    old: list[RowFact] = []
    deadline = time.monotonic() + 30
    while len(old) < OLD_ROWS:
        assert time.monotonic() < deadline, "too few rows have changed"
        old = _old_rows(rig)
    asyncio.run(_write(rig, wall, old))


def _old_rows(rig: Rig) -> list[RowFact]:
    """Every row that a newer one has replaced."""
    found: dict[str, list[RowFact]] = {}
    for record in dump(rig.system.settings, [topics.STANDINGS])[topics.STANDINGS]:
        row: Any = read_standing(record.key, record.value, record.headers)
        found.setdefault(row.key, []).append(row)
    return [row for rows in found.values() for row in rows[:-1]]


async def _write(rig: Rig, wall: WallUnderTest, old: list[RowFact]) -> None:
    from streams.board.store import Batch

    redis = connect(rig.system.settings.model_copy(update={"redis": _secret(wall.redis_url)}))
    try:
        store = BoardStore(redis, rig.system.settings.prefix, rig.system.settings.decision)
        meta: Any = await redis.hgetall(wall.keys.meta)
        await store.open(meta[b"epoch"].decode(), meta[b"made_of"].decode())
        # What has been superseded on the wall by now, and nothing else.
        newest = {k.decode(): v.decode() for k, v in (await redis.hgetall(wall.keys.versions)).items()}  # type: ignore[union-attr]
        late = [row for row in old if newest.get(row.key, "") > row.version]
        assert len(late) >= OLD_ROWS
        applied = await store.apply(Batch(rows=late))
        assert applied.rows == 0, f"{applied.rows} older rows were taken after newer ones"
    finally:
        await redis.aclose()


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)
