"""Looks at Kafka for what is missing from the figures (`models.standings.completeness`), once or again and again.

Everybody who speaks of complete figures asks here: `--wait`, `close`, `report`, `/readyz`, the wall, `doctor`
and `quality`.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError, for_code
from kafka.protocol.consumer.offsets import IsolationLevel

from models.calendar.civil_time import moment_of, utc_ms
from models.standings.completeness import Cause, Gap, Log, Shape, age_s, lasts, missing, sentence
from streams.broker import topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.reading import consumer, log_offsets
from streams.monitoring.metrics import Metric
from streams.settings import Settings

log = logging.getLogger("lotrinh.complete")

LOOK_S: Final = 5.0
"""between two looks of a process"""
ARRIVAL_S: Final = 2.0
"""how long to wait for the first missing records, which are there"""
REBALANCING: Final = frozenset({"PreparingRebalance", "CompletingRebalance"})
"""states of a group in which nobody has anything, for a moment"""

Where = tuple[str, int]
"""(topic, partition)"""


class Sight:
    """A look at the topics and groups of a deployment. Connects when it is first asked."""

    def __init__(self, settings: Settings, apps: Iterable[str] = topics.SOURCES, *, patience_s: float = 30.0) -> None:
        """Look at what these applications read; no request waits longer than `patience_s`."""
        self._settings = settings
        self._apps = tuple(apps)
        self._patience_ms = int(patience_s * 1000)
        self._client: KafkaAdminClient | None = None
        self._reader: KafkaConsumer | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Disconnect."""
        self.close()

    def close(self) -> None:
        """Disconnect; the next question connects anew."""
        client, reader, self._client, self._reader = self._client, self._reader, None, None
        for connected in (client, reader):
            if connected is not None:
                connected.close()

    # -- questions -----------------------------------------------------------------------------------------------------

    def causes(self, upto: Mapping[Where, int] | None = None) -> list[Cause]:
        """Return what is missing now; `upto`: of what had arrived before these offsets. Raises KafkaError, BadInput."""
        gaps = self.gaps(upto)
        arrived = self.arrivals(gaps)
        return [Cause(gap.cause, gap.topic, gap.partition, arrived.get(gap), gap.records) for gap in gaps]

    def gaps(self, upto: Mapping[Where, int] | None = None) -> list[Gap]:
        """Return what is missing now, without the times."""
        return missing(self._logs(), self.shapes(), upto)

    def shapes(self) -> list[Shape]:
        """Return how many partitions each topic of the deployment has."""
        names = [spec.name for spec in topics.specs(self._settings)]
        expected, counts = self._settings.partitions, self._counts(names)
        beyond = [TopicPartition(name, p) for name in names for p in range(expected, counts[name])]
        first = self._offsets(beyond, OffsetSpec.EARLIEST)
        high = self._offsets(beyond, OffsetSpec.LATEST)
        return [
            Shape(
                name,
                expected,
                counts[name],
                {tp.partition: (first[tp], high[tp]) for tp in beyond if tp.topic == name},
            )
            for name in names
        ]

    def high(self, names: Iterable[str]) -> dict[Where, int]:
        """Return the high watermarks of topics, named without their prefix."""
        return _places(self._offsets(self._partitions(names), OffsetSpec.LATEST))

    def stable(self, names: Iterable[str]) -> dict[Where, int]:
        """Return the last stable offsets of topics, named without their prefix."""
        return _places(
            self._offsets(self._partitions(names), OffsetSpec.LATEST, isolation=IsolationLevel.READ_COMMITTED)
        )

    def positions(self, app: str) -> dict[Where, int]:
        """Return what an application's group has been told; nothing while no broker coordinates it."""
        group = self._settings.topic(app)
        try:
            found = self._admin().list_group_offsets([group]).get(group, {})
        except KafkaError as exc:
            if not getattr(exc, "retriable", False):
                raise
            return {}
        return {(tp.topic, tp.partition): at.offset for tp, at in found.items() if at.offset >= 0}

    # -- what is behind them -------------------------------------------------------------------------------------------

    def _logs(self) -> list[Log]:
        """Return every partition that the applications read: positions first, so that none is ahead of its log."""
        found = []
        for app in self._apps:
            positions, owned = self.positions(app), self._owned(app)
            present = self._present(topics.SOURCES[app])
            # In this order nothing that arrives meanwhile looks like what an open transaction holds back.
            high = self._offsets(present, OffsetSpec.LATEST)
            stable = self._offsets(present, OffsetSpec.LATEST, isolation=IsolationLevel.READ_COMMITTED)
            first = self._offsets(present, OffsetSpec.EARLIEST)
            found += [
                Log(
                    app, tp.topic, tp.partition, first[tp], stable[tp], high[tp],
                    positions.get((tp.topic, tp.partition)), owned is None or (tp.topic, tp.partition) in owned,
                )
                for tp in present
            ]  # fmt: skip
        return found

    def _owned(self, app: str) -> set[Where] | None:
        """Return what the members of a group have; None while they are about to be given it."""
        group = self._settings.topic(app)
        try:
            described = self._admin().describe_groups([group])[group]
        except KafkaError as exc:
            if not getattr(exc, "retriable", False):
                raise
            return set()  # no coordinator: no group has ever been on this cluster
        if described["group_state"] in REBALANCING:
            return None
        return {
            (topic["topic"], partition)
            for member in described["members"]
            if isinstance(member["member_assignment"], dict)
            for topic in member["member_assignment"]["assigned_partitions"]
            for partition in topic["partitions"]
        }

    def arrivals(self, gaps: Iterable[Gap]) -> dict[Gap, str]:
        """Return when the first missing record of each gap arrived, by the broker's clock, where that can be had."""
        found: dict[Gap, str] = {}
        waiting = [gap for gap in gaps if gap.offset is not None]
        while waiting:
            wanted = {TopicPartition(gap.topic, gap.partition): gap for gap in reversed(waiting)}
            self._read_arrivals(wanted, found)
            waiting = [gap for gap in waiting if gap not in wanted.values()]  # a second gap of the same partition
        return found

    def _read_arrivals(self, wanted: Mapping[TopicPartition, Gap], found: dict[Gap, str]) -> None:
        if self._reader is None:
            # One record is wanted, and its time alone: the checksum of its batch, in Python, would take a tenth of a
            # second of the process that is looked at.
            self._reader = consumer(
                self._settings, isolation_level="read_uncommitted", max_partition_fetch_bytes=1 << 14,
                max_poll_records=1, check_crcs=False,
            )  # fmt: skip
        reader, left = self._reader, set(wanted)
        try:
            reader.assign(list(wanted))
            for tp, gap in wanted.items():
                reader.seek(tp, gap.offset)
                reader.resume(tp)
            deadline = time.monotonic() + ARRIVAL_S
            while left and time.monotonic() < deadline:
                for tp, records in reader.poll(timeout_ms=100).items():
                    found[wanted[tp]] = utc_ms(max(0, records[0].timestamp))
                    left.discard(tp)
                    reader.pause(tp)
        except KafkaError as exc:  # of no codec that we know, or deleted: the cause stays, without its time
            log.debug("no time of arrival: %r", exc)

    def _counts(self, names: Sequence[str]) -> dict[str, int]:
        """Return topic → number of partitions; 0 where it is not there. Raises KafkaError where it may not be seen."""
        described = {t["name"]: t for t in self._admin().describe_topics(list(names))}
        for name, topic in described.items():
            if topic["error_code"] not in (0, topics.UNKNOWN):
                raise for_code(topic["error_code"])(name)
        return {name: len(described[name]["partitions"]) if name in described else 0 for name in names}

    def _partitions(self, names: Iterable[str]) -> list[TopicPartition]:
        return [TopicPartition(self._settings.topic(n), p) for n in names for p in range(self._settings.partitions)]

    def _present(self, names: Iterable[str]) -> list[TopicPartition]:
        counts = self._counts([self._settings.topic(name) for name in names])
        return [tp for tp in self._partitions(names) if tp.partition < counts[tp.topic]]

    def _offsets(
        self, tps: Sequence[TopicPartition], spec: Any, *, isolation: Any = IsolationLevel.READ_UNCOMMITTED
    ) -> dict[TopicPartition, int]:
        if not tps:
            return {}
        return log_offsets(self._admin(), tps, spec, isolation=isolation, patience_s=self._patience_ms / 1000)

    def _admin(self) -> KafkaAdminClient:
        if self._client is None:
            self._client = topics.admin(
                bootstrap(self._settings), client_options(self._settings), request_timeout_ms=self._patience_ms
            )
        return self._client


def _places(offsets: Mapping[TopicPartition, int]) -> dict[Where, int]:
    return {(tp.topic, tp.partition): offset for tp, offset in offsets.items()}


def lasting_causes(settings: Settings) -> list[Cause]:
    """Look once, and return what has been missing for long enough to be said. Raises KafkaError, BadInput."""
    with Sight(settings) as sight:
        causes = sight.causes()
    now = utc_ms(int(time.time() * 1000))
    return [cause for cause in causes if lasts(cause, now)]


class Observer:
    """Looks again and again, in a thread of its own, and remembers since when each cause has been seen.

    A daemon thread: a broker that does not answer holds up neither the process's work nor its end.
    """

    def __init__(
        self, settings: Settings, apps: Iterable[str] = topics.SOURCES, now: Callable[[], float] = time.time
    ) -> None:
        """Look at what these applications read; the clock is given, so that tests can."""
        self._sight = Sight(settings, apps, patience_s=10.0)
        self._now = now
        self._seen: dict[tuple[Any, ...], str] = {}
        self._said: dict[tuple[Any, ...], Cause] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="completeness", daemon=True)
        self.current: list[Cause] = []
        """of the last look; replaced whole, so any thread may read it"""

    def start(self) -> None:
        """Begin to look, unless that has begun."""
        if self._thread.ident is None:
            # Whatever keeps us from looking is a cause, said once; the client would say it again and again.
            logging.getLogger("kafka").setLevel(logging.CRITICAL)
            self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._stop.set()

    def lasting(self) -> list[Cause]:
        """Return the causes that have lasted long enough to be said."""
        now = self.instant()
        return [cause for cause in self.current if lasts(cause, now)]

    def metrics(self) -> list[Metric]:
        """Return whether the figures are complete, and how much is missing, for how long, by cause."""
        now, lasting = self.instant(), self.lasting()

        def gauge(name: str, about: str, of: Callable[[Cause], float]) -> Metric:
            labels = [{"cause": c.cause, "topic": c.topic, "partition": f"{'' if c.partition is None else c.partition}"}
                      for c in lasting]  # fmt: skip
            return Metric(name, "gauge", about, [(at, of(c)) for at, c in zip(labels, lasting, strict=True)])

        return [
            Metric("lotrinh_complete", "gauge", "1: nothing is missing for long.", [({}, float(not lasting))]),
            gauge("lotrinh_incomplete_records", "Records that are missing.", lambda cause: cause.records),
            gauge("lotrinh_incomplete_seconds", "How long they have been.", lambda cause: age_s(cause, now)),
        ]

    def instant(self) -> str:
        """Return the time by our clock."""
        return utc_ms(int(self._now() * 1000))

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(LOOK_S)
        self._sight.close()

    def look(self) -> None:
        """Look once; not to be able to look is a cause as well."""
        try:
            gaps = self._sight.gaps()
            arrived = self._sight.arrivals(gaps)
        except Exception as exc:  # noqa: BLE001 - whatever the reason, it is not known what is missing
            log.debug("cannot look: %r", exc)
            self._sight.close()
            gaps, arrived = [Gap("unknown", "", None, None, 0)], {}
        self.note(gaps, arrived)

    def note(self, gaps: Iterable[Gap], arrived: Mapping[Gap, str]) -> None:
        """Take in what a look has found, and say once what has lasted, and once that it is over."""
        now = self.instant()
        seen: dict[tuple[Any, ...], str] = {}
        causes = []
        for gap in gaps:
            # What moves on is new each time: under steady traffic somebody is always a moment behind.
            moves = gap.cause in ("behind", "open-transaction")
            key = (gap.cause, gap.topic, gap.partition, gap.offset if moves else None)
            seen[key] = self._seen.get(key, now)
            since = min((at for at in (seen[key], arrived.get(gap)) if at is not None), key=moment_of)
            causes.append(Cause(gap.cause, gap.topic, gap.partition, since, gap.records))
        self._seen, self.current = seen, causes
        lasting = {cause.name: cause for cause in causes if lasts(cause, now)}
        for name, cause in lasting.items():
            if name not in self._said:
                log.warning("incomplete: %s", sentence(cause))
        for name, cause in self._said.items():
            if name not in lasting:
                log.info("over: %s", sentence(cause))
        self._said = lasting
