"""A small lotrinh of real processes for tests: workers to be started, stopped, killed and paused."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from kafka import KafkaProducer

from models.decisions.reading import Reading
from models.dossiers.events import TOPIC_OF, decode
from streams.broker import topics
from streams.broker.reading import records_of
from streams.files.decision_files import read_reading
from streams.local.children import end_with_parent
from streams.monitoring.waiting import wait_until_counted
from streams.settings import Settings
from tests.integration.verdict import Verdict, counts_of, judge, standings_of, tally_changelog

T = TypeVar("T")


class Worker:
    """One worker process, by pid."""

    def __init__(self, system: "System", name: str, **env: str) -> None:
        self.system = system
        self.name = name
        self.ready = system.folder / f"{name}-{uuid.uuid4().hex[:6]}.ready"
        self.log = self.ready.with_suffix(".log")
        settings = system.env | {"LOTRINH_READY_FILE": str(self.ready)} | env
        command = ["worker", name] if name in topics.TABLES else [name]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", *command],
                env=os.environ | settings, stdout=out, stderr=out, start_new_session=True,
                preexec_fn=end_with_parent(os.getpid()),
            )  # fmt: skip

    def until_ready(self, seconds: float = 60) -> "Worker":
        deadline = time.monotonic() + seconds
        while not self.ready.exists():
            assert self.process.poll() is None, f"{self.name} ended: {self.text()[-2000:]}"
            assert time.monotonic() < deadline, f"{self.name} was not ready: {self.text()[-2000:]}"
            time.sleep(0.05)
        return self

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, signum: int) -> None:
        self.process.send_signal(signum)

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.process.returncode

    def kill(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()


class System:
    """Topics under a prefix of their own, and the workers on them."""

    def __init__(self, address: str, folder: Path, **settings: Any) -> None:
        self.folder = folder
        settings["switches"] = {"alert_rule": "literal"} | settings.get("switches", {})  # what the oracle recomputes
        settings.setdefault("prefix", f"t{uuid.uuid4().hex[:8]}.")
        self.settings = Settings(
            kafka=address, session_timeout_s=6, heartbeat_s=1, tick_seconds=1,
            **settings,
        )  # fmt: skip
        given = self.settings.model_dump(mode="json", exclude_unset=True)
        self.env = {f"LOTRINH_{k.upper()}": _env(v) for k, v in given.items()}
        client = topics.admin(address, {})
        topics.apply(client, self.settings)
        client.close()
        self.reading: Reading = read_reading(self.settings)
        self.workers: list[Worker] = []
        self._producer = KafkaProducer(bootstrap_servers=address, linger_ms=10, acks="all")

    def start(self, name: str, **env: str) -> Worker:
        worker = Worker(self, name, **env)
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.signal(signal.SIGCONT)
                worker.kill()
        self._producer.close()

    def send(
        self, value: bytes, *, topic: str | None = None, key: bytes | None = b"", headers: Any = None, **options: Any
    ) -> None:
        """Publish one record as a portal would; raw where the topic is given."""
        if topic is None:
            event = json.loads(value)
            topic, key = TOPIC_OF[event["type"]], event["dossier"].encode()
        self._producer.send(self.settings.topic(topic), value, key=key, headers=headers or [], **options)

    def flush(self) -> None:
        self._producer.flush()

    def feed(self, events: Iterable[bytes], per_second: float | None = None) -> int:
        """Publish events at a pace and return how many."""
        began, count = time.monotonic(), 0
        for count, value in enumerate(events, start=1):
            self.send(value)
            if per_second and count % 20 == 0:
                time.sleep(max(0.0, began + count / per_second - time.monotonic()))
        self.flush()
        return count

    # -- what came out -------------------------------------------------------------------------------------------------

    def settle(self, seconds: float = 120) -> None:
        """Wait until all that was published has been counted and judged."""
        wait_until_counted(self.settings, seconds)

    def standings(self) -> dict[tuple[str, str], dict[str, Any]]:
        return standings_of(records_of(self.settings, topics.STANDINGS))

    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(r.value) for r in records_of(self.settings, topics.ALERTS)]

    def dead_letters(self) -> list[dict[str, Any]]:
        return [json.loads(r.value) for r in records_of(self.settings, topics.DEAD_LETTERS)]

    def counts(self) -> dict[str, int]:
        """The three counters of tally's state, added up over its partitions (I2)."""
        return counts_of(records_of(self.settings, tally_changelog(self.settings)))

    # -- the verdict ---------------------------------------------------------------------------------------------------

    def judge(self) -> Verdict:
        """Compare everything with the oracle and with itself."""
        return judge(self.settings)

    def verdict(self) -> str:
        """Return the closing line. Raises AssertionError where a promise was broken."""
        verdict = self.judge()
        assert not verdict.problems, "; ".join(verdict.problems)
        return str(verdict)


def _env(value: Any) -> str:
    """A setting as the environment holds it."""
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def decodable(values: Iterable[bytes]) -> int:
    return sum(not hasattr(decode(v), "reason") for v in values)


def side_by_side(*works: Callable[[], T], at_once: int = 8) -> list[T]:
    """Do works that mostly wait at the same time, and return what they return; raise what the first of them raised."""
    with ThreadPoolExecutor(at_once) as pool:
        return [done.result() for done in [pool.submit(work) for work in works]]


@contextmanager
def running(address: str, folder: Path, **settings: Any) -> Iterator[System]:
    """A system that is gone at the end, whatever happened."""
    system = System(address, folder, **settings)
    try:
        yield system
    finally:
        system.close()


def shuffled(values: list[bytes], seed: int, reach: int = 200) -> list[bytes]:
    """Disorder within a reach, reproducibly."""
    rng = random.Random(seed)
    return [v for _, v in sorted((i + rng.random() * reach, v) for i, v in enumerate(values))]
