"""A backup: what cannot be derived, in one compressed file of JSON lines, and how such a file is read and trusted.

Everything else follows from it. The file is written whole or not at all; its last line says how many lines of each
kind there are, and their hash, so that what is damaged or cut short is known before anything is done with it.

What was told of alerts is read first, what watch remembers of them next, then the alerts themselves, then the facts: so
nothing is remembered of which the file does not hold what came before.
"""

import base64
import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import zstandard
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from models.decisions.reading import Reading
from streams.broker import formats, topics
from streams.broker.reading import POSITION, consumer, records_of
from streams.errors import BadInput
from streams.monitoring.completeness import Sight
from streams.records.messages import EVIDENCE_HEADER
from streams.settings import Settings

FACTS: Final = topics.INBOUND
KEPT: Final = (topics.DELIVERIES, topics.ALERTS, topics.OPERATORS, topics.PERIODS, *FACTS)
"""topics whose records a backup holds, in the order in which they are read and written"""
DERIVED: Final = (topics.TICKS, topics.TALLIES, topics.STANDINGS, topics.HEARTBEATS, topics.DEAD_LETTERS)
"""topics that follow from those, or from the time"""
MEMORY: Final = "memory"
"""kind of a line: what watch remembers of one alert, which follows from ticks that are kept for two weeks only"""
LEVEL: Final = 6
CHUNK_BYTES: Final = 1 << 16
"""read at once, compressed"""
TAIL_RECORDS: Final = 500
STILL_S: Final = 0.1
"""within which a partition's logs must not have grown, to be read as of one moment"""
ATTEMPTS: Final = 40

Say = Callable[[int], object]


class Line(NamedTuple):
    """One record of a backup; `kind` is a topic without its prefix, or `MEMORY`."""

    kind: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    def dump(self) -> bytes:
        """Return the line."""
        said: dict[str, Any] = {"t": self.kind, "p": self.partition, "o": self.offset}
        for name, raw in (("k", self.key), ("v", self.value)):
            if raw is not None:
                said.update(_text(name, raw))
        if self.headers:
            said["h"] = [[name, base64.b64encode(raw).decode()] for name, raw in self.headers]
        return orjson.dumps(said) + b"\n"

    @classmethod
    def load(cls, said: Mapping[str, Any]) -> "Line":
        """Read a line."""
        headers = tuple((name, base64.b64decode(raw)) for name, raw in said.get("h", ()))
        return cls(said["t"], said["p"], said["o"], _raw("k", said), _raw("v", said), headers)


def _text(name: str, raw: bytes) -> dict[str, str]:
    """Return bytes as text where they are text, else in base 64."""
    try:
        return {name: raw.decode()}
    except UnicodeDecodeError:
        return {f"{name}64": base64.b64encode(raw).decode()}


def _raw(name: str, said: Mapping[str, Any]) -> bytes | None:
    if f"{name}64" in said:
        return base64.b64decode(said[f"{name}64"])
    text = said.get(name)
    return None if text is None else str(text).encode()


class Manifest(NamedTuple):
    """What a backup says of itself."""

    head: Mapping[str, Any]
    """of what it was made: created, release, decision, fingerprints, partitions"""
    counts: Mapping[str, int]
    """kind → lines"""
    end: Mapping[str, Any]
    """of the whole: counts, hash, clocks, how many inbound records there had been"""

    @property
    def clock(self) -> str | None:
        """The instant up to which every partition of watch had judged; None where one had not begun."""
        clocks = [self.end["clocks"].get(str(p)) for p in range(self.head["partitions"])]
        return None if None in clocks else min(clocks)


# -- writing -----------------------------------------------------------------------------------------------------------


class _Writer:
    """Writes lines into a compressed file that appears when it is whole."""

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self._path, self._temporary = path, path.with_name(f"{path.name}.part")
        try:
            self._file = self._temporary.open("wb")
        except OSError as exc:
            raise BadInput(f"{path}: {exc.strerror or exc}") from exc
        params = zstandard.ZstdCompressionParameters.from_level(LEVEL, write_checksum=True)
        self._out = zstandard.ZstdCompressor(compression_params=params).stream_writer(self._file, closefd=False)
        self._hash = hashlib.sha256()
        self.counts: Counter[str] = Counter()
        self._put(orjson.dumps(head) + b"\n")

    def _put(self, line: bytes) -> None:
        self._hash.update(line)
        self._out.write(line)

    def add(self, line: Line) -> None:
        """Add a line."""
        self._put(line.dump())
        self.counts[line.kind] += 1

    def finish(self, end: Mapping[str, Any]) -> int:
        """Write the last line and let the file appear; return its size in bytes."""
        said = {"end": True, "counts": dict(self.counts), **end, "sha256": self._hash.hexdigest()}
        self._out.write(orjson.dumps(said) + b"\n")
        self._out.close()  # type: ignore[no-untyped-call]  # zstandard's stub leaves it out
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._path)
        return self._path.stat().st_size

    def give_up(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


class Written(NamedTuple):
    """What came of a backup."""

    counts: Mapping[str, int]
    size: int
    """bytes of the file"""
    gone: Mapping[str, int]
    """inbound partition → records that the topic no longer holds: what they said is not in the file"""
    held: Mapping[str, int]
    """inbound partition → records behind an open transaction: they have arrived, and are not in the file"""
    odd: int
    """open alerts of which `alerts` and the memory of watch say different things"""


def write_backup(settings: Settings, reading: Reading, path: Path, created: str, say: Say = lambda _: None) -> Written:
    """Write a backup of the running system; `say` is told of so many more records. Raises BadInput."""
    head = {
        "lotrinh-backup": formats.FILES[formats.BACKUP].writes,
        "created": created,
        "release": version("lotrinh"),
        "decision": reading.decision.id,
        "fold": reading.fold_fingerprint(),
        "fingerprint": reading.fingerprint(),
        "partitions": settings.partitions,
        "partitioner": settings.partitioner,
    }
    out = _Writer(path, head)
    try:
        latest: dict[bytes | None, Line] = {}
        for line in _lines(settings, topics.DELIVERIES):
            latest[line.key] = line
        _add(out, latest.values(), say)
        watched = _watched(settings)
        _add(out, (line for of in watched.values() for line in of.memory), say)
        open_alerts: dict[bytes | None, bool] = {}
        for line in _lines(settings, topics.ALERTS):
            if _is_judged(line, watched):
                open_alerts[line.key] = orjson.loads(line.value or b"{}").get("status") == "firing"
                _add(out, (line,), say)
        remembered = {m for of in watched.values() for m in of.open}
        odd = len(remembered ^ {key for key, firing in open_alerts.items() if firing and key is not None})
        for name in (topics.OPERATORS, topics.PERIODS):
            _add(out, _lines(settings, name), say)
        first, last = _bounds(settings)
        for name in FACTS:
            _add(out, _lines(settings, name), say)
        clocks = {str(p): of.clock for p, of in watched.items()}
        gone = {f"{topic}-{p}": at for (topic, p), at in first.items() if at}
        size = out.finish({"clocks": clocks, "inbound": sum(last.values()), "gone": gone})
    except BaseException:
        out.give_up()
        raise
    return Written(dict(out.counts), size, gone, _held(settings), odd)


def _held(settings: Settings) -> dict[str, int]:
    """Return how many offsets of the inbound topics lie behind somebody's open transaction. Raises BadInput."""
    try:
        with Sight(settings) as sight:
            stable, high = sight.stable(FACTS), sight.high(FACTS)
    except KafkaError as exc:
        raise BadInput(f"Kafka does not say what is still open: {type(exc).__name__}") from exc
    return {f"{topic}-{p}": end - stable[topic, p] for (topic, p), end in high.items() if end > stable[topic, p]}


def _add(out: _Writer, lines: Any, say: Say) -> None:
    for line in lines:
        out.add(line)
        say(1)


def _lines(settings: Settings, name: str) -> Iterator[Line]:
    for r in records_of(settings, name):
        headers = tuple((n, v) for n, v in r.headers or () if v is not None)
        yield Line(name, r.partition, r.offset, r.key, r.value, headers)


def _bounds(settings: Settings) -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], int]]:
    """Return where the inbound topics begin and end."""
    reader = consumer(settings)
    try:
        tps = [TopicPartition(settings.topic(name), p) for name in FACTS for p in range(settings.partitions)]
        first, last = reader.beginning_offsets(tps), reader.end_offsets(tps)
    finally:
        reader.close()
    return {(t.topic, t.partition): at for t, at in first.items()}, {
        (t.topic, t.partition): at for t, at in last.items()
    }


class _Watched(NamedTuple):
    """What one partition of watch remembers, at one moment."""

    position: int
    clock: str | None
    memory: list[Line]
    open: set[bytes]
    """fingerprints of open alerts"""


def _is_judged(line: Line, watched: Mapping[int, _Watched]) -> bool:
    """Tell whether a transition was raised by what the memory remembers, or before."""
    said = dict(line.headers).get(EVIDENCE_HEADER)
    if said is None:
        return True
    evidence = orjson.loads(said)
    known = watched.get(evidence["partition"])
    return known is None or bool(evidence["position"] <= known.position)


def _watched(settings: Settings) -> dict[int, _Watched]:
    """Return what every partition of watch remembers, each at one moment. Raises BadInput."""
    unit_days, alerts = (topics.changelog(settings, topics.WATCH, table) for table in ("unit-days", "alerts"))
    reader = consumer(settings, max_partition_fetch_bytes=8 << 20)
    try:
        return {p: _watched_partition(reader, unit_days, alerts, p) for p in range(settings.partitions)}
    finally:
        reader.close()


def _watched_partition(reader: KafkaConsumer, positions: str, alerts: str, partition: int) -> _Watched:
    tps = [TopicPartition(positions, partition), TopicPartition(alerts, partition)]
    ends = _still(reader, tps)
    newest = _newest_position(reader, tps[0], ends[tps[0]])
    if newest is None:
        return _Watched(0, None, [], set())
    formats.check_state(topics.WATCH, newest.headers, f"{positions}-{partition} @ {newest.offset}")
    progress = orjson.loads(newest.value)
    rows: dict[bytes, Any] = {}
    for record in _read(reader, tps[1], reader.beginning_offsets(tps)[tps[1]], ends[tps[1]]):
        if record.value is None:
            rows.pop(record.key, None)
        else:
            rows[record.key] = record
    memory = [Line(MEMORY, partition, r.offset, orjson.loads(key).encode(), r.value) for key, r in rows.items()]
    kept = [orjson.loads(line.value or b"{}") for line in memory]
    opened = {m["open"]["fired"]["fingerprint"].encode() for m in kept if m["open"] is not None}
    return _Watched(sum(progress["next"].values()), progress["memo"].get("clock"), memory, opened)


def _still(reader: KafkaConsumer, tps: list[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Return where logs end that are written together, while nothing is being written. Raises BadInput."""
    for _ in range(ATTEMPTS):
        before = dict(reader.end_offsets(tps))
        time.sleep(STILL_S)
        if dict(reader.end_offsets(tps)) == before:
            return before
    raise BadInput(
        f"watch is at work on partition {tps[0].partition} all the time: stop the watch workers, then try again"
    )


def _newest_position(reader: KafkaConsumer, tp: TopicPartition, end: int) -> Any:
    """Return the newest position row, which stands near the end; None where there is none."""
    first, back = reader.beginning_offsets([tp])[tp], TAIL_RECORDS
    while first < end:
        start = max(first, end - back)
        found = [r for r in _read(reader, tp, start, end) if r.key == POSITION]
        if found or start == first:
            return found[-1] if found else None
        back *= 20
    return None


def _read(reader: KafkaConsumer, tp: TopicPartition, start: int, end: int) -> Iterator[Any]:
    reader.assign([tp])
    reader.seek(tp, start)
    while reader.position(tp) < end:
        for record in reader.poll(timeout_ms=500).get(tp, []):
            if record.offset < end:
                yield record


# -- reading -----------------------------------------------------------------------------------------------------------


def lines_in(path: Path, say: Say = lambda _: None) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a backup, as they are; `say` is told of so many bytes more of the file. Raises BadInput."""
    frame, rest = zstandard.ZstdDecompressor().decompressobj(), b""
    try:
        with path.open("rb") as file:
            while not frame.eof and (chunk := file.read(CHUNK_BYTES)):
                *lines, rest = (rest + frame.decompress(chunk)).split(b"\n")
                yield from map(orjson.loads, lines)
                say(len(chunk))
            whole = frame.eof and not frame.unused_data and not rest and not file.read(1)
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    except (zstandard.ZstdError, orjson.JSONDecodeError) as exc:
        raise BadInput(f"{path} is no backup of lotrinh, or damaged: {exc}; take another copy") from exc
    if not whole:
        raise BadInput(f"{path} is cut short, or something was added to it: take another copy")


def check_backup(path: Path, say: Say = lambda _: None) -> Manifest:
    """Read a backup to its end and return what it says of itself. Raises BadInput where it is not what was written."""
    counts: Counter[str] = Counter()
    digest, head, end = hashlib.sha256(), None, None
    for said in lines_in(path, say):
        if not isinstance(said, dict) or (head is None and "lotrinh-backup" not in said):
            raise BadInput(f"{path} is no backup of lotrinh")
        if end is not None:
            raise BadInput(f"{path} is damaged: it goes on after its end; take another copy")
        if "end" in said:
            end = said
            continue
        if head is None:
            head = said
            formats.check_file(formats.BACKUP, head["lotrinh-backup"], str(path))
        else:
            counts[said.get("t", "")] += 1
        digest.update(orjson.dumps(said) + b"\n")
    if head is None or end is None:
        raise BadInput(f"{path} is damaged: its last line is missing; take another copy")
    if end["counts"] != dict(counts) or end["sha256"] != digest.hexdigest():
        raise BadInput(f"{path} is damaged: it does not hold what its last line says; take another copy")
    return Manifest(head, counts, end)
