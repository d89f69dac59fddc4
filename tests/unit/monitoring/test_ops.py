"""Readiness, metrics and log lines, without processes."""

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from streams.engine.stats import Durations, Stats
from streams.monitoring.logs import JsonLines
from streams.monitoring.metrics import SUFFIX, Metric, exposition, histogram
from streams.settings import Settings
from streams.workers.health import WorkerHealth
from streams.workers.tally import TallyFigures
from tests.conftest import absent

NOW = 1_000_000.0


class FakeOwner:
    """A partition with one source topic."""

    def __init__(self, applied: int, watermark: str | None) -> None:
        self.partition, self.epoch, self.pending = 0, 1, 0
        self.goal = {"t": 10}
        self._applied = applied
        self.work = SimpleNamespace(
            figures=lambda: TallyFigures(
                {"applied": 3, "unchanged": 2, "refused": 1}, watermark, 4, 0, 5, {"dossier.paid": 2}
            )
        )

    def next_of(self, topic: str) -> int:
        return self._applied

    def row_counts(self) -> dict[str, int]:
        return {"dossiers": 3}


def health(owner: FakeOwner | None, *, since: float | None, applied_at: float = 0.0, **settings: Any) -> WorkerHealth:
    stats = Stats(rebalances=0 if owner is None else 1, working_since=since, applied_at=applied_at)
    stats.records_in["t", 0], stats.appended_ms["t", 0] = 4, 1_000
    owners = {} if owner is None or since is None else {0: owner}
    engine: Any = SimpleNamespace(
        stats=stats, sources={"t"}, holdings=SimpleNamespace(owners=owners), committed={},
        consumer=SimpleNamespace(highwater=lambda tp: 10),
    )  # fmt: skip
    return WorkerHealth(engine, Settings(**settings), now=lambda: NOW, monotonic=lambda: 5_000.0)


def wrong(found: WorkerHealth) -> dict[str, str]:
    return {check.name: check.text for check in found.checks() if not check.ok}


RECENT, OLD = "1970-01-12T13:46:30.000Z", "1970-01-12T13:00:00.000Z"


def test_nothing_assigned_is_not_ready() -> None:
    assert set(wrong(health(None, since=None))) == {"assigned", "recovered"}


def test_taking_over_is_not_ready() -> None:
    assert wrong(health(FakeOwner(10, RECENT), since=None)) == {"recovered": "partitions are being taken over"}


def test_at_the_end_of_the_log_with_a_recent_tick_is_ready() -> None:
    assert wrong(health(FakeOwner(10, RECENT), since=100.0)) == {}


def test_behind_and_at_work_is_ready() -> None:
    assert wrong(health(FakeOwner(4, OLD), since=100.0, applied_at=4_990.0)) == {}


def test_behind_and_at_a_standstill_is_not_ready() -> None:
    stalled = health(FakeOwner(4, OLD), since=100.0, applied_at=4_900.0)

    assert wrong(stalled) == {"lag": "6 records behind, and nothing applied for 100 s"}


@pytest.mark.parametrize("mark", [OLD, None])
def test_a_clock_that_stands_still_is_not_ready(mark: str | None) -> None:
    assert set(wrong(health(FakeOwner(10, mark), since=100.0))) == {"clock"}


@pytest.mark.parametrize("mark", [OLD, None])
def test_a_worker_that_has_just_begun_is_given_time_for_its_first_tick(mark: str | None) -> None:
    assert wrong(health(FakeOwner(10, mark), since=4_950.0)) == {}


def test_a_replay_has_no_clock_to_be_late_by() -> None:
    assert wrong(health(FakeOwner(10, OLD), since=100.0, clock="records")) == {}


def test_the_exposition_of_a_worker() -> None:
    text = exposition(health(FakeOwner(4, RECENT), since=100.0).metrics())
    lines = text.splitlines()

    assert 'lotrinh_source_lag_records{topic="t",partition="0"} 6' in lines
    assert 'lotrinh_source_records_total{topic="t",partition="0"} 4' in lines
    assert 'lotrinh_records_total{partition="0",outcome="refused"} 1' in lines
    assert 'lotrinh_watermark_timestamp_seconds{partition="0"} 999990' in lines
    assert 'lotrinh_commit_seconds_bucket{le="+Inf"} 0' in lines
    assert text.endswith("\n")
    for line in lines:
        assert line.startswith(("# HELP lotrinh_", "# TYPE lotrinh_", "lotrinh_"))
    types = [line.split() for line in lines if line.startswith("# TYPE")]
    assert len({name for _, _, name, _ in types}) == len(types), "a metric is declared twice"
    assert all(name.endswith("_total") == (kind == "counter") for _, _, name, kind in types)


def test_the_librarys_parser_reads_every_name_type_and_value() -> None:
    """An independent reader of the format (docs/adr/0030), also of labels with quotes, backslashes and line ends."""
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        absent("prometheus_client, of the extra `dev`")
    odd = Metric("lotrinh_odd", "gauge", "Odd labels.", [({"board": 'a"b\\c\nd', "unit": "Sở"}, 0.1)])
    durations = Durations()
    durations.observe(0.0005)
    metrics = [
        *health(FakeOwner(4, RECENT), since=100.0).metrics(),
        odd,
        histogram("lotrinh_h_seconds", "A histogram.", [({"p": "0"}, durations)]),
    ]

    read = {family.name: family for family in text_string_to_metric_families(exposition(metrics))}

    assert len(read) == len(metrics)
    for metric in metrics:
        family = read[metric.name.removesuffix("_total")]  # the library's name of a counter
        assert (family.documentation, family.type) == (metric.help, metric.kind)
        told: list[Any] = [
            (metric.name + labels.get(SUFFIX, ""), {k: v for k, v in labels.items() if k != SUFFIX}, value)
            for labels, value in metric.samples
        ]
        read_back: list[Any] = [(s.name, s.labels, s.value) for s in family.samples]
        assert read_back == [(name, labels, pytest.approx(value, rel=1e-14)) for name, labels, value in told]


def test_a_histogram_is_cumulative() -> None:
    durations = Durations()
    for seconds in (0.0005, 0.02, 90.0):
        durations.observe(seconds)
    lines = exposition([histogram("h", "Help.", [({"p": "0"}, durations)])]).splitlines()

    assert lines[:3] == ["# HELP h Help.", "# TYPE h histogram", 'h_bucket{p="0",le="0.001"} 1']
    assert lines[-3:] == ['h_bucket{p="0",le="+Inf"} 3', 'h_sum{p="0"} 90.0205', 'h_count{p="0"} 3']


def test_a_json_line_carries_allowed_fields_only() -> None:
    record = logging.LogRecord("lotrinh.x", logging.WARNING, __file__, 1, "at %d\nof %s", (7, "Hải Dương"), None)
    record.partition, record.dossier = 3, "000.00.34-24-000001"
    line = JsonLines().format(record)
    parsed = json.loads(line)

    assert "\n" not in line
    assert parsed.pop("time").endswith("Z")
    assert parsed.pop("pid") > 0
    assert parsed == {
        "level": "warning", "logger": "lotrinh.x", "message": "at 7\nof Hải Dương", "fields": {"partition": 3},
    }  # fmt: skip


def test_a_json_line_tells_of_an_error() -> None:
    try:
        int("what")
    except ValueError:
        import sys

        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())

    assert "ValueError: invalid literal" in json.loads(JsonLines().format(record))["error"]
