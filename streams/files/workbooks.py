"""Workbooks (XLSX): a sheet as a table of texts, and the empty form for trajectories.

Read by openpyxl without formulas: what a cell showed when it was last saved.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from models.authoring.trajectory_form import Line
from streams.errors import BadInput
from streams.files.xlsx import opened

UNPACKED_BYTES_MAX: Final = 64 << 20
"""of a workbook's parts together; a form of a province has under 1 MB"""
ROWS_MAX: Final = 20_000
COLUMNS_MAX: Final = 100
SHEET: Final = "Lộ trình"
"""the sheet that is read; where there is none of that name, the first"""
MONTHS: Final = tuple(f"T{n}" for n in range(1, 13))
QUARTERS: Final = ("QI", "QII", "QIII", "QIV")
GUIDE: Final = (
    "Mỗi hàng là một đơn vị và một chỉ tiêu; mỗi ô là tỷ lệ (%) lũy kế từ đầu kỳ phải đạt đến hết tháng (quý) đó.",
    "Nhập 45 hoặc 45,5. Ô để trống: tháng đó không có mốc. Hàng để trống: theo lộ trình mặc định của quyết định.",
    "Giữa các mốc: “giữ nguyên” (mặc định) giữ giá trị đến mốc sau; “tăng đều” nối thẳng đến mốc sau.",
    "Trước mốc đầu tiên không có gì để so; sau mốc cuối, giá trị giữ nguyên.",
    "Mốc cuối không nên thấp hơn chỉ tiêu giao.",
    "Hàng của “xã, thị trấn” một huyện áp dụng cho từng xã; xã có hàng riêng thì theo hàng riêng.",
    "Phòng của huyện: thêm hàng với mã huyện, dấu chấm, tên phòng không dấu, như 340.phong-tu-phap.",
    "Hồ sơ của phòng tính cho huyện; lộ trình của phòng chỉ để theo dõi nội bộ, không cảnh báo.",
    "Kiểm tra trước khi nộp: lotrinh trajectories check TỆP --decision MÃ-QUYẾT-ĐỊNH",
)


def grid_of(path: Path) -> list[list[str]]:
    """Return the cells of a workbook's sheet as texts. Raises BadInput."""
    with opened(path, UNPACKED_BYTES_MAX, "a form is far smaller") as book:
        sheet: Any = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        grid = []
        for row in sheet.iter_rows(max_col=COLUMNS_MAX):
            texts = [_text(cell) for cell in row]
            while texts and not texts[-1]:
                texts.pop()
            grid.append(texts)
            if len(grid) > ROWS_MAX:
                raise BadInput(f"{path}: more than {ROWS_MAX} rows")
    return grid


def _text(cell: Any) -> str:
    """Return what a cell says: numbers exactly as they were written, percentages as percent, dates as ISO days."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(repr(value))  # the shortest decimal that is this double: what was typed
        if "%" in (cell.number_format or ""):
            number *= 100
        text = f"{number:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value).strip()


def write_form(path: Path, title: str, year: int, lines: Sequence[Line], columns: Sequence[str]) -> None:
    """Write an empty form. Raises BadInput where the file cannot be written."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = SHEET
    bold, thin = Font(bold=True), Side(style="thin", color="BFBFBF")
    frame = Border(left=thin, right=thin, top=thin, bottom=thin)
    sheet.append([title])
    sheet.append(["Năm", year])
    sheet.append(["Tỷ lệ lũy kế từ đầu kỳ phải đạt đến hết mỗi tháng (quý), %"])
    sheet["A1"].font = Font(bold=True, size=13)
    sheet["A2"].font = bold
    head = ["Mã đơn vị", "Đơn vị", "Mã chỉ tiêu", "Chỉ tiêu", "Chỉ tiêu giao (%)", "Giữa các mốc", *columns]
    sheet.append(head)
    for cell in sheet[4]:
        cell.font, cell.border = bold, frame
        cell.fill = PatternFill("solid", start_color="D9E2F3")
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    for line in lines:
        sheet.append(
            [line.unit, line.name, line.indicator, line.short, float(line.target), None, *([None] * len(columns))]
        )
    first, last = 5, 4 + len(lines)
    for row in sheet.iter_rows(min_row=first, max_row=last, max_col=len(head)):
        for cell in row:
            cell.border = frame
        row[0].number_format = "@"  # codes are texts: 340, 00340
    marks = f"G{first}:{get_column_letter(len(head))}{last + 200}"
    numbers = DataValidation(
        type="decimal", operator="between", formula1="0", formula2="100", allow_blank=True, showErrorMessage=True,
        errorTitle="Lộ trình", error="Cần một số phần trăm từ 0 đến 100.",
    )  # fmt: skip
    between = DataValidation(type="list", formula1='"giữ nguyên,tăng đều"', allow_blank=True, showErrorMessage=True)
    numbers.add(marks)
    between.add(f"F{first}:F{last + 200}")
    sheet.add_data_validation(numbers)
    sheet.add_data_validation(between)
    for n, width in enumerate((22, 44, 24, 24, 12, 13, *([8] * len(columns))), start=1):
        sheet.column_dimensions[get_column_letter(n)].width = width
    sheet.freeze_panes = "G5"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "4:4"
    guide: Any = book.create_sheet("Hướng dẫn")
    guide.column_dimensions["A"].width = 110
    for text in GUIDE:
        guide.append([text])
    for row in guide.iter_rows():
        row[0].alignment = Alignment(wrap_text=True, vertical="top")
    try:
        book.save(path)
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
