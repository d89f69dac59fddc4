"""Faust as its guide shows it: a `faust.Record` per event, a table of dossiers, a windowed table incremented per event.

usage: naive_faust.py BOOTSTRAP PREFIX RECORDS  → one JSON line. The merge and the rules of counting are our core's.
"""

import json
import os
import resource
import sys
import tempfile
import time
from typing import Any

import faust

from bench.counters import digest
from models.calendar import day_number, day_text
from models.contributions import contributions
from models.dossier import NOTHING
from models.events import TOPICS, Event, stamp
from models.fold import learn, moved
from streams.library import read_reading
from streams.settings import Settings

BOOTSTRAP, PREFIX, RECORDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
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
    f"{PREFIX}naive-{time.time_ns()}", broker=f"kafka://{BOOTSTRAP}", store="memory://", topic_partitions=4,
    web_enabled=False, broker_session_timeout=10.0, broker_heartbeat_interval=3.0, stream_wait_empty=False,
    table_standby_replicas=0, topic_disable_leader=True, datadir=tempfile.mkdtemp(),
)  # fmt: skip
inbound = app.topic(*(f"{PREFIX}{t}" for t in TOPICS), value_type=PortalEvent)
dossiers = app.Table("dossiers", default=list)
counting_day = [0.0]
days = app.Table("unit-days", default=lambda: [0, 0]).tumbling(86_400).relative_to(lambda _event: counting_day[0])
state = {"seen": 0, "began": 0.0}


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


def counted() -> str:
    """A digest of what the windows hold."""
    rows = days.table.data.data.items()
    return digest(
        (*key.split("/")[:1], day_text(int(start) // 86_400), key.split("/")[1], *n) for (key, (start, _)), n in rows
    )


@app.agent(inbound)
async def count(stream: Any) -> None:
    async for record in stream:
        if not state["seen"]:
            state["began"] = time.perf_counter()
        event = event_of(record)
        before = dossiers[event.dossier] or NOTHING
        after, _ = learn(before, event)
        dossiers[event.dossier] = after
        taken, put = moved(contributions(before[0], RULES), contributions(after[0], RULES))
        for sign, some in ((-1, taken), (1, put)):
            for unit, day, cell, numerator in some:
                key = f"{unit}/{cell}"
                counting_day[0] = day_number(day) * 86_400.0
                now = days[key].value()
                days[key] = [now[0] + sign * numerator, now[1] + sign]
        state["seen"] += 1
        if state["seen"] == RECORDS:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            found = {"seconds": time.perf_counter() - state["began"], "cpu": usage.ru_utime + usage.ru_stime}
            print(json.dumps({**found, "rss_mb": usage.ru_maxrss // 1024, "digest": counted()}), flush=True)
            os._exit(0)


faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True, debug=False).execute_from_commandline()
