"""Reads records whose headers have names that are not UTF-8, where aiokafka would end the process for good.

Kafka asks of a header's name only that it is bytes; producers in C, Go or PHP send what they were
given. aiokafka decodes names strictly, so that no worker could ever pass such a record. Here the rest
of the fetch is taken apart in Python from that record on, with what is no UTF-8 escaped: such a name
means nothing to anybody.
"""

from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from streams.engine.header_text import Lenient

OVERHEAD: Final = 12
"""bytes before those that a batch counts as its length: base offset, length"""
MAGIC: Final = 16
"""where a batch says its format"""


class LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka carries no types
    """A batch of records, taken apart in Python."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = Lenient(self._buffer)


class Fetched:
    """The batches of a fetch, as aiokafka takes them apart; its bytes are kept with them."""

    def __init__(self, raw: bytes) -> None:
        """Take a fetch's bytes."""
        records = MemoryRecords(raw)
        self.raw = raw
        self.has_next = records.has_next
        self.next_batch = records.next_batch
        self.size_in_bytes = records.size_in_bytes


class Rest:
    """The batches of a fetch that hold an offset or later ones, taken apart leniently."""

    def __init__(self, raw: bytes, offset: int) -> None:
        """Find where batches begin."""
        self.raw = raw
        self._batches: list[Any] = []
        at = 0
        while at + OVERHEAD <= len(raw):
            end = at + OVERHEAD + int.from_bytes(raw[at + 8 : at + OVERHEAD], "big")
            if end > len(raw):
                break  # the last one of a fetch may be cut off
            part, at = raw[at:end], end
            is_new = part[MAGIC] >= 2
            batch = LenientBatch(part) if is_new else MemoryRecords(part).next_batch()
            if batch.next_offset > offset:
                self._batches.append(batch)
        self._batches.reverse()

    def has_next(self) -> bool:
        """Tell whether there is another batch."""
        return bool(self._batches)

    def next_batch(self) -> Any:
        """Return the next batch."""
        return self._batches.pop()


class TolerantRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # as above
    """The records of a fetch; goes on leniently where a header's name is not UTF-8."""

    _records: Any
    _records_iterator: Any

    def __next__(self) -> Any:
        """Return the next record."""
        try:
            return next(self._records_iterator)
        except StopIteration:
            self._records_iterator = None
            raise
        except UnicodeDecodeError:
            self._records = Rest(self._records.raw, self.next_fetch_offset)
            self._records_iterator = self._unpack_records()
            return next(self._records_iterator)


def tolerate_header_names() -> None:
    """Let every consumer of this process read so; aiokafka offers no other way in."""
    fetcher.MemoryRecords = Fetched
    fetcher.PartitionRecords = TolerantRecords
