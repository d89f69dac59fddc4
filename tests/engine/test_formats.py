"""State and messages in another format: a process says so in one sentence, and nothing moves."""

import asyncio
from typing import Any

import orjson
import pytest
from faust.types import TP

from streams.engine.format_numbers import HEADER, LATER, Format
from streams.engine.progress import POSITION, Progress
from tests.engine import virtual
from tests.engine.test_one_process import Stage, last_words  # noqa: F401 - a fixture
from tests.engine.worker import SAID

SECOND = {"counts": Format(2, 1)}


def playing(*steps: Any) -> Stage:
    """Let workers come one after the other, each with its formats, and something published before each."""
    made: list[Stage] = []

    async def program() -> None:
        stage = Stage()
        made.append(stage)
        for formats in steps:
            stage.worker.life.end()
            stage.publish(5)
            stage.new_worker(formats=formats)
            await stage.give(0)
            await asyncio.sleep(20)

    virtual.run(program)
    return made[0]


def rows(stage: Stage, topic: str = "counts-changelog") -> list[Any]:
    return stage.broker.log(TP(topic, 0)).committed(0, 1 << 30)


def test_what_is_written_says_its_format() -> None:
    stage = playing({**SECOND, SAID: Format(3, 1)})

    position = [r for r in rows(stage) if r.key == POSITION][-1]
    assert [(n, orjson.loads(v)) for n, v in position.headers] == [(HEADER, {"counts": 2, "marks": 1, "memo": 1})]
    assert {r.headers for r in rows(stage, SAID)} == {((HEADER, b"3"),)}


def test_a_later_release_goes_on_with_earlier_state() -> None:
    stage = playing({}, SECOND)

    assert stage.next_of()["a"] == 10
    assert stage.counted() == 10


@pytest.mark.parametrize(
    ("written", "read", "sentence"),
    [
        (SECOND, {}, "counts of sim-0 is in format 2, this release reads format 1; nothing was written: run the release"),
        ({}, {"counts": Format(3, 2)}, "counts of sim-0 is in format 1, this release reads formats 2 to 3; nothing was"),
        ({"memo": Format(2, 1)}, {"counts": Format(2, 1)}, "memo of sim-0 is in format 2, this release reads format 1;"),
    ],
)  # fmt: skip
def test_a_state_that_a_release_does_not_read_stops_it_before_anything_is_written(
    written: Any,
    read: Any,
    sentence: str,
    last_words: list[str],  # noqa: F811
) -> None:
    before, after = playing(written), playing(written, read)

    assert [said for said in last_words if said.startswith(f"stop: {sentence}")] != []
    assert [(r.key, r.value) for r in rows(after)] == [(r.key, r.value) for r in rows(before)]
    assert after.next_of()["a"] == 5


def test_a_row_that_is_none_of_this_release_stops_it_even_where_no_number_says_so(
    last_words: list[str],  # noqa: F811
) -> None:
    made: list[Stage] = []

    async def program() -> None:
        stage = Stage()
        made.append(stage)
        stage.broker.produce(TP("counts-changelog", 0), b"\xff\x01", b"1")
        await stage.give(0)
        await stage.settled()

    virtual.run(program)
    assert "stop: counts-changelog-0 @ 0 is no row of this release" in "\n".join(last_words)
    assert len(rows(made[0])) == 1


def test_a_later_message_stops_an_earlier_release_with_its_position_unmoved(
    last_words: list[str],  # noqa: F811
) -> None:
    made: list[Stage] = []

    async def program() -> None:
        stage = Stage()
        made.append(stage)
        stage.new_worker(formats={"a": Format()})
        stage.publish(5)
        await stage.give(0)
        await stage.settled()
        log = stage.broker.log(TP("a", 0))
        log.append(b"0/1", b"", stage.broker.now(), headers=((HEADER, b"2"),))
        stage.broker._grown()
        await stage.settled()

    virtual.run(program)
    assert last_words == [f"stop: a-0 @ 5: a is in format 2, this release reads format 1; nothing was written: {LATER}"]
    assert made[0].next_of()["a"] == 5


def test_a_release_that_knows_of_no_formats_stops_at_a_state_in_a_later_one() -> None:
    """Up to a146a2a the row was read by `Progress(**row)`: a key that is not known ends the process."""
    later, first = playing(SECOND), playing({})

    def read_as_before(stage: Stage) -> Progress:
        return Progress(**orjson.loads([r for r in rows(stage) if r.key == POSITION][-1].value))

    assert read_as_before(first).next["a"] == 5
    with pytest.raises(TypeError):
        read_as_before(later)
