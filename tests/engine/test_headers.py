"""A header's name may be any bytes: no record stops a worker for it."""

from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from kafka.record.memory_records import MemoryRecords as RecordsOfCommands
from kafka.record.memory_records import MemoryRecordsBuilder

from streams.broker import reading as reading_kafka
from streams.engine.headers import Fetched, TolerantRecords

ODD = b"\xf4ng"  # "ông", as Windows-1258 writes it


class Odd(str):
    """A name that a client of C or PHP would send as it is."""

    __slots__ = ()

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        return ODD


def fetched(codec: int, odd: tuple[int, ...], count: int = 12) -> bytes:
    """A fetch of batches of four records; some records have a header with such a name."""
    raw = b""
    for first in range(0, count, 4):
        builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=100_000, offset=first)
        for n in range(first, first + 4):
            headers = [(Odd("o") if n in odd else "ok", b"x")]
            builder.append(n, b"k%d" % n, b"v" * 500, headers)
        builder.close()
        raw += bytes(builder.buffer())
    return raw


def read(kind: Any, records: Any, offset: int = 0) -> list[tuple[int, bytes, list[tuple[str, bytes]]]]:
    found = kind(TopicPartition("t", 0), records, [], offset, None, None, True, READ_COMMITTED)
    return [(r.offset, r.key, r.headers) for r in found]


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("odd", [(), (0,), (5,), (5, 6), (11,), (3, 4)])
@pytest.mark.parametrize("offset", [0, 2, 3])  # a fetch begins with the batch that holds it
def test_every_record_of_a_fetch_is_handed_over_once(codec: int, odd: tuple[int, ...], offset: int) -> None:
    whole = fetched(codec, odd)
    found = read(TolerantRecords, Fetched(whole + whole[:40]), offset)

    assert [(n, key) for n, key, _ in found] == [(n, b"k%d" % n) for n in range(offset, 12)]
    assert {n: headers[0][0] for n, _, headers in found} == {
        n: "\\xf4ng" if n in odd else "ok" for n in range(offset, 12)
    }


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("odd", [(), (0,), (5, 6), (3, 4, 11)])
def test_commands_read_every_record_too(codec: int, odd: tuple[int, ...]) -> None:
    assert reading_kafka.TolerantBatch  # type: ignore[truthy-function]
    found = [record for batch in RecordsOfCommands(fetched(codec, odd)) for record in batch]

    assert [(r.offset, r.key) for r in found] == [(n, b"k%d" % n) for n in range(12)]
    assert {r.offset for r in found if r.headers[0][0] == "\\xf4ng"} == set(odd)


def test_the_library_alone_would_stop_at_such_a_name() -> None:
    with pytest.raises(UnicodeDecodeError):
        read(PartitionRecords, MemoryRecords(fetched(0, (5,))))
