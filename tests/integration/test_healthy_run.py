"""A healthy run says nothing: twenty minutes, shortened, of all four processes, without one WARNING or ERROR.

Also where topics are quiet, partitions idle, and somebody else's transaction is open all the time.
"""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from kafka.errors import KafkaError

from streams.broker import topics
from streams.feeds.simulate import Simulation, simulate
from tests.chaos.wall import Valkey
from tests.integration.system import System, Worker, running
from tests.integration.test_notify import SECRET, Receiver

pytestmark = pytest.mark.kafka

RUN_S = 25.0
"""by the thresholds below, some twenty minutes"""
HURRIED = {
    "PYTHONPATH": str(Path(__file__).parent / "hurried"),
    "STREAM_PROCESSING_TIMEOUT": "5",  # 300 s
    "BROKER_COMMIT_LIVELOCK_SOFT_TIMEOUT": "5",  # 300 s
    "LOTRINH_LOG_FORMAT": "text",
}
COMPLAINT = re.compile(r" (WARNING|ERROR|CRITICAL) |Traceback|Exception")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def system(kafka_address: str, tmp_path: Path, valkey: Valkey, receiver: Receiver) -> Iterator[System]:
    (tmp_path / "secret").write_text(SECRET)
    file = tmp_path / "receivers.toml"
    file.write_text(
        f"""
        gather_s = 0
        [receivers.hook]
        type = "webhook"
        url = "http://127.0.0.1:{receiver.port}/hook"
        secret_file = "secret"
        [[routes]]
        role = "department-in-charge"
        receivers = ["hook"]
        """
    )
    with running(kafka_address, tmp_path, receivers=file, port=0) as started:
        started.env["LOTRINH_REDIS"] = f"redis://127.0.0.1:{valkey.port}"
        yield started


def complaints(worker: Worker) -> list[str]:
    return [line for line in worker.text().splitlines() if COMPLAINT.search(line)]


def until_it_knows_groups(address: str) -> None:
    """A broker makes the topic of its groups when the first one comes, and turns that one away meanwhile."""
    client, deadline = topics.admin(address, {}), time.monotonic() + 60
    while True:
        try:
            client.list_group_offsets(["anybody"])
        except KafkaError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            break
    client.close()


async def hold_open(address: str, topic: str, opened: threading.Event, done: threading.Event) -> None:
    """Append to a topic within a transaction that stays open until the run is over."""
    producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id=topic, transaction_timeout_ms=300_000)
    async with producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"{}", key=b"nobody", partition=1)
        opened.set()
        while not done.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.1)
        await producer.abort_transaction()


def test_a_healthy_run_of_twenty_minutes_says_nothing(system: System) -> None:
    until_it_knows_groups(system.settings.kafka or "")
    workers = [system.start(name, **HURRIED) for name in ("tally", "watch", "notify", "wallboard")]
    for worker in workers[:3]:
        worker.until_ready()
    opened, done = threading.Event(), threading.Event()
    address, topic = system.settings.kafka or "", system.settings.topic("dossier.amended")
    holding = threading.Thread(target=lambda: asyncio.run(hold_open(address, topic, opened, done)))
    holding.start()
    try:
        assert opened.wait(30)
        until = time.monotonic() + RUN_S
        seed = 0
        while time.monotonic() < until:
            system.feed(simulate(system.reading, Simulation(5, seed)))  # dossier.paid is quiet, most partitions idle
            seed += 1
            time.sleep(0.5)
    finally:
        done.set()
        holding.join()
    system.settle()

    for worker in workers:
        assert worker.process.poll() is None, worker.text()[-2000:]
        assert complaints(worker) == []
    assert system.standings()
