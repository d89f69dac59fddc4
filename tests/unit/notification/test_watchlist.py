"""Units that are behind and have no alert: who reads of them, and what a digest says."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from models.alerting.operator_actions import Operators, merged, parse_operator
from models.calendar.workdays import SHIPPED
from models.notification.outbox import DIGEST, Message, Situation
from models.notification.routing import Mailbox, Routing
from models.notification.watch_list import SHOWN_MAX, Watched, of_mailboxes
from streams.errors import BadInput
from streams.notify.config import read_config
from streams.notify.payloads import Context, plain
from streams.notify.texts import Names, render
from tests.builders import evaluated, reading_of, received, thai_binh
from tests.notices import MORNING, REGISTRY, Delivery, plan, standing, to, transition

READING = reading_of("thai-binh-2024")
NAMES = Names(READING)
NEXT_MORNING = "2024-06-07T07:30:00+07:00"
TODAY = MORNING[:10]
DAILY = {"digest_at": "07:30"}


def behind(*standings: dict[str, Any], made: Any = None, today: str = TODAY) -> Mapping[Mailbox, list[Watched]]:
    return of_mailboxes(standings, READING, Routing(made or plan({"a": DAILY}, to("a")), REGISTRY, SHIPPED), today)


def told(found: Mapping[Mailbox, list[Watched]]) -> dict[str, list[str]]:
    return {str(box): [row.unit for row in rows] for box, rows in found.items()}


def morning(delivery: Delivery, *standings: dict[str, Any], at: str = MORNING, **said: Any) -> list[Message]:
    """Deliver on a morning on which the standings are these."""
    rows = [row | {"as_of": at[:10]} for row in standings]
    found = of_mailboxes(rows, READING, delivery.outbox.routing, at[:10])
    return delivery.tell(at, behind=found, **said)


def situation(**said: Any) -> Situation:
    return Situation(MORNING, **said)


def units(message: Message) -> list[str]:
    return [row.unit for row in message.watch.rows]


AS_TOLD = {
    "decision": "thai-binh-2024", "indicator": "online-dossiers", "unit": "12688", "numerator": 41,
    "denominator": 98, "expected": "50", "shortfall": 8, "chance": "0.0646", "of_rest": 60, "rest": 110,
    "unit_name": "Thị trấn Đông Hưng", "indicator_name": "Hồ sơ trực tuyến",
}  # fmt: skip


# -- who is on it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"status": "met"},
        {"chance": "0.2001"},
        {"alert": {"id": "a", "kind": "below-trajectory", "severity": "warning", "at": MORNING}},
        {"assurance": "unreachable"},
        {"members": {"met": 3, "below": 1}},
        {"frozen": True},
        {"as_of": "2024-06-05"},
        {"decision": "ha-tinh"},
        {"unit": "99999"},
        {"unit": "34.so-tai-chinh", "indicator": "online-payments"},  # without a target
    ],
)
def test_who_is_not_behind_or_has_an_alert_or_may_have_none_is_not_on_it(more: dict[str, Any]) -> None:
    assert told(behind(standing())) == {"a": ["12688"]}
    assert behind(standing(**more)) == {}


def test_a_figure_that_is_no_matter_of_chance_is_not_on_it() -> None:
    row = standing(indicator="digitised-results")
    del row["chance"]

    assert behind(row) == {}


def test_nobody_is_watched_before_the_decision_is_effective_or_after_its_period() -> None:
    assert behind(standing(as_of="2024-05-23"), today="2024-05-23") == {}
    assert behind(standing(as_of="2024-05-24"), today="2024-05-24") != {}
    assert behind(standing(as_of="2025-01-02"), today="2025-01-02") == {}


def test_those_that_lack_most_stand_first() -> None:
    rows = [
        standing("12688", shortfall=3),
        standing("12691", shortfall=12),
        standing("12694", shortfall=3, chance="0.01"),
    ]

    assert told(behind(*rows)) == {"a": ["12691", "12694", "12688"]}


def test_routes_take_it_as_the_alert_it_may_become_of_severity_info() -> None:
    made = plan(
        {"all": DAILY, "grave": DAILY, "mail": DAILY},
        to("all", unless={"kind": ["data-quality", "source-silent"]}),
        to("grave", match={"severity": ["warning", "critical"]}),
        to("mail", role="unit-head"),
        to("mail", role="district", match={"class": ["commune"]}),
        mail={"12688", "340"},
    )
    rows = [standing("12688"), standing("12691"), standing("340")]

    assert told(behind(*rows, made=made)) == {
        "all": ["12688", "12691", "340"],
        "mail@12688": ["12688"],
        "mail@340": ["12688", "12691", "340"],
    }


def test_what_evaluation_says_of_a_unit_is_what_is_read() -> None:
    unit = "34.so-cong-thuong"
    events = received(41, unit, "online", "2024-06-03") + received(57, unit, "in_person", "2024-06-03")
    reading = thai_binh(rule="evidence")
    found = cast("Any", evaluated(reading, events, date.fromisoformat(TODAY)).standings)
    routing = Routing(plan({"a": DAILY}, to("a")), REGISTRY, SHIPPED)
    ((row,),) = of_mailboxes(found, reading, routing, TODAY).values()

    assert (row.unit, row.numerator, row.denominator, row.shortfall, row.chance) == (unit, 41, 98, 8, "0.0646")


# -- when it is told ---------------------------------------------------------------------------------------------------


def test_it_comes_with_a_digest_that_there_is_and_makes_none() -> None:
    delivery = Delivery(plan({"a": DAILY}, to("a", deliver="digest")))

    assert morning(delivery, standing("12691")) == []
    delivery.publish(transition())
    (message,) = morning(delivery, standing(), standing("12691"), at=NEXT_MORNING)

    assert message.group == DIGEST
    assert units(message) == ["12691"], "what has an alert is told as one"


def test_who_wants_it_always_gets_it_each_morning_under_an_id_of_that_day() -> None:
    delivery = Delivery(plan({"a": DAILY | {"watch_list": "always"}}, to("a", deliver="digest")))
    (first,) = morning(delivery, standing())
    (second,) = morning(delivery, standing(), at=NEXT_MORNING)
    nothing = morning(delivery, standing(status="met"), at="2024-06-10T07:30:00+07:00")

    assert [units(m) for m in (first, second)] == [["12688"], ["12688"]]
    assert first.id != second.id
    assert nothing == []
    assert morning(delivery, standing(), at="2024-06-10T09:00:00+07:00") == []  # that morning had its answer


def test_who_wants_none_gets_none() -> None:
    delivery = Delivery(plan({"a": DAILY | {"watch_list": "never"}}, to("a")))
    delivery.publish(transition())
    (message,) = morning(delivery, standing("12691"))

    assert message.watch.rows == ()


def test_silences_and_a_silent_source_hold_it_back() -> None:
    def said(**silence: Any) -> Operators:
        record = {
            "kind": "silence", "id": "s", "at": TODAY + "T00:00:00+07:00", "role": "operator", "reason": "x",
            "since": TODAY + "T00:00:00+07:00", "until": "2024-06-30T00:00:00+07:00", "matchers": [silence],
        }  # fmt: skip
        return merged([parse_operator(json.dumps(record).encode())])  # type: ignore[list-item]  # one that is right

    def of_morning(operators: Operators, *more: Any) -> list[str]:
        delivery = Delivery(plan({"a": DAILY}, to("a")))
        for alert in (transition(), *more):
            delivery.publish(alert)
        messages = morning(delivery, standing("12691"), standing("12694"), operators=operators)
        return next(units(m) for m in messages if m.group == DIGEST)

    nobody = said(label="unit", op="=", value="x")
    assert of_morning(nobody) == ["12691", "12694"]
    assert of_morning(said(label="unit", op="=", value="12691")) == ["12694"]
    assert of_morning(said(label="severity", op="=", value="info")) == []
    assert of_morning(nobody, transition(unit="34", kind="source-silent", indicator="*")) == []


def test_a_digest_that_is_sent_again_says_the_same_whatever_has_come_since() -> None:
    delivery = Delivery(plan({"a": DAILY}, to("a", deliver="digest")))
    delivery.publish(transition())
    here = {"behind": behind(standing("12691", shortfall=9))}
    delivery.read(situation(**here))
    (first,) = delivery.outbox.due(situation(**here), 0.0)
    delivery.outbox.begin(first)
    delivery.keep()
    delivery.clock = 10.0
    delivery.restart()
    (again,) = morning(delivery, standing("12694"), standing("12691", shortfall=1), at="2024-06-06T09:00:00+07:00")

    assert (again.id, again.watch) == (first.id, first.watch)
    assert units(again) == ["12691"]
    (next_day,) = morning(delivery, standing("12694"), at=NEXT_MORNING)
    assert units(next_day) == ["12694"]


def test_an_alert_that_opens_before_the_second_attempt_is_told_as_one_alone() -> None:
    delivery = Delivery(plan({"a": DAILY}, to("a", deliver="digest")))
    delivery.publish(transition())
    here = {"behind": behind(standing("12691"), standing("12694"))}
    delivery.read(situation(**here))
    (first,) = delivery.outbox.due(situation(**here), 0.0)
    delivery.outbox.begin(first)
    delivery.outbox.failed(first, retry_at=5.0)
    delivery.publish(transition(unit="12691"))
    delivery.clock = 5.0
    (again,) = morning(delivery)

    assert units(first) == ["12691", "12694"]
    assert units(again) == ["12694"]
    assert again.id != first.id


# -- what it says ------------------------------------------------------------------------------------------------------


def test_the_digest_says_what_is_missing_and_what_the_rest_has_to_be() -> None:
    delivery = Delivery(plan({"a": DAILY}, to("a")))
    delivery.publish(transition())
    rows = [standing(f"{code}", "online-payments", shortfall=1) for code in sorted(_communes("340"))[1:25]]
    (message,) = (m for m in morning(delivery, standing("12691"), *rows) if m.group == DIGEST)
    rendered = render(message, NAMES, None)
    lines = rendered.text.splitlines()
    first = lines.index("CẦN ĐỂ Ý, CHƯA PHẢI CẢNH BÁO (25)")

    assert rendered.subject == "[Lộ trình] Bản tin 06/06/2024: 1 cảnh báo đang mở, 1 mới, 0 đã kết thúc, 25 cần để ý"
    assert lines[first + 2] == (
        "Thấp hơn lộ trình, ít khi do ngẫu nhiên (xác suất không quá 20 %), còn có thể đạt chỉ tiêu của kỳ:"
    )
    assert lines[first + 3] == (
        "• Xã Đô Lương – Hồ sơ trực tuyến: 41,83 % (41/98), lộ trình 50 %, còn thiếu 8 hồ sơ; "
        "cần 60 trong khoảng 110 hồ sơ còn lại của kỳ."
    )
    assert "còn thiếu 1 giao dịch; cần 60 trong khoảng 110 giao dịch còn lại" in lines[first + 4]
    assert sum(line.startswith("• ") for line in lines[first : first + 3 + SHOWN_MAX]) == SHOWN_MAX
    assert lines[first + 3 + SHOWN_MAX] == "• … và 5 trường hợp khác; xem đầy đủ trên bảng theo dõi."
    assert "<h3>Cần để ý, chưa phải cảnh báo (25)</h3>" in rendered.html


def test_a_digest_of_a_watch_list_alone_reads_as_one() -> None:
    delivery = Delivery(plan({"a": DAILY | {"watch_list": "always"}}, to("a")))
    (message,) = morning(delivery, standing())
    rendered = render(message, NAMES, None, looked_at=1_703)
    body = plain(message, Context(None, NAMES))  # type: ignore[arg-type]  # nothing of it is asked

    assert rendered.subject == "[Lộ trình] Bản tin 06/06/2024: 0 cảnh báo đang mở, 0 mới, 0 đã kết thúc, 1 cần để ý"
    assert "Thị trấn Đông Hưng – Hồ sơ trực tuyến: 41,83 % (41/98)" in rendered.text
    assert (body["alerts"], body["watch_list_more"]) == ([], 0)
    assert body["watch_list"][0] == AS_TOLD


def _communes(district: str) -> set[str]:
    return {code for code, unit in REGISTRY.units.items() if unit.parent == district and unit.level == "commune"}


# -- settings ----------------------------------------------------------------------------------------------------------


def test_it_needs_a_digest_and_a_receiver_that_takes_more_than_alerts(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="needs `digest_at`"):
        plan({"a": {"watch_list": "always"}}, to("a"))
    file = tmp_path / "receivers.toml"
    file.write_text(
        'receivers.a = { type = "alertmanager", url = "http://127.0.0.1:1", digest_at = "07:30", watch_list = "always" }\n'
        '[[routes]]\nrole = "operator"\nreceivers = ["a"]\n'
    )

    with pytest.raises(BadInput, match="needs a receiver that takes more than alerts"):
        read_config(file)
