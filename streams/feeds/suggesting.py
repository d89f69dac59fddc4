"""A first mapping for somebody's file: by what its columns are called and what stands in them, and how sure it is."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from models.registers.units import Registry, slug
from streams.feeds.mapping import Value, time_in
from streams.files.rows import FileNotes, FileSample, TableCell

_CALLED: Final[Mapping[str, Sequence[str]]] = {
    "dossier": [
        "ma-ho-so",
        "so-ho-so",
        "ma-hs",
        "so-bien-nhan",
        "ma-bien-nhan",
        "mahoso",
        "dossier",
        "dossierno",
        "dossier-no",
        "case-id",
        "case-concept-name",
        "case-number",
        "request-number",
        "sr-number",
        "ticket",
        "ma",
    ],
    "submitted_at": ["ngay-nop", "thoi-gian-nop", "ngaynophoso", "submitted", "submit-date", "filed"],
    "received_at": [
        "ngay-tiep-nhan",
        "ngay-nhan",
        "thoi-gian-tiep-nhan",
        "ngaytiepnhan",
        "received",
        "receive-date",
        "receivedate",
        "created-date",
        "created",
        "opened",
        "requested",
        "ngay",
    ],
    "due_at": ["ngay-hen-tra", "hen-tra", "han-tra", "han-xu-ly", "ngayhentra", "due", "deadline"],
    "resolved_at": [
        "ngay-ket-thuc-xu-ly",
        "ngay-xu-ly-xong",
        "ngay-hoan-thanh",
        "ngayketthucxuly",
        "resolved",
        "closed-date",
        "completed",
        "closed",
        "finished",
    ],
    "issued_at": ["ngay-tra-ket-qua", "ngay-tra", "ngaytra", "issued", "returned", "release-date"],
    "unit": ["don-vi-xu-ly", "don-vi", "co-quan", "phong-ban", "donvixuly", "agency", "department", "unit", "office"],
    "procedure": ["ma-thu-tuc", "ma-tthc", "mattthc", "thu-tuc", "procedure", "service-code"],
    "channel": [
        "hinh-thuc-nop",
        "kenh-thuc-hien",
        "hinh-thuc-tiep-nhan",
        "kenh",
        "kenhthuchien",
        "channel",
        "method-received",
        "open-data-channel-type",
        "source",
    ],
}
"""field → what exports call it (without diacritics), the surest first"""
_CHANNELS: Final[Mapping[str, tuple[str, ...]]] = {
    "online": ("truc-tuyen", "online", "qua-mang", "internet", "web", "mobile", "dvc", "app", "portal"),
    "in_person": ("truc-tiep", "in-person", "desk", "counter", "walk", "tai-quay", "mot-cua", "intern"),
    "postal": ("buu-chinh", "buu-dien", "post", "bcci"),
}
_DATED: Final = ("submitted_at", "received_at", "due_at", "resolved_at", "issued_at")
_TRIED: Final = (
    "iso",
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M", "%m/%d/%Y"),
    *("%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d", "epoch-milliseconds", "epoch-seconds", "excel-serial"),
)
VALUES_SHOWN: Final = 60
EVENT_OF: Final = (("received", "received_at", 1), ("resolved", "resolved_at", 2), ("result-issued", "issued_at", 3))
"""type, the field that is its time, version: what is said later of a dossier wins"""


class Guess(NamedTuple):
    """A column that a field may come from."""

    column: str
    sure: bool
    """called just so; else the name only holds the word"""


@dataclass
class Suggestion:
    """A mapping, and what whoever uses it has to look at."""

    text: str = ""
    doubts: list[str] = field(default_factory=list)


def suggest(sample: FileSample, notes: FileNotes, registry: Registry) -> Suggestion:
    """Return a first mapping of a file; a comment stands at all that it is not sure of."""
    found = {name: guess for name in _CALLED if (guess := _column(sample.columns, _CALLED[name])) is not None}
    made = Suggestion()
    forms: dict[str, Sequence[str]] = {
        name: _forms(_texts(sample, found[name].column)) for name in _DATED if name in found
    }
    dated = [name for name in forms if forms[name]]
    for name, guess in found.items():
        if not guess.sure:
            made.doubts.append(f"{name}: taken from {guess.column!r}, whose name only resembles it")
    lines = [f"# A first mapping, from {len(sample.rows)} rows. Look at every line with a question mark.", "events:"]
    events = [event for event in EVENT_OF if event[1] in dated] or [("received", "", 1)]
    for kind, time, version in events:
        lines += _rule(kind, time, version, found, forms, sample, registry, made)
    if "dossier" not in found:
        made.doubts.append("no column looks like the code of a dossier")
    if not dated:
        made.doubts.append("no column looks like the time at which a dossier was received")
    made.doubts += [f"{name}: days and months could be the other way round" for name in dated if len(forms[name]) > 1]
    made.text = "\n".join([*lines[:1], *(f"# ? {doubt}" for doubt in made.doubts), *_of_file(notes), *lines[1:]]) + "\n"
    return made


def _of_file(notes: FileNotes) -> list[str]:
    delimiter = [] if notes.delimiter in ("", ",") else [f"delimiter: {_quoted(notes.delimiter)}"]
    return [*delimiter, *([f"encoding: {notes.encoding}"] if notes.encoding.startswith("utf-16") else [])]


def _rule(  # noqa: PLR0913, PLR0917 - one rule from all that was found
    kind: str,
    time: str,
    version: int,
    found: Mapping[str, Guess],
    forms: Mapping[str, Sequence[str]],
    sample: FileSample,
    registry: Registry,
    made: Suggestion,
) -> list[str]:
    code = f"{{{found['dossier'].column}}}" if "dossier" in found else "{?}"
    lines = [f"  - type: {kind}"]
    if time and kind != "received":
        lines.append(f'    when: {{{_quoted(found[time].column)}: "*"}}')
    lines += [f"    id: {_quoted(f'{code}:{kind}')}", f"    dossier: {_quoted(code)}", "    fields:"]
    lines.append(f"      at: {_time(found[time].column, forms[time])}" if time else '      at: "{?}"')
    lines.append(f"      version: {{constant: {version}}}")
    if kind != "received":
        return lines
    for name in ("submitted_at", "due_at"):
        if forms.get(name):
            lines.append(f"      {name}: {_time(found[name].column, forms[name])}")
    if "procedure" in found:
        lines.append(f"      procedure: {_quoted('{' + found['procedure'].column + '}')}")
    if "unit" in found:
        lines += _table("unit", found["unit"].column, sample, lambda text: _unit(text, registry), made)
    if "channel" in found:
        lines += _table("channel", found["channel"].column, sample, _channel, made)
    return lines


def _table(name: str, column: str, sample: FileSample, of: Any, made: Suggestion) -> list[str]:
    values = Counter(text for text in _texts(sample, column) if text)
    lines = [f"      {name}:", f"        column: {_quoted(column)}", "        map:"]
    unknown = 0
    for text, rows in values.most_common(VALUES_SHOWN):
        meant = of(text)
        unknown += meant is None
        shown = f"{_quoted(text)}: {_quoted(meant) if meant else ''}".rstrip()
        lines.append(f"          {'' if meant else '# ? '}{shown}  # {rows} rows of the sample")
    if unknown:
        made.doubts.append(f"{name}: {unknown} values of {column!r} are not known; until then their rows are refused")
    if all(line.lstrip().startswith("# ?") for line in lines[3:]):
        lines[2] = "        map: {}"
    return lines


def _channel(text: str) -> str | None:
    plain = slug(text)
    return next((name for name, words in _CHANNELS.items() if any(word in plain for word in words)), None)


def _unit(text: str, registry: Registry) -> str | None:
    if text in registry.units:
        return text
    plain = slug(text)
    named = [unit.code for unit in registry.units.values() if slug(unit.name) == plain]
    return named[0] if len(named) == 1 else None


def _column(columns: Sequence[str], called: Iterable[str]) -> Guess | None:
    plain = {name: slug(name.replace("_", " ").replace(":", " ").replace("/", " ")) for name in columns}
    for word in called:
        for name, text in plain.items():
            if text == word:
                return Guess(name, sure=True)
    for word in called:
        for name, text in plain.items():
            if len(word) > 3 and re.search(rf"(^|-){re.escape(word)}(-|$)", text):
                return Guess(name, sure=False)
    return None


def _texts(sample: FileSample, column: str) -> list[str]:
    found: list[TableCell] = [row.get(column, "") for row in sample.rows]
    return ["" if isinstance(cell, datetime) else cell for cell in found]


def _forms(texts: Iterable[str]) -> list[str]:
    """Return the forms in which all times of a column can be read; more than one: nobody knows which is meant."""
    given = [text for text in texts if text]
    if not given:
        return ["iso"]  # a workbook's own times need no form
    fitting = [form for form in _TRIED if all(_fits(text, form) for text in given)]
    return fitting[:2] if fitting and fitting[0].startswith("%") else fitting[:1]


def _fits(text: str, form: str) -> bool:
    moment = time_in(text, Value(format=form))
    return moment is not None and 2000 <= moment.year <= 2100


def _time(column: str, forms: Sequence[str]) -> str:
    form = "" if forms[0] == "iso" else f", format: {_quoted(forms[0])}"
    return f"{{column: {_quoted(column)}{form}}}"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
