"""Commands that read topics: a broker that goes away is said in one sentence, and nobody waits for ever."""

from typing import Any

import click
import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError

from streams import cli
from streams.broker import reading as reading_kafka
from streams.errors import BadInput
from streams.settings import Settings


class GoneBroker:
    """A consumer whose broker went away after it had said where the log ends."""

    def __init__(self, position: int | None) -> None:
        self._position = position

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, tps: list[TopicPartition]) -> None:
        pass

    def seek_to_beginning(self, *tps: TopicPartition) -> None:
        pass

    def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, 5)

    def position(self, tp: TopicPartition) -> int | None:
        return self._position

    def poll(self, timeout_ms: int) -> dict[TopicPartition, Any]:
        return {}

    def close(self) -> None:
        pass


@pytest.mark.parametrize("position", [0, None])
def test_a_read_ends_where_the_broker_goes_away(position: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_kafka, "consumer", lambda settings: GoneBroker(position))
    monkeypatch.setattr(reading_kafka, "SILENT_S", 0.05)

    with pytest.raises(BadInput, match=r"Kafka at 127\.0\.0\.1:9 went away while lotrinh\.alerts was being read"):
        list(reading_kafka.records_of(Settings(kafka="127.0.0.1:9"), "alerts"))


def test_an_error_of_kafka_that_no_command_expects_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: Any) -> click.Command:
        raise KafkaConnectionError("111 ECONNREFUSED")

    monkeypatch.setattr(cli, "lotrinh", fails)

    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == ["lotrinh: Kafka went away: KafkaConnectionError: 111 ECONNREFUSED"]


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: Any) -> click.Command:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "lotrinh", fails)

    with pytest.raises(ZeroDivisionError):
        cli.main()
