"""Closing and reporting on the running system: from its state, into its topic, without a worker of their own."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.reporting.report import make_report
from streams.errors import BadInput
from streams.reports import closings, sources
from streams.reports.counters import of_events, of_running_system
from streams.reports.files import csv_bytes
from tests.builders import thai_binh
from tests.integration.system import System
from tests.unit.reporting.test_report import JUNE, LATE, TRADE

pytestmark = pytest.mark.kafka


def lotrinh(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env=os.environ | system.env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_closed_month_keeps_its_figures_and_later_facts_are_adjustments(system: System, tmp_path: Path) -> None:
    system.start("tally")
    system.start("watch")
    for worker in system.workers:
        worker.until_ready()
    system.feed(json.dumps(e).encode() for e in JUNE)

    done = lotrinh(system, "close", "--period", "2024-06")
    system.feed(json.dumps(e).encode() for e in LATE)
    out = tmp_path / "june.csv"
    report = lotrinh(system, "report", "--period", "2024-06", "--out", str(out))

    assert done.returncode == report.returncode == 0, done.stderr + report.stderr
    assert done.stdout.startswith("Đã chốt số liệu tháng 6 năm 2024")
    rows = {(r["unit"], r["indicator"]): r for r in csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))}
    row = rows[TRADE, "online-payments"]
    assert [row[c] for c in ("numerator", "denominator", "adjusted_numerator", "adjusted_denominator")] == [
        "44", "98", "2", "2",
    ]  # fmt: skip
    # What the running system's state gives is what the same events give without Kafka.
    live = sources.running(system.settings, system.reading, 60, print)
    offline = of_events(system.reading, enumerate((json.dumps(e).encode() for e in JUNE + LATE), 1))[0]
    for period, closed in (("2024-06", closings.of_topic(system.settings)), ("2024-Q2", []), ("2024", [])):
        found, expected = (make_report(known, period, closed) for known in (live.known, offline))
        assert csv_bytes(found) == csv_bytes(expected), period
    with pytest.raises(BadInput, match="does not count by these rules"):
        of_running_system(system.settings, thai_binh(switches=(("postal_in_denominator", "false"),)))
