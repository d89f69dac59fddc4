"""What a worker says of itself: is it alive, is it ready, and its metrics. Reads plain attributes only."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from models.standings.completeness import Cause, sentence
from streams.engine import Engine
from streams.engine.views import OwnerView, owned
from streams.monitoring.checks import Check
from streams.monitoring.completeness import Observer
from streams.monitoring.metrics import Metric, histogram
from streams.monitoring.process import process_metrics
from streams.settings import Settings
from streams.workers.tally import TallyFigures
from streams.workers.watch import WatchFigures

STALLED_S: Final = 60.0
"""behind the log's end, and nothing applied for so long: no longer ready"""
CLOCK_TICKS_MAX: Final = 3
CLOCK_S_MIN: Final = 30.0
"""a worker that is not behind, and whose clock is older than so many ticks, or this, is no longer ready"""

Figures = TallyFigures | WatchFigures
Samples = list[tuple[Mapping[str, str], float]]


def seconds_of(instant: str) -> float:
    """Return an instant as Unix seconds.

    >>> seconds_of("1970-01-01T07:00:01+07:00")
    1.0
    """
    return datetime.fromisoformat(instant).timestamp()


class WorkerHealth:
    """One worker's view of itself."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        observer: Observer | None = None,
    ) -> None:
        """Look at an engine, and at what an observer sees missing; the clocks are given, so that tests can."""
        self._engine = engine
        self._observer = observer
        self._settings = settings
        self._now = now
        self._monotonic = monotonic

    # -- readiness -----------------------------------------------------------------------------------------------------

    def checks(self, views: Sequence[OwnerView] | None = None) -> list[Check]:
        """Return every condition of readiness, met or not."""
        stats = self._engine.stats
        if views is None:
            views = owned(self._engine)
        assigned = stats.rebalances > 0
        recovered = stats.working_since is not None
        named = ", ".join(str(view.partition) for view in views) or "none: this worker stands by"
        found = [
            Check("assigned", assigned, "by the group" if assigned else "the group has assigned nothing yet"),
            Check("recovered", recovered, f"partitions {named}" if recovered else "partitions are being taken over"),
        ]
        if recovered:
            found += [self._lag(views), self._clock(views)]
        if self._observer is not None:
            causes = self._observer.lasting()
            found.append(Check("complete", not causes, sentence(causes[0]) if causes else "nothing is missing"))
        return found

    def causes(self) -> list[Cause]:
        """Return what is missing from the figures."""
        return [] if self._observer is None else self._observer.lasting()

    def _lag(self, views: Sequence[OwnerView]) -> Check:
        lag = lag_of(views)
        stats = self._engine.stats
        idle = self._monotonic() - max(stats.applied_at, stats.working_since or 0.0)
        ok = lag == 0 or idle < STALLED_S
        return Check("lag", ok, f"{lag} records behind" + ("" if ok else f", and nothing applied for {idle:.0f} s"))

    def _clock(self, views: Sequence[OwnerView]) -> Check:
        """Look at the last tick passed (tally) or evaluated (watch), of the partition that is furthest behind."""
        marks = [view.work.figures().watermark for view in views]
        if self._settings.clock == "records" or not marks:
            return Check("clock", True, "follows the records" if marks else "nothing to follow")
        limit = max(CLOCK_S_MIN, CLOCK_TICKS_MAX * self._settings.tick_seconds)
        since = self._monotonic() - (self._engine.stats.working_since or 0.0)
        known = [seconds_of(mark) for mark in marks if mark is not None]
        age = since if len(known) < len(marks) else self._now() - min(known)
        excused = since < limit or lag_of(views) > 0  # it has just begun, or is catching up: see the lag
        said = "no tick yet" if len(known) < len(marks) else f"last tick {age:.0f} s ago"
        return Check("clock", age <= limit or excused, said)

    # -- metrics -------------------------------------------------------------------------------------------------------

    def metrics(self) -> list[Metric]:
        """Return what is to be watched."""
        views = owned(self._engine)
        figures: list[tuple[Mapping[str, str], Figures]] = [
            ({"partition": str(view.partition)}, view.work.figures()) for view in views
        ]
        checks = [({"check": c.name}, float(c.ok)) for c in self.checks(views)]
        found = [
            _gauge("lotrinh_ready", "1: the condition of readiness is met.", checks),
            *self._of_sources(views),
            *self._of_engine(views),
            _gauge(
                "lotrinh_watermark_timestamp_seconds",
                "Event time up to which all that had arrived is counted (tally) or judged (watch).",
                [(at, seconds_of(f.watermark)) for at, f in figures if f.watermark is not None],
            ),
            *_of_tally([(at, f) for at, f in figures if isinstance(f, TallyFigures)]),
            *_of_watch([(at, f) for at, f in figures if isinstance(f, WatchFigures)]),
            *([] if self._observer is None else self._observer.metrics()),
            *process_metrics(),
        ]
        return [metric for metric in found if metric.samples]

    def _of_sources(self, views: Sequence[OwnerView]) -> Iterable[Metric]:
        stats, sources = self._engine.stats, [source for view in views for source in view.sources]
        named = [({"topic": s.topic, "partition": str(s.partition)}, s) for s in sources]
        own = {(s.topic, s.partition) for s in sources}

        def each(of: Callable[[Any], float]) -> Samples:
            return [(labels, float(of(source))) for labels, source in named]

        def kept(what: Mapping[tuple[str, int], float]) -> Samples:
            return [({"topic": t, "partition": str(p)}, v) for (t, p), v in sorted(what.items()) if (t, p) in own]

        yield _gauge("lotrinh_source_position", "Next offset to be applied.", each(lambda s: s.applied))
        yield _gauge("lotrinh_source_committed_position", "The same, committed.", each(lambda s: s.committed))
        yield _gauge("lotrinh_source_end_offset", "End of the log, by the last fetch.", each(lambda s: s.end))
        yield _gauge("lotrinh_source_lag_records", "Offsets not applied yet.", each(lambda s: s.end - s.applied))
        yield _counter("lotrinh_source_records_total", "Records applied by this process.", kept(stats.records_in))
        yield _gauge(
            "lotrinh_source_timestamp_seconds",
            "When the newest record applied was appended to its log.",
            kept({key: ms / 1000 for key, ms in stats.appended_ms.items()}),
        )

    def _of_engine(self, views: Sequence[OwnerView]) -> Iterable[Metric]:
        stats = self._engine.stats
        by_table: Samples = [
            ({"partition": str(v.partition), "table": table}, float(n)) for v in views for table, n in v.rows.items()
        ]
        of_partition = [({"partition": str(view.partition)}, view) for view in views]
        yield _gauge("lotrinh_assigned_partitions", "Source partitions owned.", [({}, float(len(views)))])
        yield _gauge("lotrinh_state_rows", "Rows of a table.", by_table)
        yield _gauge("lotrinh_epoch", "Epoch of what is announced.", [(p, float(v.epoch)) for p, v in of_partition])
        yield _gauge("lotrinh_pending_records", "Not committed yet.", [(p, float(v.pending)) for p, v in of_partition])
        yield _counter("lotrinh_transactions_total", "Transactions committed.", [({}, float(stats.transactions))])
        yield _counter(
            "lotrinh_transactions_aborted_total", "Transactions aborted and sent again.", [({}, float(stats.aborted))]
        )
        yield _counter("lotrinh_records_written_total", "Records committed.", [({}, float(stats.records_out))])
        yield _counter("lotrinh_rebalances_total", "Takeovers begun.", [({}, float(stats.rebalances))])
        yield _counter("lotrinh_fetch_holes_total", "Stretches fetched again.", [({}, float(stats.holes))])
        yield histogram("lotrinh_commit_seconds", "Duration of a transaction.", [({}, stats.commit)])
        yield histogram("lotrinh_takeover_seconds", "Duration of a takeover.", [({}, stats.takeover)])


def lag_of(views: Iterable[OwnerView]) -> int:
    """Return how many offsets lie between what is applied and the ends of the logs."""
    return sum(source.end - source.applied for view in views for source in view.sources)


def _of_tally(figures: Sequence[tuple[Mapping[str, str], TallyFigures]]) -> Iterable[Metric]:
    yield _counter(
        "lotrinh_records_total",
        "Inbound records since the state's first, by outcome; refused ones are dead letters.",
        [({**at, "outcome": outcome}, float(n)) for at, f in figures for outcome, n in f.counts.items()],
    )
    yield _counter(
        "lotrinh_dead_letters_total",
        "Dead letters written since the state's first record.",
        [(at, float(f.counts.get("refused", 0))) for at, f in figures],
    )
    yield _counter(
        "lotrinh_wrong_partition_total",
        "Inbound records refused since the state's first, for they lie where their key does not belong.",
        [({**at, "topic": topic}, float(n)) for at, f in figures for topic, n in f.misplaced.items()],
    )
    yield _counter("lotrinh_ticks_total", "Ticks passed.", [(at, float(f.ticks_passed)) for at, f in figures])
    yield _gauge(
        "lotrinh_ticks_waiting", "Ticks whose cut is not reached.", [(p, float(f.ticks_waiting)) for p, f in figures]
    )
    yield _gauge(
        "lotrinh_largest_row_bytes",
        "The largest dossier's row; a broker takes records up to max.message.bytes of the changelog.",
        [(at, float(f.largest_row)) for at, f in figures],
    )
    yield _gauge("lotrinh_unit_days", "Units' days with counters.", [(at, float(f.unit_days)) for at, f in figures])


def _of_watch(figures: Sequence[tuple[Mapping[str, str], WatchFigures]]) -> Iterable[Metric]:
    yield histogram(
        "lotrinh_evaluation_seconds", "Duration of an evaluation.", [(at, f.evaluations) for at, f in figures]
    )
    yield _gauge(
        "lotrinh_unknown_units",
        "Units that no registry knows and for which dossiers count.",
        [(at, float(f.unknown_units)) for at, f in figures],
    )
    yield _gauge("lotrinh_open_alerts", "Alerts that are firing.", [(at, float(f.open_alerts)) for at, f in figures])
    yield _gauge(
        "lotrinh_settled",
        "1: every source partition counts by this worker's rules, and standings are announced.",
        [(at, float(f.settled)) for at, f in figures],
    )


def _gauge(name: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Metric:
    return Metric(name, "gauge", about, list(samples))


def _counter(name: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Metric:
    return Metric(name, "counter", about, list(samples))
