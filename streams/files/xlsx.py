"""XLSX workbooks are opened in one way: as zip archives that may be bombs, without formulas, row by row."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from streams.errors import BadInput

LARGE_PART_BYTES: Final = 16 << 20
"""Bytes, unpacked, from which a part's ratio is looked at."""
RATIO_MAX: Final = 200
"""Unpacked bytes per packed byte of a larger part, at most; tables have 5 to 30, a bomb has 1 000."""


@contextmanager
def opened(path: Path, unpacked_max: int, remedy: str) -> Iterator[Any]:
    """Give an openpyxl workbook of at most `unpacked_max` bytes unpacked, to be read only.

    Raises BadInput where the file is none, or is too large; `remedy` is then what to do.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            sizes = [(part.file_size, part.compress_size) for part in parts.infolist()]
        if sum(size for size, _ in sizes) > unpacked_max:
            raise BadInput(f"{path}: larger than {unpacked_max >> 20} MB unpacked; {remedy}")
        if any(size > max(LARGE_PART_BYTES, RATIO_MAX * packed) for size, packed in sizes):
            raise BadInput(f"{path}: a part unpacks to {RATIO_MAX} times its size; {remedy}")
        book = load_workbook(path, read_only=True, data_only=True)
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as exc:
        raise BadInput(f"{path}: not a readable XLSX workbook") from exc
    try:
        yield book
    finally:
        book.close()
