"""The topic `alerts` as it stands: every transition, where it lies, and where the log leads to it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import orjson

from streams.broker import topics
from streams.broker.reading import records_of
from streams.records.messages import EVIDENCE_HEADER
from streams.settings import Settings


class Told(NamedTuple):
    """A transition as it stands in the topic `alerts`, and where."""

    transition: dict[str, Any]
    value: bytes
    partition: int
    offset: int
    evidence: Mapping[str, Any] | None
    """where the log leads to it; None: raised by an older lotrinh"""


def told_alerts(settings: Settings) -> list[Told]:
    """Return every transition, partition by partition in their order. Raises BadInput."""
    return [
        Told(orjson.loads(r.value), r.value, r.partition, r.offset, _evidence(r.headers))
        for r in records_of(settings, topics.ALERTS)
    ]


def _evidence(headers: Any) -> Mapping[str, Any] | None:
    said = next((v for name, v in headers if name == EVIDENCE_HEADER), None)
    return None if said is None else cast("Mapping[str, Any]", orjson.loads(said))
