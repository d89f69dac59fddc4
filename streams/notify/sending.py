"""Sends one message to its receiver, once, and says how that went. Only configured addresses are asked."""

import asyncio
import contextlib
import email.utils
import json
import logging
import smtplib
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Final, NamedTuple, Self

import aiohttp

from models.notification.outbox import Message
from streams.broker.tls import CertificateFault, fault_of
from streams.errors import BadInput
from streams.notify import payloads
from streams.notify.addresses import NOT_ALLOWED, PrivateAddressError, PublicResolver
from streams.notify.config import (
    Alertmanager,
    AlertmanagerWebhook,
    Chat,
    CloudEvents,
    Config,
    Email,
    HttpReceiver,
    PagerDuty,
    Receiver,
    Telegram,
    Webhook,
    Zalo,
)
from streams.notify.payloads import Context, Request
from streams.notify.texts import render

log = logging.getLogger("lotrinh.notify")

REFUSED: Final = frozenset({400, 410, 413, 422})
"""answers that are about what was sent, or about an address that is gone: sending it again would not help"""
NO_SUCH_ADDRESS: Final = frozenset({550, 551, 553, 556})
"""SMTP codes at RCPT that say that the address takes no mail; 552 (mailbox full) passes"""
CERTIFICATE: Final[Mapping[CertificateFault, str]] = {
    "expired": "has expired",
    "self-signed": "is self-signed",
    "unknown-authority": "is signed by an unknown authority",
    "other-host": "is for another host name",
    "not-yet": "is not valid yet",
}
MOVED: Final = frozenset({301, 302, 303, 307, 308})
ZALO_REFUSES: Final = frozenset({-201, -213})
"""Zalo's errors for a parameter that is wrong, and for a user who does not follow the account"""
ANSWER_MAX: Final = 65_536
"""bytes read of a chat service's answer"""
PAUSE_MAX_S: Final = 3_600.0
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64
THREADS: Final = 16
"""mails and chats under way at once"""


class Outcome(NamedTuple):
    """How sending went."""

    accepted: bool
    why: str = ""
    """never an address or a secret"""
    for_good: bool = False
    """the receiver would not have what was sent, or is gone, as opposed to being away"""
    pause_s: float = 0.0
    """asked for by the receiver"""


ACCEPTED: Final = Outcome(accepted=True)


class Sender:
    """Sends messages; holds two HTTP sessions, of which one reaches private networks."""

    def __init__(self, config: Config) -> None:
        """Connect to nothing yet."""
        self._config = config
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """whether private networks may be reached → session"""
        self._threads = ThreadPoolExecutor(THREADS, "notify")

    async def __aenter__(self) -> Self:
        """Open the sessions. Environment proxies are not used: they would be addresses that no file names."""
        verified = ssl.create_default_context()
        for private in (False, True):
            connector = aiohttp.TCPConnector(resolver=None if private else PublicResolver(), ssl=verified)
            self._sessions[private] = aiohttp.ClientSession(
                connector=connector, trust_env=False, headers={"User-Agent": "lotrinh"}
            )
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the sessions; a thread that still sends is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for session in self._sessions.values():
            await session.close()

    async def send(self, message: Message, context: Context) -> Outcome:
        """Send a message; whatever goes wrong on the way is an outcome."""
        receiver = self._config.receivers[message.mailbox.receiver]
        loop = asyncio.get_running_loop()
        try:
            # A thread cannot be called back: it is waited for, so that nothing newer overtakes it. Its steps are timed.
            if isinstance(receiver, Email):
                return await loop.run_in_executor(self._threads, self._mail, receiver, message, context)
            if isinstance(receiver, Chat):
                return await loop.run_in_executor(self._threads, self._chat, message, context)
            return await self._post(receiver, message, self._requests(receiver, message, context))
        except (TimeoutError, aiohttp.ClientError, OSError) as exc:
            return Outcome(accepted=False, why=_trouble(exc))

    @staticmethod
    def _requests(receiver: Receiver, message: Message, context: Context) -> list[Request]:  # noqa: PLR0911 - one per kind
        match receiver:
            case Webhook():
                return payloads.webhook(message, context, int(time.time()))
            case AlertmanagerWebhook():
                return payloads.alertmanager_webhook(message, context)
            case Alertmanager():
                return payloads.alertmanager(message, context)
            case PagerDuty():
                return payloads.pagerduty(message, context)
            case CloudEvents():
                return payloads.cloud_event(message, context)
            case Telegram():
                return payloads.telegram(message, context, receiver.chat)
            case Zalo():
                return payloads.zalo(message, context, receiver.user)
        raise TypeError(f"{type(receiver).__name__} is not spoken to over HTTP")

    async def _post(self, receiver: Receiver, message: Message, requests: list[Request]) -> Outcome:
        """Post one request after the other; all of a message are sent again where one fails."""
        if not self._sessions or not isinstance(receiver, HttpReceiver):
            raise RuntimeError("the sender is not open")
        session = self._sessions[receiver.private]
        url = receiver.url or self._config.secret(message.mailbox.receiver, "url") or ""
        timeout = aiohttp.ClientTimeout(total=receiver.timeout_s)
        for request in requests:
            async with session.post(
                f"{url.rstrip('/')}{request.path}" if request.path else url,
                data=request.body,
                headers=request.headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                if isinstance(receiver, Telegram | Zalo):
                    failed = said_by_chat(answer.status, await _beginning(answer))
                    if failed is not None:
                        return failed
                    continue
                if not 200 <= answer.status < 300:
                    refused = answer.status in REFUSED
                    pause = retry_after_s(answer.headers.get("Retry-After", ""), time.time())
                    moved = ", a redirection, which is not followed: name the new address" * (answer.status in MOVED)
                    return Outcome(False, f"HTTP {answer.status}{moved}", refused, pause)
        return ACCEPTED

    def _mail(self, receiver: Email, message: Message, context: Context) -> Outcome:
        directory = self._config.directories.get(message.mailbox.receiver, {})
        to = directory.get(message.mailbox.unit) or receiver.to[0]
        mail = mail_of(receiver, to, message, context)
        return _mailed(receiver, self._config.secret(message.mailbox.receiver, "password"), to, mail)

    def _chat(self, message: Message, context: Context) -> Outcome:
        import apprise  # noqa: PLC0415 - the extra `notify` may be absent

        rendered = render(message, context.names, self._config.board_url, context.looked_at)
        chat = apprise.Apprise()
        chat.add(self._config.secret(message.mailbox.receiver, "url") or "")
        try:
            done = chat.notify(title=rendered.subject, body=rendered.text)
        except Exception as exc:  # noqa: BLE001 - a plugin's fault is that receiver's, not everybody's
            return Outcome(accepted=False, why=f"Apprise: {type(exc).__name__}")
        return ACCEPTED if done else Outcome(accepted=False, why="Apprise could not deliver")


class _Policy(EmailPolicy):
    """Folds headers as the older `Header` does: the new one loses spaces between encoded words (CPython 3.11)."""

    def fold(self, name: str, value: str) -> str:
        """Return a header in lines."""
        if str(value).isascii():
            folded: str = super().fold(name, value)
            return folded
        return f"{name}: {Header(str(value), 'utf-8', header_name=name).encode(linesep=self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return a header in lines, as bytes."""
        return self.fold(name, value).encode("ascii")


def mail_of(receiver: Email, to: str, message: Message, context: Context) -> EmailMessage:
    """Return a message as a mail: Vietnamese text and HTML; a repeat has the same Message-ID."""
    rendered = render(message, context.names, context.config.board_url, context.looked_at)
    mail = EmailMessage(policy=_Policy())
    mail["Subject"] = rendered.subject
    mail["From"] = receiver.sender
    mail["To"] = to
    mail["Date"] = email.utils.formatdate(localtime=False)
    mail["Message-ID"] = f"<{message.id}@{receiver.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = "vi"
    mail.set_content(rendered.text, charset="utf-8", cte="quoted-printable")
    mail.add_alternative(rendered.html, subtype="html", charset="utf-8", cte="quoted-printable")
    return mail


def _mailed(receiver: Email, password: str | None, to: str, mail: EmailMessage) -> Outcome:
    """Send a mail to one address, encrypted and logged in as the file says; host names are checked.

    The answer to DATA decides. What a server says or does after it changes nothing.
    """
    stage = "CONNECT"
    server: smtplib.SMTP | None = None
    try:
        if receiver.security == "tls":
            server = smtplib.SMTP_SSL(
                receiver.host, receiver.port, timeout=receiver.timeout_s, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(receiver.host, receiver.port, timeout=receiver.timeout_s)
        stage = "EHLO"
        server.ehlo_or_helo_if_needed()
        if receiver.security == "starttls":
            stage = "STARTTLS"
            server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
        if receiver.username is not None:
            stage = "AUTH"
            server.login(receiver.username, password or "")
        stage = "MAIL"
        server.send_message(mail, receiver.sender, [to])
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    except smtplib.SMTPException as exc:
        return _smtp_outcome(exc, stage)
    except OSError as exc:
        return Outcome(False, f"{_trouble(exc)} at {stage}")
    finally:
        if server is not None:
            server.close()
    return ACCEPTED


def _smtp_outcome(exc: smtplib.SMTPException, stage: str) -> Outcome:
    """Return what an answer of a mail server means: 4xx passes; 5xx at RCPT or DATA is about this address or mail.

    5xx at an earlier stage is about this account or server: it stays owed until somebody mends that.
    """
    match exc:
        case smtplib.SMTPRecipientsRefused():
            ((code, text),) = exc.recipients.values()
            policy = text.lstrip().startswith(b"5.7.")  # about who sends: "relaying denied"
            return Outcome(False, f"SMTP {code} at RCPT", code in NO_SUCH_ADDRESS and not policy)
        case smtplib.SMTPDataError():
            return Outcome(False, f"SMTP {exc.smtp_code} at DATA", 550 <= exc.smtp_code <= 559)
        case smtplib.SMTPSenderRefused():
            return Outcome(False, f"SMTP {exc.smtp_code} at MAIL", exc.smtp_code == 552)
        case smtplib.SMTPNotSupportedError():
            return Outcome(False, f"the server does not offer {stage}")
        case smtplib.SMTPResponseException():
            return Outcome(False, f"SMTP {exc.smtp_code} at {stage}")
    return Outcome(False, f"{type(exc).__name__} at {stage}")


def _trouble(exc: BaseException) -> str:
    """Return what went wrong on the way; never an address."""
    if _is_private(exc):
        return NOT_ALLOWED
    inner = getattr(exc, "certificate_error", exc)
    if isinstance(inner, ssl.SSLCertVerificationError):
        fault = fault_of(inner)
        return f"TLS: the certificate {'cannot be verified' if fault is None else CERTIFICATE[fault]}"
    return type(exc).__name__


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in answer.content.iter_chunked(4_096):
        body += chunk
        if len(body) > ANSWER_MAX:
            break
    return body


def said_by_chat(status: int, body: bytes) -> Outcome | None:
    """Return why Telegram or Zalo did not take a message, None where it did: the answer's body decides.

    Zalo answers HTTP 200 with an `error` other than 0; Telegram asks for a pause in `parameters.retry_after`.

    >>> said_by_chat(200, b'{"error": 0}'), said_by_chat(200, b'{"ok": true}')
    (None, None)
    >>> said_by_chat(200, b'{"error": -216, "message": "Access token is invalid"}').why
    'error -216'
    >>> said_by_chat(429, b'{"ok": false, "error_code": 429, "parameters": {"retry_after": 35}}').pause_s
    35.0
    """
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    if 200 <= status < 300 and (said.get("ok") is True or said.get("error") == 0):
        return None
    parameters = said.get("parameters")
    asked = parameters.get("retry_after", "") if isinstance(parameters, dict) else ""
    code = said.get("error", said.get("error_code"))
    number = code if isinstance(code, int) else None
    why = f"HTTP {status}" if number in (None, status) and status >= 300 else f"error {number}"
    why = f"HTTP {status}, an answer that is not the interface's" if number is None and status < 300 else why
    for_good = status in REFUSED or number in ZALO_REFUSES
    return Outcome(False, why, for_good, retry_after_s(str(asked), time.time()))


def check_extras(config: Config) -> None:
    """Raise BadInput where a receiver needs what is not installed, or has a secret that cannot be one."""
    for name, receiver in config.receivers.items():
        if isinstance(receiver, Chat):
            try:
                import apprise  # noqa: PLC0415

                known = apprise.Apprise().add(config.secret(name, "url") or "")
            except ImportError as exc:
                raise BadInput(f"the receiver {name!r} needs Apprise: pip install 'lotrinh[notify]'") from exc
            if not known:
                raise BadInput(f"the url of the receiver {name!r} is none that Apprise knows")
        if isinstance(receiver, Webhook):
            try:
                key = payloads.key_of(config.secret(name, "secret") or "")
            except ValueError as exc:
                raise BadInput(f"the secret of the receiver {name!r} is not base64 (whsec_…)") from exc
            if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
                raise BadInput(
                    f"the secret of the receiver {name!r} has {len(key)} bytes; Standard Webhooks asks for "
                    f"{KEY_BYTES_MIN} to {KEY_BYTES_MAX}"
                )


def retry_after_s(text: str, now: float) -> float:
    """Return the pause that a `Retry-After` asks for, in seconds: a number, or an HTTP date (RFC 9110, 10.2.3).

    `now` is Unix time in seconds. A text that is neither asks for nothing, and nobody asks for more than an hour.

    >>> retry_after_s("90", 0), retry_after_s("0.4", 0), retry_after_s("Thu, 01 Jan 1970 00:01:30 GMT", 0)
    (90.0, 0.4, 90.0)
    >>> retry_after_s("soon", 0), retry_after_s("-5", 0), retry_after_s("nan", 0), retry_after_s("1e9", 0)
    (0.0, 0.0, 0.0, 3600.0)
    """
    try:
        asked = float(text)
    except ValueError:
        try:
            asked = email.utils.parsedate_to_datetime(text).timestamp() - now
        except (TypeError, ValueError, OverflowError):
            return 0.0
    return min(asked, PAUSE_MAX_S) if asked > 0 else 0.0


def _is_private(exc: BaseException | None) -> bool:
    """Tell whether an address was refused by us; aiohttp wraps what a resolver raises."""
    while exc is not None:
        if isinstance(exc, PrivateAddressError) or NOT_ALLOWED in str(exc):
            return True
        exc = exc.__cause__ or getattr(exc, "os_error", None)
    return False
