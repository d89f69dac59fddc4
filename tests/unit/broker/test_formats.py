"""Every kind of state and message has a number, and who meets another one says so in one sentence."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from streams.broker import formats, topics
from streams.broker import reading as reading_kafka
from streams.broker.formats import FILES, MESSAGES, STATES, OtherFormat
from streams.broker.topics import specs
from streams.engine.format_numbers import HEADER, LATER, MEMO, Format, found_in, refusal_of_state, stamp_of_state
from streams.local.state import StateDir
from streams.settings import Settings

SETTINGS = Settings(kafka="127.0.0.1:9", prefix="x.", partitions=1)
EARLIER = "upgrade by way of a release that reads both (docs/operations.md, Upgrade)"


def test_every_table_and_every_topic_of_ours_has_a_number() -> None:
    assert {app: {*kinds} - {MEMO} for app, kinds in STATES.items()} == {a: {*t} for a, t in topics.TABLES.items()}
    assert all(MEMO in kinds for kinds in STATES.values())
    ours = {s.name.removeprefix("x.") for s in specs(SETTINGS) if not s.name.endswith("-changelog")}
    assert ours == {*MESSAGES, *topics.INBOUND}
    known = [*MESSAGES.values(), *FILES.values(), *(f for kinds in STATES.values() for f in kinds.values())]
    assert all(1 <= known.oldest <= known.writes for known in known)


def test_the_table_in_the_documents_is_that_of_the_release() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text.partition("### Formats\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|", table, re.MULTILINE)
    of_states = {f"{app}: {kind}": known for app, kinds in STATES.items() for kind, known in kinds.items()}
    expected = {**of_states, **MESSAGES, **FILES}
    assert {name.strip().replace("`", ""): Format(int(w), int(o)) for name, w, o in rows} == expected


@pytest.mark.parametrize(
    ("known", "found", "said"),
    [
        (Format(2, 1), 1, None),
        (Format(2, 1), 2, None),
        (Format(2, 1), 3, f"it is in format 3, this release reads formats 1 to 2; nothing was written: {LATER}"),
        (Format(), 2, f"it is in format 2, this release reads format 1; nothing was written: {LATER}"),
        (Format(), 0, f"it is in a format that is no number, this release reads format 1; nothing was written: {LATER}"),
        (Format(3, 2), 1, f"it is in format 1, this release reads formats 2 to 3; nothing was written: {EARLIER}"),
    ],
)  # fmt: skip
def test_the_sentence_says_which_format_was_found_which_is_read_and_what_to_do(
    known: Format, found: int, said: str | None
) -> None:
    assert known.refusal("it", found) == said


@pytest.mark.parametrize(
    ("headers", "number"),
    [((), 1), (((HEADER, b"7"),), 7), ((("other", b"7"),), 1), (((HEADER, b"x"),), 0), (((HEADER, None),), 0)],
)
def test_a_record_without_a_number_is_in_the_first_format(headers: Any, number: int) -> None:
    assert found_in(headers) == number


@pytest.mark.parametrize("raw", [b"no json", b"[1]", b'{"a": "2"}'])
def test_a_state_whose_numbers_cannot_be_read_is_refused(raw: bytes) -> None:
    refused = refusal_of_state({}, ["a", MEMO], ((HEADER, raw),), "tally-0")

    assert refused is not None
    assert "the state of tally-0 is in a format that is no number" in refused


def test_a_state_with_a_table_that_is_not_known_is_of_a_later_release() -> None:
    later = stamp_of_state({}, ["a", "b", MEMO])

    assert refusal_of_state({}, ["a", "b", MEMO], later, "tally-0") is None
    assert refusal_of_state({}, ["a", MEMO], later, "tally-0") == (
        f"the state of tally-0 has b, which this release does not know: {LATER}"
    )
    assert refusal_of_state({}, ["a", "b", MEMO], (), "tally-0") is None


class Log:
    """A consumer that has one partition of a topic."""

    def __init__(self, records: list[Any]) -> None:
        self._records = records

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 1)

    def position(self, tp: Any) -> int:
        return 0 if self._records else 1

    def poll(self, timeout_ms: int) -> dict[Any, Any]:
        came, self._records = self._records, []
        return {("x", 0): came}

    def assign(self, *_: Any) -> None: ...
    def seek_to_beginning(self, *_: Any) -> None: ...
    def close(self) -> None: ...


def read(name: str, *records: Any) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_kafka, "consumer", lambda *_, **__: Log(list(records)))
        return list(reading_kafka.records_of(SETTINGS, name))


def record(topic: str, headers: Any, key: bytes = b"k") -> Any:
    return SimpleNamespace(topic=f"x.{topic}", partition=0, offset=4, key=key, value=b"{}", headers=headers)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_command_refuses_a_message_of_a_later_release(name: str) -> None:
    first, stamped = record(name, ()), record(name, formats.stamped(name))

    assert read(name, first, stamped) == [first, stamped]
    with pytest.raises(OtherFormat, match=re.escape(f"x.{name}-0 @ 4: {name} is in format 99, this release reads")):
        read(name, record(name, [(HEADER, b"99")]))


def test_a_command_refuses_the_state_of_a_later_release_by_its_last_position() -> None:
    def position(number: int) -> Any:
        said = orjson.dumps({"dossiers": number, MEMO: 1})
        return record("tally-dossiers-changelog", [(HEADER, said)], reading_kafka.POSITION)

    assert len(read("tally-dossiers-changelog", position(99), position(1))) == 2
    with pytest.raises(OtherFormat, match="dossiers of tally is in format 99"):
        read("tally-dossiers-changelog", position(1), position(99))


def test_inbound_records_have_no_number_of_ours() -> None:
    assert len(read("dossier.submitted", record("dossier.submitted", [(HEADER, b"99")]))) == 1


def test_a_state_directory_of_a_later_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    ports = state.ports(["kafka"], print)
    assert json.loads((tmp_path / "ports.json").read_text()) == {"kafka": ports["kafka"], "format": 1}
    later = json.dumps({"kafka": 1, "format": 99})
    for file in ("ports.json", "endpoints.json"):
        (tmp_path / file).write_text(later)

    with pytest.raises(OtherFormat, match=r"ports\.json is in format 99, this release reads format 1"):
        state.ports(["kafka"], print)
    with pytest.raises(OtherFormat, match=r"endpoints\.json is in format 99"):
        state.endpoints()
    assert (tmp_path / "ports.json").read_text() == later


@pytest.mark.parametrize("made_of", [None, "", "1", "1:abc", "0:abc", "somebody's"])
def test_a_board_of_this_or_an_earlier_format_is_made_anew_or_kept(made_of: str | None) -> None:
    formats.check_board(made_of, "the board")


def test_a_board_of_a_later_release_is_refused() -> None:
    with pytest.raises(OtherFormat, match=r"the board x in Redis is in format 2, this release reads format 1"):
        formats.check_board("2:abc", "the board x in Redis")
