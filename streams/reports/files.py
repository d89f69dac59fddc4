"""Writes a report into a file: what it is follows from the file's name, or from the form asked for."""

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

from models.reporting.report import Report, csv_rows
from models.reporting.tables import excel_rows
from streams.errors import BadInput

FORMS: Final = ("docx", "pdf", "xlsx", "csv", "csv-excel")
Writer = Callable[[Report], bytes]


def writer_for(path: Path, form: str | None = None) -> Writer:
    """Return what makes the bytes of a file. Raises BadInput where neither its name nor `form` says."""
    suffix = path.suffix.lower().removeprefix(".")
    if form is not None and suffix != form.split("-")[0]:
        raise BadInput(
            f"--out {path}: expected a file name that ends in .{form.split('-')[0]}, as --format {form} asks"
        )
    match form or suffix:
        case "csv":
            return csv_bytes
        case "csv-excel":
            return excel_csv_bytes
        case "xlsx":
            from streams.reports.workbook import workbook_bytes  # noqa: PLC0415 - takes a while to load

            return workbook_bytes
        case "docx":
            from streams.reports.word_document import docx_bytes  # noqa: PLC0415 - takes a while to load

            return docx_bytes
        case "pdf":
            from streams.reports.pdf import pdf_bytes  # noqa: PLC0415 - takes a while to load

            return pdf_bytes
        case _:
            raise BadInput(f"--out {path}: expected a file name that ends in .xlsx, .docx, .pdf or .csv")


def csv_bytes(report: Report) -> bytes:
    """Return the report as CSV for programs (UTF-8, without byte order mark)."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(csv_rows(report))
    return out.getvalue().encode()


def excel_csv_bytes(report: Report) -> bytes:
    """Return the report as CSV that a Vietnamese Excel opens by a double click: byte order mark, `;`, decimal comma."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(excel_rows(report))
    return out.getvalue().encode("utf-8-sig")


def write_bundle(folder: Path, name: str, report: Report) -> list[Path]:
    """Write a report in every form into a folder, and `SHA256SUMS` for `sha256sum -c`. Raises BadInput."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BadInput(f"{folder}: {exc.strerror or exc}") from exc
    made = {
        file: writer_for(file, form)(report)
        for form in FORMS
        for file in [folder / f"{name}{'-excel' if form == 'csv-excel' else ''}.{form.split('-')[0]}"]
    }
    for file, content in made.items():
        write_whole(file, content)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {file.name}\n" for file, content in made.items())
    write_whole(folder / "SHA256SUMS", sums.encode())  # last: where it stands, all it names stands too
    return [*made, folder / "SHA256SUMS"]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all. Raises BadInput."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
