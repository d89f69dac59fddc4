"""The tables of a report, once for every form in which it is written: what stands in which cell.

A workbook, a Word document, a PDF and a CSV for Excel write the same cells, so no two of them can differ in a figure.
Ratios are hundredths of a percent, cut off; `shown` gives a cell as officials read it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from models.counting.ledger import NONE, Figures
from models.decisions.file import Indicator
from models.decisions.vietnamese import STATUS, TARGET_STATUS, advice_text, counted_text
from models.reporting.report import Report, change, hundredths
from models.reporting.report_lines import CLASSES, Key, Line, UnitClass
from models.wording import cell as safe
from models.wording import day_vn, decimal_text, number_text, percent_text

CellKind = Literal["text", "count", "percent", "points", "change", "place"]
DASH: Final = "–"
_ROMAN: Final = ((50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
TWO_LEVELS: Final = date(2025, 7, 1)
"""from this day on there are no districts and no townships: below a province stand communes, wards and special zones"""
CLASS_NAMES: Final[Mapping[UnitClass, str]] = {
    "province-agency": "Sở, ban, ngành",
    "district": "Ủy ban nhân dân huyện, thị xã, thành phố",
    "commune": "Ủy ban nhân dân xã, phường, thị trấn",
    "other": "Đơn vị không nêu trong quyết định",
}
COMMUNES_SINCE: Final = "Ủy ban nhân dân xã, phường, đặc khu"
JUDGED: Final = ("met", "below")
VERDICT: Final = 12
"""the column of an annex that says how a unit stands against its trajectory"""
PARTS: Final = 100
"""hundredths in a percent"""


class ReportCell(NamedTuple):
    """What stands in one cell: a text, a number of dossiers, or hundredths of a percent (percent, points)."""

    value: int | str | None
    kind: CellKind = "text"
    decimals: int = 2
    """Decimals shown of a percentage."""


EMPTY: Final = ReportCell(None)
NO_FIGURE: Final = ReportCell(DASH)


def roman(number: int) -> str:
    """Return a number in Roman numerals.

    >>> roman(4), roman(19), roman(44)
    ('IV', 'XIX', 'XLIV')
    """
    text = ""
    for value, letters in _ROMAN:
        times, number = divmod(number, value)
        text += times * letters
    return text


def class_name(unit_class: UnitClass, day: date) -> str:
    """Return what the units of a class are called on a day.

    >>> class_name("commune", date(2024, 9, 30)), class_name("commune", date(2025, 9, 30))
    ('Ủy ban nhân dân xã, phường, thị trấn', 'Ủy ban nhân dân xã, phường, đặc khu')
    """
    return COMMUNES_SINCE if unit_class == "commune" and day >= TWO_LEVELS else CLASS_NAMES[unit_class]


def shown(cell: ReportCell) -> str:
    """Return a cell as officials read it.

    >>> [shown(ReportCell(v, k)) for v, k in [(1234, "count"), (4489, "percent"), (-5, "points"), (2, "change")]]
    ['1.234', '44,89 %', '-0,05', '+2']
    >>> shown(ReportCell(5000, "percent", 0)), shown(ReportCell(0, "change")), shown(EMPTY)
    ('50 %', '–', '')
    """
    value, kind, decimals = cell
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if kind in ("count", "place"):
        return number_text(value)
    if kind == "change":
        return DASH if value == 0 else f"{'+' if value > 0 else ''}{number_text(value)}"
    number = decimal_vn(value, decimals)
    if kind == "percent":
        return f"{number} %"
    return f"+{number}" if value > 0 else number


def decimal_vn(hundred: int, decimals: int = 2) -> str:
    """Return hundredths with a decimal comma.

    >>> decimal_vn(4489), decimal_vn(-5), decimal_vn(5000, 0)
    ('44,89', '-0,05', '50')
    """
    whole, rest = divmod(abs(hundred), PARTS)
    tail = f",{rest:02d}"[: decimals + 1] if decimals else ""
    return f"{'-' if hundred < 0 else ''}{whole}{tail}"


def ratio_cell(figures: Figures | None) -> ReportCell:
    """Return a ratio, cut off; a dash for 0/0 and where there is none."""
    value = None if figures is None else hundredths(figures)
    return NO_FIGURE if value is None else ReportCell(value, "percent")


def percent_cell(percent: str | None) -> ReportCell:
    """Return a decimal text of percent, cut off after two decimals.

    >>> percent_cell("66.5599"), percent_cell("50")
    (ReportCell(value=6655, kind='percent', decimals=2), ReportCell(value=5000, kind='percent', decimals=0))
    """
    if percent is None:
        return NO_FIGURE
    whole, _, decimals = percent.partition(".")
    return ReportCell(int(whole + (decimals + "00")[:2]), "percent", len(decimals[:2]))


class Column(NamedTuple):
    """One column: the heading above, its own, the number under it (a ratio's says of which columns), its width."""

    above: str
    heading: str
    number: str
    width: float
    """Width in characters of 12 points."""


def columns_of(report: Report) -> list[Column]:
    """Return the columns of an annex; stretch, last year and an estimate only where the report has them."""
    own, added = "Trong kỳ", "Điều chỉnh sau chốt"
    judged = f"Lũy kế từ {day_vn(report.first_judged)}"
    columns = [
        Column("", "TT", "(1)", 5),
        Column("", "Đơn vị", "(2)", 39),
        Column(own, "Tử số", "(3)", 7.5),
        Column(own, "Mẫu số", "(4)", 7.5),
        Column(own, "Tỷ lệ", "(5)=(3)/(4)", 9.5),
        Column(own, "Kỳ trước", "(6)", 9.5),
        Column(own, "Tăng, giảm (điểm %)", "(7)=(5)-(6)", 10),
        Column(judged, "Tử số", "(8)", 8),
        Column(judged, "Mẫu số", "(9)", 8),
        Column(judged, "Tỷ lệ", "(10)=(8)/(9)", 9.5),
        Column(judged, "Lộ trình", "(11)", 8.5),
        Column(judged, "Chỉ tiêu", "(12)", 8.5),
        Column(judged, "So với lộ trình", "(13)", 16.5),
        Column(judged, "Còn thiếu", "(14)", 6.5),
        Column(added, "Tử số", "(15)", 7.5),
        Column(added, "Mẫu số", "(16)", 7.5),
        Column("", "So với chỉ tiêu", "(17)", 9.5),
        Column("", "Xếp hạng trong nhóm", "(18)", 15.5),
    ]
    if stretches_of(report):
        columns.append(Column("", "Mức phấn đấu", f"({len(columns) + 1})", 9.5))
    if report.last_year:
        columns.append(Column("", "Cùng kỳ năm trước", f"({len(columns) + 1})", 9.5))
    if report.estimates:
        columns.append(Column("", "Ước cả năm (ước tính)", f"({len(columns) + 1})", 10))
    return columns


def stretches_of(report: Report) -> dict[Key, Fraction]:
    """Return what units should reach beyond their targets (percent), where the decision says so: never judged."""
    targets = report.reading.targets(report.as_of).targets
    return {key: target.stretch for key, target in targets.items() if target.stretch is not None}


# -- ranks -------------------------------------------------------------------------------------------------------------


class Rank(NamedTuple):
    """The place of a unit among those of its class, by the cumulative ratio; `tied`: others have the same ratio."""

    place: int
    tied: bool


def ranks_of(report: Report) -> dict[tuple[str, Indicator], Rank]:
    """Return the place of every unit that is judged, within its class and indicator; equal ratios share a place.

    Ratios are compared as exact fractions. Groups, merged units and units without a verdict have no place.
    """
    fields: dict[tuple[Indicator, UnitClass], list[Line]] = {}
    for line in report.lines:
        if line.status in JUDGED and not line.is_group and not line.frozen and line.unit_class != "other":
            fields.setdefault((line.indicator, line.unit_class), []).append(line)
    found = {}
    for lines in fields.values():
        ratios = Counter(Fraction(*line.cumulative) for line in lines)
        places, place = {}, 1
        for ratio in sorted(ratios, reverse=True):
            places[ratio] = Rank(place, ratios[ratio] > 1)
            place += ratios[ratio]
        for line in lines:
            found[line.key] = places[Fraction(*line.cumulative)]
    return found


def rank_cell(rank: Rank | None) -> ReportCell:
    """Return a place; one that is shared says so.

    >>> rank_cell(Rank(3, tied=True)).value, rank_cell(Rank(1, tied=False)).value
    ('3 (đồng hạng)', 1)
    """
    if rank is None:
        return NO_FIGURE
    return ReportCell(f"{rank.place} (đồng hạng)") if rank.tied else ReportCell(rank.place, "place")


# -- annexes -----------------------------------------------------------------------------------------------------------


class ReportRow(NamedTuple):
    """One row of a table; a heading has its number and its text alone, the text across the rest."""

    cells: tuple[ReportCell, ...]
    is_heading: bool = False
    is_note: bool = False
    is_total: bool = False
    line: Line | None = None

    @property
    def strong(self) -> int | None:
        """Return the column that is to strike the eye: the verdict of a unit below its trajectory."""
        return VERDICT if self.line is not None and self.line.status == "below" else None

    @property
    def is_group(self) -> bool:
        """Tell whether it is a group's own line."""
        return self.line is not None and self.line.is_group

    @property
    def is_member(self) -> bool:
        """Tell whether it is a unit below its group's line."""
        return self.line is not None and bool(self.line.group) and not self.line.is_group


class Annexes:
    """Makes the rows of annexes."""

    def __init__(self, report: Report) -> None:
        """Work out places and how the members of groups stand."""
        self._report = report
        self._ranks = ranks_of(report)
        self._stretches = stretches_of(report)
        self._members: dict[tuple[str, Indicator], list[Line]] = {}
        for line in report.lines:
            if line.group and not line.is_group and not line.frozen:
                self._members.setdefault((line.group, line.indicator), []).append(line)

    def rows(self, indicator: Indicator) -> Iterator[ReportRow]:
        """Yield the rows of one indicator: a heading for each class of units, then its lines."""
        lines = [x for x in self._report.lines if x.indicator == indicator]
        headed = 0
        for unit_class in CLASSES:
            of_class = [x for x in lines if x.unit_class == unit_class]
            if unit_class == "other":
                of_class = [x for x in of_class if (x.cumulative, x.figures) != (NONE, NONE)]
            if not of_class:
                continue
            headed += 1
            name = class_name(unit_class, self._report.as_of)
            yield ReportRow((ReportCell(roman(headed)), ReportCell(name)), is_heading=True)
            if unit_class != "other" and all(line.status == "no-target" for line in of_class):
                reason = self._report.reading.decision.no_target.get(indicator, "Quyết định để trống")
                yield ReportRow((EMPTY, ReportCell(safe(f"{STATUS['no-target']}. {reason}."))), is_note=True)
            elif all(line.status == "not-measured" for line in of_class):
                of_others = self._report.reading.indicators[indicator].count == "measure"
                lacks = "số liệu của nguồn bên ngoài" if of_others else "danh mục thủ tục để tính"
                yield ReportRow((EMPTY, ReportCell(f"{STATUS['not-measured']}: chưa có {lacks}.")), is_note=True)
            else:
                for line in of_class:
                    yield ReportRow(self.cells(line), line=line)

    def cells(self, line: Line) -> tuple[ReportCell, ...]:
        """Return the cells of one line, in the order of `columns_of`."""
        report = self._report
        cells = [ReportCell("" if line.group and not line.is_group else safe(line.row)), ReportCell(name_of(line))]
        if line.status == "not-measured":
            cells += [*(8 * [NO_FIGURE]), percent_cell(line.expected), percent_cell(line.target)]
        else:
            moved = change(line)
            cells += [
                ReportCell(line.numerator, "count"),
                ReportCell(line.denominator, "count"),
                ratio_cell(line.figures),
                ratio_cell(line.previous),
                NO_FIGURE if moved is None else ReportCell(moved, "points"),
                ReportCell(line.cumulative_numerator, "count"),
                ReportCell(line.cumulative_denominator, "count"),
                ratio_cell(line.cumulative),
                percent_cell(line.expected),
                percent_cell(line.target),
            ]
        added = report.adjustments.get(line.key)
        cells += [
            ReportCell(self._verdict(line)),
            ReportCell(line.shortfall, "count") if line.status == "below" else EMPTY,
            *(2 * [EMPTY] if added is None else [ReportCell(n, "change") for n in added]),
            ReportCell(TARGET_STATUS[line.target_status]) if line.status in JUDGED else NO_FIGURE,
            rank_cell(self._ranks.get(line.key)),
        ]
        if self._stretches:
            beyond = self._stretches.get(line.key)
            cells.append(percent_cell(None if beyond is None else decimal_text(beyond, cut=True)))
        if report.last_year:
            cells.append(ratio_cell(report.last_year.get(line.key)))
        if report.estimates:
            guess = report.estimates.get(line.key)
            cells.append(NO_FIGURE if guess is None else ReportCell(int(guess * PARTS), "percent"))
        return tuple(cells)

    def _verdict(self, line: Line) -> str:
        text = STATUS[line.status]
        if line.is_group:
            members = self._members.get(line.key, [])
            text = f"{text} ({sum(x.status == 'met' for x in members)}/{len(members)})"
        return text if line.ceiling is None else f"{text} (trần {percent_text(line.ceiling)})"


def name_of(line: Line) -> str:
    """Return the name of a unit, safe to print; a merged one says that it is."""
    return f"{safe(line.name)} (đã sắp xếp lại)" if line.frozen else safe(line.name)


# -- the summary by class ----------------------------------------------------------------------------------------------


def summary_headings(report: Report) -> list[str]:
    """Return the headings of the summary before those of the figures."""
    headings = [
        "TT", "Chỉ tiêu, nhóm đơn vị", "Số đơn vị được giao", "Đạt lộ trình", "Chưa đạt lộ trình", "Chưa phát sinh",
    ]  # fmt: skip
    if report.statuses()["not-measured"]:
        headings.append(STATUS["not-measured"])
    return [*headings, "Đạt chỉ tiêu"]


def summary_rows(report: Report) -> Iterator[ReportRow]:
    """Yield how many units are on their trajectory and have reached their target: by class, and in all."""
    for number, (indicator, formula) in enumerate(report.reading.indicators.items(), start=1):
        yield ReportRow(
            (ReportCell(number, "count"), ReportCell(safe(f"{formula.short} ({formula.clause})"))), is_heading=True
        )
        given: list[Line] = []
        for unit_class in CLASSES[:3]:
            lines = [
                x for x in report.lines
                if (x.indicator, x.unit_class) == (indicator, unit_class)
                and not x.is_group and x.status != "no-target"
            ]  # fmt: skip
            if lines:
                yield ReportRow((EMPTY, ReportCell(class_name(unit_class, report.as_of)), *_summed(report, lines)))
                given += lines
        if given:
            yield ReportRow((EMPTY, ReportCell(f"Cộng {territory(report)}"), *_summed(report, given)), is_total=True)


def _summed(report: Report, lines: Sequence[Line]) -> Iterator[ReportCell]:
    found = Counter(line.status for line in lines)
    yield ReportCell(len(lines), "count")
    yield from (ReportCell(found[s], "count") for s in ("met", "below", "no-dossiers"))
    if report.statuses()["not-measured"]:
        yield ReportCell(found["not-measured"], "count")
    yield ReportCell(sum(line.target_status == "reached" for line in lines), "count")
    if found["not-measured"] == len(lines):
        yield from 6 * [NO_FIGURE]
        return
    live = [line for line in lines if not line.frozen]  # what a merged unit had, its heir has
    for figures in (_sum(x.figures for x in live), _sum(x.cumulative for x in live)):
        yield ReportCell(figures[0], "count")
        yield ReportCell(figures[1], "count")
        yield ratio_cell(figures)


def _sum(figures: Iterable[Figures]) -> Figures:
    each = list(figures)
    return sum(n for n, _ in each), sum(d for _, d in each)


def territory(report: Report) -> str:
    """Return the name of the territory whose units the decision addresses: a province, or one district of it."""
    registry, province = report.reading.registry, report.reading.decision.province
    within = set()
    for line in report.lines:
        unit = registry.units.get(line.unit)
        if unit is not None and line.unit_class != "other":
            within.add(unit.parent if unit.level == "commune" else unit.code)
    only = registry.units.get(next(iter(within))) if len(within) == 1 else None
    found = only if only is not None and only.level == "district" else registry.units.get(province)
    name = "các đơn vị" if found is None else safe(found.name)
    return name[:1].lower() + name[1:]


# -- the units to be urged ---------------------------------------------------------------------------------------------

URGED_COLUMNS: Final = (
    Column("", "TT", "", 5),
    Column("", "Đơn vị", "", 40),
    Column("", "Lũy kế: tử số", "", 8.5),
    Column("", "Lũy kế: mẫu số", "", 8.5),
    Column("", "Tỷ lệ", "", 11),
    Column("", "Lộ trình", "", 10),
    Column("", "Chỉ tiêu", "", 10),
    Column("", "Còn thiếu để đạt lộ trình", "", 16),
    Column("", "Ghi chú", "", 20),
)


class Urged(NamedTuple):
    """The units below the trajectory of one indicator, and what they are to do."""

    heading: str
    advice: str
    rows: list[ReportRow]


def urged(report: Report) -> Iterator[Urged]:
    """Yield, by indicator, the units below their trajectory: by class, those that lack most first."""
    for number, (indicator, formula) in enumerate(report.reading.indicators.items(), start=1):
        lines = [
            x for x in report.lines
            if x.indicator == indicator and x.status == "below" and not x.is_group and not x.frozen
        ]  # fmt: skip
        if not lines:
            continue
        noun = counted_text(formula)
        rows = []
        for unit_class in CLASSES:
            of_class = sorted((x for x in lines if x.unit_class == unit_class), key=lambda x: -x.shortfall)
            if of_class:
                name = f"{class_name(unit_class, report.as_of)}: {number_text(len(of_class))} đơn vị"
                rows.append(ReportRow((EMPTY, ReportCell(name)), is_heading=True))
            rows += [ReportRow(_urged_cells(report, n, line, noun)) for n, line in enumerate(of_class, start=1)]
        yield Urged(
            f"{number}. {safe(formula.short)}: {number_text(len(lines))} đơn vị chưa đạt lộ trình",
            f"Việc cần làm: {advice_text(indicator, formula)}",
            rows,
        )


def _urged_cells(report: Report, number: int, line: Line, noun: str) -> tuple[ReportCell, ...]:
    remark = "" if line.ceiling is None else (
        f"Danh mục chỉ cho phép tối đa {percent_text(line.ceiling)}: đề nghị cơ quan quản lý danh mục xem xét"
    )  # fmt: skip
    return (
        ReportCell(number, "count"),
        ReportCell(_with_district(report, line)),
        ReportCell(line.cumulative_numerator, "count"),
        ReportCell(line.cumulative_denominator, "count"),
        ratio_cell(line.cumulative),
        percent_cell(line.expected),
        percent_cell(line.target),
        ReportCell(f"{number_text(line.shortfall)} {noun}"),
        ReportCell(remark),
    )


def _with_district(report: Report, line: Line) -> str:
    """Return a unit's name, that of a commune with its district's: communes of two districts may share a name."""
    units = report.reading.registry.units
    unit = units.get(line.unit)
    district = units.get(unit.parent) if unit is not None and unit.level == "commune" else None
    if district is None or district.level != "district":
        return name_of(line)
    return f"{name_of(line)}, {safe(district.name[:1].lower() + district.name[1:])}"


# -- a CSV for Excel ---------------------------------------------------------------------------------------------------


def excel_rows(report: Report) -> Iterator[list[str]]:
    """Yield the table for a Vietnamese Excel, headings first: decimal commas, thousands unseparated, percent bare."""
    columns = columns_of(report)
    with_unit = {n for n, c in enumerate(columns) if "Tỷ lệ" in c.heading or c.heading in _PERCENT}
    yield [
        "Chỉ tiêu giao", "Nhóm đơn vị", "Mã đơn vị",
        *(
            f"{c.above + ': ' if c.above else ''}{c.heading}{' (%)' if n in with_unit else ''}"
            for n, c in enumerate(columns)
        ),
    ]  # fmt: skip
    annexes = Annexes(report)
    for line in report.lines:
        head = (report.reading.indicators[line.indicator].short, class_name(line.unit_class, report.as_of), line.unit)
        yield [*map(excel_text, head), *map(_excel, annexes.cells(line))]


_PERCENT: Final = frozenset(
    {"Kỳ trước", "Lộ trình", "Chỉ tiêu", "Mức phấn đấu", "Cùng kỳ năm trước", "Ước cả năm (ước tính)"}
)


def _excel(cell: ReportCell) -> str:
    value, kind, decimals = cell
    if value is None:
        return ""
    if isinstance(value, str):
        return excel_text(value)
    return decimal_vn(value, decimals) if kind in ("percent", "points") else str(value)


_TURNED: Final = re.compile(r"0\d+|\d+([./:-]\d+)+|\d+[eE]\d+|true|false", re.IGNORECASE)
"""what Excel reads as something else than what stands there: a number without its zeros, a day, an hour, a power"""


def excel_text(text: str) -> str:
    """Return a text that Excel leaves as it is: no formula, no date, no number that loses its zeros.

    >>> [excel_text(t) for t in ("00013", "1.2", "12E4", "=1+1", "340/communes", "12688", "1.2.b")]
    ["'00013", "'1.2", "'12E4", "'=1+1", '340/communes', '12688', '1.2.b']
    """
    shown_text = safe(text)
    return f"'{shown_text}" if _TURNED.fullmatch(shown_text) else shown_text
