"""The page's files, read once: bytes, the same compressed, type and name of content. Nothing else is ever served."""

import gzip
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Final, NamedTuple

TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}


class Asset(NamedTuple):
    """One file."""

    body: bytes
    packed: bytes | None
    """The bytes packed by gzip; None where packing does not make them smaller."""
    content_type: str
    etag: str


def load_assets() -> dict[str, Asset]:
    """Return the files of `static/` by name."""
    assets = {}
    for entry in (resources.files("streams.board") / "static").iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if suffix in TYPES and entry.is_file():
            body = entry.read_bytes()
            packed = gzip.compress(body, 9, mtime=0) if suffix != ".woff2" else None
            assets[entry.name] = Asset(body, packed, TYPES[suffix], hashlib.sha256(body).hexdigest()[:20])
    return assets
