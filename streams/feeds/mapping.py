"""Mapping files: how rows of somebody's CSV become events of the contract.

A mapping is YAML: the zone of its times, and a list of rules. Each rule that a row matches makes one event; a row that
matches none makes none. See docs/importing.md.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.calendar.civil_time import ZONE, instant_of
from models.dossiers.events import FIELDS, TIMES
from models.dossiers.wire import Type
from models.wording import first_error
from streams.errors import BadInput

_HOLE = re.compile(r"\{([^{}]+)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(_Strict):
    """A field's value: a column, through a table of values where one is given; or a constant."""

    column: str | None = None
    map: dict[str, Any] | None = None
    default: Any = None
    """where the column is blank, or the table has no such value"""
    constant: Any = None
    format: str | None = None
    """of a time, in the letters of strptime; without one, ISO 8601"""
    type: Literal["text", "integer", "boolean"] = "text"


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
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    events: list[Rule] = Field(min_length=1)


def parse_mapping(text: str, name: str) -> Mapping_:
    """Read a mapping file. Raises BadInput, saying what is wrong and where."""
    try:
        raw = yaml.safe_load(text)
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


class RowError(ValueError):
    """A row cannot be made into an event; the message says which column and what was expected."""


class Mapper:
    """Makes events of rows."""

    def __init__(self, mapping: Mapping_) -> None:
        """Hold the mapping and its zone."""
        self.mapping = mapping
        self._zone = ZoneInfo(mapping.zone)

    def events(self, row: Mapping[str, str]) -> Iterator[tuple[str, str, bytes]]:
        """Yield (type, dossier, JSON) for each rule the row matches. Raises RowError."""
        for rule in self.mapping.events:
            if all(_matches(_cell(row, column), wanted) for column, wanted in rule.when.items()):
                event: dict[str, Any] = {
                    "id": _filled(rule.id, row),
                    "type": rule.type,
                    "dossier": _filled(rule.dossier, row),
                }
                for name, value in rule.fields.items():
                    given = _filled(value, row) if isinstance(value, str) else self._value(value, row)
                    event[name] = self._time(given, name, value) if name in TIMES or name == "at" else given
                yield rule.type, event["dossier"], orjson.dumps(event)

    def _value(self, value: Value, row: Mapping[str, str]) -> Any:
        if value.column is None:
            return value.constant
        text = _cell(row, value.column).strip()
        if value.map is not None:
            return value.map.get(text, value.default)
        if not text:
            return value.default
        if value.type == "integer":
            try:
                return int(text)
            except ValueError as exc:
                raise RowError(f"column {value.column!r} holds no whole number") from exc
        if value.type == "boolean":
            if text.lower() not in ("true", "false", "1", "0"):
                raise RowError(f"column {value.column!r} holds neither true nor false")
            return text.lower() in ("true", "1")
        return text

    def _time(self, given: Any, name: str, value: Value | str) -> str | None:
        if given is None or given == "":
            return None
        form = value.format if isinstance(value, Value) else None
        try:
            moment = datetime.strptime(given, form) if form else datetime.fromisoformat(given)  # noqa: DTZ007
        except (TypeError, ValueError) as exc:
            raise RowError(f"field `{name}` holds no time of the form {form or 'ISO 8601'}") from exc
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return instant_of(moment.astimezone(ZONE))


def _cell(row: Mapping[str, str], column: str) -> str:
    if column not in row:
        raise RowError(f"the file has no column {column!r}")
    return row[column] or ""


def _filled(template: str, row: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda m: _cell(row, m.group(1)), template)


def _matches(cell: str, wanted: str | list[str] | None) -> bool:
    if wanted is None:
        return not cell.strip()
    if wanted == "*":
        return bool(cell.strip())
    return cell in wanted if isinstance(wanted, list) else cell == wanted
