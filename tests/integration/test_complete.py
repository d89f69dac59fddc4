"""Complete or not, on real processes: whatever keeps facts from the figures is said by everybody who shows them.

The table in docs/operations.md, *Complete or not*, is what this file holds.
"""

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from models.dossiers.events import TOPIC_OF
from streams.broker import topics
from tests.chaos.wall import WallUnderTest
from tests.integration.hasty.sitecustomize import LASTING_S, LOOK_S
from tests.integration.system import System, running
from tests.integration.test_refusals import lotrinh

pytestmark = pytest.mark.kafka

UNIT = "12688"
WORKER_OPS = {"LOTRINH_OPS_PORT": "0"}


def received(code: str) -> bytes:
    at = "2024-05-02T08:00:00+07:00"
    event = {"id": f"{code}:1", "type": "received", "dossier": code, "at": at, "unit": UNIT, "channel": "online"}
    return json.dumps(event).encode()


def open_transaction(system: System, values: list[bytes]) -> KafkaProducer:
    """Begin a transaction as a portal would, and hang."""
    producer = KafkaProducer(
        bootstrap_servers=system.settings.kafka, transactional_id=f"{system.settings.prefix}portal", acks="all",
        transaction_timeout_ms=600_000,
    )  # fmt: skip
    producer.init_transactions()
    producer.begin_transaction()
    for value in values:
        event = json.loads(value)
        producer.send(system.settings.topic(TOPIC_OF[event["type"]]), value, key=event["dossier"].encode())
    producer.flush()
    return producer


def grow(system: System, name: str, partitions: int) -> None:
    """Do what an administrator does who knows nothing of us."""
    client = topics.admin(system.settings.kafka or "", {})
    client.create_partitions({system.settings.topic(name): partitions})
    client.close()


def counted(text: str) -> int:
    rows = [r for r in json.loads(text)["standings"] if r["unit"] == UNIT and r["indicator"] == "online-dossiers"]
    return sum(int(row["denominator"]) for row in rows)


def ready(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/readyz?verbose", timeout=10) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def until(condition: Callable[[], bool], what: str, seconds: float = 120) -> float:
    """Return after how many seconds it came true."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, what
        time.sleep(0.5)
    return time.monotonic() - began


@pytest.fixture
def shown(kafka_address: str, tmp_path: Path) -> Iterator[tuple[System, WallUnderTest]]:
    """Workers and a wallboard at rest, everything said to be complete."""
    with running(kafka_address, tmp_path) as system:
        system.env["PYTHONPATH"] = str(Path(__file__).parent / "hasty")
        for name in ("tally", "watch"):
            system.start(name, **WORKER_OPS)
        for worker in system.workers:
            worker.until_ready()
        wall = WallUnderTest(system, tmp_path / "wall")
        try:
            system.feed(received(f"A-{n}") for n in range(10))
            system.settle()
            wall.until_shown()
            yield system, wall
        finally:
            wall.close()


def test_whatever_is_missing_is_said_by_everybody(shown: tuple[System, WallUnderTest]) -> None:
    system, wall = shown
    tally, watch = system.workers[:2]
    pages = {w.name: w.ready.read_text().strip() for w in (tally, watch)} | {"wall": f"http://127.0.0.1:{wall.port}"}

    def causes(page: str) -> set[tuple[str, str, int | None]]:
        status, said = ready(pages[page])
        assert (status == 200) == said["ready"]
        assert status == 503 or not said["causes"], said
        for cause in said["causes"]:
            assert set(cause) == {"cause", "topic", "partition", "since", "records"}
        return {(c["cause"], c["topic"].removeprefix(system.settings.prefix), c["partition"]) for c in said["causes"]}

    for page in pages:
        until(lambda page=page: ready(pages[page])[0] == 200, f"{page} is not ready: {ready(pages[page])}")  # type: ignore[misc]

    # a portal's transaction hangs, with records behind it, and somebody gives a topic more partitions
    portal = open_transaction(system, [received("H-1")])
    began = time.monotonic()
    system.feed(received(f"B-{n}") for n in range(40))  # some lie behind it, for sure those of H-1's partition
    grow(system, "dossier.paid", 5)
    holds = {p for p in range(4) if ("open-transaction", "dossier.submitted", p) in _held(system)}
    assert len(holds) == 1
    held = ("open-transaction", "dossier.submitted", holds.pop())
    unread = ("partition-unread", "dossier.paid", 4)
    refused = lotrinh(system, "standings", "--wait", "--timeout", "3")
    assert refused.returncode == 4
    assert "dossier.paid-4, which is beyond the number of partitions" in refused.stderr
    assert refused.stdout == ""
    for page in ("tally", "wall"):
        until(lambda page=page: {held, unread} <= causes(page), f"{page}: {ready(pages[page])}")  # type: ignore[misc]
    took = time.monotonic() - began
    print(f"said by tally and wall after {took:.0f} s")
    assert took >= LASTING_S
    with urllib.request.urlopen(f"{pages['tally']}metrics", timeout=10) as answer:  # noqa: S310
        metrics = answer.read().decode()
    assert "lotrinh_complete 0" in metrics
    assert 'lotrinh_incomplete_records{cause="open-transaction",topic="' in metrics
    until(lambda: tally.text().count("dossier.paid-4, which is beyond") == 1, "tally's log does not say it once")
    time.sleep(3 * LOOK_S)
    assert tally.text().count(f"dossier.submitted-{held[2]} lie behind an open transaction") == 1
    board = f"{pages['wall']}/api/v1/boards/{system.settings.decision}/snapshot"
    with urllib.request.urlopen(board, timeout=10) as answer:  # noqa: S310
        snapshot = json.loads(answer.read())
    assert {(c["cause"], c["partition"]) for c in snapshot["causes"]} >= {(held[0], held[2]), (unread[0], 4)}
    assert snapshot["notice"]["vi"].startswith("Số liệu chưa đầy đủ: có phân vùng không được đọc (")
    _commands_say_it(system, held)

    # it ends; everything behind it is counted, and that cause is gone
    portal.commit_transaction()
    portal.close()
    until(lambda: held not in causes("tally") | causes("wall"), "the transaction has ended")
    assert counted(lotrinh(system, "standings", "--wait", "--allow-incomplete", "--json").stdout) == 51

    # nobody judges
    assert watch.stop() == 0
    owners = {("no-owner", "unit.tallies", p) for p in range(4)}
    until(lambda: owners <= causes("wall"), f"the wall does not say that nobody judges: {ready(pages['wall'])}")
    assert "no-owner" not in {cause for cause, *_ in causes("tally")}
    assert system.start("watch").process.wait(60) == 2  # not before the partitions are what it is told they are


def _commands_say_it(system: System, held: tuple[str, str, int]) -> None:
    """doctor, quality, standings, close and report, of an open transaction and of a partition too many."""
    doctor = json.loads(lotrinh(system, "doctor", "--json").stdout)["checks"]
    said = " ".join(c["text"] + c["remedy"] for c in doctor if c["check"] == "complete" and c["level"] == "failed")
    assert f"dossier.submitted-{held[2]} lie behind an open transaction, since " in said
    assert "dossier.paid-4" in said
    assert "kafka-transactions.sh abort" in said
    quality = lotrinh(system, "quality")
    assert "Số liệu chưa đầy đủ: " in quality.stdout
    assert "nằm sau một giao dịch chưa kết thúc" in quality.stdout
    allowed = lotrinh(system, "standings", "--wait", "--allow-incomplete", "--json")
    assert allowed.returncode == 0, allowed.stderr
    found = json.loads(allowed.stdout)
    missing = sum(c["records"] for c in found["causes"] if c["cause"] == "open-transaction")
    assert 1 < missing < 41
    assert counted(allowed.stdout) == 10 + 41 - missing
    for command in (("close",), ("report", "--no-wait", "--out", str(system.folder / "r.csv"))):
        done = lotrinh(system, *command, "--period", "2024-05", *(("--timeout", "2") if command == ("close",) else ()))
        assert done.returncode == 4, done
        assert f"dossier.submitted-{held[2]} lie behind an open transaction" in done.stderr or command == ("close",)
    assert not (system.folder / "r.csv").exists()
    done = lotrinh(system, "report", "--period", "2024-05", "--allow-incomplete", "--out", str(system.folder / "r.csv"))
    assert done.returncode == 0, done.stderr
    assert "nằm sau một giao dịch chưa kết thúc" in done.stdout


def _held(system: System) -> set[tuple[str, str, int | None]]:
    from streams.monitoring.completeness import Sight

    with Sight(system.settings) as sight:
        return {(g.cause, g.topic.removeprefix(system.settings.prefix), g.partition) for g in sight.gaps()}


def test_waiting_takes_open_transactions_in_and_says_what_stays(system: System) -> None:
    for name in ("tally", "watch"):
        system.start(name)
    for worker in system.workers:
        worker.until_ready()
    portal = open_transaction(system, [received(f"H-{n}") for n in range(4)])
    system.feed(received(f"B-{n}") for n in range(20))

    refused = lotrinh(system, "standings", "--wait", "--timeout", "4", "--json")
    assert refused.returncode == 4
    assert refused.stdout == ""
    lines = refused.stderr.splitlines()
    assert all(line.startswith("lotrinh: incomplete: ") for line in lines)
    behind = [line for line in lines if "lie behind an open transaction, since " in line]
    assert behind, refused.stderr

    # while somebody waits, it is committed
    import threading

    threading.Timer(3, portal.commit_transaction).start()
    done = lotrinh(system, "standings", "--wait", "--timeout", "60", "--json")
    portal.close()
    assert done.returncode == 0, done.stderr
    assert counted(done.stdout) == 24

    # a paused worker is behind, and its owner is known
    tally = system.workers[0]
    tally.signal(signal.SIGSTOP)
    system.feed([received("C-1")])
    refused = lotrinh(system, "standings", "--wait", "--timeout", "3")
    tally.signal(signal.SIGCONT)
    assert refused.returncode == 4
    assert "dossier.submitted-" in refused.stderr
    system.settle()
    print(system.verdict())
