"""A small lotrinh of real processes for tests: workers to be started, stopped, killed and paused."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from models.events import TOPIC_OF, TOPICS, decode
from models.reading import Reading
from streams import topics
from streams.library import read_reading
from streams.local.children import end_with_parent
from streams.reading_kafka import records_of
from streams.settings import Settings
from streams.waiting import wait_until_counted
from tests.oracle.oracle import Oracle, Record

ROOT = Path(__file__).parents[2]
DECISION = ROOT / "models/data/decisions/thai-binh-2024.toml"
UNITS = ROOT / "models/data/units.csv"
YEAR_END = date(2024, 12, 31)


class Worker:
    """One worker process, by pid."""

    def __init__(self, system: "System", name: str, **env: str) -> None:
        self.system = system
        self.name = name
        self.ready = system.folder / f"{name}-{uuid.uuid4().hex[:6]}.ready"
        self.log = self.ready.with_suffix(".log")
        settings = system.env | {"LOTRINH_READY_FILE": str(self.ready)} | env
        command = [name] if name == "notify" else ["worker", name]
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
        self.settings = Settings(
            kafka=address, prefix=f"t{uuid.uuid4().hex[:8]}.", session_timeout_s=6, heartbeat_s=1, tick_seconds=1,
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
        latest: dict[bytes, Any] = {}
        for record in records_of(self.settings, topics.STANDINGS):
            if record.value is None:
                latest.pop(record.key, None)
            else:
                latest[record.key] = json.loads(record.value)
        return {(s["unit"], s["indicator"]): s for s in latest.values()}

    def history(self) -> Iterator[Any]:
        yield from records_of(self.settings, topics.STANDINGS)

    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(r.value) for r in records_of(self.settings, topics.ALERTS)]

    def dead_letters(self) -> list[dict[str, Any]]:
        return [json.loads(r.value) for r in records_of(self.settings, topics.DEAD_LETTERS)]

    def counts(self) -> dict[str, int]:
        """The three counters of tally's state, added up over its partitions (I2)."""
        latest: dict[int, dict[str, int]] = {}
        changelog = topics.changelog(self.settings, topics.TALLY, "dossiers").removeprefix(self.settings.prefix)
        for record in records_of(self.settings, changelog):
            if record.key == b"\x00position":
                latest[record.partition] = json.loads(record.value)["memo"]["counts"]
        return {k: sum(c[k] for c in latest.values()) for k in ("applied", "unchanged", "refused")}

    def inbound(self) -> list[Record]:
        """Every record of the inbound topics, as it lies in the log."""
        found = []
        for name in TOPICS:
            for r in records_of(self.settings, name):
                headers = tuple((k, v) for k, v in r.headers)
                found.append(Record(r.value, r.key or b"", headers, r.topic, r.partition, r.offset))
        return found

    # -- the verdict ---------------------------------------------------------------------------------------------------

    def verdict(self) -> str:
        """Compare everything with the oracle; returns the closing line, or fails."""
        records = self.inbound()
        oracle = Oracle(DECISION, UNITS, catalogue=self.settings.catalogue)
        oracle.load(records)
        expected, found = oracle.standings(YEAR_END), self.standings()
        wrong = []
        for key, theirs in expected.items():
            ours = found.get(key)
            fields = ("numerator", "denominator", "target", "status", "shortfall", "members")
            if ours is None or any(_plain(ours.get(f)) != _plain(theirs.get(f)) for f in fields):
                wrong.append((key, theirs, ours))
        wrong += [(key, None, found[key]) for key in found.keys() - expected.keys()]
        assert not wrong, f"{len(wrong)} wrong rows of {len(expected)}: {wrong[:3]}"
        self._check_order()
        self._check_alerts(found)
        counts = self.counts()
        assert sum(counts.values()) == len(records)
        assert counts["refused"] == oracle.counts["refused"] == len({self._where(d) for d in self.dead_letters()})
        return (
            f"ALL-RECORDS-ACCOUNTED applied={counts['applied']} unchanged={counts['unchanged']} "
            f"dead={counts['refused']} wrong=0/{len(expected)}"
        )

    @staticmethod
    def _where(letter: dict[str, Any]) -> tuple[str, int, int]:
        return letter["topic"], letter["partition"], letter["offset"]

    def _check_order(self) -> None:
        """No older row after a newer one (I4)."""
        newest: dict[bytes, tuple[str, int]] = {}
        for record in self.history():
            version = (
                dict(record.headers)["version"].decode()
                if record.value is None
                else json.loads(record.value)["version"]
            )
            before, at = newest.get(record.key, ("", -1))
            assert version > before, (
                f"an older row of {record.key!r} after a newer one: {version} at {record.partition}/{record.offset} "
                f"after {before} at {at}"
            )
            newest[record.key] = version, record.offset

    def _check_alerts(self, standings: dict[tuple[str, str], dict[str, Any]]) -> None:
        """Firing and its end alternate, every id once, and what is open is what is below (I3)."""
        alerts = self.alerts()
        ids = [a["id"] for a in alerts]
        assert len(ids) == len(set(ids)), "an alert transition stands twice in the topic"
        last: dict[str, dict[str, Any]] = {}
        for alert in alerts:
            before = last.get(alert["fingerprint"])
            assert (alert["status"] == "firing") == (before is None or before["status"] != "firing")
            last[alert["fingerprint"]] = alert
        still_open = {(a["unit"], a["indicator"]) for a in last.values() if a["status"] == "firing"}
        below = {key for key, s in standings.items() if s["status"] == "below" and not key[0].endswith("/communes")}
        assert still_open == below


def _env(value: Any) -> str:
    """A setting as the environment holds it."""
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def decodable(values: Iterable[bytes]) -> int:
    return sum(not hasattr(decode(v), "reason") for v in values)


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
