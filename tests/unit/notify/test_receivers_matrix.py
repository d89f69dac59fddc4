"""Receivers × misbehaviour: each cell against a real server on loopback, and the table in docs/notifications.md."""

import asyncio
import contextlib
import email
import email.utils
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

import pytest

from models.notification.outbox import REFUSALS_MAX, Situation
from streams.files.decision_files import read_reading
from streams.notify.config import Config, read_config
from streams.notify.payloads import Context
from streams.notify.sending import Outcome, Sender
from streams.notify.texts import Names
from streams.settings import Settings
from tests import certificates
from tests.notices import NOW, Delivery, transition

NAMES = Names(read_reading(Settings()))
DOCUMENT = Path(__file__).parents[3] / "docs/notifications.md"
Fate = Literal["told once", "told again", "owed, told later", "given up and said so"]
ONCE: Final = "told once"
AGAIN: Final = "told again"
OWED: Final = "owed, told later"
GIVEN_UP: Final = "given up and said so"
Serve = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Case(NamedTuple):
    """One misbehaviour of a receiver, what becomes of the message, and what is said of it."""

    does: str
    fate: Fate
    said: str = ""
    answer: str = ""
    """HTTP: status and headers, `\\n` between; SMTP: stage and reply; else what `does` names"""
    certificate: str = ""
    timeout_s: float = 20.0
    pause_s: float = 0.0


def http(status: str, fate: Fate, said: str = "", *, pause_s: float = 0.0, headers: str = "") -> Case:
    code = status[:3]
    return Case(status, fate, said or f"HTTP {code}", f"{code}{headers}", pause_s=pause_s)


MOVED = ", a redirection, which is not followed: name the new address"
TLS = (
    Case(
        "certificate of an unknown authority",
        OWED,
        "TLS: the certificate is signed by an unknown authority",
        certificate="stray",
    ),
    Case("certificate expired", OWED, "TLS: the certificate has expired", certificate="expired"),
    Case(
        "certificate for another host name",
        OWED,
        "TLS: the certificate is for another host name",
        certificate="foreign",
    ),
)
HTTP_CASES = (
    Case("answers", ONCE, answer="204"),
    Case("takes nothing within the timeout", OWED, "TimeoutError", "hangs", timeout_s=0.5),
    Case("takes the message, answers after the timeout", AGAIN, "TimeoutError", "late", timeout_s=0.5),
    Case("resets the connection", OWED, "ClientOSError", "reset"),
    http("301 elsewhere", OWED, f"HTTP 301{MOVED}", headers="\nLocation: http://127.0.0.1:1/"),
    http("307 elsewhere", OWED, f"HTTP 307{MOVED}", headers="\nLocation: http://127.0.0.1:1/"),
    http("400", GIVEN_UP),
    http("401", OWED),
    http("404", OWED),
    http("410", GIVEN_UP),
    http("413", GIVEN_UP),
    http("422", GIVEN_UP),
    http("429 with seconds", OWED, pause_s=90, headers="\nRetry-After: 90"),
    http("429 with a date", OWED, pause_s=90, headers="\nRetry-After: DATE"),
    http("500", OWED),
    http("502", OWED),
    http("503", OWED),
    *TLS,
    Case("answers 200, its body never ends", ONCE, answer="200\nContent-Length: 1000000"),
    Case("takes the message, closes without an answer", AGAIN, "ServerDisconnectedError", "closes"),
)  # fmt: skip


def smtp(stage: str, reply: str, fate: Fate, said: str = "", note: str = "") -> Case:
    return Case(f"{reply[:3]} at {stage}{note}", fate, said or f"SMTP {reply[:3]} at {stage}", f"{stage} {reply}")


MAIL_CASES = (
    Case("accepts", ONCE),
    *(smtp(stage, f"{code} no", OWED) for stage, codes in {
        "CONNECT": (421, 554), "EHLO": (421, 550), "STARTTLS": (454, 501), "AUTH": (454, 535), "MAIL": (451, 550),
      }.items() for code in codes),
    smtp("MAIL", "552 5.3.4 too big", GIVEN_UP),
    smtp("RCPT", "450 4.7.1 greylisted", OWED),
    smtp("RCPT", "452 4.2.2 full", OWED),
    smtp("RCPT", "552 5.2.2 full", OWED),
    smtp("RCPT", "550 5.1.1 no such user", GIVEN_UP),
    smtp("RCPT", "553 no such name", GIVEN_UP),
    smtp("RCPT", "550 5.7.1 relaying denied", OWED, note=", relaying denied (5.7.1)"),
    smtp("DATA", "451 later", OWED),
    smtp("DATA", "554 no", GIVEN_UP),
    smtp("END", "451 later", OWED, "SMTP 451 at DATA", " of the text"),
    smtp("END", "552 too big", GIVEN_UP, "SMTP 552 at DATA", " of the text"),
    smtp("END", "550 5.7.1 spam", GIVEN_UP, "SMTP 550 at DATA", " of the text"),
    Case("STARTTLS not offered", OWED, "the server does not offer STARTTLS", "NOSTARTTLS"),
    Case("AUTH not offered", OWED, "the server does not offer AUTH", "NOAUTH"),
    Case("takes nothing within the timeout", OWED, "at CONNECT", "CONNECT hangs", timeout_s=0.5),
    Case("resets the connection", OWED, "at CONNECT", "CONNECT closes"),
    Case("takes the text, closes without an answer", AGAIN, "at MAIL", "END closes"),
    Case("accepts, then closes", ONCE, "", "QUIT closes"),
    Case("accepts, then 421 at QUIT", ONCE, "", "QUIT 421 bye"),
    *TLS,
)  # fmt: skip
KINDS: Final = {
    "webhook": 'secret_file = "secret"',
    "alertmanager-webhook": 'token_file = "secret"',
    "alertmanager": 'token_file = "secret"',
    "pagerduty": 'routing_key_file = "secret"',
    "cloudevents": "",
}
CELLS = [(kind, case) for kind in KINDS for case in HTTP_CASES] + [("email", case) for case in MAIL_CASES]


class Server:
    """A server that misbehaves as a case says until it is healed, and keeps what it took."""

    def __init__(self, case: Case, folder: Path, serve: Serve) -> None:
        self.case, self.folder, self.serve = case, folder, serve
        self.sick = True
        self.taken: list[str] = []
        self.port = 0
        self.tasks: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._met, "127.0.0.1", self.port, ssl=self._tls())
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await asyncio.sleep(0.01)  # connections that were aborted are closed in the loop's next turn

    def _tls(self) -> ssl.SSLContext | None:
        if not self.case.certificate:
            return None
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.folder / f"{self.case.certificate if self.sick else 'good'}.pem")
        return made

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(self, reader, writer)
                writer.close()
                await asyncio.wait_for(writer.wait_closed(), 1)
        finally:
            writer.transport.abort()


async def serve_http(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take one request and answer it as the case says."""
    answer = server.case.answer if server.sick and server.case.answer else "204"
    if answer == "hangs":
        await asyncio.sleep(2)
        return
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(h.split(":")[1]) for h in head.lower().split("\r\n") if h.startswith("content-length"))
    body = (await reader.readexactly(length)).decode()
    if answer == "reset":
        plug = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return
    if answer in ("late", "closes") or answer.startswith("2"):
        server.taken.append(body)
    if answer == "late":
        await asyncio.sleep(2)
    if answer in ("late", "closes"):
        return
    code, _, headers = answer.partition("\n")
    when = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    lines = [f"HTTP/1.1 {code} X", "Connection: close", *filter(None, headers.replace("DATE", when).split("\n"))]
    lines += [] if "Content-Length" in headers else ["Content-Length: 0"]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await writer.drain()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(reader.read(), 1)


async def serve_mail(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: C901 - one verb after the other
    """Speak SMTP; at the case's stage say what the case says."""
    stage, _, reply = server.case.answer.partition(" ") if server.sick else ("", "", "")

    async def said(here: str, otherwise: str) -> bool:
        """Answer; returns whether all goes on."""
        if here == stage and reply == "hangs":
            await asyncio.sleep(2)
            return False
        if here == stage and reply == "closes":
            writer.transport.abort()
            return False
        writer.write(f"{reply if here == stage else otherwise}\r\n".encode())
        await writer.drain()
        return True

    if not await said("CONNECT", "220 x"):
        return
    offers = ["x"] + ["STARTTLS"] * (stage == "STARTTLS") + ["AUTH PLAIN"] * (stage != "NOAUTH")
    hello = "\r\n".join([*(f"250-{o}" for o in offers), "250 HELP"])
    plain = {"STARTTLS": "220 go", "AUTH": "235 ok", "MAIL": "250 ok", "RCPT": "250 ok", "RSET": "250 ok"}
    while line := (await reader.readline()).decode():
        verb = line.split()[0].upper()
        if verb in ("EHLO", "HELO"):
            if not await said("EHLO", hello):
                return
        elif verb == "DATA":
            if stage == "DATA":
                await said("DATA", "")
                continue
            await said("DATA", "354 go on")
            text = (await reader.readuntil(b"\r\n.\r\n")).decode()
            if stage != "END" or reply == "closes":
                server.taken.append(str(email.message_from_string(text)["Message-ID"]))
            if not await said("END", "250 ok"):
                return
        elif verb == "QUIT":
            await said("QUIT", "221 bye")
            return
        elif not await said(verb, plain.get(verb, "502 what")):
            return


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("matrix")
    certificates.issue(made)
    (made / "stray").mkdir()
    certificates.issue(made / "stray")
    (made / "stray.pem").write_bytes((made / "stray/good.pem").read_bytes())
    (made / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(made / "ca.pem"))
        yield made


def config_of(folder: Path, kind: str, case: Case, port: int) -> Config:
    if kind == "email":
        security = "tls" if case.certificate else "starttls" if "STARTTLS" in case.answer else "none"
        named = 'username = "u"\npassword_file = "secret"' if "AUTH" in case.answer else ""
        text = f'host = "127.0.0.1"\nport = {port}\nsecurity = "{security}"\nfrom = "l@x.vn"\nto = ["a@x.vn"]\n{named}'
    else:
        text = f'url = "http{"s" * bool(case.certificate)}://127.0.0.1:{port}/"\n{KINDS[kind]}'
    file = folder / "receivers.toml"
    route = '[[routes]]\nrole = "operator"\nreceivers = ["a"]\n'
    file.write_text(f'[receivers.a]\ntype = "{kind}"\ntimeout_s = {case.timeout_s}\n{text}\n{route}')
    return read_config(file)


@pytest.mark.parametrize(("kind", "case"), CELLS, ids=[f"{kind}: {case.does}" for kind, case in CELLS])
def test_a_receiver_that_misbehaves(folder: Path, kind: str, case: Case) -> None:
    server = Server(case, folder, serve_mail if kind == "email" else serve_http)

    async def run() -> None:
        async with server.open():
            config = config_of(folder, kind, case, server.port)
            delivery = Delivery(config.plan)
            delivery.publish(transition())
            async with Sender(config) as sender:
                first = await attempt(sender, config, delivery)
                await judge(first, sender, config, delivery)

    async def judge(first: Outcome, sender: Sender, config: Config, delivery: Delivery) -> None:
        outbox = delivery.outbox
        assert first.accepted == (case.fate == ONCE), first
        assert case.said in first.why
        assert case.pause_s - 60 * (case.pause_s > 0) <= first.pause_s <= case.pause_s
        assert outbox.owed() == {"a": int(case.fate != ONCE)}
        assert len(server.taken) == (case.fate in (ONCE, AGAIN))
        if case.fate == GIVEN_UP:
            for _ in range(REFUSALS_MAX - 1):
                assert not outbox.refused
                await attempt(sender, config, delivery)
            assert [row["why"] for row in outbox.refused.values()] == [first.why]
            assert [one.given_up for one in outbox.undelivered(NOW)] == [True]
            assert outbox.owed() == {"a": 0}
            delivery.publish(transition(unit="12691"))  # and what comes next is tried
        server.sick = False
        if case.certificate or "STARTTLS" in case.answer:
            return  # the fake that is healed speaks without TLS
        for _ in range(6):
            if outbox.owed()["a"] or case.fate == GIVEN_UP:
                await attempt(sender, config, delivery)
        assert (len(server.taken), len(set(server.taken))) == (2 if case.fate == AGAIN else 1, 1)
        assert outbox.owed() == {"a": 0}
        assert not outbox.undelivered("2024-07-01T09:00:00+07:00")

    asyncio.run(run())


async def attempt(sender: Sender, config: Config, delivery: Delivery) -> Outcome:
    """Send what is due, once, as the notifier does."""
    situation = Situation(NOW)
    delivery.read(situation)
    outcome = Outcome(accepted=True)
    for message in delivery.outbox.due(situation, delivery.clock):
        delivery.outbox.begin(message)
        outcome = await sender.send(message, Context(config, NAMES))
        if outcome.accepted:
            delivery.outbox.sent(message)
        else:
            delivery.outbox.failed(message, 0.0, outcome.why, for_good=outcome.for_good)
    return outcome


def test_the_table_of_the_documents_is_this_one() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for cases in (HTTP_CASES, MAIL_CASES):
        for case in cases:
            assert f"| {case.does} | {case.fate} | {f'`{case.said}`' if case.said else ''} |" in text, case.does
    fates = Counter(case.fate for _, case in CELLS)
    counts = ", ".join(f"{fate}: {fates[fate]}" for fate in (ONCE, AGAIN, OWED, GIVEN_UP))
    assert f"{len(CELLS)} cells ({counts})" in text, f"{len(CELLS)} cells ({counts})"
