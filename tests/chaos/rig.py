"""A broker of its own behind a proxy, workers that a supervisor keeps running, and a portal that goes on publishing."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.broker import topics
from streams.feeds.simulate import Simulation, simulate
from streams.local import kafka
from streams.local.children import end_with_parent
from streams.local.state import free_port
from tests.chaos.proxy import Proxy
from tests.chaos.wall import WallUnderTest
from tests.integration.system import System, Worker

STOP_LINE = re.compile(r"stop: (.{1,80})")
LISTENERS = """\
listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxy}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.cleaner.backoff.ms=500
"""


class Broker:
    """One Kafka process on a log directory that outlives it. Observers reach it directly, workers through the proxy."""

    def __init__(self, folder: Path) -> None:
        self.port, controller, behind = free_port(), free_port(), free_port()
        self.proxy = Proxy(behind)
        self.folder = folder
        path = kafka.classpath(print)
        java, *rest = kafka.prepare(folder, self.port, controller, path)
        self._command = [java, "-XX:TieredStopAtLevel=1", *rest]  # it lives for minutes: compiling well does not pay
        config = folder / "server.properties"
        ours = LISTENERS.format(port=self.port, behind=behind, controller=controller, proxy=self.proxy.port)
        keys = tuple(line.split("=")[0] + "=" for line in ours.splitlines())
        lines = [line for line in config.read_text().splitlines() if not line.startswith(keys)]
        config.write_text("\n".join(lines) + "\n" + ours)
        self.process: subprocess.Popen[bytes]
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def proxied(self) -> str:
        return f"127.0.0.1:{self.proxy.port}"

    def start(self) -> None:
        with (self.folder / "kafka.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True, preexec_fn=end_with_parent(os.getpid())
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                client = KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=30_000)
                client.list_topics()
                client.close()
            except (OSError, KafkaError):
                assert self.process.poll() is None, (self.folder / "kafka.log").read_text()[-2000:]
                assert time.monotonic() < deadline, "Kafka did not start within 60 s"
                time.sleep(0.1)
            else:
                return

    def signal(self, signum: int) -> None:
        self.process.send_signal(signum)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
        self.proxy.close()


class SmallDisk:
    """A file system of its own for the broker, which can be filled. Needs the right to mount."""

    def __init__(self, folder: Path, megabytes: int = 600) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "lotrinh-chaos", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"a small disk cannot be mounted: {done.stderr.strip()}"

    def fill(self) -> None:
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))

    def free(self) -> None:
        self._ballast.unlink()

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


class Rig:
    """Everything that a fault may be done to."""

    counts: Mapping[str, int] = {"tally": 1, "watch": 1}
    """how many processes of each kind are kept running"""

    def __init__(self, folder: Path, *, small_disk: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.disk = SmallDisk(folder / "kafka") if small_disk else None
        self.folder = folder
        self.broker: Any = self._new_broker()
        self.system = self._new_system()
        self.exits: list[str] = []
        """of workers that ended by themselves: name, exit code, and what their last `stop:` line begins with"""
        self.wall: WallUnderTest | None = None
        self._ended_before = 0
        self.workers: dict[str, list[Worker]] = {name: [] for name in self.counts}
        self.published = 0
        self.supervises = True
        self.spoiled = False
        """whether the next round needs fresh topics"""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._start_all()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def _new_broker(self) -> Any:
        return Broker(self.folder / "kafka")

    def _new_system(self) -> System:
        system = System(self.broker.address, self.folder)
        system.env["LOTRINH_KAFKA"] = self.broker.proxied
        return system

    def renew(self) -> None:
        """Begin again on fresh topics; the old ones are deleted."""
        self.supervises = self.spoiled = False
        old, self.published = self.system, 0
        old.close()
        self._ended_before += len(old.workers)
        client = topics.admin(self.broker.address, {})
        client.delete_topics([spec.name for spec in topics.specs(old.settings)])
        client.close()
        self.system = self._new_system()
        with self._lock:
            self.workers = {name: [] for name in self.counts}
        self._start_all()
        self.supervises = True

    # -- workers -------------------------------------------------------------------------------------------------------

    def _start_all(self) -> None:
        for name, count in self.counts.items():
            for _ in range(count):
                self.start(name)
        for name in self.counts:
            self.one(name)

    @property
    def starts(self) -> int:
        """Processes started so far, those of faults too."""
        return self._ended_before + len(self.system.workers)

    def start(self, name: str, **env: str) -> Worker:
        with self._lock:
            worker = self.system.start(name, **env)
            self.workers[name].append(worker)
        return worker

    def retire(self, worker: Worker) -> None:
        """End supervising a worker."""
        with self._lock:
            self.workers[worker.name].remove(worker)

    def one(self, name: str) -> Worker:
        """The oldest worker of a kind that is ready."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            for worker in list(self.workers[name]):
                if worker.process.poll() is None and worker.ready.exists():
                    return worker
            time.sleep(0.05)
        raise AssertionError(f"no {name} became ready: {self.workers[name][0].text()[-2000:]}")

    def _supervise(self) -> None:
        """Start again what has ended, as the supervisor of `lotrinh up` or an orchestrator does."""
        while not self._closing.wait(0.2):
            for name in self.counts:
                for worker in list(self.workers[name]):
                    code = worker.process.poll()
                    if code is None or not self.supervises:
                        continue
                    if code >= 0:  # it was not killed
                        said = STOP_LINE.findall(worker.text())
                        self.exits.append(" ".join([name, str(code), *said[-1:]]))
                    self.retire(worker)
                    self.start(name)

    # -- the portal ----------------------------------------------------------------------------------------------------

    def feed(self, events: Iterable[bytes], per_second: float) -> Callable[[], None]:
        """Publish in the background; returns what waits for its end."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                self.published += self.system.feed(events, per_second)
            except BaseException as exc:  # noqa: BLE001 - told to who waits
                failed.append(exc)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def wait() -> None:
            thread.join(240)
            assert not thread.is_alive(), "the portal could not publish"
            assert not failed, failed

        return wait

    def year(self, dossiers: int, seed: int) -> list[bytes]:
        return list(simulate(self.system.reading, Simulation(dossiers, seed)))

    # -- the wall ------------------------------------------------------------------------------------------------------

    def put_up_wall(self, *, with_redis: bool = True) -> WallUnderTest:
        """Start a wallboard; it is looked at and judged until the round ends."""
        folder = self.folder / f"wall{self.starts}"
        self.wall = WallUnderTest(self.system, folder, with_redis=with_redis)
        return self.wall

    def judge_wall(self) -> list[str]:
        """Say what is wrong with the wall, if there is one, and take it down."""
        if self.wall is None:
            return []
        try:
            return self.wall.judge()
        finally:
            self.take_down_wall()

    def judge_others(self) -> list[str]:
        """Say what is wrong with the processes that are along besides, where there are any."""
        return []

    def take_down_wall(self) -> None:
        wall, self.wall = self.wall, None
        if wall is not None:
            wall.close()

    def begin_round(self) -> None:
        """Make ready what a round begins with."""
        self.exits.clear()

    def close(self) -> None:
        self._closing.set()
        self._supervisor.join(5)
        self.take_down_wall()
        self.system.close()
        self.broker.close()
        if self.disk is not None:
            self.disk.close()
