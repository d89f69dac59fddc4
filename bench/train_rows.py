"""Train a dictionary for squeezed rows on simulated dossiers, and say what it is worth.

usage: python -m bench.train_rows [--size 2048] [--write streams/data/rows-2.zdict]

Half of the rows train, the other half is measured: bytes before and after, µs of processor time to pack and to unpack,
and to tell where a dossier counts: from its facts, and from the shorthand in its row (`models/counting/shorthand.py`).
A dictionary in use is never replaced (streams/records/dossier_rows.py): rows are written with it.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import zstandard

from bench import workload
from models.counting.contributions import contributions
from models.counting.learning import learn
from models.counting.shorthand import Shorthand
from models.dossiers.dossier import NOTHING, Dossier
from models.dossiers.events import Event, decode
from streams.feeds.simulate import Simulation, simulate
from streams.files.decision_files import read_reading
from streams.records import dossier_rows as rows
from streams.settings import Settings


def dossiers(values: Iterable[bytes]) -> list[Dossier]:
    """Return what is known of every dossier of a stream."""
    known: dict[str, Dossier] = {}
    for value in values:
        event = decode(value)
        if isinstance(event, Event):
            known[event.dossier] = learn(known.get(event.dossier, NOTHING), event)[0]
    return list(known.values())


def cpu_us(work: Callable[[Any], object], over: list[Any]) -> float:
    """Return microseconds of processor time per item, best of five."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for item in over:
            work(item)
        best = min(best, time.process_time() - began)
    return 1e6 * best / len(over)


def main() -> None:
    """Train, or measure the dictionary in use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dossiers", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=2048, help="bytes of the dictionary")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    reading = read_reading(Settings())
    shorthand = Shorthand(reading.fold, reading.fold_fingerprint())
    named = list(reading.targets(reading.decision.period.last).rows)
    streams = {
        "simulated year": dossiers(simulate(reading, Simulation(given.dossiers, 1))),
        "workload of bench": dossiers(workload.events(named, given.dossiers)),
    }
    if given.write:
        samples = [orjson.dumps(d) for found in streams.values() for d in found[1::2] if rows.rests(d[0])]
        given.write.write_bytes(zstandard.train_dictionary(given.size, samples).as_bytes())
        print(f"{len(samples)} rows → {given.write}, {given.write.stat().st_size} bytes")
        return
    for name, found in streams.items():
        resting = [d for d in found[::2] if rows.rests(d[0])]
        packed = [rows.pack(d) for d in resting]
        plain = [orjson.dumps(d) for d in resting]
        print(
            f"{name}: {len(resting)} of {len(found[::2])} rest; JSON {sum(map(len, plain)) / len(plain):.0f} bytes, "
            f"squeezed {sum(map(len, packed)) / len(packed):.0f}; pack {cpu_us(rows.pack, resting):.1f} µs "
            f"(JSON {cpu_us(orjson.dumps, resting):.1f}), unpack {cpu_us(rows.unpack, packed):.1f} µs "
            f"(JSON {cpu_us(orjson.loads, plain):.1f})"
        )
        held = [contributions(d[0], reading.fold) for d in resting]
        briefed = [rows.pack(d, h, shorthand.write) for d, h in zip(resting, held, strict=True)]
        short = sum(rows.shorthand_of(row) != b"" for row in briefed)
        print(
            f"  where they count: {short} in shorthand, {(sum(map(len, briefed)) - sum(map(len, packed))) / short:.0f} "
            f"bytes more; from facts {cpu_us(lambda row: contributions(rows.unpack(row)[0], reading.fold), packed):.1f} "
            f"µs, from shorthand {cpu_us(lambda row: shorthand.read(rows.shorthand_of(row)), briefed):.1f} µs, writing it "
            f"{cpu_us(shorthand.write, held):.1f} µs"
        )


if __name__ == "__main__":
    main()
