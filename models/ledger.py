"""Counters of units by civil day, and their sums over windows.

A ledger holds, per unit and indicator, one `Days` per item (a procedure, where an indicator counts distinct services;
otherwise none) and per inheritance. The sum from the period's first day to the day asked about is kept up to date;
shorter windows are added up when asked for.
"""

from typing import Final

from models.contributions import Cell

Figures = tuple[int, int]
"""(numerator, denominator), in whatever the indicator counts"""
NONE: Final[Figures] = (0, 0)


class Days:
    """Counters of one cell: day number → [numerator, denominator], and their total in the ledger's window."""

    __slots__ = ("days", "denominator", "numerator")

    def __init__(self) -> None:
        """Start with nothing counted."""
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
        self._parsed: dict[str, Cell] = {}
        self._of_unit: dict[str, list[Days]] = {}
        self._ahead: dict[int, set[tuple[tuple[str, str], tuple[str, str, str]]]] = {}
        """day number past the window → cells that hold something then"""

    def add(self, unit: str, day: int, cell: str, numerator: int, denominator: int) -> str:
        """Add to one counter (negative amounts take out) and return the indicator it belongs to."""
        parsed = self._parsed.get(cell)
        if parsed is None:
            parsed = self._parsed[cell] = Cell.of(cell)
        items = self._cells.get((unit, parsed.indicator))
        if items is None:
            items = self._cells[unit, parsed.indicator] = {}
        item = (parsed.item, parsed.since, parsed.predecessor)
        days = items.get(item)
        if days is None:
            days = items[item] = Days()
            self._of_unit.setdefault(unit, []).append(days)
        counted = days.days.get(day)
        if counted is None:
            counted = days.days[day] = [0, 0]
            if day > self.last:
                self._ahead.setdefault(day, set()).add(((unit, parsed.indicator), item))
        counted[0] += numerator
        counted[1] += denominator
        if counted[1] == 0 and counted[0] == 0:
            del days.days[day]
        if self.first <= day <= self.last:
            days.numerator += numerator
            days.denominator += denominator
        return parsed.indicator

    def move(self, first: int, last: int) -> set[tuple[str, str]]:
        """Make running totals those of another window; cheap where only the last day moves on.

        Returns the (unit, indicator) whose totals may have changed.
        """
        moved = set()
        if first == self.first and last >= self.last:
            for day in [d for d in self._ahead if d <= last]:
                for key, item in self._ahead.pop(day):
                    if self._cells[key][item].extend(day):
                        moved.add(key)
        elif (first, last) != (self.first, self.last):
            moved = set(self._cells)
            self._ahead = {}
            for key, items in self._cells.items():
                for item, days in items.items():
                    days.settle(first, last)
                    for day in days.days:
                        if day > last:
                            self._ahead.setdefault(day, set()).add((key, item))
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
