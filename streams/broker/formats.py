"""The formats of all that outlives a process: which this release writes, and the oldest that it reads.

A number is raised in the same commit as a change after which the release before could not read what is written, or
would read it wrongly; what is merely added, and passed over by that release, needs none. docs/operations.md holds the
same table, with the releases that may go back (Formats).
"""

from collections.abc import Mapping
from typing import Final

from streams.broker import topics
from streams.engine.format_numbers import FIRST, MEMO, Format, Formats, Headers, found_in, refusal_of_state, stamp
from streams.errors import BadInput
from streams.settings import Settings

BOARD: Final = "board"
"""what stands in Redis; a board of an earlier format is made anew, for all of it follows from the topics"""
STATE_DIR: Final = "state directory"
"""`ports.json` and `endpoints.json` of `lotrinh up`"""
BACKUP: Final = "backup"
"""the file that `lotrinh backup` writes"""
FIELD: Final = "format"
"""in files of JSON"""

STATES: Final[Mapping[str, Mapping[str, Format]]] = {
    topics.TALLY: {"dossiers": Format(), MEMO: Format()},
    topics.WATCH: {"unit-days": Format(), "gaps": Format(), "alerts": Format(), "announced": Format(), MEMO: Format()},
}
"""application → table, and what is kept with the position → format; of all partitions in their position rows"""
MESSAGES: Final[Mapping[str, Format]] = {
    topics.TICKS: Format(),
    topics.TALLIES: Format(),
    topics.STANDINGS: Format(),
    topics.ALERTS: Format(),
    topics.HEARTBEATS: Format(),
    topics.OPERATORS: Format(writes=2),
    topics.PERIODS: Format(),
    topics.DELIVERIES: Format(),
    topics.DEAD_LETTERS: Format(),
}
"""topic → format of its records, in their headers"""
FILES: Final[Mapping[str, Format]] = {BOARD: Format(), STATE_DIR: Format(), BACKUP: Format()}


class OtherFormat(BadInput):
    """Something is in a format that this release does not read; the message says which, and what to do."""


def of_application(settings: Settings, app: str) -> Formats:
    """Return the formats of an application's tables and memo, and of all topics of ours by their full names."""
    return {**STATES[app], **{settings.topic(name): known for name, known in MESSAGES.items()}}


def stamped(name: str, of: Format | None = None) -> list[tuple[str, bytes]]:
    """Return the header of a record that is written now to a topic (without prefix).

    `of`: an earlier format, of a record that holds nothing which that one lacks: the release before reads it.
    """
    return list(stamp(MESSAGES[name] if of is None else of))


def check_record(name: str, headers: Headers | None, where: str) -> None:
    """Refuse a record of a topic (without prefix) in another format. Raises OtherFormat."""
    known = MESSAGES.get(name)
    if known is not None and (why := known.refusal(name, found_in(headers or ()))) is not None:
        raise OtherFormat(f"{where}: {why}")


def check_state(app: str, headers: Headers | None, where: str) -> None:
    """Refuse the state of an application by the headers of its position row. Raises OtherFormat."""
    if (why := refusal_of_state(STATES[app], STATES[app], headers or (), app)) is not None:
        raise OtherFormat(f"{where}: {why}")


def check_file(kind: str, found: object, where: str) -> None:
    """Refuse a file, or a board, by the number it holds; None is the first format. Raises OtherFormat."""
    number = FIRST.writes if found is None else found if isinstance(found, int) else 0
    if (why := FILES[kind].refusal(where, number)) is not None:
        raise OtherFormat(why)


def numbered(kind: str) -> dict[str, int]:
    """Return the field that a file of JSON carries."""
    return {FIELD: FILES[kind].writes}


def check_board(made_of: str | None, where: str) -> None:
    """Refuse a board that a later release has made. An earlier one is made anew. Raises OtherFormat."""
    number = 1 if made_of is None else int(said) if (said := made_of.partition(":")[0]).isdigit() else 1
    if number > FILES[BOARD].writes:
        check_file(BOARD, number, where)
