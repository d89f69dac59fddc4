"""`lotrinh up` as its user would: start, look, kill, start again, stop."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from streams.local.state import free_port
from tests.conftest import kafka_parts

pytestmark = pytest.mark.kafka
NAMES = ("kafka", "valkey", "tally", "watch", "wallboard")


class Up:
    """One `lotrinh up` and what is known of it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.port = free_port()
        env = {k: v for k, v in os.environ.items() if not k.startswith("LOTRINH_")}
        # `literal`: the other rules are asked on evenings, which do not come while a test runs
        self.env = env | {
            "LOTRINH_SWITCHES": "alert_rule=literal",
            "LOTRINH_TICK_SECONDS": "1",
            "LOTRINH_SESSION_TIMEOUT_S": "6",
            "LOTRINH_HEARTBEAT_S": "1",
        }
        self.arguments = arguments
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder.parent / "up.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "up", "--state-dir", str(self.folder), "--port", str(self.port), *self.arguments],
                env=self.env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def endpoints(self, seconds: float = 90) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            try:
                found: dict[str, Any] = json.loads((self.folder / "endpoints.json").read_text())
            except (OSError, ValueError):
                assert self.process.poll() is None, self.text()
                assert time.monotonic() < deadline, self.text()
                time.sleep(0.1)
            else:
                return found

    def text(self) -> str:
        return (self.folder.parent / "up.log").read_text()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "streams.cli", *arguments, "--state-dir", str(self.folder)]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=180, check=False)

    def pids(self) -> list[int]:
        return [pid for pids in self.endpoints()["processes"].values() for pid in pids]

    def snapshot(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/boards/thai-binh-2024/snapshot"
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def gone(pids: list[int]) -> bool:
    return not [p for p in pids if psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    kafka_parts()
    running = Up(tmp_path_factory.mktemp("up") / "state")
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
        running.process.wait(90)


def test_everything_is_there_and_says_where(up: Up) -> None:
    endpoints = up.endpoints()

    assert set(NAMES) <= endpoints["processes"].keys()
    assert endpoints["kafka"].startswith("127.0.0.1:")
    assert endpoints["redis"].startswith("redis://127.0.0.1:")
    assert endpoints["wallboard"] == f"http://127.0.0.1:{up.port}/"
    listening = [c for pid in up.pids() for c in psutil.Process(pid).net_connections("inet") if c.status == "LISTEN"]
    assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}
    assert "open http://127.0.0.1:" in up.text()
    of_kafka = (up.folder / "logs" / "kafka.log").read_text()
    assert "Kafka Server started" in of_kafka
    assert "SLF4J" not in of_kafka
    assert "Ready to accept connections" in (up.folder / "logs" / "valkey.log").read_text()


def test_a_second_one_on_the_same_directory_is_refused(up: Up) -> None:
    up.endpoints()
    second = up.run("up", "--port", "0")

    assert second.returncode == 2
    assert "another `lotrinh up`" in second.stderr
    assert "Traceback" not in second.stderr


def test_events_come_in_and_standings_come_out(up: Up) -> None:
    up.endpoints()
    events = up.folder.parent / "events.jsonl"
    made = up.run("simulate", "--decision", "thai-binh-2024", "--dossiers", "500", "--seed", "4", "--out", str(events))
    assert made.returncode == 0, made.stderr
    with events.open("ab") as file:
        file.write(b'{"id": "x"}\n')
    last_line = len(events.read_bytes().splitlines())
    imported = up.run("import", str(events))

    assert imported.returncode == 3, imported.stderr
    assert f"line {last_line}: field" in imported.stderr
    assert "1 rows refused" in imported.stderr
    live = json.loads(up.run("standings", "--wait", "--json").stdout)["standings"]
    evaluated = subprocess.run(
        [sys.executable, "-m", "streams.cli", "evaluate", "--decision", "thai-binh-2024", "--events", str(events), "--as-of", "2024-12-31", "--json"],
        env=up.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = json.loads(evaluated.stdout)["standings"]
    assert _figures(live) == _figures(expected)
    one = json.loads(up.run("standings", "--unit", "12688", "--json").stdout)["standings"]
    assert {s["unit"] for s in one} == {"12688"}
    alerts = json.loads(up.run("alerts", "--json").stdout)["alerts"]
    assert {(a["unit"], a["indicator"]) for a in alerts if a["status"] == "firing"} >= {
        (s["unit"], s["indicator"]) for s in live if s["status"] == "below" and "/" not in s["unit"]
    }


def test_the_wall_at_rest_equals_the_standings(up: Up) -> None:
    live = json.loads(up.run("standings", "--wait", "--json").stdout)["standings"]

    def equal() -> bool:
        return _versions(up.snapshot()["rows"]) == _versions(live)

    until(equal, 20)


@pytest.mark.parametrize("name", ["watch", "tally", "wallboard", "valkey"])
def test_a_process_that_dies_is_started_again(up: Up, name: str) -> None:
    before = up.endpoints()["processes"][name]
    os.kill(before[0], signal.SIGKILL)

    until(lambda: up.endpoints()["processes"].get(name, before) != before)
    live = json.loads(up.run("standings", "--wait", "--json").stdout)["standings"]
    assert live

    def back() -> bool:
        try:
            return _versions(up.snapshot()["rows"]) == _versions(live)
        except OSError:
            return False

    until(back, 40)


def test_a_hard_kill_leaves_no_orphans_and_loses_nothing(up: Up) -> None:
    before = json.loads(up.run("standings", "--wait", "--json").stdout)["standings"]
    pids = up.pids()
    up.process.kill()
    up.process.wait()
    until(lambda: gone(pids), 10)

    up.process = up.start()
    until(lambda: not set(pids) & set(up.pids()), 90)
    after = json.loads(up.run("standings", "--wait", "--json").stdout)["standings"]
    assert _figures(after) == _figures(before)


def test_ctrl_c_stops_everything_in_order(up: Up) -> None:
    pids = up.pids()
    up.process.send_signal(signal.SIGINT)

    assert up.process.wait(90) == 0
    assert gone(pids)
    assert "nothing is left running" in up.text()
    assert not (up.folder / "endpoints.json").exists()
    stopped = up.run("standings", "--json")
    assert stopped.returncode == 2
    assert "nothing runs in" in stopped.stderr


def _figures(standings: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    fields = (
        "as_of",
        "numerator",
        "denominator",
        "target",
        "expected",
        "status",
        "shortfall",
        "last_7_days",
        "last_30_days",
    )
    return {(s["unit"], s["indicator"]): tuple(str(s[f]) for f in fields) for s in standings}


def _versions(standings: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Versions of the rows that are for the wall: of units that a registry knows."""
    return {(s["unit"], s["indicator"]): s["version"] for s in standings if not s.get("unknown")}
