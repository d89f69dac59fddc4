"""Why Kafka does not answer: clients say `KafkaTimeoutError` of everything, so what they do is done here step by step.

A name is looked up, a connection made, TLS negotiated, a log-in tried, and the brokers that Kafka names are tried
likewise. The first step that fails is the reason. Frames are those of Kafka's protocol, in versions that every broker
since 1.0 knows.
"""

import asyncio
import socket
import ssl
import struct
from typing import Any, Final, NamedTuple, Protocol

from aiokafka.errors import KafkaError
from kafka.net.sasl import get_sasl_mechanism

from streams.broker.connection import client_options, context
from streams.broker.tls import NO_TLS, meaning
from streams.errors import BadInput, NoAnswer
from streams.settings import Settings

STEP_S: Final = 3.0
"""each step may take"""
FRAME_MAX: Final = 1 << 20
_HANDSHAKE, _VERSIONS, _AUTHENTICATE, _METADATA = (17, 1), (18, 0), (36, 0), (3, 4)
_UNSUPPORTED_MECHANISM: Final = 33
_ILLEGAL_STATE: Final = 34
_ANY_MECHANISM: Final = "NONE"
"""no broker has it, and every one that wants a log-in says which it has"""


class BrokerAddress(NamedTuple):
    """Of a broker."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as settings write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Startable(Protocol):
    """A client of aiokafka."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""


class _Failed(Exception):  # noqa: N818 - what was found, not a fault of the program
    """A step has failed; the text is a clause whose subject is the broker."""


def no_answer_of(exc: BaseException, settings: Settings) -> str:
    """Return why a client got no answer: what was found step by step, else the client's own word."""
    return why_unreachable(settings) or f"Kafka at {settings.kafka} does not answer: {type(exc).__name__}"


async def started(*clients: Startable, settings: Settings) -> None:
    """Start clients one after the other. Raises NoAnswer saying why one of them cannot be had; none is left running."""
    try:
        for client in clients:
            await client.start()
    except KafkaError as exc:
        for client in clients:
            await client.stop()
        raise NoAnswer(await asyncio.to_thread(no_answer_of, exc, settings)) from exc


def why_unreachable(settings: Settings) -> str | None:
    """Return in one sentence why Kafka cannot be used; None where every step succeeds. Raises BadInput for bad files.

    One bootstrap server that answers is enough; then the brokers that it names are asked.
    """
    found: list[str] = []
    brokers: list[BrokerAddress] | None = None
    for address in _addresses(settings.kafka or ""):
        try:
            brokers = _ask(address, settings)
            break
        except _Failed as exc:
            found.append(f"Kafka at {address} {exc}")
    if brokers is None:
        return "; ".join(dict.fromkeys(found)) or None
    for address in brokers:
        try:
            _ask(address, settings)
        except _Failed as exc:
            return f"Kafka names a broker {address}, and that one {exc} (advertised.listeners of the broker)"
    return None


def _addresses(servers: str) -> list[BrokerAddress]:
    found = []
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise BadInput(f"LOTRINH_KAFKA: {server.strip() or 'nothing'} is no host:port")
        found.append(BrokerAddress(host.strip("[]"), int(port)))
    return found


def _ask(address: BrokerAddress, settings: Settings) -> list[BrokerAddress]:
    """Do all that a client does to one broker, and return the brokers that it names."""
    secured = settings.kafka_security
    with _connected(address) as plain:
        try:
            link = plain if not secured.endswith("SSL") else _over_tls(plain, address, settings)
            with link:
                _call(link, _VERSIONS, b"")
                if secured.startswith("SASL"):
                    _log_in(link, settings)
                elif _mechanisms(link) is not None:
                    raise _Failed("asks for a log-in: set LOTRINH_KAFKA_SECURITY to SASL_SSL or SASL_PLAINTEXT")
                return _brokers(_call(link, _METADATA, struct.pack(">ib", 0, 0)))
        except ssl.SSLEOFError as exc:
            # A Kafka without TLS takes the handshake for a request, and closes.
            raise _Failed(_of_tls(exc, settings, plain=_speaks_plain(address))) from exc
        except ssl.SSLError as exc:
            raise _Failed(_of_tls(exc, settings)) from exc
        except TimeoutError as exc:
            raise _Failed(
                f"does not answer: it said nothing for {STEP_S:.0f} s; is it a Kafka that listens there?"
            ) from exc
        except OSError as exc:
            raise _Failed(
                f"does not answer: it broke off the connection ({exc.strerror or type(exc).__name__})"
            ) from exc


def _connected(address: BrokerAddress) -> socket.socket:
    try:
        return socket.create_connection(address, timeout=STEP_S)
    except socket.gaierror as exc:
        raise _Failed("does not answer: there is no such host name (LOTRINH_KAFKA)") from exc
    except ConnectionRefusedError as exc:
        raise _Failed("does not answer: nothing listens on that port") from exc
    except TimeoutError as exc:
        raise _Failed(
            f"does not answer: no way to it within {STEP_S:.0f} s; a firewall, or a host that is away"
        ) from exc
    except OSError as exc:
        raise _Failed(f"does not answer: no way to it ({exc.strerror or type(exc).__name__})") from exc


def _over_tls(plain: socket.socket, address: BrokerAddress, settings: Settings) -> socket.socket:
    return context(settings).wrap_socket(plain, server_hostname=address.host)


def _speaks_plain(address: BrokerAddress) -> bool:
    try:
        with _connected(address) as link:
            return bool(_call(link, _VERSIONS, b""))
    except (_Failed, OSError):
        return False


def _of_tls(exc: ssl.SSLError, settings: Settings, *, plain: bool = False) -> str:
    text = NO_TLS if plain else meaning(exc, "LOTRINH_KAFKA") or f"broke off the handshake ({type(exc).__name__})"
    if text == NO_TLS:
        other = {"SASL_SSL": "SASL_PLAINTEXT", "SSL": "PLAINTEXT"}[settings.kafka_security]
        return f"{text}: ask its TLS port, or set LOTRINH_KAFKA_SECURITY to {other}"
    return text


# -- Kafka's protocol --------------------------------------------------------------------------------------------------


def _call(link: socket.socket, call: tuple[int, int], body: bytes) -> bytes:
    """Send a request, and return the body of its answer."""
    head = struct.pack(">hhih", *call, 7, 7) + b"lotrinh"
    link.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
    size = _take(link, 4)
    if size[:2] in (b"\x15\x03", b"\x16\x03"):
        raise _Failed("speaks TLS on this port: set LOTRINH_KAFKA_SECURITY to SSL or SASL_SSL")
    (length,) = struct.unpack(">i", size)
    if not 4 <= length <= FRAME_MAX:
        raise _Failed("is no Kafka: it answers something else")
    return _take(link, length)[4:]


def _take(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = link.recv(size - len(data))
        if not more:
            if data[:2] == b"\x15\x03":
                break
            raise ConnectionResetError(None, "it closed")
        data += more
    return data


def _mechanisms(link: socket.socket, wanted: str = _ANY_MECHANISM) -> list[str] | None:
    """Ask for a mechanism; return those the broker has instead, none where it has that one, None without log-in."""
    answer = _call(link, _HANDSHAKE, _text(wanted))
    code, count = struct.unpack_from(">hi", answer)
    if code == _ILLEGAL_STATE:
        return None
    if code != _UNSUPPORTED_MECHANISM:
        return []
    names, at = [], 6
    for _ in range(max(0, count)):
        name, at = _read_text(answer, at)
        names.append(name)
    return names or ["?"]


def _log_in(link: socket.socket, settings: Settings) -> None:
    options: dict[str, Any] = client_options(settings)
    wanted = settings.kafka_sasl_mechanism
    others = _mechanisms(link, wanted)
    if others is None:
        plain = settings.kafka_security.removeprefix("SASL_")
        raise _Failed(f"takes no log-in on this port: set LOTRINH_KAFKA_SECURITY to {plain}")
    if others:
        raise _Failed(f"has no mechanism {wanted}, but {', '.join(others)}: set LOTRINH_KAFKA_SASL_MECHANISM")
    mechanism = get_sasl_mechanism(wanted)(
        sasl_mechanism=wanted,
        sasl_plain_username=options["sasl_plain_username"],
        sasl_plain_password=options["sasl_plain_password"],
    )
    while not mechanism.is_done():
        said = mechanism.auth_bytes()
        answer = _call(link, _AUTHENTICATE, struct.pack(">i", len(said)) + said)
        (code,) = struct.unpack_from(">h", answer)
        if code:
            user = settings.kafka_username or ""
            raise _Failed(
                f"refuses user {user!r} or the password: see LOTRINH_KAFKA_USERNAME, LOTRINH_KAFKA_PASSWORD_FILE"
            )
        _, at = _read_text(answer, 2)
        (length,) = struct.unpack_from(">i", answer, at)
        try:
            mechanism.receive(answer[at + 4 : at + 4 + length])
        except (ValueError, KeyError) as exc:
            raise _Failed("does not prove that it knows the password: is it another's Kafka?") from exc


def _brokers(answer: bytes) -> list[BrokerAddress]:
    """Return the brokers of an answer about metadata."""
    (count,) = struct.unpack_from(">i", answer, 4)
    found, at = [], 8
    for _ in range(max(0, count)):
        host, at = _read_text(answer, at + 4)
        (port,) = struct.unpack_from(">i", answer, at)
        _, at = _read_text(answer, at + 4)
        found.append(BrokerAddress(host, port))
    return found


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", data, at)
    end = at + 2 + max(0, length)
    return data[at + 2 : end].decode("utf-8", "replace"), end
