"""Faust as its guide shows it: a `faust.Record` per event, a table of dossiers, a windowed table of counters.

The merge and the rules of counting are our core's. What the agents do with it stands in `naive_faust` and `faust_take`.
"""

import os
import tempfile
import time
from typing import Any

import faust

from bench.counters import digest
from bench.peers.client import Stopwatch, given, report
from models.calendar.civil_time import day_number, day_text
from models.dossiers.events import TOPICS, Event, stamp
from streams.files.decision_files import read_reading
from streams.settings import Settings

BOOTSTRAP, PREFIX, RECORDS = given()
RULES = read_reading(Settings()).fold
OWN_TIME = {"received": "received_at", "result-issued": "issued_at"}


class PortalEvent(faust.Record, serializer="json", validation=True):
    """The contract's event, as the guide models one."""

    id: str
    type: str
    dossier: str
    at: str
    version: int | None = None
    unit: str | None = None
    procedure: str | None = None
    channel: str | None = None
    transaction: str | None = None
    amount: int | None = None
    method: str | None = None
    gateway: str | None = None
    electronic: bool | None = None
    digitised: bool | None = None


app = faust.App(
    f"{PREFIX}faust-{time.time_ns()}", broker=f"kafka://{BOOTSTRAP}", store="memory://", topic_partitions=4,
    web_enabled=False, broker_session_timeout=10.0, broker_heartbeat_interval=3.0, stream_wait_empty=False,
    table_standby_replicas=0, topic_disable_leader=True, datadir=tempfile.mkdtemp(),
)  # fmt: skip
inbound = app.topic(*(f"{PREFIX}{t}" for t in TOPICS), value_type=PortalEvent)
dossiers = app.Table("dossiers", default=list)
counting_day = [0.0]
days = app.Table("unit-days", default=lambda: [0, 0]).tumbling(86_400).relative_to(lambda _event: counting_day[0])
state = {"seen": 0}
watch = Stopwatch()


def event_of(record: PortalEvent) -> Event:
    """What the record says, as facts of its dossier."""
    facts: dict[str, Any] = {}
    for field in ("unit", "procedure", "channel", "electronic", "digitised"):
        if getattr(record, field) is not None:
            facts[field] = getattr(record, field)
    if record.type in OWN_TIME:
        facts[OWN_TIME[record.type]] = record.at
    if record.type == "paid":
        facts[f"paid_at@{record.transaction}"] = record.at
        for field in ("amount", "method", "gateway"):
            facts[f"{field}@{record.transaction}"] = getattr(record, field)
    return Event(record.type, record.dossier, stamp(record.version, record.at, record.id, ""), facts)


def add(unit: str, day: str, cell: str, numerator: int, denominator: int) -> None:
    """Increment a window."""
    key = f"{unit}/{cell}"
    counting_day[0] = day_number(day) * 86_400.0
    now = days[key].value()
    days[key] = [now[0] + numerator, now[1] + denominator]


def seen(records: int) -> None:
    """Note what has been counted; report and end after the last record."""
    state["seen"] += records
    if state["seen"] == RECORDS:
        rows = days.table.data.data.items()
        report(
            watch.end(),
            digest(
                (key.split("/")[0], day_text(int(start) // 86_400), key.split("/")[1], *n)
                for (key, (start, _)), n in rows
            ),
        )
        os._exit(0)


def run() -> None:
    """Be a worker."""
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True, debug=False).execute_from_commandline()
