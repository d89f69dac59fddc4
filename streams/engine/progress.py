"""How far a partition's state has come: the row that says so, in its changelog."""

from dataclasses import dataclass, field
from typing import Any

import orjson

POSITION = b"\x00position"
"""key of the row that says how far the state has come; no table key begins with NUL"""


GUARD = "guarded"
"""key of a position row whose state is in a later format than the first: a release before formats refuses it"""


@dataclass
class Progress:
    """How far a partition's state has come: the row under `POSITION`."""

    next: dict[str, int] = field(default_factory=dict)
    """source topic → position applied"""
    epoch: int = 0
    fingerprint: str = ""
    memo: dict[str, Any] = field(default_factory=dict)
    """what the application keeps with the position; JSON"""
    ends: dict[str, int] = field(default_factory=dict)
    """changelog → position up to which it was written before this row: it can never be shorter again"""

    def dump(self, *, guarded: bool = False) -> bytes:
        """Return the row; `guarded`: with a key at which releases that know of no formats stop."""
        return orjson.dumps(
            {
                "next": self.next,
                "epoch": self.epoch,
                "fingerprint": self.fingerprint,
                "memo": self.memo,
                "ends": self.ends,
                **({GUARD: True} if guarded else {}),
            }
        )

    @classmethod
    def load(cls, raw: bytes) -> "Progress":
        """Read the row. Raises ValueError or TypeError where it is none of this release."""
        said = orjson.loads(raw)
        said.pop(GUARD, None)
        return cls(**said)
