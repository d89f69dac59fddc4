"""What is missing from the figures: causes as values, judged from what a broker and a group say of each log.

Every place that speaks of complete figures asks `missing` and says its answer in the sentences of this module. A figure
is complete up to the *high* watermark of a log: what an open transaction holds back has arrived and is not counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple, get_args

from models.calendar.civil_time import moment_of
from models.wording import day_vn, number_text

Kind = Literal[
    "no-owner", "partition-unread", "partition-missing", "open-transaction", "not-judged", "behind", "unknown"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""those that nobody mends by waiting come first"""
LASTING_S: Final = 30
"""A cause younger than this is the normal course of things: a rebalance, a transaction, a fetch under way."""


class Log(NamedTuple):
    """One partition of a topic that an application reads, in offsets."""

    app: str
    topic: str
    partition: int
    first: int
    stable: int
    """Last stable offset: everything before it is committed or aborted."""
    high: int
    """High watermark: everything before it has arrived."""
    position: int | None
    """Committed offset of the group; None where it has counted nothing yet."""
    owned: bool
    """whether a member of the group has the partition"""


class Shape(NamedTuple):
    """How many partitions a topic has, and which offsets lie in those that nobody reads."""

    topic: str
    expected: int
    found: int
    beyond: Mapping[int, tuple[int, int]] = {}
    """partition from `expected` on → first offset, high watermark"""


class Gap(NamedTuple):
    """A cause before its time is known: where in the log the first missing record stands."""

    cause: Kind
    topic: str
    partition: int | None
    offset: int | None
    """Offset of the first missing record; None where none is missing."""
    records: int


class Cause(NamedTuple):
    """Why figures are incomplete: the object of `/readyz`, of the wall and of `--json`."""

    cause: Kind
    topic: str
    partition: int | None
    since: str | None
    """canonical instant: when the first missing record arrived, else since when it has been seen; None: not known"""
    records: int
    """Offsets that are not counted; markers of transactions have offsets too."""

    @property
    def name(self) -> tuple[Kind, str, int | None]:
        """Return what makes it the same cause when it is looked at again."""
        return self.cause, self.topic, self.partition


def missing(
    logs: Iterable[Log], shapes: Iterable[Shape], upto: Mapping[tuple[str, int], int] | None = None
) -> list[Gap]:
    """Return what is missing, the hardest causes first.

    `upto` gives, for some logs, an offset that stands in the place of the high watermark: what arrived after a question
    was asked is not missing from its answer.

    >>> log = Log("tally", "t", 0, first=0, stable=9, high=9, position=9, owned=True)._replace
    >>> missing([log()], [Shape("t", 4, 4)])
    []
    >>> missing([log(stable=5, position=5)], [])
    [Gap(cause='open-transaction', topic='t', partition=0, offset=5, records=4)]
    >>> missing([log(position=7)], [])
    [Gap(cause='behind', topic='t', partition=0, offset=7, records=2)]
    >>> missing([log(position=7)], [], {("t", 0): 7})
    []
    >>> missing([log(position=None, owned=False)], [])
    [Gap(cause='no-owner', topic='t', partition=0, offset=0, records=9)]
    >>> missing([], [Shape("t", 1, 2, {1: (0, 3)})])
    [Gap(cause='partition-unread', topic='t', partition=1, offset=0, records=3)]
    """
    found = [
        gap for log in logs for gap in _of_log(log, None if upto is None else upto.get((log.topic, log.partition)))
    ]
    found += [gap for shape in shapes for gap in _of_shape(shape)]
    return sorted(found, key=lambda gap: (KINDS.index(gap.cause), gap.topic, gap.partition or 0))


def _of_log(log: Log, upto: int | None) -> Iterable[Gap]:
    high = log.high if upto is None else min(log.high, upto)
    stable = min(log.stable, high)
    position = max(log.first, log.position or 0)
    behind = max(0, stable - position)
    if not log.owned:
        yield Gap("no-owner", log.topic, log.partition, position if behind else None, behind)
    elif behind:
        yield Gap("behind", log.topic, log.partition, position, behind)
    held = high - max(stable, position)
    if held > 0:
        yield Gap("open-transaction", log.topic, log.partition, max(stable, position), held)


def _of_shape(shape: Shape) -> Iterable[Gap]:
    for partition in range(shape.found, shape.expected):
        yield Gap("partition-missing", shape.topic, partition, None, 0)
    for partition in range(shape.expected, shape.found):
        first, high = shape.beyond.get(partition, (0, 0))
        yield Gap("partition-unread", shape.topic, partition, first if high > first else None, high - first)


def lasts(cause: Cause, now: str) -> bool:
    """Tell whether a cause has lasted long enough to be said; one whose beginning is unknown has.

    >>> lasts(Cause("behind", "t", 0, "2024-05-01T08:00:00+07:00", 1), "2024-05-01T08:00:29+07:00")
    False
    >>> lasts(Cause("behind", "t", 0, "2024-05-01T08:00:00+07:00", 1), "2024-05-01T08:00:30+07:00")
    True
    """
    return cause.since is None or moment_of(now) - moment_of(cause.since) >= timedelta(seconds=LASTING_S)


def age_s(cause: Cause, now: str) -> float:
    """Return for how many seconds a cause has lasted; 0 where that is not known."""
    return 0.0 if cause.since is None else max(0.0, (moment_of(now) - moment_of(cause.since)).total_seconds())


def as_json(causes: Iterable[Cause]) -> list[dict[str, Any]]:
    """Return causes as the contract's objects."""
    return [cause._asdict() for cause in causes]


# -- in words: the one place -------------------------------------------------------------------------------------------

_ENGLISH: Final[Mapping[Kind, str]] = {
    "no-owner": "no worker has {where}, where {records} wait{since}",
    "partition-unread": "no worker reads {where}, which is beyond the number of partitions of this deployment: "
    "{records} lie there{since}",
    "partition-missing": "{where} is not there, although the workers are to read it",
    "open-transaction": "{records} of {where} lie behind an open transaction{since}",
    "not-judged": "what has been counted has not been judged{since}",
    "behind": "a worker is {records} behind in {where}{since}",
    "unknown": "what is missing cannot be told: Kafka does not answer{since}",
}
_VIETNAMESE: Final[Mapping[Kind, str]] = {
    "no-owner": "không có tiến trình nào xử lý {where}, nơi {records} đang chờ{since}",
    "partition-unread": "không có tiến trình nào đọc {where}, nằm ngoài số phân vùng của hệ thống: "
    "{records} ở đó{since}",
    "partition-missing": "{where} không tồn tại, trong khi hệ thống phải đọc",
    "open-transaction": "{records} của {where} nằm sau một giao dịch chưa kết thúc{since}",
    "not-judged": "số đã đếm chưa được đánh giá{since}",
    "behind": "còn {records} chưa đếm ở {where}{since}",
    "unknown": "không biết số liệu thiếu gì: Kafka không trả lời{since}",
}
_BRIEF: Final[Mapping[Kind, tuple[str, str]]] = {
    "no-owner": ("bộ phận đếm không hoạt động", "no worker counts"),
    "partition-unread": ("có phân vùng không được đọc", "partitions are read by nobody"),
    "partition-missing": ("thiếu phân vùng", "partitions are missing"),
    "open-transaction": ("giao dịch của nguồn chưa kết thúc", "an open transaction of the source"),
    "not-judged": ("bộ phận đánh giá không hoạt động", "nothing has been judged"),
    "behind": ("đang đếm", "still counting"),
    "unknown": ("không hỏi được Kafka", "Kafka cannot be asked"),
}


def sentence(cause: Cause) -> str:
    """Return a cause as an English sentence: topic, partition, how many records, since when.

    >>> sentence(Cause("open-transaction", "p.dossier.paid", 2, "2024-05-01T08:00:05+07:00", 20))
    '20 records of p.dossier.paid-2 lie behind an open transaction, since 2024-05-01T08:00:05+07:00'
    """
    records = "1 record" if cause.records == 1 else f"{cause.records} records"
    since = "" if cause.since is None else f", since {moment_of(cause.since):%Y-%m-%dT%H:%M:%S}{cause.since[-6:]}"
    return _ENGLISH[cause.cause].format(where=_where(cause), records=records, since=since)


def sentence_vn(cause: Cause) -> str:
    """Return a cause as a Vietnamese sentence.

    >>> sentence_vn(Cause("behind", "p.dossier.paid", 2, "2024-05-01T08:00:05+07:00", 1234))
    'còn 1.234 bản ghi chưa đếm ở p.dossier.paid-2, từ 08:00 ngày 01/05/2024'
    """
    return _VIETNAMESE[cause.cause].format(
        where=_where(cause), records=f"{number_text(cause.records)} bản ghi", since=_since_vn(cause.since)
    )


def notice(causes: Sequence[Cause]) -> dict[str, str] | None:
    """Return what a wall says to those who look at figures, Vietnamese and English; None where nothing is missing.

    One sentence: the hardest kind of cause, how many records in all, since when the oldest of them.

    >>> notice([Cause("behind", "t", p, f"2024-05-01T08:0{p}:00+07:00", 10) for p in (1, 2)])["vi"]
    'Số liệu chưa đầy đủ: đang đếm (20 bản ghi, từ 08:01 ngày 01/05/2024)'
    """
    if not causes:
        return None
    vi, en = _BRIEF[min((c.cause for c in causes), key=KINDS.index)]
    records = sum(c.records for c in causes)
    since = min((c.since for c in causes if c.since is not None), key=moment_of, default=None)
    many = [f"{number_text(records)} bản ghi"] if records else []
    more = [f"{records} records"] if records else []
    if since is not None:
        many.append(_since_vn(since).removeprefix(", "))
        more.append(f"since {moment_of(since):%H:%M, %d %b %Y}")
    return {
        "vi": f"Số liệu chưa đầy đủ: {vi}" + (f" ({', '.join(many)})" if many else ""),
        "en": f"The figures are incomplete: {en}" + (f" ({', '.join(more)})" if more else ""),
    }


def _where(cause: Cause) -> str:
    return cause.topic if cause.partition is None else f"{cause.topic}-{cause.partition}"


def _since_vn(since: str | None) -> str:
    if since is None:
        return ""
    moment = moment_of(since)
    return f", từ {moment:%H:%M} ngày {day_vn(moment.date())}"
