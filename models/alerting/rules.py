"""Alert rules: pure functions from what is known of a unit at one evaluation to what they want of its alert.

A rule sees `Inputs`, which are stored with the alert it raises, so that anyone can ask it again and get the same
answer. What has been seen before (how long, how often) is the machine's business (`models.alerting.alerts`).
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from typing_extensions import TypedDict

from models.counting.ledger import Figures
from models.forecasting.forecast import rounded
from models.forecasting.probability import binomial_at_most, implausible
from models.standings.prospects import Shape
from models.standings.standings import Status, shortfall

Kind = Literal["below-trajectory", "forecast-miss", "unreachable", "completeness-gap", "source-silent", "data-quality"]
Severity = Literal["info", "warning", "critical"]
Cause = Literal["catalogue", "target-step"]

LEVEL: Final = Fraction(1, 20)
"""how improbable a shortfall has to be to be no chance (domain §5; binomial, exact, one-sided)"""
CENSUS_DAYS, CENSUS_SHARE = 30, 12
"""the last 30 civil days of a period, at most a twelfth of it, in which the ratio is nearly final and is judged as it
is. Why a twelfth: of a month the last 30 days are all of it"""
STAKE: Final = 2
"""dossiers that have to be missing for an alert outside of the last days. Why: one is anybody's"""
HOLD: Final = 3
"""working days on whose evening the rule has to want the alert, in a row"""
HOLD_STEP: Final = 10
"""the same where the unit fell below because its target stepped up. Why: a step is news about the target"""
FORECAST_RAISE, FORECAST_CLEAR = Fraction(5, 100), Fraction(20, 100)
"""probability of ending at or above the target: below the first the alert is raised, above the second cleared"""
FORECAST_HOLD: Final = 2
GRADES: Final = ((Fraction(25, 1000), 28), (Fraction(5, 100), 14), (Fraction(10, 100), 6))
"""under `graded`: the probability of ending on target below which an alert is wanted, and the part of the period's
civil days that is as many working days of holding: the surer a miss, the shorter. Why by the period: what is a day of
a month is a fortnight of a year, and so is the number of times that chance is asked (docs/alert-study.md)"""
GRADED_GAP, GRADED_POINTS = 5, 5
"""dossiers, and points of the period's expected dossiers, that `graded` has to expect to be missing at the end"""
RECENT: Final = Fraction(20, 100)
"""probability that the recent share is as high as the rest has to be, below which the recent days confirm"""
CRITICAL: Final = Fraction(1, 100)
CRITICAL_GAP, CRITICAL_POINTS, CRITICAL_DOSSIERS = 10, 3, 20
UNREACHABLE_WORKING_DAYS: Final = 5
"""working days that have to be left. Why: a missed period is a line of the report, not an alert"""


class Inputs(TypedDict):
    """All that a rule judges by, as JSON; exact numbers as texts of fractions."""

    shape: Shape
    status: Status
    numerator: int
    denominator: int
    expected: str | None
    """percent"""
    target: str
    """percent"""
    days: int
    """civil days of the period"""
    days_left: int
    """those after this one"""
    working_days_left: int
    stepped: bool
    """the trajectory rose at once within the last working days, and the figures would reach what it was before"""
    fulfilled_later: bool
    further: int
    """dossiers expected in the rest of the period"""
    further_most: int
    """a number they hardly exceed"""
    overdue: int
    """of a completeness indicator: not yet fulfilled, and the grace is over"""
    ceiling: str | None
    """percent that the catalogue allows at most, where that is below the target"""
    probability: str | None
    """of ending at or above the target; None where no rule asked"""
    gap: str | None
    """expected dossiers missing at the end"""
    recent: str | None
    """probability that the share of the recent days is as high as the rest has to be"""


class Verdict(NamedTuple):
    """What a rule wants: an alert of a kind, or none, or to leave things as they are (neither raise nor clear)."""

    kind: Kind | None
    clear: bool
    """an open alert may end"""
    hold: int = 1
    """working days on whose evening it has to be wanted, in a row"""
    cause: Cause | None = None


class RuleSpec(NamedTuple):
    """A rule: its name with a version, how it judges, and when it is asked."""

    name: str
    judge: Callable[[Inputs], Verdict]
    daily: bool
    """asked at the end of each civil day; otherwise at every tick"""
    forecasts: bool
    """asks for `probability`"""
    on_target: bool = False
    """asks for it of units that are on target today, too"""
    turns: Callable[[Inputs], tuple[bool, ...]] | None = None
    """all that the verdict follows from besides figures and trajectory, where each of it turns at most once in a period
    while these stay: equal on two days, it was equal on all between; None: the verdict may change on any evening"""


NOTHING: Final = Verdict(None, clear=True)


def literal(inputs: Inputs) -> Verdict:
    """Fire whenever the status is `below` at an evaluation; no gate, no grace (contract: `alert_rule=literal`)."""
    return Verdict("below-trajectory", clear=False) if inputs["status"] == "below" else NOTHING


def evidence(inputs: Inputs) -> Verdict:
    """Fire where a unit is below its trajectory, chance does not explain it, and it stays so (contract: default)."""
    if inputs["shape"] == "completeness":
        return completeness(inputs)
    if inputs["status"] != "below":
        return NOTHING
    unreachable = _unreachable(inputs)
    if unreachable is not None:
        return unreachable
    if not _counts(inputs):
        return Verdict(None, clear=False)
    stepped = inputs["stepped"]
    hold = HOLD_STEP if stepped else HOLD
    return Verdict("below-trajectory", clear=False, hold=hold, cause="target-step" if stepped else None)


def forecast(inputs: Inputs) -> Verdict:
    """Fire where a unit will hardly end at its target, and its recent days confirm it."""
    if inputs["shape"] != "proportion":
        return evidence(inputs)
    unreachable = _unreachable(inputs) if inputs["status"] == "below" else None
    if unreachable is not None:
        return unreachable
    if inputs["probability"] is None or inputs["gap"] is None:
        return NOTHING
    probability = Fraction(inputs["probability"])
    confirmed = inputs["recent"] is None or Fraction(inputs["recent"]) < RECENT
    if probability < FORECAST_RAISE and Fraction(inputs["gap"]) >= STAKE and confirmed:
        return Verdict("forecast-miss", clear=False, hold=FORECAST_HOLD)
    return Verdict(None, clear=probability > FORECAST_CLEAR)


def graded(inputs: Inputs) -> Verdict:
    """Fire where a unit is behind and will hardly end at its target; the surer that is, the sooner."""
    if inputs["shape"] != "proportion":
        return evidence(inputs)
    if inputs["status"] != "below":
        return NOTHING
    return _unreachable(inputs) or _graded(inputs)


def _graded(inputs: Inputs) -> Verdict:
    waiting = Verdict(None, clear=False)
    if inputs["probability"] is None or inputs["gap"] is None:
        return waiting
    probability, gap = Fraction(inputs["probability"]), Fraction(inputs["gap"])
    total = inputs["denominator"] + inputs["further"]
    hold = next((max(1, inputs["days"] // part) for level, part in GRADES if probability < level), None)
    if hold is None or gap < GRADED_GAP or 100 * gap < GRADED_POINTS * total:
        return waiting
    if inputs["stepped"]:
        return Verdict("forecast-miss", clear=False, hold=max(hold, HOLD_STEP), cause="target-step")
    return Verdict("forecast-miss", clear=False, hold=hold)


def completeness(inputs: Inputs) -> Verdict:
    """Fire where something that has to be done for every dossier is not, one working day after it could be (A23)."""
    return Verdict("completeness-gap", clear=False) if inputs["overdue"] > 0 else NOTHING


def _counts(inputs: Inputs) -> bool:
    """Tell whether a shortfall is more than chance: by the binomial, or because the period is nearly over."""
    if inputs["expected"] is None:
        return False
    if inputs["shape"] == "cells" or _is_census(inputs):
        return True
    figures = inputs["numerator"], inputs["denominator"]
    expected = Fraction(inputs["expected"])
    return shortfall(figures, expected) >= STAKE and implausible(*figures, expected / 100, LEVEL)


def _is_census(inputs: Inputs) -> bool:
    """Tell whether the period is nearly over, so that its ratio is judged as it is."""
    return inputs["days_left"] < min(CENSUS_DAYS, inputs["days"] // CENSUS_SHARE)


def _unreachable(inputs: Inputs) -> Verdict | None:
    """Return the verdict where not even the whole rest suffices, by arithmetic or by the catalogue."""
    k, n, most = inputs["numerator"], inputs["denominator"], inputs["further_most"]
    target = Fraction(inputs["target"]) / 100
    material = shortfall((k, n), 100 * target) >= STAKE and n + inputs["further"] >= CRITICAL_DOSSIERS
    if not material or inputs["working_days_left"] < UNREACHABLE_WORKING_DAYS:
        return None
    if inputs["ceiling"] is not None and Fraction(inputs["ceiling"]) < 100 * target:
        return Verdict("unreachable", clear=False, hold=HOLD, cause="catalogue")
    if inputs["shape"] != "proportion" or inputs["fulfilled_later"] or k + most >= target * (n + most):
        return None
    return Verdict("unreachable", clear=False)


def evidence_turns(inputs: Inputs) -> tuple[bool, ...]:
    """Return what `evidence` looks at besides figures and trajectory: how much is still to come, and how many days.

    What is expected of the rest falls from day to day while figures stay, so none of it turns back.
    """
    k, n, most = inputs["numerator"], inputs["denominator"], inputs["further_most"]
    return (
        _is_census(inputs),
        inputs["working_days_left"] >= UNREACHABLE_WORKING_DAYS,
        n + inputs["further"] >= CRITICAL_DOSSIERS,
        k + most >= Fraction(inputs["target"]) / 100 * (n + most),
    )


def severity(kind: Kind, inputs: Inputs) -> Severity:
    """Return how grave an alert is.

    Critical: out of reach, or hardly to be reached and by much, with enough dossiers to speak of.
    """
    if kind == "unreachable":
        return "critical"
    if inputs["probability"] is None or inputs["gap"] is None:
        return "warning"
    total = inputs["denominator"] + inputs["further"]
    gap = Fraction(inputs["gap"])
    much = gap >= CRITICAL_GAP or 100 * gap >= CRITICAL_POINTS * total
    hardly = Fraction(inputs["probability"]) < CRITICAL
    return "critical" if hardly and much and total >= CRITICAL_DOSSIERS else "warning"


def chance(figures: Figures, expected: Fraction | None) -> str | None:
    """Return P(Binomial(n, expected) ≤ k), four digits: how often chance alone leaves a unit this far behind."""
    if expected is None or figures[1] == 0:
        return None
    return rounded(binomial_at_most(figures[0], figures[1], float(expected) / 100))


RULES: Final[Mapping[str, RuleSpec]] = {
    "evidence": RuleSpec("evidence/1", evidence, daily=True, forecasts=False, turns=evidence_turns),
    "literal": RuleSpec("literal/1", literal, daily=False, forecasts=False),
    "forecast": RuleSpec("forecast/2", forecast, daily=True, forecasts=True, on_target=True),
    "graded": RuleSpec("graded/1", graded, daily=True, forecasts=True),
}
