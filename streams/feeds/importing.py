"""Reads files of events and publishes them: JSON lines as they are, tables through a mapping.

A row that is no event goes nowhere and is reported with its line number; all others are acknowledged before the import
returns. Importing a file again changes nothing: the merge sees the same facts.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from models.dossiers.events import Event, Refused, decode
from models.registers.codes import Codes
from streams.errors import BadInput
from streams.feeds.aliases import renamed
from streams.feeds.mapping import Mapper, RowError
from streams.feeds.publisher import Publisher
from streams.files.rows import UNREADABLE, FileNotes, UnreadRow, open_unpacked, rows_of


class Line(NamedTuple):
    """One event of a file, ready to be published, or why it is none."""

    number: int
    event: Event | Refused
    value: bytes
    read: int
    """bytes of the file read so far"""
    column: str = ""
    """of a refused row, where one is to blame"""


def json_lines(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """Yield (line number, bytes, bytes read, unpacked) of each line that is not blank. Raises BadInput."""
    read = 0
    try:
        with open_unpacked(path) as file:
            for number, raw in enumerate(file, start=1):
                read += len(raw)
                line = raw.strip()
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line:
                    yield number, line, read
    except UNREADABLE as exc:
        raise BadInput(f"{path}: cannot be read further ({exc})") from exc


def lines_of_json(path: Path, codes: Codes = "ascii") -> Iterator[Line]:
    """Yield the events of a file of JSON lines."""
    for number, line, read in json_lines(path):
        yield Line(number, decode(line, codes=codes), line, read)


def under_one_code(lines: Iterator[Line], aliases: Mapping[str, str], codes: Codes = "ascii") -> Iterator[Line]:
    """Yield events with second codes of dossiers replaced (contract: the importer resolves aliases)."""
    for line in lines:
        dossier = None if isinstance(line.event, Refused) else aliases.get(line.event.dossier)
        if dossier is None:
            yield line
        else:
            value = renamed(line.value, dossier)
            yield line._replace(event=decode(value, codes=codes), value=value)


@dataclass
class MappingCourse:
    """What became of the rows of a file that goes through a mapping."""

    notes: FileNotes = field(default_factory=FileNotes)
    rows: int = 0
    by_rule: Counter[int] = field(default_factory=Counter)
    """rule → rows that it made an event of"""
    by_none: int = 0
    """rows that no rule took"""


def lines_of_rows(
    path: Path, mapper: Mapper, codes: Codes = "ascii", course: MappingCourse | None = None
) -> Iterator[Line]:
    """Yield the events that a mapping makes of a file's rows (CSV, XLSX, JSON); a row makes all of its events or none.

    Raises BadInput where the file cannot be read, or has not the columns that the mapping asks for.
    """
    course = course or MappingCourse()
    for row in rows_of(path, mapper.columns(), mapper.form(), course.notes):
        course.rows += 1
        if isinstance(row, UnreadRow):
            yield Line(row.line, Refused(row.reason), b"", row.read, row.column)
            continue
        try:
            made = mapper.events(row.cells)
        except RowError as exc:
            yield Line(row.line, Refused(str(exc)), b"", row.read, exc.column)
            continue
        events = [decode(one.value, codes=codes) for one in made]
        if (bad := next((e for e in events if isinstance(e, Refused)), None)) is not None:
            yield Line(row.line, bad, b"", row.read)
            continue
        course.by_none += not made
        for one, event in zip(made, events, strict=True):
            course.by_rule[one.rule] += 1
            yield Line(row.line, event, one.value, row.read)


class Imported(NamedTuple):
    """What an import did."""

    published: int
    refused: int


async def publish_lines(
    publisher: Publisher, lines: Iterator[Line], refuse: Callable[[Line], None], progress: Callable[[int], None]
) -> Imported:
    """Publish a file's events; returns when all are acknowledged."""
    refused = 0
    for line in lines:
        if isinstance(line.event, Refused):
            refused += 1
            refuse(line)
        else:
            await publisher.publish(line.event.type, line.event.dossier, line.value)
        progress(line.read)
    await publisher.flush()
    return Imported(publisher.published, refused)
