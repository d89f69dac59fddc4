"""The catalogue of procedures: which are listed for a unit on a day, and what the catalogue's own figures are."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

from models.events import procedure_code
from models.units import BadTable, Registry

ServiceLevel = Literal["full", "partial", "none"]
CLASSES: Final = ("province-agency", "district", "commune")


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

    def in_force(self, day: date) -> bool:
        """Tell whether the row holds on a civil day."""
        return (self.listed_from is None or self.listed_from <= day) and (
            self.listed_to is None or day <= self.listed_to
        )

    @property
    def online(self) -> bool:
        """Tell whether the service is offered online: fully or partly, and on a list."""
        return self.level != "none" and bool(self.lists)


class Catalogue:
    """Rows of the catalogue, asked by unit and day."""

    def __init__(self, entries: Iterable[Entry], registry: Registry) -> None:
        """Index the rows by whom they are for."""
        self.entries = tuple(entries)
        self._registry = registry
        self._by_authority: dict[str, list[Entry]] = {}
        for entry in self.entries:
            self._by_authority.setdefault(entry.authority, []).append(entry)
        # Rows come into force and go on a few days only; between these the answer is the same.
        starts = {e.listed_from for e in self.entries if e.listed_from is not None}
        ends = {e.listed_to + timedelta(days=1) for e in self.entries if e.listed_to is not None}
        self._turns = sorted(starts | ends)
        self._of = lru_cache(maxsize=65536)(self._find)
        self._covering = lru_cache(maxsize=65536)(self._find_covering)
        self._online = lru_cache(maxsize=65536)(self._find_online)

    def _regime(self, day: date) -> date:
        """Return the first day of the stretch of days on which the same rows are in force."""
        n = bisect_right(self._turns, day)
        return self._turns[n - 1] if n else date.min

    def of(self, unit: str, day: date) -> tuple[Entry, ...]:
        """Return the rows in force for a unit on a civil day; a district's offices are asked under the district."""
        return self._of(unit, self._regime(day))

    def _find(self, unit: str, day: date) -> tuple[Entry, ...]:
        return tuple(e for e in self._covering(self._registry.counts_for(unit)) if e.in_force(day))

    def _find_covering(self, unit: str) -> tuple[Entry, ...]:
        known = self._registry.units.get(unit)
        level = known.level if known is not None else "province-agency" if "." in unit else ""
        return tuple(self._by_authority.get(unit, []) + (self._by_authority.get(level, []) if level in CLASSES else []))

    def documented(self, procedure: str | None, unit: str) -> bool:
        """Tell whether a procedure issues a result document: unless a row that covers the unit says it does not."""
        rows = self._covering(self._registry.counts_for(unit))
        return all(e.result_document for e in rows if e.procedure == procedure)

    def rows(self, procedure: str | None, unit: str, day: date) -> tuple[Entry, ...]:
        """Return the rows in force of one procedure for a unit."""
        return tuple(e for e in self.of(unit, day) if e.procedure == procedure)

    def online_services(self, unit: str, day: date, *, full_only: bool = False) -> frozenset[str]:
        """Return the procedures that are online services of a unit on a day."""
        return self._online(unit, self._regime(day), full_only)

    def _find_online(self, unit: str, day: date, full_only: bool) -> frozenset[str]:  # noqa: FBT001 - a cache's key
        return frozenset(e.procedure for e in self.of(unit, day) if e.online and (e.level == "full" or not full_only))

    def full_online_provision(self, unit: str, day: date) -> tuple[int, int]:
        """Return (eligible rows that are full, eligible rows) of a unit on a day."""
        eligible = [e for e in self.of(unit, day) if e.eligible]
        return sum(e.level == "full" for e in eligible), len(eligible)

    def national_portal_integration(self, unit: str, day: date, *, full_only: bool = False) -> tuple[int, int]:
        """Return (online services on the national portal, online services) of a unit on a day."""
        services = self.online_services(unit, day, full_only=full_only)
        joined = {e.procedure for e in self.of(unit, day) if e.national_portal and e.procedure in services}
        return len(joined), len(services)


_TRUTH: Final = {"true": True, "false": False}


_LEVELS: Final[Mapping[str, ServiceLevel]] = {"full": "full", "partial": "partial", "none": "none"}


def parse_catalogue(rows: Iterable[Mapping[str, str]]) -> list[Entry]:
    """Read the catalogue's rows (contract: "Procedure catalogue"). Raises BadTable with the line of the file."""
    entries = []
    for line, row in enumerate(rows, start=2):
        procedure, authority = ((row.get(c) or "").strip() for c in ("procedure", "authority"))
        if not procedure or not authority:
            raise BadTable(f"line {line}: a row needs `procedure` and `authority`")
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
