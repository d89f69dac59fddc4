"""What the oracle reads besides events: the registry of units, the decision's rows, the procedure catalogue."""

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .decode import normal_procedure

# The formulas that sql.py spells out. A decision that asks for others is not this oracle's to judge, so it says so
# instead of computing something else under the same name: (count, basis, numerator, denominator).
FORMULAS: dict[str, tuple[str, str, list[str], list[str]]] = {
    "full-online-provision": ("catalogue", "catalogue", [], []),
    "online-dossiers": ("dossier", "received", ["online"], []),
    "online-payments": ("transaction", "paid", ["online", "national-gateway"], []),
    "digitised-results": ("dossier", "resolved", ["digitised"], ["result-document"]),
    "electronic-results": ("dossier", "resolved", ["electronic"], ["result-document"]),
    "services-with-dossiers": ("service", "received", [], []),
    "electronic-copies": ("copy", "certified", ["electronic"], []),
}
CATALOGUE_ONLY = ("full-online-provision", "services-with-dossiers")
SWITCHES = {
    "electronic_copies": ("adoption", "share"),
    "postal_in_denominator": ("true", "false"),
    "trajectory": ("default", "flat", "linear"),
    "alert_rule": ("literal",),
    "report_months": ("calendar", "15-14"),  # concerns reports only
}


class Registry:
    """The units of units.csv, with the rules of contract.md "Units" for codes that stand in no file."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        self.level = {row["code"]: row["level"] for row in rows}
        self.parent = {row["code"]: row["parent"] for row in rows}

    def home(self, code: str) -> str:
        """Name the unit that a code counts for: an office of a district counts for its district, in every indicator."""
        level = self.level.get(code)
        if level == "district-office":
            return self.parent[code]
        prefix, dot, _ = code.partition(".")
        if level is None and dot and self.level.get(prefix) == "district":
            return prefix
        return code

    def class_of(self, unit: str) -> str | None:
        """Name the class by which a catalogue's authority covers the unit."""
        prefix, dot, _ = unit.partition(".")
        if unit not in self.level and dot and self.level.get(prefix) == "province":
            return "province-agency"
        return self.level.get(unit)

    def communes(self, district: str) -> tuple[str, ...]:
        """List the communes of a district."""
        return tuple(c for c, level in self.level.items() if level == "commune" and self.parent[c] == district)


@dataclass(frozen=True)
class Decision:
    """A decision's rows, its period and its switches, as the oracle needs them."""

    id: str
    indicators: tuple[str, ...]
    first: date
    last: date
    effective: date
    targets: dict[tuple[str, str], str]
    leaves: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    ramps: frozenset[str]
    switches: dict[str, str]

    def clamp(self, as_of: date) -> date:
        """Hold the day within the period: before it is an error, after it means its last day."""
        if as_of < self.first:
            raise ValueError(f"{as_of} is before the period, which begins on {self.first}")
        return min(as_of, self.last)

    def expected(self, unit: str, indicator: str, day: date) -> Fraction | None:
        """Tell the trajectory's value at the end of a day: the target, or target·n/N on day n of N of a ramp."""
        target = self.targets.get((unit, indicator))
        if target is None:
            return None
        whole = (self.last - self.first).days + 1
        elapsed = (day - self.first).days + 1 if indicator in self.ramps else whole
        return _ramp(target, elapsed, whole)


@lru_cache(maxsize=1 << 14)
def _ramp(target: str, elapsed: int, whole: int) -> Fraction:
    return Fraction(target) * elapsed / whole


def _switches(given: Mapping[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if value not in SWITCHES.get(name, ()):
            raise ValueError(f"the oracle knows no switch {name}={value}")
    return {name: given.get(name, values[0]) for name, values in SWITCHES.items()}


def _formulas(indicators: Mapping[str, Any], columns: list[str]) -> None:
    for name in columns:
        text = indicators[name]
        found = (text["count"], text["basis"], text.get("numerator", []), text.get("denominator", []))
        if found != FORMULAS.get(name):
            raise ValueError(f"the oracle has no formula for {name} as this decision counts it: {found}")


def _ramps(indicators: Mapping[str, Any], trajectory: str) -> frozenset[str]:
    if trajectory != "default":
        return frozenset(indicators if trajectory == "linear" else ())
    return frozenset(name for name, text in indicators.items() if text.get("trajectory", "flat") == "ramp")


def _members(row: Mapping[str, Any], registry: Registry) -> tuple[str, ...]:
    """Expand a row: `340/communes` to the communes of 340, any other code to itself."""
    district, slash, kind = str(row["unit"]).partition("/")
    if not slash:
        return (district,)
    members = registry.communes(district) if kind == "communes" else ()
    if not members or len(members) != row.get("count", len(members)):
        raise ValueError(f"row {row['row']}: {len(members)} members, the decision says {row.get('count')}")
    return members


def load_decision(path: Path, registry: Registry, switches: Mapping[str, str]) -> Decision:
    """Read a decision file and expand its group rows over the registry; a blank cell is no target, not 0."""
    text = tomllib.loads(path.read_text(encoding="utf-8"))
    chosen, columns = _switches(switches), list(text["columns"])
    _formulas(text["indicators"], columns)
    targets: dict[tuple[str, str], str] = {}
    groups: dict[str, tuple[str, ...]] = {}
    leaves: dict[str, None] = {}
    for row in text["rows"]:
        members = _members(row, registry)
        if members != (row["unit"],):
            groups[row["unit"]] = members
        leaves.update(dict.fromkeys(members))
        for unit in {row["unit"], *members}:
            cells = zip(columns, row["targets"], strict=True)
            targets.update({(unit, indicator): target for indicator, target in cells if target})
    period = text["period"]
    return Decision(
        id=text["id"],
        indicators=tuple(columns),
        first=period["from"],
        last=period["to"],
        effective=text.get("effective", period["from"]),
        targets=targets,
        leaves=tuple(leaves),
        groups=groups,
        ramps=_ramps(text["indicators"], chosen["trajectory"]),
        switches=chosen,
    )


class Offer(NamedTuple):
    """A catalogue row as far as one unit is concerned; days as `date.toordinal`, open ends far away."""

    unit: str
    procedure: str
    level: str
    eligible: bool
    listed: bool
    first: int
    last: int
    document: bool


class Catalogue:
    """The procedure catalogue (contract.md "Procedure catalogue")."""

    def __init__(self, path: Path, registry: Registry) -> None:
        self.registry = registry
        with path.open(encoding="utf-8-sig", newline="") as file:
            self.rows = list(csv.DictReader(file))

    def offers(self, units: list[str]) -> list[Offer]:
        """List, for each unit, the rows whose authority covers it: its code, or its class."""
        of_authority: dict[str, list[str]] = {}
        for unit in units:
            of_authority.setdefault(unit, []).append(unit)
            if kind := self.registry.class_of(unit):
                of_authority.setdefault(kind, []).append(unit)
        return [
            self._offer(row, unit)
            for row in self.rows
            for unit in of_authority.get(self.registry.home(row["authority"].strip()), [])
        ]

    @staticmethod
    def _offer(row: Mapping[str, str], unit: str) -> Offer:
        def day(column: str, blank: int) -> int:
            text = row[column].strip()
            return date.fromisoformat(text).toordinal() if text else blank

        return Offer(
            unit=unit,
            procedure=normal_procedure(row["procedure"].strip()),
            level=row["level"].strip(),
            eligible=row["eligible"].strip().lower() == "true",
            listed=bool(row["lists"].strip(" ;")),
            first=day("listed_from", 0),
            last=day("listed_to", date.max.toordinal()),
            document=row["result_document"].strip().lower() != "false",
        )
