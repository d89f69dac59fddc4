"""A consumed record as a tuple.

aiokafka makes a frozen dataclass of eleven fields for every record it hands over, which costs more than parsing the
record off the wire; a tuple of the same fields costs a tenth. It is made by name in one module, so it is given there;
`tests/test_library_facts.py` holds that the fields are still the same.
"""

from typing import Any, NamedTuple

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


def make_records_light() -> None:
    """Let every consumer of this process hand over tuples."""
    fetcher.ConsumerRecord = Record
