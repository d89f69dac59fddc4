"""How long from the portal's record to the standing that shows it, at a steady rate; beside a bare two-hop relay.

usage: python -m bench.latency [--rate 200] [--seconds 20] [--rounds 5] [--out bench/results/latency.json]

Both in the same run on the same broker: produce → visible to a read-committed reader, two transactions on the way.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import NewTopic

from bench.run import broker, env_of, idle
from streams.broker import topics
from streams.engine.log import partition_of
from streams.files.decision_files import read_reading
from streams.local.children import end_with_parent
from streams.settings import Settings


@contextmanager
def processes(commands: list[list[str]], env: dict[str, str]) -> Iterator[list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for n, command in enumerate(commands):
            with (Path(folder) / f"{n}.log").open("wb") as out:
                running.append(
                    subprocess.Popen(command, env=env, stdout=out, stderr=out, preexec_fn=end_with_parent(os.getpid()))
                )
        try:
            yield [process.pid for process in running]
        finally:
            for process in running:
                process.kill()
                process.wait()


async def measured(  # noqa: PLR0913, PLR0917 - what a run consists of
    address: str, source: str, destination: str, units: list[str], rate: float, seconds: float
) -> list[float]:
    """Publish `received` events at a rate and return the milliseconds until each shows at the destination."""
    producer = AIOKafkaProducer(bootstrap_servers=address, linger_ms=0, acks="all")
    reader = AIOKafkaConsumer(bootstrap_servers=address, isolation_level="read_committed", fetch_max_wait_ms=20)
    await producer.start()
    await reader.start()
    reader.assign([TopicPartition(destination, p) for p in range(4)])
    await reader.seek_to_end()
    sent_at: dict[str, list[float]] = defaultdict(list)
    shown: dict[str, int] = defaultdict(int)
    took: list[float] = []
    running = uuid.uuid4().hex[:6]
    total = int(rate * seconds)
    all_shown = asyncio.Event()

    async def read() -> None:
        while True:
            for records in (await reader.getmany(timeout_ms=100)).values():
                now = time.perf_counter()
                for record in records:
                    unit, count = visible(record)
                    if unit is None:
                        continue
                    while shown[unit] < min(count if count is not None else shown[unit] + 1, len(sent_at[unit])):
                        took.append((now - sent_at[unit][shown[unit]]) * 1000)
                        shown[unit] += 1
                if len(took) == total:
                    all_shown.set()

    reading = asyncio.create_task(read())
    began = time.perf_counter()
    for n in range(total):
        await asyncio.sleep(max(0.0, began + n / rate - time.perf_counter()))
        unit, code = units[n % len(units)], f"L{running}-{n}"
        event = {"id": code, "type": "received", "dossier": code, "version": 1, "at": "2024-06-03T08:00:00+07:00",
                 "unit": unit, "channel": "online"}  # fmt: skip
        sent_at[unit].append(time.perf_counter())
        await producer.send(source, orjson.dumps(event), key=code.encode(), partition=partition_of(code.encode(), 4))
    with suppress(TimeoutError):
        await asyncio.wait_for(all_shown.wait(), 30)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await producer.stop()
    await reader.stop()
    if len(took) != total:
        raise SystemExit(f"{total - len(took)} of {total} events never showed")
    return took[int(rate * 3) :]  # less three seconds to warm up


def visible(record: Any) -> tuple[str | None, int | None]:
    """(unit, how many of its events show): a standing says a count, a relayed event is one."""
    value = orjson.loads(record.value)
    if "indicator" in value:
        return (value["unit"], value["denominator"]) if value["indicator"] == "online-dossiers" else (None, None)
    return value["unit"], None


def lotrinh(address: str, units: list[str], rate: float, seconds: float) -> list[float]:
    settings = Settings(kafka=address, prefix=f"l{uuid.uuid4().hex[:6]}.")
    client = topics.admin(address, {})
    topics.apply(client, settings)
    client.close()
    names = [[sys.executable, "-m", "streams.cli", "worker", name] for name in ("tally", "watch")]
    with processes(names, env_of(settings)):
        from streams.monitoring.waiting import wait_until_counted

        wait_until_counted(settings, 60)
        time.sleep(1)
        source, destination = settings.topic("dossier.submitted"), settings.topic("standings")
        return asyncio.run(measured(address, source, destination, units, rate, seconds))


def relay(address: str, units: list[str], rate: float, seconds: float, *how: str) -> list[float]:
    names = [f"r{uuid.uuid4().hex[:6]}-{n}" for n in range(3)]
    client = topics.admin(address, {})
    client.create_topics([NewTopic(name, 4, 1) for name in names], wait_for_metadata=True)
    client.close()
    hops = [[sys.executable, "-m", "bench.relay", address, names[n], names[n + 1], *how] for n in range(2)]
    with processes(hops, dict(os.environ)):
        time.sleep(4)
        return asyncio.run(measured(address, names[0], names[2], units, rate, seconds))


def fenced_relay(address: str, units: list[str], rate: float, seconds: float) -> list[float]:
    return relay(address, units, rate, seconds, "fenced")


PEERS = {"relay": relay, "relay, fenced per partition": fenced_relay, "lotrinh": lotrinh}
QUANTILES = ("p50", "p90", "p99")


def ratios(rounds: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return lotrinh ÷ relay of each round, the median of these and their range; neighbours in time are compared."""
    of = {(r["round"], r["peer"]): r for r in rounds}
    found: dict[str, dict[str, Any]] = {}
    for q in ("p50", "p99"):
        each = [round(of[number, "lotrinh"][q] / of[number, "relay"][q], 2) for number in sorted({n for n, _ in of})]
        found[q] = {"median": statistics.median(each), "range": [min(each), max(each)], "rounds": each}
    return found


def quantiles(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {f"p{q}": round(ordered[min(len(ordered) - 1, len(ordered) * q // 100)], 1) for q in (50, 90, 99)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=float, default=200)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--out", type=Path, default=Path("bench/results/latency.json"))
    given = options.parse_args()
    reading = read_reading(Settings())
    units = sorted(reading.targets(reading.nearest(reading.decision.period.last)).rows)  # type: ignore[arg-type]
    rounds: list[dict[str, Any]] = []
    with broker() as address:
        for number in range(given.rounds + 1):
            # The first round warms the broker up and does not count; the order turns, so that no peer is always first.
            turn = number % len(PEERS)
            for name, peer in [*PEERS.items()][turn:] + [*PEERS.items()][:turn]:
                before = idle()
                took = quantiles(peer(address, units, given.rate, given.seconds))
                found = {"round": number, "peer": name, "idle_before": before} | took
                if number:
                    rounds.append(found)
                print(f"round {number}{'' if number else ' (does not count)'}: {found}", flush=True)
    medians = {
        name: {q: statistics.median(r[q] for r in rounds if r["peer"] == name) for q in QUANTILES} for name in PEERS
    }
    found_ratios = ratios(rounds)
    report = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "rate": given.rate, "seconds": given.seconds, "rounds": rounds, "medians_ms": medians, "lotrinh_to_relay": found_ratios,
        "command": " ".join(["python -m bench.latency", *sys.argv[1:]]),
    }  # fmt: skip
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"ms at {given.rate:.0f} events/s: {medians}; lotrinh ÷ relay: {found_ratios}; {given.out}")


if __name__ == "__main__":
    main()
