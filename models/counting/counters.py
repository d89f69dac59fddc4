"""Counters of units by civil day and cell: dictionaries while they are counted in, bytes while they rest.

Of a year's days few move at a time. A day of a unit at rest is three bytes a cell, where a dictionary of integers took
some 200 for four cells.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from sys import intern
from typing import Final

UnitDay = tuple[str, str]
"""(unit, civil day as ISO text)"""
Cells = dict[str, list[int]]
"""cell → [numerator, denominator], in dossiers (or transactions, copies, services)"""

WIDER: Final = "H"
"""array code of what does not fit into bytes: 0 … 65 535. Larger ones, which no unit has of a day, rest as they are."""
Rest = Sequence[int] | Cells
"""cell's number, numerator, denominator, cell's number …"""


class _Numbers(dict[str, int]):
    """Cell → its number, given when it is first asked for."""

    def __init__(self, cells: list[str]) -> None:
        self._cells = cells

    def __missing__(self, cell: str) -> int:
        self[cell] = number = len(self._cells)
        self._cells.append(cell)
        return number


class Counters(dict[UnitDay, Cells]):
    """The unit-days in hand, to be counted in; looking one up takes it in hand. `settle` lays all of them to rest.

    What has been in hand since the last `settle` has been touched, and nothing else has.

    >>> counters = Counters()
    >>> counters["12688", "2024-06-03"]["online"] = [1, 2]
    >>> counters.settle()
    >>> dict(counters), counters["12688", "2024-06-03"]
    ({}, {'online': [1, 2]})
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self._rest: dict[str, dict[str, Rest]] = {}
        self._cells: list[str] = []
        self._numbers = _Numbers(self._cells)

    def __missing__(self, unit_day: UnitDay) -> Cells:
        """Take a unit-day in hand."""
        unit, day = unit_day
        days = self._rest.get(unit)
        rest = days.get(day) if days is not None else None
        self[unit_day] = cells = {} if rest is None else self._unpacked(rest)
        return cells

    def lay(self, unit: str, days: Mapping[str, Cells]) -> None:
        """Lay all that is counted of a unit to rest; nothing of it may rest or be in hand.

        Raises ValueError where something rests.
        """
        if unit in self._rest:
            raise ValueError(f"days of {unit} are at rest already")
        self._rest[unit] = {intern(day): self._packed(cells) for day, cells in days.items()}

    def settle(self) -> None:
        """Lay what is in hand to rest; what has come back to nothing is forgotten."""
        rest = self._rest
        for (unit, day), cells in self.items():
            packed = self._packed(cells)
            days = rest.get(unit)
            if packed:
                if days is None:
                    days = rest[unit] = {}
                days[intern(day)] = packed
            elif days is not None and days.pop(day, None) is not None and not days:
                del rest[unit]
        self.clear()

    def of(self, unit: str) -> dict[str, Cells]:
        """Return the cells of a unit's days that rest."""
        return {day: self._unpacked(rest) for day, rest in self._rest.get(unit, {}).items()}

    def units(self) -> list[str]:
        """Return the units of which anything rests."""
        return [*self._rest]

    def resting(self) -> Iterator[tuple[str, dict[str, Cells]]]:
        """Yield unit and its days' cells of all that rests; nothing may be in hand."""
        for unit, days in self._rest.items():
            yield unit, {day: self._unpacked(rest) for day, rest in days.items()}

    def unit_days(self) -> int:
        """Return how many unit-days rest."""
        return sum(map(len, self._rest.values()))

    def _packed(self, cells: Cells) -> Rest:
        numbers = self._numbers
        flat = [n for cell, (above, below) in cells.items() if below for n in (numbers[cell], above, below)]
        try:
            return bytes(flat)
        except ValueError:
            pass
        try:
            return array(WIDER, flat)
        except OverflowError:
            return {cell: counter for cell, counter in cells.items() if counter[1]}

    def _unpacked(self, rest: Rest) -> Cells:
        if isinstance(rest, dict):
            return {cell: [*counter] for cell, counter in rest.items()}
        cells, flat = self._cells, iter(rest)
        return {cells[number]: [above, below] for number, above, below in zip(flat, flat, flat, strict=True)}
