"""Alert memory that is made anew from what was told: the same episodes, the same open alerts."""

import random
from typing import Any

import pytest

from models.alerting.alerts import Alerts
from models.alerting.feed_silence import is_quiet, silent
from models.alerting.read_back import UNKNOWN_DAY, episode_of, read_back
from models.alerting.transitions import Transition, fingerprint, transition_id
from models.calendar.civil_time import end_of
from models.decisions.reading import Reading, Sources
from streams.files.decision_files import read_decision, shipped_registry
from tests.board.demo import TODAY, Province

SOME = 40


def played(seed: int) -> Province:
    """A province whose units fall behind and recover, under the rule that asks at every tick."""
    reading = Reading(read_decision("thai-binh-2024"), Sources(shipped_registry(), switches={"alert_rule": "literal"}))
    province = Province(seed, reading, days=12)
    for _ in range(12):
        province.move(SOME)
    return province


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_told_leaves_what_was_remembered(seed: int) -> None:
    province = played(seed)
    told = list(province.transitions)
    assert max(memory["episode"] for memory in province.alerts.memory.values()) > 1
    random.Random(seed).shuffle(told)

    found = read_back([*told, *told[:20]])

    decision = province.reading.decision.id
    known = {(decision, i, u): memory for (u, i), memory in province.alerts.memory.items() if memory["episode"]}
    assert found.unreadable == 0
    assert found.memory.keys() == known.keys()
    for name, memory in known.items():
        back = found.memory[name]
        assert back["episode"] == memory["episode"]
        assert (back["open"] is None) == (memory["open"] is None)
        if memory["open"] is not None and back["open"] is not None:
            assert back["open"]["fired"] == memory["open"]["fired"]


def test_alerts_that_go_on_from_what_was_told_tell_nothing_twice() -> None:
    province = played(3)
    told = {t["id"] for t in province.transitions}
    memory = read_back(province.transitions).memory
    province.alerts = Alerts(province.standings)
    for (_, indicator, unit), remembered in memory.items():
        province.alerts.memory[unit, indicator] = remembered

    again = province.alerts.tick(end_of(TODAY))
    assert again == [], "nothing has changed"
    later: list[Transition] = []
    for _ in range(6):
        later += province.move(SOME)[1]
    assert later
    assert not {t["id"] for t in later} & told
    assert len({t["id"] for t in later}) == len(later)


@pytest.mark.parametrize("seed", [3, 4])
def test_the_end_of_an_alert_that_was_read_back_says_what_it_would_have_said(seed: int) -> None:
    """On the civil day of firing itself, of which no transition tells what it had counted by then."""
    one, other = played(seed), played(seed)
    memory = read_back(one.transitions).memory
    for (_, indicator, unit), remembered in memory.items():
        one.alerts.memory[unit, indicator] = remembered

    ends = {"resolved": 0, "retracted": 0}
    for _ in range(12):
        told, expected = one.move(SOME)[1], other.move(SOME)[1]
        assert told == expected
        for transition in told:
            if transition["status"] != "firing":
                ends[transition["status"]] += 1
    assert ends["resolved"] > 0


def test_an_id_that_is_none_of_its_fingerprint_is_counted_and_passed_over() -> None:
    name = fingerprint("d", "online-dossiers", "340")
    said: Any = {
        "id": transition_id(name, 7, "firing"), "fingerprint": name, "status": "firing", "decision": "d",
        "indicator": "online-dossiers", "unit": "340",
    }  # fmt: skip
    assert episode_of(said) == 7
    other: Any = {**said, "id": "0" * 32}
    found = read_back([said, other])
    assert found.unreadable == 1
    [memory] = found.memory.values()
    assert memory["open"] is not None
    assert tuple(memory["open"]["day"]) == UNKNOWN_DAY


def test_a_silence_whose_rhythm_is_not_known_lasts_until_something_comes() -> None:
    assert not silent([40, 40])
    assert [is_quiet(totals) for totals in ([], [40], [40, 40], [40, 41])] == [True, True, True, False]


def test_an_alert_of_silence_that_was_read_back_ends_when_something_comes_and_not_before() -> None:
    province = Province(1)
    alerts, feed = province.alerts, (province.reading.decision.province, "*")
    name = fingerprint(province.reading.decision.id, "*", feed[0], "source-silent")
    fired: Any = {
        "id": transition_id(name, 1, "firing"), "fingerprint": name, "status": "firing", "kind": "source-silent",
        "decision": province.reading.decision.id, "indicator": "*", "unit": feed[0], "severity": "warning",
        "at": end_of(TODAY), "numerator": 0, "denominator": 0,
    }  # fmt: skip
    [memory] = read_back([fired]).memory.values()
    alerts.memory[feed] = memory

    said = []
    for records in (500, 500, 501):
        told = alerts.tick(end_of(TODAY), records)
        said.append([t["status"] for t in told if t["kind"] == "source-silent"])
    assert said == [[], [], ["resolved"]]
