"""The annexes of a report: one sheet an indicator, its units by class and in the decision's order."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from xlsxwriter.worksheet import Worksheet

from models.counting.ledger import NONE
from models.decisions.file import Indicator
from models.decisions.vietnamese import STATUS, formula_text
from models.reporting.report import Report, change
from models.reporting.report_lines import CLASSES, Line, UnitClass
from models.wording import day_vn, percent_text
from streams.reports import words
from streams.reports.sheets import (
    CHANGE,
    COUNT,
    DASH,
    LINE_POINTS,
    PERCENT,
    POINTS,
    ROMAN,
    TEXT,
    Cell,
    Sheets,
    lines_high,
    percent_cell,
    ratio_cell,
)

BOLD_IS_WIDER: Final = 0.85


class Column(NamedTuple):
    """One column: the heading above, its own, the number under it (a ratio's says of which columns), its width."""

    above: str
    heading: str
    number: str
    width: float


def columns_of(report: Report) -> list[Column]:
    """Return the columns of an annex; an estimate only where the report has them."""
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
        Column(judged, "Kết quả", "(13)", 16.5),
        Column(judged, "Còn thiếu", "(14)", 6.5),
        Column(added, "Tử số", "(15)", 7.5),
        Column(added, "Mẫu số", "(16)", 7.5),
    ]
    return [*columns, Column("", "Ước cả năm (ước tính)", "(17)", 10)] if report.estimates else columns


class Annex:
    """Writes the table of one indicator."""

    def __init__(self, sheets: Sheets, report: Report, number: int, indicator: Indicator) -> None:
        """Add the sheet."""
        self._sheets = sheets
        self._report = report
        self._indicator = indicator
        self._numeral = ROMAN[number - 1]
        self._formula = report.reading.indicators[indicator]
        self._columns = columns_of(report)
        self._last = len(self._columns) - 1
        self._sheet: Worksheet = sheets.add(f"{number}. {self._formula.short}", [c.width for c in self._columns])

    def write(self) -> None:
        """Write titles, headings and lines; titles stay on screen and headings on every page."""
        body = self._headings(self._titles())
        lines = [x for x in self._report.lines if x.indicator == self._indicator]
        row, classes = body, 0
        for unit_class in CLASSES:
            of_class = [x for x in lines if x.unit_class == unit_class]
            if unit_class == "other":
                of_class = [x for x in of_class if (x.cumulative, x.figures) != (NONE, NONE)]
            if of_class:
                row = self._class(row, ROMAN[classes], unit_class, of_class)
                classes += 1
        self._sheet.freeze_panes(body, 2)
        self._sheet.repeat_rows(body - 3, body - 1)
        self._sheet.print_area(0, 0, max(row - 1, body), self._last)
        self._sheet.outline_settings(visible=True, symbols_below=False)

    def _titles(self) -> int:
        """Write what the annex is; returns the next row."""
        report, formula = self._report, self._formula
        above, below = formula_text(self._indicator, formula, report.switches)
        titles: list[tuple[str, dict[str, Any], float]] = [
            (f"Phụ lục {self._numeral}", {"bold": True, "font_size": 13}, 18),
            (formula.title.upper(), {"bold": True, "font_size": 13}, 36 if len(formula.title) > 110 else 18),
            (f"{words.capital(report.window.label.title)} {words.days(report)}", {}, LINE_POINTS),
            ("(Kèm theo Báo cáo số ……/BC-…… ngày …… tháng …… năm ………)", {"italic": True}, LINE_POINTS),
            (f"{words.title(report)}; {formula.clause}", {}, LINE_POINTS),
            (f"Mẫu số: {below}. Tử số: {above}.", {"italic": True}, 1.3 * LINE_POINTS),
        ]
        for row, (text, how, height) in enumerate(titles):
            written = self._sheets.format(align="center", text_wrap=True, **how)
            self._sheet.merge_range(row, 0, row, self._last, text, written)
            self._sheet.set_row(row, height)
        return len(titles)

    def _headings(self, row: int) -> int:
        """Write the three lines of headings; returns the first row of the body."""
        sheet, columns = self._sheet, self._columns
        head = self._sheets.boxed(bold=True, align="center", text_wrap=True, bg_color="#EDEDED")
        numbers = self._sheets.boxed(italic=True, align="center", font_size=9, bg_color="#EDEDED")
        for at, column in enumerate(columns):
            if not column.above:
                sheet.merge_range(row, at, row + 1, at, column.heading, head)
            else:
                sheet.write_string(row + 1, at, column.heading, head)
            sheet.write_string(row + 2, at, column.number, numbers)
        for above in dict.fromkeys(c.above for c in columns if c.above):
            under = [at for at, c in enumerate(columns) if c.above == above]
            sheet.merge_range(row, under[0], row, under[-1], above, head)
        sheet.set_row(row, 1.1 * LINE_POINTS)
        sheet.set_row(row + 1, 2.2 * LINE_POINTS)
        return row + 3

    def _class(self, row: int, numeral: str, unit_class: UnitClass, lines: Sequence[Line]) -> int:
        """Write one class of units; returns the next row."""
        shaded = {"bold": True, "bg_color": "#F7F7F7"}
        self._sheet.write_string(row, 0, numeral, self._sheets.boxed(align="center", **shaded))
        name = words.CLASS_NAMES[unit_class]
        self._sheet.merge_range(row, 1, row, self._last, name, self._sheets.boxed(**shaded))
        row += 1
        if unit_class != "other" and all(line.status == "no-target" for line in lines):
            reason = self._report.reading.decision.no_target.get(self._indicator, "Quyết định để trống")
            self._sheet.write_blank(row, 0, None, self._sheets.boxed())
            words_ = f"{STATUS['no-target']}. {reason}."
            self._sheet.merge_range(row, 1, row, self._last, words_, self._sheets.boxed(italic=True))
            return row + 1
        for line in lines:
            self._line(row, line, lines)
            row += 1
        return row

    def _line(self, row: int, line: Line, of_class: Sequence[Line]) -> None:
        member = bool(line.group) and not line.is_group
        how: dict[str, Any] = {"bold": True} if line.is_group else {}
        if line.status in ("no-target", "no-dossiers", "not-measured"):
            how["font_color"] = "#595959"
        self._sheet.write_string(row, 0, "" if member else line.row, self._sheets.boxed(align="center", **how))
        name = f"{line.name} (đã sắp xếp lại)" if line.frozen else line.name
        width = self._columns[1].width * (BOLD_IS_WIDER if line.is_group else 1) - 2 * member
        high = LINE_POINTS * lines_high(name, width)
        self._sheet.set_row(row, high, None, {"level": 1} if member else {})
        self._sheet.write_string(row, 1, name, self._sheets.boxed(text_wrap=True, indent=int(member), **how))
        for n, (cell, number_format) in enumerate(self._cells(line), start=2):
            written = self._sheets.boxed(align="right", num_format=number_format, **how)
            self._sheet.write(row, n, cell, written)
        self._verdict(row, line, of_class, how)

    def _cells(self, line: Line) -> list[tuple[Cell, str]]:
        """Return the figures of a line, and how each is shown."""
        if line.status == "not-measured":
            return [*(8 * [(DASH, TEXT)]), percent_cell(line.expected), percent_cell(line.target)]
        moved = change(line)
        return [
            (line.numerator, COUNT),
            (line.denominator, COUNT),
            (ratio_cell(line.figures), PERCENT),
            (ratio_cell(line.previous), PERCENT),
            (DASH if moved is None else moved / 100, POINTS),
            (line.cumulative_numerator, COUNT),
            (line.cumulative_denominator, COUNT),
            (ratio_cell(line.cumulative), PERCENT),
            percent_cell(line.expected),
            percent_cell(line.target),
        ]

    def _verdict(self, row: int, line: Line, of_class: Sequence[Line], how: dict[str, Any]) -> None:
        """Write the status in words, what is missing, what came after the closing, and the estimate."""
        text = STATUS[line.status]
        if line.is_group:
            members = [x for x in of_class if x.group == line.group and not x.is_group and not x.frozen]
            text = f"{text} ({sum(x.status == 'met' for x in members)}/{len(members)})"
        if line.ceiling is not None:
            text = f"{text} (trần {percent_text(line.ceiling)})"
        below = {"font_color": "#B00020", "bold": True} if line.status == "below" else {}
        self._sheet.write_string(row, 12, text, self._sheets.boxed(align="center", **{**how, **below}))
        missing = line.shortfall if line.status == "below" else None
        self._sheet.write(row, 13, missing, self._sheets.boxed(align="right", num_format=COUNT, **how))
        added: tuple[int | None, int | None] = self._report.adjustments.get(line.key, (None, None))
        for n, value in enumerate(added, start=14):
            strong = {"bold": True} if value else {}
            self._sheet.write(row, n, value, self._sheets.boxed(align="right", num_format=CHANGE, **{**how, **strong}))
        if self._report.estimates:
            guess = self._report.estimates.get(line.key)
            cell = DASH if guess is None else int(guess * 100) / 10_000
            self._sheet.write(row, 16, cell, self._sheets.boxed(align="right", italic=True, num_format=PERCENT, **how))
