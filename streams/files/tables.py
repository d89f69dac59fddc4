"""Text files and tables, whatever program wrote them."""

import csv
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from models.registers.tables import BadTable
from streams.errors import BadInput

T = TypeVar("T")


def read_text(path: Path) -> str:
    """Return a file's text, UTF-8 in NFC with or without a byte order mark. Raises BadInput."""
    try:
        return unicodedata.normalize("NFC", path.read_bytes().decode("utf-8-sig"))
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise BadInput(f"{path}: not UTF-8 text (byte {exc.start})") from exc


def read_table(path: Path, parse: Callable[[Iterable[Mapping[str, str]]], T]) -> T:
    """Read a CSV file with a header row. Raises BadInput, naming file and line."""
    lines = read_text(path).splitlines()
    try:
        return parse(csv.DictReader(lines, restval="", strict=True))
    except (BadTable, csv.Error) as exc:
        raise BadInput(f"{path}: {exc}") from exc
