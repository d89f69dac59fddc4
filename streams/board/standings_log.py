"""The topic `standings` as it stands: of several rows under one key the newest version, wherever each lies.

Arrival decides nothing: a release may have written a unit's rows to another partition than the one before it.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from models.partitioning import partition_of
from models.registers.units import Registry
from models.standings.standings import Standing
from streams.board.records import VERSION_HEADER
from streams.broker import topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.formats import stamped
from streams.broker.reading import records_of
from streams.errors import BadInput
from streams.files.decision_files import read_registry
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


# -- rows that an earlier release has left -----------------------------------------------------------------------------


class Stray(NamedTuple):
    """A row outside of its unit's home partition, where a newer one stands: nobody writes it any more."""

    partition: int
    key: bytes
    version: str


def strays_of(records: Iterable[Any], home: Callable[[str], int]) -> list[Stray]:
    """Return the rows that a newer one in the home partition has replaced; `home`: unit → its partition.

    Readers take the newest version whatever lies elsewhere; but should the newer row be taken back one day, and
    compaction forget it, the older one would stand alone.
    """
    newest: dict[tuple[bytes, int], tuple[str, bool]] = {}
    for record in records:
        version = _version_of(record.value, record.headers or ())
        if newest.get((record.key, record.partition), ("", False))[0] <= version:
            newest[record.key, record.partition] = version, record.value is not None
    found = []
    for (key, partition), (version, stands) in sorted(newest.items()):
        at = home(key.decode(errors="replace").split("/", 2)[-1])
        if stands and partition != at and newest.get((key, at), ("", False))[0] > version:
            found.append(Stray(partition, key, version))
    return found


def strays_now(settings: Settings, registry: Registry) -> list[Stray]:
    """Return the strays of the running system. Raises BadInput."""

    def home(unit: str) -> int:
        return partition_of(registry.home(unit).encode(), settings.partitions, "murmur2")

    return strays_of(records_of(settings, topics.STANDINGS), home)


def take_back_strays(settings: Settings) -> int:
    """Take back what an earlier release has left in other partitions, and return how many rows. Raises BadInput.

    Nothing is written to a home partition, so whatever the workers do meanwhile stands.
    """
    strays = strays_now(settings, read_registry(settings))
    if not strays:
        return 0
    producer = KafkaProducer(bootstrap_servers=bootstrap(settings).split(","), acks="all", **client_options(settings))
    try:
        sent = [
            producer.send(
                settings.topic(topics.STANDINGS), None, key=stray.key, partition=stray.partition,
                headers=[(VERSION_HEADER, stray.version.encode()), *stamped(topics.STANDINGS)],
            )
            for stray in strays
        ]  # fmt: skip
        for future in sent:
            future.get(30)
    except KafkaError as exc:
        raise BadInput(f"Kafka did not take all of it: {type(exc).__name__}; try again") from exc
    finally:
        producer.close()
    return len(strays)
