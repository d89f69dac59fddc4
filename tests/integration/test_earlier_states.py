"""States that earlier commits have left: today's code goes on with each, exactly, and the doctor tells what to do.

How they were made: `tests/states/build.py`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from models.evaluation.evaluation import evaluate
from streams.board.standings_log import strays_now
from streams.broker import topics
from tests.builders import YEAR_END, thai_binh
from tests.conftest import broker
from tests.integration.system import System, running
from tests.integration.test_refusals import lotrinh
from tests.integration.test_up import Up, _figures
from tests.states.build import COMMITS, COUNTED, lines, unpack

pytestmark = pytest.mark.kafka
TWO_PARTITIONS = ("175c661", "eee4a59", "de15e6f")
"""these kept rows of `standings` by their keys, today's keep them where the unit is at home"""
FIRST = COMMITS[0]


def evaluated(system: System, events: list[bytes]) -> Any:
    return _figures(list(evaluate(system.reading, enumerate(events, start=1), YEAR_END).standings))  # type: ignore[arg-type]


def standings(system: System) -> Any:
    return _figures(list(system.standings().values()))


@pytest.mark.parametrize("commit", COMMITS)
def test_a_state_of_an_earlier_commit_goes_on_exactly(commit: str, tmp_path: Path) -> None:
    unpack(commit, tmp_path)
    with broker(tmp_path / "kafka") as address, running(address, tmp_path, prefix="lotrinh.") as system:
        told = {alert["id"] for alert in system.alerts()}
        workers = [system.start(name) for name in topics.TABLES]
        system.feed(lines()[COUNTED:])
        for worker in workers:
            worker.until_ready()
        system.settle()

        assert standings(system) == evaluated(system, lines())
        ids = [alert["id"] for alert in system.alerts()]
        assert len(ids) == len(set(ids))
        assert told <= set(ids)
        strays = strays_now(system.settings, system.reading.registry)
        assert bool(strays) == (commit in TWO_PARTITIONS)
        if commit == FIRST:
            _taken_back(system, len(strays))
            assert standings(system) == evaluated(system, lines())


def _taken_back(system: System, strays: int) -> None:
    """The doctor warns of rows in two partitions, and what it says to do is enough."""
    (found,) = [c for c in _checks(system) if c["check"] == "standings"]
    assert (found["level"], found["text"].split()[0]) == ("warning", str(strays))
    assert "run `lotrinh topics apply`" in found["remedy"]
    assert f"took back {strays} rows" in lotrinh(system, "topics", "apply").stderr
    assert strays_now(system.settings, system.reading.registry) == []


def _checks(system: System) -> Any:
    return json.loads(lotrinh(system, "doctor", "--json").stdout)["checks"]


def test_up_goes_on_with_a_directory_of_an_earlier_commit_and_takes_old_rows_back(tmp_path: Path) -> None:
    state = tmp_path / "state"
    unpack(FIRST, state)
    up = Up(state)
    try:
        up.endpoints()
        live = _figures(json.loads(up.run("standings", "--wait", "--json").stdout)["standings"])
        expected = evaluate(thai_binh(), enumerate(lines()[:COUNTED], start=1), YEAR_END).standings
        assert live == _figures(list(expected))  # type: ignore[arg-type]
        assert "took back" in up.run("topics", "apply").stderr + up.text()
    finally:
        up.process.terminate()
        up.process.wait(120)
