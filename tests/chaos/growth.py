"""Do changelogs stay bounded? The same dossiers change again and again: `python -m tests.chaos.growth --minutes 4`.

The broker compacts quickly, so that minutes show what months do. Prints a table; 1 where a changelog goes on growing.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from models.dossiers.events import TOPICS
from streams.broker import topics
from tests.chaos.rig import Broker
from tests.integration.system import System

DOSSIERS = 2_000
UNITS = ("12688", "12700", "12742")
KEPT_STATE_S = 10.0
QUICK = {
    "segment.ms": "2000",
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": "5000",
    "delete.retention.ms": "20000",  # of tombstones, and of the markers that every transaction leaves; a day in earnest
}
LEVELS_OFF = 1.25
"""the last third of the samples may exceed the second by so much"""


class Sample(NamedTuple):
    """What lies on disk at a moment, in MB."""

    seconds: float
    events: int
    source: float
    tally: float
    watch: float
    standings: float
    tallies: float


def megabytes(folder: Path, names: list[str]) -> float:
    """Size of the segments of topics; what is renamed and only waits to be deleted is not counted."""
    total = 0
    for name in names:
        for file in folder.glob(f"logs/{name}-*/*.log"):
            try:
                total += file.stat().st_size
            except FileNotFoundError:
                continue  # just compacted
    return total / 1e6


def event(dossier: int, version: int) -> bytes:
    """The same dossier received, at another unit each time."""
    unit = UNITS[(dossier + version) % len(UNITS)]
    return (
        b'{"id":"g:%d:%d","type":"received","dossier":"GROWTH-%d","version":%d,"at":"2024-06-03T08:00:00+07:00","unit":"%s"}'
        % (dossier, version, dossier, version, unit.encode())
    )


class Portal:
    """Publishes until it is told to stop."""

    def __init__(self, system: System, per_second: float) -> None:
        self._system, self._per_second = system, per_second
        self.published = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        version = 0
        while not self._closing.is_set():
            version += 1
            for dossier in range(DOSSIERS):
                self._system.send(event(dossier, version))
                self.published += 1
                if self.published % 100 == 0:
                    time.sleep(max(0.0, began + self.published / self._per_second - time.monotonic()))
        self._system.flush()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(60)


def alter(address: str, names: list[str]) -> None:
    client = KafkaAdminClient(bootstrap_servers=address)
    described = client.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, n) for n in names], config_filter="dynamic"
    )
    now = {name: {k: str(v["value"]) for k, v in found.items()} for name, found in described["topic"].items()}
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, n, configs={**now[n], **QUICK}) for n in names])
    client.close()


def measure(folder: Path, minutes: float, per_second: float, every_s: float) -> tuple[list[Sample], str]:
    """Publish for so long and look at the disk now and then; returns what was seen and the closing verdict."""
    broker = Broker(folder / "kafka")
    system = System(broker.address, folder, kept_state_s=KEPT_STATE_S)
    settings = system.settings
    logs = {app: [topics.changelog(settings, app, t) for t in tables] for app, tables in topics.TABLES.items()}
    alter(broker.address, [*logs["tally"], *logs["watch"], settings.topic(topics.STANDINGS)])
    samples: list[Sample] = []
    try:
        workers = [system.start(name) for name in topics.TABLES]
        for worker in workers:
            worker.until_ready()
        portal, began = Portal(system, per_second), time.monotonic()
        while (seconds := time.monotonic() - began) < minutes * 60:
            time.sleep(every_s)
            samples.append(
                Sample(
                    seconds + every_s,
                    portal.published,
                    megabytes(broker.folder, [settings.topic(name) for name in TOPICS]),
                    megabytes(broker.folder, logs["tally"]),
                    megabytes(broker.folder, logs["watch"]),
                    megabytes(broker.folder, [settings.topic(topics.STANDINGS)]),
                    megabytes(broker.folder, [settings.topic(topics.TALLIES)]),
                )
            )
            print(line(samples[-1]), flush=True)
        portal.close()
        system.settle(300)
        return samples, system.verdict()
    finally:
        system.close()
        broker.close()


def line(sample: Sample) -> str:
    mb = " | ".join(f"{x:.2f}" for x in sample[2:])
    return f"| {sample.seconds:.0f} | {sample.events:,} | {mb} |".replace(",", " ")


def levels_off(sizes: list[float]) -> bool:
    """Tell whether the last third of a curve stays within what the second reached.

    >>> levels_off([1, 5, 9, 12, 11, 12, 11, 12, 13]), levels_off([1, 2, 3, 4, 5, 6, 7, 8, 9])
    (True, False)
    """
    third = len(sizes) // 3
    return max(sizes[-third:]) <= LEVELS_OFF * max(sizes[third:-third])


def main() -> int:
    """Measure and print; 1 where a changelog goes on growing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--per-second", type=float, default=1_500.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks at the disk")
    options = parser.parse_args()
    print("| s | events | source, MB | changelog of tally | changelogs of watch | standings | unit.tallies |")
    print("| --: | --: | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory(prefix="lotrinh-growth-") as folder:
        samples, verdict = measure(Path(folder), options.minutes, options.per_second, options.every)
    print(f"\n{DOSSIERS} dossiers; {verdict}")
    growing = [name for name in ("tally", "watch", "standings") if not levels_off([getattr(s, name) for s in samples])]
    print(f"go on growing: {', '.join(growing)}" if growing else "changelogs and standings level off; the source grew")
    return 1 if growing else 0


if __name__ == "__main__":
    sys.exit(main())
