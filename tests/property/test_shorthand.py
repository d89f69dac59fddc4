"""Where a dossier counts, kept beside its row: the same as from its facts, under every decision, and never under others."""

import json
import random
from collections import deque
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.counting.contributions import Contribution, contributions
from models.counting.learning import Counted, count
from models.counting.shorthand import Shorthand
from models.decisions.reading import Reading
from models.dossiers.dossier import Dossier
from models.dossiers.events import Event, decode
from models.registers.units import Succession
from streams.engine import Room
from streams.records.dossier_rows import pack, rests, shorthand_of, unpack
from streams.settings import Settings
from streams.workers.tally import TallyWork
from tests.builders import thai_binh
from tests.property import test_five_decisions as five
from tests.property.test_merge import dossiers
from tests.strategies import WORLDS, World, lines, random_catalogue, random_events, streams
from tests.unit.workers.test_passed_ticks import Rows, owner_of

SETTINGS = Settings(partitions=1)
MERGED = thai_binh(successions=(Succession(date(2024, 6, 10), "12691", "12688"),))
"""other rules: what 12691 had from that day on counts for its heir"""


def shorthand_under(reading: Reading) -> Shorthand:
    return Shorthand(reading.fold, reading.fold_fingerprint())


def random_dossiers(chance: random.Random, world: World) -> dict[str, Dossier]:
    return dossiers([e for e in map(decode, lines(random_events(chance, world, 60))) if isinstance(e, Event)])


@pytest.mark.parametrize("world", WORLDS, ids=[w.decision for w in WORLDS])
@given(seed=st.integers(0, 2**32))
def test_it_reads_as_it_was_written_or_is_not_written(world: World, seed: int) -> None:
    chance = random.Random(seed)
    reading = five.reading_of(world, random_catalogue(chance, world), five.chosen(chance, world), heirs=True)
    shorthand = shorthand_under(reading)
    for facts, _ in random_dossiers(chance, world).values():
        held = contributions(facts, reading.fold)
        written = shorthand.write(held)
        assert not written or shorthand.read(written) == list(held)
        units, cells = {unit for unit, *_ in held}, {cell for _, _, cell, _ in held}
        assert written or len(units) > 1 or any(set(cell) & set(":@") for cell in cells)


@pytest.mark.parametrize("world", WORLDS, ids=[w.decision for w in WORLDS])
@given(seed=st.integers(0, 2**32))
def test_sums_are_what_each_of_them_says_added_up(world: World, seed: int) -> None:
    chance = random.Random(seed)
    reading = five.reading_of(world, random_catalogue(chance, world), five.chosen(chance, world), heirs=True)
    shorthand = shorthand_under(reading)
    cells = [rule.indicator for rule in reading.fold.dossiers]
    followed = {cell for cell in cells if chance.random() < 0.3}
    written = [
        raw
        for facts, _ in random_dossiers(chance, world).values()
        if (raw := shorthand.write(contributions(facts, reading.fold)))
    ]

    sums = shorthand.sums(followed.__contains__)
    for raw in written:
        held = shorthand.read(raw)
        assert held is not None
        assert [*(sums.add(raw) or ())] == [c for c in held if c[2] in followed and not c[3]]

    counted: Counted = {}
    for raw in written:
        count(counted, shorthand.read(raw) or (), 1)
    found = {(u, d, c): counter for u, days in sums.units() for d, of in days.items() for c, counter in of.items()}
    assert found == counted


def one(
    day: str = "2024-06-03", cell: str = "online-dossiers", unit: str = "12688", numerator: int = 1
) -> Contribution:
    return Contribution(unit, day, cell, numerator)


@pytest.mark.parametrize(
    "held",
    [
        [one(), one(unit="12691")],
        [one(), one(cell="online-dossiers:1.004616")],
        [one(cell="online-dossiers@2024-11-01/12688")],
        [one(day="1989-12-31")],
        [one(day="2169-06-07")],
        [one(unit="x" * 201)],
    ],
)
def test_what_has_no_bytes_is_not_written(held: Sequence[Contribution]) -> None:
    assert shorthand_under(thai_binh()).write(held) == b""


@pytest.mark.parametrize(
    "held", [[], [one(day="1990-01-01")], [one(day="2169-06-06")], [one()] * 40, [one(unit="x" * 200)]]
)
def test_the_outermost_that_has_bytes_is_read_again(held: Sequence[Contribution]) -> None:
    shorthand = shorthand_under(thai_binh())
    assert shorthand.read(shorthand.write(held)) == held


def test_its_bytes_stay_as_they_were_first_written() -> None:
    """Rows hold them for years."""
    shorthand = Shorthand(thai_binh().fold, "00112233aabbccdd")
    written = bytes.fromhex("00112233aabbccdd053132363838311c01")

    assert shorthand.write([one()]) == written
    assert shorthand.read(written) == [one()]


def test_it_is_not_believed_under_other_rules() -> None:
    ours, theirs = shorthand_under(thai_binh()), shorthand_under(MERGED)

    assert theirs.read(ours.write([one()])) is None
    assert theirs.read(ours.write([])) is None
    assert theirs.read(b"") is None
    sums = theirs.sums(lambda _: True)
    assert [sums.add(raw) for raw in (ours.write([one()]), ours.write([]), b"")] == [None, None, None]
    assert not [*sums.units()]


@given(streams)
def test_a_row_with_it_is_the_same_row(found: list[dict[str, Any]]) -> None:
    shorthand = shorthand_under(thai_binh())
    for known in dossiers([e for e in map(decode, lines(found)) if isinstance(e, Event)]).values():
        held = contributions(known[0], thai_binh().fold)
        written, row = shorthand.write(held), pack(known, held, shorthand.write)

        assert unpack(row) == known
        assert list(unpack(row)[0]) == list(known[0])
        assert shorthand_of(row) == (written if rests(known[0]) else b"")


def announced(reading: Reading, rows: dict[bytes, Any]) -> list[Any]:
    """All that a worker says that has taken these rows over and must tell everything."""
    table = Rows()
    table.rows = rows
    work = TallyWork(owner_of(table), reading, SETTINGS, table)
    deque(work.restoring(renewed=True), maxlen=0)
    return sorted(
        (a.key or b"", json.loads(a.value or b"")) for a in work.announcements(Room(1_000, 1 << 20)) if a and a.key
    )


@given(streams)
def test_a_takeover_counts_the_same_with_it_and_without_and_under_whatever_rules_it_was_written(
    found: list[dict[str, Any]],
) -> None:
    reading, other = thai_binh(), MERGED
    known = dossiers([e for e in map(decode, lines(found)) if isinstance(e, Event)])

    def rows(written_under: Reading) -> dict[bytes, Any]:
        write = shorthand_under(written_under).write
        return {k.encode(): pack(d, contributions(d[0], written_under.fold), write) for k, d in known.items()}

    plain = announced(reading, {k.encode(): pack(d) for k, d in known.items()})
    assert announced(reading, rows(reading)) == plain
    assert announced(reading, rows(other)) == plain
