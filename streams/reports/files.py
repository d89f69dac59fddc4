"""Writes a report into a file: what it is follows from the file's name."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from models.reporting.report import Report, csv_rows
from streams.errors import BadInput


def writer_for(path: Path) -> Callable[[Report], bytes]:
    """Return what makes the bytes of a file. Raises BadInput where its name does not say."""
    match path.suffix.lower():
        case ".csv":
            return csv_bytes
        case ".xlsx":
            from streams.reports.workbook import workbook_bytes  # noqa: PLC0415 - takes a while to load

            return workbook_bytes
        case _:
            raise BadInput(f"--out {path}: expected a file name that ends in .xlsx or .csv")


def csv_bytes(report: Report) -> bytes:
    """Return the report as CSV (UTF-8, without byte order mark)."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(csv_rows(report))
    return out.getvalue().encode()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all. Raises BadInput."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
