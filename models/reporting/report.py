"""The table that goes to the Chairman's office: figures of a report period, the verdict at its end, what came later.

Two measures stand side by side (docs/adr/0009-reports-and-closed-periods.md). *Of the period* are numerator and
denominator of its own days, the comparison with the period before, and adjustments. *Cumulative*, from the decision's
first day to the period's last, is what the decision judges: expected, status and shortfall are those of the standing on
that day, so that report, wall and `evaluate` never disagree.

A closing is the published table itself. It is never changed: facts that come later appear beside it, as the difference
between what the same days hold now and what was published.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal, NamedTuple

from models.calendar.civil_time import civil_day, end_of
from models.calendar.periods import Holds, Label, Window, window, window_before
from models.counting.ledger import NONE, Figures
from models.decisions.reading import Reading
from models.reporting.closed_period import Closing
from models.reporting.report_lines import Key, Line, estimates_of, lines_of
from models.standings.completeness import Cause, sentence_vn
from models.standings.standings import Standings, Status
from models.wording import cell

CSV_COLUMNS: Final = (
    "row", "unit", "name", "indicator", "numerator", "denominator", "ratio", "target", "expected", "status",
    "shortfall", "previous_ratio", "change_points", "adjusted_numerator", "adjusted_denominator",
    "target_status",
)  # fmt: skip


class Due(NamedTuple):
    """Until when a report is to be sent, and the clause that says so."""

    latest: date
    clause: str


@dataclass(frozen=True)
class Known:
    """The counters a report is made from, and how far they go."""

    standings: Standings
    until: str
    """instant up to which everything that had arrived was counted"""
    positions: Mapping[str, int] = field(default_factory=dict)
    causes: Sequence[Cause] = ()
    """why they are incomplete, where somebody wanted them nevertheless"""
    complete_to: date | None = None
    """civil day up to which somebody says that nothing is missing, although no fact is as late"""


@dataclass(frozen=True)
class Report:
    """A report, ready to be written."""

    reading: Reading
    window: Window
    as_of: date
    """last civil day that is counted: the period's last, or an earlier one while it goes on"""
    known_until: str
    lines: Sequence[Line]
    switches: Mapping[str, str]
    before: Window | None
    before_is_closed: bool
    closings: Sequence[Closing] = ()
    """The closings of this period, the newest last; the lines show the figures of the newest."""
    adjustments: Mapping[Key, Figures] = field(default_factory=dict)
    """what later facts add to a closed period; every line has one where the period is closed"""
    estimates: Mapping[Key, float] = field(default_factory=dict)
    """percent at the end of the decision's year, by the run rate; only in a year's report made before its end"""
    last_year: Mapping[Key, Figures] = field(default_factory=dict)
    """figures of the same period of the year before, as they were published; empty where none was closed"""
    last_year_of: Closing | None = None
    """The closing that holds the figures of the year before."""
    dues: Sequence[Due] = ()
    """until when it is to be sent, where the decision says so"""
    causes: Sequence[Cause] = ()
    """why the figures are incomplete; those of a closing are what they were"""
    rules_changed: bool = False
    """counted by other rules than at the closing: adjustments then hold their effect too"""

    @property
    def closing(self) -> Closing | None:
        """Return the closing whose figures these are."""
        return self.closings[-1] if self.closings else None

    @property
    def first_judged(self) -> date:
        """Return the day from which cumulative figures count."""
        return self.reading.period(self.as_of)[0]

    @property
    def is_over(self) -> bool:
        """Tell whether all days of the period are counted."""
        return self.as_of >= self.window.last

    def statuses(self) -> Counter[Status]:
        """Return how many lines have which status, groups aside."""
        return Counter(line.status for line in self.lines if not line.is_group)

    def adjusted(self) -> int:
        """Return how many lines later facts have changed."""
        return sum(change != NONE for change in self.adjustments.values())


def period_of(reading: Reading, text: str) -> Window:
    """Return the days of a report period of a decision. Raises ValueError."""
    return window(Label.of(text), _months(reading), _holds(reading))


def _holds(reading: Reading) -> Holds:
    """Return the days for which a decision holds."""
    period = reading.decision.period
    if period.first is not None:
        return Holds(period.first, period.last)
    return Holds(date(period.yearly_from or 1, 1, 1), None)


def _months(reading: Reading) -> Literal["calendar", "15-14"]:
    return "15-14" if reading.switches["report_months"] == "15-14" else "calendar"


def make_report(known: Known, text: str, closings: Sequence[Closing], as_of: date | None = None) -> Report:
    """Return the report of a period: as closed, with adjustments, where it is closed; as known now where it is not.

    `closings` are all there are; `as_of` ends the counting before the period's last day. Raises ValueError where
    the period is none of the decision's, or has not begun.
    """
    reading = known.standings.reading
    label = Label.of(text)
    own = [c for c in closings if c.decision == reading.decision.id and c.period == str(label)]
    days = own[-1].window if own else period_of(reading, text)
    counted = days.last if as_of is None else min(days.last, as_of)
    if counted < days.first:
        raise ValueError(f"period {label} begins on {days.first}, the report is asked for up to {as_of}")
    if own and counted < days.last:
        raise ValueError(f"period {label} is closed: its figures are those of all its days, not those up to {as_of}")
    known.standings.move_to(counted)
    before = window_before(days, _months(reading), _holds(reading))
    published = _published(closings, reading, before)
    lines = lines_of(known.standings, days, before, published)
    year_ago = _year_ago(closings, reading, label, counted)
    common = Report(
        reading, days, counted, known.until, lines, dict(reading.switches), before, published is not None,
        causes=known.causes, last_year_of=year_ago,
        last_year={} if year_ago is None else {x.key: x.figures for x in year_ago.lines if x.status != "not-measured"},
    )  # fmt: skip
    if own:
        return _as_closed(common, own)
    if days.label.kind == "year" and counted < reading.period(counted)[1]:
        return replace(common, estimates=estimates_of(known.standings, lines))
    return common


def close_period(known: Known, text: str, closings: Sequence[Closing], closed_at: str, reason: str | None) -> Closing:
    """Return the closing of a period that has ended.

    Raises ValueError where it has not ended, or is closed already and no reason is given for closing it again.
    """
    reading = known.standings.reading
    days = period_of(reading, text)
    own = [c for c in closings if c.decision == reading.decision.id and c.period == str(days.label)]
    if own and reason is None:
        raise ValueError(
            f"period {days.label} was closed on {civil_day(own[-1].closed_at)}; what came later is shown as adjustments"
            " by `report`. To close it once more beside the first, give --again REASON"
        )
    if not own and reason is not None:
        raise ValueError(f"period {days.label} is not closed yet: leave --again away")
    said_whole = known.complete_to is not None and known.complete_to >= days.last
    if known.until < end_of(days.last) and not said_whole:
        raise ValueError(f"period {days.label} ends on {days.last}; counted so far is up to {known.until}")
    others = [c for c in closings if c not in own]
    report = make_report(known, text, others)
    if known.causes:  # stands in the record, and with it in every report of the period
        incomplete = f"số liệu chưa đầy đủ: {'; '.join(map(sentence_vn, known.causes))}"
        reason = incomplete if reason is None else f"{reason}; {incomplete}"
    vouched = known.complete_to if known.until < end_of(days.last) else None
    return Closing.made(
        decision=reading.decision.id, period=str(days.label), sequence=len(own) + 1, reason=reason,
        first=days.first, last=days.last, known_until=known.until, complete_to=vouched, closed_at=closed_at,
        positions=dict(known.positions), fold=reading.fold_fingerprint(), fingerprint=reading.fingerprint(),
        switches=dict(reading.switches), before_closed=report.before_is_closed, lines=tuple(report.lines),
    )  # fmt: skip


def _published(closings: Sequence[Closing], reading: Reading, before: Window | None) -> Mapping[Key, Figures] | None:
    """Return the published figures of the period before, where it is closed."""
    if before is None:
        return None
    for closing in reversed(closings):
        if closing.decision == reading.decision.id and closing.window == before:
            return {line.key: line.figures for line in closing.lines}
    return None


def _year_ago(closings: Sequence[Closing], reading: Reading, label: Label, day: date) -> Closing | None:
    """Return the newest closing of the same period of the year before; None where there is none.

    Of the decision itself where it held then. Otherwise that of the one decision that gave the same units the same
    indicators; where several did, none of them is last year's figure.
    """
    then = str(label._replace(year=label.year - 1))
    named = reading.targets(day).targets.keys()
    found: dict[str, Closing] = {}
    for closing in closings:
        if closing.period == then and any(line.key in named for line in closing.lines):
            found[closing.decision] = closing
    if reading.decision.id in found:
        return found[reading.decision.id]
    return next(iter(found.values())) if len(found) == 1 else None


def _as_closed(now: Report, own: Sequence[Closing]) -> Report:
    """Return the published lines, and what the same days hold now beyond them."""
    closing = own[-1]
    published = {line.key: line for line in closing.lines}
    current = {line.key: line for line in now.lines}
    lines = list(closing.lines)
    for line in now.lines:
        if line.key not in published and line.figures != NONE:
            # A unit that had nothing to show when the period was closed: published were no figures at all.
            empty = line._replace(numerator=0, denominator=0, cumulative_numerator=0, cumulative_denominator=0)
            status: Status = line.status if line.status in ("no-target", "not-measured") else "no-dossiers"
            lines.append(empty._replace(status=status, shortfall=0, previous=None))
    adjustments = {}
    for line in lines:
        n, d = current[line.key].figures if line.key in current else NONE
        adjustments[line.key] = (n - line.numerator, d - line.denominator)
    changed = closing.fold != now.reading.fold_fingerprint() or closing.switches != dict(now.reading.switches)
    return replace(
        now, lines=lines, switches=closing.switches, closings=tuple(own), adjustments=adjustments,
        rules_changed=changed, before_is_closed=closing.before_closed,
    )  # fmt: skip


# -- figures as they are written ---------------------------------------------------------------------------------------


def hundredths(figures: Figures) -> int | None:
    """Return a ratio in hundredths of a percent, cut off: below the line it never reads as met. None for 0/0.

    >>> hundredths((1999, 4000)), hundredths((0, 0))
    (4997, None)
    """
    return None if figures[1] == 0 else 10_000 * figures[0] // figures[1]


def change(line: Line) -> int | None:
    """Return the change against the period before, in hundredths of a percentage point.

    It is the difference of the two ratios as written, so that whoever checks the table with a pencil finds it.
    """
    now = hundredths(line.figures)
    then = None if line.previous is None else hundredths(line.previous)
    return None if now is None or then is None else now - then


def decimal_of(value: int | None) -> str:
    """Return hundredths as a decimal text, '' for None.

    >>> decimal_of(4489), decimal_of(-5), decimal_of(None)
    ('44.89', '-0.05', '')
    """
    if value is None:
        return ""
    return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"


def csv_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the contract's CSV, the header first. Ratios in percent, cut off after two decimals."""
    yield CSV_COLUMNS
    for line in report.lines:
        adjustment = report.adjustments.get(line.key)
        yield (
            cell(line.row), cell(line.unit), cell(line.name), line.indicator,
            str(line.numerator), str(line.denominator),
            decimal_of(hundredths(line.figures)), line.target or "", line.expected or "", line.status,
            str(line.shortfall), "" if line.previous is None else decimal_of(hundredths(line.previous)),
            decimal_of(change(line)), *(("", "") if adjustment is None else map(str, adjustment)),
            line.target_status,
        )  # fmt: skip
