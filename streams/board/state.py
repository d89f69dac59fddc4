"""A board in memory, as the server holds it: rows, open alerts, and at which version each last changed. Pure.

Rows stay the bytes they came as; the JSON of a snapshot or a delta is joined from them, never made anew.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import orjson

RECENT_SHOWN: Final = 20


class Row(NamedTuple):
    """A standing as it goes to the page."""

    version: str
    json: bytes
    as_of: str


class Alert(NamedTuple):
    """The latest transition of an alert."""

    id: str
    firing: bool
    json: bytes


class Entry(NamedTuple):
    """One entry of a board's log: what one batch changed. `reload`: too much to be listed."""

    epoch: str
    ver: int
    rows: Mapping[str, Row]
    gone: Iterable[str]
    alerts: Mapping[str, Alert]
    reload: bool = False


def crc_of(lines: Iterable[tuple[str, str]]) -> int:
    r"""Return the CRC-32 of sorted ``key:version`` lines, by which a page checks that it holds what we hold.

    It is the lines that are sorted, not the keys: ``340/communes:…`` comes before ``340:…``.

    >>> crc_of([("i/340", "v1"), ("i/340/communes", "v2")]) == zlib.crc32(b"i/340/communes:v2\ni/340:v1\n")
    True
    """
    return zlib.crc32("".join(sorted(f"{key}:{version}\n" for key, version in lines)).encode())


class BoardState:
    """What one epoch of a board holds at one version."""

    def __init__(self, epoch: str, ver: int, rows: Mapping[str, Row], alerts: Mapping[str, Alert]) -> None:
        """Take a loaded state; what changed before it is known only from `remember`."""
        self.epoch = epoch
        self.ver = ver
        self.rows = dict(rows)
        self.alerts = dict(alerts)
        self.recent: list[bytes] = []
        """latest transitions, newest first"""
        self.as_of = max((row.as_of for row in rows.values()), default=None)
        self.base = ver
        """deltas are known since this version"""
        # Ordered by the version of the last change, oldest first: a delta reads it from the end.
        self._changed: dict[str, int] = {}
        self._alerts_changed: dict[str, int] = {}
        self._crc: tuple[int, int, int] | None = None

    # -- changes -------------------------------------------------------------------------------------------------------

    def remember(self, entries: Iterable[Entry]) -> None:
        """Take note of what the log says changed before this state, so that a page may go on from there."""
        base, following = self.ver, -1
        for entry in entries:
            if entry.epoch != self.epoch or entry.ver > self.ver:
                continue
            if entry.reload or entry.ver != following:
                self._changed.clear()
                self._alerts_changed.clear()
                base = entry.ver if entry.reload else entry.ver - 1
            self._note(entry)
            following = entry.ver + 1
        if following == self.ver + 1:
            self.base = base

    def follows(self, entry: Entry) -> bool:
        """Tell whether an entry can be applied: same epoch, the next version, and all it changed is listed."""
        return entry.epoch == self.epoch and entry.ver == self.ver + 1 and not entry.reload

    def apply(self, entry: Entry) -> None:
        """Apply the entry that follows."""
        if not self.follows(entry):
            raise ValueError(f"version {entry.ver} of {entry.epoch} does not follow {self.ver} of {self.epoch}")
        self.rows.update(entry.rows)
        for key in entry.gone:
            self.rows.pop(key, None)
        self.alerts.update(entry.alerts)
        self.recent = [*(alert.json for alert in reversed(list(entry.alerts.values()))), *self.recent][:RECENT_SHOWN]
        days = [row.as_of for row in entry.rows.values()]
        self.as_of = max([*days, *([self.as_of] if self.as_of is not None else [])], default=None)
        self.ver = entry.ver
        self._note(entry)

    def renew(self, later: "BoardState") -> None:
        """Become a later state of the same epoch, and note what differs."""
        rows = {k: row for k, row in later.rows.items() if k not in self.rows or self.rows[k].version != row.version}
        gone = [key for key in self.rows if key not in later.rows]
        alerts = {k: a for k, a in later.alerts.items() if k not in self.alerts or self.alerts[k].id != a.id}
        self.rows, self.alerts, self.recent = later.rows, later.alerts, later.recent
        self.as_of, self.ver = later.as_of, later.ver
        self._note(Entry(self.epoch, self.ver, rows, gone, alerts))

    def _note(self, entry: Entry) -> None:
        for key in (*entry.rows, *entry.gone):
            self._changed.pop(key, None)
            self._changed[key] = entry.ver
        for fingerprint in entry.alerts:
            self._alerts_changed.pop(fingerprint, None)
            self._alerts_changed[fingerprint] = entry.ver

    # -- what goes out -------------------------------------------------------------------------------------------------

    @property
    def tag(self) -> str:
        """Return ``epoch:ver``, the name of exactly this content."""
        return f"{self.epoch}:{self.ver}"

    def crcs(self) -> tuple[int, int]:
        """Return the checksum of the rows and that of the open alerts."""
        if self._crc is None or self._crc[0] != self.ver:
            rows = crc_of((key, row.version) for key, row in self.rows.items())
            alerts = crc_of((name, alert.id) for name, alert in self.alerts.items() if alert.firing)
            self._crc = (self.ver, rows, alerts)
        return self._crc[1:]

    def open_alerts(self) -> list[bytes]:
        """Return the transitions of the alerts that are firing, by fingerprint."""
        return [alert.json for _, alert in sorted(self.alerts.items()) if alert.firing]

    def delta(self, since: int) -> bytes | None:
        """Return all that changed after a version, as one absolute delta; None where a snapshot serves better."""
        if since < self.base or since > self.ver:
            return None
        keys = list(_after(self._changed, since))
        if len(keys) > 64 and 2 * len(keys) > len(self.rows):
            return None
        rows = b",".join(_member(key, self.rows[key].json) for key in keys if key in self.rows)
        gone = [key for key in keys if key not in self.rows]
        changed = [(name, self.alerts[name]) for name in _after(self._alerts_changed, since)]
        alerts = b",".join(_member(name, alert.json) for name, alert in reversed(changed))
        head = orjson.dumps({"epoch": self.epoch, "prev": since, "ver": self.ver, "as_of": self.as_of, "gone": gone})
        return b"".join((head[:-1], b',"rows":{', rows, b'},"alerts":{', alerts, b"}}"))

    def snapshot(self, about: Mapping[str, object]) -> bytes:
        """Return everything; `about` says when and how fresh."""
        rows_crc, alerts_crc = self.crcs()
        head = orjson.dumps(
            {"epoch": self.epoch, "ver": self.ver, **about, "as_of": self.as_of, "crc": rows_crc, "acrc": alerts_crc}
        )
        rows = b",".join(self.rows[key].json for key in sorted(self.rows))
        alerts, recent = b",".join(self.open_alerts()), b",".join(self.recent)
        return b"".join((head[:-1], b',"rows":[', rows, b'],"alerts":[', alerts, b'],"recent":[', recent, b"]}"))


def _after(changed: dict[str, int], since: int) -> Iterator[str]:
    """Yield the keys that changed after a version, latest first."""
    for key, ver in reversed(changed.items()):
        if ver <= since:
            return
        yield key


def _member(key: str, value: bytes) -> bytes:
    return orjson.dumps(key) + b":" + value
