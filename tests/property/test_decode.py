"""Decoding takes a cheap way for plain records: it says of any bytes what the whole schema says, as it always said."""

import json
import random
from hashlib import sha256
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.dossiers.events import FIELDS, TIMES, _looked_at_closely, decode
from tests.conftest import examples
from tests.strategies import WORLDS, events, lines, random_events

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 7.0, 2**63 - 1, 2**63, "7", "", "x", "a,b", "a\nb", "a\\b", "x" * 201, [], [1, 2], {},
    {"a": 1, "b": 2}, "2024-09-30T08:12:03.250+07:00", "2024-09-30T08:12:03.000+07:00", "2024-09-30t08:12:03+07:00",
    "2024-09-30T08:12:03z", "2024-02-30T08:12:03+07:00", "2024-02-29T08:12:03+07:00", "2024-09-30T08:12:03",
    "2024-09-30T24:00:00Z", "9999-12-31T23:59:59-10:00", "2024-09-30 08:12:03+07:00", "received", "online",
)  # fmt: skip
"""Values that are wrong for some fields, right for others, or right and not canonical."""
NAMES = (*FIELDS, "specversion", "subject", "data", "name")


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A record that is an event, or was one before some members were spoilt, dropped, added or given twice."""
    members = list(draw(events()).items())
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from(["set", "add", "drop"]))
        if change == "drop" and members:
            members.pop(draw(st.integers(0, len(members) - 1)))
            continue
        name, odd = draw(st.sampled_from(NAMES)), draw(st.sampled_from(ODD))
        if change == "set":
            members = [pair for pair in members if pair[0] != name]
        members.append((name, odd))
    separator = draw(st.sampled_from([",", ", ", " ,\n"]))
    return ("{" + separator.join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in members) + "}").encode()


@settings(max_examples=examples(400))
@given(records() | st.binary(max_size=40))
@example(b'{"id":"a","type":"received","dossier":"D","at":"2024-09-30T08:12:03+07:00","name":"x","unit":"1"}')
@example(b'{"id":"a","type":"received","dossier":"D","at":"2024-09-30T08:12:03+07:00","unit":"2","unit":"1"}')
@example(b'{"id":"a,b","type":"received","dossier":"D","at":"2024-09-30T08:12:03+07:00"}')
@example(b'{"id":"a,b","type":"received","dossier":"D","at":"2024-09-30T08:12:03+07:00","name":[1,2]}')
def test_the_cheap_way_and_the_whole_schema_agree(value: bytes) -> None:
    assert repr(decode(value)) == repr(_looked_at_closely(value, value, "ascii"))


SINCE = {"due_at", "fee", "reused", "component_digitised", "assisted", "exempt_from_count", "exempt_reason"}
"""fields that came later than the sum below was made"""


def test_what_thousands_of_records_say_has_not_changed() -> None:
    """The order of facts, the stamps and the texts of refusals too: stored rows and dead letters hold them."""
    chance, said = random.Random(7), sha256()
    for world in WORLDS:
        for event in random_events(chance, world, 600):
            spoilt = {**event, chance.choice([n for n in NAMES if n not in SINCE]): chance.choice(ODD)}
            retimed = {**event, chance.choice(sorted(TIMES - SINCE)): chance.choice(ODD)}
            for value in lines([event, spoilt, retimed]):
                said.update(repr(decode(value)[:4]).encode())

    assert said.hexdigest() == "150dde13e20ca436ed70bdee45a5dc6284f05ee49e7760bd56d1a1a7c29edbe0"
