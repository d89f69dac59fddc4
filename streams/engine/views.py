"""What can be seen of the partitions that a process owns, without touching them."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from faust.types import TP

from streams.engine.partition import Owner
from streams.engine.partitions import Holdings


class ProcessView(Protocol):
    """What of a process is looked at; `Engine` is one."""

    holdings: Holdings
    sources: set[str]
    committed: dict[TP, int]
    consumer: Any


class SourceView(NamedTuple):
    """How far one partition of one source topic has come; positions as Kafka counts them."""

    topic: str
    partition: int
    applied: int
    committed: int
    end: int
    """of the log, by the last fetch; at least what it was at takeover"""


class OwnerView(NamedTuple):
    """One owned source partition."""

    partition: int
    epoch: int
    rows: Mapping[str, int]
    """table → rows"""
    pending: int
    """records applied and not yet committed"""
    sources: tuple[SourceView, ...]
    work: Any
    """the application's, to be read only"""


def owned(engine: ProcessView) -> list[OwnerView]:
    """Return a view of every source partition this process owns; empty while it takes over."""
    return [_view(engine, owner) for _, owner in sorted(engine.holdings.owners.items())]


def _view(engine: ProcessView, owner: Owner) -> OwnerView:
    committed = engine.committed
    sources = []
    for topic in sorted(engine.sources):
        applied = owner.next_of(topic)
        tp = TP(topic, owner.partition)
        end = max(applied, owner.goal.get(topic, 0), log_end(engine, tp))
        sources.append(SourceView(topic, owner.partition, applied, committed.get(tp, 0), end))
    return OwnerView(owner.partition, owner.epoch, owner.row_counts(), owner.pending, tuple(sources), owner.work)


def log_end(engine: ProcessView, tp: TP) -> int:
    """Return where the log ends by the last fetch; 0 where that is not known now."""
    try:
        return int(engine.consumer.highwater(tp) or 0)
    except Exception:  # noqa: BLE001 - between two assignments the client knows nothing of the partition
        return 0
