"""Reads files of events and publishes them: JSON lines as they are, CSV through a mapping.

A row that is no event goes nowhere and is reported with its line number; all others are acknowledged before the import
returns. Importing a file again changes nothing: the merge sees the same facts.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from models.dossiers.events import Event, Refused, decode
from models.registers.codes import Codes
from streams.errors import BadInput
from streams.feeds.aliases import renamed
from streams.feeds.mapping import Mapper, RowError
from streams.feeds.publisher import Publisher


class Line(NamedTuple):
    """One event of a file, ready to be published, or why it is none."""

    number: int
    event: Event | Refused
    value: bytes
    read: int
    """bytes of the file read so far"""


def json_lines(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """Yield (line number, bytes, bytes read) of each line that is not blank. Raises BadInput."""
    read = 0
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                read += len(raw)
                line = raw.strip()
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line:
                    yield number, line, read
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc


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


def lines_of_csv(path: Path, mapper: Mapper, codes: Codes = "ascii") -> Iterator[Line]:
    """Yield the events that a mapping makes of a CSV file's rows; the line number is that of the row's last line."""
    counter = _Counted(path)
    with counter.open(mapper.mapping.encoding) as text:
        reader = csv.DictReader(text, delimiter=mapper.mapping.delimiter, restval="", strict=True)
        try:
            for row in reader:
                yield from _of_row(mapper, row, reader.line_num, counter, codes)
        except (csv.Error, UnicodeDecodeError) as exc:
            raise BadInput(f"{path}, after line {reader.line_num}: {exc}") from exc


def _of_row(mapper: Mapper, row: dict[str, Any], number: int, counter: "_Counted", codes: Codes) -> Iterator[Line]:
    try:
        for _, _, value in mapper.events(row):
            yield Line(number, decode(value, codes=codes), value, counter.read)
    except RowError as exc:
        yield Line(number, Refused(str(exc)), b"", counter.read)


class _Counted:
    """A text file that knows how far it has been read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw: IO[bytes] | None = None

    @property
    def read(self) -> int:
        return self._raw.tell() if self._raw is not None else 0

    def open(self, encoding: str) -> io.TextIOWrapper:
        try:
            self._raw = self._path.open("rb", buffering=1 << 16)
            return io.TextIOWrapper(self._raw, encoding=encoding, newline="")
        except (OSError, LookupError) as exc:
            raise BadInput(f"{self._path}: {exc}") from exc


class Imported(NamedTuple):
    """What an import did."""

    published: int
    refused: int


async def publish_lines(
    publisher: Publisher, lines: Iterator[Line], refuse: Callable[[int, str], None], progress: Callable[[int], None]
) -> Imported:
    """Publish a file's events; returns when all are acknowledged."""
    refused = 0
    for line in lines:
        if isinstance(line.event, Refused):
            refused += 1
            refuse(line.number, line.event.reason)
        else:
            await publisher.publish(line.event.type, line.event.dossier, line.value)
        progress(line.read)
    await publisher.flush()
    return Imported(publisher.published, refused)
