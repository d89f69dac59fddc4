"""lotrinh with its core compiled, as `make compiled` leaves it: where it is, and whether it is of these sources."""

import filecmp
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TREE: Final = ROOT / "build" / "compiled"


def env(tree: Path = TREE) -> dict[str, str]:
    """Return the variables with which a worker imports it instead of the sources it is started beside."""
    return {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}


def absent() -> str | None:
    """Return why it cannot be run, or None."""
    if not any((TREE / "models" / f"fold{suffix}").is_file() for suffix in EXTENSION_SUFFIXES):
        return "not compiled for this Python (make compiled)"
    sources = [path.relative_to(ROOT) for name in ("models", "streams") for path in (ROOT / name).rglob("*.py")]
    _, different, missing = filecmp.cmpfiles(ROOT, TREE, sources, shallow=False)
    return "compiled from other sources (make compiled)" if different or missing else None
