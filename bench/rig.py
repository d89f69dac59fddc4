"""What every measurement needs: a broker of its own, a quiet machine, topics with the workload in them."""

import asyncio
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from bench import workload
from streams.broker import topics
from streams.broker.ticks import Ticker
from streams.feeds.publisher import Publisher
from streams.files.decision_files import read_reading
from streams.local import kafka
from streams.local.children import end_with_parent
from streams.local.state import free_port
from streams.settings import Settings

IDLE_WANTED, IDLE_WAIT_S = 75.0, 60.0
"""percent; a run waits so long for a machine that has nothing else to do, and says what it found"""
CLOCK = "2024-12-31T23:59:00+07:00"
"""The instant of both ticks: a backlog of a year is worked off at the end of it."""


@contextmanager
def broker() -> Iterator[str]:
    """A Kafka of its own for the whole run, or that of LOTRINH_TEST_KAFKA."""
    with broker_process() as (address, _):
        yield address


@contextmanager
def broker_process() -> Iterator[tuple[str, int | None]]:
    """The same with the process id, where the broker is ours."""
    if external := os.environ.get("LOTRINH_TEST_KAFKA"):
        yield external, None
        return
    with tempfile.TemporaryDirectory() as folder:
        port, controller = free_port(), free_port()
        command = kafka.prepare(Path(folder), port, controller, kafka.classpath(print))
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent(os.getpid())
        )
        client = None
        while client is None:
            try:
                client = topics.admin(f"127.0.0.1:{port}", {})
            except Exception:  # noqa: BLE001 - not up yet
                time.sleep(0.3)
        client.close()
        try:
            yield f"127.0.0.1:{port}", process.pid
        finally:
            process.kill()
            process.wait()


def idle() -> float:
    """Wait for a quiet machine and return how idle it was in the last second: percent."""
    deadline = time.monotonic() + IDLE_WAIT_S
    while (found := idle_now()) < IDLE_WANTED and time.monotonic() < deadline:
        pass
    return found


def idle_now() -> float:
    """Sample one second of the machine: percent idle."""
    before = jiffies()
    time.sleep(1)
    return idle_between(before, jiffies())


def jiffies() -> tuple[int, int]:
    """Return (idle, all) jiffies of the machine since it started."""
    fields = [int(x) for x in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return fields[3], sum(fields)


def idle_between(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Return how idle the machine was between two readings: percent."""
    return round(100 * (after[0] - before[0]) / max(1, after[1] - before[1]), 1)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds, user and system, that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss_mb(pid: int | str = "self") -> int:
    """Return the most memory a process has held: MB. Not `ru_maxrss`, which a child inherits from its parent."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def env_of(settings: Settings) -> dict[str, str]:
    given = settings.model_dump(mode="json", exclude_unset=True)
    return os.environ | {f"LOTRINH_{k.upper()}": str(v) for k, v in given.items()}


def named_units() -> list[str]:
    """Return the units that the workload draws from."""
    reading = read_reading(Settings())
    return list(reading.targets(reading.decision.period.last).rows)


def events_of(dossiers: int) -> list[bytes]:
    """Return the workload."""
    return workload.events(named_units(), dossiers)


def fresh(address: str, **options: object) -> Settings:
    """Make topics under a prefix of their own."""
    settings = Settings(kafka=address, prefix=f"b{uuid.uuid4().hex[:6]}.", clock="records", **options)  # type: ignore[arg-type]
    client = topics.admin(address, {})
    topics.apply(client, settings)
    client.close()
    return settings


def prepared(address: str, values: Iterable[bytes]) -> Settings:
    """Fresh topics with the workload in them, between two ticks: watch judges from the start, and once at the end."""
    settings = fresh(address)
    feed(settings, values)
    return settings


def feed(settings: Settings, values: Iterable[bytes]) -> None:
    asyncio.run(_feed(settings, values))


async def _feed(settings: Settings, values: Iterable[bytes]) -> None:
    async with Ticker(settings) as ticker, Publisher(settings) as publisher:
        await ticker.tick(CLOCK)
        for value in values:
            event = orjson.loads(value)
            await publisher.publish(event["type"], event["dossier"], value)
        await publisher.flush()
        await ticker.tick(CLOCK, flush="end")
