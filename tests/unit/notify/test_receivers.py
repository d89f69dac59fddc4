"""The receivers file, and how a message reaches a real local server or does not."""

import asyncio
import email
import email.policy
import email.utils
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver
from aiosmtpd.controller import Controller

from models.notification.outbox import Situation
from models.notification.routing import Mailbox
from streams.errors import BadInput
from streams.files.decision_files import read_reading
from streams.local.state import free_port
from streams.notify.addresses import NOT_ALLOWED
from streams.notify.config import part_of, read_config
from streams.notify.payloads import Context
from streams.notify.sending import Outcome, Sender, check_extras
from streams.notify.texts import Names
from streams.settings import Settings
from tests.notices import NOW, Delivery, plan, to, transition

NAMES = Names(read_reading(Settings()))
ROUTE = '\n[[routes]]\nrole = "operator"\nreceivers = ["a"]\n'


def written(folder: Path, text: str) -> Path:
    (folder / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (folder / "empty").write_text("\n")
    file = folder / "receivers.toml"
    file.write_text(text)
    return file


def send(folder: Path, text: str, unit: str = "12688") -> Outcome:
    """Send one message to the receiver `a` of a file."""
    config = read_config(written(folder, text))
    delivery = Delivery(config.plan)
    delivery.publish(transition(unit=unit))
    (message,) = delivery.tell()

    async def run() -> Outcome:
        async with Sender(config) as sender:
            return await sender.send(message, Context(config, NAMES))

    return asyncio.run(run())


class Server:
    """An HTTP server that answers as told and keeps what came."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.got.append((self.path, dict(self.headers), body))
                self.send_response(server.status)
                for name, value in {"Content-Length": "0", **server.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - their name

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_alertmanager_is_asked_at_its_path_with_its_token(tmp_path: Path, server: Server) -> None:
    text = (
        f'receivers.a = {{ type = "alertmanager", url = "http://127.0.0.1:{server.port}/am/", token_file = "secret" }}'
    )

    assert send(tmp_path, text + ROUTE).accepted
    ((path, headers, _),) = server.got
    assert path == "/am/api/v2/alerts"
    assert headers["Authorization"].startswith("Bearer whsec_")


@pytest.mark.parametrize(
    ("status", "about_content", "pause"),
    [(500, False, 0), (401, False, 0), (429, False, 30), (400, True, 0), (302, False, 0)],
)
def test_answers_tell_a_bad_message_from_a_bad_moment(
    tmp_path: Path, server: Server, status: int, about_content: Any, pause: float
) -> None:
    server.status = status
    server.headers = (
        {"Location": f"http://127.0.0.1:{server.port}/elsewhere"} if status == 302 else {"Retry-After": str(pause)}
    )
    text = f'receivers.a = {{ type = "cloudevents", url = "http://127.0.0.1:{server.port}/" }}'
    outcome = send(tmp_path, text + ROUTE)

    moved = ", a redirection, which is not followed: name the new address" if status == 302 else ""
    assert (outcome.accepted, outcome.why, outcome.for_good) == (False, f"HTTP {status}{moved}", about_content)
    assert outcome.pause_s == pause
    assert len(server.got) == 1, "a redirection is an address that nobody configured"


def test_a_pause_may_be_asked_for_by_a_date(tmp_path: Path, server: Server) -> None:
    server.status = 429
    server.headers = {
        "Retry-After": email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    }
    text = f'receivers.a = {{ type = "cloudevents", url = "http://127.0.0.1:{server.port}/" }}'

    assert 60 < send(tmp_path, text + ROUTE).pause_s <= 91


@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.1/", "https://192.168.4.4/x", "https://169.254.169.254/latest", "https://[fe80::1]/",
     "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/", "https://100.64.0.1/"],
)  # fmt: skip
def test_a_private_address_is_asked_only_where_the_file_allows_it(tmp_path: Path, url: str) -> None:
    text = f'receivers.a = {{ type = "cloudevents", url = "{url}" }}'
    with pytest.raises(BadInput, match="`private = true` allows it"):
        read_config(written(tmp_path, text + ROUTE))

    read_config(written(tmp_path, text.replace(" }", ", private = true }") + ROUTE))


class Everywhere(AbstractResolver):
    """A resolver for which every name is this machine, or whatever address it is given."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[Any]:
        return [{"hostname": host, "host": self.address, "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("address", "accepted"), [("127.0.0.1", True), ("10.1.2.3", False), ("169.254.169.254", False)]
)
def test_a_name_that_leads_into_a_private_network_is_not_asked(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, address: str, accepted: Any
) -> None:
    monkeypatch.setattr("streams.notify.addresses.DefaultResolver", lambda: Everywhere(address))
    host = "localhost" if accepted else "looks-public.example"
    text = f'receivers.a = {{ type = "cloudevents", url = "http://{host}:{server.port}/", plain_http = true }}'
    outcome = send(tmp_path, text + ROUTE)

    assert outcome.accepted is accepted
    assert len(server.got) == accepted
    if not accepted:
        assert outcome.why == NOT_ALLOWED


def test_who_is_not_there_is_an_outcome_without_an_address(tmp_path: Path) -> None:
    text = f'receivers.a = {{ type = "cloudevents", url = "http://127.0.0.1:{free_port()}/" }}'
    outcome = send(tmp_path, text + ROUTE)

    assert not outcome.accepted
    assert outcome.why == "ClientConnectorError"


class Mails:
    """What an SMTP server was given."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], Any]] = []
        self.answer = "250 OK"
        self.recipients: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        said = self.recipients.get(address, "250 OK")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        read = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.got.append((envelope.rcpt_tos, read))
        return self.answer


@pytest.fixture
def mails() -> Iterator[tuple[Mails, int]]:
    handler, port = Mails(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def test_a_unit_gets_its_mail_at_its_own_address(tmp_path: Path, mails: tuple[Mails, int]) -> None:
    handler, port = mails
    (tmp_path / "units.csv").write_text("unit,address\n12688,dong-hung@example.vn\n12691,do-luong@example.vn\n")
    text = f"""
    [receivers.a]
    type = "email"
    host = "127.0.0.1"
    port = {port}
    security = "none"
    from = "lotrinh@example.vn"
    directory = "units.csv"
    """

    assert send(tmp_path, text + ROUTE.replace("operator", "unit-head"), "12691").accepted
    ((to, mail),) = handler.got
    assert to == ["do-luong@example.vn"]
    assert mail["Subject"] == "[Lộ trình] Thấp hơn lộ trình: Xã Đô Lương – Hồ sơ trực tuyến"
    handler.answer = "554 no"
    assert send(tmp_path, text + ROUTE.replace("operator", "unit-head")) == Outcome(False, "SMTP 554 at DATA", True)


@pytest.mark.parametrize("answer", ["450 4.7.1 greylisted, try again later", "550 5.1.1 no such mailbox"])
def test_of_several_addresses_each_is_told_by_itself(tmp_path: Path, mails: tuple[Mails, int], answer: str) -> None:
    handler, port = mails
    handler.recipients = {"grey@example.vn": answer}
    text = f"""
    [receivers.a]
    type = "email"
    host = "127.0.0.1"
    port = {port}
    security = "none"
    from = "lotrinh@example.vn"
    to = ["vp@example.vn", "grey@example.vn", "so@example.vn"]
    """
    config = read_config(written(tmp_path, text + ROUTE))
    grey = Mailbox("a", part_of("grey@example.vn"))
    delivery = Delivery(config.plan)
    delivery.publish(transition())
    situation = Situation(NOW)
    delivery.read(situation)

    async def turn() -> dict[Mailbox, Outcome]:
        outcomes = {}
        async with Sender(config) as sender:
            for message in delivery.outbox.due(situation, delivery.clock):
                delivery.outbox.begin(message)
                outcome = outcomes[message.mailbox] = await sender.send(message, Context(config, NAMES))
                if outcome.accepted:
                    delivery.outbox.sent(message)
                else:
                    delivery.outbox.failed(message, delivery.clock + 1, outcome.why)
        return outcomes

    first = asyncio.run(turn())
    assert sorted(to for to, _ in handler.got) == [["so@example.vn"], ["vp@example.vn"]]
    assert {box: o.accepted for box, o in first.items()} == {box: box != grey for box in first}
    assert len(first) == 3
    assert first[grey].why == f"SMTP {answer[:3]} at RCPT"
    assert delivery.outbox.boxes[grey]["why"] == first[grey].why
    assert delivery.outbox.owed() == {"a": 1}
    assert not any("@example.vn" in key for key in delivery.outbox.take_changed()), "an address stands in no topic"

    handler.recipients, delivery.clock = {}, 2.0
    again = asyncio.run(turn())
    assert again == {grey: Outcome(accepted=True)}
    assert handler.got[-1][0] == ["grey@example.vn"]
    assert delivery.outbox.owed() == {"a": 0}
    assert delivery.outbox.boxes[grey]["failures"] == 0


def test_who_was_told_together_is_not_told_again_when_each_is_told_by_itself() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    assert len(delivery.tell()) == 1

    delivery.plan = delivery.plan.model_copy(update={"several": {"a": frozenset({"#1", "#2"})}})
    delivery.restart()
    assert delivery.tell() == []
    delivery.publish(transition("resolved"))
    assert sorted(m.mailbox.unit for m in delivery.tell()) == ["#1", "#2"]


def test_a_chat_is_told_through_apprise(tmp_path: Path, server: Server) -> None:
    (tmp_path / "url").write_text(f"json://127.0.0.1:{server.port}/chat")
    text = 'receivers.a = { type = "apprise", url_file = "url" }'

    assert send(tmp_path, text + ROUTE).accepted
    assert json.loads(server.got[0][2])["title"].startswith("[Lộ trình] Thấp hơn lộ trình")
    server.status = 500
    assert not send(tmp_path, text + ROUTE).accepted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('receivers.a = { type = "webhook", url = "https://x.example" }', "secret_file"),
        ('receivers.a = { type = "webhook", url = "https://x.example", secret = "s3cret" }', "secret"),
        ('receivers.a = { type = "cloudevents", url = "http://x.example" }', "plain_http"),
        ('receivers.a = { type = "cloudevents", url = "https://u:s3cret@x.example" }', "without name and password"),
        ('receivers.a = { type = "cloudevents", url = "file:///etc/passwd" }', "a url is"),
        ('receivers.a = { type = "webhook", url = "https://x.example", secret_file = "empty" }', "is empty"),
        ('receivers.a = { type = "webhook", url = "https://x.example", secret_file = "none" }', "No such file"),
        ('receivers.a = { type = "email", host = "x", port = "25", from = "a@x.vn", to = ["b@x.vn"] }', "port"),
        ('receivers.a = { type = "email", host = "x", port = 25, from = "a@x.vn" }', "`to` or `directory`"),
        (
            'receivers.a = { type = "email", host = "x", port = 25, from = "a@x.vn", to = ["b@x.vn\\nBcc: c@x.vn"] }',
            "to.0",
        ),
        ('receivers.A = { type = "cloudevents", url = "https://x.example" }', "receivers"),
        ('receivers.b = { type = "cloudevents", url = "https://x.example" }', "which is not there"),
        ("receivers = 1", "receivers"),
        ("receivers = ", "Invalid value"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence_without_secrets(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_config(written(tmp_path, text + ROUTE))

    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_that_cannot_be_one_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("not base64!")
    text = 'receivers.a = { type = "webhook", url = "https://x.example", secret_file = "bad" }'

    with pytest.raises(BadInput, match="is not base64"):
        check_extras(read_config(written(tmp_path, text + ROUTE)))
    for short in ("whsec_", "whsec_AA==", "whsec_" + "A" * 28):
        (tmp_path / "bad").write_text(short)
        with pytest.raises(BadInput, match=r"has \d+ bytes; Standard Webhooks asks for 24 to 64"):
            check_extras(read_config(written(tmp_path, text + ROUTE)))


def test_a_secret_may_stand_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'receivers.a = { type = "webhook", url = "https://x.example", secret_env = "T_HOOK" }'
    with pytest.raises(BadInput, match="variable T_HOOK: the secret of the receiver 'a' is empty"):
        read_config(written(tmp_path, text + ROUTE))
    monkeypatch.setenv("T_HOOK", "whsec_AAAA")

    assert read_config(written(tmp_path, text + ROUTE)).secret("a", "secret") == "whsec_AAAA"


def test_secrets_do_not_show(tmp_path: Path) -> None:
    text = 'receivers.a = { type = "webhook", url = "https://x.example", secret_file = "secret" }'

    assert "MfKQ9r8" not in repr(read_config(written(tmp_path, text + ROUTE)))


def test_the_example_of_the_documents_holds_together(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "docs/examples/receivers-thai-binh.toml"
    (tmp_path / "secrets").mkdir()
    for name in ("mail-password", "ioc-webhook"):
        (tmp_path / "secrets" / name).write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (tmp_path / "addresses.csv").write_text("unit,address\n12688,dong-hung@example.vn\n340,huyen@example.vn\n")
    config = read_config(written(tmp_path, example.read_text(encoding="utf-8")))
    delivery = Delivery(config.plan)
    delivery.publish(transition(severity="critical"))

    assert sorted({str(m.mailbox) for m in delivery.tell()}) == [
        "don-vi@12688",
        "don-vi@340",
        "ioc",
        "so-tttt",
        "vp-ubnd",
    ]
    check_extras(config)


class Chatting:
    """A local imitation of a chat's interface: answers a status and a body, and keeps what came."""

    def __init__(self, status: int, body: str) -> None:
        self.status, self.body = status, body
        self.got: list[tuple[str, str | None, dict[str, Any]]] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                came = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chat.got.append((self.path, self.headers["access_token"], came))
                self.send_response(chat.status)
                self.send_header("Content-Length", str(len(chat.body)))
                self.end_headers()
                self.wfile.write(chat.body.encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def send(self, folder: Path, kind: str) -> Outcome:
        to_whom = 'chat = "-1001"' if kind == "telegram" else 'user = "7"'
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        try:
            text = f'receivers.a = {{ type = "{kind}", url = "{url}", {to_whom}, token_file = "secret" }}'
            return send(folder, text + ROUTE)
        finally:
            self.server.shutdown()
            self.server.server_close()


@pytest.mark.parametrize(
    ("kind", "status", "body", "outcome"),
    [
        ("telegram", 200, '{"ok": true, "result": {}}', Outcome(accepted=True)),
        ("telegram", 200, '{"ok": false, "error_code": 500}', Outcome(False, "error 500")),
        ("telegram", 400, '{"ok": false, "error_code": 400}', Outcome(False, "HTTP 400", True)),
        ("telegram", 401, '{"ok": false, "error_code": 401}', Outcome(False, "HTTP 401")),
        (
            "telegram",
            429,
            '{"ok": false, "error_code": 429, "parameters": {"retry_after": 35}}',
            Outcome(False, "HTTP 429", False, 35.0),
        ),
        ("zalo", 200, '{"error": 0, "message": "Success"}', Outcome(accepted=True)),
        ("zalo", 200, '{"error": -216, "message": "s3cret"}', Outcome(False, "error -216")),
        ("zalo", 200, '{"error": -213, "message": "x"}', Outcome(False, "error -213", True)),
        ("zalo", 200, "<html>", Outcome(False, "HTTP 200, an answer that is not the interface's")),
        ("zalo", 502, "<html>", Outcome(False, "HTTP 502")),
    ],
)
def test_a_chat_has_taken_what_its_answer_says(
    tmp_path: Path, kind: str, status: int, body: str, outcome: Outcome
) -> None:
    chat = Chatting(status, body)

    assert chat.send(tmp_path, kind) == outcome
    ((path, token, came),) = chat.got
    if kind == "telegram":
        assert path == "/botwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw/sendMessage"
        assert came["chat_id"] == "-1001"
        assert came["text"].startswith("[Lộ trình] ")
    else:
        assert (path, token) == ("/v3.0/oa/message/cs", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        assert came["recipient"] == {"user_id": "7"}
        assert "Mã thông báo: " in came["message"]["text"]
