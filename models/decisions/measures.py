"""Figures that come from outside: how many of how many, by indicator, unit and civil day, each with its version.

They are absolute: of several statements about one day the newest version is what holds, in whatever order they stand.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from models.registers.tables import BadTable
from models.registers.units import check_unit

COUNT_MAX: Final = 2**53 - 1
"""what every sender's JSON can say exactly"""
MeasureKey = tuple[str, str, str]
"""(indicator, unit, civil day as ISO text)"""


class Measure(NamedTuple):
    """What was told of one day: cases above the line, of all cases."""

    numerator: int
    denominator: int
    version: int


def parse_measures(rows: Iterable[Mapping[str, str]]) -> dict[MeasureKey, Measure]:
    """Read rows of ``indicator,unit,day,numerator,denominator,version``; the newest version of a day wins.

    Raises BadTable with the line of the file, also where one version says two things of a day.

    >>> row = {"indicator": "satisfaction", "unit": "12688", "day": "2025-01-31", "denominator": "10"}
    >>> parse_measures([{**row, "numerator": "9", "version": "2"}, {**row, "numerator": "7", "version": "1"}])
    {('satisfaction', '12688', '2025-01-31'): Measure(numerator=9, denominator=10, version=2)}
    """
    found: dict[MeasureKey, Measure] = {}
    for line, row in enumerate(rows, start=2):
        indicator, unit, day = ((row.get(c) or "").strip() for c in ("indicator", "unit", "day"))
        if not indicator or not unit:
            raise BadTable(f"line {line}: a row needs `indicator` and `unit`")
        check_unit(unit, line, "unit")
        try:
            key = indicator, unit, date.fromisoformat(day).isoformat()
        except ValueError as exc:
            raise BadTable(f"line {line}: day is {day!r}, expected YYYY-MM-DD") from exc
        told = Measure(*(_number(row, column, line) for column in Measure._fields))
        if told.numerator > told.denominator:
            raise BadTable(f"line {line}: numerator is {told.numerator}, more than the denominator {told.denominator}")
        known = found.get(key)
        if known is not None and known.version == told.version and known != told:
            raise BadTable(f"line {line}: version {told.version} says two things of {unit} on {day}")
        if known is None or known.version < told.version:
            found[key] = told
    return found


def _number(row: Mapping[str, str], column: str, line: int) -> int:
    text = (row.get(column) or "").strip()
    if not (text.isascii() and text.isdigit() and int(text) <= COUNT_MAX):
        raise BadTable(f"line {line}: {column} is {row.get(column)!r}, expected a whole number of at least 0")
    return int(text)
