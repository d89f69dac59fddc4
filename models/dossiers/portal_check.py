"""What will go wrong with a portal's records, told from a sample of them, in plain sentences with counts.

A pure fold over records and batches in the order of their logs; `Examination.findings` says what was found. Nothing of
a record is repeated: reasons are those of dead letters, places are topic, partition and offset.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from models.calendar.civil_time import moment_of
from models.dossiers.events import IMPLIED, Event, Refused, decode
from models.dossiers.likely_causes import NULLS_LEAST, WRONG_KEY, with_cause_of_key
from models.partitioning import Partitioner, partition_of
from models.registers.codes import Codes

Level = Literal["ok", "warning", "failed"]
FUTURE_S: Final = 600
"""by which the time of an event may lie after its record was taken in: clocks differ"""
NO_VERSION: Final = "-"
"""the rank of an event without a version (models/dossiers/events.py, `stamp`)"""


class Where(NamedTuple):
    """Where a record or a batch lies."""

    topic: str
    """without prefix"""
    partition: int
    offset: int

    def __str__(self) -> str:
        """Say it as dead letters do."""
        return f"{self.topic}-{self.partition} @ {self.offset}"


class Sample(NamedTuple):
    """A record as it lies in its log."""

    where: Where
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    taken_in: float
    """when the broker took it in, Unix s"""


class Batch(NamedTuple):
    """What the head of a record batch says of its producer."""

    where: Where
    records: int
    codec: str
    idempotent: bool
    transactional: bool


@dataclass(frozen=True)
class Finding:
    """One thing found: how many of how many, where the first lies, what to do."""

    check: str
    level: Level
    text: str
    remedy: str = ""
    count: int = 0
    of: int = 0
    first: Where | None = None


class About(NamedTuple):
    """A kind of finding: the text goes on after "12 of 200 records"."""

    check: str
    level: Level
    text: str
    remedy: str


TWICE: Final = About("ids", "ok", "came before, byte for byte: a retry, which changes nothing", "")
TWO_CONTENTS: Final = About(
    "ids", "warning", "have an id that an earlier record with other content has: both count as events",
    "give every event an id of its own, the same one when it is sent again",
)  # fmt: skip
SAME_VERSION: Final = About(
    "versions", "warning", "have the version of an earlier record of their dossier: `at` and id decide between them",
    "let `version` grow with every revision of a dossier",
)  # fmt: skip
OLDER: Final = About(
    "versions", "warning", "have a smaller version than an earlier record of their dossier: its facts stay",
    "harmless for what comes late; else let `version` grow with every revision of a dossier",
)  # fmt: skip
UNVERSIONED: Final = About(
    "versions", "failed", "have no version, after a record of their dossier that has one: none of their facts wins",
    "send `version` in all events or in none",
)  # fmt: skip
LEAVE_OUT: Final = "leave unset fields out: @JsonInclude(JsonInclude.Include.NON_NULL) in Jackson"
JACKSON: Final = About(
    "nulls", "warning", f"write unset fields as null ({NULLS_LEAST} and more): null takes a fact back",
    LEAVE_OUT,
)  # fmt: skip
TAKES_BACK: Final = About(
    "nulls", "failed", "take back by null what an earlier record of their dossier had said",
    LEAVE_OUT,
)  # fmt: skip
FUTURE: Final = About(
    "times", "warning", "tell of times after their record was sent",
    "see whether local times are sent as UTC (Z in place of +07:00)",
)  # fmt: skip
UNKNOWN_UNIT: Final = About(
    "units", "warning", "are of a unit that no registry knows: counted under its code, shown nowhere",
    "send codes of the registry, or add the unit (LOTRINH_UNITS)",
)  # fmt: skip
TWO_PARTITIONS: Final = About(
    "partitions", "failed", "are of a dossier that also has records in another partition: it counts twice, by halves",
    "let every producer go by one partitioner, and set LOTRINH_PARTITIONER to it",
)  # fmt: skip
NOT_IDEMPOTENT: Final = About(
    "batches", "warning", "are not idempotent: after a retry records may come twice and in another order",
    "set enable.idempotence=true and acks=all; versions make what has come harmless",
)  # fmt: skip


@dataclass
class _Dossier:
    """What the sample has told of a dossier so far."""

    rank: str = ""
    partition: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    """fact that was told → stamp"""


@dataclass
class Examination:
    """Examines records and batches as they come; `knows` tells whether a registry knows a unit."""

    partitions: int
    partitioner: Partitioner
    knows: Callable[[str], bool]
    codes: Codes = "ascii"
    records: int = 0
    batches: int = 0
    _found: dict[About, tuple[int, Where]] = field(default_factory=dict)
    _dossiers: dict[str, _Dossier] = field(default_factory=dict)
    _digest_of: dict[str, str] = field(default_factory=dict)
    _fits: dict[Partitioner, int] = field(default_factory=dict)
    _keyed: int = 0
    _astray: tuple[int, Where | None] = (0, None)
    _codecs: dict[str, int] = field(default_factory=dict)
    _transactional: int = 0

    def _note(self, about: About, where: Where) -> None:
        count, first = self._found.get(about, (0, where))
        self._found[about] = count + 1, first

    def take_batch(self, batch: Batch) -> None:
        """Take the head of a batch in."""
        self.batches += 1
        self._codecs[batch.codec] = self._codecs.get(batch.codec, 0) + 1
        self._transactional += batch.transactional
        if not batch.idempotent:
            self._note(NOT_IDEMPOTENT, batch.where)

    def take(self, sample: Sample) -> None:
        """Take a record in."""
        self.records += 1
        event = decode(sample.value, sample.headers, self.codes)
        if isinstance(event, Refused):
            self._note(About("forms", "failed", f"are refused: {event.reason}", ""), sample.where)
            return
        if sample.key != event.dossier.encode():
            why = with_cause_of_key(WRONG_KEY, sample.key, event.dossier)
            self._note(About("keys", "failed", f"are refused: {why}", ""), sample.where)
            return
        self._place(event, sample.where)
        for about in self._of_event(event, sample):
            self._note(about, sample.where)

    def _place(self, event: Event, where: Where) -> None:
        key = event.dossier.encode()
        self._keyed += 1
        for partitioner in _CHECKED:
            fits = partition_of(key, self.partitions, partitioner) == where.partition
            self._fits[partitioner] = self._fits.get(partitioner, 0) + fits
            if partitioner == self.partitioner and not fits:
                count, first = self._astray
                self._astray = count + 1, first or where

    def _of_event(self, event: Event, sample: Sample) -> Iterator[About]:
        """Yield what is odd about an event, by itself and beside earlier ones of its dossier and its id."""
        rank, at, id_, digest = event.stamp.split("\t")
        if moment_of(at).timestamp() > sample.taken_in + FUTURE_S:
            yield FUTURE
        if event.facts.get("unit") is not None and not self.knows(event.facts["unit"]):
            yield UNKNOWN_UNIT
        known = self._digest_of.setdefault(id_, "")
        self._digest_of[id_] = known or digest
        if known == digest:
            yield TWICE
            return
        if known:
            yield TWO_CONTENTS
        is_new = self._dossiers.get(event.dossier) is None
        dossier = self._dossiers.setdefault(event.dossier, _Dossier(partition=sample.where.partition))
        if not is_new and self.partitioner == "any" and dossier.partition != sample.where.partition:
            yield TWO_PARTITIONS
        yield from _of_nulls(event, dossier)
        yield from _of_versions(rank, dossier, is_new=is_new)
        dossier.facts.update({name: event.stamp for name, fact in event.facts.items() if fact is not None})

    # -- what is said --------------------------------------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """Return what was found, the gravest first; what is well is said too."""
        found = [
            Finding(
                about.check, about.level,
                f"{count} of {of} {what} {about.text}",
                about.remedy, count, of, first,
            )
            for about, (count, first) in self._found.items()
            for what, of in ((("batches", self.batches) if about is NOT_IDEMPOTENT else ("records", self.records)),)
        ]  # fmt: skip
        found += self._of_partitions()
        if self.batches:
            told = ", ".join(f"{codec} {count}" for codec, count in sorted(self._codecs.items()))
            found.append(Finding("codecs", "ok", f"batches by codec: {told}", count=self.batches, of=self.batches))
            if self._transactional:
                text = f"{self._transactional} of {self.batches} batches are of transactions: counted once committed"
                found.append(Finding("transactions", "ok", text, count=self._transactional, of=self.batches))
        return sorted(found, key=lambda f: _GRAVITY.index(f.level))

    def _of_partitions(self) -> Iterable[Finding]:
        count, first = self._astray
        if not self._keyed or self.partitioner == "any":
            return
        told = ", ".join(f"{by} fits {self._fits[by]} of {self._keyed} keys" for by in _CHECKED)
        if not count:
            text = f"every key lies where {self.partitioner} (LOTRINH_PARTITIONER) puts it"
            yield Finding("partitions", "ok", text, count=self._keyed, of=self._keyed)
            return
        other: Partitioner = "murmur2" if self.partitioner == "consistent" else "consistent"
        whole = self._fits[other] == self._keyed
        remedy = (
            f"portals go by {other}: set LOTRINH_PARTITIONER={other} for every process and command"
            if whole
            else f"let every producer go by {self.partitioner} (docs/portal.md, Partitioner)"
        )
        text = f"{count} of {self._keyed} records lie where {self.partitioner} does not put their key, and are refused"
        yield Finding("partitions", "failed", f"{text}: {told}", remedy, count, self._keyed, first)


_CHECKED: Final[tuple[Partitioner, ...]] = ("murmur2", "consistent")
_GRAVITY: Final[tuple[Level, ...]] = ("failed", "warning", "ok")


def _of_nulls(event: Event, dossier: _Dossier) -> Iterator[About]:
    """Judge the nulls of an event: many at once are unset fields, and no facts taken back on purpose."""
    implied: Mapping[str, Any] = IMPLIED.get(event.type, {})
    nulls = [name for name, fact in event.facts.items() if fact is None and name not in implied]
    if len(nulls) < NULLS_LEAST:
        return
    yield JACKSON
    if any(dossier.facts.get(name, event.stamp) < event.stamp for name in nulls):
        yield TAKES_BACK


def _of_versions(rank: str, dossier: _Dossier, *, is_new: bool) -> Iterator[About]:
    """Judge a version beside the greatest that came before it for its dossier."""
    before = dossier.rank
    dossier.rank = max(before, rank)
    if is_new or NO_VERSION == before == rank:
        return
    if rank == NO_VERSION:
        yield UNVERSIONED
    elif rank == before:
        yield SAME_VERSION
    elif rank < before:
        yield OLDER
