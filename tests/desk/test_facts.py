"""What the desk says of its figures while it reads everything again."""

from typing import Any

import pytest

from streams.desk.facts import STALE_S, Facts, Reader
from streams.settings import Settings

POLLS = 40


class Slow:
    """A consumer that needs so many polls, of a second each, to come to the end; then it ends the reading."""

    def __init__(self) -> None:
        self.polls = 0
        self.said: list[tuple[int, bool]] = []
        self.reader: Any = None

    def now(self) -> float:
        return 1_000.0 + self.polls

    def partitions_for_topic(self, _: str) -> set[int]:
        return {0}

    def assign(self, _: Any) -> None:
        """Nothing to do."""

    def seek_to_beginning(self, *_: Any) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def end_offsets(self, tps: Any, **_: Any) -> dict[Any, int]:
        return dict.fromkeys(tps, POLLS)

    def position(self, _: Any) -> int:
        return self.polls

    def poll(self, **_: Any) -> dict[Any, Any]:
        self.said.append((self.polls, self.reader.is_old()))
        self.polls += 1
        if self.polls > POLLS + 2:
            self.reader._stop.set()
        return {}


def test_figures_are_old_until_all_has_been_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr("streams.desk.facts.consumer", lambda _: slow)
    reader = slow.reader = Reader(Settings(kafka="127.0.0.1:1", _env_file=None), slow.now)
    before = reader.facts = Facts()
    reader.seen = slow.now()

    reader._follow()

    old = [polls for polls, is_old in slow.said if is_old]
    assert old == list(range(int(STALE_S) + 1, POLLS)), "though the broker answers all the while"
    assert reader.facts is not before
