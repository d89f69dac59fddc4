"""The figures of the alert study, and how they are written and drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any


def line(rule: str, units: Sequence[Any], world: Any) -> str:
    """Return the study's goals for one rule in one line."""
    length = (world.last - world.first).days + 1
    healthy = [u for u in units if u.met and u.figures[1] >= 30]
    bad = [u for u in units if not u.met and u.figures[1] > 0]
    worst = [u for u in bad if u.missed_by >= 10 and u.figures[1] >= 100]
    caught = [u for u in worst if u.raises and u.raises[0] < length / 2]
    ever = [u for u in worst if u.raises]
    false = [u for u in healthy if u.raises]
    # a unit that ended well because it was warned is no false alarm of the rule
    unwarned = [u for u in false if u.improved_at is None]
    return (
        f"{rule}: healthy alerted {_share(false, healthy)} (not improved {_share(unwarned, healthy)}), big misses "
        f"before half-time {_share(caught, worst)}, ever {_share(ever, worst)}, "
        f"raises per bad {sum(len(u.raises) for u in bad) / max(1, len(bad)):.2f}, "
        f"first {median([u.raises[0] / length for u in bad if u.raises] or [0]):.2f}"
    )


def _share(some: Sequence[Any], of: Sequence[Any]) -> str:
    return f"{100 * len(some) / max(1, len(of)):.1f} % of {len(of)}"


def write(out: Path, worlds: Any, results: Mapping[str, Any], how: str) -> None:
    """Write the study."""
