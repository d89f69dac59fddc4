"""The running system and `evaluate` are the same functions: the same events and ticks give the same transitions."""

import asyncio
from datetime import date
from functools import partial
from itertools import takewhile
from pathlib import Path

import pytest

from models.dossiers.events import decode
from models.evaluation.evaluation import evaluate
from streams.audit import explain as explaining
from streams.broker.ticks import Ticker
from streams.feeds.publisher import Publisher
from streams.feeds.replay import Pace, Replay
from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System, running, side_by_side

pytestmark = pytest.mark.kafka
UNTIL = date(2024, 6, 16)


def at(value: bytes) -> str:
    event = decode(value)
    assert not hasattr(event, "reason")
    return event.stamp.split("\t", 2)[1]


async def replayed(system: System, values: list[bytes]) -> None:
    """Replay in lockstep from the day the decision takes effect."""

    async def counted(tick: str) -> None:
        if tick >= "2024-05-23":
            await asyncio.to_thread(system.settle)

    async with Publisher(system.settings) as publisher, Ticker(system.settings) as ticker:
        await Replay(publisher, ticker, Pace(None), after_tick=counted).run(values, UNTIL)


def test_a_replay_in_lockstep_raises_the_very_alerts_of_evaluate(kafka_address: str, tmp_path: Path) -> None:
    """Under three rules at once: a replay in lockstep mostly waits."""
    side_by_side(
        *(partial(_in_lockstep, kafka_address, tmp_path, rule) for rule in ("literal", "evidence", "forecast"))
    )


def _in_lockstep(kafka_address: str, tmp_path: Path, rule: str) -> None:
    with running(kafka_address, tmp_path, clock="records", switches={"alert_rule": rule}) as system:
        system.start("tally").until_ready()
        system.start("watch").until_ready()
        every = simulate(system.reading, Simulation(2_000, 21))
        values = list(takewhile(lambda v: at(v)[:10] <= UNTIL.isoformat(), every))
        asyncio.run(replayed(system, values))
        system.settle()
        live, expected = system.alerts(), evaluate(system.reading, enumerate(values, 1), UNTIL)

        assert sorted(live, key=lambda a: a["id"]) == sorted(expected.alerts, key=lambda a: a["id"])
        assert len(live) > 100
        for alert in (live[0], live[len(live) // 2], live[-1]):  # `lotrinh alerts explain`
            told, episode = explaining.find(system.settings, alert["id"])
            judged = explaining.judged_again(episode[0].transition)
            assert explaining.made_again(system.settings, system.reading, told) == (True, "")
            assert judged is not None
            assert judged.same
        standings = {k: {f: v for f, v in s.items() if f != "version"} for k, s in system.standings().items()}
        assert standings == {(s["unit"], s["indicator"]): s for s in expected.standings}


def test_the_same_log_under_another_name_gives_the_same_rows_and_alert_ids(kafka_address: str, tmp_path: Path) -> None:
    outcomes = []
    for _ in range(2):
        with running(kafka_address, tmp_path, clock="records") as system:
            values = list(simulate(system.reading, Simulation(300, 22)))

            async def publish(system: System = system, values: list[bytes] = values) -> None:
                async with Publisher(system.settings) as publisher, Ticker(system.settings) as ticker:
                    await Replay(publisher, ticker, Pace(None)).run(values, date(2024, 12, 31))

            asyncio.run(publish())  # the whole log is there before anyone reads it
            system.start("tally")
            system.start("watch")
            system.settle()
            rows = {
                k: {f: v for f, v in s.items() if f not in ("version", "alert")} for k, s in system.standings().items()
            }
            outcomes.append((rows, {a["id"] for a in system.alerts()}))

    assert outcomes[0][0] == outcomes[1][0]
    assert outcomes[0][1]
