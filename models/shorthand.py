"""Where a dossier counts, in some thirty bytes: kept with its row, so that a takeover need not work it out again.

It says nothing that does not follow from the facts beside it, and it is believed only under the very rules it was
written under: it begins with their name.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from models.contributions import FoldRules
from models.fold import Held

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


class _Places(dict[bytes, Place]):
    """Three bytes → the place they stand for."""

    def __init__(self, cells: Sequence[str]) -> None:
        self._cells = cells

    def __missing__(self, raw: bytes) -> Place:
        day = date.fromordinal(FIRST_DAY + (raw[0] << 8) + raw[1]).isoformat()
        self[raw] = place = (day, self._cells[raw[2] >> 1], raw[2] & 1)
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
        cells = dict.fromkeys(rule.indicator for of in (rules.dossiers, rules.payments, rules.copies) for rule in of)
        self._units, self._places, self._written = _Units(), _Places([*cells]), _Written([*cells])
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

        >>> from models.contributions import Contribution, PaymentRule
        >>> rules = FoldRules((), (PaymentRule("paid-online", False),), (), None, None)
        >>> shorthand = Shorthand(rules, "00112233aabbccdd")
        >>> shorthand.read(shorthand.write([Contribution("12688", "2024-06-03", "paid-online", 1)]))
        [('12688', '2024-06-03', 'paid-online', 1)]
        """
        if raw[:TAG_BYTES] != self._tag:
            return None
        start = TAG_BYTES + 1 + raw[TAG_BYTES]
        unit, places = self._units[raw[TAG_BYTES + 1 : start]], self._places
        return [(unit, *places[raw[i : i + 3]]) for i in range(start, len(raw), 3)]  # type: ignore[misc]
