"""Which addresses may be asked: public ones and this machine; others only where the receivers file allows it.

A host name is judged where it is resolved, at every connection, so that a name which comes to point into a
private network later is refused then.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

NOT_ALLOWED = "an address of a private network; `private = true` allows it"


class PrivateAddressError(OSError):
    """A host name has resolved to addresses that the receivers file does not allow."""

    def __init__(self) -> None:
        """Say what is not allowed; never the address."""
        super().__init__(NOT_ALLOWED)


def check_url(url: str, *, plain_http: bool, private: bool) -> None:
    """Raise ValueError unless this is an address that may be asked; the message never quotes it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as exc:
        raise ValueError("the url is none") from exc
    if any(c.isspace() or not c.isprintable() for c in url):
        raise ValueError("the url holds blanks or control characters")
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise ValueError("a url is https://host/… without name and password")
    if parts.scheme == "http" and not plain_http and not is_loopback(host):
        raise ValueError("http:// reaches loopback only; use https://, or set plain_http = true")
    if not private and not is_loopback(host) and is_private(host):
        raise ValueError(f"the url names {NOT_ALLOWED}")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(host: str) -> bool:
    """Tell whether a host is a numeric address that the internet does not reach: private, link-local, reserved.

    >>> [is_private(host) for host in ("10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "8.8.8.8", "example.vn")]
    [True, True, True, False, False]
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return not (mapped or address).is_global


class PublicResolver(AbstractResolver):
    """Resolves host names, and refuses those that lead into a private network."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        """Ask `inner`; the default is aiohttp's own."""
        self._inner = inner or DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises PrivateAddressError where one of them is not public."""
        found = await self._inner.resolve(host, port, family)
        if host != "localhost" and any(is_private(result["host"]) for result in found):
            raise PrivateAddressError
        return found

    async def close(self) -> None:
        """Let go of what the inner resolver holds."""
        await self._inner.close()
