"""A worker under operation: health, metrics, logs, and an orderly end."""

import json
import time
import urllib.error
import urllib.request
from functools import partial
from typing import Any

import pytest

from streams.broker import topics
from streams.engine.process_exit import STOP_S
from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System, Worker, side_by_side

pytestmark = pytest.mark.kafka

OPS = {"LOTRINH_OPS_PORT": "0", "LOTRINH_LOG_FORMAT": "json"}


def get(worker: Worker, path: str) -> tuple[int, str]:
    url = worker.ready.read_text().strip() + path
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def samples(worker: Worker) -> dict[str, float]:
    status, text = get(worker, "metrics")
    assert status == 200
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def until_ready(worker: Worker) -> dict[str, Any]:
    """Ask until it is ready: what was missing for long on a slow machine is looked at again within seconds."""
    deadline = time.monotonic() + 60
    while (found := get(worker, "readyz?verbose"))[0] != 200:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    answer: dict[str, Any] = json.loads(found[1])
    return answer


def total(found: dict[str, float], name: str, *parts: str) -> float:
    return sum(v for k, v in found.items() if k.split("{")[0] == name and all(p in k for p in parts))


def position_of(system: System) -> dict[int, dict[str, int]]:
    """Partition → source topic → position, as tally's changelog has it."""
    from streams.broker.reading import records_of

    changelog = topics.changelog(system.settings, topics.TALLY, "dossiers").removeprefix(system.settings.prefix)
    rows = [r for r in records_of(system.settings, changelog) if r.key == b"\x00position"]
    return {r.partition: json.loads(r.value)["next"] for r in rows}


def test_workers_say_how_they_are_and_end_in_order(system: System) -> None:
    tally, watch = (system.start(name, **OPS).until_ready() for name in ("tally", "watch"))
    published = system.feed(simulate(system.reading, Simulation(800, 7)))
    system.send(b"nonsense", topic="dossier.submitted", key=b"R-1")
    system.flush()
    system.settle()
    verdict = system.verdict()

    # health
    for worker in (tally, watch):
        assert get(worker, "livez") == (200, "ok\n")
        answer = until_ready(worker)
        assert (answer["ready"], answer["causes"]) == (True, [])
        assert set(answer["checks"]) == {"assigned", "recovered", "lag", "clock", "complete"}
        assert answer["checks"]["recovered"]["text"] == "partitions 0, 1, 2, 3"

    # metrics say what the log and the verdict say
    of_tally, of_watch = samples(tally), samples(watch)
    counts = system.counts()
    assert f"applied={counts['applied']}" in verdict
    for outcome, count in counts.items():
        assert total(of_tally, "lotrinh_records_total", f'outcome="{outcome}"') == count
    assert sum(counts.values()) == published + 1
    assert total(of_tally, "lotrinh_dead_letters_total") == counts["refused"] >= 1
    read = sum(total(of_tally, "lotrinh_source_records_total", f'.{name}"') for name in topics.INBOUND)
    assert read == published + 1
    for found in (of_tally, of_watch):
        assert total(found, "lotrinh_source_lag_records") == 0
        assert total(found, "lotrinh_assigned_partitions") == 4
        assert total(found, "lotrinh_commit_seconds_count") == found["lotrinh_transactions_total"] > 0
        assert total(found, "lotrinh_takeover_seconds_count") >= 1
        assert time.time() - min(v for k, v in found.items() if k.startswith("lotrinh_watermark")) < 60
        assert 20e6 < found["lotrinh_process_resident_memory_bytes"] < 1e9
    positions = position_of(system)
    for partition, at in positions.items():
        for topic in topics.named(system.settings, topics.INBOUND):
            assert of_tally[f'lotrinh_source_position{{topic="{topic}",partition="{partition}"}}'] == at[topic]
    firing = {a["fingerprint"]: a["status"] for a in system.alerts()}
    assert total(of_watch, "lotrinh_open_alerts") == list(firing.values()).count("firing") > 0
    assert total(of_watch, "lotrinh_evaluation_seconds_count") > 0

    # SIGTERM in the middle of a feed: what is applied is committed, the group is left, and nothing is read twice
    system.feed(simulate(system.reading, Simulation(1_500, 8)))
    began = time.monotonic()
    assert tally.stop() == 0
    took = time.monotonic() - began
    print(f"tally stopped within {took:.2f} s")
    assert took < 15
    client = topics.admin(system.settings.kafka or "", {})
    group = client.describe_groups([system.settings.topic(topics.TALLY)])
    client.close()
    assert not members(group), "the stopped worker is still a member of its group"
    assert watch.stop() == 0

    # every line of the log is one JSON object, and none holds a dossier's code or what a record held
    for worker in (tally, watch):
        lines = [json.loads(line) for line in worker.text().splitlines()]
        assert {"time", "level", "logger", "message", "pid"} <= set(lines[0])
        assert any("taken over" in line["message"] for line in lines)
        assert "nonsense" not in worker.text()

    # and the successors go on where they ended
    for name in ("tally", "watch"):
        system.start(name, **OPS).until_ready()
    system.settle()
    print(system.verdict())


def members(described: Any) -> list[Any]:
    """Return the members of the one group that was described."""
    (group,) = described.values() if isinstance(described, dict) else described
    found: list[Any] = group["members"] if isinstance(group, dict) else group.members
    return found


def test_a_taken_port_is_one_sentence(system: System) -> None:
    first = system.start("watch", **OPS).until_ready()
    port = first.ready.read_text().strip().rstrip("/").rsplit(":", 1)[1]
    second = system.start("watch", LOTRINH_OPS_PORT=port)

    assert second.process.wait(30) == 2
    assert f"lotrinh: port {port} of 127.0.0.1 is taken" in second.text()
    assert "Traceback" not in second.text()


def test_a_worker_that_is_told_to_stop_while_it_starts_ends(system: System) -> None:
    """Faust may wait for ever for a consumer thread that is stopped while it starts; see `end_within`."""

    def stopped(name: str, after_s: float) -> int:
        worker = system.start(name)
        deadline = time.monotonic() + 60
        while "ConsumerThread]: Starting" not in worker.text():
            assert time.monotonic() < deadline, worker.text()[-2000:]
            time.sleep(0.01)
        time.sleep(after_s)
        return worker.stop(seconds=STOP_S + 15)

    cases = [(name, after_s) for after_s in (0.0, 0.05, 0.1, 0.3) for name in ("tally", "watch")]
    assert side_by_side(*(partial(stopped, *case) for case in cases), at_once=4) == [0] * len(cases)
