"""Consumed records as they come off the wire.

aiokafka makes a frozen dataclass of eleven fields for every record that it hands over, which costs more than parsing
it. A `Fetch` says its topic and partition once; of its records offset, timestamp (ms), key, value and headers are
asked, and those the parser's own record has. `tests/test_library_facts.py` holds that it does, and that the dataclass
is made where this replaces it.
"""

from typing import Any

from aiokafka.consumer import fetcher


def hand_over_bare_records() -> None:
    """Let every consumer of this process hand over the parser's records: for one in which the engine alone consumes."""
    fetcher.PartitionRecords._consumer_record = bare  # noqa: SLF001


def bare(of: Any, tp: Any, record: Any) -> Any:  # noqa: ARG001 - in the place of a method
    """Return the record as it is."""
    return record
