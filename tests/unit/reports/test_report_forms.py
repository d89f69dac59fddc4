"""One table of lines in every form: workbook, Word document, PDF, CSV for Excel; read back and compared."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml.ns import qn
from pypdf import PdfReader

from models.decisions.file import COMMON_SWITCHES
from models.decisions.vietnamese import answer_text
from models.reporting.report import Due, Report, close_period, make_report
from models.reporting.tables import (
    Annexes,
    ReportCell,
    ReportRow,
    columns_of,
    decimal_vn,
    excel_rows,
    ranks_of,
    shown,
    summary_rows,
    territory,
    urged,
)
from models.standings.completeness import Cause
from streams.feeds.simulate import Simulation, simulate
from streams.files.decision_files import read_decision, read_decision_text, shipped_decisions
from streams.reports.counters import of_events
from streams.reports.files import csv_bytes, excel_csv_bytes
from streams.reports.pdf import pdf_bytes
from streams.reports.word_document import docx_bytes
from streams.reports.words import explanations
from streams.reports.workbook import workbook_bytes
from tests.builders import listed, reading_of, received, resolved, thai_binh
from tests.unit.reporting.test_report import FINANCE, JUNE, LATE, TRADE, closed, known


@pytest.fixture(scope="module")
def report() -> Report:
    """August, closed, with what came later: every kind of cell occurs."""
    reading = thai_binh()
    values = list(simulate(reading, Simulation(3_000, 5)))
    then, now = (of_events(reading, enumerate(some, 1))[0] for some in (values[: len(values) * 3 // 5], values))
    july, august = (
        close_period(replace(then, until="2024-09-01T00:00:00Z"), text, [], "2024-09-03T09:00:00+07:00", None)
        for text in ("2024-07", "2024-08")
    )
    cause = Cause("open-transaction", "dossier.paid", 1, "2024-09-03T01:00:00Z", 3)
    return replace(make_report(now, "2024-08", [july, august]), causes=(cause,))


@pytest.fixture(scope="module")
def pdf(report: Report) -> PdfReader:
    return PdfReader(io.BytesIO(pdf_bytes(report)))


@pytest.fixture(scope="module")
def pages(pdf: PdfReader) -> list[str]:
    return [page.extract_text() for page in pdf.pages]


@pytest.fixture(scope="module")
def word(report: Report) -> bytes:
    return docx_bytes(report)


@pytest.fixture(scope="module")
def june() -> Report:
    return make_report(known(JUNE), "2024-06", [])


@pytest.fixture(scope="module")
def rows(report: Report) -> list[list[str]]:
    """Every row of every annex as officials read it, and those of the summary and of the list of units to be urged."""
    annexes = Annexes(report)
    found = [*summary_rows(report), *(row for of_indicator in urged(report) for row in of_indicator.rows)]
    for indicator in report.reading.indicators:
        found += annexes.rows(indicator)
    return [[shown(cell) for cell in row.cells] for row in found]


def test_all_kinds_of_cells_are_among_those_compared(rows: list[list[str]]) -> None:
    cells = {cell for row in rows for cell in row}

    assert {"Đạt", "Chưa đạt", "Chưa phát sinh", "–", ""} <= cells
    for form in (
        r"\d\.\d{3}",
        r"\d+,\d\d %",
        r"[+]\d+,\d\d",
        r"-\d+,\d\d",
        r"[+]\d+",
        r"\d+ \(đồng hạng\)",
        r"\d+ hồ sơ",
    ):
        assert any(re.fullmatch(form, cell) for cell in cells), form


def test_the_word_document_holds_the_table(word: bytes, rows: list[list[str]]) -> None:
    found = []
    for row in docx.Document(io.BytesIO(word)).element.body.iter(qn("w:tr")):
        cells = ["".join(t.text or "" for t in cell.iter(qn("w:t"))) for cell in row.iter(qn("w:tc"))]
        found.append([cell.replace("\u00a0", " ") for cell in cells])

    assert [row for row in found if row in rows] == rows


@pytest.mark.long
def test_the_pdf_holds_the_table(pages: list[str], rows: list[list[str]]) -> None:
    text = "".join(pages)
    rest = re.sub(r"\s", "", unicodedata.normalize("NFC", text))

    for row in rows:  # in their order: each is looked for behind the one before
        _, found, rest = rest.partition(re.sub(r"\s", "", "".join(row)))
        assert found, row


@pytest.mark.long
def test_the_workbook_holds_the_table(report: Report) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)))
    annexes = Annexes(report)
    for number, indicator in enumerate(report.reading.indicators, start=1):
        sheet = book.worksheets[number]
        expected = [row for row in annexes.rows(indicator) if not row.is_heading and not row.is_note]
        cells = {c[1].value: [held(x) for x in c] for c in sheet.iter_rows(min_row=9) if len(c) > 2}
        lines = [[held(x) for x in c] for c in sheet.iter_rows(min_row=10)]
        assert [line for line in lines if line in [plain(row) for row in expected]] == [plain(r) for r in expected]
        assert cells
    listed_units = [row for of_indicator in urged(report) for row in of_indicator.rows if not row.is_heading]
    held_units = [[held(x) for x in c] for c in book["Danh sách đôn đốc"].iter_rows(min_row=4)]
    assert [x for x in held_units if x in [plain(row) for row in listed_units]] == [plain(r) for r in listed_units]


def held(cell: Any) -> str:
    """A cell of a workbook as hundredths or as the number that it is."""
    value = cell.value
    if isinstance(value, float) or (isinstance(value, int) and "%" in cell.number_format):
        return str(round(value * 10_000)) if "%" in cell.number_format else str(round(value * 100))
    if isinstance(value, int) and "+0.00" in cell.number_format:
        return str(value * 100)
    return "" if value is None else str(value)


def plain(row: ReportRow) -> list[str]:
    return ["" if cell.value is None else str(cell.value) for cell in row.cells]


def test_the_csv_for_excel_holds_the_table(report: Report) -> None:
    raw = excel_csv_bytes(report)
    assert raw.startswith(b"\xef\xbb\xbf")
    head, *found = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";")
    annexes = Annexes(report)

    assert head[:5] == ["Chỉ tiêu giao", "Nhóm đơn vị", "Mã đơn vị", "TT", "Đơn vị"]
    assert len(found) == len(report.lines)
    assert {len(row) for row in found} == {len(head)} == {3 + len(columns_of(report))}
    for row, line in zip(found, report.lines, strict=True):
        for text, cell in zip(row[5:], annexes.cells(line)[2:], strict=True):
            assert text == in_excel(cell), (line, text)


def in_excel(cell: ReportCell) -> str:
    if isinstance(cell.value, int) and cell.kind in ("percent", "points"):
        return decimal_vn(cell.value, cell.decimals)
    return "" if cell.value is None else str(cell.value)


def texts(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what can be read in each form."""
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)))
    yield "xlsx", "\n".join([*book.sheetnames, *(str(c.value) for s in book for row in s.iter_rows() for c in row)])
    document = docx.Document(io.BytesIO(docx_bytes(report)))
    parts = [document.element, *(s.footer._element for s in document.sections)]
    yield "docx", "\n".join("".join(p.itertext()) for part in parts for p in part.iter(qn("w:p")))
    yield "pdf", "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf_bytes(report))).pages)
    yield "csv", excel_csv_bytes(report).decode("utf-8-sig")


def lak(decision: str = "lak-2022") -> Report:
    reading = reading_of(decision, catalogue=listed(3, "commune"))
    events = [
        event
        for channel, number in (("online", 7), ("in_person", 3))
        for event in received(number, "24580", channel, "2022-03-03", procedure="1.000000")
    ]
    return make_report(known(events, reading), "2022", [])


def test_nothing_english_is_read_in_any_form() -> None:
    whole = replace(lak(), dues=(Due(date(2022, 12, 9), "Điều 2"),))
    english = {
        *whole.reading.switches, *whole.reading.indicators, "evidence", "adoption", "default", "listed", "met", "below", "True",
        "None", "null", "true", "false", "calendar", "Report", "Page", "Sheet", "reached",
    }  # fmt: skip
    for form, text in texts(whole):
        found = {
            word for word in english if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) and word != "None"
        }
        assert not found, (form, found)
        assert not re.search(r"[a-z]_[a-z]|= [a-z]", text), form


def test_every_answer_of_a_shipped_decision_has_vietnamese_words() -> None:
    for name in shipped_decisions():
        decision = read_decision(name)
        for switch, choices in [*((n, own.choices) for n, own in decision.switches.items()), *COMMON_SWITCHES.items()]:
            for choice in choices:
                if choice != "date":
                    assert answer_text(switch, choice, decision) != choice, (name, switch, choice)


def test_who_is_to_be_urged_lacks_how_many_and_does_what(june: Report) -> None:
    only = list(urged(june))

    assert [u.heading for u in only] == ["3. Thanh toán trực tuyến: 1 đơn vị chưa đạt lộ trình"]
    assert only[0].advice.startswith("Việc cần làm: Hướng dẫn, hỗ trợ người nộp thanh toán trực tuyến")
    assert [shown(c) for c in only[0].rows[1].cells] == [
        "1", "Sở Công Thương", "44", "98", "44,89 %", "45 %", "45 %", "1 giao dịch", "",
    ]  # fmt: skip


def test_equal_ratios_share_a_place_and_the_next_follows_behind_all_of_them() -> None:
    units = ["34.so-tu-phap", "34.so-y-te", TRADE, FINANCE]
    units.append("34.so-xay-dung")
    counts = zip(units, (4, 2, 1, 0, 4), (0, 1, 2, 3, 2), strict=True)
    events = [
        event
        for unit, online, paper in counts
        for event in received(online, unit, "online", "2024-06-03") + received(paper, unit, "in_person", "2024-06-03")
    ]
    report = make_report(known(events), "2024-06", [])
    places = {unit: place for (unit, indicator), place in ranks_of(report).items() if indicator == "online-dossiers"}

    assert places == {
        "34.so-tu-phap": (1, False), "34.so-y-te": (2, True), "34.so-xay-dung": (2, True), TRADE: (4, False),
        FINANCE: (5, False),
    }  # fmt: skip


def test_the_total_is_that_of_all_classes_and_bears_the_territorys_name() -> None:
    def totals(report: Report) -> list[list[str]]:
        return [[shown(c) for c in row.cells] for row in summary_rows(report) if row.is_total]

    june = make_report(known([*JUNE, *received(2, "12688", "online", "2024-06-03")]), "2024-06", [])

    assert territory(june) == "tỉnh Thái Bình"
    assert totals(june)[1][:3] == ["", "Cộng tỉnh Thái Bình", "284"]
    assert totals(june)[1][-6:] == ["2", "2", "100,00 %", "2", "2", "100,00 %"]
    assert territory(lak()) == "huyện Lắk"


def test_both_meanings_of_met_stand_in_the_summary_and_in_the_annex() -> None:
    report = lak()
    total = next(row for row in summary_rows(report) if row.is_total and row.cells[3].value)
    line = next(x for x in report.lines if x.key == ("24580", "online-dossiers"))

    assert (line.status, line.target_status) == ("met", "reached")
    early = replace(report, lines=[line._replace(expected="0", target="80")])
    assert next(shown(row.cells[16]) for row in Annexes(early).rows("online-dossiers") if row.line) == "Chưa đạt"
    assert next(shown(row.cells[12]) for row in Annexes(early).rows("online-dossiers") if row.line) == "Đạt"
    assert total.cells[3].value == 1


def test_the_same_period_of_last_year_is_shown_where_it_was_closed() -> None:
    reading = reading_of("ha-tinh", catalogue=listed(3, "district"))
    unit = next(u for u, i in reading.targets(date(2024, 6, 30)).targets if i == "online-dossiers")
    last = [
        event
        for channel, number in (("online", 1), ("in_person", 3))
        for event in resolved(number, unit, channel, "2023-06-05", procedure="1.000000")
    ]
    june = resolved(2, unit, "online", "2024-06-05", procedure="1.000000")
    later = [*last, *resolved(1, unit, "online", "2023-07-05", procedure="1.000000")]
    closing = closed(later, "2023-06", reading=reading)
    with_, without = (make_report(known([*later, *june], reading), "2024-06", c) for c in ([closing], []))

    assert with_.last_year[unit, "online-dossiers"] == (1, 4)
    assert with_.last_year_of == closing
    assert [c.heading for c in columns_of(with_)][18:] == ["Cùng kỳ năm trước"]
    cells = next(r.cells for r in Annexes(with_).rows("online-dossiers") if r.line is not None and r.line.unit == unit)
    assert shown(cells[18]) == "25,00 %"
    assert (without.last_year, len(columns_of(without))) == ({}, 18)


def test_a_stretch_is_shown_and_not_judged(tmp_path: Path) -> None:
    text = read_decision_text("lak-2022")[1]
    row = 'targets = ["40", "60"], '
    assert text.count(row) == 1
    file = tmp_path / "stretch.toml"
    file.write_text(text.replace(row, f'{row}stretch = ["", "90"], '), encoding="utf-8")
    plain_, with_ = (lak(name) for name in ("lak-2022", str(file)))
    cells = [r.cells for r in Annexes(with_).rows("online-dossiers") if r.line is not None]

    assert len(columns_of(plain_)) == 18
    assert [c.heading for c in columns_of(with_)][18:] == ["Mức phấn đấu"]
    assert [shown(c[18]) for c in cells[:2]] == ["90 %", "–"]
    assert with_.lines == plain_.lines
    assert any("không dùng để đánh giá" in note.text for note in explanations(with_))


def test_last_year_is_another_decisions_only_where_that_is_the_one_there_was() -> None:
    old, older = (
        closed(JUNE).model_copy(update={"decision": d, "period": "2023-06"}) for d in ("old-2023", "older-2023")
    )
    strange = old.model_copy(update={"lines": tuple(x._replace(unit=f"9{x.unit}") for x in old.lines)})
    alone, both, none = (make_report(known(JUNE), "2024-06", c) for c in ([old], [old, older], [strange]))

    assert alone.last_year[TRADE, "online-payments"] == (44, 98)
    assert any("mã old-2023" in note.text for note in explanations(alone))
    assert (both.last_year, none.last_year) == ({}, {})


def test_a_name_is_neither_formula_nor_link_nor_markup(june: Report) -> None:
    names = ['=HYPERLINK("http://x")', "+1", "-1", "@x", "https://x.vn", "Xã <b>&amp; \u202e"]
    line = next(x for x in june.lines if x.key == (TRADE, "online-payments"))
    lines = [line._replace(name=name, unit=f"{TRADE}-{n}") for n, name in enumerate(names)]
    strange = replace(june, lines=lines)
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(strange)))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]

    assert {c.data_type for c in cells} <= {"s", "n"}
    assert not any(c.hyperlink for c in cells)
    assert not any(str(c.value).startswith(("=", "+", "@")) for c in cells)
    safe = [shown(row.cells[1]) for row in Annexes(strange).rows("online-payments") if row.line]
    assert len(safe) == len(names)
    assert not any(name.startswith(("=", "+", "-", "@")) for name in safe)
    assert {*safe} <= {c.value for c in cells}
    for form, text in texts(strange):
        read = csv.reader(io.StringIO(text), delimiter=";") if form == "csv" else [[text]]
        found = [re.sub(r"\s", "", part) for row in read for part in row]
        for name in safe:
            assert any(re.sub(r"\s", "", name) in part for part in found), (form, name)


def test_codes_and_numbers_of_rows_stay_what_they_are_in_excel(june: Report) -> None:
    line = june.lines[0]._replace(unit="00013", row="1.2", name="=1+1")
    rows = list(excel_rows(replace(june, lines=[line])))
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(replace(june, lines=[line]))))
    dashes = [c for sheet in book for row in sheet.iter_rows() for c in row if str(c.value).startswith("- ")]

    assert len(dashes) > 5
    assert all(c.quotePrefix for c in dashes)  # Excel takes them for texts, also when somebody edits them
    assert rows[1][2:5] == ["'00013", "'1.2", "'=1+1"]


@pytest.mark.parametrize("write", [docx_bytes, pdf_bytes, workbook_bytes, excel_csv_bytes, csv_bytes])
def test_the_same_report_gives_the_same_bytes(write: Any) -> None:
    first, second = (lak() for _ in range(2))

    assert write(first) == write(second)
    assert write(first) != write(replace(first, lines=first.lines[:-1]))


@pytest.mark.long
def test_no_form_carries_the_time_of_its_making(pdf: PdfReader, report: Report, word: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(word)) as archive:
        assert {part.date_time for part in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        known = report.known_until[:10].encode()
        assert archive.read("docProps/core.xml").count(known) == 2
    assert pdf.metadata is not None
    assert pdf.metadata.creation_date == pdf.metadata.modification_date == datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.long
def test_letters_are_embedded_and_headings_repeated_in_the_pdf(pdf: PdfReader, pages: list[str]) -> None:
    fonts = {
        font.get_object()["/BaseFont"]: font.get_object().get("/FontDescriptor", {})
        for page in pdf.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    across = [text for page, text in zip(pdf.pages, pages, strict=True) if page.mediabox.width > page.mediabox.height]

    used = {name: d for name, d in fonts.items() if "Tinos" in name}
    assert len(used) >= 4
    assert all("/FontFile2" in descriptor for descriptor in used.values())
    assert all("So với lộ trình" in text for text in across)
    assert len(across) > 20
    assert pdf.metadata is not None
    assert pdf.metadata.title == (
        "Kết quả thực hiện chỉ tiêu theo Quyết định số 805/QĐ-UBND ngày 24/05/2024 của Chủ tịch Ủy ban nhân dân tỉnh Thái Bình, "
        "tháng 8 năm 2024"
    )


def test_what_is_missing_and_what_identifies_the_figures_stand_on_the_first_page(
    report: Report, pages: list[str]
) -> None:
    first = pages[0]

    assert "SỐ LIỆU CHƯA ĐẦY ĐỦ" in first
    assert report.closing is not None
    assert f"Mã kiểm tra số liệu: {report.closing.digest[:16]}" in first
    for text in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Số: ……/BC-……",
        "BÁO CÁO",
        "Tháng 8 năm 2024",
        "Kính gửi: Chủ tịch",
    ):
        assert text in first, text


def test_headings_of_word_tables_are_repeated_and_annexes_lie_across(report: Report, word: bytes) -> None:
    document = docx.Document(io.BytesIO(word))
    tables = [t for t in document.element.body.iter(qn("w:tbl")) if t.find(f".//{qn('w:tblHeader')}") is not None]

    assert len(tables) == 1 + len(list(urged(report))) + len(report.reading.indicators)
    assert [s.page_width > s.page_height for s in document.sections] == [False, True]


def test_late_facts_stand_beside_the_closed_figures_in_every_form() -> None:
    report = make_report(known(JUNE + LATE), "2024-06", [closed(JUNE)])
    cells = next(
        r.cells for r in Annexes(report).rows("online-payments") if r.line is not None and r.line.unit == TRADE
    )

    assert [shown(c) for c in cells[2:18]] == [
        "44", "98", "44,89 %", "–", "–", "44", "98", "44,89 %", "45 %", "45 %", "Chưa đạt", "1", "+2", "+2", "Chưa đạt", "1",
    ]  # fmt: skip
