"""Judges what Kafka has said of a deployment: topics, copies, groups, ticks, clocks, positions, lag, compaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from models.decisions.reading import Reading
from models.standings.completeness import Cause, Kind, lasts, sentence
from streams.broker import replicas as copies
from streams.broker import topics
from streams.doctor.checks import SKEW_S_MAX, Finding, Level, room
from streams.doctor.cluster import Facts
from streams.errors import BadInput
from streams.settings import Settings

KAFKA_LEAST: Final = (2, 8)
KAFKA_TESTED: Final = (4, 0)
DISTINCT_LEAST: Final = 0.5
"""of a changelog's oldest records, once it is larger than two segments: compacted, every key stands there once"""
TICK_S_MAX: Final = 120
"""ticks older than this many seconds, or than three steps, are missing"""


REMEDIES: Final[Mapping[Kind, str]] = {
    "no-owner": "start a worker; if it is running, its log says why it has nothing",
    "partition-unread": "move to another number of partitions with `lotrinh topics grow`: nothing is lost "
    "(docs/operations.md, More partitions)",
    "partition-missing": "the topic was made anew: see docs/operations.md, Backup and restore",
    "open-transaction": "let the portal end its transaction, or end it for it: `kafka-transactions.sh abort` "
    "(docs/operations.md, An open transaction)",
    "not-judged": "see `watch`, `tally` and `rules`: watch judges what tally has counted, by the same rules",
    "behind": "if it does not shrink, start further workers, up to one per partition",
    "unknown": "see `kafka`, and the rights of this principal (deploy/acls.yml)",
}


def kafka_findings(facts: Facts, settings: Settings, reading: Reading, now: float) -> Iterator[Finding]:
    """Judge everything Kafka has said; `now` is our clock, Unix seconds."""
    yield _version(facts)
    yield from _topics(facts, settings)
    if facts.missing:
        return
    yield _replication(facts, settings)
    yield from (room("broker disk", f"broker {node}", *free) for node, free in sorted(facts.disks.items()))
    yield from _workers(facts, settings)
    yield _ticks(facts, settings, now)
    yield _clocks(facts, settings, now)
    yield _positions(facts, settings)
    yield _formats(facts)
    yield _rules(facts, reading)
    yield _lag(facts, settings)
    yield _partitioner(facts, settings)
    yield _largest_row(facts, settings)
    yield _dead_letters(facts)
    yield _compaction(facts)


def _version(facts: Facts) -> Finding:
    said = f"Kafka {'.'.join(map(str, facts.version))} or later, {facts.brokers} broker{'s'[: facts.brokers > 1]}"
    if facts.version < KAFKA_LEAST:
        return Finding(
            "kafka",
            "failed",
            said,
            "transactions may not fence a paused worker off",
            f"use Kafka {'.'.join(map(str, KAFKA_TESTED))} or later",
        )
    if facts.version < KAFKA_TESTED:
        return Finding("kafka", "warning", said, "tested with Kafka 4 only", "plan an upgrade of the brokers")
    return Finding("kafka", "ok", said)


def _topics(facts: Facts, settings: Settings) -> Iterator[Finding]:
    for name in facts.missing:
        yield Finding("topics", "failed", f"topic {name} is missing", "no worker starts", "run `lotrinh topics apply`")
    for problem in facts.problems:
        yield Finding(
            "topics",
            "failed",
            problem,
            "no worker starts",
            "make it anew, or migrate (docs/operations.md, More partitions)",
        )
    off = [text for spec in topics.specs(settings) for text in _deviations(spec, facts.configs.get(spec.name))]
    for text in off:
        yield Finding(
            "topics",
            "warning",
            text,
            "records may be gone before they are read, or kept without end",
            "set it with kafka-configs.sh --alter, unless it is meant",
        )
    if not (facts.missing or facts.problems or off):
        yield Finding("topics", "ok", f"{len(facts.configs)} topics with {settings.partitions} partitions each")


def _deviations(spec: topics.TopicSpec, found: dict[str, str] | None) -> Iterator[str]:
    """Name what is set otherwise than `topics apply` sets it; longer retention is fine, policy is judged elsewhere."""
    for name, expected in spec.configs.items():
        value = found.get(name, "") if found else expected  # settings that cannot be read are told elsewhere
        if name == "cleanup.policy" or value == expected or (name == "retention.ms" and _longer(value, expected)):
            continue
        yield f"topic {spec.name} has {name}={value}, {expected} is expected"


def _longer(value: str, expected: str) -> bool:
    return int(value) == -1 or (int(expected) != -1 and int(value) > int(expected))


def _replication(facts: Facts, settings: Settings) -> Finding:
    behind = sorted({topic for (topic, _), (replicas, in_sync) in facts.replicas.items() if in_sync < replicas})
    if behind:
        return Finding(
            "replication",
            "warning",
            f"replicas out of sync: {', '.join(behind)}",
            "one more broker lost stops writing",
            "see which broker is away (kafka-topics.sh --describe --under-replicated-partitions)",
        )
    try:
        want = copies.wanted(settings, facts.brokers)
    except BadInput as exc:
        return Finding("replication", "failed", str(exc), "no topic can be made", "set it to what there is")
    if problems := copies.weak(want, facts.kept):
        return Finding(
            "replication",
            "warning",
            "; ".join(problems),
            "a lost disk loses facts for good, or one broker away stops writing",
            f"mend it: {copies.MEND}",
        )
    alone = "; this machine's disk is the only copy: back it up" if want.copies == 1 else ""
    least = copies.counted(min((topic.copies for topic in facts.kept.values()), default=0), "copy", "copies")
    unseen = [name for name in copies.INTERNAL if name not in facts.kept]
    blind = f"; nobody says how many of {', '.join(unseen)}" if unseen else ""
    return Finding("replication", "ok", f"{least} of everything{alone}{blind}")


def _workers(facts: Facts, settings: Settings) -> Iterator[Finding]:
    for app in topics.TABLES:
        count = facts.members.get(app, 0)
        if count == 0:
            yield Finding(
                app,
                "failed",
                f"no worker is in the group {settings.topic(app)}",
                "nothing is counted or judged; the log waits",
                f"start `lotrinh worker {app}`; if it is running, its log says why it stopped",
            )
        else:
            idle = f"; {count - settings.partitions} stand by" if count > settings.partitions else ""
            yield Finding(app, "ok", f"{count} worker{'s'[: count > 1]} for {settings.partitions} partitions{idle}")


def _ticks(facts: Facts, settings: Settings, now: float) -> Finding:
    if settings.clock == "records":
        return Finding("ticks", "skipped", "the clock is a replay's (LOTRINH_CLOCK=records)")
    age = None if facts.newest_tick is None else now - facts.newest_tick[1] / 1000
    if age is None or age > max(TICK_S_MAX, 3 * settings.tick_seconds):
        said = "no tick has ever been written" if age is None else f"the newest tick is {age:.0f} s old"
        return Finding(
            "ticks",
            "failed",
            said,
            "nothing is judged, and no alert begins or ends",
            "a tally worker ticks: see `tally`",
        )
    return Finding("ticks", "ok", f"the newest tick is {max(0.0, age):.0f} s old")


def _clocks(facts: Facts, settings: Settings, now: float) -> Finding:
    """Compare the broker's clock with ours, and with that of the worker that wrote the newest tick."""
    if facts.newest_tick is None:
        return Finding("clocks", "skipped", "there is no record to compare by")
    said, appended_ms = facts.newest_tick
    appended = appended_ms / 1000
    wrong = []
    if appended - now > SKEW_S_MAX:
        wrong.append(f"the broker's clock is {appended - now:.1f} s ahead of ours")
    if said is not None and settings.clock == "wall":
        # A tick says its instant brought down to a whole step, so it may be up to one step older than its record.
        behind = appended - datetime.fromisoformat(said).timestamp()
        step = max(1.0, settings.tick_seconds)
        if not -SKEW_S_MAX <= behind <= step + SKEW_S_MAX:
            wrong.append(f"a worker's clock and the broker's differ by {abs(behind):.1f} s")
    if wrong:
        return Finding(
            "clocks",
            "warning",
            "; ".join(wrong),
            "civil days begin at the wrong moment, freshness is shown wrongly",
            "run an NTP client on every host",
        )
    return Finding("clocks", "ok", f"broker, workers and this machine agree within {SKEW_S_MAX:.0f} s")


def _positions(facts: Facts, settings: Settings) -> Finding:
    """Compare the states' positions with the logs: below a beginning facts are gone, above an end it is another log."""
    if not facts.states:
        return Finding("positions", "skipped", "there is no state yet")
    for (app, partition), state in sorted(facts.states.items()):
        for topic, at in state["next"].items():
            where = topic, partition
            if where not in facts.first:
                continue
            if at < facts.first[where]:
                return Finding(
                    "positions",
                    "failed",
                    f"{topic}-{partition} begins at {facts.first[where]}, {app} has come to {at}: trimmed",
                    f"{facts.first[where] - at} records were never counted; {app} refuses to start",
                    "publish them again from the portal (docs/operations.md, Trimmed below the position)",
                )
            if at > facts.last[where]:
                return Finding(
                    "positions",
                    "failed",
                    f"{topic}-{partition} ends at {facts.last[where]}, {app} has come to {at}: another log",
                    f"{app} refuses to start",
                    "restore topics and changelogs from the same moment (docs/operations.md, Backup)",
                )
    off = sum(
        abs(at - facts.committed.get((app, topic, partition), at))
        for (app, partition), state in facts.states.items()
        for topic, at in state["next"].items()
    )
    return Finding(
        "positions",
        "ok",
        f"{len(facts.states)} states of {len(topics.TABLES) * settings.partitions} lie within their logs; "
        f"the groups' offsets, which nobody reads back, differ by {off}",
    )


def _formats(facts: Facts) -> Finding:
    """Tell whether this release can work on the states."""
    if facts.foreign:
        return Finding(
            "formats",
            "failed",
            facts.foreign[0],
            f"workers of this release stop at the start: {len(facts.foreign)} of {len(facts.states)} states",
            "run the release that the sentence names (docs/operations.md, Formats)",
        )
    return Finding("formats", "ok", "every state is in a format that this release reads")


def _rules(facts: Facts, reading: Reading) -> Finding:
    """Tell whether the states were made by the rules of these settings."""
    ours = {topics.TALLY: reading.fold_fingerprint(), topics.WATCH: reading.fingerprint()}
    other = sorted({app for (app, _), state in facts.states.items() if state["fingerprint"] != ours[app]})
    if other:
        return Finding(
            "rules",
            "warning",
            f"{' and '.join(other)} work by other rules than these settings name",
            "the wall shows another decision, catalogue or switch than is set here",
            "restart the workers with these settings: a new epoch begins by itself; or correct the settings",
        )
    return Finding("rules", "ok", "the states were made by the rules of these settings")


def _lag(facts: Facts, settings: Settings) -> Finding:
    behind: dict[str, int] = {}
    for app, names in topics.SOURCES.items():
        for topic in topics.named(settings, names):
            for partition in range(settings.partitions):
                where = topic, partition
                at = facts.states.get((app, partition), {"next": {}})["next"].get(topic, facts.first[where])
                behind[app] = behind.get(app, 0) + max(0, facts.high[where] - at)
    said = ", ".join(f"{app} {count}" for app, count in behind.items())
    if max(behind.values()) > settings.pending_records_max:
        return Finding(
            "lag",
            "warning",
            f"records behind: {said}",
            "standings are of some time ago, and evaluations wait",
            "if it does not shrink, start further workers, up to one per partition",
        )
    return Finding("lag", "ok", f"records behind: {said}")


def _partitioner(facts: Facts, settings: Settings) -> Finding:
    """Tell whether records lie where their keys belong, as tally has found; what `any` hides is looked for."""
    memos = [state["memo"] for (app, _), state in facts.states.items() if app == topics.TALLY]
    remedy = "see docs/operations.md, Partitioning"
    others = sorted({memo["partitioner"] for memo in memos if "partitioner" in memo} - {settings.partitioner})
    if others:
        return Finding(
            "partitioner",
            "failed",
            f"tally goes by {', '.join(others)}, these settings say {settings.partitioner} (LOTRINH_PARTITIONER)",
            "what is imported or redriven with these settings lies where tally does not want it, and is refused",
            "give every process and command the same setting",
        )
    refused: Counter[str] = Counter()
    for memo in memos:
        refused.update(memo.get("misplaced", {}))
    astray = sum(memo.get("astray", 0) for memo in memos)
    said = [f"{count} records of {topic} were refused for their partition" for topic, count in refused.items()]
    said += [f"{astray} dossiers were counted where their key does not belong"] if astray else []
    if facts.halves:
        said.append(f"{len(facts.halves)} dossiers lie in two partitions, {min(facts.halves)} the first")
    if said:
        level: Level = "failed" if astray or facts.halves else "warning"
        follows = "such a dossier counts twice, each time by half" if level == "failed" else "what they say is missing"
        return Finding("partitioner", level, f"by {settings.partitioner}: {'; '.join(said)}", follows, remedy)
    checked = "no dossier lies in two partitions" if settings.partitioner == "any" else "no record lies elsewhere"
    return Finding("partitioner", "ok", f"{settings.partitioner}: {checked}")


def _largest_row(facts: Facts, settings: Settings) -> Finding:
    """Hold the largest dossier's row against what the broker takes."""
    sizes = [s["memo"].get("largest_row", 0) for (app, _), s in facts.states.items() if app == topics.TALLY]
    changelog = topics.changelog(settings, topics.TALLY, "dossiers")
    limit = int(facts.configs[changelog].get("max.message.bytes", topics.RECORD_BYTES_MAX))
    size = max(sizes, default=0)
    said = f"{size} bytes of at most {limit} ({changelog}, max.message.bytes)"
    if 2 * size > limit:
        return Finding(
            "largest row",
            "warning",
            said,
            "beyond that limit tally stops: a source gives one code to many dossiers",
            f"raise max.message.bytes of the topic to {topics.RECORD_BYTES_MAX} or more; docs/operations.md, Limits",
        )
    return Finding("largest row", "ok", said)


def complete(causes: Iterable[Cause], now: str) -> Iterator[Finding]:
    """Judge what is missing from the figures, and say of each cause what to do."""
    found = [cause for cause in causes if lasts(cause, now)]
    for cause in found:
        level: Level = "warning" if cause.cause == "behind" else "failed"
        consequence = "the figures do not hold it; `--wait`, `close` and `report` refuse"
        yield Finding("complete", level, sentence(cause), consequence, REMEDIES[cause.cause])
    if not found:
        yield Finding("complete", "ok", "all that has arrived is counted, or about to be")


def _dead_letters(facts: Facts) -> Finding:
    counts = [state["memo"].get("counts", {}) for (app, _), state in facts.states.items() if app == topics.TALLY]
    refused, whole = sum(c.get("refused", 0) for c in counts), sum(sum(c.values()) for c in counts)
    if refused:
        return Finding(
            "dead letters",
            "warning",
            f"{refused} of {whole} records were refused",
            "what they say is not counted",
            "see `lotrinh dead-letters list`; correct the source, then `redrive` or publish again",
        )
    return Finding("dead letters", "ok", f"none of {whole} records was refused")


def _compaction(facts: Facts) -> Finding:
    if facts.sample is None or facts.sample[1] == 0:
        return Finding("compaction", "skipped", "there is no changelog to look at")
    where, read, distinct = facts.sample
    size, segment = facts.bytes.get(where, 0), int(facts.configs[where[0]]["segment.bytes"])
    said = f"{where[0]}-{where[1]} holds {size / 2**20:.1f} MiB"
    if size > 2 * segment and distinct < DISTINCT_LEAST * read:
        return Finding(
            "compaction",
            "warning",
            f"{said}, and of its oldest {read} records only {distinct} are of distinct keys",
            "the log cleaner does not run: changelogs grow without end and restarts take longer and longer",
            "see log-cleaner.log of the broker; its thread may have died: restart the broker",
        )
    return Finding("compaction", "ok", f"{said}, {distinct} distinct keys in its oldest {read} records")
