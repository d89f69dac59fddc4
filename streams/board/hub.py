"""Who is looking: event streams of one process, all written by one loop, with the same bytes, never by a queue each.

A client is a transport and the version it was last sent. While its buffer is full it is passed over; what it is sent
next holds all rows newer than that version, which is safe because rows are absolute. A handler's own task writes only
what is large (a snapshot), in slices, waiting for the client as it goes. A snapshot is one buffer for everybody: what a
stream costs does not grow with the board.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import orjson
from aiohttp import web

from models.calendar.civil_time import utc_ms
from models.standings.completeness import Cause, as_json, notice
from streams.board.follower import Follower, Stale
from streams.board.state import BoardState

BUFFERED_BYTES_MAX: Final = 16 << 10
BLOCKED_S_MAX: Final = 15.0
"""Seconds after which a client that takes no byte is given up."""
BEAT_S: Final = 5.0
BROADCAST_S_MIN: Final = 0.2
"""Seconds between two deltas to all clients, at least."""
SLICE_BYTES: Final = 16 << 10
"""Bytes of a snapshot that are copied at once for each client that receives it."""
CAUSES_SHOWN: Final = 20
"""Causes shown at most; the notice says how many there are, and since when."""


def second_of(state: BoardState, fresh: Mapping[str, object]) -> tuple[str, ...]:
    """Return what a snapshot is made of: a version, the server's second, and what is said of its freshness."""
    return state.tag, str(fresh["server_time"])[:19], str(fresh["stale"]), str(fresh["notice"])


class Frame(NamedTuple):
    """One event, as it goes over HTTP/1.1 (chunked) and over HTTP/1.0."""

    chunked: bytes
    plain: bytes


def frame(event: str, data: bytes, event_id: str = "") -> Frame:
    r"""Return an event of a stream.

    >>> frame("bye", b"{}").plain
    b'event: bye\ndata: {}\n\n'
    """
    head = f"id: {event_id}\n" if event_id else ""
    plain = b"".join((head.encode(), b"event: ", event.encode(), b"\ndata: ", data, b"\n\n"))
    return Frame(b"".join((f"{len(plain):x}\r\n".encode(), plain, b"\r\n")), plain)


class Client:
    """One event stream."""

    __slots__ = ("blocked_at", "chunked", "closed", "sent", "transport", "wake")

    def __init__(self, transport: asyncio.Transport, *, chunked: bool) -> None:
        """Begin with nothing sent."""
        self.transport = transport
        self.chunked = chunked
        self.sent = -1
        self.blocked_at = 0.0
        self.wake = asyncio.Event()
        """set when the handler's task has something to do: send a snapshot, or end"""
        self.closed = False

    def write(self, what: Frame) -> None:
        """Write without waiting."""
        self.transport.write(what.chunked if self.chunked else what.plain)

    def blocked(self) -> bool:
        """Tell whether there is so much in its buffer that it is to be passed over."""
        return self.transport.get_write_buffer_size() > BUFFERED_BYTES_MAX

    def end(self) -> None:
        """Let the handler's task come to its end."""
        self.closed = True
        self.wake.set()


class Channel:
    """One board and all who look at it."""

    def __init__(
        self,
        follower: Follower,
        tick_s: float,
        now: Callable[[], float] = time.time,
        missing: Callable[[Stale | None], Sequence[Cause]] = lambda _: (),
    ) -> None:
        """Begin with nobody; `missing` says, by how stale the board is, what its figures lack."""
        self.follower = follower
        self._missing = missing
        self._tick_s = tick_s
        self._now = now
        self.clients: set[Client] = set()
        """those the loop writes to; not those whose own task is sending a snapshot"""
        self.lagging: set[Client] = set()
        self.dirty = asyncio.Event()
        self.skipped = 0
        self.aborted = 0
        self.resyncs: Counter[str] = Counter()
        self._frames: dict[int, Frame | None] = {}
        self._whole: tuple[tuple[str, ...], bytes] | None = None
        """the snapshot that was sent last, and what it was made of"""

    # -- what is said --------------------------------------------------------------------------------------------------

    def stale(self) -> Stale | None:
        """Return why the board's figures may be old."""
        return self.follower.health.stale(int(self._now() * 1000), self._tick_s)

    def causes(self) -> Sequence[Cause]:
        """Return what is missing from the board's figures."""
        return self._missing(self.stale())

    def freshness(self) -> dict[str, object]:
        """Return server time, watermark, lag, staleness and what is missing, as snapshots and beats carry them."""
        now_ms = int(self._now() * 1000)
        watermark_ms = self.follower.health.freshness.watermark_ms
        stale, causes = self.stale(), self.causes()
        return {
            "server_time": utc_ms(now_ms),
            "watermark": utc_ms(watermark_ms) if watermark_ms else None,
            "lag_s": round((now_ms - watermark_ms) / 1000, 1) if watermark_ms else None,
            "stale": None if stale is None else {"reason": stale.reason, "since": utc_ms(stale.since_ms)},
            "causes": as_json(causes[:CAUSES_SHOWN]),
            "notice": notice(causes),
        }

    def snapshot(self) -> bytes | None:
        """Return the whole board as an event; None while there is none.

        It is made at most once a second per version, and everybody is sent the same buffer.
        """
        state = self.follower.state
        if state is None:
            return None
        fresh = self.freshness()
        made_of = second_of(state, fresh)
        if self._whole is None or self._whole[0] != made_of:
            self._whole = made_of, frame("snapshot", state.snapshot(fresh), state.tag).plain
        return self._whole[1]

    def beat(self) -> Frame | None:
        """Return the heartbeat, by which a page knows how fresh it is and whether it holds what we hold."""
        state = self.follower.state
        if state is None:
            return None
        fresh = self.freshness()
        rows_crc, alerts_crc = state.crcs()
        said = {
            "epoch": state.epoch,
            "ver": state.ver,
            "t": fresh["server_time"],
            "wm": fresh["watermark"],
            "lag_s": fresh["lag_s"],
            "as_of": state.as_of,
            "crc": rows_crc,
            "acrc": alerts_crc,
            "stale": fresh["stale"],
            "causes": fresh["causes"],
            "notice": fresh["notice"],
        }
        return frame("beat", orjson.dumps(said))

    # -- who hears it --------------------------------------------------------------------------------------------------

    def changed(self, *, anew: bool) -> None:
        """Take note that the board has changed; `anew`: another epoch, of which nobody has anything."""
        self._frames.clear()
        if anew:
            for client in list(self.clients):
                self._resync(client, "epoch")
        self.dirty.set()

    def can_continue(self, since: str | None) -> tuple[int | None, str]:
        """Return the version from which a page can be served deltas, else None and the reason why not."""
        state = self.follower.state
        if since is None or state is None:
            return None, "first"
        epoch, _, ver = since.rpartition(":")
        if epoch != state.epoch or not ver.isdecimal() or len(ver) > 18:
            return None, "epoch"
        if int(ver) > state.ver:
            return None, "ahead"
        if int(ver) < state.base:
            return None, "trimmed"
        return (int(ver), "") if self._frame_since(int(ver)) is not None else (None, "far")

    def join(self, client: Client) -> None:
        """Hand a client over to the loop; it gets at once what it lacks, and a heartbeat to check it against."""
        self.clients.add(client)
        self._beat_one(client, self.beat())

    def leave(self, client: Client) -> None:
        """Take a client away from the loop."""
        self.clients.discard(client)
        self.lagging.discard(client)

    def serve_all(self) -> None:
        """Write to everybody what has changed since they last were written to."""
        for client in list(self.clients):
            self._serve(client)

    def serve_lagging(self) -> None:
        """Try those again whose buffers were full."""
        for client in list(self.lagging):
            self._serve(client)

    def beat_all(self) -> None:
        """Write a heartbeat to everybody who is up to date."""
        beat = self.beat()
        for client in list(self.clients):
            self._beat_one(client, beat)

    def _beat_one(self, client: Client, beat: Frame | None) -> None:
        self._serve(client)
        state = self.follower.state
        current = state is not None and client.sent == state.ver and client in self.clients
        if beat is not None and current and client not in self.lagging:
            client.write(beat)

    def _serve(self, client: Client) -> None:
        """Write what a client lacks, pass it over while its buffer is full, give it up when that lasts."""
        state = self.follower.state
        if client.transport.is_closing():
            self.leave(client)
            client.end()
            return
        if client.blocked():
            self._pass_over(client)
            return
        self.lagging.discard(client)
        client.blocked_at = 0.0
        if state is None or client.sent == state.ver:
            return
        delta = self._frame_since(client.sent)
        if delta is None:
            self._resync(client, "far")
            return
        client.write(delta)
        client.sent = state.ver

    def _pass_over(self, client: Client) -> None:
        now = time.monotonic()
        if client not in self.lagging:
            self.lagging.add(client)
            client.blocked_at = now
        self.skipped += 1
        if now - client.blocked_at > BLOCKED_S_MAX:
            self.aborted += 1
            self.leave(client)
            client.transport.abort()
            client.end()

    def _resync(self, client: Client, reason: str) -> None:
        """Let a client's own task send it a snapshot."""
        self.resyncs[reason] += 1
        self.leave(client)
        client.wake.set()

    def _frame_since(self, since: int) -> Frame | None:
        """Return the delta from a version to now, made once for all who are at that version."""
        state = self.follower.state
        if state is None:
            return None
        if since not in self._frames:
            data = state.delta(since)
            self._frames[since] = None if data is None else frame("delta", data, state.tag)
        return self._frames[since]


async def converse(channel: Channel, client: Client, response: web.StreamResponse, since: int | None) -> None:
    """Serve one client to its end: a snapshot where it needs one, and the loop for all the rest."""
    if not await _write(response, f"retry: {random.randint(1000, 4000)}\n\n".encode(), client):  # noqa: S311 - no secret
        return
    client.sent = -1 if since is None else since
    anew = since is None
    try:
        while not client.closed:
            if anew and not await _send_whole(channel, client, response):
                return
            channel.join(client)
            await client.wake.wait()
            client.wake.clear()
            anew = True
    finally:
        channel.leave(client)


async def _send_whole(channel: Channel, client: Client, response: web.StreamResponse) -> bool:
    """Send snapshots until one is of the epoch that holds when it has gone out; tell whether the client lives."""
    while (state := channel.follower.state) is not None and (whole := channel.snapshot()) is not None:
        epoch, client.sent = state.epoch, state.ver
        if not await _write(response, whole, client):
            return False
        if channel.follower.state is not None and channel.follower.state.epoch == epoch:
            return True
    return False


async def _write(response: web.StreamResponse, data: bytes, client: Client) -> bool:
    """Write in slices, waiting for the client; tell whether it took all of it. One that takes nothing is given up."""
    whole = memoryview(data)
    try:
        for at in range(0, len(data), SLICE_BYTES):
            async with asyncio.timeout(BLOCKED_S_MAX):
                await response.write(whole[at : at + SLICE_BYTES])
    except TimeoutError:
        client.transport.abort()
    except ConnectionError:
        pass
    else:
        return True
    client.closed = True
    return False


def bye(channel: Channel) -> None:
    """Say goodbye to everybody, each with another time to come back at, and end their streams."""
    for client in list(channel.clients):
        if not client.transport.is_closing():
            retry = random.randint(1000, 6000)  # noqa: S311 - no secret
            client.write(frame("bye", orjson.dumps({"retry": retry})))
        client.end()
