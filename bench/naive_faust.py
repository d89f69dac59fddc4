"""Faust as its guide shows it: a Record per event, a dossiers table, a windowed table incremented per event.

usage: naive_faust.py BOOTSTRAP PREFIX RECORDS  → one JSON line. Same decode by model, same merge by our core.
"""

import json
import resource
import sys
import time
from typing import Any

import faust

from models.dossier import EMPTY
from models.events import TOPICS, Event, decode
from models.fold import fold
from streams.library import read_reading
from streams.settings import Settings

BOOTSTRAP, PREFIX, RECORDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
RULES = read_reading(Settings()).fold

app = faust.App(
    f"{PREFIX}naive-{time.time_ns()}", broker=f"kafka://{BOOTSTRAP}", store="memory://", topic_partitions=4,
    web_enabled=False, broker_session_timeout=10.0, broker_heartbeat_interval=3.0, stream_wait_empty=False,
    table_standby_replicas=0, topic_disable_leader=True,
)  # fmt: skip
inbound = app.topic(*(f"{PREFIX}{t}" for t in TOPICS), value_type=bytes, value_serializer="raw")
dossiers = app.Table("dossiers", default=list)
days = app.Table("unit-days", default=lambda: [0, 0]).tumbling(86_400)
state = {"seen": 0, "began": 0.0}


@app.agent(inbound)
async def count(stream: Any) -> None:
    async for value in stream:
        if not state["seen"]:
            state["began"] = time.perf_counter()
        event = decode(value)
        if isinstance(event, Event):
            folded = fold(dossiers[event.dossier] or EMPTY, event, RULES)
            dossiers[event.dossier] = folded.layers
            for sign, moved in ((-1, folded.taken), (1, folded.put)):
                for unit, _, cell, numerator in moved:
                    key = f"{unit}/{cell}"
                    now = days[key].value()
                    days[key] = [now[0] + sign * numerator, now[1] + sign]
        state["seen"] += 1
        if state["seen"] == RECORDS:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            print(json.dumps({
                "seconds": time.perf_counter() - state["began"], "cpu": usage.ru_utime + usage.ru_stime,
                "rss_mb": usage.ru_maxrss // 1024, "digest": None,
            }), file=sys.__stdout__, flush=True)  # fmt: skip
            import os

            os._exit(0)


faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True, debug=False).execute_from_commandline()
