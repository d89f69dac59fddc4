"""Which dossiers are still to be fulfilled, where a decision asks for all of them: few codes, exact.

Kept by whoever counts dossiers; told on as the first `LISTED` by day and code. The first of several such lists together
are the first of all, so that lists of partitions merge without loss.
"""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import Final

from models.counting.contributions import Contribution

LISTED: Final = 20
"""codes named in an alert at most (contract: `completeness-gap`)"""

Listed = Sequence[Sequence[str]]
"""[civil day on which it counts, dossier code], ordered"""


class _Followed(dict[str, bool]):
    """Looked up for every contribution below the line: a dictionary that works out what it does not hold."""

    def __init__(self, indicators: frozenset[str]) -> None:
        self._indicators = indicators

    def __missing__(self, cell: str) -> bool:
        self[cell] = cell.partition("@")[0] in self._indicators
        return self[cell]


class Gaps:
    """The dossiers counted below the line, by unit and cell, of the cells that are followed."""

    def __init__(self, cells: Iterable[str]) -> None:
        """Follow cells of these indicators."""
        self.indicators = frozenset(cells)
        self.followed = _Followed(self.indicators)
        """cell → is it followed; an inherited one is with its indicator"""
        self._open: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self._touched: dict[tuple[str, str], None] = {}

    def put(self, unit: str, cell: str, day: str, code: str) -> None:
        """Take note of a dossier that counts below the line."""
        self._open.setdefault((unit, cell), set()).add((day, code))
        self._touched[unit, cell] = None

    def take(self, unit: str, cell: str, day: str, code: str) -> None:
        """Take it out again."""
        self._open.get((unit, cell), set()).discard((day, code))
        self._touched[unit, cell] = None

    def move(self, code: str, taken: Iterable[Contribution], put: Iterable[Contribution]) -> None:
        """Follow a dossier that counted as `taken` and counts as `put` from now on."""
        for unit, day, cell, numerator in taken:
            if not numerator and self.followed[cell]:
                self.take(unit, cell, day, code)
        for unit, day, cell, numerator in put:
            if not numerator and self.followed[cell]:
                self.put(unit, cell, day, code)

    def forget(self) -> None:
        """Begin anew."""
        self._open.clear()
        self._touched.clear()

    def settle(self) -> None:
        """Take what is known now for told."""
        self._touched.clear()

    def touched(self) -> list[tuple[str, str, Listed]]:
        """Return (unit, cell, its first dossiers) of all that has changed since last asked."""
        found: list[tuple[str, str, Listed]] = []
        for unit, cell in self._touched:
            waiting = self._open.get((unit, cell), set())
            found.append((unit, cell, [list(pair) for pair in nsmallest(LISTED, waiting)]))
            if not waiting:
                self._open.pop((unit, cell), None)
        self._touched.clear()
        return found


def first_of(lists: Iterable[Listed], until: str) -> list[str]:
    """Return the codes of the first dossiers of several lists that count on a civil day up to `until`.

    >>> first_of([[["2024-06-01", "B"]], [["2024-06-01", "A"], ["2024-06-03", "C"]]], "2024-06-02")
    ['A', 'B']
    """
    return [code for day, code in nsmallest(LISTED, ((d, c) for listed in lists for d, c in listed)) if day <= until]
