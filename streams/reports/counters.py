"""Counters of every unit by civil day: from the state of the running system, or from a file of events.

The running system keeps them in the changelog of watch's windowed table. A report reads that to its end, read
committed, and needs no worker of its own; what it reads of a partition is one moment of its state.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

import orjson
from kafka import TopicPartition

from models.calendar.civil_time import day_text
from models.counting.contributions import contributions
from models.counting.learning import learn
from models.decisions.reading import Reading
from models.dossiers.dossier import NOTHING, Dossier
from models.dossiers.events import Refused, decode
from models.dossiers.limits import LIMITS, Crowds, Limits
from models.registers.codes import Codes
from models.reporting.report import Known
from models.standings.standings import Standings
from streams.broker import topics
from streams.broker.reading import POSITION, check_state, consumer
from streams.errors import BadInput
from streams.records.messages import cells_in_force
from streams.settings import Settings

DAY_S: Final = 86_400

Rows = dict[bytes, bytes]
Lines = Iterator[tuple[int, bytes]]
"""(line number, bytes), without blank lines"""


def of_running_system(settings: Settings, reading: Reading) -> Known:
    """Return the counters of the running system. Raises BadInput where it counts by other rules, or not yet."""
    known = Standings(reading, date.min)
    positions: dict[str, int] = {}
    clocks = []
    for partition, rows in _changelog(settings).items():
        said = rows.pop(POSITION, None)
        progress = None if said is None else orjson.loads(said)
        if progress is None or progress["memo"].get("clock") is None:
            raise BadInput(f"partition {partition} has counted nothing yet: are the workers running?")
        slots = _settled_slots(progress["memo"].get("slots", {}), settings, reading)
        clocks.append(progress["memo"]["clock"])
        positions[str(partition)] = sum(progress["next"].values())
        for key, value in rows.items():
            unit, (start, _) = orjson.loads(key)
            day = day_text(int(start) // DAY_S)
            for slot, epochs in orjson.loads(value).items():
                for cell, (numerator, denominator) in cells_in_force(epochs, slots.get(slot)).items():
                    known.add(unit, day, cell, numerator, denominator)
    return Known(known, min(clocks), positions)


def _settled_slots(slots: dict[str, Any], settings: Settings, reading: Reading) -> dict[str, Any]:
    """Refuse to read counters that were not made by the rules of the reading."""
    if len(slots) < settings.partitions:
        raise BadInput("the running system has not taken over all its partitions yet: try again in a moment")
    if any(slot["fold"] != reading.fold_fingerprint() for slot in slots.values()):
        raise BadInput(
            f"the running system does not count by these rules: decision {reading.decision.id}, catalogue, units, "
            "successions and the switches that decide what counts have to be those it was started with"
        )
    return slots


def _changelog(settings: Settings) -> dict[int, Rows]:
    """Return partition → the latest row of every key.

    Read to the end, and then to what is the end by then: a row that compaction took away meanwhile has its successor
    there.
    """
    topic = topics.changelog(settings, topics.WATCH, "unit-days")
    reader = consumer(settings, max_partition_fetch_bytes=8 << 20)
    try:
        partitions = reader.partitions_for_topic(topic)
        if not partitions:
            raise BadInput(f"topic {topic} is missing: run `lotrinh topics apply`")
        tps = [TopicPartition(topic, p) for p in sorted(partitions)]
        found: dict[int, Rows] = {tp.partition: {} for tp in tps}
        states: dict[TopicPartition, Any] = {}
        reader.assign(tps)
        reader.seek_to_beginning(*tps)
        for _ in range(2):
            ends = reader.end_offsets(tps)
            while any(reader.position(tp) < end for tp, end in ends.items()):
                for tp, records in reader.poll(timeout_ms=500).items():
                    _take(found[tp.partition], records)
                    states.update((tp, record) for record in records if record.key == POSITION)
        for state in states.values():
            check_state(settings, state)
    finally:
        reader.close()
    return found


def _take(rows: Rows, records: Iterable[Any]) -> None:
    for record in records:
        if record.value is None:
            rows.pop(record.key, None)
        else:
            rows[record.key] = record.value


def of_events(
    reading: Reading, lines: Lines, codes: Codes = "ascii", limits: Limits = LIMITS
) -> tuple[Known, list[tuple[int, str]]]:
    """Return the counters of a file of events, and (line, reason) of those refused.

    What is known goes up to the latest `at` of the file. Raises BadInput where it holds no event.
    """
    dossiers: dict[str, Dossier] = {}
    crowds = Crowds(limits)
    refused = []
    until = ""
    for number, line in lines:
        event = decode(line, codes=codes)
        if isinstance(event, Refused):
            refused.append((number, event.reason))
            continue
        until = max(until, event.stamp.split("\t", 2)[1])
        known = dossiers.get(event.dossier, NOTHING)
        why = crowds.refuses(event, len(known[0]), known[0].keys)
        if why is not None:
            refused.append((number, why))
            continue
        dossiers[event.dossier], _ = learn(known, event)
    if not until:
        raise BadInput("the file holds no event")
    counted = Standings(reading, date.min)
    for dossier in dossiers.values():
        for unit, day, cell, numerator in contributions(dossier[0], reading.fold):
            counted.add(unit, day, cell, numerator, 1)
    return Known(counted, until), refused
