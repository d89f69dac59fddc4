"""Of several rows under one key the newest version holds, in whatever partition it lies and whenever it is read."""

import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest

from streams.acts.alert_acts import shortfalls
from streams.board import standings_log
from streams.board.standings_log import Newest, newest_of
from streams.settings import Settings

KEY = b"thai-binh-2024/online-dossiers/12688"


def row(version: str | None, shortfall: int, partition: int = 0) -> Any:
    decision, indicator, unit = KEY.decode().split("/")
    said = {"decision": decision, "indicator": indicator, "unit": unit, "shortfall": shortfall}
    value = json.dumps(said if version is None else {**said, "version": version}).encode()
    return SimpleNamespace(key=KEY, value=value, headers=[], partition=partition)


def gone(version: str) -> Any:
    return SimpleNamespace(key=KEY, value=None, headers=[("version", version.encode())], partition=2)


OLD, NEW, LATER = "0000000001.0000000000000009", "0000000001.0000000000000010", "0000000002.0000000000000001"


def left(*records: Any) -> list[int]:
    return [found["shortfall"] for found in newest_of(records)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_newest_version_holds_in_every_order(order: tuple[int, ...]) -> None:
    records = [row(OLD, 1, partition=3), row(NEW, 2, partition=1), row(LATER, 3, partition=0)]

    assert left(*(records[n] for n in order)) == [3]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_row_taken_back_stays_away_whatever_lies_in_another_partition(order: tuple[int, ...]) -> None:
    records = [row(OLD, 1, partition=3), row(NEW, 2, partition=1), gone(LATER)]

    assert left(*(records[n] for n in order)) == []


def test_a_row_comes_back_by_a_newer_version_alone() -> None:
    assert left(gone(NEW), row(OLD, 1)) == []
    assert left(gone(NEW), row(LATER, 1)) == [1]


def test_a_row_without_a_version_is_the_oldest_and_among_such_rows_the_last_one_holds() -> None:
    assert left(row(OLD, 1), row(None, 2)) == [1]
    assert left(row(None, 1), row(None, 2)) == [2]


def test_commands_and_notify_read_by_the_same_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [row(NEW, 2, partition=0), row(OLD, 1, partition=3)]
    monkeypatch.setattr(standings_log, "records_of", lambda *_: iter(records))
    newest = Newest()
    for record in records:
        newest.take(record.key, record.value, record.headers)

    assert shortfalls(Settings()) == {("thai-binh-2024", "online-dossiers", "12688"): 2}
    assert newest.get(KEY) == records[0].value
    assert [found["shortfall"] for found in standings_log.standings_now(Settings())] == [2]


def strays(*records: Any, home: int = 1) -> list[tuple[int, str]]:
    return [(stray.partition, stray.version) for stray in standings_log.strays_of(records, lambda _: home)]


def test_a_stray_is_an_older_row_outside_of_the_home_partition() -> None:
    assert strays(row(NEW, 2, partition=1), row(OLD, 1, partition=3)) == [(3, OLD)]
    assert strays(row(OLD, 1, partition=3), row(NEW, 2, partition=3), row(LATER, 3, partition=1)) == [(3, NEW)]


def test_nothing_in_the_home_partition_and_nothing_newer_elsewhere_is_a_stray() -> None:
    assert strays(row(OLD, 1, partition=1), row(NEW, 2, partition=1)) == []
    assert strays(row(NEW, 2, partition=3), row(OLD, 1, partition=1)) == []
    assert strays(row(OLD, 1, partition=3)) == []


def test_a_row_that_was_taken_back_is_no_stray_any_more_and_one_beside_a_tombstone_is() -> None:
    assert strays(row(NEW, 2, partition=0), gone(NEW), row(LATER, 3, partition=1)) == [(0, NEW)]
    assert strays(gone(OLD), row(NEW, 2, partition=1)) == []
