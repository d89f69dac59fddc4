"""The ceiling: a plain confluent-kafka loop that decodes, merges and counts with the same core, and keeps nothing.

usage: plain_loop.py BOOTSTRAP PREFIX RECORDS  → one JSON line with seconds, CPU seconds and a digest of the counters.
"""

import json
import resource
import sys
import time
import uuid
from collections import defaultdict

from confluent_kafka import Consumer, TopicPartition

from bench.counters import digest
from models.contributions import contributions
from models.dossier import NOTHING, Dossier
from models.events import TOPICS, Refused, decode
from models.fold import NONE, Held, learn, moved
from streams.library import read_reading
from streams.settings import Settings
from streams.worker import tune_collector


def main() -> None:
    bootstrap, prefix, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tune_collector()
    rules = read_reading(Settings()).fold
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False,
         "auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    )  # fmt: skip
    consumer.assign([TopicPartition(f"{prefix}{t}", p, 0) for t in TOPICS for p in range(4)])
    dossiers: dict[bytes, tuple[Dossier, Held]] = {}
    cells: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(dict)
    seen, began = 0, 0.0
    while seen < records:
        messages = consumer.consume(1000, timeout=1.0)
        if messages and not began:
            began = time.perf_counter()
        for message in messages:
            event = decode(message.value(), message.headers() or ())
            key = message.key()
            if isinstance(event, Refused) or key != event.dossier.encode():
                raise SystemExit("the workload holds no bad events")
            dossier, held = dossiers.get(key, (NOTHING, NONE))
            after, _ = learn(dossier, event)
            now = contributions(after[0], rules)
            dossiers[key] = (after, now)
            taken, put = moved(held, now)
            for unit, day, cell, numerator in taken:
                counted = cells[unit, day][cell]
                counted[0] -= numerator
                counted[1] -= 1
            for unit, day, cell, numerator in put:
                counted = cells[unit, day].setdefault(cell, [0, 0])
                counted[0] += numerator
                counted[1] += 1
        seen += len(messages)
    seconds = time.perf_counter() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "rss_mb": usage.ru_maxrss // 1024,
        "digest": digest((u, d, c, n[0], n[1]) for (u, d), of in cells.items() for c, n in of.items()),
    }))  # fmt: skip


main()
