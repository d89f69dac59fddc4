"""From Redis into the server's memory: one task per board, which outlives a Redis that is restarted or flushed."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.board.state import RECENT_SHOWN, Alert, BoardState, Entry, Row
from streams.board.store import backoff_s, board_keys, why

log = logging.getLogger("lotrinh.board.follower")

BLOCK_MS: Final = 500
ENTRIES_REMEMBERED: Final = 128
"""Batches of the log read at a start; a page within them continues without a snapshot."""

STORE_LOST_S: Final = 6.0
FEED_LOST_S: Final = 15.0
SILENT_WITHOUT_CLOCK_S: Final = 900.0
SILENT_LEAST_S: Final = 30.0


class Freshness(NamedTuple):
    """What the feed last said of itself."""

    fed_ms: int = 0
    watermark_ms: int = 0
    clock: str = "none"
    lag: int = 0


class Stale(NamedTuple):
    """Why figures may be old, and since when (Unix time in ms)."""

    reason: str
    """`store`: Redis is away · `feed`: nobody feeds it · `loading`: it is being rebuilt · `silent`: no news at all"""
    since_ms: int


@dataclass
class Health:
    """How near the board is to its source."""

    seen_ms: int = 0
    """Redis last answered"""
    loading: bool = True
    """Redis holds no complete board of this kind"""
    freshness: Freshness = field(default_factory=Freshness)

    def stale(self, now_ms: int, tick_s: float) -> Stale | None:
        """Judge; the nearest fault first, since it hides those behind it."""
        fresh = self.freshness
        if now_ms - self.seen_ms > STORE_LOST_S * 1000:
            return Stale("store", self.seen_ms)
        if self.loading:
            return Stale("loading", fresh.fed_ms or self.seen_ms)
        if now_ms - fresh.fed_ms > FEED_LOST_S * 1000:
            return Stale("feed", fresh.fed_ms)
        limit_s = SILENT_WITHOUT_CLOCK_S if fresh.clock == "none" else max(3 * tick_s, SILENT_LEAST_S)
        if fresh.watermark_ms and now_ms - fresh.watermark_ms > limit_s * 1000:
            return Stale("silent", fresh.watermark_ms)
        return None


class Follower:
    """Keeps one board in memory equal to what stands in Redis."""

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        board: str,
        changed: Callable[[bool], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Follow nothing yet; `changed` is called after each change, with True where another epoch has begun."""
        self._redis = redis
        self._keys = board_keys(prefix, board)
        self._changed = changed
        self._now = now
        self._positions: Mapping[str, int] = {}
        self.state: BoardState | None = None
        self.health = Health()

    async def run(self) -> None:
        """Follow until cancelled."""
        failures = 0
        while True:
            try:
                await self._follow()
            except (RedisError, OSError, TimeoutError) as exc:
                if not failures:
                    log.warning("Redis is away: %s; the last figures stay, marked as old", why(exc))
                failures = failures + 1 if self._now() * 1000 - self.health.seen_ms > 1000 else 1
                await asyncio.sleep(min(2.0, backoff_s(failures)))

    async def _follow(self) -> None:
        """Load, then apply entry after entry; load again where an entry does not follow."""
        while True:
            last = await self._load()
            if last is None:
                await asyncio.sleep(0.25)
                continue
            while await self._step(last):
                pass

    async def _step(self, last: list[bytes]) -> bool:
        """Wait for entries and apply them; tell whether the state is still that of Redis."""
        state = self.state
        if state is None:
            return False
        reply: Any = await self._redis.xread({self._keys.log: last[0]}, count=64, block=BLOCK_MS)
        meta = await self._meta()
        entries: list[tuple[bytes, Entry]] = [(i, entry_of(fields)) for _, found in reply or () for i, fields in found]
        for id_, entry in entries:
            last[0] = id_
            if entry.epoch == state.epoch and entry.ver <= state.ver:
                continue
            if not state.follows(entry):
                return False
            state.apply(entry)
        if any(entry.epoch == state.epoch for _, entry in entries):
            self._changed(False)
        # An epoch that goes, or a version that comes without an entry: the log was cut, or the server is another one.
        return (
            meta.get("epoch") == state.epoch
            and int(meta.get("ver", -1)) >= state.ver
            and (bool(entries) or int(meta["ver"]) == state.ver)
        )

    async def _meta(self) -> dict[str, str]:
        reply: Any = await self._redis.hgetall(self._keys.meta)
        meta = {name.decode(): value.decode() for name, value in reply.items()}
        self._heard(meta)
        return meta

    def _heard(self, meta: Mapping[str, str]) -> None:
        """Take note of how fresh the board is said to be."""
        self.health.seen_ms = int(self._now() * 1000)
        self.health.loading = self.state is None or meta.get("epoch") != self.state.epoch
        if meta.get("complete") == "1":
            self.health.freshness = Freshness(
                int(meta.get("fed_ms", 0)),
                int(meta.get("watermark_ms", 0)),
                meta.get("clock", "none"),
                int(meta.get("lag", 0)),
            )

    async def _load(self) -> list[bytes] | None:
        """Load the whole board at one moment; None while it is not complete. The log's end comes with it."""
        keys = self._keys
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xrevrange(keys.log, count=1)
            pipe.hgetall(keys.meta)
            pipe.hgetall(keys.state)
            pipe.hgetall(keys.versions)
            pipe.hgetall(keys.alerts)
            pipe.zrevrange(keys.recent, 0, RECENT_SHOWN - 1)
            tail, raw_meta, rows, versions, alerts, recent = await pipe.execute()
        meta = {name.decode(): value.decode() for name, value in raw_meta.items()}
        self._heard(meta)
        if meta.get("complete") != "1":
            return None
        loaded = BoardState(
            meta["epoch"],
            int(meta["ver"]),
            {key.decode(): row_of(versions[key].decode(), value) for key, value in rows.items()},
            {name.decode(): alert_of(value) for name, value in alerts.items()},
        )
        loaded.recent = list(recent)
        positions = {name: int(at) for name, at in meta.items() if name.startswith("position:")}
        if not self._adopt(loaded, positions):
            return None
        self._positions = positions
        self._heard(meta)
        last = tail[0][0] if tail else b"0-0"
        if self.state is loaded:
            loaded.remember(await self._entries_before(last))
        return [last]

    def _adopt(self, loaded: BoardState, positions: Mapping[str, int]) -> bool:
        """Make a loaded state ours, unless it is an older copy that the feed has not brought up to date yet."""
        known = self.state
        if known is not None and known.epoch == loaded.epoch:
            if loaded.ver >= known.ver:
                if loaded.ver > known.ver:
                    known.renew(loaded)
                    self._changed(False)
                return True
            if any(positions.get(name, 0) < at for name, at in self._positions.items()):
                return False
        self.state = loaded
        self._changed(True)
        return True

    async def _entries_before(self, last: bytes) -> Iterable[Entry]:
        found: Any = await self._redis.xrevrange(self._keys.log, max=last, count=ENTRIES_REMEMBERED)
        return [entry_of(fields) for _, fields in reversed(found)]


def row_of(version: str, value: bytes) -> Row:
    """Return a row as the page gets it."""
    return Row(version, value, str(orjson.loads(value).get("as_of") or ""))


def alert_of(value: bytes) -> Alert:
    """Return a transition as the page gets it."""
    transition = orjson.loads(value)
    return Alert(transition["id"], transition["status"] == "firing", value)


def entry_of(fields: Mapping[bytes, bytes]) -> Entry:
    """Read an entry of the log."""
    rows: dict[str, Row] = {}
    gone: list[str] = []
    alerts: dict[str, Alert] = {}
    for name, value in fields.items():
        kind, _, key = name.decode().partition(":")
        if kind == "r":
            version, _, row = value.partition(b"\n")
            rows[key] = row_of(version.decode(), row)
        elif kind == "g":
            gone.append(key)
        elif kind == "a":
            alerts[key] = alert_of(value)
    return Entry(fields[b"epoch"].decode(), int(fields[b"ver"]), rows, gone, alerts, reload=b"reload" in fields)
