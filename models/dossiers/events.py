"""The portal's events: from the bytes of a record to an :class:`Event`, or to a :class:`Refused` with one reason.

By the closed schema of the contract (`models.dossiers.wire`): strict types, no unknown field, times with an offset. A
reason names fields of the contract only and never repeats a value, for a value may be somebody's name.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from models.calendar.civil_time import instant_of_valid
from models.dossiers.likely_causes import with_cause
from models.dossiers.wire import KnownOnly, Wire
from models.registers.codes import Codes, is_code
from models.registers.procedures import procedure_code

MAX_BYTES: Final = 1 << 20
"""A record larger than this is refused before it is parsed; an event of the contract is under 2 KB."""
HEADERS_MAX: Final = 100
"""A record with more headers is refused before they are read; a CloudEvent has under twenty."""
FIRST: Final = "2000"
BEYOND: Final = "2101"
"""Canonical instants sort as text: from the year 2000 on, and before 2101. What a slip of somebody's pen puts beyond
would be the newest fact for ever."""

TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "dossier.submitted": ("submitted", "received", "refused"),
    "dossier.paid": ("paid", "refunded"),
    "dossier.result-issued": ("resolved", "result-issued", "result-recalled", "copy-certified"),
    "dossier.amended": ("corrected", "transferred", "withdrawn", "stopped", "deleted", "restored"),
}
"""The inbound topics (without prefix) and the event types each carries."""

TOPIC_OF: Final[Mapping[str, str]] = {t: topic for topic, types in TOPICS.items() for t in types}


FIELDS: Final = tuple(Wire.__annotations__)
KNOWN: Final = frozenset(FIELDS)
TIMES: Final = frozenset({"submitted_at", "received_at", "refused_at", "resolved_at", "issued_at", "paid_at", "due_at"})
NUMBERS: Final = frozenset({"version", "amount", "fee"})
TRUTHS: Final = frozenset(
    {
        "exempt", "electronic", "digitised", "result_document", "reused", "component_digitised", "assisted",
        "exempt_from_count",
    }
)  # fmt: skip
"""fields by what their values are, for whoever makes events of texts"""
PAYMENT: Final = frozenset({"paid_at", "amount", "method", "gateway", "exempt"})
OWN_TIME: Final[Mapping[str, str]] = {
    "submitted": "submitted_at",
    "received": "received_at",
    "refused": "refused_at",
    "resolved": "resolved_at",
    "result-issued": "issued_at",
    "paid": "paid_at",
}
"""The fact each type is about: an event that says nothing of it means `at`."""
IMPLIED: Final[Mapping[str, Mapping[str, Any]]] = {
    "withdrawn": {"status": "withdrawn"},
    "stopped": {"status": "stopped"},
    "deleted": {"status": "deleted"},
    "restored": {"status": None},
    "result-recalled": {"issued_at": None, "electronic": None, "digitised": None},
}
"""What a type says by itself, unless the event carries the field."""

_validate: Final[Callable[[bytes], dict[str, Any]]] = TypeAdapter(Wire).validator.validate_json
_validate_known: Final[Callable[[bytes], dict[str, Any]]] = TypeAdapter(KnownOnly).validator.validate_json


def stamp(version: int | None, at: str, id_: str, sha256: str) -> str:
    """Return the order of an event's facts as a text that sorts: the later stamp wins, field by field.

    A versioned fact over one without; then version, `at`, id, SHA-256 of the record's bytes (its first 16 digits).
    Parts are divided by tabs, which no code holds and which sort before all that codes hold. A version is written with
    its length first.

    >>> stamp(9, "2024-01-01T00:00:00+07:00", "a", "") < stamp(10, "2023-01-01T00:00:00+07:00", "a", "")
    True
    >>> stamp(None, "2024-01-01T00:00:00+07:00", "a", "") < stamp(0, "2023-01-01T00:00:00+07:00", "a", "")
    True
    """
    return f"{stamp_rank(version)}\t{at}\t{id_}\t{sha256}"


@lru_cache(maxsize=4096)
def stamp_rank(version: int | None) -> str:
    """Return a version as text that sorts as the numbers do, and after no version at all."""
    if version is None:
        return "-"
    digits = str(version)
    return f"{chr(96 + len(digits))}{digits}"


Parts = tuple[str | None, str | None]
"""(transaction, copy)"""


class Event(NamedTuple):
    """One event, decoded: what it says of its dossier, and how new that is."""

    type: str
    dossier: str
    stamp: str
    """see `stamp`"""
    facts: dict[str, Any]
    """field → value; a payment's fields are ``field@transaction``, a copy's ``field@copy``; times are canonical"""
    parts: "Parts | None" = None
    """the payment and the copy that facts are about, where there are such facts"""


class Refused(NamedTuple):
    """Why a record is no event. The reason names fields of the contract only; `dossier` is '' where unknown."""

    reason: str
    dossier: str = ""


def decode(
    value: bytes | None, headers: Iterable[tuple[str, bytes | None]] = (), codes: Codes = "ascii"
) -> Event | Refused:
    """Read one record: plain JSON, or a CloudEvent 1.0 in binary or structured mode. Never raises on bad input.

    `codes` says which letters the codes of dossiers and units may have.
    """
    if value is None:
        return Refused(with_cause("the record has no value", None, KNOWN))
    if len(value) > MAX_BYTES:
        return Refused(f"the record is larger than {MAX_BYTES} bytes")
    body = value
    if headers:
        unwrapped = _unwrap(value, headers)
        if isinstance(unwrapped, Refused):
            return _explained(unwrapped, value)
        body = unwrapped
    try:
        wire = _validate_known(body)
    except ValidationError:
        return _looked_at_closely(body, value, codes)
    # An object has at most one member more than the body has commas. As many known fields as that: so each member is a
    # known field, given once. Fewer mean an unknown field, or one given twice.
    if body.count(b",") != len(wire) - 1:
        return _looked_at_closely(body, value, codes)
    return _event(wire, value, codes)


def _explained(refused: Refused, value: bytes) -> Refused:
    """Give a refusal its likely cause, where the record's bytes show one."""
    return Refused(with_cause(refused.reason, value, KNOWN), refused.dossier)


def _looked_at_closely(body: bytes, value: bytes, codes: Codes) -> Event | Refused:
    """Read the body of a record that is not plainly well-formed: the whole schema, and the reason where it fails."""
    try:
        wire = _validate(body)
    except ValidationError as exc:
        if body is value and b'"specversion"' in value:  # a line of a file has no content type
            unwrapped = _envelope(value)
            if isinstance(unwrapped, Refused):
                return _explained(unwrapped, value)
            return _looked_at_closely(unwrapped, value, codes)
        return _explained(Refused(_reason(exc), _dossier_in(body, codes)), value)
    if _keys_twice(body):
        return Refused("a field is given twice", _code_or_none(wire["dossier"], codes))
    return _event(wire, value, codes)


_new: Final = tuple.__new__


def _event(  # noqa: C901, PLR0911, PLR0912 - the hot path, in one
    wire: dict[str, Any], value: bytes, codes: Codes
) -> Event | Refused:
    """Turn validated fields into facts; `wire` is used up and becomes the facts."""
    pop = wire.pop
    kind, dossier, id_, at = pop("type"), pop("dossier"), pop("id"), pop("at")
    unit = wire.get("unit", "-")
    if not dossier.isascii() and codes == "ascii":
        return Refused(NO_CODE.format("dossier"))
    if not unit.isascii() and codes == "ascii":
        return Refused(NO_CODE.format("unit"), dossier)
    rank = stamp_rank(pop("version", None))
    own_time, implied, part = _KINDS[kind]
    simple = part is None and _is_simple(wire)
    try:
        at = instant_of_valid(at)
        if not FIRST <= at < BEYOND:
            return Refused(FAR.format("at"), dossier)
        if not simple and not _no_times(wire):
            for field in _TIMES:
                told = wire.get(field)
                if told is not None:
                    wire[field] = told = instant_of_valid(told)
                    if not FIRST <= told < BEYOND:
                        return Refused(FAR.format(field), dossier)
    except ValueError:
        return Refused("a time names no day or time of day that exists", dossier)
    if own_time is not None and own_time not in wire:
        wire[own_time] = at
    if implied is not None:
        wire = {**implied, **wire}
    procedure = wire.get("procedure")
    if procedure is not None:
        wire["procedure"] = procedure_code(procedure)
    parts = None
    if not simple and (part is not None or not _no_parts(wire)):
        split = _facts_of_parts(kind, part, at, wire)
        if isinstance(split, str):
            return Refused(with_cause(split, value, KNOWN), dossier)
        wire, parts = split
    return _new(Event, (kind, dossier, f"{rank}\t{at}\t{id_}\t{sha256(value).hexdigest()[:16]}", wire, parts))


_no_times: Final = TIMES.isdisjoint
_TIMES: Final = tuple(sorted(TIMES))
_no_parts: Final = (PAYMENT | {"transaction", "copy"}).isdisjoint
_is_simple: Final = (PAYMENT | {"transaction", "copy"} | TIMES).isdisjoint
"""Whether fields hold no further time and nothing of a payment or a copy: nothing to rewrite or to move."""
_NAMED: Final[Mapping[str, str]] = {"paid": "transaction", "refunded": "transaction", "copy-certified": "copy"}
_KINDS: Final = {kind: (OWN_TIME.get(kind), IMPLIED.get(kind), _NAMED.get(kind)) for kind in TOPIC_OF}
"""type → the field of its own time, what it implies, the part it must name"""


def _facts_of_parts(
    kind: str, needed: str | None, at: str, wire: dict[str, Any]
) -> tuple[dict[str, Any], Parts | None] | str:
    """Give a payment's facts to its transaction and a certified copy's to its copy; a text says what is wrong."""
    transaction, copy = wire.pop("transaction", None), wire.pop("copy", None)
    if needed is not None and (transaction if needed == "transaction" else copy) is None:
        return f"`{kind}` names no `{needed}`"
    facts: dict[str, Any] = {}
    for field, fact in wire.items():
        if field in PAYMENT:
            if transaction is None:
                return f"field `{field}` needs a `transaction`"
            facts[f"{field}@{transaction}"] = fact
        elif copy is not None and field in _OF_A_COPY:
            facts[f"copy_{field}@{copy}"] = fact
        else:
            facts[field] = fact
    if needed == "transaction":
        facts[f"payment@{transaction}"] = kind
    elif needed == "copy":
        facts[f"copied_at@{copy}"] = at
    if transaction is not None and needed != "transaction" and PAYMENT.isdisjoint(wire):
        transaction = None  # named, and nothing is said of it
    if copy is not None and needed != "copy" and _OF_A_COPY.isdisjoint(wire):
        copy = None
    return facts, None if transaction is copy is None else (transaction, copy)


_OF_A_COPY: Final = frozenset({"unit", "electronic"})


def _keys_twice(body: bytes) -> bool:
    found: list[list[str]] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.append([key for key, _ in pairs])
        return dict(pairs)

    try:
        json.loads(body, object_pairs_hook=keep)
    except ValueError:  # a number of thousands of digits, in an attribute that we do not read
        return True
    return any(len(keys) != len(set(keys)) for keys in found)


# -- CloudEvents 1.0 ---------------------------------------------------------------------------------------------------

UPCASTS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
"""Schema version → function that lifts its data to the next version; the current version is `CURRENT`."""
CURRENT: Final = 1
_TYPE = re.compile(r"^vn\.lotrinh\.dossier\.([a-z-]+)\.v([0-9]{1,4})$")
_ATTRIBUTES: Final[Mapping[str, str]] = {"id": "id", "type": "type", "subject": "dossier", "time": "at"}


def _unwrap(value: bytes, headers: Iterable[tuple[str, bytes | None]]) -> bytes | Refused:
    """Return the plain event of a record with headers; headers that are not CloudEvents' mean nothing."""
    named = _named(headers)
    if isinstance(named, Refused):
        return named
    if named.get("content-type", "").lower().startswith("application/cloudevents+json"):
        return _envelope(value)
    if "ce_specversion" not in named and "ce_id" not in named and "ce_type" not in named:
        return value
    if named.get("ce_specversion", "1.0") != "1.0":
        return Refused("the CloudEvent is not of version 1.0")
    try:
        data = from_json(value, allow_inf_nan=False)
    except ValueError:
        return Refused("the record is not JSON")
    return _merged({a: named[f"ce_{a}"] for a in _ATTRIBUTES if f"ce_{a}" in named}, data, value)


def _named(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str] | Refused:
    given = [*islice(headers, HEADERS_MAX + 1)]
    if len(given) > HEADERS_MAX:
        return Refused(f"the record has more than {HEADERS_MAX} headers")
    try:
        return {key.lower(): raw.decode() for key, raw in given if raw is not None}
    except UnicodeDecodeError:
        return Refused("a header is not UTF-8")


def _envelope(value: bytes) -> bytes | Refused:
    try:
        envelope = from_json(value, allow_inf_nan=False)
    except ValueError:
        return Refused("the record is not JSON")
    if not isinstance(envelope, dict) or envelope.get("specversion") != "1.0":
        return Refused("the CloudEvent is not of version 1.0")
    if _keys_twice(value):
        return Refused("a field is given twice")
    return _merged({a: envelope[a] for a in _ATTRIBUTES if a in envelope}, envelope.get("data", {}), None)


def _merged(attributes: Mapping[str, Any], data: Any, raw: bytes | None) -> bytes | Refused:
    """Join a CloudEvent's attributes and data into one plain event."""
    if not isinstance(data, dict):
        return Refused("the CloudEvent's data is not an object")
    if raw is not None and _keys_twice(raw):
        return Refused("a field is given twice")
    body = dict(data)
    version = CURRENT
    for attribute, text in attributes.items():
        field, given = _ATTRIBUTES[attribute], text
        if attribute == "type" and isinstance(text, str) and (match := _TYPE.match(text)):
            given, version = match.group(1), int(match.group(2))
        if field in body and body[field] != given:
            return Refused(f"field `{field}` is given twice, with two values")
        body[field] = given
    while version < CURRENT and version in UPCASTS:
        body, version = UPCASTS[version](body), version + 1
    if version != CURRENT:
        return Refused("the event's schema version is not known")
    try:
        return to_json(body)
    except ValueError:
        return Refused("the record is not JSON")


# -- reasons -----------------------------------------------------------------------------------------------------------

NO_CODE: Final = "{} is not a code"
FAR: Final = "field `{}` lies outside of 2000-01-01 … 2100-12-31"
_CODES: Final = frozenset({"id", "dossier", "unit", "procedure", "transaction", "copy", "exempt_reason"})
_TEXT: Final[Mapping[str, str]] = {
    "extra_forbidden": "the event has a field that the contract does not know",
    "json_invalid": "the record is not JSON",
    "typed_dict_type": "the record is not a JSON object",
    "dict_type": "the record is not a JSON object",
}
_EXPECTED: Final[Sequence[tuple[frozenset[str], str]]] = (
    (TIMES | {"at"}, "a date-time of RFC 3339 with an offset"),
    (frozenset({"version"}), "an integer from 0 to 2⁵³−1"),
    (NUMBERS - {"version"}, "an integer of at least 0"),
    (TRUTHS, "true or false"),
    (frozenset({"type", "channel", "status", "method", "gateway"}), "one of the values of the contract"),
)


def _reason(exc: ValidationError) -> str:
    """Say what is wrong in one clause, naming fields of the contract and no value."""
    errors = exc.errors(include_url=False, include_context=False, include_input=False)
    error = min(errors, key=lambda e: (e["type"] != "extra_forbidden", str(e["loc"])))
    if error["type"] == "missing":
        return f"field `{error['loc'][-1]}` is missing"
    general = _TEXT.get(error["type"])
    if general is not None:
        return general
    field = next((part for part in error["loc"] if part in FIELDS), None)
    if field is None:
        return "the event is not of the contract's form"
    if field in _CODES:
        return NO_CODE.format(field)
    expected = next(expected for fields, expected in _EXPECTED if field in fields)
    return f"field `{field}` is not {expected}"


def _dossier_in(body: bytes, codes: Codes) -> str:
    """Return the dossier code of a refused record; '' where it has none, or what stands there is no code."""
    try:
        parsed = from_json(body, allow_inf_nan=False)
    except ValueError:
        return ""
    return _code_or_none(parsed.get("dossier"), codes) if isinstance(parsed, dict) else ""


def _code_or_none(code: object, codes: Codes) -> str:
    return code if isinstance(code, str) and is_code(code, codes) else ""
