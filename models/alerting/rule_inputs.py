"""What a rule judges by: gathered from standings and prospects at one evaluation."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from models.alerting.rules import HOLD_STEP, Inputs, RuleSpec
from models.calendar.civil_time import day_number
from models.decisions.file import Indicator
from models.forecasting.forecast import forecast, rounded
from models.forecasting.probability import beta_below
from models.standings.prospects import Prospects
from models.standings.standings import Judged, reaches

STEP_POINTS: Final = 1
"""points by which a trajectory rises from one day to the next, from which that is a step"""
RECENT_WORKING_DAYS, RECENT_DOSSIERS = 10, 30
LOOK_AHEAD: Final = timedelta(days=28)
"""how far ahead a verdict is known to stay, at most: what turns within is looked for again every evening"""


class Observer:
    """Gathers what one rule asks for."""

    def __init__(self, prospects: Prospects, rule: RuleSpec) -> None:
        """Look at the units of these prospects, for this rule."""
        self.prospects = prospects
        self.standings = prospects.standings
        self.reading = prospects.reading
        self.rule = rule

    def inputs(
        self, unit: str, indicator: Indicator, judged: Judged, target: Fraction, *, remembered: bool
    ) -> Inputs | None:
        """Return what the rule judges by; None where nothing can come of it."""
        on, prospects = self.standings.as_of, self.prospects
        shape = prospects.shape(indicator, target)
        idle = judged.status != "below" and not remembered
        if idle and not (self.rule.on_target and shape == "proportion" and judged.status == "met"):
            return None
        calendar = prospects.profile(on)
        ceiling = self.standings.ceiling(unit, indicator)
        further = most = 0
        if shape == "proportion" and judged.figures[1]:
            further = prospects.further(unit, indicator, judged.figures[1], on)
            most = prospects.volume(unit, indicator, judged.figures[1], on).most
        inputs: Inputs = {
            "shape": shape,
            "status": judged.status,
            "numerator": judged.figures[0],
            "denominator": judged.figures[1],
            "expected": None if judged.expected is None else str(judged.expected),
            "target": str(target),
            "days": (calendar.last - calendar.first).days + 1,
            "days_left": (calendar.last - on).days,
            "working_days_left": calendar.working_after(on),
            "stepped": self.rule.daily and self._stepped(unit, indicator, judged),
            "fulfilled_later": self.reading.indicators[indicator].fulfilled_later,
            "further": further,
            "further_most": most,
            "overdue": self.overdue(unit, indicator)[0] if shape == "completeness" else 0,
            "ceiling": None if ceiling is None else str(ceiling),
            "probability": None,
            "gap": None,
            "recent": None,
        }
        asked = self.rule.forecasts and (self.rule.on_target or judged.status == "below")
        return self.with_forecast(unit, indicator, judged, inputs) if asked else inputs

    def lasts_until(self, unit: str, indicator: Indicator, inputs: Inputs) -> date:
        """Return until which day the rule says of the same figures and trajectory what it said; before today: unsure.

        Where a period has one before it, last year's weeks may tell of the rest, which then need not fall evenly.
        """
        on, turns = self.standings.as_of, self.rule.turns
        later = min(on + LOOK_AHEAD, self.prospects.profile(on).last)
        if turns is None or self.reading.decision.period.yearly_from is not None:
            return date.min
        if inputs["shape"] == "completeness":  # what is due grows with the days, and is never more than all
            return later if inputs["overdue"] > 0 or inputs["numerator"] == inputs["denominator"] else date.min
        if inputs["status"] != "below":
            return later
        if inputs["stepped"] or self.reading.steps(unit, indicator, on):
            return date.min
        return later if turns(self._on_day(unit, indicator, inputs, later)) == turns(inputs) else date.min

    def _on_day(self, unit: str, indicator: Indicator, inputs: Inputs, day: date) -> Inputs:
        """Return what the rule would judge by on a later day of the period, were nothing to come until then."""
        calendar, counted = self.prospects.profile(day), inputs["denominator"]
        then: Inputs = {
            **inputs,
            "days_left": (calendar.last - day).days,
            "working_days_left": calendar.working_after(day),
        }
        if inputs["shape"] == "proportion" and counted:
            then["further"] = self.prospects.further(unit, indicator, counted, day)
            then["further_most"] = self.prospects.volume(unit, indicator, counted, day).most
        return then

    def with_forecast(self, unit: str, indicator: Indicator, judged: Judged, inputs: Inputs) -> Inputs:
        """Add how the period will end, as it looks now, and what the recent days say to it."""
        target = Fraction(inputs["target"])
        if inputs["shape"] != "proportion" or judged.figures[1] == 0:
            return inputs
        basis = self.prospects.basis(unit, indicator, judged.figures, target, self.standings.as_of)
        ends = forecast(basis)
        needed = self.prospects.rest(unit, indicator, judged.figures, target).ratio
        recent = None if needed is None else self._recent(unit, indicator, float(needed))
        return {**inputs, "probability": rounded(ends.probability), "gap": rounded(ends.gap), "recent": recent}

    def _recent(self, unit: str, indicator: Indicator, needed: float) -> str:
        """Return how probable it is that the share of the recent days is as high as the rest has to be."""
        on = self.standings.as_of
        first = day_number(self.prospects.profile(on).back(on, RECENT_WORKING_DAYS).isoformat())
        k = n = 0
        for day, numerator, denominator in sorted(
            self.standings.days(unit, indicator, day_number(on.isoformat())), reverse=True
        ):
            if day < first and n >= RECENT_DOSSIERS:
                break
            k, n = k + numerator, n + denominator
        return rounded(1.0 - beta_below(needed, 0.5 + k, 0.5 + n - k))

    def _stepped(self, unit: str, indicator: Indicator, judged: Judged) -> bool:
        """Tell whether the trajectory stepped up within the last days, and the figures reach what it was before."""
        on = self.standings.as_of
        if judged.status != "below" or not self.reading.steps(unit, indicator, on):
            return False
        first, _ = self.reading.period(on)
        day = max(first, self.prospects.profile(on).back(on, HOLD_STEP) - timedelta(days=1))
        before = None
        while day <= on:
            now = self.reading.expected(unit, indicator, day)
            if before is not None and now is not None and now - before >= STEP_POINTS:
                return reaches(judged.figures, before)
            before, day = now, day + timedelta(days=1)
        return False

    def overdue(self, unit: str, indicator: Indicator) -> tuple[int, date]:
        """Return how many dossiers are not fulfilled though their grace is over, and until which day they count."""
        due = self.reading.workdays.last_due(self.standings.as_of)
        k, n = self.standings.figures_until(unit, indicator, day_number(due.isoformat()))
        return n - k, due
