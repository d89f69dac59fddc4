"""Quix Streams: the topics concatenated, state by dossier, `group_by` unit, state by unit; changelogs in Kafka.

Its idiom for counters of another key is a repartition topic, as in Kafka Streams' DSL. At least once, as by default.
"""

import os
import tempfile
import time
from typing import Any

from quixstreams import Application, State

from bench.counters import digest
from bench.peers.client import Learning, Stopwatch, event_of, given, report
from models.dossiers.events import TOPICS


def main() -> None:
    bootstrap, prefix, records = given()
    learning, watch = Learning(), Stopwatch()
    seen = sent = counted = 0
    totals: dict[tuple[str, str, str], list[int]] = {}
    app = Application(
        broker_address=bootstrap, consumer_group=f"{prefix}quix-{time.time_ns()}", auto_offset_reset="earliest",
        state_dir=tempfile.mkdtemp(), loglevel="ERROR",
    )  # fmt: skip

    def learn(value: bytes, state: State) -> list[dict[str, Any]]:
        nonlocal seen, sent
        watch.begin()
        after, deltas = learning.learn(state.get("dossier"), event_of(value))
        state.set("dossier", after)
        seen, sent = seen + 1, sent + len(deltas)
        return [{"unit": unit, "delta": delta} for unit, delta in deltas]

    def count(value: dict[str, Any], state: State) -> None:
        nonlocal counted
        day, cell, numerator, denominator = value["delta"]
        counter = state.get(f"{day}/{cell}", [0, 0])
        now = [counter[0] + numerator, counter[1] + denominator]
        state.set(f"{day}/{cell}", now)
        totals[value["unit"], day, cell] = now
        counted += 1
        if seen == records and counted == sent:
            report(watch.end(), digest((*key, *n) for key, n in totals.items()))
            os._exit(0)

    frames = [
        app.dataframe(app.topic(f"{prefix}{t}", value_deserializer="bytes", key_deserializer="str")) for t in TOPICS
    ]
    joined = frames[0]
    for frame in frames[1:]:
        joined = joined.concat(frame)
    deltas = joined.apply(learn, stateful=True, expand=True)
    deltas.group_by("unit").update(count, stateful=True)
    app.run()


if __name__ == "__main__":
    main()
