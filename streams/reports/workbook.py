"""The report as an Excel workbook in the administrative layout (Nghị định 30/2020/NĐ-CP): a report, and its annexes.

The same report gives the same bytes: no clock is read, and the parts of the archive carry a fixed time.
"""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from models.calendar.civil_time import moment_of
from models.counting.ledger import Figures
from models.decisions.vietnamese import STATUS
from models.reporting.report import Report
from models.reporting.report_lines import CLASSES, Line
from models.wording import day_vn
from streams.reports import words
from streams.reports.annex import Annex
from streams.reports.sheets import COUNT, DASH, LINE_POINTS, PERCENT, Cell, Sheets, lines_high, ratio_cell

NAME_WIDTH, NUMBER_WIDTH, FIGURE_WIDTH = 38.0, 5.0, 9.0
SPLIT = 5
"""columns left of the middle of the page"""


def workbook_bytes(report: Report) -> bytes:
    """Return the report as the bytes of an .xlsx file."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    # Dated by what was known when the figures were taken, never by the clock.
    created = moment_of(report.known_until).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": f"{words.title(report)}, {report.window.label.title}", "created": created})
    sheets = Sheets(book, words.cut_off(report))
    Front(sheets, report).write()
    for number, indicator in enumerate(report.reading.indicators, start=1):
        Annex(sheets, report, number, indicator).write()
    book.close()
    return out.getvalue()


class Front:
    """Writes the first sheet: head, what was found by indicator and class, how to read it, signatures."""

    def __init__(self, sheets: Sheets, report: Report) -> None:
        """Add the sheet."""
        self._sheets = sheets
        self._report = report
        self._headings = ["TT", "Chỉ tiêu, nhóm đơn vị", "Số đơn vị được giao", "Đạt", "Chưa đạt", "Chưa phát sinh"]
        if report.statuses()["not-measured"]:
            self._headings.append(STATUS["not-measured"])
        self._figures_at = len(self._headings)
        self._headings += 2 * ["Tử số", "Mẫu số", "Tỷ lệ"]
        self._last = len(self._headings) - 1
        widths = [NUMBER_WIDTH, NAME_WIDTH, *([FIGURE_WIDTH] * (self._last - 1))]
        self._width = sum(widths)
        self._sheet: Worksheet = sheets.add("Báo cáo", widths)

    def write(self) -> None:
        """Write all of it."""
        row = self._summary(self._title(self._head()))
        self._sheet.set_h_pagebreaks([row])
        for note in words.notes(self._report):
            row = self._paragraph(row, note.text, bold=note.heading)
        self._signatures(row + 1)

    def _across(self, row: int, text: str, first: int = 0, last: int | None = None, **how: Any) -> None:
        """Write a text over several columns."""
        written = self._sheets.format(**{"align": "center", **how})
        self._sheet.merge_range(row, first, row, self._last if last is None else last, text, written)

    def _paragraph(self, row: int, text: str, **how: Any) -> int:
        """Write a text across the page, as high as it needs; returns the next row."""
        self._across(row, text, align="left", valign="top", text_wrap=True, **how)
        self._sheet.set_row(row, LINE_POINTS * lines_high(text, self._width) + 2)
        return row + 1

    def _head(self) -> int:
        """Write the two columns that head an administrative document; returns the next row."""
        superior = self._report.reading.decision.issuer.removeprefix("Chủ tịch ").upper()
        lines: tuple[tuple[str, dict[str, Any], str, dict[str, Any]], ...] = (
            (superior, {}, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", {"bold": True}),
            ("(TÊN CƠ QUAN LẬP BÁO CÁO)", {"bold": True}, "Độc lập - Tự do - Hạnh phúc", {"bold": True}),
            ("────────", {"font_size": 8}, "──────────────────────", {"font_size": 8}),
            ("Số: ……/BC-……", {}, "……………, ngày …… tháng …… năm ………", {"italic": True}),
        )
        for row, (left, how_left, right, how_right) in enumerate(lines):
            self._across(row, left, last=SPLIT - 2, **how_left)
            self._across(row, right, first=SPLIT - 1, **how_right)
        self._sheet.set_row(2, 9)
        self._sheet.set_row(len(lines), 6)
        return len(lines) + 1

    def _title(self, row: int) -> int:
        """Write title, addressee and what was found; returns the next row."""
        report, about = self._report, f"({self._report.reading.decision.title})"
        lines: list[tuple[str, dict[str, Any], float]] = [
            ("BÁO CÁO", {"bold": True, "font_size": 14}, 22),
            (words.title(report), {"bold": True, "font_size": 13}, 18),
            (about, {"text_wrap": True}, LINE_POINTS * lines_high(about, self._width)),
            (words.capital(report.window.label.title), {"bold": True, "font_size": 13}, 18),
            (words.days(report), {"italic": True}, LINE_POINTS),
            *((text, {"italic": True}, LINE_POINTS) for text in words.deadlines(report)),
            (f"Kính gửi: {report.reading.decision.issuer}", {"font_size": 13}, 22),
        ]
        for text, how, height in lines:
            self._across(row, text, **how)
            self._sheet.set_row(row, height)
            row += 1
        row = self._paragraph(row, words.finding(report))
        self._sheet.set_row(row, 6)
        return row + 1

    def _summary(self, row: int) -> int:
        """Write how many units reach each target, class by class; returns the next row."""
        sheet, at = self._sheet, self._figures_at
        head = self._sheets.boxed(bold=True, align="center", text_wrap=True, bg_color="#EDEDED")
        for n, heading in enumerate(self._headings):
            if n < at:
                sheet.merge_range(row, n, row + 1, n, heading, head)
            else:
                sheet.write_string(row + 1, n, heading, head)
        sheet.merge_range(row, at, row, at + 2, "Trong kỳ", head)
        sheet.merge_range(row, at + 3, row, at + 5, f"Lũy kế từ {day_vn(self._report.first_judged)}", head)
        sheet.set_row(row + 1, 2 * LINE_POINTS)
        row += 2
        for number, (indicator, formula) in enumerate(self._report.reading.indicators.items(), start=1):
            sheet.write_number(row, 0, number, self._sheets.boxed(bold=True, align="center"))
            name = f"{formula.short} ({formula.clause})"
            sheet.merge_range(row, 1, row, self._last, name, self._sheets.boxed(bold=True, bg_color="#F7F7F7"))
            row += 1
            for unit_class in CLASSES[:3]:
                lines = [
                    x for x in self._report.lines
                    if (x.indicator, x.unit_class) == (indicator, unit_class)
                    and not x.is_group and x.status != "no-target"
                ]  # fmt: skip
                if lines:
                    self._class(row, words.CLASS_NAMES[unit_class], lines)
                    row += 1
        return row + 1

    def _class(self, row: int, name: str, lines: Sequence[Line]) -> None:
        """Write the units of one class under one indicator as one row."""
        sheet, number = self._sheet, self._sheets.boxed(num_format=COUNT)
        counts = Counter(STATUS[line.status] for line in lines)
        cells: list[Cell] = [len(lines), *(counts[h] for h in self._headings[3 : self._figures_at])]
        if counts[STATUS["not-measured"]] < len(lines):
            live = [line for line in lines if not line.frozen]  # what a merged unit had, its heir has
            for figures in (_sum(x.figures for x in live), _sum(x.cumulative for x in live)):
                cells += [*figures, ratio_cell(figures)]
        else:
            cells += 6 * [DASH]
        sheet.write_blank(row, 0, None, number)
        sheet.write_string(row, 1, name, self._sheets.boxed(indent=1))
        for n, cell in enumerate(cells, start=2):
            ratio = n in (self._figures_at + 2, self._last)
            sheet.write(row, n, cell, self._sheets.boxed(num_format=PERCENT if ratio else COUNT, align="right"))

    def _signatures(self, row: int) -> None:
        """Write where the report goes and who signs: places, no names."""
        middle = self._last - 4
        self._across(row, "Nơi nhận:", last=1, align="left", bold=True, italic=True)
        self._across(row + 1, "- Như trên;", last=1, align="left", font_size=11)
        self._across(row + 2, "- Lưu: VT, ………", last=1, align="left", font_size=11)
        self._across(row, "NGƯỜI LẬP BIỂU", first=2, last=middle - 1, bold=True)
        self._across(row + 1, "(Ký, ghi rõ họ tên)", first=2, last=middle - 1, italic=True)
        self._across(row, "THỦ TRƯỞNG CƠ QUAN", first=middle, bold=True)
        self._across(row + 1, "(Ký, ghi rõ họ tên, đóng dấu)", first=middle, italic=True)


def _sum(figures: Iterable[Figures]) -> Figures:
    each = list(figures)
    return sum(n for n, _ in each), sum(d for _, d in each)
