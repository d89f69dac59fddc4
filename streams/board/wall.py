"""The server's state and its loops: a channel per board, who is told what, and when."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.calendar.civil_time import utc_ms
from models.decisions.reading import Reading
from models.standings.completeness import Cause
from streams.board.follower import Follower, Stale
from streams.board.hub import BEAT_S, BROADCAST_S_MIN, Channel, bye
from streams.board.store import connect, known_boards
from streams.board.tasks import end
from streams.broker import topics
from streams.monitoring.completeness import Observer
from streams.monitoring.metrics import Metric
from streams.settings import Settings

log = logging.getLogger("lotrinh.board.wall")

DISCOVER_S: Final = 5.0
LAGGING_S: Final = 0.25


class NoSeat(Exception):  # noqa: N818 - an answer, not a fault of the program
    """There are too many event streams; holds the status and the sentence of the answer."""

    def __init__(self, status: int, text: str) -> None:
        """Hold both."""
        super().__init__(text)
        self.status = status


class Wall:
    """All boards of one process, and everybody who looks at them."""

    def __init__(
        self,
        settings: Settings,
        reading: Reading,
        now: Callable[[], float] = time.time,
        observer: Observer | None = None,
    ) -> None:
        """Connect to nothing yet; the reading's own board is there from the beginning.

        `observer` sees what is missing from the figures; it begins and ends with the wall.
        """
        self._observer = observer
        self.settings = settings
        self.reading = reading
        self.now = now
        self.clients = 0
        self._by_address: Counter[str] = Counter()
        self.refused = 0
        self.reported: dict[str, int] = {}
        """what pages say they had to load anew for"""
        self.channels: dict[str, Channel] = {}
        self._redis: Redis = connect(settings)
        self._tasks: list[asyncio.Task[None]] = []
        self.failed: asyncio.Future[None] | None = None
        """done when a loop has come to an unforeseen end: the process has to go"""

    async def start(self) -> None:
        """Begin to follow."""
        self.failed = asyncio.get_running_loop().create_future()
        if self._observer is not None:
            self._observer.start()
        self._add(self.reading.decision.id)
        self._spawn(self._discover())
        self._spawn(self._beat())
        self._spawn(self._serve_lagging())

    async def stop(self) -> None:
        """Say goodbye, and end."""
        for channel in self.channels.values():
            bye(channel)
        if self._observer is not None:
            self._observer.stop()
        await end(self._tasks)
        await self._redis.aclose()

    @contextmanager
    def seat(self, address: str) -> Iterator[None]:
        """Count an event stream of an address while it is open; raises NoSeat where there are too many already."""
        if self.clients >= self.settings.streams_max:
            self.refused += 1
            raise NoSeat(503, "too many screens; try again later")
        if self._by_address[address] >= self.settings.streams_per_address_max:
            self.refused += 1
            raise NoSeat(429, "too many screens of this address; try again later")
        self.clients += 1
        self._by_address[address] += 1
        try:
            yield
        finally:
            self.clients -= 1
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def _add(self, board: str) -> None:
        def changed(anew: bool) -> None:  # noqa: FBT001 - the follower's one word
            channel.changed(anew=anew)

        follower = Follower(self._redis, self.settings.prefix, board, changed, self.now)
        channel = self.channels[board] = Channel(follower, self.settings.tick_seconds, self.now, self._missing)
        self._spawn(follower.run())
        self._spawn(self._broadcast(channel))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self.failed is None or self.failed.done():
            return
        self.failed.set_exception(task.exception() or RuntimeError("a loop of the wallboard has ended"))

    # -- loops ---------------------------------------------------------------------------------------------------------

    async def _discover(self) -> None:
        """Follow further boards as they come to be."""
        while True:
            try:
                for board in await known_boards(self._redis, self.settings.prefix):
                    if board not in self.channels:
                        self._add(board)
            except (RedisError, OSError, TimeoutError) as exc:
                log.debug("no list of boards: %r", exc)
            await asyncio.sleep(DISCOVER_S)

    async def _broadcast(self, channel: Channel) -> None:
        while True:
            await channel.dirty.wait()
            channel.dirty.clear()
            channel.serve_all()
            await asyncio.sleep(BROADCAST_S_MIN)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for channel in self.channels.values():
                channel.beat_all()

    async def _serve_lagging(self) -> None:
        while True:
            await asyncio.sleep(LAGGING_S)
            for channel in self.channels.values():
                channel.serve_lagging()

    # -- how it is -----------------------------------------------------------------------------------------------------

    def _missing(self, stale: Stale | None) -> list[Cause]:
        """Return what is missing from the figures; that watch has fallen silent is told by its heartbeats."""
        found = [] if self._observer is None else self._observer.lasting()
        if stale is not None and stale.reason == "silent" and self.settings.clock == "wall":
            topic = self.settings.topic(topics.HEARTBEATS)
            found.append(Cause("not-judged", topic, None, utc_ms(stale.since_ms), 0))
        return found

    def causes(self) -> list[Cause]:
        """Return what is missing from the figures of our own board."""
        channel = self.channels.get(self.reading.decision.id)
        return [] if channel is None else list(channel.causes())

    def trouble(self) -> str | None:
        """Return why this process is not ready, or None."""
        channel = self.channels.get(self.reading.decision.id)
        if channel is None or channel.follower.state is None:
            return "the board has not been loaded"
        stale = channel.stale()
        # That watch is silent is a cause, where it is to follow the wall's clock: see `causes`.
        return None if stale is None or stale.reason == "silent" else f"the board is stale: {stale.reason}"

    def metrics(self) -> list[Metric]:
        """Return what is to be watched."""
        boards = self.channels.items()
        states = [(name, channel.follower.state, channel) for name, channel in boards]
        loaded = [(name, state, channel) for name, state, channel in states if state is not None]
        resyncs = [({"board": n, "reason": r}, float(k)) for n, c in boards for r, k in sorted(c.resyncs.items())]
        resyncs += [({"board": "", "reason": f"page-{r}"}, float(n)) for r, n in sorted(self.reported.items())]
        fresh = [(name, channel.follower.health.freshness) for name, channel in boards]
        stale = [({"board": name}, float(channel.stale() is not None)) for name, channel in boards]

        def gauge(name: str, about: str, samples: list[tuple[dict[str, str], float]]) -> Metric:
            return Metric(name, "gauge", about, samples)

        return [
            *([] if self._observer is None else self._observer.metrics()),
            gauge("lotrinh_sse_clients", "Event streams that are open.", [({}, float(self.clients))]),
            Metric("lotrinh_sse_refused_total", "counter", "Streams over the limit.", [({}, float(self.refused))]),
            Metric(
                "lotrinh_sse_skipped_frames_total",
                "counter",
                "Writes passed over because a client's buffer was full.",
                [({"board": n}, float(c.skipped)) for n, c in boards],
            ),
            Metric(
                "lotrinh_sse_aborted_total",
                "counter",
                "Clients given up because they took nothing.",
                [({"board": n}, float(c.aborted)) for n, c in boards],
            ),
            Metric("lotrinh_sse_resyncs_total", "counter", "Snapshots sent or fetched anew, by reason.", resyncs),
            gauge("lotrinh_board_rows", "Rows on a board.", [({"board": n}, float(len(s.rows))) for n, s, _ in loaded]),
            gauge("lotrinh_board_version", "Version of a board.", [({"board": n}, float(s.ver)) for n, s, _ in loaded]),
            gauge(
                "lotrinh_alerts",
                "Alerts that are firing.",
                [({"board": n, "state": "firing"}, float(len(s.open_alerts()))) for n, s, _ in loaded],
            ),
            gauge("lotrinh_board_stale", "1: figures may be old.", stale),
            gauge(
                "lotrinh_watermark_timestamp_seconds",
                "Time of the newest data.",
                [({"board": n}, f.watermark_ms / 1000) for n, f in fresh],
            ),
            gauge("lotrinh_consumer_lag", "Records not read yet.", [({"board": n}, float(f.lag)) for n, f in fresh]),
        ]
