"""Units of government: the registry, codes by rule, who counts for whom, and who inherits from whom.

Codes are those of the General Statistics Office for provinces, districts and communes; an agency is its province's
code and the slug of its name (``34.so-cong-thuong``), an office its district's code and slug (``340.phong-tu-phap``),
and all communes of a district as one row of a decision ``340/communes``.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal

from models.registers.codes import FORM, is_code, is_unit
from models.registers.procedures import procedure_code
from models.registers.tables import BadTable

Level = Literal["province", "province-agency", "district", "district-office", "commune"]
LEVELS: Final[tuple[Level, ...]] = ("province", "province-agency", "district", "district-office", "commune")
COMMUNES: Final = "/communes"


def slug(name: str) -> str:
    """Return a unit's name without diacritics, lower case, words joined by ``-``, punctuation dropped.

    >>> slug("Sở Lao động - Thương binh và Xã hội")
    'so-lao-dong-thuong-binh-va-xa-hoi'
    """
    folded = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(c for c in folded if not unicodedata.combining(c)).lower()
    return "-".join(re.findall(r"[a-z0-9]+", re.sub(r"['’`]", "", plain)))


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of the registry; `target_of` names the unit whose target it has been assigned (successors)."""

    code: str
    name: str
    level: Level
    parent: str = ""
    target_of: str = ""
    since: date | None = None
    """the civil day from which the unit exists, `ALWAYS` where a file says so; None where nothing is said of it"""


ALWAYS: Final = date.min
"""since when a unit exists that no file gives a day"""


def check_unit(code: str, line: int, column: str) -> str:
    """Return the code of a unit that a table names. Raises BadTable where it is none: no event could name it."""
    if not is_unit(code, "vietnamese"):
        raise BadTable(f"line {line}: `{column}` is not the code of a unit: {FORM}, no ten digits in a row")
    return code


def check_code(code: str, line: int, column: str) -> str:
    """Return the code of a procedure or a dossier that a table names. Raises BadTable where it is none."""
    if not is_code(code, "vietnamese"):
        raise BadTable(f"line {line}: `{column}` is not a code: {FORM}")
    return code


@dataclass(frozen=True)
class Registry:
    """The units known, by code. Immutable; `with_units` gives a larger one."""

    units: Mapping[str, Unit]
    added: frozenset[str] = frozenset()
    """codes that a deployment added to the shipped registry"""
    offices_apart: bool = False
    """offices count for themselves and not for their district: for their own tracks, never under a decision"""
    _communes: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        communes: dict[str, list[str]] = {}
        for unit in self.units.values():
            if unit.level == "commune":
                communes.setdefault(unit.parent, []).append(unit.code)
        object.__setattr__(self, "_communes", {k: tuple(sorted(v)) for k, v in communes.items()})

    def with_units(self, units: Iterable[Unit]) -> "Registry":
        """Return a registry that also holds these units; a code given again replaces the older entry."""
        more = {u.code: u for u in units}
        return replace(self, units={**self.units, **more}, added=self.added | (more.keys() - self.units.keys()))

    def is_unknown(self, code: str) -> bool:
        """Tell whether no registry knows a unit, nor the district whose office it is."""
        return code not in self.units and not self.district_of(code)

    def name(self, code: str) -> str:
        """Return the unit's name, or its code where no registry knows it."""
        unit = self.units.get(code)
        return unit.name if unit else code

    def knows(self, code: str) -> bool:
        """Tell whether a unit is in the registry, or is an office of a district that is."""
        return code in self.units or bool(self.district_of(code))

    def communes_of(self, district: str) -> tuple[str, ...]:
        """Return the codes of the district's communes, sorted."""
        return self._communes.get(district, ())

    def offices_of(self, district: str) -> tuple[str, ...]:
        """Return the codes of the district's offices that the registry has, sorted."""
        units = self.units.values()
        return tuple(sorted(u.code for u in units if u.level == "district-office" and u.parent == district))

    def of_level(self, level: Level, province: str) -> tuple[str, ...]:
        """Return the codes of a province's units of one level, sorted."""
        return tuple(
            sorted(u.code for u in self.units.values() if u.level == level and self.province_of(u.code) == province)
        )

    def province_of(self, code: str) -> str:
        """Return the code of the province a unit belongs to, or '' where that is unknown."""
        seen = 0
        unit = self.units.get(code)
        while unit is not None and unit.level != "province" and seen < len(LEVELS):
            code, seen = unit.parent, seen + 1
            unit = self.units.get(code)
        return code if unit is not None else ""

    def district_of(self, code: str) -> str:
        """Return the district an office counts for, or '' for a unit that is no office.

        By the registry's parent, else by the rule of codes: district code ``.`` slug.
        """
        unit = self.units.get(code)
        if unit is not None:
            return unit.parent if unit.level == "district-office" else ""
        head, dot, _ = code.partition(".")
        owner = self.units.get(head) if dot else None
        return head if owner is not None and owner.level == "district" else ""

    def counts_for(self, code: str) -> str:
        """Return the unit a dossier of this unit counts for: an office's district, otherwise the unit itself."""
        return code if self.offices_apart else self.district_of(code) or code

    def home(self, code: str) -> str:
        """Return the key that keeps a unit and its group in one partition: the district of a commune or an office.

        >>> commune = Unit("12688", "Thị trấn Đông Hưng", "commune", "340")
        >>> Registry({"12688": commune}).home("12688")
        '340'
        """
        if code.endswith(COMMUNES):
            return code.removesuffix(COMMUNES)
        unit = self.units.get(code)
        if unit is not None and unit.level == "commune":
            return unit.parent or code
        return self.district_of(code) or code


def parse_units(rows: Iterable[Mapping[str, str]]) -> list[Unit]:
    """Read rows of ``level,code,name,parent[,target_of][,since]``.

    Where there is a column `since`, a blank cell says that the unit has always existed. Raises BadTable where a level
    is unknown, a code or name is missing, or `since` is no day; the number is the line of the file (header: line 1).
    """
    units = []
    for line, row in enumerate(rows, start=2):
        level, code, name = (row.get(c) or "" for c in ("level", "code", "name"))
        if level not in LEVELS:
            raise BadTable(f"line {line}: level is {level!r}, expected one of {', '.join(LEVELS)}")
        if not code.strip() or not name.strip():
            raise BadTable(f"line {line}: a unit needs a code and a name")
        check_unit(code.strip(), line, "code")
        units.append(
            Unit(
                code.strip(),
                unicodedata.normalize("NFC", name.strip()),
                level,
                (row.get("parent") or "").strip(),
                (row.get("target_of") or "").strip(),
                _since(row.get("since"), line),
            )
        )
    return units


def _since(text: str | None, line: int) -> date | None:
    """Return since when a unit exists, None where the table has no such column. Raises BadTable."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip()) if text.strip() else ALWAYS
    except ValueError as exc:
        raise BadTable(f"line {line}: since is {text!r}, expected YYYY-MM-DD") from exc


@dataclass(frozen=True, slots=True)
class Succession:
    """From `day` on, `heir` stands in the place of `predecessor`, for `procedures` (empty: for all)."""

    day: date
    predecessor: str
    heir: str
    procedures: frozenset[str] = frozenset()

    def covers(self, procedure: str | None) -> bool:
        """Tell whether dossiers of this procedure pass to the heir."""
        return not self.procedures or procedure in self.procedures


def parse_successions(rows: Iterable[Mapping[str, str]]) -> list[Succession]:
    """Read rows of ``date,from,to,procedures``. Raises BadTable with the line of the file."""
    successions = []
    for line, row in enumerate(rows, start=2):
        try:
            day = date.fromisoformat((row.get("date") or "").strip())
        except ValueError as exc:
            raise BadTable(f"line {line}: date is {row.get('date')!r}, expected YYYY-MM-DD") from exc
        old, new = ((row.get(c) or "").strip() for c in ("from", "to"))
        if not old or not new or old == new:
            raise BadTable(f"line {line}: `from` and `to` must name two different units")
        check_unit(old, line, "from")
        check_unit(new, line, "to")
        named = (p.strip() for p in (row.get("procedures") or "").split(";"))
        procedures = frozenset(procedure_code(check_code(p, line, "procedures")) for p in named if p)
        successions.append(Succession(day, old, new, procedures))
    return successions


class Heirs:
    """Answers where a dossier of a unit counts, once mergers, splits and abolitions are taken in (A20).

    The predecessor keeps what was counted up to the day before. The heir counts what comes after as its own, and what
    came before *from the day of the succession on*: such counts carry that day and the unit whose own they were
    (``2024-11-01/12688``), so that a standing of an earlier day leaves them out, and targets can be weighted by them.
    Of several heirs from one day the one for a named procedure comes before the one for all the rest.
    """

    def __init__(
        self, registry: Registry, successions: Iterable[Succession] = (), named: AbstractSet[str] = frozenset()
    ) -> None:
        """Index the successions by predecessor; `named` are units that a decision names one by one.

        Raises BadTable where two heirs would count the same dossier.
        """
        self.registry = registry
        self.successions = tuple(sorted(set(successions), key=lambda s: (s.day, s.predecessor, s.heir)))
        self._by_predecessor: dict[str, list[Succession]] = {}
        self._turns: dict[str, list[tuple[date, bool]]] = {}
        """unit → days on which it was succeeded (True) or became an heir"""
        for s in self.successions:
            self._by_predecessor.setdefault(s.predecessor, []).append(s)
            self._turns.setdefault(s.predecessor, []).append((s.day, True))
            self._turns.setdefault(s.heir, []).append((s.day, False))
        self._refuse_doubles()
        self.merged: dict[str, date] = {}
        """units of a deployment that are taken to be founded by a merger, since no file says since when they exist"""
        self.founded = self._founded(named)
        """units that come into being by a succession, and when"""
        self._alone: dict[str, str | None] = {}

    def _founded(self, named: AbstractSet[str]) -> dict[str, date]:
        """Return the heirs that come into being, with their first day; any other heir existed before.

        A file of units says so in its column `since`. Where it has none, a unit that the decision does not name itself
        is founded by a merger of whole units of its level, two or more on one day. A unit that no registry knows is
        founded by the succession that tells of it.
        """
        first: dict[str, list[Succession]] = {}
        for s in self.successions:
            same_day = first.setdefault(s.heir, [])
            if not same_day or same_day[0].day == s.day:
                same_day.append(s)
        found = {}
        for heir, together in first.items():
            unit, day = self.registry.units.get(heir), together[0].day
            if unit is None:
                found[heir] = day
            elif unit.since is not None:
                if unit.since > ALWAYS:
                    found[heir] = unit.since
            elif heir in self.registry.added and heir not in named and self._is_merger(unit.level, together):
                found[heir] = self.merged[heir] = day
        return found

    def _is_merger(self, level: str, together: Sequence[Succession]) -> bool:
        units = (self.registry.units.get(s.predecessor) for s in together if not s.procedures)
        return sum(unit is not None and unit.level == level for unit in units) == len(together) >= 2

    def _refuse_doubles(self) -> None:
        taken: set[tuple[str, date, str]] = set()
        for s in self.successions:
            for procedure in s.procedures or ("",):
                if (s.predecessor, s.day, procedure) in taken:
                    what = f"procedure {procedure}" if procedure else "all procedures"
                    raise BadTable(
                        f"successions: {s.predecessor} has two heirs for {what} from {s.day}, so that a dossier would "
                        "count twice: name the procedures of each"
                    )
                taken.add((s.predecessor, s.day, procedure))

    def frozen_since(self, unit: str, on: date) -> date | None:
        """Return the day from which a unit's standing is frozen, as seen on a civil day; None while it goes on.

        A unit that has been succeeded and is itself an heir later goes on again.
        """
        since = None
        for day, succeeded in self._turns.get(unit, ()):
            if day > on:
                break
            if succeeded:
                since = since or day
            elif day != since:
                since = None
        return since

    def alone(self, unit: str) -> str | None:
        """Return the one unit that all dossiers of `unit` count for; None where a succession makes that depend."""
        try:
            return self._alone[unit]
        except KeyError:
            own = self.registry.counts_for(unit)
            self._alone[unit] = None if own in self._by_predecessor else own
            return self._alone[unit]

    def units(self, unit: str, procedure: str | None, day: str) -> tuple[tuple[str, str], ...]:
        """Return (unit, inherited) for every unit a dossier of `unit` counts for on a civil day (ISO text).

        `inherited` is '' for the unit whose own dossier it is; for an heir, the day of the succession, ``/`` and the
        unit whose own it was.
        """
        alone = self.alone(unit)
        if alone is not None:
            return ((alone, ""),)
        return tuple(self._holders(self.registry.counts_for(unit), procedure, day).items())

    def _holders(self, unit: str, procedure: str | None, day: str) -> dict[str, str]:
        """Go from heir to heir: unit → since when, and from whom, it has a dossier of that day ('' for its own)."""
        found: dict[str, str] = {}
        taken: set[Succession] = set()
        since, origin = "", unit
        while True:
            following = self._next(unit, procedure, since, taken)
            then = "" if following is None else following.day.isoformat()
            if since <= day:
                origin = unit
            if following is None or then > day:
                found.setdefault(unit, f"{since}/{origin}" if since > day else "")
            if following is None:
                return found
            taken.add(following)
            since, unit = then, following.heir

    def _next(self, unit: str, procedure: str | None, since: str, taken: AbstractSet[Succession]) -> Succession | None:
        """Return the first succession from a day on by which a unit's dossiers of a procedure pass to another."""
        ahead = (
            s
            for s in self._by_predecessor.get(unit, ())
            if s.day.isoformat() >= since and s.covers(procedure) and s not in taken
        )
        return min(ahead, key=lambda s: (s.day, not s.procedures), default=None)
