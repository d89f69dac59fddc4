"""The report as a Word document (.docx).

The same report gives the same bytes: properties are dated by what was known, and the parts of the archive carry a
fixed time.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt

from models.calendar.civil_time import moment_of
from models.reporting.report import Report
from models.reporting.tables import ReportCell, ReportRow, shown
from streams.reports import words
from streams.reports.document import (
    FONT,
    MARGINS_ACROSS_MM,
    MARGINS_MM,
    SIGNED,
    DocumentTable,
    PageBreak,
    Paragraph,
    Signatures,
    Style,
    blocks,
    letterhead,
    title_of,
    unbroken,
)

_A4_MM: Final = (210.0, 297.0)
_NS: Final = nsdecls("w")
_TWIPS: Final = 1440 / 25.4
"""Twentieths of a point in a millimetre."""
_MIDDLE, _LEFT, _BOTH = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.JUSTIFY
_LOOKS: Final[dict[Style, tuple[float, bool, bool, Any, float]]] = {
    "body": (13, False, False, _BOTH, 4),
    "heading": (13, True, False, _LEFT, 6),
    "centre": (13, False, False, _MIDDLE, 4),
    "title": (14, True, False, _MIDDLE, 6),
    "name": (13, True, False, _MIDDLE, 2),
    "italic": (13, False, True, _MIDDLE, 2),
    "left": (13, False, True, _LEFT, 2),
    "last": (13, False, False, _BOTH, 6),
    "small": (10, False, True, _MIDDLE, 2),
}
"""style → points, bold, italic, alignment, points of space above and below"""


def docx_bytes(report: Report) -> bytes:
    """Return the report as the bytes of a .docx file."""
    document = docx.Document()
    _properties(document, report)
    _styles(document)
    _page(document.sections[0], _A4_MM, MARGINS_MM, report, numbered_from_second=True)
    writer = _Writer(document, report)
    writer.letterhead()
    for block in blocks(report):
        writer.write(block)
    out = io.BytesIO()
    document.save(out)
    return _timeless(out.getvalue())


def _properties(document: Any, report: Report) -> None:
    known = moment_of(report.known_until).replace(tzinfo=None, microsecond=0)
    own = document.core_properties
    own.title, own.language = title_of(report), "vi-VN"
    own.author = own.last_modified_by = own.comments = ""
    own.created = own.modified = known
    own.revision = 1


def _styles(document: Any) -> None:
    """Set fonts and spaces once, so that an office changes a style and not every paragraph."""
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = FONT, Pt(13)
    fonts = normal.element.rPr.rFonts
    for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(script), FONT)
    defaults = document.styles.element.find(f".//{qn('w:rPrDefault')}/{qn('w:rPr')}")
    for language in defaults.findall(qn("w:lang")):
        language.set(qn("w:val"), "vi-VN")
    for name, (points, bold, italic, alignment, space) in _LOOKS.items():
        style = document.styles.add_style(f"Lotrinh {name}", WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        style.font.size, style.font.bold, style.font.italic = Pt(points), bold, italic
        style.paragraph_format.alignment = alignment
        style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(space)
        style.paragraph_format.keep_with_next = name in ("heading", "last")
    for kind, points in (("table", 12), ("gap", 4)):
        style = document.styles.add_style(f"Lotrinh {kind}", WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        style.font.size = Pt(points)
        style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(0)


def _page(
    section: Any, size: tuple[float, float], margins: tuple[float, ...], report: Report, *, numbered_from_second: bool
) -> None:
    """Set size and margins (mm) of a section; page numbers stand above, what is counted stands below."""
    section.page_width, section.page_height = Mm(size[0]), Mm(size[1])
    section.orientation = WD_ORIENT.LANDSCAPE if size[0] > size[1] else WD_ORIENT.PORTRAIT
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = map(Mm, margins)
    section.header_distance = section.footer_distance = Mm(10)
    section.different_first_page_header_footer = numbered_from_second
    if numbered_from_second:
        footers = [section.footer, section.first_page_footer]
        header = section.header.paragraphs[0]
        header.alignment = _MIDDLE
        header._p.append(parse_xml(f'<w:fldSimple {_NS} w:instr="PAGE"><w:r><w:t>2</w:t></w:r></w:fldSimple>'))  # noqa: SLF001
        for footer in footers:
            run = footer.paragraphs[0].add_run(words.footer(report))
            run.font.size = Pt(9)


class _Writer:
    """Writes block after block."""

    def __init__(self, document: Any, report: Report) -> None:
        self._document = document
        self._report = report
        self._across = False
        self._breaks = False
        """whether the next paragraph begins a page"""

    def write(self, block: object) -> None:
        match block:
            case Paragraph():
                paragraph = self._document.add_paragraph(block.text, style=f"Lotrinh {block.style}")
                if self._breaks:
                    paragraph.paragraph_format.page_break_before = True
                self._breaks = False
            case DocumentTable():
                made = parse_xml(_table_xml(block, self._width))
                self._document.element.body.insert_element_before(made, "w:sectPr")
                self._document.add_paragraph(style="Lotrinh gap")
            case PageBreak(across=True):
                section = self._document.add_section(WD_SECTION.NEW_PAGE)
                _page(section, _A4_MM[::-1], MARGINS_ACROSS_MM, self._report, numbered_from_second=False)
                self._across = True
            case PageBreak():
                self._breaks = True
            case Signatures():
                self._signatures()

    @property
    def _width(self) -> float:
        """Return the width between the margins, in twips."""
        size, margins = (_A4_MM[1], MARGINS_ACROSS_MM) if self._across else (_A4_MM[0], MARGINS_MM)
        return (size - margins[1] - margins[3]) * _TWIPS

    def _bare_table(self, rows: int, widths: tuple[int, ...]) -> Any:
        """Return a table without lines, with columns of so many millimetres, whose texts have the whole width."""
        table = self._document.add_table(rows=rows, cols=len(widths))
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        margins = "".join(f'<w:{side} w:w="0" w:type="dxa"/>' for side in ("left", "right"))
        look = table._tblPr.find(qn("w:tblLook"))  # noqa: SLF001 - python-docx has no margins of cells
        look.addprevious(parse_xml(f"<w:tblCellMar {_NS}>{margins}</w:tblCellMar>"))
        return table

    def letterhead(self) -> None:
        table = self._bare_table(4, (74, 91))
        for row, (left, right, how) in zip(table.rows, letterhead(self._report), strict=True):
            for cell, text in zip(row.cells, (left, right), strict=True):
                paragraph = cell.paragraphs[0]
                paragraph.style = "Lotrinh table"
                paragraph.alignment = _MIDDLE
                run = paragraph.add_run(text)
                run.font.size = Pt(8 if how == "rule" else 11.5)
                run.bold = how == "both" or (how == "right" and text == right)
                run.italic = how == "italic" and text == right

    def _signatures(self) -> None:
        table = self._bare_table(len(SIGNED), (46, 50, 69))
        for n, (row, texts) in enumerate(zip(table.rows, SIGNED, strict=True)):
            for at, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
                paragraph = cell.paragraphs[0]
                paragraph.style = "Lotrinh table"
                paragraph.alignment = _MIDDLE if at else _LEFT
                paragraph.paragraph_format.keep_with_next = n < len(SIGNED) - 1
                run = paragraph.add_run(text)
                run.font.size = Pt((12 if n == 0 else 11) if at == 0 else 13)
                run.bold = n == 0
                run.italic = (n == 0) == (at == 0)


# -- tables, as XML: python-docx takes minutes for two thousand rows of eighteen cells ------------------------------


def _table_xml(table: DocumentTable, width: float) -> str:
    """Return a table; its headings stand on every page, and no row is split between two."""
    total = sum(c.width for c in table.columns)
    widths = [round(width * c.width / total) for c in table.columns]
    borders = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:color="808080"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    margins = "".join(f'<w:{side} w:w="45" w:type="dxa"/>' for side in ("left", "right"))
    grid = "".join(f'<w:gridCol w:w="{w}"/>' for w in widths)
    size = round(2 * table.points)
    rows = [*_headings(table, widths, size), *(_row(row, table, widths, size) for row in table.rows)]
    return (
        f'<w:tbl {_NS}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{borders}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def _headings(table: DocumentTable, widths: list[int], size: int) -> Iterator[str]:
    columns = table.columns
    two = any(c.above for c in columns)
    if two:
        cells, at = [], 0
        while at < len(columns):
            above = columns[at].above
            until = at + 1
            while above and until < len(columns) and columns[until].above == above:
                until += 1
            text, merged = (above, "") if above else (columns[at].heading, '<w:vMerge w:val="restart"/>')
            cells.append(
                _cell(text, sum(widths[at:until]), size, "center", until - at, merged, bold=True, fill="EDEDED")
            )
            at = until
        yield _tr(cells, heading=True)
    yield _tr(
        (
            _cell(
                "" if two and not c.above else c.heading, w, size, "center",
                merged="" if c.above or not two else "<w:vMerge/>", bold=True, fill="EDEDED",
            )
            for c, w in zip(columns, widths, strict=True)
        ),
        heading=True,
    )  # fmt: skip
    if any(c.number for c in columns):
        numbers = (
            _cell(c.number, w, size - 3, "center", italic=True, fill="EDEDED")
            for c, w in zip(columns, widths, strict=True)
        )
        yield _tr(numbers, heading=True)


def _row(row: ReportRow, table: DocumentTable, widths: list[int], size: int) -> str:
    if row.is_heading or row.is_note:
        bold, fill = (True, "F7F7F7") if row.is_heading else (False, "")
        first, second = map(shown, row.cells)
        return _tr(
            (
                _cell(first, widths[0], size, "center", bold=bold, fill=fill),
                _cell(second, sum(widths[1:]), size, "left", len(widths) - 1, bold=bold, italic=not bold, fill=fill),
            ),
            keep=row.is_heading,
        )
    bold = row.is_group or row.is_total
    return _tr(
        _cell(
            shown(cell),
            w,
            size,
            _alignment(cell, at, table),
            bold=bold or at == row.strong,
            indent=at == 1 and row.is_member,
        )
        for at, (cell, w) in enumerate(zip(row.cells, widths, strict=True))
    )


def _alignment(cell: ReportCell, at: int, table: DocumentTable) -> str:
    if at in table.left:
        return "left"
    return "right" if isinstance(cell.value, int) and cell.kind != "place" and at else "center"


def _tr(cells: Iterable[str], *, heading: bool = False, keep: bool = False) -> str:
    header = "<w:tblHeader/>" if heading else ""
    text = "".join(cells)
    if keep:
        text = text.replace(_STYLE, f"{_STYLE}<w:keepNext/>")
    return f"<w:tr><w:trPr><w:cantSplit/>{header}</w:trPr>{text}</w:tr>"


_STYLE: Final = '<w:pStyle w:val="Lotrinhtable"/>'


def _cell(  # noqa: PLR0913, PLR0917 - what a cell of a table has
    text: str, width: int, size: int, align: str, span: int = 1, merged: str = "", *, bold: bool = False,
    italic: bool = False, fill: str = "", indent: bool = False,
) -> str:  # fmt: skip
    spans = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    looks = f'{"<w:b/>" if bold else ""}{"<w:i/>" if italic else ""}<w:sz w:val="{size}"/>'
    run = f'<w:r><w:rPr>{looks}</w:rPr><w:t xml:space="preserve">{escape(unbroken(text))}</w:t></w:r>' if text else ""
    left = '<w:ind w:left="120"/>' if indent else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{spans}{merged}{shade}<w:vAlign w:val="center"/></w:tcPr>'
        f'<w:p><w:pPr>{_STYLE}{left}<w:jc w:val="{align}"/><w:rPr><w:sz w:val="{size}"/></w:rPr></w:pPr>{run}</w:p>'
        "</w:tc>"
    )


def _timeless(archive: bytes) -> bytes:
    """Return the same archive with a fixed time on every part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as kept:
        for part in made.infolist():
            fixed = zipfile.ZipInfo(part.filename, (1980, 1, 1, 0, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            fixed.external_attr = 0o600 << 16
            kept.writestr(fixed, made.read(part))
    return out.getvalue()
