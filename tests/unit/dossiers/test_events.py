"""From bytes to events: the closed schema of the contract, and reasons that never repeat a value."""

import json
from typing import Any, get_args

import pytest

from models.dossiers.events import FIELDS, TOPIC_OF, UPCASTS, Event, Refused, decode, stamp
from models.dossiers.wire import Type

GOOD: dict[str, Any] = {
    "id": "tb:1:7", "type": "received", "dossier": "D-1", "version": 7, "at": "2024-09-30T08:12:03+07:00",
    "unit": "12688", "procedure": "1.004616.000.00.00.H56", "channel": "online",
}  # fmt: skip


def raw(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def accepted(value: bytes, headers: Any = ()) -> Event:
    event = decode(value, headers)
    assert isinstance(event, Event), event
    return event


def refused(value: bytes | None, headers: Any = ()) -> str:
    event = decode(value, headers)
    assert isinstance(event, Refused), event
    return event.reason


def test_an_event_that_says_nothing_of_its_own_time_means_at() -> None:
    facts = accepted(raw()).facts

    assert facts["received_at"] == "2024-09-30T08:12:03+07:00"
    assert facts["procedure"] == "1.004616"
    assert accepted(raw(received_at=None)).facts["received_at"] is None
    assert accepted(raw(received_at="2024-09-29T23:00:00Z")).facts["received_at"] == "2024-09-30T06:00:00+07:00"


@pytest.mark.parametrize(
    ("kind", "implied"),
    [
        ("withdrawn", {"status": "withdrawn"}),
        ("stopped", {"status": "stopped"}),
        ("deleted", {"status": "deleted"}),
        ("restored", {"status": None}),
        ("result-recalled", {"issued_at": None, "electronic": None, "digitised": None}),
    ],
)
def test_a_type_says_what_it_means_by_itself(kind: str, implied: dict[str, Any]) -> None:
    bare = json.dumps({k: GOOD[k] for k in ("id", "dossier", "version", "at")} | {"type": kind}).encode()

    assert accepted(bare).facts == implied


def test_a_recall_leaves_what_it_carries() -> None:
    facts = accepted(raw(type="result-recalled", digitised=True)).facts

    assert facts["digitised"] is True
    assert facts["electronic"] is None


def test_facts_of_payments_and_copies_go_to_their_own() -> None:
    paid = accepted(raw(type="paid", transaction="T1", amount=5, method="online", gateway="national")).facts
    copy = accepted(raw(type="copy-certified", copy="K1", electronic=True)).facts

    assert {k: v for k, v in paid.items() if "@" in k} == {
        "payment@T1": "paid", "paid_at@T1": GOOD["at"], "amount@T1": 5, "method@T1": "online", "gateway@T1": "national",
    }  # fmt: skip
    assert paid["unit"] == "12688"
    assert {k: v for k, v in copy.items() if "@" in k} == {
        "copied_at@K1": GOOD["at"], "copy_unit@K1": "12688", "copy_electronic@K1": True,
    }  # fmt: skip
    assert "unit" not in copy


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "7"}, "field `version` is not an integer from 0 to 2⁵³−1"),
        ({"version": 7.0}, "field `version` is not an integer from 0 to 2⁵³−1"),
        ({"version": -1}, "field `version` is not an integer from 0 to 2⁵³−1"),
        ({"version": 2**53}, "field `version` is not an integer from 0 to 2⁵³−1"),
        ({"at": "2024-09-30T08:12:03"}, "field `at` is not a date-time of RFC 3339 with an offset"),
        ({"at": "2024-09-30T24:00:00+07:00"}, "field `at` is not a date-time of RFC 3339 with an offset"),
        ({"at": "2024-09-31T08:12:03+07:00"}, "a time names no day or time of day that exists"),
        ({"at": 1727658723}, "field `at` is not a date-time of RFC 3339 with an offset"),
        ({"unit": None}, "unit is not a code"),
        ({"unit": ""}, "unit is not a code"),
        ({"procedure": "x" * 201}, "procedure is not a code"),
        ({"at": "2101-01-01T00:00:00+07:00"}, "field `at` lies outside of 2000-01-01 … 2100-12-31"),
        ({"issued_at": "1999-12-31T16:59:59Z"}, "field `issued_at` lies outside of 2000-01-01 … 2100-12-31"),
        ({"amount": -1, "transaction": "T"}, "field `amount` is not an integer of at least 0"),
        ({"dossier": "D\n1"}, "dossier is not a code"),
        ({"channel": "fax"}, "field `channel` is not one of the values of the contract"),
        ({"electronic": 1}, "field `electronic` is not true or false"),
        ({"amount": 5}, "field `amount` needs a `transaction`"),
        ({"type": "paid"}, "`paid` names no `transaction`"),
        ({"type": "copy-certified"}, "`copy-certified` names no `copy`"),
        ({"type": "born"}, "field `type` is not one of the values of the contract"),
        ({"nguyen_van_an": 1}, "the event has a field that the contract does not know"),
    ],
)
def test_a_reason_names_the_field_and_no_value(changes: dict[str, Any], reason: str) -> None:
    assert refused(raw(**changes)).partition(": ")[0] == reason  # and then what likely happened


@pytest.mark.parametrize("field", ["id", "type", "dossier", "at"])
def test_a_missing_field_is_named(field: str) -> None:
    assert refused(json.dumps({k: v for k, v in GOOD.items() if k != field}).encode()) == f"field `{field}` is missing"


@pytest.mark.parametrize(
    "value",
    [None, b"", b"null", b"[]", b"7", b"\xff\xfe", b"{", b"[" * 70_000, b"[" * 5_000, b'{"a":NaN}', b" " * (1 << 20),
     raw(unit="x").replace(b'"x"', b'"\\ud800"')],
)  # fmt: skip
def test_what_is_no_event_at_all_is_refused(value: bytes | None) -> None:
    assert refused(value)


@pytest.mark.parametrize(
    "again", [b', "unit": "340"}', b', "unit" : "340"}', b',"unit"\t: "12688"}', b',"\\u0075nit":"340"}']
)
def test_a_field_given_twice_is_refused(again: bytes) -> None:
    assert refused(raw()[:-1] + again) == "a field is given twice"


def test_every_type_has_a_topic() -> None:
    assert set(TOPIC_OF) == set(get_args(Type))


def test_no_field_could_hold_a_person() -> None:
    forbidden = ("name", "ho_ten", "cccd", "phone", "address", "email", "citizen", "applicant", "officer")

    assert not [f for f in FIELDS if any(word in f for word in forbidden)]


def test_stamps_order_as_the_contract_says() -> None:
    at, later = "2024-09-30T08:12:03+07:00", "2024-09-30T08:12:03.5+07:00"
    in_order = [
        stamp(None, at, "a", "f"), stamp(None, at, "a!", "0"), stamp(None, later, "a", "0"),
        stamp(0, at, "a", "0"), stamp(9, at, "a", "0"),
        stamp(10, at, "a", "0"), stamp(10, at, "b", "0"), stamp(10, at, "b", "1"), stamp(10, later, "a", "0"),
        stamp(2**53 - 1, at, "a", "0"),
    ]  # fmt: skip

    assert sorted(in_order) == in_order


class TestCloudEvents:
    data = {k: v for k, v in GOOD.items() if k not in ("id", "type", "dossier", "at")}
    attributes = {"id": GOOD["id"], "source": "portal", "specversion": "1.0", "subject": "D-1", "time": GOOD["at"]}

    def headers(self, **changes: str) -> list[tuple[str, bytes]]:
        attributes = {**self.attributes, "type": "vn.lotrinh.dossier.received.v1", **changes}
        return [(f"ce_{k}", v.encode()) for k, v in attributes.items()]

    def test_binary_and_structured_say_the_same_as_plain(self) -> None:
        plain = accepted(raw())
        binary = accepted(json.dumps(self.data).encode(), self.headers())
        envelope = json.dumps({**self.attributes, "type": "received", "data": self.data}).encode()
        structured = accepted(envelope, [("content-type", b"application/cloudevents+json")])

        for event in (binary, structured, accepted(envelope)):
            assert (event.type, event.dossier, event.facts) == (plain.type, plain.dossier, plain.facts)

    def test_a_field_given_twice_with_two_values_is_refused(self) -> None:
        agreeing = json.dumps({**self.data, "id": GOOD["id"]}).encode()
        differing = json.dumps({**self.data, "id": "another"}).encode()

        assert accepted(agreeing, self.headers()).type == "received"
        assert refused(differing, self.headers()) == "field `id` is given twice, with two values"

    def test_other_headers_mean_nothing(self) -> None:
        assert accepted(raw(), [("traceparent", b"00-abc"), ("empty", None)])

    def test_versions_are_lifted_or_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        old = json.dumps({**self.data, "kenh": "online"}).encode()
        headers = self.headers(type="vn.lotrinh.dossier.received.v0")

        assert refused(old, headers) == "the event's schema version is not known"
        monkeypatch.setitem(UPCASTS, 0, lambda body: {k: v for k, v in body.items() if k != "kenh"})
        assert accepted(old, headers).facts["channel"] == "online"

    @pytest.mark.parametrize(
        ("value", "headers"),
        [
            (b"{}", [("ce_id", b"\xff")]),
            (b"[]", [("ce_specversion", b"1.0"), ("ce_id", b"x")]),
            (b"{}", [("ce_specversion", b"2.0"), ("ce_id", b"x")]),
            (b"nope", [("ce_specversion", b"1.0")]),
            (b'{"specversion":"1.0","data":[]}', [("content-type", b"application/cloudevents+json")]),
            (b'{"specversion":"1.0","id":1e400}', ()),
            (b'{"specversion":"1.0","x":' + b"9" * 5_000 + b"}", ()),
        ],
    )
    def test_what_is_no_cloudevent_is_refused(self, value: bytes, headers: Any) -> None:
        assert refused(value, headers)

    def test_a_record_with_headers_without_end_is_refused_before_they_are_read(self) -> None:
        value = b'{"id": "a", "type": "received", "dossier": "D", "at": "2024-06-03T08:00:00+07:00"}'
        many = [(f"h{n}", b"x") for n in range(100)]
        assert isinstance(decode(value, many), Event)
        assert decode(value, [*many, ("one", b"more")]) == Refused("the record has more than 100 headers")
