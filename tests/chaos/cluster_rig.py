"""A rig on three brokers: several workers of each kind, a notifier with somebody to tell, a wallboard that is looked at."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from streams.broker import topics
from streams.broker.reading import records_of
from tests.chaos.cluster import Cluster
from tests.chaos.rig import Rig
from tests.integration.system import System
from tests.integration.verdict import ROOT

RECEIVERS = """\
gather_s = 0
[receivers.hook]
type = "webhook"
url = "http://127.0.0.1:{port}/hook"
secret_file = "secret"
timeout_s = 5
[[routes]]
role = "department-in-charge"
receivers = ["hook"]
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the tests
TOLD_S = 90.0


class Receiver:
    """Takes every message, and keeps by its id what it says."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = body.get("data", body)
                receiver.messages.setdefault(said["message"], said)
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def last_words(self) -> dict[str, str]:
        """Fingerprint → the newest status told of it."""
        newest: dict[str, tuple[int, str]] = {}
        for message in list(self.messages.values()):
            for alert in message["alerts"]:
                word = alert["number"], alert["status"]
                newest[alert["fingerprint"]] = max(newest.get(alert["fingerprint"], (0, "")), word)
        return {fingerprint: status for fingerprint, (_, status) in newest.items()}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class ClusterRig(Rig):
    """Three brokers, three copies of everything, two of them needed to write."""

    counts: Mapping[str, int] = {"tally": 2, "watch": 2, "notify": 1}
    partitions = 4
    receiver: Receiver

    def _new_broker(self) -> Cluster:
        self.receiver = Receiver()
        return Cluster(self.folder)

    def _new_system(self) -> System:
        (self.folder / "secret").write_text(SECRET)
        file = self.folder / "receivers.toml"
        file.write_text(RECEIVERS.format(port=self.receiver.port))
        self.receiver.messages.clear()
        return System(
            self.broker.address,
            self.folder,
            partitions=self.partitions,
            replication=3,
            min_insync_replicas=2,
            receivers=file,
        )

    def begin_round(self) -> None:
        super().begin_round()
        self.put_up_wall().until_shown(120)

    @property
    def names(self) -> list[str]:
        """Our topics and Kafka's own."""
        ours = [spec.name for spec in topics.specs(self.system.settings)]
        return [*ours, "__transaction_state", "__consumer_offsets"]

    def judge_others(self) -> list[str]:
        """Hold what was told against the topic, and wait until nobody is owed a word.

        The notifier says what it owes of what it has read: what it has not read yet shows in the comparison alone.
        """
        deadline = time.monotonic() + TOLD_S
        while (wrong := self._untold()) and time.monotonic() < deadline:
            time.sleep(1)
        return wrong

    def _untold(self) -> list[str]:
        if owed := self._owed():
            return [f"after {TOLD_S:g} s the receiver is still owed: {owed}"]
        if not self.receiver.messages:
            return ["nobody was told of anything"]
        status = {a["fingerprint"]: a["status"] for a in self._alerts()}
        told = self.receiver.last_words()
        wrong = [f for f, said in told.items() if (said == "firing") != (status.get(f) == "firing")]
        if not any(message["more"] for message in self.receiver.messages.values()):
            wrong += [f for f, said in status.items() if said == "firing" and f not in told]
        return [f"{len(wrong)} alerts of which the last word told is not the topic's: {wrong[:3]}"] if wrong else []

    def _alerts(self) -> list[dict[str, Any]]:
        return [json.loads(r.value) for r in records_of(self.system.settings, topics.ALERTS)]

    def _owed(self) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "notify", "--status", "--json"],
            env=os.environ | self.system.env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            return done.stderr.strip()[-500:]
        boxes = json.loads(done.stdout)["mailboxes"]
        return ", ".join(f"{box['mailbox']}: {box['pending']}" for box in boxes if box["pending"])

    def close(self) -> None:
        super().close()
        self.receiver.close()


class TwelveRig(ClusterRig):
    """The same with twelve partitions and three workers of each kind."""

    counts: Mapping[str, int] = {"tally": 3, "watch": 3, "notify": 1}
    partitions = 12
