"""The report as a PDF, its letters embedded, so that every machine and printer shows the same.

The letters are Tinos, whose widths are those of Times New Roman. The same report gives the same bytes.
"""

import io
import unicodedata
from functools import cache
from importlib import resources
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageTemplate,
    Spacer,
)
from reportlab.platypus import PageBreak as Turn
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from models.reporting.report import Report
from models.reporting.tables import ReportRow, shown
from streams.reports import words
from streams.reports.document import (
    MARGINS_ACROSS_MM,
    MARGINS_MM,
    SIGNED,
    Block,
    DocumentTable,
    PageBreak,
    Paragraph,
    Style,
    blocks,
    letterhead,
    title_of,
    unbroken,
)

_FACES: Final = {
    "Tinos": "regular",
    "Tinos-Bold": "bold",
    "Tinos-Italic": "italic",
    "Tinos-BoldItalic": "bolditalic",
}
_LOOKS: Final[dict[Style, tuple[float, str, int, float]]] = {
    "body": (12, "Tinos", TA_JUSTIFY, 4),
    "heading": (12, "Tinos-Bold", TA_LEFT, 5),
    "centre": (12, "Tinos", TA_CENTER, 4),
    "title": (14, "Tinos-Bold", TA_CENTER, 6),
    "name": (12.5, "Tinos-Bold", TA_CENTER, 2),
    "italic": (12, "Tinos-Italic", TA_CENTER, 2),
    "left": (12, "Tinos-Italic", TA_LEFT, 2),
    "last": (12, "Tinos", TA_JUSTIFY, 6),
    "small": (9.5, "Tinos-Italic", TA_CENTER, 1),
}
"""style → points, face, alignment, points of space above and below"""
_GREY: Final = colors.HexColor("#808080")
_HEAD: Final = colors.HexColor("#EDEDED")
_CLASS: Final = colors.HexColor("#F7F7F7")
_PAD: Final = 1.6
_PAD_ABOVE: Final = 1.1
_LEADING: Final = 1.18
_BELOW_HEADING: Final = 100.0
"""points that a heading needs with the first lines below it: kept with a whole table it would leave a page blank"""
_FIRST, _UPRIGHT, _ACROSS = "first", "upright", "across"


def pdf_bytes(report: Report) -> bytes:
    """Return the report as the bytes of a PDF file."""
    _register()
    out = io.BytesIO()
    document = BaseDocTemplate(
        out, pagesize=A4, invariant=1, lang="vi-VN", title=title_of(report), author="", subject=words.footer(report),
        creator="lotrinh",
    )  # fmt: skip
    document.addPageTemplates(
        [
            _template(_FIRST, A4, MARGINS_MM, words.footer(report), numbered=False),
            _template(_UPRIGHT, A4, MARGINS_MM, words.footer(report)),
            _template(_ACROSS, landscape(A4), MARGINS_ACROSS_MM, words.footer(report)),
        ]
    )
    story: list[Flowable] = [NextPageTemplate(_UPRIGHT), _letterhead(report), Spacer(0, 8)]
    width = _width(A4, MARGINS_MM)
    for block in blocks(report):
        if isinstance(block, PageBreak):
            if block.across:
                story.append(NextPageTemplate(_ACROSS))
                width = _width(landscape(A4), MARGINS_ACROSS_MM)
            story.append(Turn())
        else:
            story += _flowables(block, width)
    document.build(story)
    return out.getvalue()


@cache
def _register() -> None:
    """Make the faces known to ReportLab, once in a process."""
    for face, file in _FACES.items():
        content = (resources.files("streams") / "reports" / "fonts" / f"tinos-{file}.ttf").read_bytes()
        pdfmetrics.registerFont(TTFont(face, io.BytesIO(content)))


def _width(size: tuple[float, float], margins: tuple[float, ...]) -> float:
    return float(size[0] - (margins[1] + margins[3]) * mm)


def _template(
    name: str, size: tuple[float, float], margins: tuple[float, ...], footer: str, *, numbered: bool = True
) -> PageTemplate:
    """Return a kind of page: numbered above, unless it is the first; up to when is counted stands below."""
    top, _, bottom, left = (m * mm for m in margins)
    frame = Frame(left, bottom, _width(size, margins), size[1] - top - bottom, 0, 0, 0, 0)

    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        if numbered:
            canvas.setFont("Tinos", 13)
            canvas.drawCentredString(size[0] / 2, size[1] - 12 * mm, str(document.page))
        canvas.setFont("Tinos", 9)
        canvas.drawString(left, 10 * mm, footer)
        canvas.restoreState()

    return PageTemplate(id=name, frames=[frame], pagesize=size, onPage=draw)


def _flowables(block: Block, width: float) -> list[Flowable]:
    match block:
        case Paragraph():
            points, face, alignment, space = _LOOKS[block.style]
            style = ParagraphStyle(
                block.style, fontName=face, fontSize=points, leading=points * 1.25, alignment=alignment,
                spaceBefore=space, spaceAfter=space, keepWithNext=int(block.style == "last"),
            )  # fmt: skip
            text = Text(_marked_up(block.text), style)
            return [CondPageBreak(_BELOW_HEADING), text] if block.style == "heading" else [text]
        case DocumentTable():
            return [_grid(block, width), Spacer(0, 6)]
        case _:
            return [_signatures(width)]


def _marked_up(text: str) -> str:
    return escape(unicodedata.normalize("NFC", text))


def _plain(text: str, points: float, face: str, align: int) -> Text:
    style = ParagraphStyle(
        face, fontName=face, fontSize=points, leading=points * _LEADING, alignment=align, splitLongWords=1
    )
    return Text(_marked_up(text), style)


def _letterhead(report: Report) -> Grid:
    rows = []
    for left, right, how in letterhead(report):
        points = 7 if how == "rule" else 11.5
        faces = {
            "right": ("Tinos", "Tinos-Bold"),
            "both": ("Tinos-Bold", "Tinos-Bold"),
            "italic": ("Tinos", "Tinos-Italic"),
        }
        pair = zip((left, right), faces.get(how, ("Tinos", "Tinos")), strict=True)
        rows.append([_plain(text, points, face, TA_CENTER) for text, face in pair])
    return Grid(rows, [74 * mm, 91 * mm], style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *_padding(0)])


def _signatures(width: float) -> Flowable:
    rows = []
    for n, texts in enumerate(SIGNED):
        faces = ("Tinos-BoldItalic" if n == 0 else "Tinos", *(2 * ["Tinos-Bold" if n == 0 else "Tinos-Italic"]))
        rows.append(
            [
                _plain(text, 11 if at == 0 else 12, face, TA_CENTER if at else TA_LEFT)
                for at, (text, face) in enumerate(zip(texts, faces, strict=True))
            ]
        )
    return KeepTogether([Spacer(0, 14), Grid(rows, [0.33 * width, 0.3 * width, 0.37 * width], style=_padding(1))])


def _padding(points: float) -> list[tuple[Any, ...]]:
    sides = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    return [(side, (0, 0), (-1, -1), points) for side in sides]


class _Grid:
    """Gathers the cells of a table, their height, and what is merged and shaded."""

    def __init__(self, table: DocumentTable, width: float) -> None:
        total = sum(c.width for c in table.columns)
        self.table = table
        self.widths = [width * c.width / total for c in table.columns]
        self.rows: list[list[Any]] = []
        self.heights: list[float] = []
        self.looks: list[tuple[Any, ...]] = []

    def text(self, text: str, columns: slice, face: str, align: int) -> Any:
        """Return a text as it is, where it fits into its columns; broken into lines where it does not."""
        width, points = sum(self.widths[columns]) - 2 * _PAD, self.table.points
        shown_text = unbroken(unicodedata.normalize("NFC", text))
        if pdfmetrics.stringWidth(shown_text, face, points) <= width:
            return shown_text
        return _plain(shown_text, points, face, align)

    def add(self, cells: list[Any], points: float) -> None:
        """Add a row as high as its highest cell."""
        high = points * _LEADING
        for n, cell in enumerate(cells):
            if isinstance(cell, Text):
                high = max(high, cell.wrap(self._spanned(n) - 2 * _PAD, 10_000)[1])
        self.rows.append(cells)
        self.heights.append(high + 2 * _PAD_ABOVE)

    def _spanned(self, at: int) -> float:
        row = len(self.rows)
        for look in self.looks:
            if look[0] == "SPAN" and look[1] == (at, row):
                return sum(self.widths[at : look[2][0] + 1])
        return self.widths[at]

    def look(self, name: str, first: int, last: int, *values: Any, rows: int = 1) -> None:
        """Set how cells of the next row look."""
        row = len(self.rows)
        self.looks.append((name, (first, row), (last, row + rows - 1), *values))


def _grid(table: DocumentTable, width: float) -> Grid:
    """Return a table whose headings stand on every page."""
    grid = _Grid(table, width)
    _headings(grid)
    repeated = len(grid.rows)
    for row in table.rows:
        _row(grid, row)
    common: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), "Tinos", table.points),
        ("LEADING", (0, 0), (-1, -1), table.points * _LEADING),
        ("GRID", (0, 0), (-1, -1), 0.4, _GREY),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("ALIGN", (0, 0), (-1, -1), "CENTER"),
        ("BACKGROUND", (0, 0), (-1, repeated - 1), _HEAD),
        *_padding(_PAD),
        ("TOPPADDING", (0, 0), (-1, -1), _PAD_ABOVE),
        ("BOTTOMPADDING", (0, 0), (-1, -1), _PAD_ABOVE),
    ]
    return Grid(grid.rows, grid.widths, grid.heights, style=common + grid.looks, repeatRows=repeated)


def _headings(grid: _Grid) -> None:
    columns, points = grid.table.columns, grid.table.points
    last = len(columns) - 1
    two = any(c.above for c in columns)
    if two:
        cells: list[Any] = [""] * len(columns)
        at = 0
        while at <= last:
            until = at + 1
            while columns[at].above and until <= last and columns[until].above == columns[at].above:
                until += 1
            if columns[at].above:
                grid.look("SPAN", at, until - 1)
                cells[at] = _plain(columns[at].above, points, "Tinos-Bold", TA_CENTER)
            else:
                grid.look("SPAN", at, at, rows=2)
            at = until
        grid.add(cells, points)
        for n, column in enumerate(columns):
            if not column.above:  # it stands in the row below as well, and there is room for it
                grid.rows[-1][n] = _plain(column.heading, points, "Tinos-Bold", TA_CENTER)
    below = [_plain(c.heading, points, "Tinos-Bold", TA_CENTER) for c in columns]
    grid.add(below, points)
    if two:
        grid.rows[-1] = [cell if c.above else "" for cell, c in zip(below, columns, strict=True)]
        under = [n for n, c in enumerate(columns) if c.above]
        need = max(below[n].wrap(grid.widths[n] - 2 * _PAD, 10_000)[1] for n in under) + 2 * _PAD_ABOVE
        grid.heights[-1] = max(need, grid.heights[-1] - grid.heights[-2])  # a merged heading has both rows
    if any(c.number for c in columns):
        size = 0.72 * points
        grid.look("FONT", 0, last, "Tinos-Italic", size)
        grid.add([c.number for c in columns], size)


def _row(grid: _Grid, row: ReportRow) -> None:
    table, last = grid.table, len(grid.table.columns) - 1
    if row.is_heading or row.is_note:
        face = "Tinos-Bold" if row.is_heading else "Tinos-Italic"
        grid.look("SPAN", 1, last)
        grid.look("FONT", 0, last, face, table.points)
        grid.look("ALIGN", 1, 1, "LEFT")
        if row.is_heading:
            grid.look("BACKGROUND", 0, last, _CLASS)
        first, second = map(shown, row.cells)
        cells: list[Any] = [first, grid.text(second, slice(1, None), face, TA_LEFT)]
        grid.add([*cells, *((last - 1) * [""])], table.points)
        if row.is_heading:
            grid.looks.append(("NOSPLIT", (0, len(grid.rows) - 1), (0, len(grid.rows))))
        return
    face = "Tinos-Bold" if row.is_group or row.is_total else "Tinos"
    if face != "Tinos":
        grid.look("FONT", 0, last, face, table.points)
    cells = []
    for at, cell in enumerate(row.cells):
        where, align = "CENTER", TA_CENTER
        if at in table.left:
            where, align = "LEFT", TA_LEFT
        elif isinstance(cell.value, int) and cell.kind != "place" and at:
            where, align = "RIGHT", TA_RIGHT
        if where != "CENTER":
            grid.look("ALIGN", at, at, where)
        own = face
        if at == row.strong and face == "Tinos":
            own = "Tinos-Bold"
            grid.look("FONT", at, at, own, table.points)
        text = f"   {shown(cell)}" if at == 1 and row.is_member else shown(cell)
        cells.append(grid.text(text, slice(at, at + 1), own, align))
    grid.add(cells, table.points)
