"""Side by side in one run: a plain loop, lotrinh's tally, tally and watch together, naive Faust. Ratios, not digits.

usage: python -m bench.run [--rounds 5] [--dossiers 100000] [--naive 30000] [--out bench/results/…json]

Every peer reads the same topics of the same broker on the same cores; rounds are interleaved; every full run's counters
are compared key by key. Figures are medians with ranges.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench import workload
from bench.counters import digest
from models.contributions import contributions
from models.dossier import NOTHING
from models.events import decode
from models.fold import learn
from streams import topics
from streams.feeds.publisher import Publisher
from streams.library import read_reading
from streams.local import kafka
from streams.local.children import end_with_parent
from streams.local.state import free_port
from streams.reading_kafka import records_of
from streams.settings import Settings

CAUGHT_UP = re.compile(r"caught up: (\d+) records, (\d+) transactions, from ([\d.]+) to ([\d.]+)")


@contextmanager
def broker() -> Iterator[str]:
    """A Kafka of its own for the whole run, or that of LOTRINH_TEST_KAFKA."""
    if external := os.environ.get("LOTRINH_TEST_KAFKA"):
        yield external
        return
    with tempfile.TemporaryDirectory() as folder:
        port, controller = free_port(), free_port()
        command = kafka.prepare(Path(folder), port, controller, kafka.classpath(print))
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent(os.getpid())
        )
        client = None
        while client is None:
            try:
                client = topics.admin(f"127.0.0.1:{port}", {})
            except Exception:  # noqa: BLE001 - not up yet
                time.sleep(0.3)
        client.close()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


IDLE_WANTED, IDLE_WAIT_S = 75.0, 60.0
"""percent; a run waits so long for a machine that has nothing else to do, and says what it found"""


def idle() -> float:
    """Wait for a quiet machine and return how idle it was in the last second: percent."""
    deadline = time.monotonic() + IDLE_WAIT_S
    while (found := idle_now()) < IDLE_WANTED and time.monotonic() < deadline:
        pass
    return found


def idle_now() -> float:
    """Sample one second of the machine: percent idle."""

    def read() -> tuple[int, int]:
        fields = [int(x) for x in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return fields[3], sum(fields)

    before = read()
    time.sleep(1)
    after = read()
    return round(100 * (after[0] - before[0]) / (after[1] - before[1]), 1)


def env_of(settings: Settings) -> dict[str, str]:
    given = settings.model_dump(mode="json", exclude_unset=True)
    return os.environ | {f"LOTRINH_{k.upper()}": str(v) for k, v in given.items()}


async def publish(settings: Settings, values: list[bytes]) -> None:
    async with Publisher(settings) as publisher:
        for value in values:
            event = decode(value)
            await publisher.publish(event.type, event.dossier, value)
        await publisher.flush()


def prepared(address: str, values: list[bytes]) -> Settings:
    """Fresh topics with the workload in them."""
    settings = Settings(kafka=address, prefix=f"b{uuid.uuid4().hex[:6]}.", clock="records")
    client = topics.admin(address, {})
    topics.apply(client, settings)
    client.close()
    asyncio.run(publish(settings, values))
    return settings


def run_peer(module: str, settings: Settings, records: int) -> dict[str, Any]:
    command = [sys.executable, "-m", module, settings.kafka or "", settings.prefix, str(records)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    lines = [line[line.index("{") :] for line in done.stdout.splitlines() if "{" in line]
    if not lines:
        raise SystemExit(f"{module} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def run_lotrinh(settings: Settings, names: tuple[str, ...], records: int) -> dict[str, Any]:
    """Start workers on a full log and take the times from their own words; counters from what tally announced."""
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder) / f"{name}.log" for name in names}
        workers = {}
        for name in names:
            with logs[name].open("wb") as out:
                workers[name] = subprocess.Popen(
                    [sys.executable, "-m", "streams.cli", "worker", name],
                    env=env_of(settings), stdout=out, stderr=out, preexec_fn=end_with_parent(os.getpid()),
                )  # fmt: skip
        deadline = time.monotonic() + 600
        found: list[tuple[float, ...]] = []
        while sum(f[0] for f in found) < records:
            time.sleep(0.2)
            found = [tuple(map(float, m)) for m in CAUGHT_UP.findall(logs["tally"].read_text())]
            if time.monotonic() > deadline or workers["tally"].poll() is not None:
                raise SystemExit(logs["tally"].read_text()[-3000:])
        ended = max(f[3] for f in found)
        result: dict[str, Any] = {
            "seconds": ended - min(f[2] for f in found),
            "transactions": int(sum(f[1] for f in found)),
            "rss_mb": _rss(workers["tally"].pid),
            "cpu": _cpu(workers["tally"].pid),
        }
        if "watch" in workers:
            result |= _watch_end(settings, ended)
            result["watch_cpu"], result["watch_rss_mb"] = _cpu(workers["watch"].pid), _rss(workers["watch"].pid)
        for worker in workers.values():
            worker.send_signal(signal.SIGTERM)
        for worker in workers.values():
            worker.wait(60)
    result["digest"] = tallied(settings)
    return result


def _watch_end(settings: Settings, tally_end: float) -> dict[str, Any]:
    """Wait until watch has read all tallies, and return how long after tally that was."""
    from streams.reading_kafka import consumer
    from streams.waiting import _ends, _follow

    client, reader = topics.admin(settings.kafka or "", {}), consumer(settings)
    _follow(
        client, settings.topic(topics.WATCH), _ends(reader, settings, (topics.TALLIES,)), time.monotonic() + 600, None
    )
    reader.close()
    client.close()
    return {"watch_after_tally": time.time() - tally_end}


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def tallied(settings: Settings) -> str:
    """Return the digest of the newest counters of every slot, added up."""
    newest: dict[tuple[int, str, str], dict[str, list[int]]] = {}
    for record in records_of(settings, topics.TALLIES):
        message = orjson.loads(record.value)
        if message["kind"] == "tally":
            for day, cells in message["days"].items():
                newest[message["slot"], message["unit"], day] = cells
    total: dict[tuple[str, str, str], list[int]] = {}
    for (_, unit, day), cells in newest.items():
        for cell, (numerator, denominator) in cells.items():
            counted = total.setdefault((unit, day, cell), [0, 0])
            counted[0] += numerator
            counted[1] += denominator
    return digest((u, d, c, n, m) for (u, d, c), (n, m) in total.items())


def counted(values: list[bytes]) -> str:
    """Return the digest of the counters that events give, folded in memory."""
    rules = read_reading(Settings()).fold
    dossiers: dict[str, Any] = {}
    for value in values:
        event = decode(value)
        dossiers[event.dossier] = learn(dossiers.get(event.dossier, NOTHING), event)[0]
    total: dict[tuple[str, str, str], list[int]] = {}
    for dossier in dossiers.values():
        for unit, day, cell, numerator in contributions(dossier[0], rules):
            counter = total.setdefault((unit, day, cell), [0, 0])
            counter[0] += numerator
            counter[1] += 1
    return digest((u, d, c, n, m) for (u, d, c), (n, m) in total.items())


def summary(peers: dict[str, list[dict[str, Any]]], records: dict[str, int]) -> list[dict[str, Any]]:
    rates = {name: [records[name] / run["seconds"] for run in runs] for name, runs in peers.items()}
    base = statistics.median(rates["plain loop"])
    naive = statistics.median(rates["naive Faust"]) if rates.get("naive Faust") else None
    rows = []
    for name, runs in peers.items():
        median = statistics.median(rates[name])
        ratios = [r / b for r, b in zip(rates[name], rates["plain loop"], strict=False)]
        rows.append({
            "peer": name, "events_per_s": round(median), "range": [round(min(rates[name])), round(max(rates[name]))],
            "x_plain": round(statistics.median(ratios), 3), "x_plain_of_medians": round(median / base, 3),
            "x_naive": None if naive is None else round(median / naive, 1),
            "cpu_us_per_event": round(1e6 * statistics.median(r["cpu"] for r in runs) / records[name], 1),
            "rss_mb": max(r["rss_mb"] for r in runs), "rounds": len(runs),
        })  # fmt: skip
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| peer | events/s (median, range) | × plain loop | × naive Faust | CPU µs/event | RSS MB |",
        "|--|--|--|--|--|--|",
    ]
    lines += [
        f"| {r['peer']} | {r['events_per_s']:,} ({r['range'][0]:,}–{r['range'][1]:,}) | {r['x_plain']} | {r['x_naive'] or '–'} "
        f"| {r['cpu_us_per_event']} | {r['rss_mb']} |"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--dossiers", type=int, default=workload.DOSSIERS)
    options.add_argument("--naive", type=int, default=40_000, help="events given to naive Faust; 0 leaves it out")
    options.add_argument("--out", type=Path, default=Path("bench/results/throughput.json"))
    options.add_argument("--check", action="store_true", help="fail where a ratio is below its goal")
    given = options.parse_args()
    named = list(read_reading(Settings()).targets(read_reading(Settings()).decision.period.last).rows)
    values = workload.events(named, given.dossiers)
    peers: dict[str, list[dict[str, Any]]] = {"plain loop": [], "lotrinh tally": [], "lotrinh tally + watch": []}
    if given.naive:
        peers["naive Faust"] = []
    records = {name: len(values) for name in peers} | {"naive Faust": given.naive}
    idles = []
    with broker() as address:
        for number in range(given.rounds):
            settings = prepared(address, values)
            for name in peers:
                if name == "naive Faust" and number >= 2:
                    continue  # slow, and steady enough
                idles.append(idle())
                result = measure(name, settings, values, given.naive, address)
                peers[name].append(result)
                print(
                    f"round {number + 1}: {name}: {records[name] / result['seconds']:,.0f} events/s, idle before {idles[-1]} %",
                    flush=True,
                )
    digests = {run["digest"] for name, runs in peers.items() for run in runs if name != "naive Faust"}
    digests_of_part = {run["digest"] for run in peers.get("naive Faust", [])} | {counted(values[: given.naive])}
    rows = summary({n: r for n, r in peers.items() if r}, records)
    after = [r["watch_after_tally"] for r in peers["lotrinh tally + watch"]]
    report = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "events": len(values), "idle_before": idles, "totals_agree": len(digests) == 1 and len(digests_of_part) == 1, "rows": rows,
        "watch_after_tally_s": {"median": statistics.median(after), "max": max(after)}, "runs": peers,
        "command": " ".join(["python -m bench.run", *sys.argv[1:]]),
    }  # fmt: skip
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(table(rows))
    print(
        f"totals agree: {report['totals_agree']}; watch ends {report['watch_after_tally_s']['median']:.1f} s after tally; {given.out}"
    )
    ratios = {r["peer"]: r for r in rows}
    ours = ratios["lotrinh tally"]
    failed = (
        not report["totals_agree"] or ours["x_plain"] < 0.5 or (ours["x_naive"] is not None and ours["x_naive"] < 30)
    )
    if given.check and failed:
        raise SystemExit("a goal was missed: tally ≥ 0.5 × the plain loop and ≥ 30 × naive Faust, totals equal")


def measure(name: str, settings: Settings, values: list[bytes], naive: int, address: str) -> dict[str, Any]:
    if name == "plain loop":
        return run_peer("bench.plain_loop", settings, len(values))
    if name == "naive Faust":
        return run_peer("bench.naive_faust", prepared(address, values[:naive]), naive)
    fresh = settings if name == "lotrinh tally" else prepared(address, values)
    return run_lotrinh(fresh, ("tally",) if name == "lotrinh tally" else ("tally", "watch"), len(values))


if __name__ == "__main__":
    main()
