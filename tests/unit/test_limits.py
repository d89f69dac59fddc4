"""A dossier has at most so many payments and copies; what is known of it is merged at a cost that does not explode."""

import json
import random
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dossier import NOTHING, Dossier, merge_all
from models.evaluation import evaluate
from models.events import Event, decode
from models.fold import learn, learn_all, moved
from models.limits import TOO_MANY_COPIES, TOO_MANY_PAYMENTS, Limits
from streams.rows import LARGE, pack, parts_at_most, unpack
from streams.topics import RECORD_BYTES_MAX
from tests.builders import event, thai_binh
from tests.integration.verdict import DECISION, UNITS
from tests.oracle.oracle import Oracle, Record
from tests.strategies import events, lines

UNTIL = date(2024, 12, 31)


def crowd(payments: int, copies: int, codes: int = 4, name: str = "D") -> list[dict[str, Any]]:
    """A dossier with so many payments and copies, in disorder, each told twice."""
    told = [event("received", name, "2024-06-03", version=1, unit="12688", channel="online")]
    for n in range(payments):
        code = f"{n}".rjust(codes, "0")
        told.append(
            event("paid", name, "2024-06-03", id=f"p{code}", version=2, transaction=f"T{code}", amount=9, method="online",
                  gateway="national", unit="12688")
        )  # fmt: skip
    told += [
        event("copy-certified", name, "2024-06-04", id=f"k{n:0{codes}}", version=2, copy=f"K{n:0{codes}}",
              electronic=True, unit="12688")
        for n in range(copies)
    ]  # fmt: skip
    told += [e | {"id": f"{e['id']}-again"} for e in told]
    random.Random(7).shuffle(told)
    return told


def decoded(told: Iterable[dict[str, Any]]) -> list[Event]:
    found = [decode(line) for line in lines(list(told))]
    return [e for e in found if isinstance(e, Event)]


def one_by_one(told: list[Event]) -> tuple[Dossier, int]:
    dossier, unchanged = NOTHING, 0
    for one in told:
        dossier, outcome = learn(dossier, one)
        unchanged += outcome == "unchanged"
    return dossier, unchanged


def test_the_first_so_many_count_and_what_is_known_may_be_told_again() -> None:
    told = crowd(7, 6)
    result = evaluate(thai_binh(), enumerate(lines(told), 1), UNTIL, limits=Limits(5, 4))
    oracle = Oracle(DECISION, UNITS)
    oracle._ledger.most.update(payment=5, copy=4)
    oracle.load(Record(line) for line in lines(told))

    assert [n - 1 for n, _ in result.refused] == oracle.refused
    assert {why for _, why in result.refused} == {TOO_MANY_PAYMENTS, TOO_MANY_COPIES}
    assert len(result.refused) == 2 * 2 + 2 * 2
    ours = {(s["unit"], s["indicator"]): (s["numerator"], s["denominator"]) for s in result.standings}
    theirs = {key: (row["numerator"], row["denominator"]) for key, row in oracle.standings(UNTIL).items()}
    assert ours["12688", "online-payments"] == (5, 5)
    assert ours["12688", "online-payments"] == theirs["12688", "online-payments"]
    assert result.counts.events == result.counts.applied + result.counts.duplicates + result.counts.refused


def test_a_transaction_of_which_nothing_is_said_takes_no_place() -> None:
    silent = [
        event("corrected", "D", "2024-06-03", id=f"s{n}", transaction=f"S{n}", channel="online") for n in range(9)
    ]

    assert not evaluate(thai_binh(), enumerate(lines(silent + crowd(3, 0)), 1), UNTIL, limits=Limits(3, 1)).refused


@given(st.lists(events(), max_size=40), st.integers(0, 40))
def test_merging_at_once_is_merging_one_after_the_other(found: list[dict[str, Any]], at: int) -> None:
    told = decoded(e | {"dossier": "A"} for e in found)
    before, _ = one_by_one(told[:at])
    expected, unchanged = before, 0
    for one in told[at:]:
        expected, outcome = learn(expected, one)
        unchanged += outcome == "unchanged"
    now, same = merge_all(before, told[at:])

    assert (json.dumps(now), same) == (json.dumps(expected), unchanged)
    assert (now is before) == (expected is before)
    assert learn_all(before, told[at:]) == (expected, unchanged)


@given(st.lists(events(), min_size=1, max_size=14))
def test_a_crowded_dossier_learns_as_a_small_one_does(found: list[dict[str, Any]]) -> None:
    told = decoded(crowd(40, 0, name="A")) + decoded(e | {"dossier": "A"} for e in found)
    large = one_by_one(told)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.dossier.MANY", 10_000)
        assert one_by_one(told) == large
    assert json.dumps(large[0]) == json.dumps(merge_all(NOTHING, told)[0])


@given(*[st.lists(st.sampled_from("abcdef"), max_size=40)] * 2)
def test_what_moves_is_the_same_for_few_and_for_many(held: list[str], now: list[str]) -> None:
    taken, put = moved(held, now)
    rest = sorted(held)
    for one in taken:
        rest.remove(one)

    assert sorted([*rest, *put]) == sorted(now)
    assert not set(taken) & set(put)


def test_a_crowded_row_is_squeezed_and_its_size_bounds_what_it_holds() -> None:
    for number in (1, 5, 40, 400, 1_000):
        dossier, _ = learn_all(NOTHING, decoded(crowd(number, number, codes=1)))
        row = pack(dossier)
        assert unpack(row) == dossier
        assert parts_at_most(row) >= number
        assert (row[:1] == b"[") == (len(json.dumps(dossier, separators=(",", ":"))) < LARGE)


def test_the_largest_dossier_fits_a_record() -> None:
    """Every code as long as may be and of random letters, every fact of an event of its own."""
    chance = random.Random(3)

    def code(letters: int = 200) -> str:
        return "".join(
            chance.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/#+=~", k=letters)
        )

    said: list[dict[str, Any]] = []
    for _ in range(1_000):
        at = {"dossier": "D", "version": 2**53 - 1, "at": "2024-06-03T08:00:00.123456789+07:00", "transaction": code()}
        said += [{"id": code(), "type": "paid", "amount": 2**62, **at}]
        for field, value in (("method", "transfer"), ("gateway", "national"), ("exempt", True), ("paid_at", at["at"])):
            said.append({"id": code(), "type": "corrected", **at, field: value})
        copied = {**at, "copy": at["transaction"]}
        del copied["transaction"]
        said += [{"id": code(), "type": "copy-certified", **copied}]
        said += [{"id": code(), "type": "corrected", **copied, "electronic": True}]
        said += [{"id": code(), "type": "corrected", **copied, "unit": code(190)}]
    dossier, _ = learn_all(NOTHING, decoded(said))

    assert len({name.partition("@")[2] for name in dossier[0] if name.startswith("payment@")}) == 1_000
    assert len(pack(dossier)) < RECORD_BYTES_MAX
