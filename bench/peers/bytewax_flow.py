"""Bytewax: its Kafka input, a stateful step by dossier, a stateful step by unit; one worker.

Ends by itself at the end of the topics. State is in memory; a recovery store (SQLite) is off, as by default.
"""

from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main

from bench.counters import digest
from bench.peers.client import Delta, Learning, Stopwatch, event_of, given, report
from models.dossiers.dossier import Dossier
from models.dossiers.events import TOPICS, Event
from streams.workers.worker import tune_collector

Days = dict[tuple[str, str], list[int]]


def add(days: Days | None, delta: Delta) -> tuple[Days, tuple[str, str, int, int]]:
    """Move a unit's counters; what goes on is the counter as it is now."""
    day, cell, numerator, denominator = delta
    days = {} if days is None else days
    counter = days.setdefault((day, cell), [0, 0])
    counter[0] += numerator
    counter[1] += denominator
    return days, (day, cell, *counter)


def main() -> None:
    bootstrap, prefix, records = given()
    tune_collector()
    learning, watch, seen = Learning(), Stopwatch(), 0

    def learn(before: Dossier | None, event: Event) -> tuple[Dossier, list[tuple[str, Delta]]]:
        nonlocal seen
        watch.begin()
        seen += 1
        return learning.learn(before, event)

    flow = Dataflow("counters")
    portal = kop.input(
        "portal", flow, brokers=[bootstrap], topics=[f"{prefix}{t}" for t in TOPICS], tail=False, batch_size=1000
    )
    events = op.map("decode", portal.oks, lambda message: event_of(message.value))
    by_dossier = op.key_on("by-dossier", events, lambda event: event.dossier)
    deltas = op.map("deltas", op.stateful_flat_map("learn", by_dossier, learn), lambda pair: pair[1])
    counters = op.stateful_map("count", deltas, add)
    out: list[Any] = []
    op.output("out", counters, TestingSink(out))
    run_main(flow)
    found = watch.end()
    if seen != records:
        raise SystemExit(f"{seen} of {records} records")
    newest = {(unit, day, cell): (n, m) for unit, (day, cell, n, m) in out}
    report(found, digest((*key, *n) for key, n in newest.items()))


if __name__ == "__main__":
    main()
