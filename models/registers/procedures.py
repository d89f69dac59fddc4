"""Codes of procedures."""

import re
from functools import lru_cache

_LONG_CODE = re.compile(r"^([0-9]+\.[0-9]+)\.[0-9]+\.[0-9]+\.[0-9]+\.[A-Z][0-9]+$")


@lru_cache(maxsize=65536)
def procedure_code(code: str) -> str:
    """Return a procedure's code without the suffix of its authority.

    >>> procedure_code("1.004616.000.00.00.H56")
    '1.004616'
    """
    match = _LONG_CODE.match(code)
    return match.group(1) if match else code
