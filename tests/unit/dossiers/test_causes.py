"""What a dead letter says of records that other people's producers have shaped."""

import base64
import gzip
import json
import struct
import unicodedata
import zlib
from typing import Any

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dossiers.events import FIELDS, Refused, decode
from models.dossiers.likely_causes import CAUSES, WRONG_KEY, with_cause_of_key

CANARY = "Nguyễn Thị Ánh 0912345678"
EVENT: dict[str, Any] = {
    "id": "p:1", "type": "received", "dossier": "P-1", "version": 1, "at": "2024-06-03T08:00:00+07:00",
    "unit": "12688", "channel": "online",
}  # fmt: skip
JSON = json.dumps(EVENT).encode()
NOTE = json.dumps({**EVENT, "unit": CANARY}, ensure_ascii=False)
CHANGE = {"before": None, "after": EVENT, "source": {"db": CANARY}, "op": "c", "ts_ms": 1}
UUID = bytes(range(16))


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "tombstone"),
        (b"\xef\xbb\xbf" + JSON, "bom"),
        (JSON.decode().encode("utf-16"), "utf-16"),
        (JSON.decode().encode("utf-16-le"), "utf-16"),
        (JSON.decode().encode("utf-16-be"), "utf-16"),
        (JSON.decode().encode("utf-32"), "utf-32"),
        (NOTE.replace("ễ", "e").replace("ị", "i").encode("latin-1"), "not-utf-8"),
        (struct.pack(">bI", 0, 7) + JSON, "registry-json"),
        (struct.pack(">bI", 0, 70_000) + b"\x06p:1\x10received", "registry-binary"),  # Avro
        (struct.pack(">bI", 0, 7) + b"\x00\x0a\x03p:1", "registry-binary"),  # Protobuf
        (b"\x01" + UUID + JSON, "registry-json"),
        (b"\x03\x00" + UUID + b"\x06p:1", "registry-binary"),
        (gzip.compress(JSON), "gzip"),
        (zlib.compress(JSON), "compressed"),
        (bytes(cramjam.zstd.compress(JSON)), "compressed"),
        (bytes(cramjam.lz4.compress(JSON)), "compressed"),
        (b"PK\x03\x04\x14\x00", "zip"),
        (b"\xac\xed\x00\x05t\x00\x03abc", "java"),
        (b"Obj\x01\x04\x14avro.codec", "avro"),
        (b'<?xml version="1.0"?><hoSo/>', "xml"),
        (base64.b64encode(JSON), "base64"),
        (b"[" + JSON + b"]", "array"),
        (JSON + b"\n" + JSON, "several"),
        (JSON + JSON, "several"),
        (json.dumps(JSON.decode()).encode(), "twice"),
        (repr(EVENT).encode(), "repr"),
        (b'{"specversion": "1.0", "data": {"amount": NaN}}', "nan"),
        (JSON[:-1], "cut"),
        (JSON[: len(JSON) // 2], "cut"),
        (json.dumps({"schema": {"type": "struct"}, "payload": EVENT}).encode(), "connect"),
        (json.dumps({"schema": None, "payload": EVENT}).encode(), "connect"),
        (json.dumps({"schema": {"type": "struct"}, "payload": CHANGE}).encode(), "debezium"),
        (json.dumps(CHANGE).encode(), "debezium"),
        (json.dumps({**EVENT, "receivedAt": "2024-06-03T08:00:00+07:00"}).encode(), "camel"),
        (json.dumps({"data": EVENT}).encode(), "wrapped"),
        (json.dumps({**EVENT, **dict.fromkeys(FIELDS[8:])}).encode(), "nulls"),
        (json.dumps({**EVENT, "at": "2024-06-03T08:00:00"}).encode(), "time-local"),
        (json.dumps({**EVENT, "received_at": "2024-06-03T08:00:00.123"}).encode(), "time-local"),
        (json.dumps({**EVENT, "at": "2024-06-03T08:00:00+0700"}).encode(), "time-offset"),
        (json.dumps({**EVENT, "at": "2024-06-03 08:00:00+07:00"}).encode(), "time-blank"),
        (json.dumps({**EVENT, "at": "03/06/2024 08:00"}).encode(), "time-day-first"),
        (json.dumps({**EVENT, "received_at": "2024-06-03"}).encode(), "time-day"),
        (json.dumps({**EVENT, "received_at": 1_717_376_400_000}).encode(), "time-number"),
        (json.dumps({**EVENT, "at": CANARY}).encode(), ""),
        (b"not json", ""),
        (b"", ""),
        (b"null", ""),
        (b"\x00", ""),
        (b"{" * 60_000, "cut"),
        (json.dumps({**EVENT, "applicant": CANARY}).encode(), ""),
        (json.dumps({**EVENT, "version": "7"}).encode(), ""),
    ],
)
def test_the_likely_cause_is_named(value: bytes | None, cause: str) -> None:
    refused = decode(value)

    assert isinstance(refused, Refused)
    assert refused.reason.endswith(f": {CAUSES[cause]}") if cause else not has_cause(refused.reason)


def has_cause(reason: str) -> bool:
    return any(reason.endswith(clause) for clause in CAUSES.values())


def test_a_cause_is_looked_for_in_cloudevents_too() -> None:
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"1")]
    refused = decode(b"\xef\xbb\xbf" + JSON, headers)

    assert isinstance(refused, Refused)
    assert refused.reason == f"the record is not JSON: {CAUSES['bom']}"


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        (None, "no-key"),
        (b'"Hs-\xe1\xba\xa4"', "key-quoted"),
        (b'"Hs-\\u1ea4"', "key-quoted"),
        (b'{"dossier": "Hs"}', "key-object"),
        (b'{"schema": {"type": "string"}, "payload": "Hs"}', "key-connect"),
        (b"\x00\x00\x00\x00\x07Hs", "key-registry"),
        ("\ufeffHs-Ấ".encode(), "key-bom"),
        ("Hs-Ấ".encode("utf-16-be"), "key-utf-16"),
        ("Hs-Ấ".encode("utf-16"), "key-utf-16"),
        (unicodedata.normalize("NFD", "Hs-Ấ").encode(), "key-nfc"),
        ("Hs-Ấ ".encode(), "key-blanks"),
        ("HS-Ấ".encode(), "key-case"),
        (b"\xff", ""),
        (b"another", ""),
        (b"", ""),
    ],
)
def test_the_likely_cause_of_a_wrong_key_is_named(key: bytes | None, cause: str) -> None:
    expected = f"{WRONG_KEY}: {CAUSES[cause]}" if cause else WRONG_KEY

    assert with_cause_of_key(WRONG_KEY, key, "Hs-Ấ") == expected


def shapes(of: bytes) -> st.SearchStrategy[bytes]:
    """What may happen to a record's bytes on their way."""
    cut = st.integers(0, len(of)).map(lambda n: of[:n])
    beginnings = [b"\xef\xbb\xbf", b"\x00\x00\x00\x00\x01", b"\x01" + UUID, b"[", b'"', b"{'", b"<", b"\x78\x9c", b"{"]
    before = st.sampled_from(beginnings).map(lambda b: b + of)
    coded = st.sampled_from(["utf-16", "utf-16-be", "utf-32", "utf-7"]).map(lambda c: of.decode().encode(c))
    return st.one_of(
        st.binary(max_size=40), cut, before, coded, st.just(of + of), st.just(json.dumps(of.decode()).encode())
    )


WHOLE = json.dumps({**EVENT, "Họ tên": CANARY, "payload": {CANARY: CANARY}}, ensure_ascii=False).encode()


@given(value=shapes(WHOLE), key=st.one_of(st.none(), st.binary(max_size=9), st.just(CANARY.encode()), shapes(b'"P-1"')))
def test_a_reason_is_of_a_closed_set_and_says_nothing_of_the_record(value: bytes, key: bytes | None) -> None:
    refused = decode(value)
    assert isinstance(refused, Refused)
    for reason in (refused.reason, with_cause_of_key(WRONG_KEY, key, "P-1")):
        bare = next((reason.removesuffix(f": {c}") for c in CAUSES.values() if reason.endswith(f": {c}")), reason)

        assert bare in {
            WRONG_KEY, "the record is not JSON", "the record is not a JSON object",
            "the event has a field that the contract does not know",
        } | {f"field `{field}` is missing" for field in FIELDS}  # fmt: skip
        assert not any(word in reason for word in (*CANARY.split(), "Họ", "tên"))
