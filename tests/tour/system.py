"""One `lotrinh up`, its clock as records, and the receiver beside it: processes that the tour starts and ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson

from models.calendar.civil_time import end_of
from streams.broker import topics
from streams.broker.reading import records_of
from streams.broker.ticks import Ticker
from streams.feeds.publisher import Publisher
from streams.local.children import end_with_parent
from streams.local.state import free_port, located
from streams.monitoring.waiting import wait_until_counted
from streams.settings import Settings
from tests.tour import story
from tests.tour.receiver import SECRET

ROOT: Final = Path(__file__).parents[2]
RECEIVERS: Final = """\
board_url = "http://127.0.0.1:{board}/"
gather_s = 1

[receivers.trung-tam]
type = "webhook"
url = "http://127.0.0.1:{http}/hook"
secret_file = "secret"
timeout_s = 2

[receivers.so-tttt]
type = "email"
host = "127.0.0.1"
port = {smtp}
security = "none"
from = "lotrinh@example.vn"
to = ["stttt@example.vn"]
digest_at = "07:30"

[[routes]]
role = "operator"
receivers = ["trung-tam"]

[[routes]]
role = "department-in-charge"
receivers = ["so-tttt"]
deliver = "digest"
"""


class Tour:
    """Everything that runs, and what an official does with it."""

    def __init__(self, folder: Path, rule: str, say: Callable[[str], None]) -> None:
        """Write the receivers file and start; `say` takes the transcript."""
        self.folder, self.say = folder, say
        self.board, self.http, self.smtp = free_port(), free_port(), free_port()
        (folder / "secret").write_text(SECRET)
        text = RECEIVERS.format(board=self.board, http=self.http, smtp=self.smtp)
        (folder / "receivers.toml").write_text(text)
        env = {k: v for k, v in os.environ.items() if not k.startswith("LOTRINH_")}
        self.env = env | {
            "LOTRINH_CLOCK": "records", "LOTRINH_SWITCHES": f"alert_rule={rule}", "LOTRINH_SESSION_TIMEOUT_S": "6",
            "LOTRINH_HEARTBEAT_S": "1",
        }  # fmt: skip
        self.state = folder / "state"
        self.receiver: subprocess.Popen[bytes] | None = None
        self.start_receiver()
        command = ["up", "--state-dir", str(self.state), "--port", str(self.board)]
        command += ["--receivers", str(folder / "receivers.toml")]
        with (folder / "up.log").open("ab") as log:
            self.process = self._popen("streams.cli", *command, env=self.env, log=log)
        self.until((self.state / "endpoints.json").exists, "lotrinh up to be ready", 120)
        self.settings = located(Settings(state_dir=self.state, _env_file=None))

    @staticmethod
    def _popen(module: str, *arguments: str, env: dict[str, str], log: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, env=env, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=end_with_parent(os.getpid()),
        )  # fmt: skip

    # -- the receiver --------------------------------------------------------------------------------------------------

    def start_receiver(self) -> None:
        """Start it; it keeps what it is told in files that survive it."""
        with (self.folder / "receiver.log").open("ab") as log:
            self.receiver = self._popen(
                "tests.tour.receiver", str(self.folder), str(self.http), str(self.smtp), env=self.env, log=log
            )

    def kill_receiver(self) -> None:
        """SIGKILL."""
        if self.receiver is not None:
            self.receiver.kill()
            self.receiver.wait()

    def messages(self) -> dict[str, dict[str, Any]]:
        """Return the webhooks received, in order, a repeat once: its id is the same."""
        return {row["id"]: row["data"] for row in self._rows("messages.jsonl")}

    def mails(self) -> list[dict[str, Any]]:
        """Return the mails received, in order."""
        return self._rows("mails.jsonl")

    def _rows(self, name: str) -> list[dict[str, Any]]:
        file = self.folder / name
        return [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []

    def words(self) -> list[dict[str, Any]]:
        """Return every word about an alert that was received, in order."""
        return [alert for data in self.messages().values() for alert in data["alerts"]]

    # -- the system ----------------------------------------------------------------------------------------------------

    def live(self, first: date, last: date) -> None:
        """Let days go by, each with its events and the clock at its end; wait until the last of them is judged."""
        asyncio.run(self._live(first, last))
        wait_until_counted(self.settings, 120)

    async def _live(self, first: date, last: date) -> None:
        async with Publisher(self.settings) as publisher, Ticker(self.settings) as ticker:
            for day in story.days(first, last):
                for event in story.events_of(day):
                    await publisher.publish(event["type"], event["dossier"], orjson.dumps(event))
                await publisher.flush()
                await ticker.tick(end_of(day))

    def clock(self, at: str) -> None:
        """Let the clock come to an instant."""

        async def tick() -> None:
            async with Ticker(self.settings) as ticker:
                await ticker.tick(at)

        asyncio.run(tick())
        wait_until_counted(self.settings, 60)

    def lotrinh(self, *arguments: str, quiet: bool = False) -> str:
        """Type a command as an official does; the transcript shows it with its answer."""
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments, "--state-dir", str(self.state)],
            cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"lotrinh {' '.join(arguments)}: {done.stderr}"
        if not quiet:
            typed = " ".join(f'"{a}"' if " " in a else a for a in arguments)
            self.say(f"$ lotrinh {typed}\n{done.stdout.rstrip()}")
        return done.stdout

    def transitions(self) -> list[dict[str, Any]]:
        """Return the topic `alerts`, read committed; within a fingerprint in the order of the log."""
        return [orjson.loads(record.value) for record in records_of(self.settings, topics.ALERTS)]

    def snapshot(self) -> dict[str, Any]:
        """Return what the wall shows."""
        url = f"http://127.0.0.1:{self.board}/api/v1/boards/thai-binh-2024/snapshot"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def notify_log(self) -> str:
        """Return what the notifier has said."""
        return (self.state / "logs" / "notify.log").read_text()

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, (self.folder / "up.log").read_text()
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
            time.sleep(0.1)

    def close(self) -> None:
        """End what was started."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(90)
        finally:
            self.process.kill()
            self.kill_receiver()


@contextmanager
def touring(folder: Path, rule: str, say: Callable[[str], None]) -> Iterator[Tour]:
    """A tour whose processes are gone at the end, whatever happened."""
    tour = Tour(folder, rule, say)
    try:
        yield tour
    finally:
        tour.close()
