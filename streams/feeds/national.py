"""Reads files of national synchronisation payloads: JSON lines, or one JSON array, a payload at a time.

An object may also be a whole request, whose `data` lists payloads. `models.dossiers.national` says what they mean.
"""

import codecs
import csv
import json
import re
import unicodedata
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import yaml

from models.dossiers.events import Refused, decode
from models.dossiers.national import BadPayload, Sender, latest_of, translated, version_of
from models.registers.codes import FORM, Codes, is_unit
from streams.errors import BadInput
from streams.feeds.importing import Line, json_lines
from streams.files.tables import read_text

PAYLOAD_CHARACTERS: Final = 4_000_000
"""of one element of an array; a payload with its lists of papers has some 10 000"""
RECENT_MAX: Final = 100_000
"""dossiers whose last payload is remembered; one sent again later is a new fact of the same content"""
CHUNK_BYTES: Final = 1 << 18


class Payload(NamedTuple):
    """One payload of a file, or why there is none at that place."""

    line: int
    found: dict[str, Any] | None
    read: int
    """bytes of the file read so far"""


@dataclass
class Report:
    """What was unusual about the payloads read."""

    unmapped: Counter[str] = field(default_factory=Counter)
    """units that the mapping does not have → payloads"""
    notes: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    """note → line on which it was first made"""


def lines_of_national(path: Path, sender: Sender, report: Report, codes: Codes = "ascii") -> Iterator[Line]:
    """Yield the events that a file of payloads makes; what is bad is `Refused`. Raises BadInput."""
    recent: OrderedDict[str, tuple[str, int]] = OrderedDict()
    """dossier → (id of what was last said of it, position)"""
    for position, (line, found, read) in enumerate(payloads(path), start=1):
        if found is None:
            yield Line(line, Refused("not a JSON object"), b"", read)
            continue
        try:
            said = translated(found, position, sender)
        except BadPayload as exc:
            yield Line(line, Refused(str(exc)), b"", read)
            continue
        except ValueError:  # half a character, written as an escape
            yield Line(line, Refused("a text is not Unicode"), b"", read)
            continue
        if said.unmapped is not None:
            report.unmapped[said.unmapped] += 1
        for note in said.notes:
            report.notes[note] += 1
            report.first.setdefault(note, line)
        id_, dossier = said.events[0]["id"], said.events[0]["dossier"]
        known = recent.pop(dossier, None)
        since = position if known is None or known[0] != id_ else known[1]
        recent[dossier] = id_, since
        if len(recent) > RECENT_MAX:
            recent.popitem(last=False)
        version = version_of(sender.sent, since)  # sent again with nothing between: the very same events
        values = [orjson.dumps(event | {"version": version}) for event in said.events]
        decoded = [decode(value, codes=codes) for value in values]
        bad = next((e for e in decoded if isinstance(e, Refused)), None)
        if bad is not None:  # all events of a payload, or none
            yield Line(line, bad, b"", read)
            continue
        for value, event in zip(values, decoded, strict=True):
            yield Line(line, event, value, read)


def latest_in(path: Path, progress: Callable[[int], None] | None = None) -> tuple[str, int] | None:
    """Return the latest date that any payload of a file names, and its line. Raises BadInput."""
    latest: tuple[str, int] | None = None
    for line, found, read in payloads(path):
        at = None if found is None else latest_of(found, "" if latest is None else latest[0])
        if at is not None:
            latest = at, line
        if progress is not None:
            progress(read)
    return latest


def payloads(path: Path) -> Iterator[Payload]:
    """Yield the payloads of a file in their order. Raises BadInput where the file cannot be read on."""
    for line, found, read in _array(path) if _is_array(path) else _lines(path):
        if isinstance(found, dict) and "MaHoSo" not in found and isinstance(found.get("data"), list):
            for item in found["data"]:
                yield Payload(line, item if isinstance(item, dict) else None, read)
        else:
            yield Payload(line, found if isinstance(found, dict) else None, read)


Element = tuple[int, Any, int]
"""(line, what stands there, bytes of the file read so far)"""


def _is_array(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            while block := file.read(4096):
                if text := block.removeprefix(codecs.BOM_UTF8).lstrip():
                    return text.startswith(b"[")
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    return False


def _lines(path: Path) -> Iterator[Element]:
    for number, line, read in json_lines(path):
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            found = None
        yield number, found, read


_GAP: Final = re.compile(r"[ \t\r\n,]*")


def _array(path: Path) -> Iterator[Element]:
    """Yield the elements of a JSON array, or of several in a row, holding one at a time."""
    decoder = json.JSONDecoder()
    utf8 = codecs.getincrementaldecoder("utf-8-sig")()
    text, at, line, read, opened, more = "", 0, 1, 0, False, True
    with path.open("rb") as file:
        while True:
            gap = _GAP.match(text, at)
            start, at = at, gap.end() if gap is not None else at
            line += text.count("\n", start, at)
            if at < len(text) and text[at] == ("]" if opened else "["):
                opened, at = not opened, at + 1
                continue
            if at < len(text) and not opened:
                raise BadInput(f"{path}, line {line}: only further arrays may follow an array")
            try:
                found, end = decoder.raw_decode(text, at)
            except ValueError as exc:  # also where the element is not all there yet
                if not more and at == len(text) and not opened:
                    return
                if not more or len(text) - at > PAYLOAD_CHARACTERS:
                    raise BadInput(f"{path}, line {line}: the array does not go on as JSON") from exc
            else:
                yield line, found, read
                line += text.count("\n", at, end)
                at = end
                continue
            chunk = file.read(CHUNK_BYTES)
            read, more = read + len(chunk), bool(chunk)
            try:
                text, at = text[at:] + utf8.decode(chunk, final=not chunk), 0
            except UnicodeDecodeError as exc:
                raise BadInput(f"{path}, after line {line}: not UTF-8 text") from exc


def read_units(path: Path) -> dict[str, str]:
    """Read a table of units: YAML with `units:`, or CSV with the columns `code,unit`. Raises BadInput."""
    text = read_text(path)
    if path.suffix.lower() == ".csv":
        rows = csv.DictReader(text.splitlines(), restval="", strict=True)
        if not {"code", "unit"} <= set(rows.fieldnames or ()):
            raise BadInput(f"{path}: a table of units has the columns `code,unit`")
        pairs = [((row["code"] or "").strip(), (row["unit"] or "").strip()) for row in rows]
    else:
        try:
            # BaseLoader: codes are texts, also 340 and 00340. It makes nothing but texts, lists and mappings.
            raw = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
        except yaml.YAMLError as exc:
            raise BadInput(f"{path}: not readable as YAML: {str(exc).splitlines()[0]}") from exc
        table = raw.get("units") if isinstance(raw, dict) else None
        if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
            raise BadInput(f"{path}: a mapping of national payloads has a table `units:` of code: unit")
        pairs = [(str(k).strip(), v.strip()) for k, v in table.items()]
    found: dict[str, str] = {}
    for code, unit in pairs:
        if not code or not unit:
            raise BadInput(f"{path}: every row of the table of units needs both codes")
        if not is_unit(unit, "vietnamese"):
            raise BadInput(f"{path}: the unit of {code!r} is not a code of a unit: {FORM}, no ten digits in a row")
        if found.setdefault(unicodedata.normalize("NFC", code), unit) != unit:
            raise BadInput(f"{path}: {code!r} stands for two units")
    return found
