"""A dossier has at most so many payments and copies; what is known of it is merged at a cost that does not explode."""

import json
import random
from collections import deque
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alerting.alerts import UNKNOWN_DOSSIERS
from models.counting.learning import learn, learn_all, moved
from models.decisions.reading import UNKNOWN_HOME, Reading, Sources
from models.dossiers.dossier import NOTHING, Dossier, merge_all
from models.dossiers.events import TOPIC_OF, Event, decode
from models.dossiers.limits import TOO_MANY_COPIES, TOO_MANY_PAYMENTS, Limits
from models.evaluation.evaluation import Evaluation, evaluate
from models.registers.units import Unit
from models.standings.standings import Standings
from streams.board.records import RowFact, read_standing
from streams.broker import topics
from streams.broker.topics import RECORD_BYTES_MAX
from streams.engine import Room
from streams.files.decision_files import read_decision, read_reading, shipped_registry
from streams.records.dossier_rows import LARGE, pack, parts_at_most, unpack
from streams.settings import Settings
from streams.workers.tally import TallyWork
from tests.builders import evaluated, event, figures, received, standing, thai_binh
from tests.integration.verdict import DECISION, UNITS
from tests.oracle.oracle import Oracle, Record
from tests.strategies import events, lines
from tests.unit.workers.test_passed_ticks import Rows, fetch, owner_of

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


@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize("commits_each", [True, False])
def test_a_worker_refuses_the_same_however_fetches_and_transactions_cut_the_log(
    at_once: int, *, commits_each: bool
) -> None:
    settings = Settings(partitions=1, payments_max=5, _env_file=None)
    told = [e for e in crowd(9, 0) if e["type"] == "paid"]
    first: list[str] = []
    for one in told:
        if one["transaction"] not in first:
            first.append(one["transaction"])
    table = Rows()
    owner = owner_of(table)
    work = TallyWork(owner, read_reading(settings), settings, table)
    deque(work.restoring(renewed=True), maxlen=0)
    letters = []
    for at in range(0, len(told), at_once):
        part = told[at : at + at_once]
        work.take(fetch(settings.topic(TOPIC_OF["paid"]), at, [(e["dossier"].encode(), e) for e in part]))
        if commits_each or at + at_once >= len(told):
            letters += [a for a in work.announcements(Room(1_000, 1 << 20)) if a is not None]
    dead = [orjson.loads(a.value or b"") for a in letters if a.topic == settings.topic(topics.DEAD_LETTERS)]

    assert [d["offset"] for d in dead] == [n for n, e in enumerate(told) if e["transaction"] not in first[:5]]
    assert {d["reason"] for d in dead} == {TOO_MANY_PAYMENTS}
    ((_, row),) = table.rows.items()
    assert {name.partition("@")[2] for name in unpack(row)[0] if name.startswith("payment@")} == set(first[:5])


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
        patched.setattr("models.dossiers.dossier.MANY", 10_000)
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


# -- units that nobody knows -------------------------------------------------------------------------------------------


def few_strangers(limit: int) -> Reading:
    """A reading that gives so many units that nobody knows a standing."""
    return Reading(read_decision("thai-binh-2024"), Sources(shipped_registry(), unknown_units_max=limit))


def of_units(codes: Iterable[str], count: int = 1) -> list[dict[str, Any]]:
    return [e for code in codes for e in received(count, code, "online", "2024-06-03")]


def shown(result: Evaluation) -> list[str]:
    return sorted({s["unit"] for s in result.standings if s.get("unknown")})


def test_which_unknown_units_have_a_standing_follows_from_the_counters_alone() -> None:
    told = of_units(["x3", "x1", "340/none", "x9", "12688", "x2", "340.phong-tu-phap"])
    orders = [told, told[::-1], sorted(told, key=lambda e: e["unit"])]
    oracle = Oracle(DECISION, UNITS)
    oracle.unknown_units_most = 3
    oracle.load(Record(line) for line in lines(told))

    for order in orders:
        result = evaluated(few_strangers(3), order)
        assert shown(result) == ["340/none", "x1", "x2"]
        assert {(s["unit"], s["indicator"]) for s in result.standings} == set(oracle.standings(UNTIL))
    assert shown(evaluated(few_strangers(10), told)) == ["340/none", "x1", "x2", "x3", "x9"]
    assert shown(evaluated(few_strangers(0), told)) == []


def test_one_that_goes_makes_room_and_one_that_comes_first_takes_it() -> None:
    standings = Standings(few_strangers(2), date(2024, 6, 30))
    for unit in ("b", "c", "d"):
        standings.add(unit, "2024-06-03", "online-dossiers", 1, 1)
    assert standings.strangers() == ["b", "c", "d"]
    assert [standings.has_standing(u) for u in "bcd"] == [True, True, False]
    standings.take_changed()

    standings.add("a", "2024-06-03", "online-dossiers", 1, 1)
    assert {u for u, _ in standings.take_changed()} == {"a", "c"}
    standings.add("b", "2024-06-03", "online-dossiers", -1, -1)
    assert {u for u, _ in standings.take_changed()} == {"b", "c"}
    assert [u for u in "abcd" if standings.has_standing(u)] == ["a", "c"]
    standings.move_to(date(2024, 6, 2))
    assert standings.strangers() == []


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2), st.booleans()), max_size=40), st.integers(0, 5)
)
def test_what_has_a_standing_is_always_the_first_that_count(moves: list[tuple[str, int, bool]], limit: int) -> None:
    standings, counts = Standings(few_strangers_of(limit), date(2024, 6, 30)), dict.fromkeys("abcdefgh", 0)
    seen: set[str] = set()
    for unit, amount, look in moves:
        more = -min(amount, counts[unit]) if look else amount
        counts[unit] += more
        standings.add(unit, "2024-06-03", "online-dossiers", 0, more)
        if look:
            now = {u for u in counts if standings.has_standing(u)}
            assert now == set(first(counts, limit))
            assert {u for u, _ in standings.take_changed()} >= seen ^ now
            seen = now
    assert standings.with_counters() == first(counts, limit)


def first(counts: dict[str, int], limit: int) -> list[str]:
    return sorted(u for u, n in counts.items() if n > 0)[:limit]


@cache
def few_strangers_of(limit: int) -> Reading:
    return few_strangers(limit)


def test_naming_a_unit_makes_its_figures_appear() -> None:
    told = of_units([f"x{n}" for n in range(9)], 3)
    named = thai_binh(units=(Unit("x8", "Xã Tám", "commune", "340"),))
    hidden = evaluated(few_strangers(2), told)
    found = evaluated(named, told)

    assert not [s for s in hidden.standings if s["unit"] == "x8"]
    assert figures(found, "x8")[:2] == (3, 3)
    assert "unknown" not in standing(found, "x8")
    assert thai_binh().fold_fingerprint() != named.fold_fingerprint()  # so the running system counts anew, and says so


def test_all_of_them_lie_in_one_place_and_are_not_for_the_wall() -> None:
    reading = few_strangers(5)

    assert {reading.home(u) for u in ("x1", "x2", "99999", "34.so-la")} == {UNKNOWN_HOME}
    assert reading.home("340/communes") == reading.home("12688") == reading.home("340.phong-tu-phap") == "340"
    row = {"decision": "d", "indicator": "i", "unit": "x1", "version": "0000000001.01", "unknown": True}
    assert read_standing(b"d/i/x1", json.dumps(row).encode(), ()) == RowFact("d", "i/x1", "0000000001.01", None)


def test_alerts_about_unknown_units_are_as_few_as_their_standings() -> None:
    told = [
        e for n in range(6) for e in received(UNKNOWN_DOSSIERS, f"x{n}", "online", "2024-06-03")
    ] + [event("received", "last", "2024-06-05", unit="12688", channel="online")]  # fmt: skip
    reading = Reading(
        read_decision("thai-binh-2024"),
        Sources(shipped_registry(), unknown_units_max=2, switches={"alert_rule": "evidence"}),
    )

    assert {a["unit"] for a in evaluated(reading, told).alerts if a["indicator"] == "*"} == {"x0", "x1"}
