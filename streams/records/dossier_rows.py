"""A dossier's row: JSON while it is under way, squeezed once it rests, and then with where it counts in shorthand.

Most dossiers of a year rest, so their rows decide memory, the changelog and how long a takeover reads. Zstandard with
a dictionary of typical rows takes them from some 550 to some 130 bytes for 3 µs; a dossier under way, which is read
and written several times, does without. The row is the same JSON in all forms.
"""

from collections.abc import Callable
from importlib.resources import files
from typing import Final

import zstandard
from orjson import dumps, loads

from models.counting.learning import NONE, Held
from models.dossiers.dossier import NOTHING, Dossier, Facts

SQUEEZED: Final = 1
"""first byte of a row that is squeezed and nothing else. JSON begins with `[`"""
BRIEFED: Final = 2
"""first byte of a row that is squeezed, with a shorthand before it; the second byte says how long that is"""
DICTIONARY: Final = "rows-1.zdict"
"""Never to be changed, for rows are written with it; another one gets a number of its own. `bench/train_rows.py`"""
LEVEL: Final = 3
"""rows of every level are read alike, so it may be changed at any time; higher ones cost more than they save"""


def _codec() -> tuple[zstandard.ZstdCompressor, zstandard.ZstdDecompressor]:
    known = zstandard.ZstdCompressionDict((files("streams") / "data" / DICTIONARY).read_bytes())
    known.precompute_compress(level=LEVEL)
    squeeze = zstandard.ZstdCompressor(level=LEVEL, dict_data=known, write_checksum=False, write_dict_id=False)
    return squeeze, zstandard.ZstdDecompressor(dict_data=known)


_SQUEEZE, _RESTORE = _codec()
_squeezed, _restored = _SQUEEZE.compress, _RESTORE.decompress
_MARK: Final = bytes([SQUEEZED])
LARGE: Final = 16_384
"""bytes of JSON from which a row is squeezed also while its dossier is under way: such rows hold many payments"""
PART_BYTES: Final = 60
"""of JSON that a payment or a copy takes at least: a fact with its name, the stamp of an event"""
PART_SQUEEZED_BYTES: Final = 7
"""of a squeezed row that it takes at least: the stamp holds 8 bytes of a hash in hexadecimal digits"""
_JSON: Final = ord("[")


def rests(facts: Facts) -> bool:
    """Tell whether little more is to be expected of a dossier: it is issued, resolved without a document, or ended."""
    get = facts.get
    if get("issued_at") is not None or get("status") is not None:
        return True
    return get("result_document") is False and get("resolved_at") is not None


def _no_shorthand(_: Held) -> bytes:
    return b""


def pack(dossier: Dossier, held: Held = NONE, shorthand: Callable[[Held], bytes] = _no_shorthand) -> bytes:
    """Return a dossier's row; if it rests, with where it counts (`held`) as `Shorthand.write` says it."""
    row = dumps(dossier)
    if len(row) < LARGE and not rests(dossier[0]):
        return row
    said = shorthand(held)
    if 0 < len(said) < 256:
        return b"".join((bytes([BRIEFED, len(said)]), said, _squeezed(row)))
    return _MARK + _squeezed(row)


def unpack(row: bytes | None) -> Dossier:
    """Return the dossier of a row; of None, where nothing is known, one of which nothing is known.

    Raises ValueError where a row has a form that this release does not know.
    """
    if row is None:
        return NOTHING
    if row[0] == _JSON:
        return loads(row)  # type: ignore[no-any-return]  # what was packed
    if row[0] == BRIEFED:
        return loads(_restored(row[2 + row[1] :]))  # type: ignore[no-any-return]
    if row[0] == SQUEEZED:
        return loads(_restored(row[1:]))  # type: ignore[no-any-return]
    raise ValueError(f"a dossier's row begins with {row[0]}: written by a later release?")


def parts_at_most(row: bytes | None) -> int:
    """Return how many payments, or how many copies, a row can hold, without reading it."""
    if row is None:
        return 0
    return len(row) // (PART_BYTES if row[0] == _JSON else PART_SQUEEZED_BYTES)


def shorthand_of(row: bytes) -> bytes:
    """Return the shorthand of a row; b"" where it has none."""
    return row[2 : 2 + row[1]] if row[0] == BRIEFED else b""
