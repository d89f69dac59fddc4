"""The running system and `evaluate` are the same functions: the same events and ticks give the same transitions."""

import asyncio
import csv
import random
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
from tests.strategies import OWN, lines, random_catalogue, random_events

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


def test_indicators_of_a_decisions_own_count_live_as_in_evaluate(kafka_address: str, tmp_path: Path) -> None:
    """Overdue dossiers with their codes, assisted and exempt ones too; what waits travels as its counters do."""
    chance = random.Random("own-2024/live")
    rows = random_catalogue(chance, OWN)
    catalogue = tmp_path / "catalogue.csv"
    with catalogue.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    every = sorted(lines(random_events(chance, OWN, 300)), key=at)
    values = list(takewhile(lambda v: at(v)[:10] <= "2024-12-31", every))
    decision = str(Path(__file__).parents[1] / "data" / OWN.file)
    with running(kafka_address, tmp_path, clock="records", decision=decision, catalogue=catalogue) as system:

        async def publish() -> None:
            async with Publisher(system.settings) as publisher, Ticker(system.settings) as ticker:
                await Replay(publisher, ticker, Pace(None)).run(values, date(2024, 12, 31))

        asyncio.run(publish())
        system.start("tally")
        system.start("watch")
        system.settle()
        expected = evaluate(system.reading, enumerate(values, 1), date(2024, 12, 31)).standings
        live = system.standings()
        assert live.keys() == {(s["unit"], s["indicator"]) for s in expected}
        for row in expected:
            found = live[row["unit"], row["indicator"]]
            told = {f: (v, found[f]) for f, v in row.items() if f != "alert" and found[f] != v}
            assert told == {}, (row["unit"], row["indicator"])
        assert any(s.get("overdue_dossiers") for s in expected)
        assert any("exempt" in s for s in expected)
        assert any("assisted" in s for s in expected)
