"""Acknowledgements and silences: what they hold for, and when they end."""

import json
from itertools import permutations
from typing import Any

import pytest

from models.alerting.operator_actions import Ack, acknowledged_by, labels_of, merged, parse_operator, silenced_by
from models.dossiers.events import Refused

FIRED = {
    "id": "a1",
    "fingerprint": "f1",
    "decision": "thai-binh-2024",
    "indicator": "online-dossiers",
    "unit": "12688",
    "kind": "below-trajectory",
    "severity": "warning",
}
LABELS = labels_of(FIRED, "340")
NOW = "2024-06-10T08:00:00+07:00"


def record(kind: str, **fields: Any) -> bytes:
    common = {"kind": kind, "id": "r1", "at": "2024-06-03T08:00:00+07:00", "role": "unit-head", "reason": "đang xử lý"}
    return json.dumps(common | fields).encode()


def parsed(kind: str, **fields: Any) -> Any:
    found = parse_operator(record(kind, **fields))
    assert not isinstance(found, Refused), found
    return found


def ack(**fields: Any) -> Ack:
    found = parsed("ack", **{"fingerprint": "f1", "alert": "a1", "severity": "warning", "shortfall": 20, **fields})
    assert isinstance(found, Ack)
    return found


def silence(*matchers: tuple[str, str, str], **fields: Any) -> Any:
    span = {"since": "2024-06-03T08:00:00+07:00", "until": "2024-06-17T08:00:00+07:00"}
    return parsed("silence", matchers=[{"label": m[0], "op": m[1], "value": m[2]} for m in matchers], **span | fields)


def test_an_acknowledgement_holds_until_the_alert_gets_worse() -> None:
    state = merged([ack()])

    assert acknowledged_by(state, FIRED, "warning", 24, NOW) is not None
    assert acknowledged_by(state, FIRED, "warning", 25, NOW) is None
    assert acknowledged_by(state, FIRED, "critical", 20, NOW) is None


def test_an_acknowledgement_is_for_one_episode_and_may_expire() -> None:
    assert acknowledged_by(merged([ack()]), {**FIRED, "id": "a2"}, "warning", 20, NOW) is None
    assert acknowledged_by(merged([ack(until=NOW)]), FIRED, "warning", 20, NOW) is None


def test_a_silence_matches_by_all_its_matchers_and_expires() -> None:
    state = merged([silence(("district", "=", "340"), ("kind", "!=", "unreachable"))])

    assert silenced_by(state, LABELS, NOW) is not None
    assert silenced_by(state, {**LABELS, "kind": "unreachable"}, NOW) is None
    assert silenced_by(state, LABELS, "2024-06-17T08:00:00+07:00") is None


def test_a_silence_can_be_ended_before_its_time() -> None:
    made = silence(("unit", "=", "12688"), id="s1")
    ended = parsed("unsilence", silence="s1", id="r9", at="2024-06-09T00:00:00+07:00")

    assert silenced_by(merged([made, ended]), LABELS, "2024-06-08T00:00:00+07:00") is not None
    assert silenced_by(merged([made, ended]), LABELS, NOW) is None


def test_the_order_of_records_does_not_matter() -> None:
    records = [
        ack(),
        ack(id="r2", at="2024-06-04T08:00:00+07:00", shortfall=30),
        silence(("unit", "=", "12688"), id="s1"),
        parsed("unsilence", silence="s1", id="r9", at="2024-06-09T00:00:00+07:00"),
    ]

    for order in permutations(records):
        assert merged([*order, order[0]]) == merged(records)
    assert merged(records).acks["f1"].id == "r2"


@pytest.mark.parametrize(
    "value",
    [
        record("ack", fingerprint="f1", alert="a1", severity="warning", shortfall=1, role="Nguyễn Văn A"),
        record("ack", fingerprint="f1", alert="a1", severity="warning", shortfall=1, reason="gọi 0912345678"),
        record("ack", fingerprint="f1", alert="a1", severity="warning", shortfall=1, by="x"),
        record("silence", matchers=[], since=NOW, until="2024-06-17T08:00:00+07:00"),
        record("silence", matchers=[{"label": "kind", "op": "!=", "value": "x"}], since=NOW, until="2024-06-17T08:00:00+07:00"),
        record("silence", matchers=[{"label": "unit", "op": "=", "value": "x"}], since=NOW, until="2025-06-17T08:00:00+07:00"),
        b"{",
    ],
)  # fmt: skip
def test_what_names_a_person_or_has_no_bounds_is_refused_without_being_quoted(value: bytes) -> None:
    refused = parse_operator(value)

    assert isinstance(refused, Refused)
    assert "Nguyễn" not in refused.reason
    assert "0912" not in refused.reason
