"""What is still to come for a unit: how much, what it has to look like, and how the period will end.

Exact where it is arithmetic (the required ratio, dossiers short), floats where it is a forecast. Forecasts are kept
until the figures they follow from change: they are asked for at ticks, not for every event.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from models.calendar.civil_time import EPOCH
from models.calendar.workdays import Profile
from models.counting.contributions import ASIDE
from models.counting.ledger import Figures
from models.decisions.file import Indicator
from models.forecasting.forecast import (
    Basis,
    Forecast,
    Prior,
    Volume,
    dispersion,
    effective,
    forecast,
    rounded,
    sibling_prior,
    volume,
)
from models.forecasting.probability import binomial_at_most
from models.standings.standings import Assurance, Direction, Judged, Standing, Standings, Trend
from models.wording import share_text

Shape = Literal["proportion", "completeness", "cells"]
"""proportion: each dossier is a trial; completeness: all have to be done, if later; cells: services, rows, adoption"""
WEEKS: Final = timedelta(days=364)
"""Why: last year's same weeks, weekday on weekday"""
LIKELY, UNLIKELY = 0.8, 0.2
TREND_LEVEL, TREND_MIN = 0.05, 5
LAST_YEAR_MIN: Final = 100
"""dossiers of last year from which its weeks tell more than the calendar does"""


class Rest(NamedTuple):
    """What is still to come, as it is needed to reach the target."""

    ratio: Fraction | None
    """share of the rest that has to be above the line; above 1: out of reach, at most 0: assured; None: no rest"""
    needed: int
    """dossiers of the rest that have to be above the line: ⌈T·(n + M) - k⌉, at least 0"""
    rest: int
    """dossiers (services, rows) that may still come above the line"""


class Prospects:
    """Prospects of the units of some standings, as of the day of these."""

    def __init__(self, standings: Standings) -> None:
        """Start with nothing worked out."""
        self.standings = standings
        self.reading = standings.reading
        self._priors: dict[tuple[str, Indicator], Prior] = {}
        self._forecasts: dict[tuple[str, Indicator], Forecast] = {}
        self._stale: set[tuple[str, Indicator]] = set()
        """whose figures or prior have changed since forecasts were last refreshed"""
        self._unsettled: set[tuple[str, Indicator]] = set()
        """whose figures have changed since priors were last fitted"""
        self._of: date | None = None
        self._fresh = False
        """whether all forecasts of the day have been made"""

    # -- what kind of figure it is -------------------------------------------------------------------------------------

    def shape(self, indicator: Indicator, target: Fraction) -> Shape:
        """Return what a figure consists of."""
        formula = self.reading.indicators[indicator]
        if formula.count in ("service", "catalogue"):
            return "cells"
        if formula.count == "copy" and self.reading.switches.get("electronic_copies") == "adoption":
            return "cells"
        return "completeness" if formula.fulfilled_later and target == 100 else "proportion"

    def profile(self, on: date) -> Profile:
        """Return the working calendar of the period a day belongs to."""
        return self.reading.workdays.profile(*self.reading.period(on))

    # -- how much is still to come -------------------------------------------------------------------------------------

    def stretches(self, unit: str, indicator: Indicator, on: date) -> tuple[int, int]:
        """Return (elapsed, rest) of the profile of arrivals: last year's same weeks where known, else the calendar."""
        if self.reading.decision.period.yearly_from is not None:
            first, last = (d.toordinal() - EPOCH for d in self.reading.period(on))
            shift, today = WEEKS.days, on.toordinal() - EPOCH
            elapsed = rest = 0
            for item, _, days in self.standings.ledger.items(unit, indicator, on.isoformat()):
                if item in ASIDE:
                    continue
                elapsed += days.between(first - shift, today - shift)[1]
                rest += days.between(today - shift + 1, last - shift)[1]
            if elapsed >= LAST_YEAR_MIN and rest >= LAST_YEAR_MIN:
                return elapsed, rest
        calendar = self.profile(on)
        return calendar.until(on), calendar.after(on)

    def volume(self, unit: str, indicator: Indicator, counted: int, on: date) -> Volume:
        """Return the volume still to come after a day."""
        return volume(counted, *self.stretches(unit, indicator, on))

    def further(self, unit: str, indicator: Indicator, counted: int, on: date) -> int:
        """Return the dossiers expected after a day, half up: a whole number, from whole numbers."""
        elapsed, rest = self.stretches(unit, indicator, on)
        return 0 if elapsed <= 0 else (2 * counted * rest + elapsed) // (2 * elapsed)

    def rest(self, unit: str, indicator: Indicator, figures: Figures, target: Fraction) -> Rest:
        """Return what the rest of the period has to look like for the target to be reached (domain: required ratio).

        Where a dossier may be fulfilled later, those not yet fulfilled belong to the rest; where cells are counted
        (services, rows of the catalogue, adoption), the rest is the cells still below the line.
        """
        k, n = figures
        on = self.standings.as_of
        formula = self.reading.indicators[indicator]
        cells = self.shape(indicator, target) == "cells"
        further = 0 if cells else self.further(unit, indicator, n, on)
        rest = further + (n - k if cells or formula.fulfilled_later else 0)
        short = target * (n + further) / 100 - k
        needed = max(0, -(-short.numerator // short.denominator))
        return Rest(short / rest if rest else None, needed, rest)

    # -- how it will end -----------------------------------------------------------------------------------------------

    def note(self, changed: Iterable[tuple[str, Indicator]]) -> None:
        """Take note of whose figures have changed; cheap, since it is told for every transaction."""
        self._stale.update(changed)
        self._unsettled.update(changed)

    def settle(self) -> None:
        """Fit anew the priors that changed figures enter into, at a tick; they are rounded, and so move rarely."""
        groups = {(self.standings.group_of(unit), indicator) for unit, indicator in self._unsettled}
        self._unsettled.clear()
        for group, indicator in groups:
            old = self._priors.pop((group, indicator), None) if group is not None else None
            if group is None or old is None:
                continue
            target = self.reading.target(group, indicator, self.standings.as_of)
            if target is not None and self._fit(group, indicator, target.value) != old:
                self._stale.update((member, indicator) for member in self.standings.groups()[group].members)

    def refresh(self) -> set[tuple[str, Indicator]]:
        """Make the forecasts of today, and those of units whose figures have changed; return which came out anew."""
        return {key for key in self.refreshing() if key is not None}

    def refreshing(self) -> Iterator[tuple[str, Indicator] | None]:
        """Yield, step by step, whose forecast is another than before; None after a step that found none.

        On a new day that is everybody's: it is made when a standing is asked for, and must be before figures change.
        """
        standings = self.standings
        targets = self.reading.targets(standings.as_of)
        self._today()
        self.settle()
        fresh, stale = self._fresh, self._stale
        self._stale, self._fresh = set(), True
        if not fresh:
            self._forecasts.clear()
        for key in stale if fresh else targets.targets.keys():
            found = key in targets.targets and key[0] in targets.rows
            if found and fresh:
                old = self._forecasts.pop(key, None)
                found = self.forecast(*key, standings.judge(*key)) != old
            elif found:
                found = standings.judge(*key).figures[1] > 0
            yield key if found else None

    def prior(self, unit: str, indicator: Indicator, target: Fraction) -> Prior:
        """Return the prior of a unit: from its siblings, the communes of its district; else around its own target."""
        group = self.standings.group_of(unit)
        if group is None:
            return sibling_prior((), target / 100)
        return self._priors.get((group, indicator)) or self._fit(group, indicator, target)

    def _fit(self, group: str, indicator: Indicator, target: Fraction) -> Prior:
        members = self.standings.groups()[group].members
        own = self.reading.target(group, indicator, self.standings.as_of)
        around = target if own is None else own.value  # the group's own, so that it is the same whoever asks first
        prior = sibling_prior((self.standings.figures(m, indicator) for m in members), around / 100)
        self._priors[group, indicator] = prior
        return prior

    def basis(self, unit: str, indicator: Indicator, figures: Figures, target: Fraction, on: date) -> Basis:
        """Return all that the forecast of a unit follows from, as of the end of a day."""
        working = self.profile(on).working
        first = self.standings.ledger.first
        today = on.toordinal() - EPOCH
        index = working[today - first + 1]
        days = [(index - working[day - first + 1], k, n) for day, k, n in self.standings.days(unit, indicator, today)]
        days.sort()
        phi = dispersion(days)
        above, counted = effective(days, phi)
        prior = self.prior(unit, indicator, target)
        return Basis(figures, target / 100, above, counted, prior, self.volume(unit, indicator, figures[1], on), phi)

    def forecast(self, unit: str, indicator: Indicator, judged: Judged) -> Forecast | None:
        """Return how the period of a unit will end, as made today; None where that is no matter of chance."""
        on = self.standings.as_of
        target = self.reading.target(unit, indicator, on)
        if target is None or judged.figures[1] == 0 or self.shape(indicator, target.value) != "proportion":
            return None
        self._today()
        known = self._forecasts.get((unit, indicator))
        if known is None:
            known = forecast(self.basis(unit, indicator, judged.figures, target.value, on))
            self._forecasts[unit, indicator] = known
        return known

    def _today(self) -> None:
        """Forget what was made on another day."""
        if self._of != self.standings.as_of:
            self._of, self._fresh = self.standings.as_of, False
            self._forecasts.clear()
            self._priors.clear()

    # -- what a standing says of it ------------------------------------------------------------------------------------

    def complete(self, row: Standing) -> Standing:
        """Add to a standing what is still to come: what is needed, how it will end, where it is heading.

        A group has no forecast of its own: it is no unit that acts.
        """
        unit, indicator = row["unit"], row["indicator"]
        figures = row["numerator"], row["denominator"]
        target = self.reading.target(unit, indicator, self.standings.as_of)
        if target is None or figures[1] == 0 or row["status"] == "not-measured":
            return row
        rest = self.rest(unit, indicator, figures, target.value)
        row["required_ratio"] = None if rest.ratio is None else share_text(rest.ratio)
        expected = self.reading.expected(unit, indicator, self.standings.as_of)
        proportion = self.shape(indicator, target.value) == "proportion"
        row["still_needed"] = {
            "of_rest": rest.needed,
            "rest": rest.rest,
            "extra": extra(figures, expected) if proportion else row["shortfall"],
            "instead": row["shortfall"],
        }
        ends = None if "members" in row or "frozen" in row else self.forecast(unit, indicator, self._judged(row))
        if ends is not None:
            row["forecast"] = {"p05": rounded(ends.p05), "p50": rounded(ends.p50), "p95": rounded(ends.p95)}
            row["probability_met"] = rounded(ends.probability)
        row["assurance"] = self._assurance(row, rest, target.value, ends)
        if proportion:
            if row["status"] == "below" and expected is not None:
                row["chance"] = rounded(binomial_at_most(*figures, float(expected) / 100))
            row["trend"] = trend(row["last_30_days"], figures)
        return row

    @staticmethod
    def _judged(row: Standing) -> Judged:
        return Judged((row["numerator"], row["denominator"]), None, row["status"])

    def _assurance(self, row: Standing, rest: Rest, target: Fraction, ends: Forecast | None) -> Assurance:
        """Return whether the target is assured, out of reach, or how likely; by arithmetic before by forecast."""
        k, n = row["numerator"], row["denominator"]
        unit, indicator, on = row["unit"], row["indicator"], self.standings.as_of
        if self.shape(indicator, target) != "proportion":
            return "open" if rest.needed else "secured"
        most = self.volume(unit, indicator, n, on).most
        if 100 * k >= target * (n + most):
            return "secured"
        if not self.reading.indicators[indicator].fulfilled_later and 100 * (k + most) < target * (n + most):
            return "unreachable"
        if ends is None:
            return "open"
        return "likely" if ends.probability >= LIKELY else "unlikely" if ends.probability < UNLIKELY else "open"


def extra(figures: Figures, expected: Fraction | None) -> int | None:
    """Return how many further dossiers above the line would reach it; None where no number would.

    >>> extra((400, 1000), Fraction(50)), extra((1, 2), Fraction(100))
    (200, None)
    """
    if expected is None:
        return 0
    short = expected * figures[1] - 100 * figures[0]
    if short <= 0:
        return 0
    if expected >= 100:
        return None
    needed = short / (100 - expected)
    return -(-needed.numerator // needed.denominator)


def trend(recent: Sequence[int], figures: Figures) -> Trend | None:
    """Return where the last 30 days are heading against what came before, with the evidence for it.

    A difference of two proportions with pooled variance; `steady` unless chance explains it in less than one case of
    twenty; None where either is too small to say (5 on each side of the line expected).

    >>> trend([60, 100], (100, 300))["direction"], trend([3, 5], (40, 100))
    ('up', None)
    """
    k, n = recent
    before_k, before_n = figures[0] - k, figures[1] - n
    if n <= 0 or before_n <= 0:
        return None
    pooled = figures[0] / figures[1]
    if min(n, before_n) * min(pooled, 1 - pooled) < TREND_MIN:
        return None
    change = k / n - before_k / before_n
    z = change / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / before_n))
    p = math.erfc(abs(z) / math.sqrt(2))
    direction: Direction = "steady" if p > TREND_LEVEL else "up" if change > 0 else "down"
    return {"direction": direction, "change_points": f"{round(100 * change, 2) + 0.0:.2f}", "p": rounded(p)}


def inputs_of(basis: Basis) -> Mapping[str, str | int]:
    """Return what a forecast was made from, rounded, for those who ask."""
    a, b = basis.beta
    return {
        "alpha": f"{a:.4f}",
        "beta": f"{b:.4f}",
        "prior_mean": f"{basis.prior.mean:.4f}",
        "prior_size": basis.prior.size,
        "dispersion": f"{basis.phi:.4f}",
        "volume_mean": f"{basis.volume.mean:.4f}",
        "volume_shape": f"{basis.volume.shape:.4f}",
    }
