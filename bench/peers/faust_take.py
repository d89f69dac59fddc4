"""Faust with `take(1000)`: per batch one write for each dossier and each counter that it touched.

A batch may come from any partition, so that Faust knows no event that a write belongs to: the tables' rows go to the
partition of their own keys.
"""

from collections import defaultdict
from typing import Any

from bench.peers.faust_app import RULES, add, app, days, dossiers, event_of, inbound, run, seen, watch
from models.counting.contributions import contributions
from models.counting.learning import learn, moved
from models.dossiers.dossier import NOTHING, Dossier

dossiers.use_partitioner = days.table.use_partitioner = True


@app.agent(inbound)
async def count(stream: Any) -> None:
    async for batch in stream.take(1000, within=1.0):
        watch.begin()
        known: dict[str, tuple[Dossier, Dossier]] = {}
        for record in batch:
            event = event_of(record)
            if event.dossier not in known:
                known[event.dossier] = (dossiers[event.dossier] or NOTHING,) * 2
            before, now = known[event.dossier]
            known[event.dossier] = before, learn(now, event)[0]
        deltas: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for code, (before, after) in known.items():
            dossiers[code] = after
            taken, put = moved(contributions(before[0], RULES), contributions(after[0], RULES))
            for sign, some in ((-1, taken), (1, put)):
                for unit, day, cell, numerator in some:
                    delta = deltas[unit, day, cell]
                    delta[0] += sign * numerator
                    delta[1] += sign
        for counter, (numerator, denominator) in deltas.items():
            add(*counter, numerator, denominator)
        seen(len(batch))


if __name__ == "__main__":
    run()
