"""A backup into an empty cluster: the same standings, alerts, periods; and nobody is told anything twice."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from streams.broker import topics
from streams.broker.reading import records_of
from tests.builders import paid, received, resolved
from tests.integration.system import System, running
from tests.integration.test_complete import open_transaction
from tests.integration.test_notify import Receiver, lotrinh, receiver, system, until  # noqa: F401 - fixtures
from tests.integration.test_up import _figures

pytestmark = pytest.mark.kafka


def told(got: Receiver) -> list[tuple[str, str]]:
    """Every word that was said, of every message once."""
    return sorted((a["id"], a["status"]) for data in dict(got.got).values() for a in data["alerts"])


def open_alerts(of: System) -> dict[str, str]:
    latest = {a["fingerprint"]: a for a in of.alerts()}
    return {name: a["id"] for name, a in latest.items() if a["status"] == "firing"}


def published(of: System, name: str) -> Any:
    return sorted((r.key, r.value) for r in records_of(of.settings, name))


def live(of: System) -> Any:
    rows = of.standings()
    return _figures(list(rows.values())), {k: row["alert"] for k, row in rows.items()}


@pytest.fixture
def counted(system: System, receiver: Receiver) -> System:  # noqa: F811
    """A system with dossiers, open and ended alerts, an act of an operator, and a closed period."""
    for name in (*topics.TABLES, "notify"):
        system.start(name).until_ready()
    for unit, month in (("12688", "03"), ("12691", "05"), ("12694", "06"), ("34.so-cong-thuong", "06")):
        system.feed(json.dumps(e).encode() for e in resolved(6, unit, "in_person", f"2024-{month}-03"))
    system.feed(json.dumps(e).encode() for e in paid(3, "12688", "2024-06-05", "pay"))
    system.send(b"no json", topic="dossier.paid", key=b"x")
    system.flush()
    system.settle()
    until(lambda: len(told(receiver)) >= len(open_alerts(system)) > 3)
    system.feed(json.dumps(e).encode() for e in received(40, "12691", "online", "2024-06-09"))
    system.settle()
    until(lambda: any(status != "firing" for _, status in told(receiver)))
    fingerprint = next(iter(open_alerts(system)))
    assert lotrinh(system, "alerts", "ack", fingerprint, "--by", "operator").returncode == 0
    assert lotrinh(system, "close", "--decision", "thai-binh-2024", "--period", "2024-03").returncode == 0
    system.settle()
    return system


def test_a_restored_system_is_the_same_and_tells_nobody_anything_twice(
    counted: System,
    receiver: Receiver,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    file = tmp_path / "backup"
    made = lotrinh(counted, "backup", "--out", str(file))
    assert made.returncode == 0, made.stderr
    assert "open alerts are not the same" not in made.stderr
    for worker in counted.workers:
        worker.stop()
    _restored(counted, receiver, file, "12697", 4, running_before=True)
    _restored(counted, receiver, file, "12700", 3, running_before=False)


def _restored(  # noqa: PLR0913 - a way to restore, spelled out
    counted: System,
    receiver: Receiver,  # noqa: F811 - no fixture
    file: Path,
    unit: str,
    partitions: int,
    *,
    running_before: bool,
) -> None:
    """Restore into a system of its own, compare it with the one that was backed up, and let it go on."""
    expected, before = live(counted), told(receiver)
    folder = file.parent / unit
    folder.mkdir()
    receivers = counted.settings.receivers
    with running(counted.settings.kafka or "", folder, receivers=receivers, partitions=partitions) as restored:
        names = (*topics.TABLES, "notify")
        if running_before:
            for name in names:
                restored.start(name).until_ready()
        done = lotrinh(restored, "restore", str(file))
        assert done.returncode == 0, done.stderr
        if running_before:  # it is shut out before there is anything to tell
            until(lambda: restored.workers[-1].process.poll() is not None)
        alive = {w.name for w in restored.workers if w.process.poll() is None}
        for name in names:
            if name not in alive:
                restored.start(name).until_ready()
        restored.settle()

        assert live(restored) == expected
        assert open_alerts(restored) == open_alerts(counted)
        ids = [a["id"] for a in restored.alerts()]
        assert sorted(ids) == sorted(a["id"] for a in counted.alerts())
        for name in (topics.PERIODS, topics.OPERATORS):
            assert published(restored, name) == published(counted, name)
        assert len(restored.dead_letters()) == len(counted.dead_letters()) == 1
        restored.feed(json.dumps(e).encode() for e in resolved(7, unit, "in_person", "2024-06-04"))
        restored.settle()
        until(lambda: len(told(receiver)) > len(before))
        time.sleep(3)  # whoever would tell something twice has had the time for it
        fresh = {a["id"] for a in restored.alerts()} - {*ids}
        assert {*told(receiver)} - {*before} == {(name, "firing") for name in fresh}
        assert len(told(receiver)) == len({*told(receiver)})
        refused = lotrinh(restored, "restore", str(file))
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert "the cluster is not empty" in refused.stderr


def test_a_damaged_file_is_refused_before_anything_is_written(system: System, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "backup"
    assert lotrinh(system, "backup", "--out", str(file)).returncode == 0
    file.write_bytes(file.read_bytes()[:-9])
    refused = lotrinh(system, "restore", str(file))
    opened = open_transaction(system, [json.dumps(e).encode() for e in received(3, "12688", "online", "2024-06-09")])
    held = lotrinh(system, "backup", "--out", str(file))
    opened.abort_transaction()
    opened.close()

    assert "records lie behind an open transaction and are not in the backup" in held.stderr
    assert refused.returncode == 2
    assert f"{file} is" in refused.stderr
    assert "take another copy" in refused.stderr
    assert refused.stderr.count("\n") == 1
