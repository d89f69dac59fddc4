"""Rows of somebody's export, read as a person reads them: CSV of any making, XLSX, JSON; or refused with a reason.

A row is a mapping from the columns that are wanted to cells. Texts are in NFC and without blanks around them; a cell of
a workbook that holds a time is a time. What a reader decided by itself (encoding, delimiter, rows above the heading) is
noted, so that it can be told.
"""

import codecs
import csv
import gzip
import io
import re
import unicodedata
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

import orjson
import zstandard

from streams.errors import BadInput

TableCell = str | datetime
HEADING_WITHIN: Final = 30
"""rows, the heading included, in which a heading is looked for"""
COLUMNS_SHOWN: Final = 30
LINE_MAX: Final = 1 << 20
"""characters of one line"""
RECORD_LINES_MAX: Final = 100
"""lines over which a quoted cell may go"""
JSON_BYTES_MAX: Final = 512 << 20
"""of a file that is one JSON value, which is read whole"""
WORKBOOK_BYTES_MAX: Final = 1 << 30
"""Bytes of a workbook's parts together, unpacked, at most."""
REMEDY: Final = "save it as CSV UTF-8"
DELIMITERS: Final = (",", ";", "\t", "|")
_INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff"
_UNDECODED: Final = re.compile("[\ud800-\udfff\ufffd]")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
UNREADABLE: Final = (OSError, EOFError, zstandard.ZstdError)
"""What reading raises where a device, or a packed file, breaks off."""


class TableRow(NamedTuple):
    """A row that could be read."""

    line: int
    """of the file, the row's first; the number of the row in a workbook or of the record in JSON"""
    cells: Mapping[str, TableCell]
    read: int
    """bytes of the file read so far"""


class UnreadRow(NamedTuple):
    """A row that could not be read."""

    line: int
    column: str
    """'' where no column is to blame"""
    reason: str
    read: int


@dataclass
class FileNotes:
    """What a reader found and decided by itself."""

    encoding: str = ""
    delimiter: str = ""
    above: int = 0
    """rows above the heading"""
    trimmed: int = 0
    """cells that had blanks around them"""
    absent: Counter[str] = field(default_factory=Counter)
    """column → records of JSON that do not have it"""
    records: int = 0

    def told(self, declared: str | None) -> list[str]:
        """Return sentences for whoever imports; what the mapping declares itself is not told."""
        found = []
        if self.encoding and self.encoding not in ("utf-8", "utf-8-sig") and declared is None:
            found.append(f"read as {self.encoding.upper()}, by its byte order mark")
        if self.delimiter not in ("", ","):
            name = {"\t": "tabulators", ";": "semicolons", "|": "bars"}.get(self.delimiter, repr(self.delimiter))
            found.append(f"cells are separated by {name}")
        if self.above:
            found.append(f"{_counted(self.above, 'row')} above the heading passed over")
        if self.trimmed:
            found.append(f"blanks around {_counted(self.trimmed, 'cell')} left out")
        found += [f"no record has {column!r}" for column, missing in self.absent.items() if missing == self.records > 0]
        return found


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


@dataclass(frozen=True)
class FileForm:
    """What a mapping says of the file itself; None: found by looking."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    rows: str | None = None
    """JSON Pointer to the array of records"""


def tidy(text: str, notes: FileNotes | None = None) -> str:
    """Return a text as texts are compared: in NFC, each run of blanks one blank, none and nothing invisible around it.

    >>> tidy("  Tru\u031b\u0323c \u00a0 tuye\u0302\u0301n\u00a0")
    'Trực tuyến'
    """
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    bare = text.strip()
    if not bare.isascii():
        bare = bare.strip(_INVISIBLE).strip()
    if notes is not None and len(bare) != len(text):
        notes.trimmed += 1
    return " ".join(bare.split())


def rows_of(path: Path, wanted: Collection[str], form: FileForm, notes: FileNotes) -> Iterator[TableRow | UnreadRow]:
    """Yield the rows of a file in any form that is known. Raises BadInput where it cannot be read at all.

    `wanted`: the columns that a mapping asks for, each of which there has to be once.
    """
    try:
        with open_unpacked(path) as file:
            yield from _of_file(path, file, wanted, form, notes)
    except UNREADABLE as exc:
        raise BadInput(f"{path}: cannot be read further ({exc})") from exc


def _of_file(
    path: Path, file: IO[bytes], wanted: Collection[str], form: FileForm, notes: FileNotes
) -> Iterator[TableRow | UnreadRow]:
    head = file.peek(64)[:64] if isinstance(file, io.BufferedReader) else b""
    if head.startswith(_OLD_EXCEL):
        raise BadInput(f"{path}: an Excel file of before 2007 (.xls): save it as .xlsx or as CSV UTF-8")
    if head.startswith(_ZIP):
        yield from _of_workbook(path, wanted, form, notes)
    elif re.match(rb"\s*<(!doctype|html|table|\?xml)", head, re.IGNORECASE):
        raise BadInput(f"{path}: a page of HTML or XML, not a table: save it as .xlsx or as CSV UTF-8")
    elif _looks_json(head):
        yield from _of_json(path, file, wanted, form, notes)
    else:
        yield from _of_text(path, file, wanted, form, notes)


def open_unpacked(path: Path) -> IO[bytes]:
    """Return a file's bytes, unpacked where they are gzip or zstd. Raises BadInput where it cannot be opened."""
    try:
        raw = path.open("rb", buffering=1 << 16)
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    magic = cast("io.BufferedReader", raw).peek(4)[:4]
    if magic.startswith(_GZIP):
        raw.close()
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(path)), 1 << 16)
    if magic == _ZSTD:
        return io.BufferedReader(cast("io.RawIOBase", zstandard.ZstdDecompressor().stream_reader(raw)), 1 << 16)
    return raw


def _looks_json(head: bytes) -> bool:
    return head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")


class FileSample(NamedTuple):
    """The beginning of a file: what its columns are called, and some of its rows."""

    columns: tuple[str, ...]
    rows: list[Mapping[str, TableCell]]


def sample_of(path: Path, form: FileForm, notes: FileNotes, size: int = 500) -> FileSample:
    """Return the beginning of a file whose columns nobody has named yet. Raises BadInput where it cannot be read.

    The heading is the first of the rows with the most different texts among those where one is looked for.
    """
    columns = tuple(_columns(path, form))
    rows: list[Mapping[str, TableCell]] = []
    for row in rows_of(path, columns, form, notes):
        if isinstance(row, TableRow):
            rows.append(row.cells)
        if len(rows) == size:
            break
    return FileSample(columns, rows)


def _columns(path: Path, form: FileForm) -> list[str]:
    with open_unpacked(path) as file:
        head = cast("io.BufferedReader", file).peek(64)[:64]
        if not head.startswith(_ZIP) and not _looks_json(head):
            return _widest(_text_rows(path, file, form))
    if head.startswith(_ZIP):
        with _sheet(path, form) as sheet:
            first = sheet.iter_rows(values_only=True, max_row=HEADING_WITHIN)
            return _widest([[str(_cell(v)) for v in values] for values in first])
    found: dict[str, None] = {}
    for row in rows_of(path, (), form, FileNotes()):
        if isinstance(row, TableRow):
            found |= dict.fromkeys(row.cells)
        if row.line >= HEADING_WITHIN:
            break
    return [*found]


def _text_rows(path: Path, file: IO[bytes], form: FileForm) -> list[list[str]]:
    """Return the first rows of a text by the delimiter that makes the most columns."""
    encoding = encoding_of(cast("io.BufferedReader", file).peek(64)[:64], form.encoding, path)
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        lines = _Lines(path, text, file)
        first = [line for _ in range(HEADING_WITHIN) if (line := lines.next()) is not None]
    finally:
        text.detach()
    tables = [
        [cells for _, cells in _Buffered(first).records(delimiter, None) if isinstance(cells, list)]
        for delimiter in ([form.delimiter] if form.delimiter else DELIMITERS)
    ]
    return max(tables, key=lambda table: max((len(row) for row in table), default=0))


def _widest(rows: Iterable[Sequence[str]]) -> list[str]:
    best: list[str] = []
    for row in rows:
        names = [tidy(cell) for cell in row]
        different = [name for name in names if name and names.count(name) == 1]
        if len(different) > len(best):
            best = different
    return best


# -- text --------------------------------------------------------------------------------------------------------------


def encoding_of(head: bytes, declared: str | None, path: Path) -> str:
    """Return the encoding of a text file: by its byte order mark, as declared, or UTF-8. Raises BadInput."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if declared is not None:
        try:
            return codecs.lookup(declared).name
        except LookupError as exc:
            raise BadInput(
                f"no encoding is called {declared!r}: utf-8, utf-16, cp1258 (Windows, Vietnamese) …"
            ) from exc
    if b"\x00" in head:
        order = "le" if head[1:2] == b"\x00" else "be"
        raise BadInput(f"{path}: looks like UTF-16 without a byte order mark: write `encoding: utf-16-{order}`")
    return "utf-8"


def _of_text(
    path: Path, file: IO[bytes], wanted: Collection[str], form: FileForm, notes: FileNotes
) -> Iterator[TableRow | UnreadRow]:
    notes.encoding = encoding_of(cast("io.BufferedReader", file).peek(64)[:64], form.encoding, path)
    wide = notes.encoding.startswith(("utf-16", "utf-32"))
    text = io.TextIOWrapper(file, encoding=notes.encoding, errors="replace" if wide else "surrogateescape", newline="")
    try:
        yield from _of_lines(path, _Lines(path, text, file), wanted, form, notes)
    finally:
        text.detach()  # whoever opened the file closes it


def _of_lines(
    path: Path, lines: "_Lines", wanted: Collection[str], form: FileForm, notes: FileNotes
) -> Iterator[TableRow | UnreadRow]:
    heading = _heading(path, lines, wanted, form, notes)
    places = {name: place for place, name in enumerate(heading) if name in wanted}
    width = len(heading)
    for first, cells in lines.records(notes.delimiter, width):
        if isinstance(cells, str):
            yield UnreadRow(first, "", cells, lines.read)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != width:
            yield UnreadRow(first, "", f"{len(cells)} cells under {width} headings", lines.read)
            continue
        undecoded = next((n for n, cell in enumerate(cells) if not cell.isascii() and _UNDECODED.search(cell)), None)
        if undecoded is not None:
            name = heading[undecoded] if undecoded < width else ""
            yield UnreadRow(
                first, name, f"column {name!r} holds bytes that are no {notes.encoding.upper()}", lines.read
            )
            continue
        yield TableRow(first, {name: tidy(cells[place], notes) for name, place in places.items()}, lines.read)


class _Lines:
    """The lines of a text, some of which may be given back."""

    def __init__(self, path: Path, text: io.TextIOWrapper, raw: IO[bytes]) -> None:
        self._path, self._text, self._raw = path, text, raw
        self._back: deque[tuple[int, str]] = deque()
        self._number = 0
        self.read = 0

    def next(self) -> tuple[int, str] | None:
        """Return number and text of the next line; None at the end. Raises BadInput."""
        if self._back:
            return self._back.popleft()
        try:
            line = self._text.readline(LINE_MAX + 1)
        except (*UNREADABLE, UnicodeError) as exc:
            raise BadInput(f"{self._path}, after line {self._number}: cannot be read further ({exc})") from exc
        if not line:
            return None
        self._number += 1
        if self._number % 256 == 0:
            self.read = self._raw.tell() if self._raw.seekable() else 0
        if len(line) > LINE_MAX:
            raise BadInput(f"{self._path}, line {self._number}: longer than {LINE_MAX:,} characters; is this a table?")
        return self._number, line

    def give_back(self, lines: Iterable[tuple[int, str]]) -> None:
        """Take lines back, to be had again in their order."""
        self._back.extendleft(reversed([*lines]))

    def records(self, delimiter: str, width: int | None) -> Iterator[tuple[int, list[str] | str]]:
        """Yield (first line, cells, or why there are none) of each record; `width`: how many cells it has to have.

        A quote that is never closed would swallow what follows: then its own line is refused, and no other.
        """
        while (line := self.next()) is not None:
            number, text = line
            if '"' not in text:
                yield number, text.rstrip("\r\n").split(delimiter)
                continue
            taken = [line]
            cells = _parsed(text, delimiter)
            while cells is None and len(taken) < RECORD_LINES_MAX and (more := self.next()) is not None:
                taken.append(more)
                if '"' in more[1]:
                    cells = _parsed("".join(part for _, part in taken), delimiter)
            spread = len(taken) > 1
            if cells is None or (spread and width is not None and len(cells) != width):
                self.give_back(taken[1:])
                yield number, "a quotation mark that is not closed, or stands inside of a cell"
            else:
                yield number, cells


def _parsed(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of one record; None where it is none, or not whole."""
    try:
        found = [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)]
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None


def _heading(path: Path, lines: _Lines, wanted: Collection[str], form: FileForm, notes: FileNotes) -> list[str]:
    """Find heading and delimiter, and leave the lines after it. Raises BadInput naming the columns that there are."""
    first: list[tuple[int, str]] = []
    while len(first) < HEADING_WITHIN and (line := lines.next()) is not None:
        first.append(line)
    if not first:
        raise BadInput(f"{path}: is empty")
    declared = form.delimiter
    start = 0
    if match := re.fullmatch(r"sep=(.)\s*", first[0][1].lstrip("\ufeff"), re.IGNORECASE):
        declared, start = match.group(1), 1
    candidates = [*([declared] if declared else []), *(d for d in DELIMITERS if d != declared)]
    widest: list[str] = []
    for delimiter in candidates:
        buffered = _Buffered(first[start:])
        for number, cells in buffered.records(delimiter, None):
            names = [tidy(cell) for cell in cells] if isinstance(cells, list) else []
            if len([n for n in names if n]) > len(widest):
                widest = [n for n in names if n]
            if wanted and set(wanted) <= set(names):
                notes.delimiter, notes.above = delimiter, number - first[start][0]
                lines.give_back(line for line in first if line[0] > buffered.last)
                _check_once(path, names, wanted)
                return names
    raise BadInput(_no_columns(path, wanted, widest))


class _Buffered(_Lines):
    """Lines that are there already."""

    def __init__(self, lines: Sequence[tuple[int, str]]) -> None:
        super().__init__(Path(), io.TextIOWrapper(io.BytesIO()), io.BytesIO())
        self._back.extend(lines)
        self.last = 0

    def next(self) -> tuple[int, str] | None:
        if not self._back:
            return None
        line = self._back.popleft()
        self.last = line[0]
        return line


def _check_once(path: Path, names: Sequence[str], wanted: Collection[str]) -> None:
    for name in wanted:
        places = [place for place, found in enumerate(names, start=1) if found == name]
        if len(places) > 1:
            where = " and ".join(map(str, places))
            raise BadInput(f"{path}: columns {where} are called {name!r} alike: rename those that are not meant")


def _no_columns(path: Path, wanted: Collection[str], there: Sequence[str]) -> str:
    missing = [name for name in wanted if name not in there]
    lacking = ", ".join(map(repr, missing[:COLUMNS_SHOWN]))
    shown = [_UNDECODED.sub("?", name) for name in there[:COLUMNS_SHOWN]]
    found = ", ".join(map(repr, shown)) + (", …" if len(there) > COLUMNS_SHOWN else "")
    has = "column" if len(missing) == 1 else "columns"
    undecoded = any(_UNDECODED.search(name) for name in there)
    hint = "; it is not UTF-8: write `encoding: cp1258` (Windows, Vietnamese) or another" if undecoded else ""
    return f"{path}: the file has no {has} {lacking}; its columns are {found or 'none'}{hint}"


# -- workbooks ---------------------------------------------------------------------------------------------------------


@contextmanager
def _sheet(path: Path, form: FileForm) -> Iterator[Any]:
    """Give the sheet that a mapping names, else the first. Raises BadInput where it is not there."""
    from streams.files.xlsx import opened  # noqa: PLC0415 - a large library, for workbooks alone

    with opened(path, WORKBOOK_BYTES_MAX, REMEDY) as book:
        if form.sheet is not None and form.sheet not in book.sheetnames:
            there = ", ".join(map(repr, book.sheetnames))
            raise BadInput(f"{path}: there is no sheet {form.sheet!r}; its sheets are {there}")
        yield book[form.sheet] if form.sheet is not None else book.worksheets[0]


def _of_workbook(
    path: Path, wanted: Collection[str], form: FileForm, notes: FileNotes
) -> Iterator[TableRow | UnreadRow]:
    with _sheet(path, form) as sheet:
        yield from _of_grid(path, enumerate(sheet.iter_rows(values_only=True), start=1), wanted, notes)


def _of_grid(
    path: Path, grid: Iterable[tuple[int, Sequence[Any]]], wanted: Collection[str], notes: FileNotes
) -> Iterator[TableRow | UnreadRow]:
    places: dict[str, int] | None = None
    widest: list[str] = []
    for number, values in grid:
        if places is None:
            names = [tidy(str(_cell(v))) for v in values]
            if len([n for n in names if n]) > len(widest):
                widest = [n for n in names if n]
            if wanted and set(wanted) <= set(names):
                _check_once(path, names, wanted)
                places = {name: names.index(name) for name in wanted}
                notes.above = number - 1
            elif number >= HEADING_WITHIN:
                break
            continue
        if any(value not in (None, "") for value in values):
            cells = {name: values[place] if place < len(values) else None for name, place in places.items()}
            yield TableRow(number, {name: _tidied(_cell(value), notes) for name, value in cells.items()}, 0)
    if places is None:
        raise BadInput(_no_columns(path, wanted, widest))


def _cell(value: Any) -> TableCell:
    """Return a value of a workbook or of JSON as a cell: a time, or the text that a person would have typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _tidied(cell: TableCell, notes: FileNotes) -> TableCell:
    return tidy(cell, notes) if isinstance(cell, str) else cell


# -- JSON --------------------------------------------------------------------------------------------------------------


def _of_json(
    path: Path, file: IO[bytes], wanted: Collection[str], form: FileForm, notes: FileNotes
) -> Iterator[TableRow | UnreadRow]:
    """Yield the records of JSON lines, or of one array somewhere in one JSON value."""
    first = file.readline(LINE_MAX + 1)
    try:
        one = orjson.loads(first.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        one = None
    if isinstance(one, dict) and form.rows is None and (rest := file.readline(LINE_MAX + 1)):
        yield from _of_records(_json_lines([first, rest], file), wanted, notes)
        return
    data = first + file.read(JSON_BYTES_MAX)
    if len(data) > JSON_BYTES_MAX:
        raise BadInput(f"{path}: one JSON value of more than {JSON_BYTES_MAX >> 20} MB: write a record per line")
    try:
        whole = orjson.loads(data.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as exc:
        raise BadInput(f"{path}, line {exc.lineno}: not JSON ({exc.msg})") from exc
    records = _array(path, whole, form.rows)
    there = dict.fromkeys(tidy(name) for record in records if isinstance(record, dict) for name in record)
    if records and any(not name.startswith("/") and name not in there for name in wanted):
        raise BadInput(_no_columns(path, [name for name in wanted if not name.startswith("/")], [*there]))
    yield from _of_records(enumerate(records, start=1), wanted, notes)


def _json_lines(begun: Iterable[bytes], file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    def lines() -> Iterator[bytes]:
        yield from begun
        while line := file.readline(LINE_MAX + 1):
            yield line

    for number, line in enumerate(lines(), start=1):
        if line.strip():
            try:
                yield number, orjson.loads(line.removeprefix(codecs.BOM_UTF8))
            except orjson.JSONDecodeError:
                yield number, None


def _array(path: Path, whole: Any, pointer: str | None) -> Sequence[Any]:
    """Return the records: what the pointer names, the value itself, or the only array in it. Raises BadInput."""
    if pointer is not None:
        found = at_pointer(whole, pointer)
        if not isinstance(found, list):
            raise BadInput(f"{path}: `rows: {pointer}` names no array")
        return found
    if isinstance(whole, list):
        return whole
    arrays = [name for name, value in whole.items() if isinstance(value, list)]
    if len(arrays) != 1:
        named = ", ".join(f"/{name}" for name in arrays) or "none"
        raise BadInput(f"{path}: say with `rows:` which array holds the records; there are {named}")
    found = whole[arrays[0]]
    assert isinstance(found, list)  # noqa: S101 - it was looked for
    return found


def at_pointer(value: Any, pointer: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) names; None where there is nothing.

    >>> at_pointer({"a": [{"b/c": 7}]}, "/a/0/b~1c"), at_pointer({}, "/a/b")
    (7, None)
    """
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _leaves(record: Mapping[str, Any], above: str = "") -> list[str]:
    """Return the columns of a record: its names, and JSON Pointers to what lies deeper in objects."""
    found = []
    for name, value in record.items():
        pointer = f"{above}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, dict):
            found += _leaves(value, pointer)
        elif not isinstance(value, list):
            found.append(pointer if above else tidy(name))
    return found


def _of_records(
    records: Iterable[tuple[int, Any]], wanted: Collection[str], notes: FileNotes
) -> Iterator[TableRow | UnreadRow]:
    for number, record in records:
        if not isinstance(record, dict):
            yield UnreadRow(number, "", "not a JSON object", 0)
            continue
        notes.records += 1
        named = {tidy(name): value for name, value in record.items()}
        cells: dict[str, TableCell] = {}
        wrong = ""
        for name in wanted or _leaves(record):
            value = at_pointer(record, name) if name.startswith("/") else named.get(name)
            if value is None and (name.startswith("/") or name not in named):
                notes.absent[name] += 1
            if isinstance(value, dict | list):
                wrong = name
            cells[name] = _tidied(_cell(value), notes)
        if wrong:
            yield UnreadRow(number, wrong, f"{wrong!r} holds more than one value; name one by a JSON Pointer", 0)
        else:
            yield TableRow(number, cells, 0)
