"""What `lotrinh alerts list --json` says of an alert beyond its transition: what it was judged by, who is told next."""

import json
from typing import Any

import orjson
import pytest

from models.alerting.operator_actions import NOBODY, Operators, merged, parse_operator
from models.notification.outbox import Situation
from streams.acts.alert_rows import judged_by, next_told, silences_of
from streams.audit.alert_log import Told
from tests.notices import INPUTS, NOW, Delivery, plan, to, transition

TOMORROW = "2024-06-06T09:00:00+07:00"
EVIDENCE = {"topic": "unit.tallies", "partition": 1, "position": 900, "reading": "ab"}
FIRED = transition()


def told(**more: Any) -> Told:
    fired: Any = transition(**more)
    return Told(fired, orjson.dumps(fired), 1, 7, EVIDENCE)


def said(**fields: Any) -> Operators:
    record = {"id": "r", "at": NOW, "role": "operator", "reason": "đang xử lý", **fields}
    return merged([parse_operator(json.dumps(record).encode())])  # type: ignore[list-item]  # one that is right


# -- what it was judged by ---------------------------------------------------------------------------------------------


def test_an_alert_says_by_what_probability_and_hold_and_from_where_in_the_log() -> None:
    assert judged_by(told()) == {
        "p": "0.0284", "hold": 3, "record": {"partition": 1, "offset": 7}, "evidence": EVIDENCE,
    }  # fmt: skip
    assert judged_by(told(inputs=INPUTS | {"stepped": True}))["hold"] == 10


def test_what_is_no_matter_of_chance_or_of_a_rule_has_none() -> None:
    silent = told(kind="source-silent", indicator="*")
    del silent.transition["inputs"]
    cells = told(inputs=INPUTS | {"shape": "cells"})

    assert (judged_by(silent)["p"], judged_by(silent)["hold"]) == (None, None)
    assert (judged_by(cells)["p"], judged_by(cells)["hold"]) == (None, 3)
    assert judged_by(told(rule="evidence/0"))["hold"] is None
    assert judged_by(told(rule="of long ago"))["hold"] is None


# -- who is told next --------------------------------------------------------------------------------------------------


def next_of(manner: dict[str, Any], *, tell: bool = True, at: str = TOMORROW, **here: Any) -> list[dict[str, Any]]:
    """When the mailbox `a` hears of an alert next, the alert having been told or not."""
    route = here.pop("route", {})
    delivery = Delivery(plan({"a": manner}, to("a", **route)))
    delivery.publish(FIRED)
    if tell:
        delivery.tell()
    else:
        delivery.read(Situation(NOW))
    return next_told(delivery.outbox, FIRED["fingerprint"], Situation(at, **here))


ACK = said(kind="ack", fingerprint=FIRED["fingerprint"], alert=FIRED["id"], severity="warning", shortfall=10)
SILENCE = said(
    kind="silence", since=NOW, until="2024-06-20T00:00:00+07:00",
    matchers=[{"label": "unit", "op": "=", "value": "12688"}],
)  # fmt: skip
DIGEST_ALONE = {"tell": False, "route": {"deliver": "digest"}}
NIGHT = {"from": "18:00", "until": "07:00"}


@pytest.mark.parametrize(
    ("manner", "here", "at", "why"),
    [
        ({}, {}, "2024-06-12T00:00:00+07:00", "reminder"),
        ({"remind_working_days": 2}, {}, "2024-06-07T00:00:00+07:00", "reminder"),
        ({"quiet": NIGHT}, {}, "2024-06-12T07:00:00+07:00", "reminder"),
        ({"refresh_hours": 24}, {"at": "2024-06-06T08:00:00+07:00"}, TOMORROW, "refresh"),
        ({"digest_at": "07:30"}, {}, "2024-06-06T09:00:00+07:00", "digest"),  # that morning's is overdue
        ({"digest_at": "09:30"}, {}, "2024-06-06T09:30:00+07:00", "digest"),
        ({"digest_at": "07:30", "refresh_hours": 24}, DIGEST_ALONE, TOMORROW, "digest"),
        ({}, {"operators": ACK}, None, "acknowledged"),
        ({}, {"operators": SILENCE}, "2024-06-20T00:00:00+07:00", "silenced"),
        ({}, {"tell": False}, TOMORROW, "due"),
        ({"quiet": NIGHT}, {"tell": False, "at": "2024-06-07T20:00:00+07:00"}, "2024-06-10T07:00:00+07:00", "quiet"),
    ],
)
def test_the_next_word_to_a_mailbox_has_a_time_and_a_reason(
    manner: dict[str, Any], here: dict[str, Any], at: str | None, why: str
) -> None:
    assert next_of(manner, **here) == [{"mailbox": "a", "at": at, "why": why}]


def test_a_mailbox_that_has_had_its_digest_waits_for_the_next_working_morning() -> None:
    delivery = Delivery(plan({"a": {"digest_at": "07:30"}}, to("a", deliver="digest")))
    delivery.publish(FIRED)
    delivery.tell("2024-06-07T08:00:00+07:00")  # a Friday

    assert next_told(delivery.outbox, FIRED["fingerprint"], Situation("2024-06-07T09:00:00+07:00")) == [
        {"mailbox": "a", "at": "2024-06-10T07:30:00+07:00", "why": "digest"}
    ]


def test_the_reminder_comes_when_it_was_said_to_come() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(FIRED)
    delivery.tell()
    ((word,),) = [next_told(delivery.outbox, FIRED["fingerprint"], Situation(TOMORROW))]

    assert delivery.tell("2024-06-11T23:59:59+07:00") == []
    assert [line.reason for m in delivery.tell(word["at"]) for line in m.lines] == ["reminder"]


def test_a_silent_source_holds_back_with_no_end_that_is_known() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition(unit="34", kind="source-silent", indicator="*"))
    delivery.publish(FIRED)
    delivery.tell()

    assert next_told(delivery.outbox, FIRED["fingerprint"], Situation(TOMORROW)) == [
        {"mailbox": "a", "at": None, "why": "inhibited"}
    ]
    assert next_told(delivery.outbox, "of nothing", Situation(TOMORROW)) == []


def test_silences_are_shown_while_they_last() -> None:
    assert [s["id"] for s in silences_of(SILENCE, TOMORROW)] == ["r"]
    assert silences_of(SILENCE, "2024-06-20T00:00:00+07:00") == []
    assert silences_of(NOBODY, TOMORROW) == []
