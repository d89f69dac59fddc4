"""Findings about the data: dossiers that count wrongly, or not at all, for a reason that somebody can mend.

Nothing here refuses or changes anything: what is found is counted all the same (contract: a unit that no registry knows
is kept). `faults` judges what is known of one dossier, `silent_sources` who has stopped sending; `Survey` adds them up.
Both are pure functions of what they are given, the time included, for whoever raises alerts of them.
"""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from models.calendar.civil_time import civil_day, instant_of, moment_of
from models.dossiers.events import TIMES, Event
from models.dossiers.instants import days_of
from models.registers.catalogue import Catalogue
from models.registers.units import Registry, Succession

Kind = Literal[
    "unknown-unit", "missing-unit", "missing-channel", "result-before-reception", "result-without-reception",
    "future-date", "open-over-a-year", "online-not-offered", "two-units", "two-partitions", "source-silent",
]  # fmt: skip

UNITS_MAX: Final = 1_000
"""units that are listed per kind of finding, those with most dossiers; all are counted"""
CODES_MAX: Final = 20
"""dossier codes that a finding shows; all are counted"""
OPEN_DAYS: Final = 365
"""after which a dossier that was received and has no result is worth a question"""
SILENT_WORKING_DAYS: Final = 2
"""whole working days without a record, after which a source is silent"""


class Advice(NamedTuple):
    """What a kind of finding is called, and what is to be done; Vietnamese, for officials."""

    title: str
    action: str


ADVICE: Final[Mapping[Kind, Advice]] = {
    "unknown-unit": Advice(
        "Đơn vị không có trong danh mục",
        "Bổ sung đơn vị vào tệp --units, hoặc sửa mã đơn vị tại nguồn hay trong bảng --mapping.",
    ),
    "missing-unit": Advice("Hồ sơ không có đơn vị", "Gửi lại hồ sơ kèm mã đơn vị có thẩm quyền tiếp nhận."),
    "missing-channel": Advice(
        "Thiếu kênh nộp hồ sơ", "Gửi lại kèm kênh thực hiện; hiện đang tính là không trực tuyến."
    ),
    "result-before-reception": Advice(
        "Có kết quả trước khi tiếp nhận", "Đối chiếu ngày tiếp nhận, ngày kết thúc xử lý và ngày trả tại nguồn."
    ),
    "result-without-reception": Advice(
        "Có kết quả nhưng không có ngày tiếp nhận", "Gửi lại kèm ngày tiếp nhận; hiện đang tính theo ngày nộp."
    ),
    "future-date": Advice("Ngày ở tương lai", "Sửa ngày tại nguồn; hồ sơ chưa được tính cho đến ngày đó."),
    "open-over-a-year": Advice(
        "Tiếp nhận đã hơn một năm, chưa có kết quả", "Kết thúc, dừng xử lý hoặc cập nhật kết quả của hồ sơ tại nguồn."
    ),
    "online-not-offered": Advice(
        "Nộp trực tuyến thủ tục chưa cung cấp trực tuyến", "Kiểm tra kênh nộp của hồ sơ và mức độ của thủ tục."
    ),
    "two-units": Advice(
        "Một mã hồ sơ ở hai đơn vị, không có sự kiện chuyển", "Gửi sự kiện chuyển hồ sơ, hoặc sửa mã bị trùng."
    ),
    "two-partitions": Advice(
        "Một hồ sơ nằm ở hai phân vùng, bị tính hai lần",
        "Thống nhất cách phân vùng của mọi hệ thống gửi và của lotrinh (LOTRINH_PARTITIONER), rồi tính lại từ đầu.",
    ),
    "source-silent": Advice("Nguồn dữ liệu im lặng", "Kiểm tra kết nối và tiến trình gửi của nguồn."),
}


@dataclass(frozen=True)
class Measure:
    """What dossiers are held against."""

    registry: Registry
    now: str
    """canonical instant"""
    catalogue: Catalogue | None = None
    successions: tuple[Succession, ...] = ()


def faults(known: Mapping[str, Any], measure: Measure) -> Iterator[tuple[Kind, str]]:
    """Yield (kind, unit) for what is wrong with a dossier; `known` is field → value. A deleted one has no faults.

    The unit is '' where none is known.
    """
    if known.get("status") == "deleted":
        return
    unit = known.get("unit") or ""
    for code in [unit, *sorted({v for k, v in known.items() if k.startswith("copy_unit@")} - {unit})]:
        if code and not measure.registry.knows(code):
            yield "unknown-unit", code
    received, ends = known.get("received_at"), _ends(known)
    if received is not None and any(at < received for at in ends):
        yield "result-before-reception", unit
    if any(at > measure.now for at in _times(known)):
        yield "future-date", unit
    if days_of(known) is not None:
        for kind in _faults_of_counted(known, unit, measure):
            yield kind, unit


def _faults_of_counted(known: Mapping[str, Any], unit: str, measure: Measure) -> Iterator[Kind]:
    """Yield what is wrong with a dossier that counts as received."""
    received = known.get("received_at")
    if not unit:
        yield "missing-unit"
    if known.get("channel") is None:
        yield "missing-channel"
    if received is None:
        yield "result-without-reception"
    elif not _ends(known) and known.get("status") is None and received < _days_before(measure.now, OPEN_DAYS):
        yield "open-over-a-year"
    filed = received or known.get("submitted_at")
    if measure.catalogue is not None and known.get("channel") == "online" and filed is not None:
        day = date.fromisoformat(civil_day(filed))
        rows = [row for row in measure.catalogue.of(unit, day) if row.procedure == known.get("procedure")]
        if rows and all(row.level == "none" for row in rows):
            yield "online-not-offered"


def _ends(known: Mapping[str, Any]) -> list[str]:
    return [at for at in (known.get("resolved_at"), known.get("issued_at")) if at is not None]


def _times(known: Mapping[str, Any]) -> Iterator[str]:
    """Yield every time of a dossier, of its payments and of its copies."""
    for name, value in known.items():
        if value is not None and (name in TIMES or name.startswith(("paid_at@", "copied_at@"))):
            yield value


def _days_before(at: str, days: int) -> str:
    return instant_of(moment_of(at) - timedelta(days=days))


# -- sources -----------------------------------------------------------------------------------------------------------


class Silence(NamedTuple):
    """A source that has sent nothing for a while."""

    source: str
    last: str
    """when the newest of its records happened"""
    working_days: int
    """whole working days since, without a record"""


def source_of(event_id: str) -> str:
    """Return the source an event's id names: what stands before the first colon, '' where none does.

    >>> source_of("tb:000.17.34-240930-0012:7")
    'tb'
    """
    head, colon, _ = event_id.partition(":")
    return head if colon else ""


def is_weekday(day: date) -> bool:
    """Tell whether a day is Monday to Friday."""
    return day.weekday() < 5


def silent_sources(
    heard: Mapping[str, str],
    now: str,
    working_days: int = SILENT_WORKING_DAYS,
    is_working: Callable[[date], bool] = is_weekday,
) -> tuple[Silence, ...]:
    """Return the sources (source → instant of its newest record) without a record on so many whole working days.

    The day of the newest record and today are not whole days, so that a week-end or Tết is no silence.

    >>> silent_sources({"tb": "2024-09-26T16:00:00+07:00"}, "2024-10-01T08:00:00+07:00")
    (Silence(source='tb', last='2024-09-26T16:00:00+07:00', working_days=2),)
    """
    today = date.fromisoformat(civil_day(now))
    found = []
    for source, last in sorted(heard.items()):
        day, passed = date.fromisoformat(civil_day(last)) + timedelta(days=1), 0
        while day < today:
            passed += is_working(day)
            day += timedelta(days=1)
        if passed >= working_days:
            found.append(Silence(source, last, passed))
    return tuple(found)


# -- a survey of all dossiers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """So many dossiers of a unit have the same fault."""

    kind: Kind
    unit: str
    count: int
    dossiers: tuple[str, ...]
    """the first of their codes, at most `CODES_MAX`"""


@dataclass
class Survey:
    """Adds up findings. Holds a few words per dossier of a file, and nothing per dossier where states are surveyed."""

    measure: Measure
    heard: dict[str, str] = field(default_factory=dict)
    """source → instant of its newest record; what lies in the future is not heard yet"""
    dossiers: int = 0
    halves: set[str] = field(default_factory=set)
    """dossiers that a running system holds in two partitions; each is judged once per half"""
    _found: dict[tuple[Kind, str], list[Any]] = field(default_factory=dict)
    _unit: dict[str, str] = field(default_factory=dict)
    _units: dict[str, set[str]] = field(default_factory=dict)
    _moved: dict[str, set[str]] = field(default_factory=dict)

    def hear(self, stamps: Iterable[str]) -> None:
        """Take note of when sources have spoken, by the stamps of their events."""
        for stamp in stamps:
            _, at, id_, _ = stamp.split("\t")
            source = source_of(id_)
            if self.heard.get(source, "") < at <= self.measure.now:
                self.heard[source] = at

    def take(self, event: Event) -> None:
        """Take note of one event: who spoke, and which unit it names. Order does not matter."""
        self.hear((event.stamp,))
        unit = event.facts.get("unit")
        if unit is None:
            return
        unit = self.measure.registry.counts_for(unit)  # an office and its district are one
        if event.type == "transferred":
            self._moved.setdefault(event.dossier, set()).add(unit)
        elif self._unit.setdefault(event.dossier, unit) != unit:
            self._units.setdefault(event.dossier, {self._unit[event.dossier]}).add(unit)

    def judge(self, dossier: str, known: Mapping[str, Any]) -> None:
        """Judge what is known of a dossier, once all its events have been taken."""
        self.dossiers += 1
        for kind, unit in faults(known, self.measure):
            self._add(kind, unit, dossier)
        if dossier in self.halves:
            self.halves.discard(dossier)  # told once, under the unit of one half
            self._add("two-partitions", known.get("unit") or "", dossier)
        named = self._units.get(dossier)
        if named and known.get("status") != "deleted":
            heirs = {s.heir for s in self.measure.successions if s.predecessor in named}
            if len(named - heirs - self._moved.get(dossier, set())) > 1:
                self._add("two-units", known.get("unit") or "", dossier)

    def _add(self, kind: Kind, unit: str, dossier: str) -> None:
        found = self._found.setdefault((kind, unit), [0, []])
        found[0] += 1
        if len(found[1]) < CODES_MAX or dossier < found[1][-1]:
            insort(found[1], dossier)
            del found[1][CODES_MAX:]

    def findings(self) -> list[Finding]:
        """Return what was found, by kind in the order of `ADVICE`, the unit with most dossiers first.

        Of each kind at most `UNITS_MAX` units: any number may be named that no registry knows.
        """
        order = {kind: n for n, kind in enumerate(ADVICE)}
        found = [Finding(k, u, count, tuple(codes)) for (k, u), (count, codes) in self._found.items()]
        found.sort(key=lambda f: (order[f.kind], -f.count, f.unit))
        listed: Counter[Kind] = Counter()
        few = []
        for finding in found:
            listed[finding.kind] += 1
            if listed[finding.kind] <= UNITS_MAX:
                few.append(finding)
        return few

    def not_listed(self, findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
        """Return kind → how many units, and how many dossiers, are left out of a list of findings."""
        left = {kind: [*self.in_all(kind)] for kind, _ in self._found}
        for finding in findings:
            left[finding.kind][0] -= 1
            left[finding.kind][1] -= finding.count
        return {kind: {"units": n, "dossiers": of} for kind, (n, of) in sorted(left.items()) if n}

    def in_all(self, kind: Kind) -> tuple[int, int]:
        """Return (units, dossiers) that have a fault, those that are not listed too."""
        counts = [count for (of, _), (count, _) in self._found.items() if of == kind]
        return len(counts), sum(counts)
