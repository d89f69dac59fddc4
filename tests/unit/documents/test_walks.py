"""The walks name functions that exist, and a traced run passes those of the core in that order."""

import importlib
import re
import sys
from functools import reduce
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.builders import evaluated, received, thai_binh

TEXT = (Path(__file__).parents[3] / "docs/walks.md").read_text()
WALKS = [re.findall(r"^\| \d+ \| `([\w.]+:[\w.]+)`", part, re.MULTILINE) for part in TEXT.split("\n## ")[1:]]


def passed(walk: list[str]) -> list[str]:
    """Return the functions of a walk in the order of their last calls before the last of them is first called.

    What is run is a year of one unit that falls behind.
    """
    calls: list[str] = []

    def note(frame: FrameType, what: str, _: Any) -> None:
        if what == "call" and (module := frame.f_globals.get("__name__", "")).startswith("models."):
            calls.append(f"{module}:{frame.f_code.co_qualname}")

    reading = thai_binh(rule="evidence")
    events = received(40, "34.so-noi-vu", "in_person", "2024-06-03")
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        result = evaluated(reading, events)
    finally:
        sys.setprofile(before)
    assert result.alerts
    core = [step for step in walk if step in set(calls)]
    upto = calls[: calls.index(core[-1]) + 1]
    return sorted(core, key=upto[::-1].index, reverse=True)


def test_there_are_two_walks_that_fit_on_a_page() -> None:
    assert len(WALKS) == 2
    assert all(10 < len(walk) < 20 for walk in WALKS)


@pytest.mark.parametrize("step", sorted({step for walk in WALKS for step in walk}))
def test_every_function_of_a_walk_exists(step: str) -> None:
    module, _, name = step.partition(":")

    assert callable(reduce(getattr, name.split("."), importlib.import_module(module)))


@pytest.mark.parametrize("walk", WALKS, ids=["event", "alert"])
def test_a_run_passes_the_functions_of_the_core_in_this_order(walk: list[str]) -> None:
    order = passed(walk)

    assert len(order) >= 5
    assert order == [step for step in walk if step in order]
