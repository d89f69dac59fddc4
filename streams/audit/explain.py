"""Explains an alert: what it was judged by, the rule asked once more, the transition made again from the log."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple, cast

import orjson
from kafka import TopicPartition

from models.alerting.rules import RULES, Inputs, Verdict, chance, severity
from models.decisions.reading import Reading
from models.standings.standings import shortfall
from models.wording import chance_text, number_text, percent_text
from streams.audit.alert_log import Told, told_alerts
from streams.broker import topics
from streams.broker.formats import check_record
from streams.broker.reading import consumer
from streams.engine import Fetch, Owner
from streams.engine.progress import Progress
from streams.errors import BadInput
from streams.notify.texts import KIND, SEVERITY, Names, when_text
from streams.records.messages import dumps
from streams.settings import Settings
from streams.workers.watch import WatchTables, WatchWork

STATUS: Final[Mapping[str, str]] = {"firing": "cảnh báo", "resolved": "đã kết thúc", "retracted": "đã rút lại"}
CHUNK: Final = 2_000
ID_CHARS_MIN: Final = 6


class Again(NamedTuple):
    """What came of making a transition again from the log."""

    same: bool | None
    """bit for bit; None: it could not be tried"""
    why: str


class Asked(NamedTuple):
    """What a rule says to the inputs of a firing, and whether it is what it said then."""

    verdict: Verdict
    severity: str
    same: bool


def find(settings: Settings, name: str) -> tuple[Told, list[Told]]:
    """Return the transition of an id (or its beginning), and all of its episode in order. Raises BadInput."""
    if len(name) < ID_CHARS_MIN:
        raise BadInput(
            f"{name}: cần ít nhất {ID_CHARS_MIN} ký tự đầu của mã cảnh báo | "
            f"give at least {ID_CHARS_MIN} characters of an alert's id"
        )
    told = told_alerts(settings)
    found = {t.transition["id"]: t for t in told if t.transition["id"].startswith(name)}
    if len(found) != 1:
        many = len(found)
        raise BadInput(
            f"{name}: {f'{many} cảnh báo' if many else 'không cảnh báo nào'} có mã bắt đầu như vậy | "
            f"{f'{many} alerts have' if many else 'no alert has'} an id that begins so"
        )
    one = next(iter(found.values()))
    of_alert = [t for t in told if t.transition["fingerprint"] == one.transition["fingerprint"]]
    until = next(n for n, t in enumerate(of_alert) if t.transition["id"] == one.transition["id"])
    first = max(n for n, t in enumerate(of_alert[: until + 1]) if t.transition["status"] == "firing")
    return one, of_alert[first : until + 1]


def judged_again(fired: Mapping[str, Any]) -> Asked | None:
    """Ask the rule of a firing once more by its stored inputs.

    None where it has no inputs (a silent feed, an unknown unit).
    """
    if "inputs" not in fired:
        return None
    rule = RULES[str(fired["rule"]).partition("/")[0]]
    inputs = cast("Inputs", fired["inputs"])
    verdict = rule.judge(inputs)
    grave = severity(fired["kind"], inputs) if rule.daily else "warning"
    same = (verdict.kind, grave, rule.name) == (fired["kind"], fired["severity"], fired["rule"])
    return Asked(verdict, grave, same)


def made_again(settings: Settings, reading: Reading, told: Told) -> Again:
    """Read the log up to where the transition was raised, through the very code of watch, and compare its bytes."""
    evidence = told.evidence
    if evidence is None:
        return Again(None, "it does not say where in the log it comes from")
    if evidence["reading"] != reading.fingerprint():
        return Again(None, "decision, catalogue, registry or rules have changed since (another fingerprint)")
    tp = TopicPartition(settings.topic(topics.TALLIES), evidence["partition"])
    reader = consumer(settings)
    try:
        reader.assign([tp])
        if reader.beginning_offsets([tp])[tp] > 0:
            return Again(None, "the log of counters no longer goes back to its beginning")
        reader.seek_to_beginning(tp)
        for transition in _watched(settings, reading, _records(reader, tp, evidence["position"]), tp):
            if transition["id"] == told.transition["id"]:
                same = dumps(transition) == told.value
                return Again(same, "" if same else f"the log gives {dumps(transition).decode()}")
    finally:
        reader.close()
    return Again(same=False, why="the log does not lead to it")


def _records(reader: Any, tp: TopicPartition, end: int) -> Iterator[list[Any]]:
    while reader.position(tp) < end:
        for records in reader.poll(timeout_ms=500, max_records=CHUNK).values():
            before = [r for r in records if r.offset < end]
            for record in before:
                check_record(topics.TALLIES, record.headers, f"{tp.topic}-{tp.partition} @ {record.offset}")
            if before:
                yield before


def _watched(
    settings: Settings, reading: Reading, chunks: Iterator[list[Any]], tp: TopicPartition
) -> Iterator[dict[str, Any]]:
    """Yield the transitions that watch raises over a log, with state in memory."""
    owner = _Memory(tp.partition)
    tables = cast("WatchTables", _Tables())
    work = WatchWork(cast("Owner", owner), reading, settings, tables)
    work.restored(renewed=True)
    for chunk in chunks:
        rest = chunk
        while rest:
            fetch = Fetch(cast("Any", tp), rest, rest[0].offset, chunk[-1].offset + 1)
            tables.unit_days.fetch = fetch
            work.take(fetch)
            yield from cast("list[dict[str, Any]]", work.raised())
            rest = rest[len(fetch.records) :]


class _Memory:
    """Stands in for the owner of a partition: a memo and rows, and nothing that is written anywhere."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.progress = Progress()
        self.memo = self.progress.memo
        self.epoch = 0
        self.position = 0

    def spend(self, records: int) -> None:
        """Nothing is committed here."""

    def rows(self, table: Any) -> Iterator[tuple[Any, Any]]:
        yield from [*table.all_rows()]


class _Rows(dict[Any, Any]):
    def all_rows(self) -> Iterator[tuple[Any, Any]]:
        yield from self.items()


class _Windowed:
    """A windowed table: rows by key and by the window that the fetch in hand is at."""

    def __init__(self) -> None:
        self._rows: dict[Any, Any] = {}
        self.fetch: Any = None

    def _at(self, key: Any) -> Any:
        return key, (self.fetch.at, self.fetch.at)

    def __getitem__(self, key: Any) -> "_Cell":
        return _Cell(self._rows.get(self._at(key), {}))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._rows[self._at(key)] = value

    def all_rows(self) -> Iterator[tuple[Any, Any]]:
        yield from self._rows.items()


class _Cell(NamedTuple):
    row: Any

    def value(self) -> Any:
        return self.row


class _Tables:
    def __init__(self) -> None:
        self.unit_days, self.gaps, self.alerts, self.announced = _Windowed(), _Rows(), _Rows(), _Rows()


def sentences(reading: Reading, told: Told, episode: list[Told], again: Again) -> Iterator[str]:
    """Tell an alert in Vietnamese: what was judged, by which rule, from where, and whether it comes out again."""
    fired, one = episode[0].transition, told.transition
    names = Names(reading)
    who = " – ".join(filter(None, (names.unit(one["unit"]), names.indicator(one["indicator"]))))
    yield f"{who} – {KIND[one['kind']]} ({SEVERITY[one['severity']]})"
    for step in episode:
        when, status = when_text(step.transition["at"]), STATUS[step.transition["status"]]
        yield f"  {when}  {status}: {step.transition['reason']}"
    inputs = fired.get("inputs")
    if inputs is not None:
        figures = inputs["numerator"], inputs["denominator"]
        expected = None if inputs["expected"] is None else Fraction(inputs["expected"])
        yield f"Quy tắc {fired['rule']}; số liệu khi đánh giá: {figures[0]}/{figures[1]}"
        line = "–" if expected is None else percent_text(expected)
        yield f"Lộ trình {line}, còn thiếu {number_text(shortfall(figures, expected))}"
        by_chance, met = chance_text(chance(figures, expected)), chance_text(inputs["probability"])
        yield f"Xác suất do ngẫu nhiên: {by_chance}; xác suất đạt chỉ tiêu cuối kỳ: {met}"
        yield "Đầu vào: " + orjson.dumps(inputs).decode()
        if "basis" in fired:
            yield "Cơ sở dự báo: " + orjson.dumps(fired["basis"]).decode()
    judged = judged_again(fired)
    if judged is not None:
        agrees = "khớp" if judged.same else "KHÔNG KHỚP"
        yield f"Hỏi lại quy tắc với cùng đầu vào: {judged.verdict.kind} ({judged.severity}) – {agrees}"
    yield f"Bản ghi: alerts/{told.partition}@{told.offset}" + (
        "" if told.evidence is None
        else f"; dẫn từ {told.evidence['topic']}/{told.evidence['partition']}@{told.evidence['position']}"
    )  # fmt: skip
    state = {True: "khớp từng byte", False: "KHÔNG KHỚP", None: "không tính lại được"}[again.same]
    yield f"Tính lại từ nhật ký: {state}" + (f" – {again.why}" if again.why else "")
