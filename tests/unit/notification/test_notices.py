"""Who is told what, and when."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from models.alerting.operator_actions import Operators, merged, parse_operator
from models.notification.digest_ranking import ranked
from models.notification.outbox import BACKLOG, DIGEST, UNDELIVERED, Message, Situation, Undelivered
from models.notification.routing import Mailbox
from tests.notices import NOW, Delivery, plan, to, transition

TOMORROW = "2024-06-06T09:00:00+07:00"
COMMUNES = ["12688", "12691", "12694"]  # of the district 340


def said(messages: list[Message]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(str(m.mailbox), [(line.now["unit"], line.reason) for line in m.lines]) for m in messages]


def operators(**fields: Any) -> Operators:
    record = {"id": "r1", "at": NOW, "role": "operator", "reason": "đang xử lý", **fields}
    return merged([parse_operator(json.dumps(record).encode())])  # type: ignore[list-item]  # one that is right


def test_all_matching_routes_apply_and_a_mailbox_hears_once() -> None:
    made = plan(
        {"so-tttt": {}, "vp-ubnd": {}, "mail": {}},
        to("so-tttt"),
        to("so-tttt", "vp-ubnd", match={"severity": ["critical"]}),
        to("mail", role="unit-head"),
        to("mail", role="district", unless={"class": ["district"]}),
        mail={"12688", "340"},
    )
    delivery = Delivery(made)
    delivery.publish(transition())
    delivery.publish(transition(unit="340", severity="critical"))

    assert sorted(said(delivery.tell())) == [
        ("mail@12688", [("12688", "firing")]),
        ("mail@340", [("12688", "firing"), ("340", "firing")]),
        ("so-tttt", [("12688", "firing"), ("340", "firing")]),
        ("vp-ubnd", [("340", "firing")]),
    ]


def test_the_end_goes_to_whoever_got_the_beginning_and_to_nobody_else() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    silence = {"matchers": [{"label": "unit", "op": "=", "value": "12691"}], "since": NOW, "until": TOMORROW}
    quiet = operators(kind="silence", **silence)
    delivery.publish(transition(unit="12691"))
    delivery.tell(operators=quiet)
    delivery.publish(transition("resolved"))
    delivery.publish(transition("resolved", unit="12691"))

    assert said(delivery.tell(operators=quiet)) == [("a", [("12688", "ended")])]


def test_a_silence_holds_back_until_it_ends_and_hides_nothing_after() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    silence = operators(
        kind="silence", matchers=[{"label": "district", "op": "=", "value": "340"}], since=NOW, until=TOMORROW
    )

    assert delivery.tell(operators=silence) == []
    assert said(delivery.tell(TOMORROW, operators=silence)) == [("a", [("12688", "firing")])]


def test_a_silent_source_inhibits_what_its_units_would_say() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition(unit="34", kind="source-silent", indicator="*"))
    for unit in COMMUNES:
        delivery.publish(transition(unit=unit))

    assert said(delivery.tell()) == [("a", [("34", "firing")])]
    delivery.publish(transition("resolved", unit="34", kind="source-silent", indicator="*"))
    assert sorted(unit for _, lines in said(delivery.tell()) for unit, _ in lines) == [*COMMUNES, "34"]


def test_hundreds_of_units_with_one_cause_are_one_message() -> None:
    delivery = Delivery(plan({"a": {"group_by": ["unit"]}}, to("a")))
    for n in range(500):
        delivery.publish(transition(unit=f"9{n:04d}", cause="target-step", group="d/online-dossiers/target-step"))
    delivery.publish(transition())
    messages = delivery.tell()

    assert sorted(len(m.lines) for m in messages) == [1, 500]
    assert max(m.still_open for m in messages) == 500


def test_an_open_alert_is_told_again_after_five_working_days_unless_acknowledged() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    delivery.tell()
    ack = operators(
        kind="ack", fingerprint=transition()["fingerprint"], alert=transition()["id"], severity="warning", shortfall=10
    )

    assert delivery.tell("2024-06-11T23:00:00+07:00") == []  # Thursday to Tuesday: four working days
    assert delivery.tell("2024-06-12T09:00:00+07:00", operators=ack) == []
    assert said(delivery.tell("2024-06-12T09:00:00+07:00")) == [("a", [("12688", "reminder")])]


def test_an_acknowledged_alert_that_gets_worse_is_told_at_once() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    delivery.tell()
    ack = operators(
        kind="ack", fingerprint=transition()["fingerprint"], alert=transition()["id"], severity="warning", shortfall=10
    )
    where = ("thai-binh-2024", "online-dossiers", "12688")

    assert delivery.tell(TOMORROW, operators=ack, shortfalls={where: 14}) == []
    assert said(delivery.tell(TOMORROW, operators=ack, shortfalls={where: 15})) == [("a", [("12688", "worse")])]
    assert delivery.tell(TOMORROW, operators=ack, shortfalls={where: 16}) == []


def test_quiet_hours_hold_back_what_is_not_grave() -> None:
    delivery = Delivery(plan({"a": {"quiet": {"from": "18:00", "until": "07:00"}}}, to("a")))
    delivery.publish(transition())
    delivery.publish(transition(unit="12691", severity="critical"))

    assert said(delivery.tell("2024-06-07T19:00:00+07:00")) == [("a", [("12691", "firing")])]
    assert delivery.tell("2024-06-08T09:00:00+07:00") == []  # Saturday
    assert said(delivery.tell("2024-06-10T07:00:00+07:00")) == [("a", [("12688", "firing")])]


def test_one_digest_each_working_morning_with_what_is_new_open_and_ended() -> None:
    delivery = Delivery(plan({"a": {"digest_at": "07:30"}}, to("a", deliver="digest")))
    delivery.outbox._put_box(Mailbox("a"), digest="2024-06-05")
    delivery.publish(transition())
    delivery.publish(transition(unit="12691"))

    assert delivery.tell() == []
    (first,) = delivery.tell("2024-06-06T07:30:00+07:00")
    delivery.publish(transition("resolved", at="2024-06-06T10:00:00+07:00"))
    assert delivery.tell("2024-06-06T23:00:00+07:00") == []
    (second,) = delivery.tell("2024-06-07T08:00:00+07:00")
    assert delivery.tell("2024-06-08T08:00:00+07:00") == []  # Saturday
    (third,) = delivery.tell("2024-06-11T08:00:00+07:00")  # Monday's was missed

    assert {m.group for m in (first, second, third)} == {DIGEST}
    reasons = [sorted((line.now["unit"], line.reason) for line in m.lines) for m in (first, second, third)]
    assert reasons == [
        [("12688", "firing"), ("12691", "firing")],
        [("12688", "ended"), ("12691", "reminder")],
        [("12691", "reminder")],
    ]


def test_what_fired_long_ago_and_was_never_told_is_one_message_and_what_ended_is_none() -> None:
    delivery = Delivery(plan({"a": {"group_by": ["unit"]}}, to("a")))
    for unit in COMMUNES:
        delivery.publish(transition(unit=unit, at="2024-03-01T23:59:59+07:00"))
    delivery.publish(transition(unit="340", at="2024-03-01T23:59:59+07:00"))
    delivery.publish(transition("resolved", unit="340", at="2024-03-20T23:59:59+07:00"))
    (message,) = delivery.tell()

    assert message.group == BACKLOG
    assert [line.now["unit"] for line in message.lines] == COMMUNES


def test_a_receiver_that_is_away_gets_the_latest_word_once_and_hears_what_came_and_went() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    delivery.tell()
    for made in (transition("resolved"), transition(episode=2), transition("resolved", 2)):
        delivery.publish(made)
    delivery.publish(transition(unit="12691"))
    delivery.publish(transition("resolved", unit="12691"))
    (message,) = delivery.tell()

    assert [(line.now["unit"], line.now["status"], line.untold) for line in message.lines] == [
        ("12688", "resolved", 3),
        ("12691", "resolved", 2),
    ]


def test_a_message_made_again_has_the_same_id() -> None:
    first, second = (Delivery(plan({"a": {}}, to("a"))) for _ in range(2))
    for delivery in (first, second):
        delivery.publish(transition())

    assert [m.id for m in first.tell()] == [m.id for m in second.tell(TOMORROW)]


def test_after_a_stop_in_the_midst_of_sending_a_mailbox_is_left_alone_for_a_while() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    here = Situation(NOW)
    delivery.read(here)
    (message,) = delivery.outbox.due(here, 0.0)
    delivery.outbox.begin(message)
    delivery.keep()
    delivery.clock = 10.0
    delivery.restart()

    assert delivery.outbox.due(here, 9.9) == []
    assert [m.id for m in delivery.outbox.due(here, 10.0)] == [message.id]


def test_whoever_was_told_hears_of_the_end_even_where_routes_have_changed() -> None:
    delivery = Delivery(plan({"a": {}}, to("a")))
    delivery.publish(transition())
    delivery.tell()
    delivery.plan = plan({"a": {}}, to("a", match={"severity": ["critical"]}))
    delivery.restart()
    delivery.publish(transition("resolved"))

    assert said(delivery.tell()) == [("a", [("12688", "ended")])]


def test_a_digest_stands_in_the_order_of_gravity_and_evidence() -> None:
    delivery = Delivery(plan({"a": {"digest_at": "07:30"}}, to("a", deliver="digest")))
    strong = {**transition()["inputs"], "numerator": 20}
    delivery.publish(transition())
    delivery.publish(transition(unit="12691", inputs=strong))
    delivery.publish(transition(unit="12694", kind="unreachable", severity="critical"))
    (message,) = delivery.tell()

    assert [line.now["unit"] for line in ranked(message.lines)] == ["12694", "12691", "12688"]


@pytest.mark.parametrize(
    ("manners", "route", "addresses"),
    [
        ({"a": {}}, to("b"), {}),
        ({"a": {}}, to("a", role="unit-head"), {}),
        ({"a": {}}, to("a"), {"a": {"12688"}}),
        ({"a": {}}, to("a", deliver="digest"), {}),
        ({"a": {}}, to("a", match={"person": ["x"]}), {}),
        ({"a": {"digest_at": "7:30"}}, to("a"), {}),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused(manners: Any, route: Any, addresses: Any) -> None:
    with pytest.raises(ValidationError):
        plan(manners, route, **addresses)


def refuse(delivery: Delivery, now: str, why: str, *, for_good: bool = False) -> None:
    """Fail everything that is due to `a`, once; what goes elsewhere arrives."""
    delivery.read(Situation(now))
    for message in delivery.outbox.due(Situation(now), delivery.clock):
        delivery.outbox.begin(message)
        if message.mailbox.receiver == "a":
            delivery.outbox.failed(message, 0.0, why, for_good=for_good)
        else:
            delivery.received.append(message)
            delivery.outbox.sent(message)
    delivery.keep()


def engineers(**manner: Any) -> Delivery:
    made = plan({"a": manner, "tech": {}}, to("a")).model_copy(update={"engineers": ["tech"]})
    return Delivery(made)


def test_an_address_that_is_owed_something_for_a_working_day_is_told_to_the_engineers_once() -> None:
    delivery = engineers()
    friday, monday = "2024-06-07T16:00:00+07:00", "2024-06-10T15:59:00+07:00"
    delivery.publish(transition(at=friday))
    for now in (friday, "2024-06-08T16:00:00+07:00", monday):  # a weekend is no working day
        refuse(delivery, now, "SMTP 450 at RCPT")
        assert delivery.outbox.undelivered(now) == []
    delivery.restart()  # since when is kept
    for now in ("2024-06-10T16:00:00+07:00", "2024-06-10T16:01:00+07:00", "2024-06-10T18:00:00+07:00"):
        refuse(delivery, now, "SMTP 450 at RCPT")
        assert delivery.outbox.undelivered(now) == [Undelivered("a", friday, "SMTP 450 at RCPT", 1, given_up=False)]
    (told,) = delivery.received
    assert (told.mailbox.receiver, told.group, told.lines) == ("tech", UNDELIVERED, ())
    assert [one.mailbox for one in told.undelivered] == ["a"]

    delivery.tell("2024-06-10T19:01:00+07:00")
    *_, again = delivery.received
    assert (again.mailbox.receiver, again.undelivered, again.recovered) == ("tech", (), ("a",))
    assert delivery.outbox.undelivered("2024-06-12T19:00:00+07:00") == []


def test_an_address_that_refuses_for_good_is_given_up_and_said_at_once() -> None:
    delivery = engineers()
    delivery.publish(transition())
    for n in range(5):
        assert not delivery.outbox.refused
        refuse(delivery, NOW, "SMTP 550 at RCPT", for_good=True)
        if n == 2:
            delivery.restart()  # refusals are counted across starts
    (refused,) = delivery.outbox.refused.values()
    assert (refused["mailbox"], refused["why"]) == ("a", "SMTP 550 at RCPT")
    refuse(delivery, NOW, "unused")
    (told,) = delivery.received
    assert told.undelivered == (Undelivered("a", NOW, "SMTP 550 at RCPT", 0, given_up=True),)


def test_what_is_no_longer_to_be_told_is_no_longer_owed() -> None:
    delivery = engineers(ends=False)
    delivery.publish(transition())
    refuse(delivery, NOW, "HTTP 503")
    delivery.publish(transition("resolved"))
    delivery.read(Situation(NOW))
    delivery.outbox.due(Situation(NOW), 0.0)

    assert delivery.outbox.undelivered("2024-07-05T09:00:00+07:00") == []
