"""One condition of readiness."""

from typing import NamedTuple


class Check(NamedTuple):
    """One condition of readiness."""

    name: str
    ok: bool
    text: str
