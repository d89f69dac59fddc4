"""Records of `standings` and `alerts`, read into the facts a board is made of. Pure; a bad record is a value."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

VERSION_HEADER: Final = "version"
VERSION_CHARS_MAX: Final = 120
KEY_CHARS_MAX: Final = 400


class RowFact(NamedTuple):
    """A row of a board is this, at this version; `row` None: it is gone, or not for the wall."""

    decision: str
    key: str
    """``indicator/unit``"""
    version: str
    row: bytes | None


class AlertFact(NamedTuple):
    """The latest transition of an alert, and where it stands in the log."""

    decision: str
    fingerprint: str
    mark: str
    """``partition:offset``, the offset fixed-width: within a partition, larger = newer"""
    at_ms: int
    transition: bytes


class Unreadable(NamedTuple):
    """A record that cannot be shown; the reason never quotes the record."""

    reason: str


def read_standing(
    key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> RowFact | Unreadable:
    """Read a record of `standings`.

    >>> read_standing(b"lak-2022/online-dossiers/24490", None, [("version", b"0000000001.07")])
    RowFact(decision='lak-2022', key='online-dossiers/24490', version='0000000001.07', row=None)
    """
    try:
        parts = (key or b"").decode().split("/", 2)
    except UnicodeDecodeError:
        return Unreadable("the key is no text")
    if len(parts) != 3 or not all(parts) or sum(map(len, parts)) > KEY_CHARS_MAX:
        return Unreadable("the key is not decision/indicator/unit")
    decision, indicator, unit = parts
    if value is None:
        said = next((v for name, v in headers if name == VERSION_HEADER), None) or b""
        version: object = said.decode("ascii", "replace")
        row = None
    else:
        standing = _object(value)
        if standing is None:
            return Unreadable("the value is no JSON object")
        # A unit that no registry knows is no unit of the wall: there may be any number, and their codes anything.
        version, row = standing.get("version"), None if standing.get("unknown") else _one_line(value, standing)
    if not isinstance(version, str) or not _is_version(version):
        return Unreadable("the row has no version")
    return RowFact(decision, f"{indicator}/{unit}", version, row)


def read_alert(value: bytes | None, partition: int, offset: int) -> AlertFact | Unreadable:
    """Read a record of `alerts`."""
    transition = None if value is None else _object(value)
    if value is None or transition is None:
        return Unreadable("the value is no JSON object")
    said = [transition.get(name) for name in ("decision", "fingerprint", "status", "at", "id")]
    if not all(isinstance(text, str) and 0 < len(text) <= KEY_CHARS_MAX for text in said):
        return Unreadable("a transition needs id, fingerprint, status, decision and at")
    try:
        at_ms = int(datetime.fromisoformat(transition["at"]).timestamp() * 1000)
    except ValueError:
        return Unreadable("the transition's time is no instant")
    mark = f"{partition}:{offset:020d}"
    return AlertFact(transition["decision"], transition["fingerprint"], mark, at_ms, _one_line(value, transition))


def for_the_wall(fact: AlertFact) -> AlertFact:
    """Return an alert without its dossiers' codes: the wall is public, and says how many are missing, not which."""
    told = orjson.loads(fact.transition)
    if "dossiers" not in told:
        return fact
    return fact._replace(transition=orjson.dumps({name: said for name, said in told.items() if name != "dossiers"}))


def _object(value: bytes) -> dict[str, Any] | None:
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _one_line(value: bytes, parsed: dict[str, Any]) -> bytes:
    """Return the JSON on one line: a line of an event stream cannot hold more."""
    return value if b"\n" not in value and b"\r" not in value else orjson.dumps(parsed)


def _is_version(version: str) -> bool:
    return 0 < len(version) <= VERSION_CHARS_MAX and version.isascii() and version.isprintable()
