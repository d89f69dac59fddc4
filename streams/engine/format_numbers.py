"""Formats: every table, memo and topic has a number, which is raised where a release could not read what is written.

A record says it in its header `format`, and a state in that of its position row. What says none was written before
there were numbers: format 1. Knows nothing of lotrinh, whose numbers stand in `streams/broker/formats.py`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from orjson import JSONDecodeError, dumps, loads

HEADER: Final = "format"
MEMO: Final = "memo"
"""stands among an application's tables for what it keeps with the position"""
LATER: Final = "run the release that wrote it, or a later one (docs/operations.md, Roll back)"
UNKNOWN: Final = 0
"""of a header that holds no number"""

Headers = Iterable[tuple[str, bytes | None]]


class Format(NamedTuple):
    """What a release writes, and the oldest format that it still reads."""

    writes: int = 1
    oldest: int = 1

    def refusal(self, what: str, found: int) -> str | None:
        """Return the sentence with which a process stops that has met `found`; None where it can be read."""
        if self.oldest <= found <= self.writes:
            return None
        reads = f"format {self.writes}" if self.oldest == self.writes else f"formats {self.oldest} to {self.writes}"
        if 0 < found < self.oldest:
            remedy = "upgrade by way of a release that reads both (docs/operations.md, Upgrade)"
        else:
            remedy = LATER
        said = "a format that is no number" if found == UNKNOWN else f"format {found}"
        return f"{what} is in {said}, this release reads {reads}; nothing was written: {remedy}"


FIRST: Final = Format()
Formats = Mapping[str, Format]
"""table, memo or full topic name → its format; what is not named has the first one"""


def stamp(of: Format) -> tuple[tuple[str, bytes], ...]:
    """Return the header of a record that is written now."""
    return ((HEADER, b"%d" % of.writes),)


def found_in(headers: Headers) -> int:
    """Return the format that a record says it is in."""
    for name, said in headers:
        if name == HEADER:
            return int(said) if said is not None and said.isdigit() else UNKNOWN
    return 1


def stamp_of_state(formats: Formats, kinds: Iterable[str]) -> tuple[tuple[str, bytes], ...]:
    """Return the header of a position row: the formats of all tables, and of the memo."""
    return ((HEADER, dumps({kind: formats.get(kind, FIRST).writes for kind in kinds})),)


def refusal_of_state(formats: Formats, kinds: Collection[str], headers: Headers, whose: str) -> str | None:
    """Return why a state is not to be worked on, by its position row; None where all of it can be read.

    `kinds`: the tables and the memo that this release has; one that it does not have is of a later release.
    """
    said = next((value for name, value in headers if name == HEADER), None)
    found = dict.fromkeys(kinds, 1) if said is None else _numbers(said)
    if found is None:
        return FIRST.refusal(f"the state of {whose}", UNKNOWN)
    for kind, number in found.items():
        if kind not in kinds:
            return f"the state of {whose} has {kind}, which this release does not know: {LATER}"
        if (refused := formats.get(kind, FIRST).refusal(f"{kind} of {whose}", number)) is not None:
            return refused
    return None


def _numbers(said: bytes) -> Mapping[str, int] | None:
    try:
        found: Any = loads(said)
    except JSONDecodeError:
        return None
    whole = isinstance(found, dict) and all(isinstance(number, int) for number in found.values())
    return found if whole else None
