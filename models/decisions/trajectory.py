"""The trajectory: the cumulative ratio, in percent, that a unit is to have reached by the end of each civil day."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final, Protocol

from models.decisions.file import INDICATOR_NAME
from models.registers.tables import BadTable
from models.registers.units import check_unit

_NAME: Final = re.compile(INDICATOR_NAME)


class Trajectory(Protocol):
    """What is expected by the end of a day; None before the first milestone, when there is nothing to fall below."""

    def at(self, day: date) -> Fraction | None:
        """Return the expected cumulative ratio in percent."""
        ...


@dataclass(frozen=True, slots=True)
class Flat:
    """The target holds from the first day."""

    target: Fraction

    def at(self, day: date) -> Fraction:  # noqa: ARG002 - the same on every day
        """Return the target."""
        return self.target


@dataclass(frozen=True, slots=True)
class Ramp:
    """From `baseline` evenly to the target: on day n of N, baseline + (target - baseline)·n/N (A02, A24).

    >>> float(round(Ramp(Fraction(0), Fraction(85), date(2024, 1, 1), date(2024, 12, 31)).at(date(2024, 3, 31)), 4))
    21.1339
    """

    baseline: Fraction
    target: Fraction
    first: date
    last: date

    def at(self, day: date) -> Fraction:
        """Return the exact point of the ramp; the target after the last day, the baseline before the first."""
        days = (self.last - self.first).days + 1
        n = min(max((day - self.first).days + 1, 0), days)
        return self.baseline + (self.target - self.baseline) * n / days


@dataclass(frozen=True, slots=True)
class Milestone:
    """One row of a trajectory file; `linear` says how it goes on after this row."""

    day: date
    value: Fraction
    linear: bool


@dataclass(frozen=True, slots=True)
class Milestones:
    """Rows entered by a unit, by day."""

    rows: Sequence[Milestone]

    def at(self, day: date) -> Fraction | None:
        """Return the value in force: None before the first row, the last row's after it."""
        current: Milestone | None = None
        for row in self.rows:
            if row.day > day:
                if current is None or not current.linear:
                    break
                share = Fraction((day - current.day).days, (row.day - current.day).days)
                return current.value + (row.value - current.value) * share
            current = row
        return None if current is None else current.value


def parse_trajectories(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], Milestones]:
    """Read rows of ``unit,indicator,date,value[,between]``; returns (unit, indicator) → milestones.

    Raises BadTable with the line of the file.
    """
    found: dict[tuple[str, str], list[Milestone]] = {}
    for line, row in enumerate(rows, start=2):
        unit, indicator = ((row.get(c) or "").strip() for c in ("unit", "indicator"))
        between = (row.get("between") or "").strip() or "step"
        if not unit:
            raise BadTable(f"line {line}: a row needs a unit")
        check_unit(unit, line, "unit")
        if not _NAME.fullmatch(indicator):
            raise BadTable(f"line {line}: indicator is {indicator!r}, expected the name of one of the decision's")
        if between not in ("step", "linear"):
            raise BadTable(f"line {line}: between is {between!r}, expected step or linear")
        try:
            day = date.fromisoformat((row.get("date") or "").strip())
        except ValueError as exc:
            raise BadTable(f"line {line}: date is {row.get('date')!r}, expected YYYY-MM-DD") from exc
        value = percent((row.get("value") or "").strip(), f"line {line}: value")
        milestones = found.setdefault((unit, indicator), [])
        if any(m.day == day for m in milestones):
            raise BadTable(f"line {line}: {unit} has two values of {indicator} for {day}")
        milestones.append(Milestone(day, value, between == "linear"))
    return {key: Milestones(tuple(sorted(rows, key=lambda m: m.day))) for key, rows in found.items()}


def percent(text: str, where: str) -> Fraction:
    """Read a number of percent between 0 and 100. Raises BadTable, naming `where`."""
    try:
        number = Decimal(text)
    except InvalidOperation as exc:
        raise BadTable(f"{where} is {text!r}, expected a number of percent") from exc
    if not (number.is_finite() and 0 <= number <= 100):
        raise BadTable(f"{where} is {text}, expected between 0 and 100")
    return Fraction(number)
