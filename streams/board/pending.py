"""What has been read from Kafka and not yet applied to Redis: facts merged by version, bounded by their keys. Pure."""

from collections import deque
from typing import Final

from streams.board.records import AlertFact, RowFact
from streams.board.store import TRANSITIONS_KEPT, Batch

BATCH_FACTS_MAX: Final = 5_000
"""The facts that one run of the script applies at most; Redis serves nobody else meanwhile (some 10 ms)."""


class Pending:
    """Facts of one board that wait for the next batch; of several about one row the newest stays."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._rows: dict[str, RowFact] = {}
        self._alerts: dict[str, AlertFact] = {}
        self._recent: deque[AlertFact] = deque(maxlen=TRANSITIONS_KEPT)

    def __len__(self) -> int:
        """Return how many facts wait."""
        return len(self._rows) + len(self._alerts)

    def add_row(self, fact: RowFact) -> None:
        """Take a row, unless a newer version of it waits already."""
        known = self._rows.get(fact.key)
        if known is None or known.version < fact.version:
            self._rows[fact.key] = fact

    def add_alert(self, fact: AlertFact) -> None:
        """Take a transition; the log of a partition is read in its order, so the last one read is the newest."""
        self._alerts[fact.fingerprint] = fact
        self._recent.append(fact)

    def keys(self) -> set[str]:
        """Return the keys of the rows that wait, also of those that are to go."""
        return set(self._rows)

    def take(self) -> list[Batch]:
        """Return all that waits, in batches of bounded size, and keep it until `done`."""
        rows = list(self._rows.values())
        alerts = sorted({*self._alerts.values(), *self._recent}, key=lambda fact: (fact.at_ms, fact.mark))
        # A fingerprint's transitions must be applied in the order of its log, whatever their clocks say.
        alerts.sort(key=lambda fact: fact.mark)
        batches = [Batch(rows=rows[i : i + BATCH_FACTS_MAX]) for i in range(0, len(rows), BATCH_FACTS_MAX)]
        batches += [Batch(alerts=alerts[i : i + BATCH_FACTS_MAX]) for i in range(0, len(alerts), BATCH_FACTS_MAX)]
        if len(batches) == 2 and len(rows) + len(alerts) <= BATCH_FACTS_MAX:
            return [Batch(rows=rows, alerts=alerts)]
        return batches or [Batch()]

    def clear(self) -> None:
        """Forget everything: it has been applied, or will be read again."""
        self._rows.clear()
        self._alerts.clear()
        self._recent.clear()


class Watermark:
    """How recent the data is: Kafka's timestamps of what was seen.

    Watch's heartbeats say it: each names the partition it comes from and is written together with the standings it
    stands for, so the slowest partition decides, and a night without dossiers is no silence. Before the first of them,
    the newest record.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._newest = 0
        self._beats: dict[str, int] = {}
        self.clock = "none"
        """who vouches for freshness: `heartbeats` or `none`"""

    def record(self, ms: int) -> None:
        """Take note of a standing or an alert."""
        self._newest = max(self._newest, ms)

    def beat(self, source: str, ms: int) -> None:
        """Take note of a heartbeat of one partition of watch."""
        self.clock = "heartbeats"
        self._beats[source] = max(self._beats.get(source, 0), ms)

    @property
    def ms(self) -> int:
        """Return the watermark, Unix time in milliseconds; 0 while nothing has been seen."""
        return min(self._beats.values()) if self._beats else self._newest
