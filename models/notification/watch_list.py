"""The watch list of a digest: units that are behind and can still make it, of which no alert speaks.

That is severity `info` of the alerts' rules: behind, chance alone leaves a unit there in one case of five or fewer, the
target within reach. It is no transition and no state: it says no more than the standings of a morning do, so that what
is an alert, under which id, stays a matter of rules alone.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from models.alerting.transitions import fingerprint
from models.decisions.reading import Reading
from models.notification.routing import Mailbox, Routing

CHANCE_MAX: Final = Decimal("0.20")
SHOWN_MAX: Final = 20
"""units told in one digest; the rest are counted"""


class Watched(NamedTuple):
    """A unit that is behind under one indicator, as its standing says."""

    decision: str
    indicator: str
    unit: str
    numerator: int
    denominator: int
    expected: str
    shortfall: int
    chance: str
    of_rest: int
    """so many of the dossiers still expected have to be above the line"""
    rest: int
    """dossiers still expected"""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return which standing it is."""
        return self.decision, self.indicator, self.unit


class WatchList(NamedTuple):
    """What one digest says of units that are behind."""

    day: str
    """civil day whose morning it is of"""
    rows: tuple[Watched, ...] = ()
    more: int = 0
    """units that are counted and not told"""


def watched(standing: Mapping[str, Any]) -> Watched | None:
    """Return a standing as a line of the watch list; None where it is none.

    >>> row = {"decision": "d", "indicator": "i", "unit": "u", "status": "below", "numerator": 4, "denominator": 10,
    ...        "expected": "60", "shortfall": 2, "chance": "0.1662", "alert": None, "assurance": "open",
    ...        "still_needed": {"of_rest": 20, "rest": 30, "extra": 5, "instead": 2}}
    >>> watched(row).shortfall, watched(row | {"chance": "0.2001"}), watched(row | {"assurance": "unreachable"})
    (2, None, None)
    """
    if standing["status"] != "below" or standing["alert"] is not None or "chance" not in standing:
        return None
    if "members" in standing or "frozen" in standing or standing.get("assurance") == "unreachable":
        return None  # a group is no unit that acts; a unit that has been succeeded acts no more
    if Decimal(standing["chance"]) > CHANCE_MAX:
        return None
    said = {name: standing[name] for name in Watched._fields if name in standing}
    return Watched(**said, of_rest=standing["still_needed"]["of_rest"], rest=standing["still_needed"]["rest"])


def of_mailboxes(
    standings: Iterable[Mapping[str, Any]], reading: Reading, routing: Routing, today: str
) -> dict[Mailbox, list[Watched]]:
    """Return who reads of which units in the digest of a civil day, those that lack most first.

    Only standings of today are asked: one of an earlier day is of a period that is over, or of a system that stands
    still. Whoever may not be alerted is not watched either: before the decision is effective, while a target is held.
    """
    day = date.fromisoformat(today)
    found: dict[Mailbox, list[Watched]] = {}
    if day != reading.nearest(day) or day < reading.effective(day):
        return found
    targets = reading.targets(day)
    for standing in standings:
        row = watched(standing) if standing["as_of"] == today else None
        if row is None or row.decision != reading.decision.id or row.unit not in targets.rows:
            continue
        target = targets.targets.get((row.unit, standing["indicator"]))
        if target is not None and not target.held:
            for box in routing.mailboxes(labels(row, routing)):
                found.setdefault(box, []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (-row.shortfall, Decimal(row.chance), row.key))
    return found


def labels(row: Watched, routing: Routing) -> dict[str, str]:
    """Return the labels by which routes and silences take a line: those of the alert that it may become, and `info`."""
    kind = "below-trajectory"
    name = fingerprint(*row.key)
    alert = {**row._asdict(), "kind": kind, "severity": "info", "fingerprint": name}
    return routing.labels(alert)
