"""Where an engine's application runs, and the figures on which its promises rest."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.engine.format_numbers import Formats


@dataclass(frozen=True)
class EngineConfig:
    """Where an engine's application runs, and the figures on which its promises rest."""

    id: str
    """names the group, the changelogs and the transactional ids"""
    bootstrap: str
    fingerprint: str
    """of all that decides what the application derives from its tables"""
    announces: tuple[str, ...]
    """topics that its work may announce to"""
    partitions: int
    reads_back: tuple[str, ...] = ()
    """topics of ours that a partition without any state reads to their end before it begins (`Work.read_back`)"""
    security: Mapping[str, Any] = field(default_factory=dict)
    """aiokafka's connection options beyond the address"""
    faust_credentials: Any = None
    session_timeout_s: float = 10.0
    heartbeat_s: float = 3.0
    transaction_timeout_s: float = 10.0
    pending_records_max: int = 70_000
    fetch_bytes: int = 1 << 20
    kept_state_s: float = 3_600.0
    """how long the state of a partition that went elsewhere is kept; below `delete.retention.ms` of the changelogs"""
    stuck_s: float = 60.0
    """how long one step may wait for the broker before the process ends"""
    formats: Formats = field(default_factory=dict)
    """of tables, of the memo, and of every topic of ours that is read or announced to"""
    wall: Callable[[], float] = time.time
    fault: str | None = None
    """a named fault point (`process_exit.point`), for tests"""

    def client(self) -> dict[str, Any]:
        """Return the options of an aiokafka client."""
        return {"bootstrap_servers": self.bootstrap, **self.security}
