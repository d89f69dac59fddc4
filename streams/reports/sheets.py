"""Pages and cells that the sheets of a report share: A4 landscape, Times New Roman, Vietnamese number formats.

A ratio is cut off after two decimals before it is written, so that no program rounds a unit above its line. Formats
carry the locale vi-VN, which LibreOffice follows; Excel shows the separators of its own locale.
"""

from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from models.reporting.tables import DASH, ReportCell

FONT: Final = "Times New Roman"
_VI: Final = "[$-42A]"
TEXT: Final = "General"
COUNT: Final = f"{_VI}#,##0_-"
POINTS: Final = f"{_VI}+0.00_-;{_VI}\\-0.00_-;{_VI}0.00_-"
CHANGE: Final = f'{_VI}+#,##0_-;{_VI}\\-#,##0_-;"{DASH}"_-'
"""The format of adjustments after a closing; zero is a dash, so that changes stand out."""
LINE_POINTS: Final = 15.75
"""height of a line of text of 12 points"""
CHARACTERS_PER_WIDTH: Final = 1.25
A4: Final = 9


def written(cell: ReportCell) -> float | str | None:
    """Return what a cell of a workbook holds: figures are numbers, of which a percentage is a share of one."""
    value = cell.value
    if value is None or isinstance(value, str):
        return value
    return {"percent": value / 10_000, "points": value / 100}.get(cell.kind, value)


def number_format(cell: ReportCell) -> str:
    r"""Return how a cell is shown.

    >>> number_format(ReportCell(6655, "percent")), number_format(ReportCell(5000, "percent", 0))
    ('[$-42A]0.00\\ %_-', '[$-42A]0\\ %_-')
    """
    if not isinstance(cell.value, int):
        return TEXT
    if cell.kind == "percent":
        return f"{_VI}0{'.' if cell.decimals else ''}{'0' * cell.decimals}\\ %_-"
    return {"points": POINTS, "change": CHANGE}.get(cell.kind, COUNT)


def lines_high(text: str, width: float) -> int:
    """Return how many lines a text needs in so many characters of width, which are digits: letters are narrower."""
    return max(1, -(-len(text) // int(width * CHARACTERS_PER_WIDTH)))


class Sheets:
    """Makes the sheets and formats of one workbook."""

    def __init__(self, book: xlsxwriter.Workbook, footer: str) -> None:
        """Hold the workbook; `footer` stands at the foot of every page."""
        self._book = book
        self._footer = footer
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}

    def format(self, **properties: Any) -> Format:
        """Return a format; the same one for the same properties."""
        key = tuple(sorted({"font_name": FONT, "font_size": 12, "valign": "vcenter", **properties}.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(dict(key))
        return self._formats[key]

    def boxed(self, **properties: Any) -> Format:
        """Return the format of a cell of a table."""
        return self.format(border=1, border_color="#808080", **properties)

    def add(self, name: str, widths: list[float]) -> Worksheet:
        """Add a sheet; widths in characters."""
        sheet = self._book.add_worksheet("".join(c for c in name if c not in "[]:*?/\\'")[:31])
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.8, right=0.5, top=0.7, bottom=0.7)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        sheet.set_default_row(LINE_POINTS)
        sheet.center_horizontally()
        sheet.set_footer(f"&L&9{self._footer}&R&9Trang &P/&N")
        for n, width in enumerate(widths):
            sheet.set_column(n, n, width, self.format())
        return sheet
