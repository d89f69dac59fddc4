"""Likely causes of a refusal: what a portal's serializer, converter or editor did to a record, as its bytes show it.

A cause is one of a closed set of clauses and repeats nothing of the record, for that may be somebody's name. None of
them decides whether a record is refused: they are looked for once it is.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

CAUSES: Final[Mapping[str, str]] = {
    # of values
    "tombstone": "a tombstone takes nothing back here; a dossier is taken back by an event `deleted`",
    "bom": "it begins with a UTF-8 byte order mark",
    "utf-16": "it is UTF-16, not UTF-8",
    "utf-32": "it is UTF-32, not UTF-8",
    "not-utf-8": "it is not UTF-8; an older encoding, such as Windows-1258",
    "registry-json": "it begins with the header of a schema registry; send JSON without one (a plain JSON serializer)",
    "registry-binary": "it has the header of a schema registry, so it is Avro or Protobuf; send JSON",
    "gzip": "the value itself is compressed with gzip; let the producer compress (compression.type)",
    "compressed": "the value itself is compressed; let the producer compress (compression.type)",
    "zip": "it is a ZIP archive, as Excel workbooks are",
    "java": "it is a serialized Java object; send JSON",
    "avro": "it is an Avro file; send JSON",
    "xml": "it is XML",
    "base64": "it is JSON in Base64",
    "array": "it is an array; send each event as a record of its own",
    "several": "it holds several JSON objects; send each as a record of its own",
    "twice": "it is JSON within a JSON text, encoded twice",
    "repr": "its quotes are single ones, as Python prints an object; JSON has double ones",
    "nan": "it holds NaN or Infinity, which JSON does not have",
    "cut": "it is cut off",
    "connect": "it is in the envelope of Kafka Connect; set value.converter.schemas.enable=false",
    "debezium": "it is in the envelope of Debezium, which says how a row changed; make events of the contract from it",
    "camel": "names of fields are in camelCase; the contract's are in snake_case",
    "wrapped": "the event is wrapped in another object; send it alone",
    "nulls": "unset fields are written as null (Jackson's default); leave them out",
    # of times
    "time-local": "it has no offset; that of Vietnam is +07:00",
    "time-number": "it is a number, as of seconds since 1970; write 2024-09-30T08:12:03+07:00",
    "time-offset": "its offset has no colon; write +07:00",
    "time-blank": "a blank stands in place of the T between day and time",
    "time-day-first": "it does not begin with the year; write 2024-09-30T08:12:03+07:00",
    "time-day": "it is a day without a time; write 2024-09-30T08:12:03+07:00",
    # of keys
    "no-key": "the record has no key",
    "key-quoted": "the key is in JSON quotes; use a serializer for plain text",
    "key-object": "the key is a JSON object; the dossier's code alone is wanted",
    "key-connect": "the key is in the envelope of Kafka Connect; use key.converter StringConverter",
    "key-registry": "the key begins with the header of a schema registry; use a serializer for plain text",
    "key-bom": "the key begins with a UTF-8 byte order mark",
    "key-utf-16": "the key is UTF-16, not UTF-8",
    "key-nfc": "key and `dossier` are the same letters, composed otherwise (Unicode NFC and NFD)",
    "key-blanks": "key and `dossier` differ in blanks around them",
    "key-case": "key and `dossier` differ in upper and lower case",
}
"""name → clause that goes on after a reason and a colon"""

WRONG_KEY: Final = "the record's key is not the dossier"
_BEGINNINGS: Final = (
    (b"\xef\xbb\xbf", "bom"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xfe\xff", "utf-16"),
    (b"\xff\xfe", "utf-16"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed"),  # zstd
    (b"\x04\x22\x4d\x18", "compressed"),  # lz4
    (b"\x82SNAPPY\x00", "compressed"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed"),
    (b"\x78\x01", "compressed"),  # zlib
    (b"\x78\x9c", "compressed"),
    (b"\x78\xda", "compressed"),
    (b"BZh", "compressed"),
    (b"PK\x03\x04", "zip"),
    (b"\xac\xed\x00\x05", "java"),
    (b"Obj\x01", "avro"),
    (b"<", "xml"),
    (b"eyJ", "base64"),
    (b"[", "array"),
    (b"{'", "repr"),
)
_HEADERS: Final = ((b"\x00\x00", 5, True), (b"\x01", 17, False), (b"\x03\x00", 18, True), (b"\x03\x05", 18, True))
"""how a value with a schema's number begins, its length, and whether that alone is a sign: Confluent's (number below
2²⁴, GUID), AWS Glue's (plain, compressed)"""
_ENVELOPES: Final = ({"before", "after", "op"}, {"after", "op", "source"})
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
STRUCTURE: Final = frozenset({
    "the record has no value", "the record is not JSON", "the record is not a JSON object",
    "the event has a field that the contract does not know", "the CloudEvent's data is not an object",
})  # fmt: skip
"""reasons that say nothing yet of what has happened; so do missing fields and payments' nulls"""


def with_cause(reason: str, value: bytes | None, fields: frozenset[str]) -> str:
    """Return a reason with the likely cause, where the record's bytes show one; `fields`: those of the contract."""
    name = ""
    if reason in STRUCTURE or reason.endswith("` is missing"):
        name = "tombstone" if value is None else _of_value(value, fields)
    elif reason.endswith("needs a `transaction`") and value is not None and _many_nulls(value, fields):
        name = "nulls"
    elif value is not None and (wrong := _TIME.search(reason)):
        name = _of_time(_object_in(value).get(wrong[1]))
    return f"{reason}: {CAUSES[name]}" if name else reason


def _of_value(value: bytes, fields: frozenset[str]) -> str:
    """Return the name of a likely cause; '' where nothing is known."""
    text = value.strip()
    for header, length, is_sign in _HEADERS:
        if value.startswith(header) and len(value) > length:
            if value[length:].lstrip().startswith(b"{"):
                return "registry-json"
            if is_sign:
                return "registry-binary"
    for beginning, name in _BEGINNINGS:
        if text.startswith(beginning):
            return name
    if len(value) > 3 and (value[1::2].count(0) * 2 > len(value) // 2 or value[::2].count(0) * 2 > len(value) // 2):
        return "utf-16"
    try:
        return _of_text(text.decode(), fields)
    except UnicodeDecodeError:
        return "not-utf-8" if text.startswith(b"{") else ""


def _of_text(text: str, fields: frozenset[str]) -> str:
    odd: list[str] = []
    try:
        found, end = json.JSONDecoder(parse_constant=odd.append).raw_decode(text)
    except (ValueError, RecursionError):
        return "cut" if text.startswith("{") and not text.endswith("}") else ""
    if text[end:].lstrip().startswith("{"):
        return "several"
    if isinstance(found, str) and found.lstrip().startswith("{"):
        return "twice"
    return _of_object(found, fields) or ("nan" if odd else "") if isinstance(found, dict) else ""


def _of_object(found: Mapping[str, Any], fields: frozenset[str]) -> str:
    names = found.keys()
    payload = found.get("payload")
    if {"schema", "payload"} >= names and payload is not None:
        return "debezium" if isinstance(payload, dict) and _is_change(payload) else "connect"
    if _is_change(found):
        return "debezium"
    if any(name not in fields and _CAMEL.sub("_", name).lower() in fields for name in names):
        return "camel"
    inner = [each for each in found.values() if isinstance(each, dict) and len(each.keys() & fields) > 1]
    return "wrapped" if inner and not names & fields else ""


def _is_change(found: Mapping[str, Any]) -> bool:
    return any(found.keys() >= envelope for envelope in _ENVELOPES)


def _many_nulls(value: bytes, fields: frozenset[str]) -> bool:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and sum(found.get(name, 0) is None for name in fields) >= NULLS_LEAST


_TIME: Final = re.compile(r"^field `([a-z_]+)` is not a date-time")
_DAY: Final = r"\d{4}-\d\d-\d\d"
_CLOCK: Final = r"\d\d:\d\d(:\d\d([.,]\d+)?)?"
_TIMES: Final = (
    (re.compile(rf"{_DAY}[Tt]{_CLOCK}"), "time-local"),
    (re.compile(rf"{_DAY}[Tt]{_CLOCK}[+-]\d{{3,4}}"), "time-offset"),
    (re.compile(rf"{_DAY} {_CLOCK}.*"), "time-blank"),
    (re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}.*"), "time-day-first"),
    (re.compile(_DAY), "time-day"),
)


def _of_time(found: Any) -> str:
    if isinstance(found, int | float) and not isinstance(found, bool):
        return "time-number"
    return next((n for form, n in _TIMES if isinstance(found, str) and form.fullmatch(found)), "")


NULLS_LEAST: Final = 5
"""fields that are null, from which they are taken for unset ones and not for facts taken back"""


# -- keys --------------------------------------------------------------------------------------------------------------


def with_cause_of_key(reason: str, key: bytes | None, dossier: str) -> str:
    """Return a reason with the likely cause why a record's key is not its dossier."""
    name = "no-key" if key is None else next((n for n, shows in _OF_KEYS if shows(key, dossier)), "")
    return f"{reason}: {CAUSES[name]}" if name else reason


def _object_in(key: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(key)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _same(change: Callable[[str], str]) -> Callable[[bytes, str], bool]:
    """Tell whether key and dossier are the same text after a change."""

    def shows(key: bytes, dossier: str) -> bool:
        try:
            return change(key.decode()) == change(dossier)
        except UnicodeDecodeError:
            return False

    return shows


_OF_KEYS: Final[tuple[tuple[str, Callable[[bytes, str], bool]], ...]] = (
    ("key-quoted", lambda key, dossier: key == json.dumps(dossier).encode() or key == f'"{dossier}"'.encode()),
    ("key-connect", lambda key, _: {"schema", "payload"} == _object_in(key).keys()),
    ("key-object", lambda key, _: bool(_object_in(key))),
    ("key-registry", lambda key, _: len(key) > 5 and key[:1] == b"\x00" and key[1:2] == b"\x00"),
    ("key-bom", lambda key, _: key[:3] == b"\xef\xbb\xbf"),
    ("key-utf-16", lambda key, dossier: key in (dossier.encode(e) for e in ("utf-16", "utf-16-le", "utf-16-be"))),
    ("key-nfc", _same(lambda text: unicodedata.normalize("NFC", text))),
    ("key-blanks", _same(str.strip)),
    ("key-case", _same(str.casefold)),
)
