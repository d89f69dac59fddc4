"""Where a dossier counts, in some thirty bytes: kept with its row, so that a takeover need not work it out again.

It says nothing that does not follow from the facts beside it, and it is believed only under the very rules it was
written under: it begins with their name.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from struct import iter_unpack
from typing import Final

from models.counting.contributions import FoldRules
from models.counting.counters import Cells
from models.counting.learning import NONE, Held

TAG_BYTES: Final = 8
"""of the name of the rules (`Reading.fold_fingerprint`): all that it has"""
FIRST_DAY: Final = date(1990, 1, 1).toordinal()
LAST_DAY: Final = FIRST_DAY + 2**16 - 1
CODE_MAX: Final = 200
"""bytes of a unit's code"""
CELLS_MAX: Final = 128
"""cells that have a number: seven bits, for the eighth says whether the numerator counts too"""

Place = tuple[str, str, int]
"""(civil day, cell, numerator): a contribution without its unit"""


class _Units(dict[bytes, str]):
    """A unit's code as bytes → as text; one text for all who count for it."""

    def __missing__(self, raw: bytes) -> str:
        self[raw] = text = raw.decode()
        return text


class _Days(dict[int, str]):
    """Days since the first → civil day."""

    def __missing__(self, since: int) -> str:
        self[since] = day = date.fromordinal(FIRST_DAY + since).isoformat()
        return day


class _Places(dict[bytes, Place]):
    """Three bytes → the place they stand for."""

    def __init__(self, days: _Days, cells: Sequence[str]) -> None:
        self._days, self._cells = days, cells

    def __missing__(self, raw: bytes) -> Place:
        self[raw] = place = (self._days[(raw[0] << 8) + raw[1]], self._cells[raw[2] >> 1], raw[2] & 1)
        return place


class _Written(dict[Place, bytes]):
    """A place → the three bytes that stand for it; b"" where none do."""

    def __init__(self, cells: Sequence[str]) -> None:
        self._numbers = {cell: number for number, cell in enumerate(cells[:CELLS_MAX])}

    def __missing__(self, place: Place) -> bytes:
        day, cell, numerator = place
        number = self._numbers.get(cell)
        if number is None:
            return b""
        ordinal = date.fromisoformat(day).toordinal()
        if not FIRST_DAY <= ordinal <= LAST_DAY:
            return b""
        self[place] = raw = (ordinal - FIRST_DAY).to_bytes(2, "big") + bytes([2 * number + numerator])
        return raw


class _Heads(dict[str, bytes]):
    """A unit's code → what comes before the places of who counts for it; b"" where the code is too long."""

    def __init__(self, tag: bytes) -> None:
        self._tag = tag

    def __missing__(self, unit: str) -> bytes:
        code = unit.encode()
        self[unit] = head = self._tag + bytes((len(code),)) + code if len(code) <= CODE_MAX else b""
        return head


class Shorthand:
    """Writes and reads it, under one set of rules.

    Its bytes: the rules' name (8), how long the unit's code is (1), the code, then three for each contribution: the day
    since 1990 (2), twice the number of the cell plus the numerator (1).
    """

    def __init__(self, rules: FoldRules, fingerprint: str) -> None:
        """Take the rules and their name, 16 hexadecimal digits. Raises ValueError where that is no such name."""
        self._tag = bytes.fromhex(fingerprint)
        if len(self._tag) != TAG_BYTES:
            raise ValueError(f"the name of the rules has {len(self._tag)} bytes, {TAG_BYTES} are expected")
        self._cells = [*rules.cells()]
        self._units, self._days = _Units(), _Days()
        self._places, self._written = _Places(self._days, self._cells), _Written(self._cells)
        self._heads = _Heads(self._tag)

    def write(self, held: Held) -> bytes:
        """Return it; b"" where there is none: counted by several units, by procedure or for an heir."""
        if not held:
            return self._tag + b"\0"
        unit, written = held[0][0], self._written
        parts = [self._heads[unit]]
        for counted in held:
            part = written[counted[1:]]
            if counted[0] != unit or not part:
                return b""
            parts.append(part)
        return b"".join(parts) if parts[0] else b""

    def read(self, raw: bytes) -> Held | None:
        """Return where the dossier counts; None where it was written under other rules, or not at all.

        Plain tuples: they equal contributions, which take half as long again to make.

        >>> from models.counting.contributions import Contribution, PaymentRule
        >>> rules = FoldRules((), (PaymentRule("paid-online"),), (), None, None)
        >>> shorthand = Shorthand(rules, "00112233aabbccdd")
        >>> shorthand.read(shorthand.write([Contribution("12688", "2024-06-03", "paid-online", 1)]))
        [('12688', '2024-06-03', 'paid-online', 1)]
        """
        if raw[:TAG_BYTES] != self._tag:
            return None
        start = TAG_BYTES + 1 + raw[TAG_BYTES]
        unit, places = self._units[raw[TAG_BYTES + 1 : start]], self._places
        return [(unit, *places[raw[i : i + 3]]) for i in range(start, len(raw), 3)]  # type: ignore[misc]

    def sums(self, followed: Callable[[str], bool]) -> "Sums":
        """Return a sum with nothing in it; it tells of what counts below the line in cells that are `followed`."""
        below = frozenset(2 * number for number, cell in enumerate(self._cells[:CELLS_MAX]) if followed(cell))
        return Sums(self, self._tag, self._days, self._cells, below)


class Sums:
    """Adds up what many shorthands say, a unit at a time instead of one dossier after the other.

    >>> from models.counting.contributions import Contribution, PaymentRule
    >>> rules = FoldRules((), (PaymentRule("paid-online"),), (), None, None)
    >>> shorthand = Shorthand(rules, "00112233aabbccdd")
    >>> sums = shorthand.sums(lambda cell: False)
    >>> for numerator in (1, 0, 1):
    ...     _ = sums.add(shorthand.write([Contribution("12688", "2024-06-03", "paid-online", numerator)]))
    >>> [*sums.units()]
    [('12688', {'2024-06-03': {'paid-online': [2, 3]}})]
    """

    def __init__(
        self, shorthand: Shorthand, tag: bytes, days: Mapping[int, str], cells: Sequence[str], below: frozenset[int]
    ) -> None:
        """Begin with nothing; `below`: the last bytes of the places that are told of."""
        self._read, self._tag, self._days, self._cells, self._below = shorthand.read, tag, days, cells, below
        self._places: defaultdict[bytes, bytearray] = defaultdict(bytearray)
        """what comes before the places → the places of all who have the same before them"""

    def add(self, raw: bytes) -> Held | None:
        """Add a dossier; return its contributions that are told of. None where `read` gives None: nothing is added."""
        if raw[:TAG_BYTES] != self._tag:
            return None
        start = TAG_BYTES + 1 + raw[TAG_BYTES]
        self._places[raw[:start]] += raw[start:]
        if self._below.isdisjoint(raw[start + 2 :: 3]):
            return NONE
        told = {self._cells[number >> 1] for number in self._below}
        return [c for c in self._read(raw) or NONE if not c[3] and c[2] in told]

    def units(self) -> Iterator[tuple[str, dict[str, Cells]]]:
        """Yield each unit that somebody counts for, and its counters by civil day."""
        for head, places in self._places.items():
            if places:
                yield head[TAG_BYTES + 1 :].decode(), self._counted(places)

    def _counted(self, places: bytes | bytearray) -> dict[str, Cells]:
        texts, names = self._days, self._cells
        days: defaultdict[str, Cells] = defaultdict(dict)
        for (day, number), dossiers in Counter(iter_unpack(">HB", places)).items():
            cells, cell, above = days[texts[day]], names[number >> 1], dossiers if number & 1 else 0
            counter = cells.get(cell)
            if counter is None:
                cells[cell] = [above, dossiers]
            else:
                counter[0] += above
                counter[1] += dossiers
        return dict(days)
