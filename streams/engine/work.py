"""What an application and the engine hand each other: fetches, announcements, and the work between them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol

from faust.types import TP

from streams.engine.budget import Room

FOLDED_PER_STEP: Final = 1_000
"""rows of state folded at a takeover before others may have a turn: some 10 ms"""


class Fetch:
    """What one fetch brought from one partition: every record of `[start, position)`, read committed."""

    __slots__ = ("at", "partition", "position", "records", "start", "topic", "work")

    def __init__(self, tp: TP, records: Sequence[Any], start: int, position: int) -> None:
        """Hold the records with the stretch of the log that they are."""
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        self.records = records
        self.start = start
        self.position = position
        self.work: Work
        """that of the partition's owner, which sets it"""
        self.at = 0.0
        """the time that windowed tables give a write; the agent sets it"""

    def leave(self, index: int) -> None:
        """Take only the records before this index in; the others come again, in a fetch of their own."""
        if index < len(self.records):
            self.position = self.records[index].offset
            self.records = self.records[:index]


Owes = Literal["nothing", "later", "now"]
"""What an application still has to say of what it has taken in: later, and more may be taken in before; or now."""


class Announcement(NamedTuple):
    """A record that an application sends within the transaction of the state it follows from."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    """None: by the key, as every Kafka client does"""
    headers: tuple[tuple[str, bytes], ...] = ()


class Work(Protocol):
    """What an application keeps of one source partition besides its tables."""

    @property
    def owes(self) -> Owes:
        """What is still to be said. It stands in `Owner.memo`, so that a successor says it."""

    def restoring(self, *, renewed: bool) -> Iterator[None]:
        """Derive everything from the tables' rows of this partition (`Owner.rows`), and what is owed from the memo.

        In steps: at every item the rest of the process has its turn, and nothing is taken in before the end. `renewed`:
        the fingerprint has changed or there was no state; a new epoch begins, and all must be announced.
        """

    def read_back(self, records: Iterable[Any]) -> None:
        """Take in what this application told before its state was lost: all of the topics `reads_back`, in no order.

        Called once, before `restoring`, where there is no state; it writes tables and the memo.
        """

    def take(self, fetch: Fetch) -> None:
        """Take a fetch in: read its records, write tables. Called by the agent's body, which may not await.

        Records that had better wait until what came before them is committed are left: `Fetch.leave`.
        """

    def announcements(self, room: Room) -> Iterable[Announcement | None]:
        """Yield what is to be said of everything taken in, once per transaction; None where others may have a turn.

        At every item others have their turn, and nothing is taken in meanwhile. What cannot be left for another
        transaction is yielded in any case; for the rest `room.full` is asked, and what is left is owed: `owes`.
        """
