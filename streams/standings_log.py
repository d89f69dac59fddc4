"""The topic `standings` as it stands: of several rows under one key the newest version, wherever each lies.

Arrival decides nothing: a release may have written a unit's rows to another partition than the one before it.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from models.standings import Standing
from streams import topics
from streams.board.records import VERSION_HEADER
from streams.reading_kafka import records_of
from streams.settings import Settings

Headers = Iterable[tuple[str, bytes | None]]


class Newest:
    """key → its newest row; a row that was taken back stays known by its version, so that no older one returns."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._rows: dict[bytes, tuple[str, bytes | None]] = {}

    def take(self, key: bytes, value: bytes | None, headers: Headers) -> None:
        """Take a record in, in any order. A row without a version is older than every row that has one."""
        version = _version_of(value, headers)
        known = self._rows.get(key)
        if known is None or known[0] <= version:
            self._rows[key] = version, value

    def get(self, key: bytes) -> bytes | None:
        """Return the newest row of a key; None where it has none, or no longer."""
        known = self._rows.get(key)
        return None if known is None else known[1]

    def values(self) -> list[bytes]:
        """Return every row that stands, by key."""
        return [value for _, (_, value) in sorted(self._rows.items()) if value is not None]


def _version_of(value: bytes | None, headers: Headers) -> str:
    if value is None:
        said = next((v for name, v in headers if name == VERSION_HEADER), None) or b""
        return said.decode("ascii", "replace")
    version = orjson.loads(value).get("version")
    return version if isinstance(version, str) else ""


def newest_of(records: Iterable[Any]) -> list[Standing]:
    """Return the standings that records of the topic leave, by key."""
    newest = Newest()
    for record in records:
        newest.take(record.key, record.value, record.headers or ())
    return [orjson.loads(value) for value in newest.values()]


def standings_now(settings: Settings) -> list[Standing]:
    """Return every standing of the running system, by key. Raises BadInput."""
    return newest_of(records_of(settings, topics.STANDINGS))
