"""Where closed periods are kept: the topic `periods`, which forgets nothing, or a file beside a file of events.

Closings are only ever added. Of several under one key the first holds, so that two people who close at the same time
cannot replace one another.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from pydantic_core import to_json

from models.reporting.closed_period import Closing
from streams.broker import formats, topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.reading import records_of
from streams.errors import BadInput
from streams.settings import Settings

RECORD_BYTES_MAX = 64 << 20
"""Bytes of a closing's record at most, before compression."""


def key_of(closing: Closing) -> str:
    """Return decision/period/sequence."""
    return f"{closing.decision}/{closing.period}/{closing.sequence}"


def _each_once(found: Iterable[tuple[str, bytes]]) -> list[Closing]:
    """Read closings, by decision, period and sequence. Raises BadInput, naming where it stands."""
    first: dict[tuple[str, str, int], Closing] = {}
    for where, raw in found:
        try:
            closing = Closing.read(raw)
        except ValueError as exc:
            raise BadInput(f"{where}: {exc}") from exc
        first.setdefault((closing.decision, closing.period, closing.sequence), closing)
    return [first[key] for key in sorted(first)]


def of_topic(settings: Settings) -> list[Closing]:
    """Return every closing of the running system. Raises BadInput."""
    records: Iterable[Any] = records_of(settings, topics.PERIODS)
    return _each_once((f"{r.topic}-{r.partition} @ {r.offset}", r.value or b"") for r in records)


def publish(settings: Settings, closing: Closing) -> None:
    """Add a closing to the topic. Raises BadInput where another one of the same key came first."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap(settings).split(","), acks="all", compression_type="gzip",
        max_request_size=RECORD_BYTES_MAX, **client_options(settings),
    )  # fmt: skip
    try:
        producer.send(
            settings.topic(topics.PERIODS), to_json(closing), key=key_of(closing).encode(),
            headers=formats.stamped(topics.PERIODS),
        ).get(30)  # fmt: skip
    except KafkaError as exc:
        raise BadInput(f"the closing was not accepted by Kafka: {type(exc).__name__}") from exc
    finally:
        producer.close()
    holds = next(c for c in of_topic(settings) if key_of(c) == key_of(closing))
    if holds.digest != closing.digest:
        raise BadInput(f"period {closing.period} was closed by someone else at {holds.closed_at}; that closing holds")


def of_file(path: Path | None) -> list[Closing]:
    """Return the closings of a file, one JSON object a line; none where there is no file yet. Raises BadInput."""
    if path is None or not path.exists():
        return []
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    return _each_once((f"{path}, line {n}", line) for n, line in enumerate(lines, start=1) if line.strip())


def add_to_file(path: Path, closing: Closing) -> None:
    """Add a closing to a file. Raises BadInput."""
    try:
        with path.open("ab") as file:
            file.write(to_json(closing) + b"\n")
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
