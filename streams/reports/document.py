"""The report as a text of several pages: what follows what in a Word document and in a PDF, once for both.

The layout is that of Nghị định 30/2020/NĐ-CP: A4, the text upright, annexes across, page numbers above from the second
page on, headings of tables on every page. Places for number, date and signatures are left blank; there are no names.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from models.reporting.report import Report
from models.reporting.tables import (
    URGED_COLUMNS,
    Annexes,
    Column,
    ReportRow,
    Urged,
    columns_of,
    summary_headings,
    summary_rows,
    urged,
)
from models.wording import day_vn, visible
from streams.reports import words

Style = Literal["body", "heading", "centre", "title", "name", "italic", "left", "last", "small"]
MARGINS_MM: Final = (20.0, 15.0, 20.0, 30.0)
"""top, right, bottom, left of an upright page"""
MARGINS_ACROSS_MM: Final = (20.0, 18.0, 18.0, 18.0)
FONT: Final = "Times New Roman"


class Paragraph(NamedTuple):
    """A paragraph and how it is set."""

    text: str
    style: Style = "body"


class DocumentTable(NamedTuple):
    """A table; widths of columns are shares of the page. Texts stand left or in the middle, figures right."""

    columns: list[Column]
    rows: list[ReportRow]
    points: float
    """size of the letters"""
    left: frozenset[int]
    """columns whose texts begin at the left"""


class PageBreak(NamedTuple):
    """What follows begins a page; `across`: the first of those that lie across."""

    across: bool = False


class Signatures(NamedTuple):
    """Where the report goes and who signs."""


Block = Paragraph | DocumentTable | PageBreak | Signatures


def letterhead(report: Report) -> tuple[tuple[str, str, str], ...]:
    """Return the lines of the two columns that head an administrative document: left, right, how they are set."""
    superior = visible(report.reading.decision.issuer.removeprefix("Chủ tịch ").upper())
    return (
        (superior, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "right"),
        ("(TÊN CƠ QUAN LẬP BÁO CÁO)", "Độc lập - Tự do - Hạnh phúc", "both"),
        ("────────", "──────────────────", "rule"),
        ("Số: ……/BC-……", "……………, ngày …… tháng …… năm ………", "italic"),
    )


def unbroken(text: str) -> str:
    """Return a text of a cell whose percentages stay on one line."""
    return text.replace(" %", "\u00a0%")


SIGNED: Final = (
    ("Nơi nhận:", "NGƯỜI LẬP BIỂU", "THỦ TRƯỞNG CƠ QUAN"),
    ("- Như trên;", "(Ký, ghi rõ họ tên)", "(Ký, ghi rõ họ tên, đóng dấu)"),
    ("- Lưu: VT, ………", "", ""),
)


def title_of(report: Report) -> str:
    """Return the title that a file carries among its properties."""
    return visible(f"{words.title(report)}, {report.window.label.title}")


def blocks(report: Report) -> Iterator[Block]:
    """Yield what follows the letterhead: what is signed, then what is attached to it."""
    lists = list(urged(report))
    yield from _titles(report)
    yield from _signed(report, lists)
    if lists:
        yield PageBreak()
        yield from _attached(report, words.URGED.upper())
    for of_indicator in lists:
        yield Paragraph(of_indicator.heading, "heading")
        yield DocumentTable(list(URGED_COLUMNS), of_indicator.rows, 9, frozenset({1, 8}))
    yield PageBreak()
    yield from _attached(report, words.EXPLAINED)
    for note in words.explanations(report):
        yield Paragraph(visible(note.text), "heading" if note.heading else "body")
    yield from _annexes(report)


def _titles(report: Report) -> Iterator[Block]:
    yield Paragraph("BÁO CÁO", "title")
    yield Paragraph(visible(words.title(report)), "name")
    yield Paragraph(visible(f"({report.reading.decision.title})"), "centre")
    yield Paragraph(words.capital(report.window.label.title), "name")
    for text in (words.days(report), *words.deadlines(report)):
        yield Paragraph(visible(text), "italic")
    yield Paragraph(visible(f"Kính gửi: {report.reading.decision.issuer}"), "centre")


def _signed(report: Report, lists: list[Urged]) -> Iterator[Block]:
    """Yield what is missing, if anything; what was found; who is to be urged to do what; and places for signatures."""
    if report.causes:
        yield Paragraph("SỐ LIỆU CHƯA ĐẦY ĐỦ", "heading")
    for text in words.incomplete(report.causes):
        yield Paragraph(visible(f"- {text}."))
    yield Paragraph("I. KẾT QUẢ CHUNG", "heading")
    yield Paragraph(words.finding(report))
    yield DocumentTable(_summary_columns(report), list(summary_rows(report)), 8.5, frozenset({1}))
    yield Paragraph("II. CÁC ĐƠN VỊ CẦN ĐÔN ĐỐC", "heading")
    for of_indicator in lists:
        yield Paragraph(of_indicator.heading, "heading")
        yield Paragraph(of_indicator.advice)
    yield Paragraph("(Danh sách từng đơn vị kèm theo.)", "left") if lists else Paragraph(words.NONE_URGED)
    yield Paragraph(words.CLOSING, "last")
    yield Signatures()


def _annexes(report: Report) -> Iterator[Block]:
    annexes, columns = Annexes(report), columns_of(report)
    for number, indicator in enumerate(report.reading.indicators, start=1):
        yield PageBreak(across=number == 1)
        for text, how in words.annex_titles(report, number, indicator):
            yield Paragraph(text, "name" if how == "bold" else "small")
        yield DocumentTable(columns, list(annexes.rows(indicator)), 7.5, frozenset({1}))


def _attached(report: Report, title: str) -> Iterator[Paragraph]:
    """Yield what heads a part that is attached to the report."""
    yield Paragraph(title, "name")
    yield Paragraph(f"{words.capital(report.window.label.title)} {words.days(report)}", "italic")
    yield Paragraph(words.ATTACHED, "italic")


def _summary_columns(report: Report) -> list[Column]:
    """Return the columns of the summary: numbers of units, then figures of the period and cumulative ones."""
    texts = summary_headings(report)
    widths = [5.0, 28.0, *((len(texts) - 2) * [8.5])]
    columns = [Column("", text, "", width) for text, width in zip(texts, widths, strict=True)]
    for above in ("Trong kỳ", f"Lũy kế từ {day_vn(report.first_judged)}"):
        columns += [Column(above, "Tử số", "", 9), Column(above, "Mẫu số", "", 9), Column(above, "Tỷ lệ", "", 11.5)]
    return columns
