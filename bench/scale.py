"""A nation on paper and in simulation: what 34 provinces would need, from measured unit costs.

usage: python -m bench.scale [--dossiers 400000000] [--provinces 34] [--write docs/scale.md]

Reads bench/results/unit-costs.json and recovery-100000.json. Arrivals follow the simulated calendar (seasons, weekdays, Tết,
office hours) minute by minute; outages at the busiest minute are played second by second as a queue. Prints tables, or
puts them into a document between their marks. The same results give the same tables.
"""

import argparse
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from streams.feeds.simulation.days import AFTERNOON, MORNING, MORNING_SHARE, ONLINE_HOURS, WARM_UP_DAYS, Days

RESULTS: Final = Path("bench/results")
NATION_DOSSIERS, PROVINCES = 400_000_000, 34
SKEW: Final = 0.8
"""assumed: the province of rank r has a share proportional to r^-0.8; the largest then has some 15 % of all dossiers"""
ONLINE_SHARE: Final = 0.6
"""assumed: of arrivals by the portal's hours, the rest by those of the counters"""
KEPT_DAYS, COPIES = 400, 3
"""retention of inbound topics; replication in production"""
SESSION_S, START_S = 45, 5
"""session time-out in production; from a process's start to its join, seconds"""
BUSY_MAX: Final = 0.5
"""of a core at the busiest minute: a worker is not loaded beyond this, so that it can work off a backlog"""
ROWS_MAX: Final = 8_000_000
"""dossiers a worker may hold: bounds its memory and its takeover"""
MINUTE_S: Final = 60


@dataclass(frozen=True)
class Cost:
    """Processor time of one component: seconds per event and per transaction."""

    event_s: float
    transaction_s: float

    @classmethod
    def solve(cls, backlog: tuple[float, float], steady: tuple[float, float]) -> "Cost":
        """Solve from two measured (CPU µs per event, transactions per event): a backlog and a steady rate."""
        (cheap, few), (dear, many) = backlog, steady
        transaction = max(0.0, (dear - cheap) / (many - few))
        return cls(max(0.0, cheap - transaction * few) / 1e6, transaction / 1e6)

    def cores(self, events_per_s: float, transactions_per_s: float) -> float:
        """Return the cores kept busy."""
        return events_per_s * self.event_s + transactions_per_s * self.transaction_s


@dataclass(frozen=True)
class Units:
    """What was measured."""

    broker: Cost
    tally: Cost
    watch: Cost
    commit_s: float
    events_per_dossier: float
    inbound_bytes: float
    """on disk, per event"""
    changelog_bytes: float
    """of tally, compacted, per dossier"""
    resident_bytes: float
    """of tally, per dossier"""
    empty_bytes: float
    restored_per_s: float
    """dossiers of tally in a takeover, all partitions of a worker"""

    @classmethod
    def read(cls, costs: Mapping[str, Any], recovery: Mapping[str, Any]) -> "Units":
        """Take the figures out of two results."""
        backlog, steady = costs["backlog"], costs["steady"]

        def solved(name: str, transactions: tuple[str, ...]) -> Cost:
            def of(stage: Mapping[str, Any]) -> tuple[float, float]:
                return stage["cpu_us_per_event"][name], sum(stage["transactions_per_event"][t] for t in transactions)

            return Cost.solve(of(backlog), of(steady))

        rows = costs["rows"]["tally"]
        inbound = sum(size for topic, size in backlog["bytes_per_event"].items() if topic.startswith("dossier."))
        return cls(
            broker=solved("broker", ("tally", "watch")), tally=solved("tally", ("tally",)),
            watch=solved("watch", ("watch",)), commit_s=steady["commit_s"]["tally"],
            events_per_dossier=(backlog["events"] + steady["events"]) / rows, inbound_bytes=inbound,
            changelog_bytes=costs["live_bytes"]["tally-dossiers-changelog"] / rows,
            resident_bytes=(costs["resident_bytes"]["tally"] - costs["resident_bytes_empty"]["tally"]) / rows,
            empty_bytes=costs["resident_bytes_empty"]["tally"],
            restored_per_s=recovery["dossiers"] / recovery["apps"]["tally"]["median_after_stop_s"],
        )  # fmt: skip


def intensity() -> list[float]:
    """Return which share of a day arrives in each of its 1 440 minutes; sums to 1."""
    minutes = [0.0] * 1440

    def spread(quantiles: tuple[float, ...], share: float) -> None:
        each = share / (len(quantiles) - 1)
        for since, until in itertools.pairwise(quantiles):
            first, last = since / MINUTE_S, until / MINUTE_S
            for minute in range(int(first), math.ceil(last)):
                minutes[minute] += each * (min(minute + 1, last) - max(minute, first)) / (last - first)

    spread(ONLINE_HOURS, ONLINE_SHARE)
    spread(MORNING, (1 - ONLINE_SHARE) * MORNING_SHARE)
    spread(AFTERNOON, (1 - ONLINE_SHARE) * (1 - MORNING_SHARE))
    return minutes


def peaks(events: float) -> dict[str, float]:
    """Return events a second of a year (2026) with so many: mean, busiest day, busiest minute; and that day's events."""
    weights = Days(date(2026, 1, 1), date(2026, 12, 31)).weights[WARM_UP_DAYS:]
    day = events * max(weights) / sum(weights)
    return {
        "mean": events / (len(weights) * 86_400),
        "day": day / 86_400,
        "minute": day * max(intensity()) / MINUTE_S,
        "day_events": day,
    }


def transactions(rate: float, partitions: int, commit_s: float) -> float:
    """Return transactions a second: each partition waits for an event, then commits what has come meanwhile."""
    return partitions / (partitions / rate + commit_s) if rate else 0.0


def outage(rate: float, away_s: float, capacity: float) -> tuple[float, float]:
    """Play an outage at a steady rate second by second: (greatest delay of an event, until all is made up), seconds."""
    queue, second, greatest = 0.0, 0, 0.0
    while second < away_s or queue >= rate:
        queue += rate
        if second >= away_s:
            queue = max(0.0, queue - capacity)
        greatest = max(greatest, queue / rate)
        second += 1
        if second > 7 * 86_400:
            return greatest, math.inf
    return greatest, float(second)


def deployment(dossiers: float, units: Units) -> dict[str, float]:
    """Return what one province needs: rates, cores, workers, memory, disks, times."""
    events = dossiers * units.events_per_dossier
    peak = peaks(events)
    capacity = 1 / units.tally.event_s

    def workers_for(partitions: int) -> int:
        tx = transactions(peak["minute"], partitions, units.commit_s)
        busy = units.tally.cores(peak["minute"], tx)
        return max(1, math.ceil(busy / BUSY_MAX), math.ceil(dossiers / ROWS_MAX))

    partitions = 4
    while partitions < 2 * workers_for(partitions):
        partitions *= 2
    workers = workers_for(partitions)
    tx = transactions(peak["minute"], partitions, units.commit_s)
    restore = dossiers / workers / units.restored_per_s
    away = SESSION_S + START_S + restore
    delay, made_up = outage(peak["minute"] / workers, away, capacity)
    return {
        "dossiers": dossiers, "events": events, **peak, "partitions": partitions, "workers": workers,
        "transactions": tx, "cores_tally": units.tally.cores(peak["minute"], tx),
        "cores_watch": units.watch.cores(peak["minute"], tx), "cores_broker": units.broker.cores(peak["minute"], 2 * tx),
        "memory": workers * units.empty_bytes + dossiers * units.resident_bytes,
        "disk_inbound": events * KEPT_DAYS / 365 * units.inbound_bytes * COPIES,
        "disk_state": dossiers * units.changelog_bytes * COPIES,
        "restore_s": restore, "kill_delay_s": delay, "kill_made_up_s": made_up,
        "day_at_once_s": peak["day_events"] / (capacity * workers),
    }  # fmt: skip


def provinces(total: float, count: int) -> list[float]:
    """Return dossiers a year of each province, the largest first."""
    weights = [rank**-SKEW for rank in range(1, count + 1)]
    return [total * w / sum(weights) for w in weights]


ROWS: Final = (
    ("dossiers a year", "dossiers", "{:,.1f} M", 1e-6),
    ("events a second: mean of the year", "mean", "{:,.1f}", 1),
    ("… busiest minute", "minute", "{:,.0f}", 1),
    ("partitions", "partitions", "{:,.0f}", 1),
    ("tally workers", "workers", "{:,.0f}", 1),
    ("transactions a second of tally, busiest minute", "transactions", "{:,.0f}", 1),
    ("cores busy then: tally", "cores_tally", "{:.2f}", 1),
    ("… watch", "cores_watch", "{:.2f}", 1),
    ("… broker, one copy", "cores_broker", "{:.2f}", 1),
    ("memory of tally at the year's end, GB", "memory", "{:,.1f}", 1e-9),
    (f"disk: inbound, {KEPT_DAYS} days, {COPIES} copies, GB", "disk_inbound", "{:,.0f}", 1e-9),
    (f"disk: state compacted, {COPIES} copies, GB", "disk_state", "{:,.0f}", 1e-9),
    ("takeover of one worker's partitions, s", "restore_s", "{:,.0f}", 1),
    ("worker killed at the busiest minute: greatest delay, s", "kill_delay_s", "{:,.0f}", 1),
    ("… until all is made up, s", "kill_made_up_s", "{:,.0f}", 1),
    ("the busiest day arriving all at once, s", "day_at_once_s", "{:,.0f}", 1),
)


def tables(units: Units, total: float, count: int) -> dict[str, str]:
    """Return the document's tables by their marks."""
    shares = provinces(total, count)
    needs = [deployment(dossiers, units) for dossiers in shares]
    columns = {"smallest": needs[-1], "median": needs[count // 2], "largest": needs[0]}
    added = {key: sum(need[key] for need in needs) for key in needs[0]}
    worst = ("restore_s", "kill_delay_s", "kill_made_up_s", "day_at_once_s")
    nation = {**added, **{key: max(need[key] for need in needs) for key in worst}}
    lines = [f"| | {' | '.join(columns)} | nation |", "|--|" + "--|" * (len(columns) + 1)]
    for title, key, form, factor in ROWS:
        cells = [form.format(need[key] * factor) for need in (*columns.values(), nation)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return {"units": _unit_table(units), "nation": "\n".join(lines), "grows": "\n".join(_grown(units, shares[0]))}


def _unit_table(units: Units) -> str:
    rows = [
        ("processor time per event / per transaction: tally", *_micro(units.tally)),
        ("… watch", *_micro(units.watch)),
        ("… broker (of both applications)", *_micro(units.broker)),
        ("a transaction takes", f"{1000 * units.commit_s:.1f} ms", ""),
        ("events per dossier", f"{units.events_per_dossier:.2f}", ""),
        ("inbound log, on disk", f"{units.inbound_bytes:.0f} bytes an event", ""),
        ("state of tally: changelog compacted / resident", f"{units.changelog_bytes:.0f} bytes a dossier",
         f"{units.resident_bytes:.0f} bytes a dossier"),
        ("takeover", f"{units.restored_per_s:,.0f} dossiers a second", ""),
    ]  # fmt: skip
    return "\n".join(["| | | |", "|--|--|--|", *(f"| {' | '.join(row)} |" for row in rows)])


def _micro(cost: Cost) -> tuple[str, str]:
    return f"{1e6 * cost.event_s:.1f} µs", f"{1e6 * cost.transaction_s:.0f} µs"


def _grown(units: Units, largest: float) -> Iterator[str]:
    """The largest province at 1, 3 and 10 times its dossiers: what breaks first."""
    needs = [deployment(largest * times, units) for times in (1, 3, 10)]
    yield "| the largest province | × 1 | × 3 | × 10 |"
    yield "|--|--|--|--|"
    for title, key, form, factor in ROWS:
        yield f"| {title} | {' | '.join(form.format(need[key] * factor) for need in needs)} |"


def put(document: str, made: Mapping[str, str]) -> str:
    """Return a document with each table between its marks. Raises ValueError where a mark is missing."""
    for name, table in made.items():
        found = re.search(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", document, re.DOTALL)
        if found is None:
            raise ValueError(f"no marks for the table {name!r}")
        document = document[: found.end(1)] + table + document[found.start(2) :]
    return document


def measured() -> Units:
    """Return the unit costs that stand in the results."""
    costs = json.loads((RESULTS / "unit-costs.json").read_text())
    recovery = json.loads((RESULTS / "recovery-100000.json").read_text())
    return Units.read(costs, recovery)


def main() -> None:
    """Print the tables, or put them into a document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dossiers", type=float, default=NATION_DOSSIERS)
    parser.add_argument("--provinces", type=int, default=PROVINCES)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    made = tables(measured(), given.dossiers, given.provinces)
    if given.write:
        given.write.write_text(put(given.write.read_text(), made))
    for name, table in made.items():
        print(f"{name}\n{table}\n")


if __name__ == "__main__":
    main()
