"""`lotrinh up`: starts what is not configured, keeps it running, and stops it in order."""

import asyncio
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.board.standings_log import take_back_strays
from streams.broker import topics
from streams.desk.accounts import make_link
from streams.desk.desk import links_in
from streams.errors import BadInput
from streams.local import kafka, valkey
from streams.local.children import Child
from streams.local.state import StateDir, cannot_listen, unusable, without_password
from streams.settings import Settings

READY_S: Final = 120.0
ROTATE_S: Final = 10.0
"""Seconds between two looks at the size of a log."""
FREE_LEAST: Final = 1 << 20
"""bytes below which a disk is full"""
ENV_OF: Final = (
    "decision",
    "prefix",
    "partitions",
    "partitioner",
    "catalogue",
    "units",
    "trajectories",
    "successions",
    "holidays",
    "switches",
)


@dataclass
class Plan:
    """What is to run."""

    settings: Settings
    demo: bool
    say: Callable[[str], None]
    feed: list[str] | None = None
    """arguments of the command that feeds the demo"""


class Supervisor:
    """Children of one `lotrinh up`, from the broker to the wall."""

    def __init__(self, plan: Plan, state: StateDir) -> None:
        """Hold the plan; nothing runs yet."""
        self.plan = plan
        self.state = state
        self.settings = plan.settings
        self.children: list[Child] = []
        self._stopping = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []
        self._complete = False
        self._ops: dict[str, str] = {}
        """worker → address of its health and metrics"""
        self.desk_url = ""

    async def run(self) -> None:
        """Start everything, then keep it running until SIGINT or SIGTERM; stop all in order, whatever happened."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self._stopping.set)
        stop = asyncio.create_task(self._stopping.wait())
        start = asyncio.create_task(self._start())
        try:
            await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                await stop
        finally:
            start.cancel()
            await asyncio.gather(start, return_exceptions=True)
            await self._stop()

    # -- starting ------------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        began = time.monotonic()
        say, settings = self.plan.say, self.settings
        ports = self.state.ports(["kafka", "controller", "valkey"], say)
        logs = self.state.path / "logs"
        update: dict[str, Any] = {}
        if settings.kafka is None:
            path = await asyncio.to_thread(kafka.classpath, say)
            await asyncio.to_thread(kafka.learn_startup, path, say)
            folder = self.state.path / "kafka"
            command = await asyncio.to_thread(kafka.prepare, folder, ports["kafka"], ports["controller"], path)
            update["kafka"] = f"127.0.0.1:{ports['kafka']}"
            say(f"starting Kafka {kafka.VERSION} on {update['kafka']}")
            await self._add(
                Child("kafka", command, logs / "kafka.log", ready=lambda: _answers(ports["kafka"]), stop_s=30)
            )
        if settings.redis is None:
            command = valkey.command(self.state.path / "valkey", ports["valkey"])
            update["redis"] = f"redis://127.0.0.1:{ports['valkey']}/0"
            say(f"starting Valkey on 127.0.0.1:{ports['valkey']}")
            await self._add(Child("valkey", command, logs / "valkey.log", ready=lambda: _pings(update["redis"])))
        given = settings.model_dump(exclude_unset=True)
        self.settings = settings = Settings(**{**given, **update, "state_dir": self.state.path})
        created = await asyncio.to_thread(self._apply_topics)
        if created:
            say(f"created {len(created)} topics with {settings.partitions} partitions each")
        say("starting tally, watch, the wallboard and the desk")
        await asyncio.gather(*(self._add(child) for child in self._workers(logs)))
        self._complete = True
        self._write_endpoints()
        say(f"ready after {time.monotonic() - began:.0f} s: open {self.url}")
        if self.desk_url:
            say(f"the desk, once and within 15 minutes: {self.desk_url}ban-lam-viec/vao?ma={self._desk_link()}")
        await asyncio.to_thread(self._take_back_strays)
        if self.plan.feed is not None:
            await self._add(Child("feed", self._lotrinh(*self.plan.feed), logs / "feed.log", self._env(), once=True))
            self._write_endpoints()

    def _apply_topics(self) -> list[str]:
        client = topics.administrator(self.settings)
        try:
            return topics.apply(client, self.settings)
        finally:
            client.close()

    def _desk_link(self) -> str:
        return make_link(links_in(self.state.path / "desk"))

    def _take_back_strays(self) -> None:
        try:
            count = take_back_strays(self.settings)
        except BadInput as exc:
            self.plan.say(f"could not look for rows of an earlier release: {exc}")
            return
        if count:
            self.plan.say(f"took back {count} rows of standings that an earlier release had left in other partitions")

    def _workers(self, logs: Path) -> list[Child]:
        children = []
        ports = self.state.ports([f"{name}-ops" for name in (topics.TALLY, topics.WATCH)], self.plan.say)
        for name in (topics.TALLY, topics.WATCH):
            mark = self.state.path / f"{name}.ready"
            mark.unlink(missing_ok=True)
            port = ports[f"{name}-ops"]
            self._ops[name] = f"http://127.0.0.1:{port}/"
            env = self._env(LOTRINH_READY_FILE=str(mark), LOTRINH_OPS_PORT=str(port), LOTRINH_OPS_HOST="127.0.0.1")
            children.append(Child(name, self._lotrinh("worker", name), logs / f"{name}.log", env, ready=_exists(mark)))
        wall = Child("wallboard", self._lotrinh("wallboard"), logs / "wallboard.log", self._env())
        wall.ready = lambda: _ok(f"{self.url}livez")
        desk = self.state.ports(["desk"], self.plan.say)["desk"]
        self.desk_url = f"http://127.0.0.1:{desk}/"
        env = self._env(LOTRINH_DESK_PORT=str(desk), LOTRINH_DESK_HOST="127.0.0.1")
        desk_child = Child("desk", self._lotrinh("desk"), logs / "desk.log", env)
        desk_child.ready = lambda: _ok(f"{self.desk_url}livez")
        children.append(desk_child)
        if self.settings.receivers is not None:
            children.append(Child("notify", self._lotrinh("notify"), logs / "notify.log", self._env()))
        return [*children, wall]

    @staticmethod
    def _lotrinh(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "streams.cli", *arguments]

    def _env(self, **more: str) -> dict[str, str]:
        """Return the settings as the environment of a child."""
        env = {"PYTHONUNBUFFERED": "1", **more}
        for name, value in self.settings.model_dump(exclude_unset=True).items():
            if value is None:
                continue
            if hasattr(value, "get_secret_value"):
                value = value.get_secret_value()  # noqa: PLW2901
            if isinstance(value, dict):
                value = ",".join(f"{k}={v}" for k, v in value.items())  # noqa: PLW2901
            env[f"LOTRINH_{name.upper()}"] = str(value)
        return env

    async def _add(self, child: Child) -> None:
        """Start a child, wait until it is ready, and keep it."""
        await child.start()
        self.children.append(child)
        await self._until_ready(child)
        self._keepers.append(asyncio.create_task(self._keep(child)))
        self._keepers.append(asyncio.create_task(self._rotate(child)))

    async def _rotate(self, child: Child) -> None:
        """Keep a child's log from filling the disk."""
        while True:
            await asyncio.sleep(ROTATE_S)
            try:
                await asyncio.to_thread(child.rotate)
            except OSError as exc:
                self.plan.say(f"the log of {child.name} cannot be rotated: {exc}")

    async def _until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + READY_S
        while child.ready is not None and not await child.ready():
            if child.pid is None:
                raise BadInput(f"{child.name} did not start:\n{child.last_lines()}")
            if time.monotonic() > deadline:
                raise BadInput(f"{child.name} was not ready within {READY_S:.0f} s; see {child.log}")
            await asyncio.sleep(0.1)

    # -- keeping -------------------------------------------------------------------------------------------------------

    async def _keep(self, child: Child) -> None:
        """Start a child again whenever it ends, with growing pauses."""
        while not self._stopping.is_set():
            assert child.process is not None  # noqa: S101 - `_add` has started it
            code = await child.process.wait()
            if self._stopping.is_set():
                return
            if child.once and code == 0:
                self._write_endpoints()
                return
            pause = child.pause()
            self.plan.say(f"{child.name} ended with code {code}; starting it again in {pause:.1f} s{self._room()}")
            self._write_endpoints()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            await self._start_again(child)
            self._write_endpoints()

    async def _start_again(self, child: Child) -> None:
        """Start a child that has ended; where even that is refused (a full disk), try again until told to stop."""
        while not self._stopping.is_set():
            try:
                await child.start()
            except OSError as exc:
                self.plan.say(f"{child.name} cannot be started: {unusable(self.state.path, exc)}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), child.pause())
            else:
                return

    def _room(self) -> str:
        """Say that the disk is full, if it is: that is why processes end then, and their logs cannot say it."""
        try:
            free = shutil.disk_usage(self.state.path).free
        except OSError:
            return ""
        return "" if free >= FREE_LEAST else f"; the disk of {self.state.path} is full: make room"

    @property
    def url(self) -> str:
        """The wall's address."""
        return f"http://{self.settings.host}:{self.settings.port}/"

    def _write_endpoints(self) -> None:
        if not self._complete:
            return
        settings = self.settings
        shared = {k: v for k, v in settings.model_dump(mode="json", exclude_unset=True).items() if k in ENV_OF}
        processes = {c.name: [c.pid] for c in self.children if c.pid is not None}
        found = {
            "kafka": settings.kafka,
            "redis": None if settings.redis is None else without_password(settings.redis.get_secret_value()),
            "wallboard": self.url,
            "desk": self.desk_url,
            "ops": self._ops,
            "processes": processes,
            "settings": {**shared, "decision": settings.decision, "clock": settings.clock},
        }
        try:
            self.state.write_endpoints(found)
        except OSError as exc:
            self.plan.say(f"endpoints.json is not up to date: {unusable(self.state.path, exc)}")

    # -- stopping ------------------------------------------------------------------------------------------------------

    async def _stop(self) -> None:
        """Stop what feeds first, the broker last."""
        self._stopping.set()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        named = {child.name: child for child in self.children}
        if named:
            self.plan.say("stopping")
        for stage in (("feed",), ("wallboard", "desk", "notify", topics.TALLY, topics.WATCH), ("valkey", "kafka")):
            await asyncio.gather(*(named[name].stop() for name in stage if name in named))
        if named:
            self.plan.say("stopped; nothing is left running")


async def _answers(port: int) -> bool:
    """Tell whether a broker answers for itself on a port, not only listens."""

    def ask() -> bool:
        try:
            client = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=3_000)
        except (KafkaError, OSError, ValueError):
            return False
        try:
            client.list_topics()
        except (KafkaError, OSError):
            return False
        finally:
            client.close()
        return True

    return cannot_listen(port) is not None and await asyncio.to_thread(ask)


async def _pings(url: str) -> bool:
    client = Redis.from_url(url)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


async def _ok(url: str) -> bool:
    try:
        async with ClientSession(timeout=ClientTimeout(total=2)) as session, session.get(url) as answer:
            return answer.status == 200
    except (ClientError, OSError, TimeoutError):
        return False


def _exists(path: Path) -> Callable[[], Any]:
    async def ready() -> bool:
        return path.exists()  # noqa: ASYNC240 - one stat of a local file

    return ready


def refuse_if_taken(settings: Settings) -> None:
    """Raise BadInput where the wall's port cannot be had, before anything is started."""
    why = cannot_listen(settings.port, settings.host) if settings.port else None
    if why is not None:
        raise BadInput(f"port {settings.port} of {settings.host} {why}; choose another with --port")
