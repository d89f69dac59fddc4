"""Strict decoding of one inbound record, after contract.md "Inbound topics"; nothing here knows of counting.

An accepted record becomes an `Event`: the four things that order it (version, at, id, SHA-256) and its facts, one per
field that it carries or that its type implies. A refused one raises `RefusalError`, whose text names fields only.
"""

import hashlib
import json
import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache, partial
from typing import NamedTuple

BYTES_MAX = 1_048_576
ALPHABET = frozenset(string.ascii_letters + string.digits + "._-:/#+=~")
CODE_LENGTHS = range(1, 201)
VIETNAMESE_MARKS = frozenset("\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323")  # ` ´ ^ ~ ˘ hook horn dot
FIRST_DAY, LAST_DAY = date(2000, 1, 1).toordinal(), date(2100, 12, 31).toordinal()
VERSIONS, AMOUNTS = range(1 << 53), range(1 << 63)
TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII | re.IGNORECASE
)
NATIONAL_PROCEDURE = re.compile(r"(\d+\.\d+)\.\d{3}\.\d{2}\.\d{2}\.H\d+", re.ASCII)
CLOUD_TYPE = re.compile(r"vn\.lotrinh\.dossier\.([a-z-]+)\.v1")

TYPES = {
    *("submitted", "received", "refused"),
    *("paid", "refunded"),
    *("resolved", "result-issued", "result-recalled", "copy-certified"),
    *("corrected", "transferred", "withdrawn", "stopped", "deleted", "restored"),
}
REQUIRED = ("id", "type", "dossier", "at")
NEVER_NULL = {"id", "type", "dossier", "at", "unit"}
ENVELOPE = {"id", "type", "dossier", "version", "at", "transaction", "copy"}  # identify or order; are no facts
PAYMENT_FIELDS = {"paid_at", "amount", "method", "gateway", "exempt"}
COPY_FIELDS = {"electronic", "unit"}
CLOUD_FIELDS = {"id": "id", "type": "type", "subject": "dossier", "time": "at"}
CLOUD_ATTRIBUTES = {"specversion", "source", "datacontenttype", "dataschema", *CLOUD_FIELDS}

# "An event that says nothing of its own fact's time means `at`": the dossier's; see _implied for payments and copies.
OWN_TIME = {
    "submitted": "submitted_at",
    "received": "received_at",
    "refused": "refused_at",
    "resolved": "resolved_at",
    "result-issued": "issued_at",
}
# What a type says of the dossier unless the event carries the field itself.
IMPLIED: dict[str, dict[str, str | None]] = {
    "withdrawn": {"status": "withdrawn"},
    "stopped": {"status": "stopped"},
    "deleted": {"status": "deleted"},
    "restored": {"status": None},
    "result-recalled": {"issued_at": None, "electronic": None, "digitised": None},
}

Value = str | int | None


class RefusalError(Exception):
    """Say why a record becomes a dead letter, naming fields and never their content."""


class Record(NamedTuple):
    """One inbound record as it lay in a topic or, without key and headers, as a line of a file."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = ""
    partition: int = 0
    offset: int = 0


class Fact(NamedTuple):
    """One field of one thing (the dossier, one of its payments, one of its copies) as one event states it."""

    what: str
    item: str
    field: str
    value: Value


class Event(NamedTuple):
    """An accepted record: what orders it, and what it states."""

    dossier: str
    type: str
    version: int | None
    at: str
    id: str
    sha256: bytes
    facts: list[Fact]


# ------------------------------------------------------------------------------------------------ values


@lru_cache(maxsize=1 << 16)
def instant(text: str) -> str:
    """Turn RFC 3339 with offset into a text that sorts as the instant: UTC seconds, then the fraction.

    The integer before the point counts seconds of proleptic days (`date.toordinal`), so that SQL finds the civil day.

    >>> instant("2024-07-01T00:30:00+07:00") == instant("2024-06-30T17:30:00.000Z")
    True
    >>> instant("2024-07-01T00:00:00.5Z") < instant("2024-07-01T00:00:00.51Z") < instant("2024-07-01T00:00:01Z")
    True
    """
    match = TIME.fullmatch(text)
    if match is None:
        raise RefusalError("a time is not RFC 3339 with an offset")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    offset = int(offset_hours or 0) * 60 + int(offset_minutes or 0)
    if hour > 23 or minute > 59 or second > 59 or int(offset_hours or 0) > 23 or int(offset_minutes or 0) > 59:
        raise RefusalError("a time of day or an offset does not exist")
    try:
        ordinal = date(year, month, day).toordinal()
    except ValueError as error:
        raise RefusalError("a calendar day does not exist") from error
    seconds = ordinal * 86_400 + hour * 3_600 + minute * 60 + second - (-60 if sign == "-" else 60) * offset
    digits = (fraction or "").rstrip("0")
    return f"{seconds:012d}.{digits}" if digits else f"{seconds:012d}"


def normal_procedure(code: str) -> str:
    """Drop the national suffix: `1.004616.000.00.00.H56` and `1.004616` are the same procedure.

    >>> normal_procedure("1.004616.000.00.00.H56"), normal_procedure("1.004616"), normal_procedure("x.y.z")
    ('1.004616', '1.004616', 'x.y.z')
    """
    match = NATIONAL_PROCEDURE.fullmatch(code)
    return match[1] if match else code


def is_vietnamese_letter(character: str) -> bool:
    """Tell whether a character is one letter of Vietnamese that ASCII has not, precomposed.

    >>> [is_vietnamese_letter(c) for c in "đƯệñça"]
    [True, True, True, False, False, False]
    """
    if character in "đĐ":
        return True
    base, *marks = list(unicodedata.normalize("NFD", character))
    if not marks or not VIETNAMESE_MARKS.issuperset(marks):
        return False
    allowed = {"a": "\u0302\u0306", "e": "\u0302", "i": "", "o": "\u0302\u031b", "u": "\u031b", "y": ""}
    shapes = [m for m in marks if m in "\u0302\u0306\u031b"]
    tones = [m for m in marks if m not in "\u0302\u0306\u031b"]
    shape = allowed.get(base.lower())
    return shape is not None and len(shapes) <= 1 and len(tones) <= 1 and all(m in shape for m in shapes)


def _code(value: object, *, vietnamese: bool = False) -> str:
    if not isinstance(value, str) or len(value) not in CODE_LENGTHS:
        raise RefusalError("not a code")
    strange = set(value) - ALPHABET
    if strange and not (vietnamese and all(is_vietnamese_letter(c) for c in strange)):
        raise RefusalError("not a code")
    return value


def _unit(value: object, *, vietnamese: bool = False) -> str:
    code = _code(value, vietnamese=vietnamese)
    run = 0
    for character in code:
        run = run + 1 if character in string.digits else 0
        if run == 10:
            raise RefusalError("not a code")
    return code


def _procedure(value: object) -> Value:
    return normal_procedure(str(_code(value)))


def _integer_of(allowed: range) -> Callable[[object], Value]:
    def check(value: object) -> Value:
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            raise RefusalError(f"not an integer from {allowed[0]} to {allowed[-1]}")
        return value

    return check


def _boolean(value: object) -> Value:
    if not isinstance(value, bool):
        raise RefusalError("not true or false")
    return int(value)


def _time(value: object) -> Value:
    if not isinstance(value, str):
        raise RefusalError("not a time")
    moment = instant(value)
    if not FIRST_DAY <= (int(moment.partition(".")[0]) + 25_200) // 86_400 <= LAST_DAY:
        raise RefusalError("not within 2000-01-01 to 2100-12-31")
    return moment


def _one_of(*names: str) -> Callable[[object], Value]:
    def check(value: object) -> Value:
        if not isinstance(value, str) or value not in names:
            raise RefusalError("not one of its values")
        return value

    return check


FIELDS: dict[str, Callable[[object], Value]] = {
    **dict.fromkeys(("id", "dossier", "transaction", "copy", "exempt_reason"), _code),
    "unit": _unit,
    **dict.fromkeys(("at", "submitted_at", "received_at", "refused_at", "resolved_at", "issued_at", "paid_at"), _time),
    "due_at": _time,
    "version": _integer_of(VERSIONS),
    **dict.fromkeys(("amount", "fee"), _integer_of(AMOUNTS)),
    **dict.fromkeys(("exempt", "electronic", "digitised", "result_document"), _boolean),
    **dict.fromkeys(("reused", "component_digitised", "assisted", "exempt_from_count"), _boolean),
    "type": _one_of(*TYPES),
    "procedure": _procedure,
    "channel": _one_of("online", "in_person", "postal"),
    "status": _one_of("withdrawn", "stopped", "deleted"),
    "method": _one_of("online", "cash", "transfer"),
    "gateway": _one_of("national", "local"),
}


# ------------------------------------------------------------------------------------------------ the record's shape


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise RefusalError("a field stands twice in one object")
    return result


JSON = json.JSONDecoder(object_pairs_hook=_unique)


def _json_object(raw: bytes) -> dict[str, object]:
    try:
        value = JSON.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RefusalError("not one JSON object in UTF-8") from error
    if not isinstance(value, dict):
        raise RefusalError("not a JSON object")
    return value


def _cloud_headers(headers: Iterable[tuple[str, bytes]]) -> dict[str, object]:
    """Collect the `ce_*` headers of binary mode; the same header with two values is refused."""
    attributes: dict[str, object] = {}
    for name, raw in headers:
        if not name.startswith("ce_"):
            continue
        try:
            value = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RefusalError("a CloudEvents header is not UTF-8") from error
        if attributes.setdefault(name[3:], value) != value:
            raise RefusalError("a CloudEvents header is given twice")
    return attributes


def _same(field: str, one: object, other: object) -> bool:
    """Compare two statements of one field; times are compared as instants."""
    if field == "at" and isinstance(one, str) and isinstance(other, str):
        return instant(one) == instant(other)
    return one == other and type(one) is type(other)


def _unwrap(attributes: dict[str, object], data: object) -> dict[str, object]:
    """Lay CloudEvents attributes over their data: `ce_id` = `id`, `ce_time` = `at`, `ce_subject` = `dossier`."""
    if not isinstance(data, dict):
        raise RefusalError("CloudEvents data is no object")
    given = {name: value for name, value in attributes.items() if value is not None}  # null means unset (JSON format)
    if not CLOUD_ATTRIBUTES.issuperset(given):
        raise RefusalError("an unknown CloudEvents attribute")
    if not all(isinstance(value, str) and value for value in given.values()):
        raise RefusalError("a CloudEvents attribute is no text or empty")
    if given.get("specversion") != "1.0" or not {"id", "source", "type"}.issubset(given):
        raise RefusalError("not CloudEvents 1.0")
    body = dict(data)
    for attribute, field in CLOUD_FIELDS.items():
        value = given.get(attribute)
        if value is None:
            continue
        if field == "type" and (match := CLOUD_TYPE.fullmatch(str(value))):
            value = match[1]
        if not _same(field, body.setdefault(field, value), value):
            raise RefusalError(f"{field} is given twice with two values")
    return body


def _body(record: Record, value: bytes) -> dict[str, object]:
    """Find the event's fields in plain JSON, CloudEvents structured mode or CloudEvents binary mode."""
    content_type = next((raw for name, raw in record.headers if name.lower() == "content-type"), b"")
    body = _json_object(value)
    structured = content_type.lower().startswith(b"application/cloudevents") or "specversion" in body
    if structured:
        data = body.pop("data", {})
        return _unwrap(body, data)
    if attributes := _cloud_headers(record.headers):
        return _unwrap(attributes, body)
    return body


# ------------------------------------------------------------------------------------------------ the event


VIETNAMESE_FIELDS: dict[str, Callable[[object], Value]] = {
    **FIELDS,
    "dossier": partial(_code, vietnamese=True),
    "unit": partial(_unit, vietnamese=True),
}
"""where a deployment allows Vietnamese letters in the codes of dossiers and units"""


def _checked(body: dict[str, object], checks: dict[str, Callable[[object], Value]]) -> dict[str, Value]:
    """Check every field's name, null and type; an unknown field makes the event a dead letter."""
    fields: dict[str, Value] = {}
    for name, value in body.items():
        check = checks.get(name)
        if check is None:
            raise RefusalError("an unknown field")
        if value is None and name in NEVER_NULL:
            raise RefusalError(f"{name} is null")
        try:
            fields[name] = None if value is None else check(value)
        except RefusalError as error:
            raise RefusalError(f"{name}: {error}") from None
    return fields


def _complete(fields: dict[str, Value]) -> None:
    """Check that the event names what it speaks of."""
    for name in REQUIRED:
        if name not in fields:
            raise RefusalError(f"{name} is missing")
    if fields.get("transaction") is None and (
        fields["type"] in {"paid", "refunded"} or not PAYMENT_FIELDS.isdisjoint(fields)
    ):
        raise RefusalError("transaction is missing")
    if fields.get("copy") is None and fields["type"] == "copy-certified":
        raise RefusalError("copy is missing")


def _carried(fields: dict[str, Value]) -> list[Fact]:
    """State what the event carries, each field of the thing it belongs to."""
    transaction, copy = fields.get("transaction"), fields.get("copy")
    facts = []
    for name, value in fields.items():
        if name in ENVELOPE:
            continue
        if name in PAYMENT_FIELDS:
            facts.append(Fact("payment", str(transaction), name, value))
        elif copy is not None and name in COPY_FIELDS:
            facts.append(Fact("copy", str(copy), name, value))
        else:
            facts.append(Fact("dossier", "", name, value))
    return facts


def _implied(fields: dict[str, Value]) -> list[Fact]:
    """State what the event's type says of itself, whatever it carries."""
    kind, at = str(fields["type"]), fields["at"]
    transaction, copy = str(fields.get("transaction")), str(fields.get("copy"))
    facts = [Fact("dossier", "", name, value) for name, value in IMPLIED.get(kind, {}).items()]
    if kind == "paid":
        facts += [Fact("payment", transaction, "paid_at", at), Fact("payment", transaction, "refunded", 0)]
    elif kind == "refunded":
        facts.append(Fact("payment", transaction, "refunded", 1))
    elif kind == "copy-certified":
        facts.append(Fact("copy", copy, "at", at))
    elif kind in OWN_TIME:
        facts.append(Fact("dossier", "", OWN_TIME[kind], at))
    return facts


def decode(record: Record, *, vietnamese: bool = False) -> Event:
    """Decode one record, or raise RefusalError.

    >>> record = Record(b'{"id": "1", "type": "received", "dossier": "D", "at": "2024-01-01T08:00:00+07:00"}')
    >>> [(fact.field, fact.value == instant("2024-01-01T01:00:00Z")) for fact in decode(record).facts]
    [('received_at', True)]
    """
    value = record.value
    if value is None:
        raise RefusalError("no value")
    if len(value) > BYTES_MAX:
        raise RefusalError("too long")
    fields = _checked(_body(record, value), VIETNAMESE_FIELDS if vietnamese else FIELDS)
    _complete(fields)
    dossier = str(fields["dossier"])
    if record.key is not None and record.key != dossier.encode():
        raise RefusalError("the key is not the dossier")
    facts = _carried(fields)
    said = {(fact.what, fact.field) for fact in facts}
    facts += [fact for fact in _implied(fields) if (fact.what, fact.field) not in said]
    version = fields.get("version")
    return Event(
        dossier=dossier,
        type=str(fields["type"]),
        version=version if isinstance(version, int) else None,
        at=str(fields["at"]),
        id=str(fields["id"]),
        sha256=hashlib.sha256(value).digest(),
        facts=facts,
    )
