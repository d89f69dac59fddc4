"""Rows of dossiers at rest: the same facts in both forms, and rows of the first release are read for ever."""

import json
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.counting.learning import learn
from models.dossiers.dossier import NOTHING, Dossier
from models.dossiers.events import Event, decode
from streams.records import dossier_rows as rows
from tests.strategies import events

KNOWN: Dossier = [
    {
        "unit": "12607",
        "procedure": "1.000010",
        "channel": "in_person",
        "received_at": "2024-01-01T07:14:38+07:00",
        "electronic": True,
        "digitised": True,
        "issued_at": "2024-01-03T09:46:24+07:00",
    },
    [
        "a1\t2024-01-01T07:14:38+07:00\ttb:000.00.34-24-004871:1\t1c50caeea7fdc041",
        4,
        "a3\t2024-01-03T09:46:24+07:00\ttb:000.00.34-24-004871:3\tdaa590762f5d48d0",
        3,
    ],
]
GOLDEN = bytes.fromhex(
    "0128b52ffd6052009d020093c40a4db34a820e62a79ffa63eab59c87d94dc6e6bc5fcead86ddf26152e523465c305995b34a8c5671aac7470f"
    "12fc68e7c3c81b36ad88137197a5e1a45ed749b356efac3645d9595d4ee85ee00ded829e14"
)
"""KNOWN as the first release that squeezes has written it: changelogs hold such rows"""


def test_a_row_squeezed_by_the_first_dictionary_is_read() -> None:
    assert rows.unpack(GOLDEN) == KNOWN
    assert list(rows.unpack(GOLDEN)[0]) == list(KNOWN[0]), "fields are grouped by who said them: their order matters"


def test_a_row_of_json_is_read_as_before() -> None:
    assert rows.unpack(json.dumps(KNOWN).encode()) == KNOWN


def test_a_row_of_a_later_release_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with 3: written by a later release"):
        rows.unpack(b"\x03" + GOLDEN[1:])


def test_a_row_with_a_shorthand_is_read_as_it_was_first_written() -> None:
    row = bytes([2, 5]) + b"short" + GOLDEN[1:]

    assert rows.unpack(row) == KNOWN
    assert rows.shorthand_of(row) == b"short"
    assert rows.shorthand_of(GOLDEN) == b""


@pytest.mark.parametrize("length", [0, 255, 256])
def test_a_shorthand_that_does_not_fit_is_left_out(length: int) -> None:
    row = rows.pack(KNOWN, (), lambda _: b"s" * length)

    assert rows.unpack(row) == KNOWN
    assert rows.shorthand_of(row) == (b"s" * length if length < 256 else b"")


@given(st.lists(events(), max_size=8))
def test_what_is_known_comes_back_whatever_it_is(said: list[dict[str, object]]) -> None:
    decoded = [decode(json.dumps(e | {"dossier": "A"}).encode()) for e in said]
    known = reduce(lambda d, e: learn(d, e)[0], (e for e in decoded if isinstance(e, Event)), NOTHING)

    row = rows.pack(known)

    assert rows.unpack(row) == known
    assert list(rows.unpack(row)[0]) == list(known[0])
    assert (row[0] == rows.SQUEEZED) == rows.rests(known[0])


@pytest.mark.parametrize(
    ("facts", "rests"),
    [
        ({"received_at": "2024-01-01T07:14:38+07:00"}, False),
        ({"resolved_at": "2024-01-02T07:14:38+07:00"}, False),  # the document is still to be issued
        ({"resolved_at": "2024-01-02T07:14:38+07:00", "result_document": False}, True),
        ({"issued_at": "2024-01-02T07:14:38+07:00"}, True),
        ({"issued_at": None}, False),  # recalled
        ({"status": "withdrawn"}, True),
        ({"status": None}, False),  # restored
    ],
)
def test_a_dossier_rests_once_little_more_is_to_be_expected(facts: dict[str, object], *, rests: bool) -> None:
    assert rows.rests(facts) == rests


def test_a_squeezed_row_takes_a_third_of_its_json_or_less() -> None:
    assert 3 * len(rows.pack(KNOWN)) < len(json.dumps(KNOWN))
