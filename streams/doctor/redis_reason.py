"""Why a Redis behind TLS does not answer: its client says `ConnectionError` of what happens after the handshake."""

import socket
import ssl
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from streams.broker.tls import NO_TLS, context_of, meaning, redis_files
from streams.broker.unreachable import STEP_S
from streams.settings import Settings

REFUSAL_S: Final = 0.5
_PING: Final = b"PING\r\n"


def why_refused(settings: Settings) -> str | None:
    """Return why, as a clause whose subject is the server; None where TLS is not the matter.

    Raises BadInput where a file of TLS is not what it has to be.
    """
    url = urlsplit("" if settings.redis is None else settings.redis.get_secret_value())
    if url.scheme != "rediss":
        return None
    host, port = url.hostname or "", url.port or 6379
    try:
        with (
            socket.create_connection((host, port), STEP_S) as plain,
            context_of(redis_files(settings)).wrap_socket(plain, server_hostname=host) as link,
        ):
            _listen(link)
            link.sendall(_PING)
            link.recv(1)
    except ssl.SSLError as exc:
        return meaning(exc, "LOTRINH_REDIS")
    except OSError:
        return f"{NO_TLS}: ask its TLS port, or begin LOTRINH_REDIS with redis://" if _plain(host, port) else None
    return None


def _listen(link: ssl.SSLSocket) -> None:
    """Wait for a refusal of our certificate, which comes after the handshake and is lost if we write first."""
    link.settimeout(REFUSAL_S)
    with suppress(TimeoutError):
        link.recv(1)
    link.settimeout(STEP_S)


def _plain(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), STEP_S) as link:
            link.sendall(_PING)
            return link.recv(1) in (b"+", b"-")
    except OSError:
        return False
