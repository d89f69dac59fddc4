"""The report as an Excel workbook in the administrative layout (Nghị định 30/2020/NĐ-CP): a report, and its annexes.

The same report gives the same bytes: no clock is read, and the parts of the archive carry a fixed time.
"""

import io
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from models.calendar.civil_time import moment_of
from models.reporting.report import Report
from models.reporting.tables import Annexes, summary_headings, summary_rows
from models.wording import day_vn
from streams.reports import words
from streams.reports.annex import Annex, heading, write_urged
from streams.reports.sheets import LINE_POINTS, Sheets, lines_high, number_format, written

NAME_WIDTH, NUMBER_WIDTH, FIGURE_WIDTH = 38.0, 5.0, 9.0
SUMMARY_POINTS = 10.5
"""size of the letters of the summary: that of a decision of seven indicators fits on the first page"""
SPLIT = 5
"""columns left of the middle of the page"""


def workbook_bytes(report: Report) -> bytes:
    """Return the report as the bytes of an .xlsx file."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    )
    # Dated by what was known when the figures were taken, never by the clock.
    created = moment_of(report.known_until).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": f"{words.title(report)}, {report.window.label.title}", "created": created})
    sheets = Sheets(book, words.footer(report))
    Front(sheets, report).write()
    annexes = Annexes(report)
    for number, indicator in enumerate(report.reading.indicators, start=1):
        Annex(sheets, report, number, indicator).write(annexes)
    write_urged(sheets, report)
    book.close()
    return out.getvalue()


class Front:
    """Writes the first sheet: head, what was found by indicator and class, how to read it, signatures."""

    def __init__(self, sheets: Sheets, report: Report) -> None:
        """Add the sheet."""
        self._sheets = sheets
        self._report = report
        self._headings = summary_headings(report)
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
        # A text that begins with a dash stays a text when somebody edits the cell.
        looks = self._sheets.format(**{"align": "center", "quote_prefix": True, **how})
        self._sheet.merge_range(row, first, row, self._last if last is None else last, text, looks)

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
        """Write how many units are on their trajectory, and have reached each target: class by class, and in all."""
        sheet, at = self._sheet, self._figures_at
        head = self._sheets.boxed(bold=True, align="center", text_wrap=True, bg_color="#EDEDED")
        for n, text in enumerate(self._headings):
            if n < at:
                sheet.merge_range(row, n, row + 1, n, text, head)
            else:
                sheet.write_string(row + 1, n, text, head)
        sheet.merge_range(row, at, row, at + 2, "Trong kỳ", head)
        sheet.merge_range(row, at + 3, row, at + 5, f"Lũy kế từ {day_vn(self._report.first_judged)}", head)
        sheet.set_row(row + 1, 2 * LINE_POINTS)
        row += 2
        for line in summary_rows(self._report):
            if line.is_heading:
                heading(self._sheets, sheet, row, line, self._last)
            else:
                bold = {"bold": True} if line.is_total else {}
                for n, cell in enumerate(line.cells):
                    looks: dict[str, Any] = {"indent": 1} if n == 1 else {"align": "right"}
                    looks |= {"num_format": number_format(cell), "font_size": SUMMARY_POINTS, **bold}
                    sheet.write(row, n, written(cell), self._sheets.boxed(**looks))
            sheet.set_row(row, SUMMARY_POINTS * 1.27)
            row += 1
        return row + 1

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
