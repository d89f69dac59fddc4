"""The sheets of a workbook that hold tables: an annex for each indicator, and the list of units to be urged."""

from typing import Any, Final

from xlsxwriter.worksheet import Worksheet

from models.decisions.file import Indicator
from models.reporting.report import Report
from models.reporting.tables import URGED_COLUMNS, VERDICT, Annexes, Column, ReportRow, columns_of, urged
from streams.reports import words
from streams.reports.sheets import LINE_POINTS, Sheets, lines_high, number_format, written

BOLD_IS_WIDER: Final = 0.85
_GREY: Final = "#595959"
_RED: Final = "#B00020"
_FIRST_ADDED, _LAST_ADDED = 14, 15
_CENTRED: Final = (0, VERDICT, 16, 17)
"""columns of an annex that hold words"""


class Annex:
    """Writes the table of one indicator."""

    def __init__(self, sheets: Sheets, report: Report, number: int, indicator: Indicator) -> None:
        """Add the sheet."""
        self._sheets = sheets
        self._report = report
        self._number = number
        self._indicator = indicator
        self._columns = columns_of(report)
        self._last = len(self._columns) - 1
        short = report.reading.indicators[indicator].short
        self._sheet: Worksheet = sheets.add(f"{number}. {short}", [c.width for c in self._columns])

    def write(self, annexes: Annexes) -> None:
        """Write titles, headings and lines; titles stay on screen and headings on every page."""
        body = self._headings(self._titles())
        row = body
        for line in annexes.rows(self._indicator):
            if line.is_heading or line.is_note:
                heading(self._sheets, self._sheet, row, line, self._last)
            else:
                self._line(row, line)
            row += 1
        self._sheet.freeze_panes(body, 2)
        self._sheet.repeat_rows(body - 3, body - 1)
        self._sheet.print_area(0, 0, max(row - 1, body), self._last)
        self._sheet.outline_settings(visible=True, symbols_below=False)

    def _titles(self) -> int:
        """Write what the annex is; returns the next row."""
        titles = words.annex_titles(self._report, self._number, self._indicator)
        for row, (text, how) in enumerate(titles):
            looks: dict[str, Any] = {"bold": True, "font_size": 13} if how == "bold" else {"italic": how == "italic"}
            self._sheet.merge_range(
                row, 0, row, self._last, text, self._sheets.format(align="center", text_wrap=True, **looks)
            )
            self._sheet.set_row(row, (18 if how == "bold" else LINE_POINTS) * lines_high(text, 160))
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

    def _line(self, row: int, found: ReportRow) -> None:
        """Write one line: words in the middle, figures to the right, what is below its trajectory in red."""
        line = found.line
        how: dict[str, Any] = {"bold": True} if found.is_group else {}
        if line is not None and line.status in ("no-target", "no-dossiers", "not-measured"):
            how["font_color"] = _GREY
        name = str(found.cells[1].value)
        width = self._columns[1].width * (BOLD_IS_WIDER if found.is_group else 1) - 2 * found.is_member
        rank = str(found.cells[17].value)
        high = max(lines_high(name, width), lines_high(rank, self._columns[17].width))
        self._sheet.set_row(row, LINE_POINTS * high, None, {"level": 1} if found.is_member else {})
        for at, cell in enumerate(found.cells):
            looks = dict(how)
            if at == 1:
                looks |= {"text_wrap": True, "indent": int(found.is_member)}
            elif at in _CENTRED:
                looks |= {"align": "center", "text_wrap": True}
            else:
                looks |= {"align": "right", "num_format": number_format(cell)}
            if at == found.strong:
                looks |= {"font_color": _RED, "bold": True}
            if _FIRST_ADDED <= at <= _LAST_ADDED and cell.value:
                looks["bold"] = True
            self._sheet.write(row, at, written(cell), self._sheets.boxed(**looks))


def heading(sheets: Sheets, sheet: Worksheet, row: int, line: ReportRow, last: int) -> None:
    """Write a heading or a remark across a table."""
    looks: dict[str, Any] = {"italic": True} if line.is_note else {"bold": True, "bg_color": "#F7F7F7"}
    sheet.write(row, 0, written(line.cells[0]), sheets.boxed(align="center", **looks))
    sheet.merge_range(row, 1, row, last, written(line.cells[1]), sheets.boxed(**looks))


def write_urged(sheets: Sheets, report: Report) -> None:
    """Write the sheet of the units to be urged."""
    columns: tuple[Column, ...] = URGED_COLUMNS
    last = len(columns) - 1
    sheet: Worksheet = sheets.add(words.URGED, [c.width for c in columns])
    titled, days = sheets.format(align="center", bold=True, font_size=13), sheets.format(align="center", italic=True)
    for row, (text, looks) in enumerate(((words.URGED.upper(), titled), (words.days(report), days))):
        sheet.merge_range(row, 0, row, last, text, looks)
    head = sheets.boxed(bold=True, align="center", text_wrap=True, bg_color="#EDEDED")
    for at, column in enumerate(columns):
        sheet.write_string(2, at, column.heading, head)
    sheet.set_row(2, 2.2 * LINE_POINTS)
    row = 3
    for of_indicator in urged(report):
        bold, italic = sheets.boxed(text_wrap=True, bold=True), sheets.boxed(text_wrap=True, italic=True)
        for text, looks in ((of_indicator.heading, bold), (of_indicator.advice, italic)):
            sheet.merge_range(row, 0, row, last, text, looks)
            sheet.set_row(row, LINE_POINTS * lines_high(text, 130))
            row += 1
        for line in of_indicator.rows:
            if line.is_heading:
                heading(sheets, sheet, row, line, last)
            else:
                for at, cell in enumerate(line.cells):
                    where = "left" if at in (1, last) else "right"
                    looks_ = {"align": where, "num_format": number_format(cell), "text_wrap": at in (1, last)}
                    sheet.write(row, at, written(cell), sheets.boxed(**looks_))
                texts = ((str(line.cells[at].value), columns[at].width) for at in (1, last))
                sheet.set_row(row, LINE_POINTS * max(1, *(lines_high(text, width) for text, width in texts)))
            row += 1
    if row == 3:
        sheet.merge_range(row, 0, row, last, words.NONE_URGED, sheets.boxed())
    sheet.freeze_panes(3, 2)
    sheet.repeat_rows(2)
