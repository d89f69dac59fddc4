"""Laws of the merge, and of the counters that follow from it."""

import json
import random
from collections import Counter
from datetime import date
from itertools import pairwise, permutations, product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.counting.contributions import Contribution, contributions
from models.counting.learning import NONE, Held, learn, learn_all, moved
from models.dossiers.dossier import NOTHING, Dossier, merge
from models.dossiers.events import Event, decode
from models.evaluation.evaluation import evaluate
from tests.builders import YEAR_END, thai_binh
from tests.conftest import examples
from tests.oracle.oracle import Oracle, Record
from tests.strategies import lines, streams

READING = thai_binh()


def decoded(found: list[dict[str, Any]]) -> list[Event]:
    events = [decode(line) for line in lines(found)]
    assert all(isinstance(e, Event) for e in events)
    return [e for e in events if isinstance(e, Event)]


def dossiers(events: list[Event]) -> dict[str, Dossier]:
    state: dict[str, Dossier] = {}
    for event in events:
        state[event.dossier] = merge(state.get(event.dossier, NOTHING), event.stamp, event.facts)
    return state


@given(streams, st.randoms())
def test_the_order_of_arrival_never_matters(found: list[dict[str, Any]], rng: random.Random) -> None:
    events = decoded(found)
    disordered = events[:]
    rng.shuffle(disordered)

    assert json.dumps(dossiers(events), sort_keys=False) == json.dumps(
        {d: dossiers(disordered)[d] for d in dossiers(events)}
    )


@given(streams, st.randoms())
def test_what_comes_again_changes_nothing(found: list[dict[str, Any]], rng: random.Random) -> None:
    events = decoded(found)
    again = events + rng.choices(events, k=5)

    assert dossiers(events) == dossiers(again)


@given(streams)
def test_the_newest_fact_of_each_field_wins(found: list[dict[str, Any]]) -> None:
    events = decoded(found)
    for dossier, dossier_state in dossiers(events).items():
        newest: dict[str, tuple[str, Any]] = {}
        for event in events:
            if event.dossier == dossier:
                for field, value in event.facts.items():
                    newest[field] = max(newest.get(field, ("", None)), (event.stamp, value), key=lambda p: p[0])

        assert dossier_state[0] == {field: value for field, (_, value) in newest.items()}


@given(streams)
def test_what_is_known_is_never_changed_in_place(found: list[dict[str, Any]]) -> None:
    dossier: Dossier = NOTHING
    for event in decoded(found):
        before = repr(dossier)
        after = merge(dossier, event.stamp, event.facts)
        assert repr(dossier) == before
        dossier = after
    assert NOTHING == [{}, []]


@given(streams, st.randoms())
def test_learning_of_several_events_at_once_is_learning_of_one_after_the_other(
    found: list[dict[str, Any]], rng: random.Random
) -> None:
    came = decoded(found)
    rng.shuffle(came)
    known: dict[str, Dossier] = {}
    while came:  # as transactions of any size
        told: dict[str, list[Event]] = {}
        for event in came[: (size := rng.randint(1, 6))]:
            told.setdefault(event.dossier, []).append(event)
        came = came[size:]
        for code, events in told.items():
            one, unchanged = known.get(code, NOTHING), 0
            before = repr((one, events))
            for event in events:
                one, outcome = learn(one, event)
                unchanged += outcome == "unchanged"

            all_, same = learn_all(known.get(code, NOTHING), events)

            assert (json.dumps(all_), same) == (json.dumps(one), unchanged)
            assert repr((known.get(code, NOTHING), events)) == before, "nothing is changed in place"
            known[code] = all_


def test_of_a_usual_life_every_order_and_every_cut_into_transactions_tell_the_same() -> None:
    life = [
        Event("received", "A", "b1", {"unit": "340", "received_at": "2024-06-03T08:00:00+07:00"}),
        Event("paid", "A", "b2", {"method@T1": "online", "payment@T1": "paid"}),
        Event("result-issued", "A", "b3", {"electronic": True}),
        Event("result-issued", "A", "b3", {"electronic": True}),  # sent again
        Event("corrected", "A", "b4", {}),  # says nothing
    ]
    whole = [
        {"unit": "340", "received_at": "2024-06-03T08:00:00+07:00", "method@T1": "online", "payment@T1": "paid",
         "electronic": True},
        ["b1", 2, "b2", 2, "b3", 1],
    ]  # fmt: skip
    for came in permutations(life):
        for cuts in product((False, True), repeat=len(life) - 1):
            bounds = [0, *(n for n, cut in enumerate(cuts, start=1) if cut), len(life)]
            dossier, unchanged = NOTHING, 0
            for start, end in pairwise(bounds):
                dossier, same = learn_all(dossier, came[start:end])
                unchanged += same
            assert (json.dumps(dossier), unchanged) == (json.dumps(whole), 2)


@given(streams)
def test_what_is_taken_out_and_put_in_adds_up_to_the_fold(found: list[dict[str, Any]]) -> None:
    counters: Counter[Contribution] = Counter()
    state: dict[str, tuple[Dossier, Held]] = {}
    for event in decoded(found):
        dossier, held = state.get(event.dossier, (NOTHING, NONE))
        after, _ = learn(dossier, event)
        now = contributions(after[0], READING.fold)
        taken, put = moved(held, now)
        state[event.dossier] = (after, now)
        counters.subtract(taken)
        counters.update(put)
        assert min(counters.values(), default=0) >= 0

    whole = Counter(c for dossier, _ in state.values() for c in contributions(dossier[0], READING.fold))
    assert +counters == whole


@given(streams, st.randoms())
@settings(max_examples=examples(60), deadline=None)
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
    from tests.integration.verdict import DECISION, UNITS

    oracle = Oracle(DECISION, UNITS)
    oracle.load(Record(v) for v in values)
    return oracle
