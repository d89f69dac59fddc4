"""Laws of the merge, and of the counters that follow from it."""

import random
from collections import Counter
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.contributions import contributions
from models.dossier import EMPTY, Layers, merge, view
from models.evaluation import evaluate
from models.events import Event, decode
from models.fold import fold
from tests.builders import YEAR_END, thai_binh
from tests.oracle.oracle import Oracle, Record
from tests.strategies import lines, streams

READING = thai_binh()


def decoded(found: list[dict[str, Any]]) -> list[Event]:
    events = [decode(line) for line in lines(found)]
    assert all(isinstance(e, Event) for e in events)
    return [e for e in events if isinstance(e, Event)]


def dossiers(events: list[Event]) -> dict[str, Layers]:
    state: dict[str, Layers] = {}
    for event in events:
        state[event.dossier] = merge(state.get(event.dossier, EMPTY), event.stamp, event.facts)
    return state


@given(streams, st.randoms())
def test_the_order_of_arrival_never_matters(found: list[dict[str, Any]], rng: random.Random) -> None:
    events = decoded(found)
    disordered = events[:]
    rng.shuffle(disordered)

    assert dossiers(events) == dossiers(disordered)


@given(streams, st.randoms())
def test_what_comes_again_changes_nothing(found: list[dict[str, Any]], rng: random.Random) -> None:
    events = decoded(found)
    again = events + rng.choices(events, k=5)

    assert dossiers(events) == dossiers(again)


@given(streams)
def test_the_newest_fact_of_each_field_wins(found: list[dict[str, Any]]) -> None:
    events = decoded(found)
    for dossier, layers in dossiers(events).items():
        newest: dict[str, tuple[str, Any]] = {}
        for event in events:
            if event.dossier == dossier:
                for field, value in event.facts.items():
                    newest[field] = max(newest.get(field, ("", None)), (event.stamp, value), key=lambda p: p[0])

        assert view(layers) == {field: value for field, (_, value) in newest.items()}


@given(streams)
def test_layers_are_never_changed_in_place(found: list[dict[str, Any]]) -> None:
    layers: Layers = []
    for event in decoded(found):
        before = repr(layers)
        after = merge(layers, event.stamp, event.facts)
        assert repr(layers) == before
        layers = after


@given(streams)
def test_what_is_taken_out_and_put_in_adds_up_to_the_fold(found: list[dict[str, Any]]) -> None:
    counters: Counter[tuple[str, str, str]] = Counter()
    state: dict[str, Layers] = {}
    for event in decoded(found):
        folded = fold(state.get(event.dossier, EMPTY), event, READING.fold)
        state[event.dossier] = folded.layers
        counters.subtract((c.unit, c.day, c.cell) for c in folded.taken)
        counters.update((c.unit, c.day, c.cell) for c in folded.put)
        assert min(counters.values(), default=0) >= 0

    whole = Counter((c.unit, c.day, c.cell) for s in state.values() for c in contributions(view(s), READING.fold))
    assert +counters == whole


@given(streams, st.randoms())
@settings(max_examples=60, deadline=None)
def test_figures_are_those_of_the_oracle_in_any_order(found: list[dict[str, Any]], rng: random.Random) -> None:
    values = lines(found)
    oracle = Oracle_of(values)
    rng.shuffle(values)
    result = evaluate(READING, enumerate(values, start=1), YEAR_END)
    ours = {(s["unit"], s["indicator"]): s for s in result.standings}
    theirs = oracle.standings(date(2024, 12, 31))

    assert ours.keys() == theirs.keys()
    for key, expected in theirs.items():
        assert (ours[key]["numerator"], ours[key]["denominator"], ours[key]["status"]) == (
            expected["numerator"], expected["denominator"], expected["status"],
        )  # fmt: skip


def Oracle_of(values: list[bytes]) -> Oracle:  # noqa: N802 - reads as what it makes
    from tests.integration.system import DECISION, UNITS

    oracle = Oracle(DECISION, UNITS)
    oracle.load(Record(v) for v in values)
    return oracle
