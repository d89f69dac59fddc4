"""The catalogue of procedures: which are listed for a unit on a day, and what the catalogue's own figures are."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from models.registers.procedures import procedure_code
from models.registers.tables import BadTable
from models.registers.units import Registry, check_code, check_unit

ServiceLevel = Literal["full", "partial", "none"]
CLASSES: Final = ("province-agency", "district", "commune")
_HIGHEST: Final[tuple[ServiceLevel, ...]] = ("full", "partial", "none")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a procedure, for whom, at what level, on which lists, and on which days (inclusive, None = open)."""

    procedure: str
    name: str
    authority: str
    level: ServiceLevel
    eligible: bool
    lists: frozenset[str]
    listed_from: date | None
    listed_to: date | None
    result_document: bool
    national_portal: bool
    payable_online: bool = False
    field: str = ""
    """of administration (lĩnh vực)"""

    def in_force(self, day: date) -> bool:
        """Tell whether the row holds on a civil day."""
        return (self.listed_from is None or self.listed_from <= day) and (
            self.listed_to is None or day <= self.listed_to
        )


OPEN: Final = ("", "9999-12-31")
"""first and last day of a row or a rule that names none: before and after every civil day, as ISO texts"""
Days = tuple[str, str]
"""first and last civil day, both inclusive, as ISO texts"""


class DatedRule(NamedTuple):
    """Procedures on every list of `on` and on none of `off` count from the first to the last day."""

    on: frozenset[str]
    off: frozenset[str]
    days: Days


@dataclass(frozen=True, slots=True)
class Listing:
    """Which rows are the list a decision speaks of, with all days known (`models.decisions.file.Scope`)."""

    levels: frozenset[str] = frozenset()
    """only rows of these levels; empty: of any"""
    rules: tuple[DatedRule, ...] | None = None
    """None: any list will do, at any time"""

    def days(self, entry: Entry, lists: frozenset[str]) -> list[Days]:
        """Return the stretches of days on which a row is listed; `lists` are all those that hold its procedure.

        Whether a procedure was dropped or is new is a fact of the procedure, so a file may have a row per list.
        """
        if not entry.lists or (self.levels and entry.level not in self.levels):
            return []
        own = (
            OPEN[0] if entry.listed_from is None else entry.listed_from.isoformat(),
            OPEN[1] if entry.listed_to is None else entry.listed_to.isoformat(),
        )
        if self.rules is None:
            return [own]
        stretches = [
            (max(own[0], rule.days[0]), min(own[1], rule.days[1]))
            for rule in self.rules
            if rule.on <= lists and rule.off.isdisjoint(lists) and not rule.on.isdisjoint(entry.lists)
        ]
        return [(first, last) for first, last in stretches if first <= last]


class Catalogue:
    """Rows of the catalogue, asked by unit and day."""

    def __init__(self, entries: Iterable[Entry], registry: Registry, listing: Listing | None = None) -> None:
        """Index the rows by whom they are for."""
        self.entries = tuple(entries)
        self._registry = registry
        self._listing = Listing() if listing is None else listing
        self._by_authority: dict[str, list[Entry]] = {}
        for entry in self.entries:
            self._by_authority.setdefault(registry.counts_for(entry.authority), []).append(entry)
        # Rows come into force and go on a few days only; between these the answer is the same.
        starts = {e.listed_from.isoformat() for e in self.entries if e.listed_from is not None}
        ends = {e.listed_to.isoformat() for e in self.entries if e.listed_to is not None}
        starts |= {rule.days[0] for rule in self._listing.rules or ()} - {OPEN[0]}
        ends |= {rule.days[1] for rule in self._listing.rules or ()} - {OPEN[1]}
        nexts = {(date.fromisoformat(end) + timedelta(days=1)).isoformat() for end in ends if end < OPEN[1]}
        self._turns = sorted(starts | nexts)
        self._of = lru_cache(maxsize=65536)(self._find)
        self._covering = lru_cache(maxsize=65536)(self._find_covering)
        self._online = lru_cache(maxsize=65536)(self._find_online)
        self._offers = lru_cache(maxsize=65536)(self._find_offers)
        self._listed = lru_cache(maxsize=4096)(self._find_listed)

    def _regime(self, day: date) -> str:
        """Return the first day of the stretch of days on which the same rows are in force and listed."""
        n = bisect_right(self._turns, day.isoformat())
        return self._turns[n - 1] if n else "0001-01-01"

    def of(self, unit: str, day: date) -> tuple[Entry, ...]:
        """Return the rows in force for a unit on a civil day; a district's offices are asked under the district."""
        return self._of(unit, self._regime(day))

    def _find(self, unit: str, day: str) -> tuple[Entry, ...]:
        on = date.fromisoformat(day)
        return tuple(e for e in self._covering(self._registry.counts_for(unit)) if e.in_force(on))

    def _find_covering(self, unit: str) -> tuple[Entry, ...]:
        known = self._registry.units.get(unit)
        level = known.level if known is not None else "province-agency" if "." in unit else ""
        return tuple(self._by_authority.get(unit, []) + (self._by_authority.get(level, []) if level in CLASSES else []))

    def documented(self, procedure: str | None, unit: str) -> bool:
        """Tell whether a procedure issues a result document: unless a row that covers the unit says it does not."""
        rows = self._covering(self._registry.counts_for(unit))
        return all(e.result_document for e in rows if e.procedure == procedure)

    def offered(self, procedure: str | None, unit: str, day: date) -> tuple[ServiceLevel, bool]:
        """Return the highest level of a procedure in force for a unit on a day, and whether it can be paid online."""
        return self._offers(unit, self._regime(day)).get(procedure or "", ("none", False))

    def _find_offers(self, unit: str, day: str) -> Mapping[str, tuple[ServiceLevel, bool]]:
        found: dict[str, tuple[ServiceLevel, bool]] = {}
        for entry in self._of(unit, day):
            level, payable = found.get(entry.procedure, ("none", False))
            higher = min(level, entry.level, key=_HIGHEST.index)
            found[entry.procedure] = higher, payable or entry.payable_online
        return found

    # -- the list ------------------------------------------------------------------------------------------------------

    def listed(self, procedure: str | None, unit: str, day: str) -> bool:
        """Tell whether a procedure is listed for a unit on a civil day (ISO text)."""
        rows = self._listed(unit).get(procedure or "")
        return rows is not None and any(first <= day <= last for _, (first, last) in rows)

    def online_services(self, unit: str, day: date) -> frozenset[str]:
        """Return the procedures that are online services of a unit on a day: listed, fully or partly online."""
        return self._online(unit, self._regime(day))

    def _find_listed(self, unit: str) -> Mapping[str, list[tuple[Entry, Days]]]:
        rows = self._covering(self._registry.counts_for(unit))
        lists: dict[str, frozenset[str]] = {}
        for entry in rows:
            lists[entry.procedure] = lists.get(entry.procedure, frozenset()) | entry.lists
        found: dict[str, list[tuple[Entry, Days]]] = {}
        for entry in rows:
            for days in self._listing.days(entry, lists[entry.procedure]):
                found.setdefault(entry.procedure, []).append((entry, days))
        return found

    def _find_online(self, unit: str, day: str) -> frozenset[str]:
        return frozenset(
            procedure
            for procedure, rows in self._listed(unit).items()
            if any(entry.level != "none" and first <= day <= last for entry, (first, last) in rows)
        )

    # -- figures of the catalogue itself -------------------------------------------------------------------------------

    def full_online_provision(self, unit: str, day: date) -> tuple[int, int]:
        """Return (eligible rows that are full, eligible rows) of a unit on a day."""
        eligible = [e for e in self.of(unit, day) if e.eligible]
        return sum(e.level == "full" for e in eligible), len(eligible)

    def national_portal_integration(self, unit: str, day: date) -> tuple[int, int]:
        """Return (online services on the national portal, online services) of a unit on a day."""
        services = self.online_services(unit, day)
        joined = {e.procedure for e in self.of(unit, day) if e.national_portal and e.procedure in services}
        return len(joined), len(services)

    def share(self, unit: str, day: date, numerator: Iterable[str], denominator: Iterable[str]) -> tuple[int, int]:
        """Return (procedures of a unit that all filters hold for, those that the denominator's do) on a day."""
        below = [p for p in self._offers(unit, self._regime(day)) if self.fits(p, unit, day, denominator)]
        return sum(self.fits(p, unit, day, numerator) for p in below), len(below)

    def fits(self, procedure: str, unit: str, day: date, filters: Iterable[str]) -> bool:
        """Tell whether filters hold of a procedure on a day: `listed`, `full`, `partial`, `payable-online`, or `!`."""
        level, payable = self.offered(procedure, unit, day)
        holds = {"full": level == "full", "partial": level == "partial", "payable-online": payable}
        return all(
            (
                self.listed(procedure, unit, day.isoformat())
                if name.removeprefix("!") == "listed"
                else holds[name.removeprefix("!")]
            )
            != name.startswith("!")
            for name in filters
        )


_TRUTH: Final = {"true": True, "false": False}


_LEVELS: Final[Mapping[str, ServiceLevel]] = {"full": "full", "partial": "partial", "none": "none"}


def parse_catalogue(rows: Iterable[Mapping[str, str]]) -> list[Entry]:
    """Read the catalogue's rows (contract: "Procedure catalogue"). Raises BadTable with the line of the file."""
    entries = []
    for line, row in enumerate(rows, start=2):
        procedure, authority = ((row.get(c) or "").strip() for c in ("procedure", "authority"))
        if not procedure or not authority:
            raise BadTable(f"line {line}: a row needs `procedure` and `authority`")
        check_code(procedure, line, "procedure")
        check_unit(authority, line, "authority")
        level = _LEVELS.get((row.get("level") or "").strip())
        if level is None:
            raise BadTable(f"line {line}: level is {row.get('level')!r}, expected full, partial or none")
        entries.append(
            Entry(
                procedure_code(procedure),
                (row.get("name") or "").strip(),
                authority,
                level,
                _truth(row, "eligible", line, default=False),
                frozenset(part.strip() for part in (row.get("lists") or "").split(";") if part.strip()),
                _day(row, "listed_from", line),
                _day(row, "listed_to", line),
                _truth(row, "result_document", line, default=True),
                _truth(row, "national_portal", line, default=False),
                _truth(row, "payable_online", line, default=False),
                (row.get("field") or "").strip(),
            )
        )
    return entries


def _truth(row: Mapping[str, str], column: str, line: int, *, default: bool) -> bool:
    text = (row.get(column) or "").strip().lower()
    if not text:
        return default
    if text not in _TRUTH:
        raise BadTable(f"line {line}: {column} is {text!r}, expected true or false")
    return _TRUTH[text]


def _day(row: Mapping[str, str], column: str, line: int) -> date | None:
    text = (row.get(column) or "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as exc:
        raise BadTable(f"line {line}: {column} is {text!r}, expected YYYY-MM-DD") from exc
