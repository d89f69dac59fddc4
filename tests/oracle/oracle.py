"""The independent oracle: the figures, statuses and literal alerts that contract.md promises, recomputed in SQL.

Usage: python -m tests.oracle.oracle --decision F.toml --units units.csv --events F.jsonl --as-of DATE [--catalogue F]
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

from .decision import CATALOGUE_ONLY, Catalogue, Registry, load_decision
from .decode import Record, instant
from .ledger import Figure, Figures, Ledger

__all__ = ["Oracle", "Record"]

Alert = tuple[str, str, str, str]  # (at, unit, indicator, phase)
NOTHING: Figure = (0, 0)


def is_below(figure: Figure, expected: Fraction) -> bool:
    """Compare exactly: below means 100·numerator < expected·denominator.

    >>> is_below((1999, 4000), Fraction(50)), is_below((2000, 4000), Fraction(50))
    (True, False)
    """
    numerator, denominator = figure
    return 100 * numerator * expected.denominator < expected.numerator * denominator


def shortfall(figure: Figure, expected: Fraction | None) -> int:
    """Tell how many dossiers are missing to reach the expected ratio at this denominator.

    >>> shortfall((41, 98), Fraction(50)), shortfall((0, 0), Fraction(50)), shortfall((1, 2), None)
    (8, 0, 0)
    """
    numerator, denominator = figure
    needed = -floor(-(expected or 0) * denominator / 100)
    return max(0, needed - numerator)


class Oracle:
    """Recompute days, standings and literal alerts of one decision from raw records."""

    def __init__(
        self,
        decision_toml: Path,
        units_csv: Path,
        *,
        catalogue: Path | None = None,
        switches: dict[str, str] | None = None,
    ) -> None:
        registry = Registry(units_csv)
        self.decision = load_decision(decision_toml, registry, switches or {})
        self._ledger = Ledger(self.decision, registry, Catalogue(catalogue, registry) if catalogue else None)
        self._leaves = frozenset(self.decision.leaves)
        self._unmeasured = frozenset(() if catalogue else CATALOGUE_ONLY)

    def load(self, records: Iterable[Record]) -> None:
        """Take records in their order of arrival; may be called again with more."""
        self._ledger.load(records)

    @property
    def counts(self) -> dict[str, int]:
        """Count records and refused ones; the rest was applied or changed nothing."""
        return {"events": self._ledger.records, "refused": len(self._ledger.refusals)}

    @property
    def refused(self) -> list[int]:
        """List the indexes of refused records, 0-based, in load order."""
        return list(self._ledger.refusals)

    @property
    def reasons(self) -> dict[int, str]:
        """Tell why each refused record was refused; for people, no contract."""
        return dict(self._ledger.refusals)

    # -------------------------------------------------------------------------------------------- days, standings

    def days(self, *, whole: bool = False) -> dict[tuple[str, str, str], Figure]:
        """Give the raw counters of each unit's civil days within the period, or with `whole` of every day."""
        self._ledger.count_all()
        first, last = (date.min, date.max) if whole else (self.decision.first, self.decision.last)
        return {
            (unit, indicator, date.fromordinal(day).isoformat()): (num, den)
            for unit, indicator, day, num, den in self._ledger.days()
            if first.toordinal() <= day <= last.toordinal()
        }

    def standings(self, as_of: date) -> dict[tuple[str, str], dict[str, Any]]:
        """Give the standing of every named unit, every group, and every other unit for which anything counts."""
        self._ledger.count_all()
        day, first = self.decision.clamp(as_of), self.decision.first
        whole = self._ledger.figures(first, day)
        week, month = (self._ledger.figures(max(first, day - timedelta(days=n - 1)), day) for n in (7, 30))
        units = dict.fromkeys((*self.decision.leaves, *sorted(self._ledger.counted_units(day))))
        result = {}
        for indicator in self.decision.indicators:
            for unit in units:
                windows = [self._pooled(figures, (unit,), indicator) for figures in (whole, week, month)]
                result[unit, indicator] = self._standing(unit, indicator, day, windows)
            for group, members in self.decision.groups.items():
                windows = [self._pooled(figures, members, indicator) for figures in (whole, week, month)]
                tally = Counter(str(result[member, indicator]["status"]) for member in members)
                result[group, indicator] = self._standing(group, indicator, day, windows) | {"members": dict(tally)}
        return result

    def _pooled(self, figures: Figures, units: Sequence[str], indicator: str) -> Figure:
        if indicator in self._unmeasured:
            return NOTHING
        pairs = [figures.get((unit, indicator), NOTHING) for unit in units]
        return sum(num for num, _ in pairs), sum(den for _, den in pairs)

    def _status(self, unit: str, indicator: str, day: date, figure: Figure) -> str:
        """Name the status: `not-measured`, `no-target`, `no-dossiers`, then `met` or `below`."""
        expected = self.decision.expected(unit, indicator, day)
        if indicator in self._unmeasured:
            return "not-measured"
        if expected is None:
            return "no-target"
        if figure[1] == 0:
            return "no-dossiers"
        return "below" if is_below(figure, expected) else "met"

    def _standing(self, unit: str, indicator: str, day: date, windows: list[Figure]) -> dict[str, Any]:
        whole, week, month = windows
        expected = self.decision.expected(unit, indicator, day)
        return {
            "numerator": whole[0],
            "denominator": whole[1],
            "target": self.decision.targets.get((unit, indicator)),
            "expected": expected,
            "status": self._status(unit, indicator, day, whole),
            "shortfall": shortfall(whole, expected),
            "last_7_days": list(week),
            "last_30_days": list(month),
        }

    # -------------------------------------------------------------------------------------------- alerts

    def alerts(self, as_of: date, at_order: Sequence[int] | None = None) -> list[Alert]:
        """Give the transitions of `alert_rule=literal` up to the end of a day: sorted (at, unit, indicator, phase).

        `at_order` names another order of arrival than that of loading, by the indexes of all records. At each tick the
        dossiers that were touched since the last one are counted anew by the events that had arrived, and all sums are
        made anew. The cost: each dossier once per tick at which it was touched, and one pass over all cells per tick;
        one more where an alert closes, per day on which such an alert had fired.
        """
        day, last = max(self.decision.first, self.decision.effective), self.decision.clamp(as_of)
        self._ledger.begin(at_order)
        arrivals, start = self._ledger.clock(), 0
        open_since: dict[tuple[str, str], tuple[date, Figure]] = {}
        alerts: list[Alert] = []
        while day <= last:
            tick, end = instant(f"{day}T23:59:59+07:00"), start
            while end < len(arrivals) and arrivals[end][1] <= tick:
                end += 1
            if end > start:
                self._ledger.count({dossier for _, _, dossier in arrivals[start:end]}, arrivals[end - 1][0] + 1)
            alerts += self._transitions(day, open_since)
            day, start = day + timedelta(days=1), end
        return sorted(alerts)

    def _transitions(self, day: date, open_since: dict[tuple[str, str], tuple[date, Figure]]) -> list[Alert]:
        """Judge every leaf that has a target at one tick, and keep which alerts are open."""
        now = self._ledger.figures(self.decision.first, day)
        then: dict[date, Figures] = {}
        alerts: list[Alert] = []
        for unit, indicator in now.keys() | open_since.keys():  # without a figure nothing is below
            key = (unit, indicator)
            below = unit in self._leaves and self._status(*key, day, now.get(key, NOTHING)) == "below"
            if below and key not in open_since:
                open_since[key] = (day, now[key])
                alerts.append((f"{day}T23:59:59+07:00", *key, "firing"))
            elif not below and key in open_since:
                fired, figures = open_since.pop(key)
                if fired not in then:
                    then[fired] = self._ledger.figures(self.decision.first, fired)
                known = then[fired].get(key, NOTHING)
                if indicator in FULFILLED_LATER:
                    known = not_fulfilled_since(figures, known)
                was_below = self._status(*key, fired, known) == "below"
                alerts.append((f"{day}T23:59:59+07:00", *key, "resolved" if was_below else "retracted"))
        return alerts


FULFILLED_LATER = ("digitised-results", "electronic-results")


def not_fulfilled_since(fired: Figure, known: Figure) -> Figure:
    """Judge a firing without what was missing then and was done since (A23): that made it end, not untrue.

    What may add to its numerator is dossiers that were not known at the firing.
    """
    return min(known[0], fired[0] + max(0, known[1] - fired[1])), known[1]


# ------------------------------------------------------------------------------------------------ from the shell


def read_lines(path: Path) -> tuple[list[Record], list[int]]:
    """Read a file of events: one record per line, blank lines passed over; give the line numbers, too."""
    records, numbers = [], []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                records.append(Record(line.rstrip(b"\r\n")))
                numbers.append(number)
    return records, numbers


def four_decimals(value: Fraction | None) -> str | None:
    """Print a trajectory's value to 4 decimals, half up, without needless zeros.

    >>> four_decimals(Fraction(85 * 91, 366)), four_decimals(Fraction(50)), four_decimals(Fraction(1, 20000))
    ('21.1339', '50', '0.0001')
    """
    if value is None:
        return None
    whole, rest = divmod(floor(value * 10_000 + Fraction(1, 2)), 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print standings, counts and refused lines of a file of events as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.oracle", description="Recompute standings in SQL.")
    for name in ("--decision", "--units", "--events"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--catalogue", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    oracle = Oracle(
        options.decision,
        options.units,
        catalogue=options.catalogue,
        switches=dict(item.split("=", 1) for item in options.set),
    )
    records, numbers = read_lines(options.events)
    oracle.load(records)
    day = oracle.decision.clamp(options.as_of).isoformat()
    standings = [
        {"decision": oracle.decision.id, "indicator": indicator, "unit": unit, "as_of": day, **row}
        | {"expected": four_decimals(row["expected"])}
        for (unit, indicator), row in oracle.standings(options.as_of).items()
    ]
    refused = [{"line": numbers[index], "reason": reason} for index, reason in oracle.reasons.items()]
    json.dump({"standings": standings, "refused": refused, "counts": oracle.counts}, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
