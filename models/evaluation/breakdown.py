"""The reason behind a ratio: a unit's figures taken apart by procedure, field or channel, and its history by civil day.

Both follow from the facts that the figures follow from: rows add up to the standing, and nothing is counted twice.
Figures that are not made of dossiers (of the catalogue, from outside, adoption of copies) are not taken apart.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from models.calendar.civil_time import EPOCH
from models.counting.contributions import ASIDE, Cell, contributions
from models.decisions.file import Formula, Indicator
from models.decisions.reading import Group, Reading
from models.dossiers.dossier import Dossier
from models.standings.standings import Standings
from models.wording import decimal_text

By = Literal["procedure", "field", "channel"]
BYS: Final[tuple[By, ...]] = ("procedure", "field", "channel")
ROWS_MAX: Final = 50
"""rows of one indicator of one unit; all further ones are one row, `REST`"""
REST: Final = "…"
LATELY: Final = 30
"""civil days up to the day asked about, of which each row tells apart"""
NOT_SAID: Final = "Không ghi"
CHANNELS: Final[Mapping[str, str]] = {"online": "Trực tuyến", "in_person": "Trực tiếp", "postal": "Bưu chính công ích"}

Key = tuple[str, Indicator]
"""(unit or group, indicator)"""
Sums = dict[Key, defaultdict[str, list[int]]]
"""→ procedure, field or channel → [numerator, denominator, and both of the last days]"""
BreakdownRow = dict[str, Any]
"""`{"procedure", "name", "numerator", "denominator", "missing", "last_30_days"}`, by field or channel alike"""
HistoryRow = tuple[str, int, int, str | None]
"""(civil day, cumulative numerator and denominator, what was expected by its end)"""


class _Names(NamedTuple):
    """What parts are taken by, what the catalogue calls procedures, and the field of each."""

    by: By
    procedures: Mapping[str, str]
    fields: Mapping[str, str]

    @classmethod
    def of(cls, reading: Reading, by: By) -> "_Names":
        """Gather them; the first row that names a procedure, or gives it a field, is believed."""
        names: dict[str, str] = {}
        fields: dict[str, str] = {}
        for entry in reading.catalogue.entries if reading.catalogue is not None else ():
            if entry.name:
                names.setdefault(entry.procedure, entry.name)
            if entry.field:
                fields.setdefault(entry.procedure, entry.field)
        return cls(by, names, fields)

    def group(self, procedure: str, channel: str) -> str:
        """Return the procedure, field or channel that a dossier belongs to; '' where nothing says so."""
        if self.by == "procedure":
            return procedure
        return channel if self.by == "channel" else self.fields.get(procedure, "")

    def name(self, group: str) -> str:
        """Return what people call it."""
        if not group:
            return NOT_SAID
        return {"procedure": self.procedures, "channel": CHANNELS}.get(self.by, {}).get(group, group)


def taken_apart(reading: Reading, indicator: Indicator, by: By) -> bool:
    """Tell whether an indicator's figures are made of what has a procedure, a field or a channel."""
    formula: Formula = reading.indicators[indicator]
    if not reading.measured(indicator) or formula.shape == "adoption":
        return False
    return formula.count in ("dossier", "transaction", "copy") or (formula.count == "service" and by != "channel")


def breakdowns(
    standings: Standings, dossiers: Iterable[Dossier], units: Collection[str], by: By, days: int = LATELY
) -> dict[str, dict[str, list[BreakdownRow]]]:
    """Return unit or group → indicator → rows, the one with most missing first.

    Dossiers are gone through once, and nothing is kept of them; `standings` may be filled as they come.
    """
    names = _Names.of(standings.reading, by)
    indicators = [i for i in standings.reading.indicators if taken_apart(standings.reading, i, by)]
    sums = _sums(standings, dossiers, names, days)
    groups = standings.groups()
    alone = {member: None for unit in units for member in (groups[unit].members if unit in groups else (unit,))}
    for indicator in indicators:
        for unit in alone:
            _add_services(standings, sums, (unit, indicator), names, days)
        for unit in units:
            if unit in groups:
                _add_members(standings, sums, groups[unit], indicator)
    return {unit: {i: _table(sums.get((unit, i), {}), names, days) for i in indicators} for unit in units if indicators}


def _sums(standings: Standings, dossiers: Iterable[Dossier], names: _Names, days: int) -> Sums:
    """Add up where dossiers count from the period's first day to today, and in the last days of it."""
    reading, today = standings.reading, standings.as_of.isoformat()
    first = date.fromordinal(standings.ledger.first + EPOCH).isoformat()
    counts, lately_of = _counting(reading, today, names.by), _Lately(standings, days)
    sums: Sums = {}
    for known, _ in dossiers:
        group = names.group(known.get("procedure") or "", known.get("channel") or "")
        for unit, day, cell, numerator in contributions(known, reading.fold):
            indicator = counts(cell)
            if indicator is None or not first <= day <= today:
                continue
            since, last = lately_of[unit]
            lately = since <= day <= last
            _add(sums, (unit, indicator), group, (numerator, 1, numerator * lately, int(lately)))
    return sums


class _Lately(dict[str, tuple[str, str]]):
    """A unit → the last days up to today, or up to the day before it was succeeded, as ISO texts; as met."""

    def __init__(self, standings: Standings, days: int) -> None:
        self._standings, self._days = standings, days

    def __missing__(self, unit: str) -> tuple[str, str]:
        today = self._standings.as_of
        since = self._standings.reading.heirs.frozen_since(unit, today)
        last = today if since is None else since - timedelta(days=1)
        self[unit] = days = (last - timedelta(days=self._days - 1)).isoformat(), last.isoformat()
        return days


def _counting(reading: Reading, today: str, by: By) -> Callable[[str], Indicator | None]:
    """Return what tells of a cell which indicator it is part of; None where it is part of none, or not yet."""
    known: dict[str, Indicator | None] = {}

    def indicator_of(text: str) -> Indicator | None:
        if text not in known:
            cell = Cell.of(text)
            plain = cell.item not in ASIDE and reading.indicators[cell.indicator].count != "service"
            holds = plain and cell.since <= today and taken_apart(reading, cell.indicator, by)
            known[text] = cell.indicator if holds else None
        return known[text]

    return indicator_of


def _add(sums: Sums, key: Key, group: str, figures: Sequence[int]) -> None:
    groups = sums.get(key)
    if groups is None:
        groups = sums[key] = defaultdict(_nothing)
    held, (n, d, lately_n, lately_d) = groups[group], figures
    held[0] += n
    held[1] += d
    held[2] += lately_n
    held[3] += lately_d


def _nothing() -> list[int]:
    return [0, 0, 0, 0]


def _add_services(standings: Standings, sums: Sums, key: Key, names: _Names, days: int) -> None:
    """Add a unit's services where an indicator counts these: each is one, above the line where it has dossiers."""
    if standings.reading.indicators[key[1]].count != "service":
        return
    lately = standings.services(*key, days)
    for procedure, above in standings.services(*key).items():
        figures = (int(above), 1, int(lately.get(procedure, False)), int(procedure in lately))
        _add(sums, key, names.group(procedure, ""), figures)


def _add_members(standings: Standings, sums: Sums, group: Group, indicator: Indicator) -> None:
    """Add up what the members of a group have, those aside that have been succeeded."""
    for member in group.members:
        if not standings.frozen(member):
            for part, figures in sums.get((member, indicator), {}).items():
                _add(sums, (group.code, indicator), part, figures)


def _table(parts: Mapping[str, list[int]], names: _Names, days: int) -> list[BreakdownRow]:
    """Return rows by how many are missing, then by how many there are; beyond `ROWS_MAX` as one row."""
    ordered = sorted(parts.items(), key=lambda item: (item[1][0] - item[1][1], -item[1][1], item[0]))
    told = [(part, names.name(part), figures) for part, figures in ordered[:ROWS_MAX]]
    if further := [figures for _, figures in ordered[ROWS_MAX:]]:
        told.append((REST, REST, [sum(column) for column in zip(*further, strict=True)]))
    return [_row(names.by, part, name, figures, days) for part, name, figures in told]


def _row(by: By, part: str, name: str, figures: list[int], days: int) -> BreakdownRow:
    n, d, lately_n, lately_d = figures
    row: BreakdownRow = {by: part, "name": name, "numerator": n, "denominator": d}
    return {**row, "missing": d - n, f"last_{days}_days": [lately_n, lately_d]}


def history(standings: Standings, unit: str, indicator: Indicator) -> list[HistoryRow]:
    """Return a unit's or a group's cumulative figures on each civil day of the period up to today, as known now."""
    group = standings.groups().get(unit)
    members = [unit] if group is None else [m for m in group.members if not standings.frozen(m)]
    first = date.fromordinal(standings.ledger.first + EPOCH)
    found: list[HistoryRow] = []
    for day in _days(first, standings.as_of):
        figures = [standings.figures_between(member, indicator, first, day) for member in members]
        n, d = sum(k for k, _ in figures), sum(n for _, n in figures)
        expected = standings.judged(unit, indicator, (n, d), day).expected
        found.append((day.isoformat(), n, d, None if expected is None else decimal_text(expected)))
    return found


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)
