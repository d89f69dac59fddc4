"""Builds lotrinh: plain Python, or with LOTRINH_COMPILE=1 its core compiled to C (docs/adr/0021)."""

import os

from setuptools import setup

CORE = [
    "models/calendar.py",
    "models/contributions.py",
    "models/counters.py",
    "models/dossier.py",
    "models/events.py",
    "models/fold.py",
    "models/gaps.py",
    "models/shorthand.py",
    "models/units.py",
    "streams/rows.py",
    "streams/tally.py",
]
"""what every event runs through"""


def compiled() -> list:
    """Return the extension modules; their types are looked up in an environment that has lotrinh's dependencies."""
    try:
        from mypyc.build import mypycify  # noqa: PLC0415 - a wheel of plain Python is built without it
    except ImportError as exc:
        raise SystemExit("LOTRINH_COMPILE=1 wants `pip install lotrinh[compile]` and --no-build-isolation") from exc
    return mypycify(CORE, opt_level="3")


setup(ext_modules=compiled() if os.environ.get("LOTRINH_COMPILE") == "1" else [])
