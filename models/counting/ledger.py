"""Counters of units by civil day, and their sums over windows.

A ledger holds, per unit and indicator, one `Days` per item (a procedure, where an indicator counts distinct services;
otherwise none) and per inheritance. The sum from the period's first day to the day asked about is kept up to date;
shorter windows are added up when asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from models.counting.contributions import Cell

Figures = tuple[int, int]
"""(numerator, denominator), in whatever the indicator counts"""
NONE: Final[Figures] = (0, 0)


class Days:
    """Counters of one cell: day number → [numerator, denominator], and their total in the ledger's window."""

    __slots__ = ("days", "denominator", "key", "numerator")

    def __init__(self, key: tuple[str, str]) -> None:
        """Start with nothing counted for (unit, indicator)."""
        self.key = key
        self.days: dict[int, list[int]] = {}
        self.numerator = 0
        self.denominator = 0

    def between(self, first: int, last: int) -> Figures:
        """Return the sum over day numbers from `first` to `last`, both inclusive."""
        numerator = denominator = 0
        days = self.days
        if last - first < len(days):
            found = [days[day] for day in range(first, last + 1) if day in days]
        else:
            found = [counted for day, counted in days.items() if first <= day <= last]
        for n, d in found:
            numerator += n
            denominator += d
        return numerator, denominator

    def settle(self, first: int, last: int) -> None:
        """Make the running total that of day numbers from `first` to `last`."""
        self.numerator = sum(c[0] for d, c in self.days.items() if first <= d <= last)
        self.denominator = sum(c[1] for d, c in self.days.items() if first <= d <= last)

    def extend(self, day: int) -> bool:
        """Take one further day into the running total; tell whether it held anything."""
        counted = self.days.get(day)
        if counted is None:
            return False
        self.numerator += counted[0]
        self.denominator += counted[1]
        return True


class Ledger:
    """All counters of some units. Order of additions does not matter; a counter that returns to 0/0 leaves no trace."""

    def __init__(self, first: int, last: int) -> None:
        """Start empty, with running totals from day number `first` to `last`."""
        self.first = first
        self.last = last
        self._cells: dict[tuple[str, str], dict[tuple[str, str, str], Days]] = {}
        self._by_text: dict[str, dict[str, Days]] = {}
        """unit → cell as text → its days"""
        self._of_unit: dict[str, list[Days]] = {}
        self._ahead: dict[int, dict[Days, None]] = {}
        """day number past the window → cells that hold something then"""

    def add(self, unit: str, day: int, cells: Mapping[str, Sequence[int]], sign: int = 1) -> list[tuple[str, str]]:
        """Add cell → (numerator, denominator) of a day, or take out (sign -1); return the (unit, indicator) moved."""
        by_text = self._by_text.get(unit)
        if by_text is None:
            by_text = self._by_text[unit] = {}
        within, moved = self.first <= day <= self.last, []
        for cell, (numerator, denominator) in cells.items():
            days = by_text.get(cell)
            if days is None:
                days = by_text[cell] = self._days(unit, cell)
            counted = days.days.get(day)
            if counted is None:
                counted = days.days[day] = [0, 0]
                if day > self.last:
                    self._ahead.setdefault(day, {})[days] = None
            counted[0] += sign * numerator
            counted[1] += sign * denominator
            if not counted[1] and not counted[0]:
                del days.days[day]
            if within:
                days.numerator += sign * numerator
                days.denominator += sign * denominator
            moved.append(days.key)
        return moved

    def _days(self, unit: str, text: str) -> Days:
        """Return the days of a cell, which is not known by this text yet."""
        cell = Cell.of(text)
        items = self._cells.setdefault((unit, cell.indicator), {})
        item = (cell.item, cell.since, cell.predecessor)
        if item not in items:
            items[item] = Days((unit, cell.indicator))
            self._of_unit.setdefault(unit, []).append(items[item])
        return items[item]

    def move(self, first: int, last: int) -> set[tuple[str, str]]:
        """Make running totals those of another window; cheap where only the last day moves on.

        Returns the (unit, indicator) whose totals may have changed.
        """
        moved = set()
        if first == self.first and last >= self.last:
            for day in [d for d in self._ahead if d <= last]:
                moved |= {days.key for days in self._ahead.pop(day) if days.extend(day)}
        elif (first, last) != (self.first, self.last):
            moved = set(self._cells)
            self._ahead = {}
            for days in (days for items in self._cells.values() for days in items.values()):
                days.settle(first, last)
                for day in days.days:
                    if day > last:
                        self._ahead.setdefault(day, {})[days] = None
        self.first, self.last = first, last
        return moved

    def units(self) -> list[str]:
        """Return the units for which anything is counted within the window."""
        return [unit for unit in self._of_unit if self.counts(unit)]

    def counts(self, unit: str) -> bool:
        """Tell whether anything is counted for a unit within the window."""
        return any(days.denominator for days in self._of_unit.get(unit, ()))

    def items(self, unit: str, indicator: str, as_of: str) -> list[tuple[str, str, Days]]:
        """Return (item, predecessor, days) of every cell that holds on a civil day: its own, and what it inherited."""
        cells = self._cells.get((unit, indicator))
        if not cells:
            return []
        return [(item, old, days) for (item, since, old), days in cells.items() if since <= as_of]
