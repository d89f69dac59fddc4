"""What is missing from the figures: causes, for how long they have to last, and in which words they are said."""

import json
import logging
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar.civil_time import utc_ms
from models.standings.completeness import (
    KINDS,
    Cause,
    Gap,
    Kind,
    Log,
    Shape,
    as_json,
    missing,
    notice,
    sentence,
    sentence_vn,
)
from streams.monitoring.completeness import Observer
from streams.settings import Settings

SUBMITTED = "p.dossier.submitted"
OFFSETS = st.lists(st.integers(0, 50), min_size=4, max_size=4).map(sorted)


@given(OFFSETS, st.booleans())
def test_every_offset_up_to_the_high_watermark_is_counted_or_told(offsets: list[int], owned: bool) -> None:  # noqa: FBT001 - drawn
    first, position, stable, high = offsets

    gaps = missing([Log("tally", "t", 0, first, stable, high, position, owned)], [])

    assert sum(gap.records for gap in gaps) == high - position
    assert {gap.cause for gap in gaps if gap.records} <= {"open-transaction", "behind" if owned else "no-owner"}
    assert owned or any(gap.cause == "no-owner" for gap in gaps)


def test_a_topic_of_another_shape_is_told_partition_by_partition() -> None:
    gaps = missing([], [Shape("a", 4, 6, {4: (0, 0), 5: (2, 9)}), Shape("b", 4, 3), Shape("c", 4, 4)])

    assert gaps == [
        Gap("partition-unread", "a", 4, None, 0),
        Gap("partition-unread", "a", 5, 2, 7),
        Gap("partition-missing", "b", 3, None, 0),
    ]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_cause_is_a_sentence_in_both_languages(kind: Kind) -> None:
    cause = Cause(kind, SUBMITTED, 2, "2024-05-01T08:00:05.25+07:00", 1_234)

    english, vietnamese = sentence(cause), sentence_vn(cause)

    for text in (english, vietnamese):
        assert kind in ("not-judged", "unknown") or f"{SUBMITTED}-2" in text
        assert "{" not in text
    assert kind == "partition-missing" or "since 2024-05-01T08:00:05+07:00" in english
    assert kind == "partition-missing" or "từ 08:00 ngày 01/05/2024" in vietnamese
    said = notice([cause])
    assert said is not None
    assert said["vi"].startswith("Số liệu chưa đầy đủ: ")
    assert "1.234 bản ghi" in said["vi"]
    assert as_json([cause]) == [
        {"cause": kind, "topic": SUBMITTED, "partition": 2, "since": cause.since, "records": 1_234}
    ]


def test_the_notice_names_the_hardest_cause_and_the_oldest_time() -> None:
    causes = [Cause(kind, "t", 0, utc_ms(1_714_525_200_000 + i * 60_000), 1) for i, kind in enumerate(reversed(KINDS))]

    said = notice(causes)

    assert said is not None
    assert said["vi"] == ("Số liệu chưa đầy đủ: bộ phận đếm không hoạt động (7 bản ghi, từ 08:00 ngày 01/05/2024)")
    assert notice([]) is None


class Clock:
    def __init__(self) -> None:
        self.s = 1_714_525_200.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def observer(clock: Clock) -> Observer:
    return Observer(Settings(kafka="127.0.0.1:1"), now=clock)


def names(observer: Observer) -> list[str]:
    return [cause.cause for cause in observer.lasting()]


def test_a_cause_is_said_once_when_it_has_lasted_and_once_when_it_is_over(
    observer: Observer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lotrinh.complete")
    held = Gap("open-transaction", SUBMITTED, 1, 7, 5)
    for _ in range(12):
        observer.note([held], {held: utc_ms(1_714_525_200_000)})
        clock.s += 5
    observer.note([], {})

    said = [(r.levelname, r.message) for r in caplog.records]
    assert said == [
        ("WARNING", f"incomplete: {sentence(Cause(*held[:3], '2024-05-01T08:00:00+07:00', 5))}"),
        ("INFO", f"over: {sentence(Cause(*held[:3], '2024-05-01T08:00:00+07:00', 5))}"),
    ]


def test_a_partition_that_nobody_reads_is_said_within_a_minute(observer: Observer, clock: Clock) -> None:
    unread = Gap("partition-unread", SUBMITTED, 4, None, 0)
    for _ in range(6):
        observer.note([unread], {})
        assert names(observer) == []
        clock.s += 5
    observer.note([unread], {})

    assert names(observer) == ["partition-unread"]
    assert {m.name: [v for _, v in m.samples] for m in observer.metrics()} == {
        "lotrinh_complete": [0.0], "lotrinh_incomplete_records": [0.0], "lotrinh_incomplete_seconds": [30.0],
    }  # fmt: skip


def test_steady_traffic_is_not_behind_however_long_it_lasts(observer: Observer, clock: Clock) -> None:
    for offset in range(100):
        observer.note(
            [Gap("behind", SUBMITTED, 0, offset, 1), Gap("open-transaction", SUBMITTED, 0, offset + 1, 1)], {}
        )
        assert names(observer) == []
        clock.s += 5


def test_a_backlog_is_behind_since_its_first_record_arrived(observer: Observer, clock: Clock) -> None:
    gap = Gap("behind", SUBMITTED, 0, 10, 500)
    observer.note([gap], {gap: utc_ms(int(clock.s * 1000) - 31_000)})

    assert names(observer) == ["behind"]
    assert observer.lasting()[0].since == utc_ms(int(clock.s * 1000) - 31_000)


def test_what_cannot_be_looked_at_is_not_called_complete(observer: Observer, clock: Clock) -> None:
    observer.look()  # nobody listens there
    clock.s += 30
    observer.look()

    assert names(observer) == ["unknown"]
    assert re.fullmatch(
        r"what is missing cannot be told: Kafka does not answer, since \S+", sentence(observer.lasting()[0])
    )
    assert json.dumps(as_json(observer.lasting()))
