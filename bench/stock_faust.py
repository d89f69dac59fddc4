"""What stock Faust loses and counts twice over ordinary restarts: the reason for `streams/engine`.

usage: python -m bench.stock_faust [--events 20000] [--restarts 6] [--kill] [--feed-seconds 28] [--rounds 3] [--out bench/results/stock-faust.json]

Every event has a key of its own and the application adds one to its row, as Faust's guide shows it, so that a row that
is missing is an event lost and a row above one is an event counted twice. The worker is restarted while events flow:
by SIGTERM, waiting until it has ended, or by kill -9. Figures are read from the table's changelog, to its end.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from kafka.admin import NewTopic

from bench.run import broker
from streams.broker import topics
from streams.local.children import end_with_parent

PARTITIONS = 4
QUIET_S, STUCK_S = 12.0, 90.0
"""without a change of the changelog after which a worker that has read everything, or has not, is taken to be done"""


def worker(bootstrap: str, name: str) -> None:
    """Be the application: a table of counts, incremented per event."""
    import faust

    app = faust.App(
        name, broker=f"kafka://{bootstrap}", store="memory://", topic_partitions=PARTITIONS, web_enabled=False,
        broker_session_timeout=10.0, broker_heartbeat_interval=3.0, datadir=tempfile.mkdtemp(),
    )  # fmt: skip
    source = app.topic(f"{name}-events", key_type=str, value_type=int, key_serializer="raw", value_serializer="json")
    counts = app.Table("counts", default=int)

    @app.agent(source)
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():  # noqa: PERF102 - a stream, not a mapping
            counts[key.decode() if isinstance(key, bytes) else key] += 1

    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True, debug=False).execute_from_commandline()


class Run:
    """One run: a topic of its own, a feed, a worker that is restarted."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap, self.name = bootstrap, f"stock-{uuid.uuid4().hex[:8]}"
        client = topics.admin(bootstrap, {})
        client.create_topics([NewTopic(f"{self.name}-events", PARTITIONS, 1)], wait_for_metadata=True)
        client.close()

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.stock_faust", "--worker", self.bootstrap, self.name],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent(os.getpid()),
        )  # fmt: skip

    def feed(self, events: int, seconds: float) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        began = time.monotonic()
        for n in range(events):
            producer.produce(f"{self.name}-events", b"1", key=f"e{n}".encode())
            producer.poll(0)
            if n % 50 == 0:
                time.sleep(max(0.0, began + n * seconds / events - time.monotonic()))
        producer.flush()

    def rows(self) -> dict[bytes, int]:
        """Return the table as its changelog has it."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False}
        )
        changelog = f"{self.name}-counts-changelog"
        parts = [TopicPartition(changelog, p, 0) for p in range(PARTITIONS)]
        ends = {p.partition: consumer.get_watermark_offsets(p, timeout=10)[1] for p in parts}
        consumer.assign(parts)
        rows: dict[bytes, int] = {}
        left = {p for p, end in ends.items() if end > 0}
        while left:
            message = consumer.poll(1.0)
            if message is None or message.error():
                continue
            rows[message.key()] = json.loads(message.value())
            if message.offset() + 1 >= ends[message.partition()]:
                left.discard(message.partition())
        consumer.close()
        return rows

    def settled(self) -> dict[bytes, int]:
        """Return the table once the group has read everything and the table has not changed for some time."""
        client = topics.admin(self.bootstrap, {})
        last, since = -1, time.monotonic()
        while time.monotonic() - since < (QUIET_S if self._all_read(client) else STUCK_S):
            time.sleep(2)
            rows = self.rows()
            total = sum(rows.values())
            if total != last:
                last, since = total, time.monotonic()
        client.close()
        return rows

    def _all_read(self, client: Any) -> bool:
        committed = client.list_group_offsets([self.name]).get(self.name, {})
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": uuid.uuid4().hex})
        ends = [
            consumer.get_watermark_offsets(TopicPartition(f"{self.name}-events", p), timeout=10)[1]
            for p in range(PARTITIONS)
        ]
        consumer.close()
        done = {tp.partition: getattr(at, "offset", at) for tp, at in committed.items() if tp.topic.endswith("-events")}
        return all(done.get(p, 0) >= end for p, end in enumerate(ends))


def measured(  # noqa: PLR0913 - what a run consists of
    bootstrap: str, events: int, restarts: int, feed_s: float, seed: int, *, kill: bool
) -> dict[str, int | bool]:
    run, rng = Run(bootstrap), random.Random(seed)
    process = run.start()
    time.sleep(8)
    feeding = threading.Thread(target=run.feed, args=(events, feed_s), daemon=True)
    feeding.start()
    for _ in range(restarts):
        time.sleep(rng.uniform(2, 4))
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process = run.start()
    feeding.join()
    rows = run.settled()
    process.kill()
    process.wait()
    above = Counter(rows.values())
    return {
        "events": events, "restarts": restarts, "killed": kill, "lost": events - len(rows),
        "counted_again": sum((times - 1) * keys for times, keys in above.items()),
    }  # fmt: skip


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        del sys.argv[1]
        bootstrap, name = sys.argv.pop(1), sys.argv.pop(1)
        worker(bootstrap, name)
        return
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--restarts", type=int, default=6)
    options.add_argument("--feed-seconds", type=float, default=28.0, help="in which the events are published")
    options.add_argument("--kill", action="store_true", help="kill -9 instead of SIGTERM")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--out", type=Path, default=Path("bench/results/stock-faust.json"))
    given = options.parse_args()
    runs = []
    with broker() as bootstrap:
        for number in range(given.rounds):
            runs.append(measured(bootstrap, given.events, given.restarts, given.feed_seconds, number, kill=given.kill))
            print(runs[-1], flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(
        json.dumps({"runs": runs, "command": " ".join(["python -m bench.stock_faust", *sys.argv[1:]])}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
