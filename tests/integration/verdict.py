"""The verdict on a system at rest: everything that came out, against the SQL oracle and against itself."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

from kafka import TopicPartition
from kafka.partitioner.default import murmur2

from models.dossiers.events import TOPICS
from streams.board.standings_log import newest_of
from streams.broker import topics
from streams.broker.reading import POSITION, consumer
from streams.settings import Settings
from tests.oracle.oracle import Oracle, Record

ROOT = Path(__file__).parents[2]
DECISION = ROOT / "models/data/decisions/thai-binh-2024.toml"
UNITS = ROOT / "models/data/units.csv"
YEAR_END = date(2024, 12, 31)
FIELDS = ("numerator", "denominator", "target", "status", "shortfall", "members")

Standings = dict[tuple[str, str], dict[str, Any]]
Dump = Mapping[str, list[Any]]


@dataclass
class Verdict:
    """What is wrong, counted, and what all records came to."""

    rows: int
    wrong_rows: int = 0
    lost_alerts: int = 0
    """rows whose alert the topic does not tell as the standings and their figures do"""
    alerts: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the closing line."""
        c = self.counts
        return (
            f"ALL-RECORDS-ACCOUNTED applied={c['applied']} unchanged={c['unchanged']} dead={c['refused']} "
            f"wrong={self.wrong_rows}/{self.rows}"
        )


def tally_changelog(settings: Settings) -> str:
    """The topic, without prefix, of tally's state."""
    return topics.changelog(settings, topics.TALLY, "dossiers").removeprefix(settings.prefix)


def dump(settings: Settings, names: Iterable[str]) -> Dump:
    """Everything committed in some topics (names without prefix), each partition in its order, by one consumer."""
    found: dict[str, list[Any]] = {name: [] for name in names}
    short = {settings.topic(name): name for name in found}
    reader = consumer(settings, fetch_max_wait_ms=50)
    try:
        tps = [TopicPartition(topic, p) for topic in short for p in range(settings.partitions)]
        reader.assign(tps)
        reader.seek_to_beginning(*tps)
        ends = {tp: end for tp, end in reader.end_offsets(tps).items() if end}
        of_partition: dict[TopicPartition, list[Any]] = {tp: [] for tp in tps}
        while ends:
            for tp, records in reader.poll(timeout_ms=200, max_records=5_000).items():
                of_partition[tp] += records
            # By position: the end of a transactional log is a marker, which no reader is ever given.
            ends = {tp: end for tp, end in ends.items() if reader.position(tp) < end}
    finally:
        reader.close()
    for tp, records in of_partition.items():
        found[short[tp.topic]] += records
    return found


def standings_of(records: Iterable[Any]) -> Standings:
    """The newest standing under each key."""
    return {(s["unit"], s["indicator"]): s for s in newest_of(records)}  # type: ignore[misc]


def counts_of(records: Iterable[Any]) -> dict[str, int]:
    """The three counters of tally's state, added up over its partitions (I2)."""
    latest = {r.partition: r.value for r in records if r.key == POSITION}
    found = [json.loads(value)["memo"]["counts"] for value in latest.values()]
    return {k: sum(c[k] for c in found) for k in ("applied", "unchanged", "refused")}


def inbound_of(found: Dump) -> list[Record]:
    """Every record of the inbound topics, as it lies in the log."""
    return [
        Record(r.value, r.key or b"", tuple((k, v) for k, v in r.headers), r.topic, r.partition, r.offset)
        for name in TOPICS
        for r in found[name]
    ]


def judge(settings: Settings) -> Verdict:
    """Compare everything with the oracle and with itself."""
    changelog = tally_changelog(settings)
    found = dump(settings, (*TOPICS, topics.STANDINGS, topics.ALERTS, topics.DEAD_LETTERS, changelog))
    records = inbound_of(found)
    oracle = Oracle(DECISION, UNITS, catalogue=settings.catalogue)
    placed = [r for r in records if _belongs(r, settings)]
    oracle.load(placed)
    expected, ours = oracle.standings(YEAR_END), standings_of(found[topics.STANDINGS])
    verdict = Verdict(len(expected), alerts=len(found[topics.ALERTS]), counts=counts_of(found[changelog]))
    _judge_rows(verdict, expected, ours)
    _judge_order(verdict, found[topics.STANDINGS])
    lost = _judge_alerts(verdict, found[topics.ALERTS], ours) | _judge_rows_and_alerts(verdict, found)
    verdict.lost_alerts = len(lost)
    counts, refused = verdict.counts, oracle.counts["refused"] + len(records) - len(placed)
    letters = [json.loads(r.value) for r in found[topics.DEAD_LETTERS]]
    if sum(counts.values()) != len(records):
        verdict.problems.append(f"{counts} of {len(records)} records")
    if not counts["refused"] == refused == len({(d["topic"], d["partition"], d["offset"]) for d in letters}):
        verdict.problems.append(f"{counts['refused']} refused, {len(letters)} dead letters, the oracle says {refused}")
    return verdict


def _belongs(record: Record, settings: Settings) -> bool:
    """Whether a record lies where its key belongs, by other people's code; without a key it is refused anyhow."""
    if settings.partitioner == "any" or not record.key:
        return True
    hashed = crc32(record.key) if settings.partitioner == "consistent" else murmur2(record.key) & 0x7FFFFFFF
    return hashed % settings.partitions == record.partition


def _judge_rows(verdict: Verdict, expected: Standings, ours: Standings) -> None:
    wrong: list[Any] = []
    for key, theirs in expected.items():
        row = ours.get(key)
        if row is None or any(_plain(row.get(f)) != _plain(theirs.get(f)) for f in FIELDS):
            wrong.append((key, theirs, row))
    wrong += [(key, None, ours[key]) for key in ours.keys() - expected.keys()]
    verdict.wrong_rows = len(wrong)
    if wrong:
        verdict.problems.append(f"{len(wrong)} wrong rows of {len(expected)}: {wrong[:3]}")


def _judge_order(verdict: Verdict, history: Iterable[Any]) -> None:
    """No older row after a newer one (I4), and every row of one unit in one partition, so that there is an order."""
    newest: dict[bytes, tuple[str, int]] = {}
    homes: dict[bytes, int] = {}
    for record in history:
        version = _version(record)
        unit = record.key.split(b"/", 2)[2]
        if homes.setdefault(unit, record.partition) != record.partition:
            verdict.problems.append(f"rows of {unit!r} lie in partitions {homes[unit]} and {record.partition}")
        before, at = newest.get(record.key, ("", -1))
        if version <= before:
            verdict.problems.append(
                f"an older row of {record.key!r} after a newer one: {version} at {record.partition}/{record.offset} "
                f"after {before} at {at}"
            )
        newest[record.key] = version, record.offset


def _judge_alerts(verdict: Verdict, records: Iterable[Any], standings: Standings) -> set[tuple[str, str]]:
    """Firing and its end alternate, every id once, and what is open is what is below (I3)."""
    alerts = [json.loads(r.value) for r in records]
    if len({a["id"] for a in alerts}) != len(alerts):
        verdict.problems.append("an alert transition stands twice in the topic")
    last: dict[str, dict[str, Any]] = {}
    for alert in alerts:
        before = last.get(alert["fingerprint"])
        if (alert["status"] == "firing") != (before is None or before["status"] != "firing"):
            verdict.problems.append(f"firing and its end do not alternate: {alert['id']}")
        last[alert["fingerprint"]] = alert
    judged = [a for a in last.values() if a["indicator"] != "*"]  # those of data are about no standing
    still_open = {(a["unit"], a["indicator"]) for a in judged if a["status"] == "firing"}
    below = {key for key, s in standings.items() if s["status"] == "below" and not key[0].endswith("/communes")}
    if wrong := still_open ^ below:
        verdict.problems.append(f"{len(wrong)} alerts are open and not below, or below and not open: {[*wrong][:3]}")
    return wrong


def _judge_rows_and_alerts(verdict: Verdict, found: Dump) -> set[tuple[str, str]]:
    """Every standing there ever was names the alert that the topic had open at that standing's version (I3).

    Both leave in one transaction, so a transition that was lost, or said twice, between two others shows here.
    """
    open_at: dict[tuple[str, str], tuple[list[int], list[str | None]]] = {}
    where: dict[tuple[str, str], int] = {}
    for record in found[topics.ALERTS]:
        alert = json.loads(record.value)
        evidence = json.loads(dict(record.headers)["evidence"])
        key = alert["unit"], alert["indicator"]
        positions, ids = open_at.setdefault(key, ([], []))
        positions.append(evidence["position"])
        ids.append(alert["id"] if alert["status"] == "firing" else None)
        where[key] = evidence["partition"]
    wrong: dict[tuple[str, str, str], str] = {}
    for record in found[topics.STANDINGS]:
        if record.value is None:
            continue
        row = json.loads(record.value)
        key = row["unit"], row["indicator"]
        if key[0].endswith("/communes"):
            continue
        positions, ids = open_at.get(key, ([], []))
        at = bisect_right(positions, int(row["version"].split(".")[1]))
        expected = ids[at - 1] if at else None
        said = None if row["alert"] is None else row["alert"]["id"]
        if said != expected:
            wrong[(*key, str(said))] = f"{row['version']} says {said}, the topic {expected}"
    if wrong:
        verdict.problems.append(f"{len(wrong)} standings and alerts differ: {[*wrong.items()][:3]}")
    return {(unit, indicator) for unit, indicator, _ in wrong}


def _version(record: Any) -> str:
    if record.value is None:
        return dict(record.headers)["version"].decode()  # type: ignore[no-any-return]
    version: str = json.loads(record.value)["version"]
    return version


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
