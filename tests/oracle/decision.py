"""What the oracle reads besides events: the registry of units, the decision's rows, the procedure catalogue."""

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .decode import normal_procedure


class Formula(NamedTuple):
    """What an indicator counts, as contract.md and domain.md say it; the decision's file has to say the same."""

    counts: str
    basis: str
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    ramp: bool = False


ONLINE, LISTED = ("online",), ("listed",)
PROVISION = Formula("catalogue", "catalogue")
# A decision that asks for others is not this oracle's to judge, so it says so instead of computing something else
# under the same name.
FORMULAS: dict[str, dict[str, Formula]] = {
    "thai-binh-2024": {
        "full-online-provision": PROVISION,
        "online-dossiers": Formula("dossier", "received", ONLINE),
        "online-payments": Formula("transaction", "paid", ("online", "national-gateway")),
        "digitised-results": Formula("dossier", "resolved", ("digitised",), ("result-document",)),
        "electronic-results": Formula("dossier", "resolved", ("electronic",), ("result-document",)),
        "services-with-dossiers": Formula("service", "received", ramp=True),
        "electronic-copies": Formula("copy", "certified", ("electronic",)),
    },
    "hai-duong-2022": {"online-dossiers": Formula("dossier", "resolved", ("online", "listed"))},
    "lak-2022": {
        "digitised-results": Formula("dossier", "issued", ("digitised",), ("result-document",)),
        "online-dossiers": Formula("dossier", "received", ("online", "listed"), LISTED),
    },
    "ha-tinh": {
        "full-online-provision": PROVISION,
        "services-with-dossiers": Formula("service", "received", ONLINE, ramp=True),
        "national-portal-integration": PROVISION,
        "online-dossiers": Formula("dossier", "resolved", ONLINE, LISTED),
    },
    "khanh-hoa-2024": {"online-dossiers": Formula("dossier", "received", ONLINE, LISTED)},
}
CATALOGUE_ONLY = ("full-online-provision", "services-with-dossiers", "national-portal-integration")
COMMON = {
    "postal_in_denominator": ("true", "false"),
    "trajectory": ("default", "flat", "linear"),
    "alert_rule": ("literal",),
    "report_months": ("calendar", "15-14"),  # concerns reports only
}
SWITCHES: dict[str, dict[str, tuple[str, ...]]] = {
    "thai-binh-2024": {"electronic_copies": ("adoption", "share")},
    "hai-duong-2022": {},
    "lak-2022": {"denominator_scope": ("listed", "all")},
    "ha-tinh": {"yearly_increase": ("points", "relative")},
    "khanh-hoa-2024": {
        "replacement_effective_date": ("none",),  # or a date
        "replacement_grace": ("ordinary", "strict"),
        "dropped_until": ("inclusive", "exclusive"),
    },
}


class Registry:
    """The units of units.csv, with the rules of contract.md "Units" for codes that stand in no file."""

    def __init__(self, path: Path, more: Iterable[tuple[str, str, str, str]] = ()) -> None:
        """Read the registry; `more` are a deployment's own units: (level, code, parent, target_of)."""
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        self.shipped = frozenset(row["code"] for row in rows)
        self.level = {row["code"]: row["level"] for row in rows} | {code: level for level, code, _, _ in more}
        self.parent = {row["code"]: row["parent"] for row in rows} | {code: parent for _, code, parent, _ in more}
        self.target_of = {code: unit for _, code, _, unit in more if unit}

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

    def under(self, code: str, province: str) -> bool:
        """Tell whether a unit belongs to a province."""
        while code and code != province:
            code = self.parent.get(code, "")
        return code == province

    def communes(self, district: str) -> tuple[str, ...]:
        """List the communes of a district."""
        return tuple(c for c, level in self.level.items() if level == "commune" and self.parent[c] == district)


class Heir(NamedTuple):
    """One row of the successions: from a civil day `new` stands for `old`, for some procedures or (none named) all."""

    day: date
    old: str
    new: str
    procedures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """Who is named on a day: leaves, groups with their members, targets, and what heirs' targets were made from."""

    targets: dict[tuple[str, str], Fraction]
    parts: dict[tuple[str, str], tuple[str, ...]]
    """(heir, indicator) → predecessors whose targets differ, while nobody has assigned it one"""
    leaves: dict[str, None]
    groups: dict[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Decision:
    """A decision's rows, its period and its switches, as the oracle needs them."""

    id: str
    registry: Registry
    indicators: tuple[str, ...]
    formulas: dict[str, Formula]
    text: dict[str, Any]
    switches: dict[str, str]
    heirs: tuple[Heir, ...] = ()

    def period(self, day: date) -> tuple[date, date]:
        """Give the first and last day of the period that a day belongs to, or of the first one."""
        period = self.text["period"]
        if "yearly_from" not in period:
            return period["from"], period["to"]
        year = max(period["yearly_from"], day.year)
        return date(year, 1, 1), date(year, 12, 31)

    def effective(self, day: date) -> date:
        """Give the day from which alerts are raised; the period's first where the decision's own is not known."""
        first: date = self.text.get("effective", self.period(day)[0])
        return first

    def clamp(self, as_of: date) -> date:
        """Hold the day within the period: before it is an error, after it means its last day."""
        first, last = self.period(as_of)
        if as_of < first:
            raise ValueError(f"{as_of} is before the period, which begins on {first}")
        return min(as_of, last)

    def is_ramp(self, unit_row: Mapping[str, Any] | None, indicator: str) -> bool:
        """Tell whether what is expected grows evenly from nought: coverage, and where a row gives a baseline of 0."""
        if (chosen := self.switches["trajectory"]) != "default":
            return chosen == "linear"
        return self.formulas[indicator].ramp or (unit_row is not None and indicator in unit_row.get("baseline", {}))

    def along(self, target: Fraction, indicator: str, day: date) -> Fraction:
        """Tell the trajectory's value at the end of a day: the target, or target·n/N on day n of N of a ramp."""
        first, last = self.period(day)
        whole = (last - first).days + 1
        row = self.text["rows"][0]  # a baseline stands in every row or in none
        elapsed = (day - first).days + 1 if self.is_ramp(row, indicator) else whole
        return _ramp(target, elapsed, whole)

    def founded(self) -> set[str]:
        """Name the heirs that come into being as such.

        A unit nobody knows; or one of a deployment's own that no row names, where two or more whole units of its level
        become it on the first day on which it is an heir.
        """
        level, rows = self.registry.level, {row.get("unit") for row in self.text["rows"]}
        new = {h.new for h in self.heirs if h.new not in level} - rows
        for unit in {h.new for h in self.heirs} - self.registry.shipped - rows - new:
            first = min(h.day for h in self.heirs if h.new == unit)
            olds = [h for h in self.heirs if h.new == unit and h.day == first]
            whole = [h for h in olds if not h.procedures and level.get(h.old) == level[unit]]
            if len(whole) == len(olds) > 1:
                new.add(unit)
        return new

    def named(self, day: date) -> Named:
        """Work out who is named on a day, successions up to it taken in."""
        return self._named(self.period(day)[0], sum(h.day <= day for h in self.heirs))

    @lru_cache(maxsize=64)  # noqa: B019 - decisions are few, and live as long as the process
    def _named(self, first: date, taken: int) -> Named:
        founded = self.founded()
        found = Named({}, {}, {}, {})
        for row in self.text["rows"]:
            members = [m for m in _members(row, self.registry) if m not in founded]
            if "/" in row.get("unit", ""):
                found.groups[row["unit"]] = tuple(members)
            for unit in (*members, *([row["unit"]] if row.get("unit") in found.groups else ())):
                for indicator, cell in _cells(self.text, row):
                    if (target := self._value(cell, first)) is not None:
                        found.targets[unit, indicator] = target
            found.leaves.update(dict.fromkeys(members))
        olds: dict[str, list[str]] = {}
        for heir in self.heirs[:taken]:
            self._succeed(heir, found, olds.setdefault(heir.new, []), keeps=heir.new not in founded)
        return found

    def _value(self, cell: Any, first_day: date) -> Fraction | None:
        if not isinstance(cell, dict):
            return Fraction(cell) if cell else None
        years: int = first_day.year - self.text["period"]["yearly_from"]
        first, yearly = Fraction(cell["first"]), Fraction(cell["yearly"])
        if self.switches["yearly_increase"] == "points":
            return min(Fraction(100), first + years * yearly)
        for _ in range(years):
            first = min(Fraction(100), first + first * yearly / 100)
        return first

    def _succeed(self, heir: Heir, found: Named, olds: list[str], *, keeps: bool) -> None:
        """Hand on what one predecessor was to reach; `keeps`: the heir is no new unit, so a target of its own stays."""
        old, new = heir.old, heir.new
        for group, members in list(found.groups.items()):
            elsewhere = any(new in others for others in found.groups.values())
            if old in members and not elsewhere and f"{self.registry.parent.get(new)}/communes" == group:
                found.groups[group] = (*members, new)
        source = self.registry.target_of.get(new)
        if source:
            for indicator in self.indicators:
                found.targets.pop((new, indicator), None)
                if (source, indicator) in found.targets:
                    found.targets[new, indicator] = found.targets[source, indicator]
            found.leaves.update({new: None} if source in found.leaves else {})
        elif old in found.leaves and not (keeps and new in found.leaves):
            found.leaves[new] = None
            olds += [old] if old not in olds else []
            for indicator in self.indicators:
                self._agree(new, indicator, olds, found)

    @staticmethod
    def _agree(new: str, indicator: str, olds: list[str], found: Named) -> None:
        given = [o for o in olds if (o, indicator) in found.targets]
        if not given:
            return
        values = [found.targets[o, indicator] for o in given]
        found.targets[new, indicator] = sum(values, Fraction(0)) / len(values)
        found.parts.pop((new, indicator), None)
        nested = any((o, indicator) in found.parts for o in given)
        if len(given) < len(olds) or len(set(values)) > 1 or nested:
            found.parts[new, indicator] = tuple(given)

    def frozen_since(self, unit: str, day: date) -> date | None:
        """Tell since when a unit has been succeeded, unless it has become an heir again since."""
        since = None
        for turn in sorted({h.day for h in self.heirs if unit in (h.old, h.new) and h.day <= day}):
            succeeded = any(h.old == unit and h.day == turn for h in self.heirs)
            since = (since or turn) if succeeded else None
        return since


@lru_cache(maxsize=1 << 14)
def _ramp(target: Fraction, elapsed: int, whole: int) -> Fraction:
    return target * elapsed / whole


def _switches(decision: str, given: Mapping[str, str]) -> dict[str, str]:
    known: dict[str, tuple[str, ...]] = {**SWITCHES.get(decision, {}), **COMMON}
    for name, value in given.items():
        is_day = name == "replacement_effective_date" and bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value))
        if value not in known.get(name, ()) and not (name in known and is_day):
            raise ValueError(f"the oracle knows no switch {name}={value}")
    return {name: given.get(name, values[0]) for name, values in known.items()}


BASIS = {"transaction": "paid", "copy": "certified", "catalogue": "catalogue"}  # where there is no choice
ADOPTION = "adoption"


def _formulas(decision: str, indicators: Mapping[str, Any]) -> dict[str, Formula]:
    """Return the formulas: of a known decision this oracle's own, of another what its file says in the contract's words."""
    found_all = {}
    for name, text in indicators.items():
        found = Formula(
            text["count"],
            text.get("basis") or BASIS[text["count"]],
            tuple(text.get("numerator", ())),
            tuple(text.get("denominator", ())),
            text.get("trajectory", "flat") == "ramp",
        )
        found_all[name] = found
        if decision in FORMULAS and found != FORMULAS[decision].get(name):
            raise ValueError(f"the oracle has no formula for {name} as this decision counts it: {found}")
    return dict(FORMULAS.get(decision, found_all))


def _members(row: Mapping[str, Any], registry: Registry) -> tuple[str, ...]:
    """Expand a row: `340/communes` and classes of a province to their units, any other code to itself."""
    if "unit" not in row:
        return tuple(c for c, level in registry.level.items() if level == row["units"] and registry.under(c, row["of"]))
    district, slash, kind = str(row["unit"]).partition("/")
    if not slash:
        return (district,)
    members = registry.communes(district) if kind == "communes" else ()
    given = [m for m in members if m in registry.shipped]
    if not members or len(given) != row.get("count", len(given)):
        raise ValueError(f"row {row['row']}: {len(given)} members, the decision says {row.get('count')}")
    return members


def _cells(text: Mapping[str, Any], row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if isinstance(row["targets"], dict):
        return list(row["targets"].items())
    return list(zip(text["columns"], row["targets"], strict=True))


def load_decision(path: Path, registry: Registry, switches: Mapping[str, str], heirs: Iterable[Heir] = ()) -> Decision:
    """Read a decision file; what it counts is this oracle's own knowledge, whom it names and how much is the file's."""
    text = tomllib.loads(path.read_text(encoding="utf-8"))
    if text["id"] not in FORMULAS and not {"switches", "milestones", "amendments"}.isdisjoint(text):
        raise ValueError(f"the oracle knows no decision {text['id']}, and reads no switches, milestones, amendments")
    formulas = _formulas(text["id"], text["indicators"])
    chosen = _switches(text["id"], switches)
    if chosen.get("denominator_scope") == "all":
        formulas["online-dossiers"] = formulas["online-dossiers"]._replace(below=())
    order = text.get("columns") or list(text["indicators"])
    decision = Decision(text["id"], registry, tuple(order), formulas, text, chosen, tuple(sorted(heirs)))
    decision.named(decision.period(date.min)[0])  # a row that names nobody is an error
    return decision


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
    portal: bool
    old: bool
    """Khánh Hòa: on the list of QĐ 2653"""
    new: bool
    """Khánh Hòa: on the list that replaces it"""
    payable: bool = False


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

        lists = {part.strip() for part in row["lists"].split(";")} - {""}
        return Offer(
            unit=unit,
            procedure=normal_procedure(row["procedure"].strip()),
            level=row["level"].strip(),
            eligible=row["eligible"].strip().lower() == "true",
            listed=bool(lists),
            first=day("listed_from", 0),
            last=day("listed_to", date.max.toordinal()),
            document=row["result_document"].strip().lower() != "false",
            portal=row["national_portal"].strip().lower() == "true",
            old="2653" in lists,
            new="replacement" in lists,
            payable=(row.get("payable_online") or "").strip().lower() == "true",
        )
