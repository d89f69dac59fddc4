"""Delivery on real Kafka, to a real HTTP receiver that goes away and comes back."""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from models.calendar.civil_time import utc_ms
from streams.broker import topics
from streams.broker.reading import records_of
from streams.local.state import free_port
from tests.integration.system import System, running
from tests.integration.verdict import ROOT
from tests.notices import MORNING, standing, transition

pytestmark = pytest.mark.kafka
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the tests


class Receiver:
    """A webhook's end: checks signatures with a library that is not ours, and keeps what it accepted, in order."""

    def __init__(self) -> None:
        self.port = free_port()
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.answer = 204
        self.start()

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                Webhook(SECRET).verify(body, {k.lower(): v for k, v in self.headers.items()})
                if receiver.answer == 204:
                    receiver.got.append((self.headers["webhook-id"], json.loads(body)["data"]))
                self.send_response(receiver.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def words(self) -> dict[str, list[tuple[int, str]]]:
        """Unit → (number, status) of every word about it, in order, each message once: ids tell repeats."""
        found: dict[str, list[tuple[int, str]]] = {}
        for data in dict(self.got).values():
            for alert in data["alerts"]:
                found.setdefault(alert["unit"], []).append((alert["number"], alert["status"]))
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def system(kafka_address: str, tmp_path: Path, receiver: Receiver) -> Iterator[System]:
    (tmp_path / "secret").write_text(SECRET)
    file = tmp_path / "receivers.toml"
    file.write_text(
        f"""
        gather_s = 0
        [receivers.hook]
        type = "webhook"
        url = "http://127.0.0.1:{receiver.port}/hook"
        secret_file = "secret"
        timeout_s = 2
        [[routes]]
        role = "department-in-charge"
        receivers = ["hook"]
        """
    )
    with running(kafka_address, tmp_path, receivers=file) as started:
        yield started


def publish(system: System, status: str = "firing", episode: int = 1, **more: Any) -> None:
    made = transition(status, episode, at=utc_ms(int(time.time() * 1000)), **more)
    system.send(json.dumps(made).encode(), topic=topics.ALERTS, key=made["fingerprint"].encode())
    system.flush()


def requested(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        return str(answer.read().decode())


def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lotrinh(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    import os

    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env=os.environ | system.env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_receiver_and_a_notifier_that_die_in_between_lose_nothing(system: System, receiver: Receiver) -> None:
    notifier = system.start("notify").until_ready()
    publish(system)
    publish(system, unit="12691")
    until(lambda: receiver.words().keys() >= {"12688", "12691"})
    receiver.stop()
    publish(system, "resolved")
    publish(system, unit="12694")  # comes and goes while nobody hears it
    until(lambda: "was not reached" in notifier.text())
    notifier.kill()
    publish(system, "resolved", unit="12694")
    publish(system, episode=2)
    again = system.start("notify").until_ready()
    until(lambda: "was not reached" in again.text())
    receiver.start()
    until(lambda: receiver.words().keys() >= {"12688", "12691", "12694"} and receiver.words()["12688"][-1][0] == 3)

    assert receiver.words()["12688"] == [(1, "firing"), (3, "firing")]
    assert receiver.words()["12691"] == [(1, "firing")]
    assert receiver.words()["12694"] == [(2, "resolved")]
    assert again.stop() == 0


def test_what_was_sent_and_not_noted_is_sent_again_under_the_same_id(system: System, receiver: Receiver) -> None:
    notifier = system.start("notify", LOTRINH_FAULT="after-send").until_ready()
    publish(system)
    assert notifier.process.wait(30) == 137
    assert len(receiver.got) == 1
    system.start("notify").until_ready()
    until(lambda: len(receiver.got) == 2)
    publish(system, "resolved")
    until(lambda: len(receiver.got) == 3)

    (first, data), (second, repeated), (third, _) = receiver.got
    assert first == second != third
    assert data["alerts"] == repeated["alerts"]


def test_a_second_notifier_takes_over(system: System, receiver: Receiver) -> None:
    first = system.start("notify").until_ready()
    system.start("notify").until_ready()
    publish(system)

    until(lambda: receiver.got)
    assert first.process.wait(30) == 70
    assert "another `lotrinh notify` has taken over" in first.text()
    assert len({id_ for id_, _ in receiver.got}) == 1


def test_a_receiver_that_will_not_have_a_message_does_not_block_those_after(system: System, receiver: Receiver) -> None:
    receiver.answer = 400
    ops = free_port()
    notifier = system.start("notify", LOTRINH_OPS_PORT=str(ops)).until_ready()
    publish(system)
    until(lambda: "set aside" in notifier.text(), 60)
    receiver.answer = 204
    publish(system, unit="12691")
    until(lambda: receiver.words().keys() == {"12691"})

    kept = {r.key.decode(): r.value for r in records_of(system.settings, topics.DELIVERIES)}
    (refused,) = [json.loads(v) for k, v in kept.items() if k.startswith("refused/")]
    assert refused["why"] == "HTTP 400"
    assert refused["alerts"] == [transition()["id"]]
    receiver.stop()
    publish(system, unit="12694")
    until(lambda: "was not reached (Client" in notifier.text())
    status = json.loads(lotrinh(system, "notify", "--status", "--json").stdout)
    receiver.start()
    ((mailbox,), (aside,)) = status["mailboxes"], status["refused"]
    figures = requested(f"http://127.0.0.1:{ops}/metrics").splitlines()
    assert requested(f"http://127.0.0.1:{ops}/readyz") == "ok\n"
    assert 'lotrinh_notify_messages_total{receiver="hook",outcome="set-aside"} 1' in figures
    assert 'lotrinh_notify_messages_total{receiver="hook",outcome="accepted"} 1' in figures
    assert (mailbox["mailbox"], mailbox["pending"], mailbox["failures"] > 0) == ("hook", 1, True)
    assert aside["alerts"] == [transition()["id"]]
    assert SECRET not in notifier.text()
    assert str(receiver.port) not in notifier.text()


def test_operators_silence_acknowledge_and_see_it(system: System, receiver: Receiver) -> None:
    made = lotrinh(
        system, "alerts", "silence", "--match", "unit=12688", "--until", "2d", "--reason", "bảo trì", "--by", "operator"
    )
    assert made.returncode == 0, made.stderr
    system.start("notify").until_ready()
    publish(system)
    publish(system, unit="12691")
    until(lambda: "12691" in receiver.words())
    acked = lotrinh(system, "alerts", "ack", transition(unit="12691")["id"][:12], "--by", "unit-head")
    assert acked.returncode == 0, acked.stderr
    listed = json.loads(lotrinh(system, "alerts", "list", "--json").stdout)
    states = {a["unit"]: (a["acknowledged"], a["silenced"]) for a in listed["alerts"]}

    next_told = {a["unit"]: a["next_told"] for a in listed["alerts"]}
    assert "12688" not in receiver.words()
    assert [(n["mailbox"], n["at"], n["why"]) for n in next_told["12691"]] == [("hook", None, "acknowledged")]
    assert [n["why"] for n in next_told["12688"]] == ["silenced"]
    assert {(a["rule"], a["p"], a["hold"], a["record"]["offset"] >= 0) for a in listed["alerts"]} == {
        ("evidence/1", "0.0284", 3, True)
    }
    assert states["12691"][0]["role"] == "unit-head"
    assert states["12691"][1] is None
    ((silence, reason),) = [(s["id"], s["reason"]) for s in listed["silences"]]
    assert states["12688"][1]["id"] == silence
    assert reason == "bảo trì"
    assert made.stdout.startswith(f"Lệnh tắt tiếng {silence} có hiệu lực đến ")
    assert acked.stdout.startswith("Đã ghi nhận tiếp nhận: Xã Đô Lương – Hồ sơ trực tuyến – Thấp hơn lộ trình (mã ")
    ended = lotrinh(system, "alerts", "unsilence", silence, "--by", "operator")
    assert (ended.returncode, ended.stdout) == (0, f"Đã kết thúc lệnh tắt tiếng {silence}.\n"), ended.stderr
    until(lambda: "12688" in receiver.words())
    plain = json.loads(lotrinh(system, "alerts", "--unit", "12688", "--json").stdout)
    assert [a["id"] for a in plain["alerts"]] == [transition()["id"]]


def test_a_digest_tells_who_is_behind_and_says_the_same_when_it_is_sent_again(
    system: System, receiver: Receiver, tmp_path: Path
) -> None:
    file = tmp_path / "receivers.toml"
    file.write_text(file.read_text().replace("timeout_s = 2", 'timeout_s = 2\ndigest_at = "07:30"\n'))

    def stands(unit: str, shortfall: int, day: str = MORNING[:10]) -> None:
        row = standing(unit, shortfall=shortfall, as_of=day)
        key = f"{row['decision']}/{row['indicator']}/{unit}"
        system.send(json.dumps(row).encode(), topic=topics.STANDINGS, key=key.encode())

    def clock(at: str) -> None:
        system.send(json.dumps({"clock": at}).encode(), topic=topics.HEARTBEATS, key=b"watch/0")
        system.flush()

    fired = transition(at="2024-06-05T23:59:59+07:00")
    system.send(json.dumps(fired).encode(), topic=topics.ALERTS, key=fired["fingerprint"].encode())
    stands("12688", 8)  # has an alert
    stands("12691", 9)
    clock(MORNING)
    notifier = system.start("notify", LOTRINH_CLOCK="records", LOTRINH_FAULT="after-send").until_ready()
    assert notifier.process.wait(30) == 137
    stands("12691", 3)
    stands("12694", 5)
    clock("2024-06-06T07:40:00+07:00")
    system.start("notify", LOTRINH_CLOCK="records").until_ready()
    until(lambda: len(receiver.got) == 2)
    (first, data), (second, repeated) = receiver.got

    assert first == second
    assert [(row["unit"], row["shortfall"]) for row in data["watch_list"]] == [("12691", 9)]
    assert (repeated["alerts"], repeated["watch_list"]) == (data["alerts"], data["watch_list"])
    for unit in ("12691", "12694"):
        stands(unit, 4, "2024-06-07")
    clock("2024-06-07T07:30:00+07:00")
    until(lambda: len(receiver.got) == 3)
    assert [row["unit"] for row in receiver.got[2][1]["watch_list"]] == ["12691", "12694"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ack", "ffffffff", "--by", "operator"], "không cảnh báo nào đang mở có mã"),
        (["silence", "--match", "unit=1", "--until", "200d", "--reason", "x", "--by", "operator"], "trong vòng 92 ngày"),
        (["silence", "--match", "unit=1", "--until", "1d", "--reason", "gọi 0912345678", "--by", "operator"], "lý do không được có địa chỉ"),
        (["silence", "--match", "person=1", "--until", "1d", "--reason", "x", "--by", "operator"], "cần NHÃN=GIÁ_TRỊ"),
        (["unsilence", "nothing", "--by", "operator"], "không lệnh tắt tiếng nào"),
    ],
)  # fmt: skip
def test_what_operators_get_wrong_is_one_sentence(system: System, arguments: list[str], said: str) -> None:
    done = lotrinh(system, "alerts", *arguments)

    assert done.returncode == 2
    assert said in done.stderr.partition(" | ")[0]
    assert len(done.stderr.splitlines()) == 1
    assert "0912345678" not in done.stderr
