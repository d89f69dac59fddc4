"""The best that any rule could do: false alarms against misses caught before half-time, whatever the rule looks at.

An alert before half-time is decided by what is known then. Of all decisions between two kinds of courses, none catches
more of the one for the same share of the other than that by their odds (Neyman and Pearson). The one who decides here is
told what no rule knows: how the province was drawn, a unit's volume, and whether it is bursty; so no rule does better.
Alerts after half-time would add to the false ones, and are left out.
"""

import math
import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from models.calendar.workdays import Profile
from streams.audit.backtest.scores import HEALTHY_DOSSIERS, MISS_DOSSIERS, MISS_POINTS

DRAWS: Final = 100
"""futures drawn of each unit"""
DRIFTS: Final = 7
"""values that stand for the drifts"""
NORMAL_FROM: Final = 60
"""dossiers of a day from which those above the line are drawn from a normal distribution"""


class Population(NamedTuple):
    """How a province is drawn: what the one who decides may know of it."""

    offsets: Sequence[float]
    """equally likely points above the target"""
    drifting: float
    """share of units that drift"""
    drift_points: float
    """points by which they drift at most, over the period"""
    bursts: float
    """shape of the gamma by which the volume of a bursty unit's day varies"""
    alike: float
    """size of the beta by which the share of a bursty unit's day varies"""


class Case(NamedTuple):
    """A unit at half-time: how probable it is to miss by much, and to end on target, with what is counted then."""

    misses: float
    meets: float

    @property
    def odds(self) -> float:
        """Return the odds by which the best rule decides."""
        return self.misses / self.meets if self.meets > 0 else math.inf


class Unit(NamedTuple):
    """What is known of a unit at half-time."""

    target: float
    """percent"""
    volume: float
    """dossiers expected in the whole period"""
    bursty: bool
    days: Sequence[tuple[int, int]]
    """(numerator, denominator) of each day until half-time"""


def case(unit: Unit, calendar: Profile, drawn: Population, rng: random.Random) -> Case:
    """Return how a unit will end, by everything that can be known at half-time."""
    length = (calendar.last - calendar.first).days + 1
    ways = _ways(unit, drawn)
    logs = [_likelihood(unit, share, drift, length, drawn) + math.log(weight) for share, drift, weight in ways]
    top = max(logs)
    chosen = rng.choices(ways, [math.exp(x - top) for x in logs], k=DRAWS)
    k, n = sum(d[0] for d in unit.days), sum(d[1] for d in unit.days)
    whole = calendar.until(calendar.last)
    rates = [
        (d, unit.volume * (calendar.until(_day(calendar, d)) - calendar.until(_day(calendar, d - 1))) / whole)
        for d in range(len(unit.days), length)
    ]
    misses = meets = 0
    for share, drift, _ in chosen:
        above, arrived = k, n
        for d, rate in rates:
            x, m = _lived(unit, _share(share, drift, d, length), rate, drawn, rng)
            above, arrived = above + x, arrived + m
        misses += arrived >= MISS_DOSSIERS and unit.target - 100 * above / arrived >= MISS_POINTS
        meets += arrived >= HEALTHY_DOSSIERS and 100 * above >= unit.target * arrived
    return Case(misses / DRAWS, meets / DRAWS)


def frontier(cases: Iterable[Case]) -> list[tuple[float, float]]:
    """Return (false, caught), shares, of the best rule at every threshold of the odds, from the strictest on."""
    ordered = sorted(cases, key=lambda c: -c.odds)
    missed, healthy = sum(c.misses for c in ordered), sum(c.meets for c in ordered)
    if not missed or not healthy:
        return []
    found, false, caught = [(0.0, 0.0)], 0.0, 0.0
    for c in ordered:
        false, caught = false + c.meets / healthy, caught + c.misses / missed
        found.append((false, caught))
    return found


def best_at(points: Sequence[tuple[float, float]], false: float) -> float:
    """Return the share caught at a share of false alarms; between two points of the frontier a rule can be mixed."""
    before = (0.0, 0.0)
    for point in points:
        if point[0] > false:
            part = (false - before[0]) / (point[0] - before[0])
            return before[1] + part * (point[1] - before[1])
        before = point
    return before[1]


def _ways(unit: Unit, drawn: Population) -> list[tuple[float, float, float]]:
    """List (share, drift, weight) that a unit may have."""
    slides = [(0.0, 1 - drawn.drifting)]
    slides += [(drawn.drift_points / 100 * ((2 * i + 1) / DRIFTS - 1), drawn.drifting / DRIFTS) for i in range(DRIFTS)]
    return [
        (min(max((unit.target + offset) / 100, 0.02), 0.98), drift, weight)
        for offset in drawn.offsets
        for drift, weight in slides
    ]


def _share(share: float, drift: float, day: int, length: int) -> float:
    return min(max(share + drift * (day / length - 0.5), 0.01), 0.99)


def _likelihood(unit: Unit, share: float, drift: float, length: int, drawn: Population) -> float:
    """Return the logarithm of how probable the days were, up to what is the same for all shares."""
    lgamma, total = math.lgamma, 0.0
    for d, (k, n) in enumerate(unit.days):
        if not n:
            continue
        now = _share(share, drift, d, length)
        if unit.bursty:
            a, b = now * drawn.alike, (1 - now) * drawn.alike
            total += lgamma(k + a) + lgamma(n - k + b) - lgamma(a) - lgamma(b)
        else:
            total += k * math.log(now) + (n - k) * math.log1p(-now)
    return total


def _lived(unit: Unit, share: float, rate: float, drawn: Population, rng: random.Random) -> tuple[int, int]:
    if unit.bursty:
        rate *= rng.gammavariate(drawn.bursts, 1 / drawn.bursts)
        share = rng.betavariate(share * drawn.alike, (1 - share) * drawn.alike)
    arrived = poisson(rng, rate)
    if arrived >= NORMAL_FROM:
        x = round(rng.gauss(arrived * share, math.sqrt(arrived * share * (1 - share))))
        return min(max(x, 0), arrived), arrived
    return sum(rng.random() < share for _ in range(arrived)), arrived


def poisson(rng: random.Random, rate: float) -> int:
    """Draw a number of arrivals."""
    if rate <= 0:
        return 0
    total, count = rng.expovariate(1), 0
    while total < rate:
        total += rng.expovariate(1)
        count += 1
    return count


def _day(calendar: Profile, n: int) -> date:
    return calendar.first + timedelta(days=n)
