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

from .decision import CATALOGUE_ONLY, Catalogue, Heir, Named, Registry, load_decision
from .decode import Record, instant
from .ledger import Figure, Figures, Ledger

__all__ = ["Heir", "Oracle", "Record"]

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

    def __init__(  # noqa: PLR0913 - one option per file that the command takes
        self,
        decision_toml: Path,
        units_csv: Path,
        *,
        catalogue: Path | None = None,
        switches: dict[str, str] | None = None,
        heirs: Iterable[Heir] = (),
        units: Iterable[tuple[str, str, str, str]] = (),
    ) -> None:
        registry = Registry(units_csv, tuple(units))
        self.decision = load_decision(decision_toml, registry, switches or {}, heirs)
        if catalogue is None and any("listed" in (*f.above, *f.below) for f in self.decision.formulas.values()):
            raise ValueError("a decision that counts by a list cannot be judged without a catalogue")
        self._ledger = Ledger(self.decision, registry, Catalogue(catalogue, registry) if catalogue else None)
        self.unknown_units_most = 1_000  # contract.md, Limits
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
        first, last = (date.min, date.max) if whole else self.decision.period(date.min)
        return {
            (unit, indicator, date.fromordinal(day).isoformat()): (num, den)
            for unit, indicator, day, num, den in self._ledger.days()
            if first.toordinal() <= day <= last.toordinal()
        }

    def standings(self, as_of: date) -> dict[tuple[str, str], dict[str, Any]]:
        """Give the standing of every named unit, every group, and every other unit for which anything counts."""
        self._ledger.count_all()
        day = self.decision.clamp(as_of)
        named = self.decision.named(day)
        windows = {on: self._windows(on, day) for on in self._judging_days(day)}
        units = dict.fromkeys((*named.leaves, *sorted(self._ledger.counted_units(day) - self._beyond(named, day))))
        yet_to_come = self.decision.founded() - {h.new for h in self.decision.heirs if h.day <= day}
        result = {}
        overdue = self._ledger.overdue(day)
        for indicator in self.decision.indicators:
            for unit in units:
                if unit in yet_to_come:
                    continue
                mine = [
                    self._pooled(figures, (unit,), indicator) for figures in self._of(unit, indicator, day, windows)
                ]
                listed = self._listed(windows[day][0], (unit,), indicator)
                row = self._standing(unit, indicator, day, mine, listed)
                result[unit, indicator] = row | self._beside((unit,), indicator, windows[day][0], overdue)
            for group, everyone in named.groups.items():
                members = [m for m in everyone if self.decision.frozen_since(m, day) is None]
                pooled = [self._pooled(figures, members, indicator) for figures in windows[day]]
                listed = self._listed(windows[day][0], members, indicator)
                tally = Counter(str(result[member, indicator]["status"]) for member in members)
                row = self._standing(group, indicator, day, pooled, listed)
                row |= self._beside(members, indicator, windows[day][0], overdue)
                result[group, indicator] = row | {"members": dict(tally)}
        return result

    def _beside(
        self, units: Sequence[str], indicator: str, figures: Figures, overdue: dict[str, int]
    ) -> dict[str, int]:
        """Tell what stands beside an indicator's figures: dossiers assisted, exempt, and waiting although due."""
        found = {}
        for word in ("assisted", "exempt"):
            if number := sum(figures.get((unit, f"{indicator} {word}"), NOTHING)[0] for unit in units):
                found[word] = number
        formula = self.decision.formulas[indicator]
        asks = {name.removeprefix("!") for name in (*formula.above, *formula.below)}
        if formula.counts == "dossier" and "on-time" in asks and indicator not in self._unmeasured:
            found["overdue"] = sum(overdue.get(unit, 0) for unit in units)
        return found

    def _beyond(self, named: Named, day: date) -> set[str]:
        """Name the units that nobody knows and that have no standing: all but the first by their codes."""
        known = {*named.leaves, *named.groups, *(u for h in self.decision.heirs for u in (h.old, h.new))}
        strangers = {
            u for u in self._ledger.counted_units(day) if u not in known and u not in self._ledger.registry.level
        }
        return set(sorted(strangers)[self.unknown_units_most :])

    def _judging_days(self, day: date) -> set[date]:
        """List the days on which units are judged: the day asked, and the eve of each succession."""
        return {day} | {h.day - timedelta(days=1) for h in self.decision.heirs if h.day <= day}

    def _judged_on(self, unit: str, day: date) -> date:
        since = self.decision.frozen_since(unit, day)
        return day if since is None else since - timedelta(days=1)

    def _windows(self, day: date, asked: date) -> list[Figures]:
        first, _ = self.decision.period(asked)
        starts = (first, *(max(first, day - timedelta(days=n - 1)) for n in (7, 30)))
        return [self._ledger.figures(start, day, asked) for start in starts]

    def _of(self, unit: str, indicator: str, day: date, windows: dict[date, list[Figures]]) -> list[Figures]:
        """Choose a unit's windows: those of the eve of its succession, where that is past.

        What still counts for it after that, of procedures without an heir, is in its cumulative figures alone.
        """
        judged = self._judged_on(unit, day)
        whole = windows[judged if indicator in CATALOGUE_ONLY else day][0]
        return [whole, *windows[judged][1:]]

    def _pooled(self, figures: Figures, units: Sequence[str], indicator: str) -> Figure:
        if indicator in self._unmeasured:
            return NOTHING
        pairs = [figures.get((unit, indicator), NOTHING) for unit in units]
        return sum(num for num, _ in pairs), sum(den for _, den in pairs)

    @staticmethod
    def _listed(figures: Figures, units: Sequence[str], indicator: str) -> int:
        return sum(figures.get((unit, f"{indicator} listed"), NOTHING)[0] for unit in units)

    def _target(self, unit: str, indicator: str, on: date, asked: date) -> Fraction | None:
        """Tell a unit's target; where predecessors' differ, theirs weighted by what each had counted."""
        named = self.decision.named(on)
        if (unit, indicator) not in named.parts:
            return named.targets.get((unit, indicator))
        return self._weighted(unit, indicator, named, self._ledger.weights(unit, indicator, asked))[0]

    def _weighted(self, unit: str, indicator: str, named: Named, weights: dict[str, int]) -> tuple[Fraction, int]:
        target, own = named.targets[unit, indicator], weights.get(unit, 0)
        parts = [self._weighted(p, indicator, named, weights) for p in named.parts.get((unit, indicator), ())]
        total = sum(weight for _, weight in parts)
        if total == 0:
            return target, own
        return sum((value * weight for value, weight in parts), Fraction(0)) / total, total + own

    def _expected(self, unit: str, indicator: str, on: date, asked: date) -> Fraction | None:
        target = self._target(unit, indicator, on, asked)
        return None if target is None else self.decision.along(target, indicator, on)

    def _status(self, indicator: str, expected: Fraction | None, figure: Figure) -> str:
        """Name the status: `not-measured`, `no-target`, `no-dossiers`, then `met` or `below`."""
        if indicator in self._unmeasured:
            return "not-measured"
        if expected is None:
            return "no-target"
        if figure[1] == 0:
            return "no-dossiers"
        return "below" if is_below(figure, expected) else "met"

    def _standing(self, unit: str, indicator: str, day: date, windows: list[Figure], listed: int) -> dict[str, Any]:
        whole, week, month = windows
        target = self._target(unit, indicator, day, day)
        expected = self._expected(unit, indicator, self._judged_on(unit, day), day)
        formula = self.decision.formulas[indicator]
        row = {
            "numerator": whole[0],
            "denominator": whole[1],
            "target": four_decimals(target),
            "expected": expected,
            "status": self._status(indicator, expected, whole),
            "shortfall": shortfall(whole, expected),
            "last_7_days": list(week),
            "last_30_days": list(month),
        }
        if self.decision.frozen_since(unit, day) is not None:
            row["frozen"] = True
        capping = {"listed", "full", "partial", "payable-online"} & {*formula.above} - {*formula.below}
        if formula.counts == "dossier" and capping and target is not None and whole[1]:
            ceiling = Fraction(100 * listed, whole[1])
            if ceiling < target:  # cut off after four decimals
                row["ceiling"] = four_decimals(Fraction(floor(ceiling * 10_000), 10_000))
        return row

    # -------------------------------------------------------------------------------------------- alerts

    def alerts(self, as_of: date, at_order: Sequence[int] | None = None) -> list[Alert]:
        """Give the transitions of `alert_rule=literal` up to the end of a day: sorted (at, unit, indicator, phase).

        `at_order` names another order of arrival than that of loading, by the indexes of all records. At each tick the
        dossiers that were touched since the last one are counted anew by the events that had arrived, and all sums are
        made anew. The cost: each dossier once per tick at which it was touched, and one pass over all cells per tick;
        one more where an alert closes, per day on which such an alert had fired.
        """
        last = self.decision.clamp(as_of)
        day = max(self.decision.period(last)[0], self.decision.effective(last))
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
        first, named = self.decision.period(day)[0], self.decision.named(day)
        now = self._ledger.figures(first, day, day)
        then: dict[date, Figures] = {}
        alerts: list[Alert] = []
        for unit, indicator in now.keys() | open_since.keys():  # without a figure nothing is below
            key = (unit, indicator)
            if indicator not in self.decision.formulas:
                continue
            expected = self._expected(unit, indicator, day, day)
            judged = key not in named.parts and unit in named.leaves and self.decision.frozen_since(unit, day) is None
            below = judged and self._status(indicator, expected, now.get(key, NOTHING)) == "below"
            if below and key not in open_since:
                open_since[key] = (day, now[key])
                alerts.append((f"{day}T23:59:59+07:00", *key, "firing"))
            elif not below and key in open_since:
                fired, figures = open_since.pop(key)
                if fired not in then:
                    then[fired] = self._ledger.figures(first, fired, day)
                known = then[fired].get(key, NOTHING)
                if indicator in FULFILLED_LATER:
                    known = not_fulfilled_since(figures, known)
                was_below = self._status(indicator, self._expected(unit, indicator, fired, day), known) == "below"
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
