"""A consumed record as a tuple.

aiokafka makes a frozen dataclass of eleven fields for every record it hands over, which costs more than parsing the
record off the wire; a tuple of the same fields, made in one go, costs a tenth. `tests/test_library_facts.py` holds that
it is made by that method and that the fields are still the same.
"""

from typing import Any, Final, NamedTuple

from aiokafka.consumer import fetcher


class Record(NamedTuple):
    """What aiokafka's ConsumerRecord holds, under the same names and in the same order."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: Any
    value: Any
    checksum: int | None
    serialized_key_size: int
    serialized_value_size: int
    headers: tuple[tuple[str, bytes], ...]


_new: Final = tuple.__new__


def make_records_light() -> None:
    """Let every consumer of this process hand over tuples."""
    fetcher.PartitionRecords._consumer_record = light  # noqa: SLF001


def light(of: Any, tp: Any, record: Any) -> Record:
    """Return the record as aiokafka's own method of this place would, but as a tuple."""
    key, value, headers = record.key, record.value, record.headers
    key_bytes, value_bytes = -1 if key is None else len(key), -1 if value is None else len(value)
    if of._key_deserializer:  # noqa: SLF001
        key = of._key_deserializer(key)  # noqa: SLF001
    if of._value_deserializer:  # noqa: SLF001
        value = of._value_deserializer(value)  # noqa: SLF001
    return _new(
        Record,
        (
            tp.topic, tp.partition, record.offset, record.timestamp, record.timestamp_type, key, value, record.checksum,
            key_bytes, value_bytes, tuple(headers) if headers else (),
        ),
    )  # fmt: skip
