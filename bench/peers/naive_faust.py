"""Faust as its guide shows it: per event the dossier's row and each counter's window are read and written."""

from typing import Any

from bench.peers.faust_app import RULES, add, app, dossiers, event_of, inbound, run, seen, watch
from models.counting.contributions import contributions
from models.counting.learning import learn, moved
from models.dossiers.dossier import NOTHING


@app.agent(inbound)
async def count(stream: Any) -> None:
    async for record in stream:
        watch.begin()
        event = event_of(record)
        before = dossiers[event.dossier] or NOTHING
        after, _ = learn(before, event)
        dossiers[event.dossier] = after
        taken, put = moved(contributions(before[0], RULES), contributions(after[0], RULES))
        for sign, some in ((-1, taken), (1, put)):
            for unit, day, cell, numerator in some:
                add(unit, day, cell, sign * numerator, sign)
        seen(1)


if __name__ == "__main__":
    run()
