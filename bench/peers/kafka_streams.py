"""Kafka Streams: `bench/kafka_streams/*.java`, compiled by the machine's JDK against jars from Maven Central.

usage: python -m bench.peers.kafka_streams at_least_once|exactly_once_v2 BOOTSTRAP PREFIX RECORDS

The first two thirds of the records warm the JVM up and are not measured. One thread, in-memory stores with 64 MB of
cache and changelogs. Commits every 100 ms under exactly_once_v2, as by default; every second under at_least_once, whose
default of 30 s a short run would never see.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.peers.client import given
from models.dossiers.events import TOPICS
from streams.local import kafka

SOURCES: Final = sorted((Path(__file__).parents[1] / "kafka_streams").glob("*.java"))
ENDPOINT: Final = f"org.apache.kafka:kafka-streams:{kafka.VERSION}"
COMMIT_MS: Final = {"at_least_once": 1000, "exactly_once_v2": 100}
WARM_UP: Final = 2 / 3
"""of the records, not measured"""


def classpath() -> str:
    """Return Kafka Streams' class path, fetching the jars the first time."""
    import jgo

    env = jgo.build(ENDPOINT, cache_dir=kafka.cache_dir() / "jars")
    return os.pathsep.join(str(jar) for jar in [*env.classpath, *env.module_path_jars])


def main() -> None:
    guarantee, of = sys.argv[1], given()
    jars = classpath()
    with tempfile.TemporaryDirectory() as folder:
        classes = Path(folder) / "classes"
        subprocess.run(["javac", "-cp", jars, "-d", str(classes), *map(str, SOURCES)], check=True)
        topics = [f"{of.prefix}{topic}" for topic in TOPICS]
        skip = int(of.records * WARM_UP)
        done = subprocess.run(
            [kafka.java(), "-Xmx2g", "-cp", os.pathsep.join((str(classes), jars)), "DossierCounts", of.bootstrap,
             of.prefix, str(of.records), str(skip), guarantee, str(COMMIT_MS[guarantee]), folder, *topics],
            check=False,
        )  # fmt: skip
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
