"""Mapping files: how rows of somebody's CSV become events of the contract.

A mapping is YAML: the zone of its times, and a list of rules. Each rule that a row matches makes one event; a row that
matches none makes none. See docs/importing.md.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from models.calendar.civil_time import ZONE, instant_of
from models.dossiers.events import FIELDS, TIMES
from models.dossiers.wire import Type
from models.wording import first_error
from streams.errors import BadInput
from streams.files.rows import FileForm, TableCell, tidy

_HOLE = re.compile(r"\{([^{}]+)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


TIME_FORMS: Final = ("iso", "epoch-seconds", "epoch-milliseconds", "excel-serial")
"""forms of a time that strptime has no letters for"""


class Value(_Strict):
    """A field's value: a column, through a table of values where one is given; or a constant."""

    column: str | None = None
    map: dict[str, Any] | None = None
    default: Any = None
    """where the column is blank, or the table has no such value; without one such a value refuses its row"""
    constant: Any = None
    format: str | tuple[str, ...] | None = None
    """of a time: letters of strptime, or one of `TIME_FORMS`; of several, those that fit must agree; none: ISO 8601"""
    midnight_24: bool = False
    """24:00 is the midnight that ends its day"""
    type: Literal["text", "integer", "boolean", "amount"] = "text"
    decimal: Literal[".", ","] | None = None
    """of an amount, which needs it: the sign before its decimals; the other one stands between thousands"""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.type == "amount" and self.decimal is None:
            raise ValueError('an amount needs `decimal`: "." (525.50) or "," (525,50)')
        for form in self.formats:
            if "%" not in form and form not in TIME_FORMS:
                raise ValueError(f"{form!r} is no format of a time: letters of strptime, or {', '.join(TIME_FORMS)}")
            if ("%p" in form) != ("%I" in form):  # strptime would take 03:15 PM for 03:15 in silence
                raise ValueError(f"{form!r}: a clock of 12 hours needs both %I and %p, one of 24 hours %H alone")
        return self

    @property
    def formats(self) -> tuple[str, ...]:
        """The forms of a time, in the order in which they are tried."""
        return (self.format,) if isinstance(self.format, str) else self.format or ()


class Rule(_Strict):
    """One kind of event, and the rows that make it."""

    type: Type
    when: dict[str, str | list[str] | None] = {}
    """column → value, or list of values; `*` for any that is not blank, null for blank"""
    id: str
    """template of the event's id, with {column} in it"""
    dossier: str
    fields: dict[str, Value | str]
    """field of the contract → template or value; `at` is needed"""

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, Value | str]) -> dict[str, Value | str]:
        for name in fields:
            if name not in FIELDS or name in ("id", "type", "dossier"):
                raise ValueError(f"{name!r} is no field of an event that a rule may set")
        if "at" not in fields:
            raise ValueError("a rule must say where `at` comes from")
        return fields


class Mapping_(_Strict):  # noqa: N801 - collections.abc has the plain name
    """A mapping file."""

    zone: str = "Asia/Ho_Chi_Minh"
    """of times without an offset"""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """between cells; unset: found by looking for the heading"""
    encoding: str | None = None
    """of the file, by Python's name; unset: UTF-8, or what its byte order mark says"""
    sheet: str | None = None
    """of a workbook; unset: its first"""
    rows: str | None = None
    """JSON Pointer to the array of records; unset: the only array that there is"""
    events: list[Rule] = Field(min_length=1)


class _WithoutAliases(yaml.SafeLoader):
    """A loader that knows no aliases, by which a text of a line unfolds into gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("a mapping has no aliases (*name)")
        return super().compose_node(parent, index)


def parse_mapping(text: str, name: str) -> Mapping_:
    """Read a mapping file. Raises BadInput, saying what is wrong and where."""
    try:
        loaded = yaml.load(text, _WithoutAliases)  # noqa: S506 - a safe loader
        raw = _tidied(loaded)
    except yaml.YAMLError as exc:
        raise BadInput(f"{name}: not readable as YAML: {str(exc).splitlines()[0]}") from exc
    try:
        mapping = Mapping_.model_validate(raw)
        ZoneInfo(mapping.zone)
    except ValidationError as exc:
        place, what = first_error(exc)
        raise BadInput(f"{name}: {place}: {what}") from exc
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise BadInput(f"{name}: no time zone is called {mapping.zone!r}") from exc
    return mapping


def _tidied(raw: Any) -> Any:
    """Return a mapping's texts as the texts of rows are compared: in NFC, without blanks around them."""
    if isinstance(raw, str):
        return raw if raw.isspace() else tidy(raw)  # a tabulator may be a delimiter
    if isinstance(raw, dict):
        return {_tidied(name): _tidied(value) for name, value in raw.items()}
    return [_tidied(value) for value in raw] if isinstance(raw, list) else raw


class RowError(ValueError):
    """A row cannot be made into an event; the message says which column and what was expected."""

    def __init__(self, reason: str, column: str = "") -> None:
        """Say why, and of which column."""
        super().__init__(reason)
        self.column = column


class MadeEvent(NamedTuple):
    """An event that a rule made of a row."""

    rule: int
    """its number in the mapping, from 0"""
    type: str
    dossier: str
    value: bytes
    """JSON"""


class Mapper:
    """Makes events of rows."""

    def __init__(self, mapping: Mapping_) -> None:
        """Hold the mapping and its zone."""
        self.mapping = mapping
        self._zone = ZoneInfo(mapping.zone)
        self.unmapped: Counter[tuple[str, str]] = Counter()
        """(column, value) → rows with a value that the column's table does not have"""

    def form(self) -> FileForm:
        """Return what the mapping says of the file itself."""
        said = self.mapping
        return FileForm(said.encoding, said.delimiter, said.sheet, said.rows)

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the mapping asks for, in its order."""
        found: dict[str, None] = {}
        for rule in self.mapping.events:
            templates = [rule.id, rule.dossier, *(v for v in rule.fields.values() if isinstance(v, str))]
            found |= dict.fromkeys(rule.when)
            found |= dict.fromkeys(name for template in templates for name in _HOLE.findall(template))
            found |= dict.fromkeys(v.column for v in rule.fields.values() if isinstance(v, Value) and v.column)
        return tuple(found)

    def events(self, row: Mapping[str, TableCell]) -> list[MadeEvent]:
        """Return what the rules make of a row: all of it. Raises RowError where one of them cannot."""
        return [
            self._made(number, rule, row)
            for number, rule in enumerate(self.mapping.events)
            if all(_matches(_text(row, column), wanted) for column, wanted in rule.when.items())
        ]

    def _made(self, number: int, rule: Rule, row: Mapping[str, TableCell]) -> MadeEvent:
        event: dict[str, Any] = {
            "id": _filled(rule.id, row),
            "type": rule.type,
            "dossier": _filled(rule.dossier, row),
        }
        for name, value in rule.fields.items():
            if name in TIMES or name == "at":
                event[name] = self._time(row, name, value)
            else:
                event[name] = _filled(value, row) if isinstance(value, str) else self._value(value, row)
        return MadeEvent(number, rule.type, event["dossier"], orjson.dumps(event))

    def _value(self, value: Value, row: Mapping[str, TableCell]) -> Any:
        if value.column is None:
            return value.constant
        text = _text(row, value.column)
        if value.map is not None:
            return self._mapped(value, value.map, text)
        return _typed(text, value, value.column) if text else value.default

    def _mapped(self, value: Value, table: Mapping[str, Any], text: str) -> Any:
        if text in table:
            return table[text]
        column = value.column or ""
        if text:
            self.unmapped[column, text] += 1
        if not text or "default" in value.model_fields_set:
            return value.default
        raise RowError(f"column {column!r} holds a value that is not in its `map`, which has no `default`", column)

    def _time(self, row: Mapping[str, TableCell], name: str, value: Value | str) -> str | None:
        given, value = self._said(row, value)
        if given is None or given == "":
            return None
        moment = given if isinstance(given, datetime) else time_in(str(given), value)
        if moment is None:
            forms = " or ".join(value.formats) or "ISO 8601"
            raise RowError(f"field `{name}` holds no time of the form {forms}{_hint(str(given))}", value.column or "")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return instant_of(moment.astimezone(ZONE))

    def _said(self, row: Mapping[str, TableCell], value: Value | str) -> tuple[Any, Value]:
        """Return what stands where a time is wanted: a text, or a workbook's time; and how to read it."""
        if isinstance(value, str):
            hole = _HOLE.fullmatch(value)
            alone = hole is not None and hole.group(1) in row
            return (row[hole.group(1)] if alone and hole is not None else _filled(value, row)), Value()
        if value.column is not None and value.map is None:
            return (row[value.column] if _text(row, value.column) else value.default), value
        return self._value(value, row), value


_SERIAL_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook's times have no zone
_MIDNIGHT: Final = re.compile(r"\b24(:00(?::00)?)\b")


def time_in(text: str, value: Value) -> datetime | None:
    """Return the time that a text says in the forms that fit; None where none does.

    Raises RowError where two forms read two times: 03/06/2024 is in March or in June, and nobody may guess.
    """
    later = timedelta()
    if value.midnight_24 and _MIDNIGHT.search(text):
        text, later = _MIDNIGHT.sub(r"00\1", text), timedelta(days=1)
    found: dict[datetime, str] = {}
    for form in value.formats or ("iso",):
        try:
            found.setdefault(_in_form(text, form) + later, form)
        except (ValueError, OverflowError, OSError, ArithmeticError):
            continue
    # A number of days is no count of seconds: what lies outside of the contract's years is no reading of its own.
    found = {at: form for at, form in found.items() if 2000 <= at.year <= 2100} or found
    if len(found) > 1:
        column = value.column or ""
        raise RowError(f"column {column!r} holds a time that {' and '.join(found.values())} read differently", column)
    return next(iter(found), None)


def _hint(text: str) -> str:
    """Return what a time that fits no form looks like; '' where that is not known."""
    for form, looks in _LOOKS.items():
        if re.fullmatch(looks, text):
            return f"; it looks like `{form}`"
    return ""


_LOOKS: Final = {
    "epoch-milliseconds": r"1\d{12}",
    "epoch-seconds": r"1\d{9}",
    "excel-serial": r"[34]\d{4}(\.\d+)?",
    "midnight_24: true": r".*\b24:00(:00)?",
}


_HALF: Final = re.compile(r"(?<![^\W\d_])(SA|CH|[ap]\.m\.)(?![^\W\d_])", re.IGNORECASE)
"""halves of the day as Windows in Vietnamese writes them (sáng, chiều), and with full stops"""


def _in_form(text: str, form: str) -> datetime:
    if form == "iso":
        return datetime.fromisoformat(text)
    if "%p" in form:
        text = _HALF.sub(lambda m: "AM" if m.group().upper() in ("SA", "A.M.") else "PM", text)
    if "%" in form:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the mapping's zone is put in where it has none
    number = Decimal(text)
    if form == "excel-serial":
        return _SERIAL_ZERO + timedelta(milliseconds=int((number * 86_400_000).to_integral_value()))
    return datetime.fromtimestamp(0, UTC) + timedelta(
        milliseconds=int(number * (1000 if form == "epoch-seconds" else 1))
    )


def _typed(text: str, value: Value, column: str) -> Any:
    """Return a text as its kind of value. Raises RowError."""
    if value.type == "integer":
        return _integer(text, column)
    if value.type == "amount":
        return _amount(text, column, value.decimal or ".")
    if value.type == "boolean":
        if text.lower() not in ("true", "false", "1", "0"):
            raise RowError(f"column {column!r} holds neither true nor false", column)
        return text.lower() in ("true", "1")
    return text


def _integer(text: str, column: str) -> int:
    if not _WHOLE.fullmatch(text):  # int() would also take 1_000
        raise RowError(f"column {column!r} holds no whole number", column)
    return int(text)


_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")


_MONEY: Final = re.compile(r"^[^\d+-]*([+-]?[\d., \u00a0\u202f']*\d[\d., \u00a0\u202f']*)[^\d]*$")


def _amount(text: str, column: str, decimal: str) -> int:
    """Return an amount in whole units of its currency, whose sign or name may stand before or after it.

    >>> _amount("36.0", "fee", "."), _amount("525.000 đ", "fee", ","), _amount("$1,525.00", "fee", ".")
    (36, 525000, 1525)
    """
    match = _MONEY.match(text)
    digits = "" if match is None else re.sub(r"[ \u00a0\u202f']", "", match.group(1)).rstrip(".,")
    whole, sign, rest = digits.partition(decimal)
    between = "," if decimal == "." else "."
    groups = whole.split(between)
    grouped = len(groups) == 1 or (all(len(g) == 3 for g in groups[1:]) and 1 <= len(groups[0].lstrip("+-")) <= 3)
    try:
        if digits and grouped and not (sign and rest.strip("0")):
            return int("".join(groups))
    except ValueError:
        pass
    raise RowError(f"column {column!r} holds no whole amount with {decimal!r} before decimals", column)


def _text(row: Mapping[str, TableCell], column: str) -> str:
    if column not in row:
        raise RowError(f"the file has no column {column!r}", column)
    cell = row[column]
    return cell.isoformat() if isinstance(cell, datetime) else cell


def _filled(template: str, row: Mapping[str, TableCell]) -> str:
    return _HOLE.sub(lambda m: _text(row, m.group(1)), template)


def _matches(cell: str, wanted: str | list[str] | None) -> bool:
    if wanted is None:
        return not cell
    if wanted == "*":
        return bool(cell)
    return cell in wanted if isinstance(wanted, list) else cell == wanted
