"""The form in which offices enter their trajectories: units × indicators down, months or quarters across.

A form is read as a table of texts, cell by cell, wherever they come from (a workbook, a CSV file); the contract's five
columns are a form too. What is wrong is said in Vietnamese with the place and what was expected: the readers are those
who filled it in. A value is the cumulative ratio to have reached by the end of that month or quarter.
"""

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from models.decisions.file import INDICATORS, Decision, Indicator
from models.decisions.reading import Reading
from models.decisions.trajectory import Milestone, Milestones
from models.registers.units import COMMUNES, slug
from models.wording import day_vn, decimal_text, percent_text

Grid = Sequence[Sequence[str]]
"""rows of cells as texts, '' for a blank one; the first row is row 1, the first column is A"""

HEADER_ROWS_MAX: Final = 20
"""rows in which the head of the table is looked for"""
QUARTERS: Final[Mapping[str, int]] = {"i": 3, "ii": 6, "iii": 9, "iv": 12, "1": 3, "2": 6, "3": 9, "4": 12}
"""quarter → its last month"""
_HEADS: Final[Mapping[str, str]] = {
    "ma-don-vi": "unit", "unit": "unit",
    "ma-chi-tieu": "indicator", "indicator": "indicator", "chi-tieu": "indicator name",
    "ngay": "date", "date": "date",
    "gia-tri": "value", "value": "value",
    "giua-cac-moc": "between", "between": "between",
}  # fmt: skip
_LINEAR: Final[Mapping[str, bool]] = {
    "": False, "step": False, "giu-nguyen": False, "linear": True, "tang-deu": True,
}  # fmt: skip
_MONTH: Final = re.compile(r"^(?:t|thang-?)(1[0-2]|0?[1-9])$")
_QUARTER: Final = re.compile(r"^(?:q|quy-?)(iv|i{1,3}|[1-4])$")

Severity = Literal["error", "warning"]


class Problem(NamedTuple):
    """Something about a form, for those who filled it in."""

    row: int
    """Row of the sheet, from 1; 0 for the form as a whole."""
    column: str
    """Letter of the column; '' for the row as a whole."""
    message: str
    """what is wrong and what was expected, Vietnamese"""
    severity: Severity = "error"

    @property
    def place(self) -> str:
        """Return where it is, as a spreadsheet shows it."""
        return f"ô {self.column}{self.row}" if self.column else f"hàng {self.row}" if self.row else "tệp"


class Entered(NamedTuple):
    """One milestone of a form, and where it stands."""

    unit: str
    indicator: Indicator
    day: date
    value: Fraction
    linear: bool
    row: int
    column: str


@dataclass
class Form:
    """What a form says, and what is wrong with it."""

    entered: list[Entered] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def errors(self) -> list[Problem]:
        """Return what keeps the form from being used."""
        return [p for p in self.problems if p.severity == "error"]

    def trajectories(self) -> dict[tuple[str, str], Milestones]:
        """Return (unit, indicator) → milestones."""
        found: dict[tuple[str, str], list[Milestone]] = {}
        for e in sorted(self.entered, key=lambda e: e.day):
            found.setdefault((e.unit, e.indicator), []).append(Milestone(e.day, e.value, e.linear))
        return {key: Milestones(tuple(rows)) for key, rows in found.items()}


def read_form(grid: Grid, decision: Decision, report_months: str = "calendar") -> Form:
    """Read a form under a decision; its period and the switch `report_months` say when months end."""
    reader = _Reader(grid, decision, report_months)
    reader.read()
    return reader.form


class _Reader:
    def __init__(self, grid: Grid, decision: Decision, report_months: str) -> None:
        self.form = Form()
        self._grid, self._decision, self._report_months = grid, decision, report_months
        self._names: dict[str, Indicator] = {slug(i): i for i in (*INDICATORS, *decision.indicators)}
        for indicator, formula in decision.indicators.items():
            self._names |= {slug(formula.short): indicator, slug(formula.title): indicator}
        self._heads: dict[str, int] = {}
        self._days: dict[int, date] = {}
        """column → the day by whose end its values are to be reached"""
        self._seen: dict[tuple[str, str, date | None], int] = {}

    def _wrong(
        self, row: int, column: int | None, message: str, severity: Literal["error", "warning"] = "error"
    ) -> None:
        self.form.problems.append(Problem(row, "" if column is None else letters(column), message, severity))

    def read(self) -> None:
        head = next((n for n, row in enumerate(self._grid[:HEADER_ROWS_MAX]) if self._is_head(row)), None)
        if head is None:
            self._wrong(0, None, "không thấy hàng tiêu đề; cần có các cột “Mã đơn vị” và “Mã chỉ tiêu”")
            return
        self._read_head(head)
        if self.form.problems:
            return
        for n, row in enumerate(self._grid[head + 1 :], start=head + 2):
            if any(cell.strip() for cell in row):
                self._read_row(n, row)

    @staticmethod
    def _is_head(row: Sequence[str]) -> bool:
        names = {_HEADS.get(slug(cell)) for cell in row}
        return "unit" in names and not names.isdisjoint({"indicator", "indicator name"})

    def _read_head(self, head: int) -> None:
        marks: dict[int, int] = {}
        for column, cell in enumerate(self._grid[head]):
            name = slug(cell)
            if name in _HEADS:
                self._heads.setdefault(_HEADS[name], column)
            elif month := _MONTH.match(name):
                marks[column] = int(month.group(1))
            elif quarter := _QUARTER.match(name):
                marks[column] = QUARTERS[quarter.group(1)]
        if not marks and not {"date", "value"} <= self._heads.keys():
            self._wrong(head + 1, None, "cần các cột T1…T12, hoặc QI…QIV, hoặc hai cột “Ngày” và “Giá trị”")
        elif marks:
            self._read_marks(head, marks)

    def _read_marks(self, head: int, marks: Mapping[int, int]) -> None:
        period = self._period(head)
        if period is None:
            return
        first, last = period
        for column, month in marks.items():
            day = min(month_end(last.year, month, self._report_months), last)
            if day < first:
                self._wrong(head + 1, column, f"tháng này kết thúc trước ngày đầu kỳ {day_vn(first)}")
            elif day in self._days.values():
                self._wrong(head + 1, column, f"có hai cột cùng kết thúc ngày {day_vn(day)}")
            self._days[column] = day

    def _period(self, head: int) -> tuple[date, date] | None:
        period = self._decision.period
        told = self._year_above(head)
        if period.first is not None and period.last is not None:
            if told is not None and told[0] != str(period.last.year):
                self._wrong(told[1], None, f"năm là {told[0]!r}, quyết định này cho năm {period.last.year}")
                return None
            return period.first, period.last
        if told is None or not re.fullmatch("20[0-9]{2}", told[0]):
            self._wrong(told[1] if told else 0, None, "cần một hàng “Năm” với số năm phía trên bảng, như Năm | 2024")
            return None
        year = int(told[0])
        if period.yearly_from is not None and year < period.yearly_from:
            self._wrong(told[1], None, f"quyết định này áp dụng từ năm {period.yearly_from}")
            return None
        return date(year, 1, 1), date(year, 12, 31)

    def _year_above(self, head: int) -> tuple[str, int] | None:
        for n, row in enumerate(self._grid[:head], start=1):
            cells = [cell.strip() for cell in row if cell.strip()]
            if len(cells) > 1 and slug(cells[0]) == "nam":
                return cells[1], n
        return None

    def _cell(self, row: Sequence[str], name: str) -> str:
        column = self._heads.get(name)
        return row[column].strip() if column is not None and column < len(row) else ""

    def _read_row(self, n: int, row: Sequence[str]) -> None:
        unit = self._cell(row, "unit")
        if not unit:
            self._wrong(n, self._heads["unit"], "thiếu mã đơn vị, như 34.so-cong-thuong hoặc 340")
            return
        named = self._cell(row, "indicator") or self._cell(row, "indicator name")
        indicator = self._names.get(slug(named))
        if indicator is None:
            column = self._heads.get("indicator", self._heads.get("indicator name"))
            known = ", ".join(self._decision.indicators)
            self._wrong(n, column, f"chỉ tiêu là {named!r}, cần một trong {known}")
            return
        linear = _LINEAR.get(slug(self._cell(row, "between")))
        if linear is None:
            self._wrong(n, self._heads["between"], "giữa các mốc: cần “giữ nguyên” (step) hoặc “tăng đều” (linear)")
            return
        if not self._days:
            text, column = self._cell(row, "date"), self._heads["value"]
            day = _day(text)
            if day is None:
                self._wrong(n, self._heads["date"], f"ngày là {text!r}, cần dạng 30/06/2024 hoặc 2024-06-30")
            elif self._first(unit, indicator, day, n):
                entered = Entered(unit, indicator, day, Fraction(0), linear, n, letters(column))
                self._enter(entered, self._cell(row, "value"), column)
        elif self._first(unit, indicator, None, n):
            entered = Entered(unit, indicator, date.min, Fraction(0), linear, n, "")
            self._read_marks_of(row, entered)

    def _read_marks_of(self, row: Sequence[str], entered: Entered) -> None:
        filled = {c: row[c].strip() for c in self._days if c < len(row) and row[c].strip()}
        for column, text in filled.items():
            self._enter(entered._replace(day=self._days[column], column=letters(column)), text, column)
        if not filled:
            message = "chưa nhập mốc nào; đơn vị theo lộ trình mặc định của quyết định"
            self._wrong(entered.row, None, message, "warning")

    def _first(self, unit: str, indicator: Indicator, day: date | None, n: int) -> bool:
        before = self._seen.setdefault((unit, indicator, day), n)
        if before != n:
            when = "" if day is None else f" cho ngày {day_vn(day)}"
            self._wrong(n, None, f"{unit}, {indicator} đã có ở hàng {before}{when}; mỗi mốc chỉ nhập một lần")
        return before == n

    def _enter(self, entered: Entered, text: str, column: int) -> None:
        value = percent_of(text)
        if value is None:
            self._wrong(
                entered.row, column, f"giá trị là {text!r}, cần một số phần trăm từ 0 đến 100, như 45 hoặc 45,5"
            )
        else:
            self.form.entered.append(entered._replace(value=value))


def percent_of(text: str) -> Fraction | None:
    """Return a percentage as offices write it, or None where it is none from 0 to 100.

    >>> percent_of("45,5 %"), percent_of("45.5"), percent_of("101"), percent_of("khoảng 50")
    (Fraction(91, 2), Fraction(91, 2), None, None)
    """
    plain = text.replace("%", "").replace("\u00a0", " ").strip()
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return Fraction(number) if number.is_finite() and 0 <= number <= 100 else None


def _day(text: str) -> date | None:
    match = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text)
    try:
        return date(int(match[3]), int(match[2]), int(match[1])) if match else date.fromisoformat(text)
    except ValueError:
        return None


def month_end(year: int, month: int, report_months: str) -> date:
    """Return the last day of a reporting month: of the calendar's, or the 14th where months go from 15 to 14.

    >>> month_end(2024, 2, "calendar"), month_end(2024, 2, "15-14")
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 14))
    """
    return date(year, month, 14 if report_months == "15-14" else calendar.monthrange(year, month)[1])


def letters(column: int) -> str:
    """Return a column's letters; the first is 0.

    >>> letters(0), letters(25), letters(26)
    ('A', 'Z', 'AA')
    """
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


# -- a form against the decision ---------------------------------------------------------------------------------------


def check_form(form: Form, reading: Reading) -> list[Problem]:
    """Return everything worth saying about a form: its own problems, and where it does not fit the decision."""
    found = list(form.problems)
    rows: dict[tuple[str, Indicator], list[Entered]] = {}
    for entered in form.entered:
        rows.setdefault((entered.unit, entered.indicator), []).append(entered)
    for (unit, indicator), milestones in rows.items():
        milestones.sort(key=lambda m: m.day)
        found += _check_row(unit, indicator, milestones, reading)
    return sorted(found, key=lambda p: (p.row, len(p.column), p.column))


def _check_row(unit: str, indicator: Indicator, milestones: list[Entered], reading: Reading) -> list[Problem]:
    head, last = milestones[0], milestones[-1]
    if indicator not in reading.indicators:
        return [Problem(head.row, "", f"quyết định không có chỉ tiêu {indicator}; có {', '.join(reading.indicators)}")]
    targets = reading.targets(last.day)
    if not reading.registry.knows(unit) and unit not in targets.groups:
        return [Problem(head.row, "", f"không có đơn vị {unit!r} trong danh mục; xem mẫu, hoặc bổ sung bằng --units")]
    found = []
    first_day, last_day = reading.period(last.day)
    for m in milestones:
        if not first_day <= m.day <= last_day:
            message = f"ngày {day_vn(m.day)} nằm ngoài kỳ {day_vn(first_day)}–{day_vn(last_day)}"
            found.append(Problem(m.row, m.column, message, "warning"))
    for before, after in pairwise(milestones):
        if after.value < before.value:
            message = (
                f"{percent_text(after.value)} thấp hơn mốc trước ({percent_text(before.value)}); "
                "giá trị là tỷ lệ lũy kế từ đầu kỳ, không phải của riêng tháng"
            )
            found.append(Problem(after.row, after.column, message, "warning"))
    district = reading.registry.district_of(unit)
    target = targets.targets.get((district or unit, indicator))
    if target is None:
        message = "quyết định không giao chỉ tiêu này cho đơn vị; lộ trình chỉ để theo dõi, không cảnh báo"
        found.append(Problem(head.row, "", message, "warning"))
    elif last.value < target.value:
        message = f"mốc cuối {percent_text(last.value)} thấp hơn chỉ tiêu {percent_text(target.value)}"
        found.append(Problem(last.row, last.column, message, "warning"))
    return found


# -- an empty form -----------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """One row of an empty form."""

    unit: str
    name: str
    indicator: Indicator
    short: str
    target: str
    """Percent, as a decimal text."""


def form_lines(reading: Reading, on: date, unit: str | None = None, *, communes: bool = False) -> list[Line]:
    """Return the rows of an empty form: every unit of the decision × every indicator it has a target for.

    A group stands as one row, with `communes` also each of its members. `unit` asks for one unit alone: a district
    comes with its communes and the offices that the registry has.
    """
    targets = reading.targets(on)
    found: list[Line] = []

    def add(code: str, name: str, owner: str) -> None:
        for indicator, formula in reading.indicators.items():
            target = targets.targets.get((owner, indicator))
            if target is not None:
                found.append(Line(code, name, indicator, formula.short, decimal_text(target.value)))

    for code in targets.rows:
        group = targets.groups.get(targets.group_of.get(code, ""))
        if group is not None and code == group.members[0] and unit in (None, group.code, _owner(group.code)):
            add(group.code, group.name, group.code)
        asked = {code} if group is None else {code, group.code, _owner(group.code)}
        if unit in asked or (unit is None and (group is None or communes)):
            add(code, reading.registry.name(code), code)
        if reading.registry.communes_of(code):
            for office in reading.registry.offices_of(code):
                if unit in (None, code, office):
                    add(office, reading.registry.name(office), code)
    return found


def _owner(group: str) -> str:
    return group.removesuffix(COMMUNES)
