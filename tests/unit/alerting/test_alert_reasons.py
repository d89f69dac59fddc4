"""What alerts say to officials: what is missing as a number of what the indicator counts, and what ended them."""

from datetime import date
from typing import Any

import pytest

from models.decisions.vietnamese import counted_text
from streams.notify.texts import Names, render
from tests.builders import evaluated, event, received, thai_binh
from tests.notices import Delivery, plan, to, transition

UNIT = "34.so-cong-thuong"


def reasons(events: list[dict[str, Any]], until: date) -> dict[tuple[str, str], str]:
    found = evaluated(thai_binh(rule="evidence"), events, until).alerts
    return {(a["kind"], a["status"]): a["reason"] for a in found}


def test_a_unit_out_of_reach_is_told_how_many_dossiers_it_lacks() -> None:
    events = received(10, UNIT, "online", "2024-12-02")
    events += received(400, UNIT, "in_person", "2024-12-20")

    assert reasons(events, date(2024, 12, 27))["unreachable", "firing"] == (
        "Lũy kế 2,43 % (10/410): không thể đạt 50 % trong kỳ, dù mọi hồ sơ còn lại đều đạt; còn thiếu 195 hồ sơ."
    )


def test_what_is_missing_is_counted_in_what_the_indicator_counts() -> None:
    nouns = {name: counted_text(formula) for name, formula in thai_binh().indicators.items()}

    assert nouns["online-dossiers"] == nouns["digitised-results"] == "hồ sơ"
    assert nouns["online-payments"] == "giao dịch"
    assert nouns["electronic-copies"] == "đơn vị"


def test_a_gap_that_is_closed_was_closed_by_work() -> None:
    events = [
        event("result-issued", "H-1", "2024-06-03", version=1, unit="12688", electronic=True),
        event("corrected", "H-1", "2024-06-06", version=2, digitised=True),
    ]
    said = reasons(events, date(2024, 6, 7))

    assert said["completeness-gap", "resolved"] == "Đã hoàn thành các hồ sơ: 100,00 % (1/1)."


@pytest.mark.parametrize(("behind", "chance"), [(0, False), (1, True)])
def test_a_digest_speaks_of_chance_only_where_chance_may_account_for_an_alert(behind: int, *, chance: bool) -> None:
    """One alert stands by far (0 of 100 at 50 %); the other, where there is one, is one dossier behind."""
    delivery = Delivery(plan({"mail": {"digest_at": "07:30"}}, to("mail", deliver="digest")))
    inputs = {**transition()["inputs"], "numerator": 0}
    delivery.publish(transition(inputs=inputs))
    for unit in ("12691",)[:behind]:
        delivery.publish(transition(unit=unit, inputs={**inputs, "numerator": 49}))
    (message,) = delivery.tell("2024-06-06T07:30:00+07:00")

    assert ("ngẫu nhiên" in render(message, Names(thai_binh()), None, looked_at=2).text) is chance


def test_more_than_is_still_to_come_is_not_said_as_if_it_could_be_had() -> None:
    events = received(600, UNIT, "online", "2024-03-04") + received(600, UNIT, "in_person", "2024-06-04")
    events += received(60, UNIT, "in_person", "2024-12-18", name="late")

    said = reasons(events, date(2024, 12, 24))["below-trajectory", "firing"]

    assert said.startswith("Lũy kế 47,61 % (600/1.260) thấp hơn lộ trình 50 %; còn thiếu 30 hồ sơ.")
    assert "Để đạt chỉ tiêu cần thêm 49 hồ sơ, trong khi dự kiến chỉ còn khoảng 37 hồ sơ: khó có thể đạt." in said
