"""The state machine of alerts under the literal rule, and how an end is told from a retraction."""

from datetime import date, timedelta

from models.dossiers.events import Event, decode
from models.evaluation.evaluation import Evaluator, evaluate
from models.wording import ratio_text
from tests.builders import alerts_of, evaluated, event, received, thai_binh
from tests.strategies import lines

TRADE = "34.so-cong-thuong"


def below(day: str = "2024-06-03") -> list[dict[str, object]]:
    return received(4, TRADE, "online", day) + received(6, TRADE, "in_person", day, name="p")


def test_nothing_is_raised_before_the_decision_is_effective() -> None:
    result = evaluated(thai_binh(), below("2024-01-10"))

    assert alerts_of(result, TRADE) == [("firing", "2024-05-24")]
    assert result.alerts[0]["at"] == "2024-05-24T23:59:59+07:00"


def test_a_recovery_by_new_dossiers_resolves() -> None:
    result = evaluated(thai_binh(), below() + received(3, TRADE, "online", "2024-06-10"))

    assert alerts_of(result, TRADE) == [("firing", "2024-06-03"), ("resolved", "2024-06-10")]


def test_a_correction_of_what_had_been_judged_retracts() -> None:
    corrections = [event("corrected", f"p-{n}", "2024-06-10", version=2, channel="online") for n in range(1)]
    result = evaluated(thai_binh(), below() + corrections)

    assert alerts_of(result, TRADE) == [("firing", "2024-06-03"), ("retracted", "2024-06-10")]


def test_a_deletion_of_every_dossier_retracts() -> None:
    gone = [event("deleted", f"p-{n}", "2024-06-10", version=2) for n in range(6)]
    gone += [event("deleted", f"{TRADE}-online-2024-06-03-{n}", "2024-06-10", version=2) for n in range(4)]
    result = evaluated(thai_binh(), below() + gone)

    assert alerts_of(result, TRADE) == [("firing", "2024-06-03"), ("retracted", "2024-06-10")]


def test_episodes_are_numbered_and_ids_are_the_same_for_whoever_derives_them() -> None:
    events = below() + received(3, TRADE, "online", "2024-06-10") + received(4, TRADE, "in_person", "2024-06-12")
    first, second = evaluated(thai_binh(), events), evaluated(thai_binh(), events)

    assert [s for s, _ in alerts_of(first, TRADE)] == ["firing", "resolved", "firing"]
    assert len({a["id"] for a in first.alerts}) == 3
    assert len({a["fingerprint"] for a in first.alerts}) == 1
    assert first.alerts == second.alerts


def test_a_tick_that_comes_twice_raises_nothing_twice() -> None:
    evaluator = Evaluator(thai_binh(), date(2024, 1, 1))
    for line in lines(below()):
        decoded = decode(line)
        assert isinstance(decoded, Event)
        evaluator.take(decoded)
    at = "2024-06-03T23:59:59+07:00"

    assert len(evaluator.tick(at)) == 1
    assert evaluator.tick(at) == []


def test_finer_ticks_see_what_a_day_hides() -> None:
    events = below() + [
        event("received", f"n{n}", "2024-06-03T15:00:00+07:00", version=1, unit=TRADE, channel="online")
        for n in range(3)
    ]
    numbered = list(enumerate(lines(events), start=1))
    daily = evaluate(thai_binh(), numbered, date(2024, 6, 30))
    hourly = evaluate(thai_binh(), numbered, date(2024, 6, 30), timedelta(hours=1))

    assert daily.alerts == []
    assert [(a["status"], a["at"][11:16]) for a in hourly.alerts] == [("firing", "08:00"), ("resolved", "15:00")]


def test_an_alert_carries_the_numbers_that_justify_it() -> None:
    alert = evaluated(
        thai_binh(), received(41, TRADE, "online", "2024-06-03") + received(57, TRADE, "postal", "2024-06-03")
    ).alerts[0]

    assert (alert["numerator"], alert["denominator"], alert["target"], alert["expected"]) == (41, 98, "50", "50")
    assert alert["shortfall"] == 8
    assert ratio_text(41, 98) in alert["reason"]


def test_a_group_never_alerts_by_itself() -> None:
    commune = thai_binh().registry.communes_of("340")[0]
    result = evaluated(thai_binh(), received(10, commune, "in_person", "2024-06-03"))

    assert {a["unit"] for a in result.alerts} == {commune}
