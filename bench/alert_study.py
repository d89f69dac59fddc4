"""Simulated provinces whose truth is known, every rule side by side; writes docs/alert-study.md and its drawings.

usage: python -m bench.alert_study [--provinces 16] [--seed 1] [--out docs]

The rules are those of the running system, driven through `models.alerting.alerts` on the evening of every day; the peers (a
Wilson interval looked at daily, a burn rate of two windows) are what monitoring systems offer for ratios. The same seed
gives the same study.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Final

from bench import alert_report
from bench.alert_bound import Population, Unit, case, frontier, poisson
from models.alerting.alerts import Alerts
from models.alerting.transitions import Transition
from models.calendar.civil_time import end_of
from models.calendar.workdays import SHIPPED, Profile
from models.decisions.file import Decision, Indicator, Period
from models.decisions.reading import Reading, Sources
from models.forecasting.forecast import dispersion
from models.forecasting.probability import wilson
from models.standings.standings import Standings
from streams.audit.backtest.scores import HEALTHY_DOSSIERS, Course, Look
from streams.files.decision_files import read_decision, shipped_registry

INDICATOR: Final[Indicator] = "online-dossiers"
VOLUMES: Final = (3, 10, 30, 100, 300)
"""dossiers a month"""
IMPROVES: Final = 0.5
"""of units that are alerted: do better by `GAIN` points from a week later"""
GAIN: Final = 0.15


OWN: Final = ("evidence", "graded", "forecast", "literal")


@dataclass(frozen=True)
class World:
    """One period of the study."""

    name: str
    title: str
    first: date
    last: date
    parts: int
    """so many provinces are drawn of every sixteen"""
    even: bool = False
    """whether units scatter evenly around their targets, instead of being of three kinds"""
    reacts: bool = False
    """whether units that are warned do better"""
    rules: tuple[str, ...] = (*OWN, "wilson", "burn-rate")


JUNE: Final = (date(2024, 6, 1), date(2024, 6, 30))
YEAR: Final = (date(2024, 1, 1), date(2024, 12, 31))
WORLDS: Final = (
    World("month", "a month as a whole period", *JUNE, parts=16),
    World(
        "month-even",
        "a month as a whole period, units without kinds",
        *JUNE,
        parts=16,
        even=True,
        rules=("evidence", "graded", "literal", "wilson", "burn-rate"),
    ),
    World("year", "a year, as the decisions have it", *YEAR, parts=3),
    World("year-even", "a year, units without kinds", *YEAR, parts=4, even=True, rules=("evidence", "graded")),
    World(
        "warned",
        "a year in which half of the units warned improve",
        *YEAR,
        parts=2,
        reacts=True,
        rules=("evidence", "graded", "literal"),
    ),
)
KINDS: Final = ((5, 25), (-5, 5), (-30, -8))
"""points above the target, of each third of the units"""
EVEN_MEAN, EVEN_SPREAD = -1.0, 14.0
DRIFTING, DRIFT_POINTS = 0.25, 12
BURSTY, BURSTS, BURST_ALIKE = 0.4, 0.7, 12
STEPS: Final = 30
"""shares that stand for all, for the bound"""


@dataclass
class Life:
    """A unit as it truly is, and what the rule made of it."""

    course: Course
    volume: int
    share: float
    """propensity at the beginning"""
    drift: float
    """share it changes by over the period"""
    bursty: bool
    days: list[tuple[int, int]] = field(default_factory=list)
    """(numerator, denominator) of each day"""
    improved_at: int | None = None
    reacts: bool = False

    @property
    def unit(self) -> str:
        """Return the unit's code."""
        return self.course.unit


def lives(reading: Reading, world: World, rng: random.Random) -> list[Life]:
    """Draw the units of a province: a third well above, a third around, a third below their targets; or evenly."""
    found = []
    targets = reading.targets(world.last)
    for unit in sorted(targets.rows):
        target = float(targets.targets[unit, INDICATOR].value)
        offset = rng.gauss(EVEN_MEAN, EVEN_SPREAD) if world.even else rng.uniform(*rng.choice(KINDS))
        drift = rng.uniform(-DRIFT_POINTS, DRIFT_POINTS) if rng.random() < DRIFTING else 0.0
        share = min(max((target + offset) / 100, 0.02), 0.98)
        course = Course(unit, (world.last - world.first).days + 1, target, behind=100 * share < target)
        found.append(Life(course, rng.choice(VOLUMES), share, drift / 100, rng.random() < BURSTY))
    return found


def live(life: Life, n: int, calendar: Profile, rng: random.Random) -> tuple[int, int]:
    """Draw one day of a unit: how much comes in, and how much of it online."""
    day = calendar.first + timedelta(days=n)
    weight = (calendar.until(day) - calendar.until(day - timedelta(days=1))) / calendar.until(calendar.last)
    months = max(1.0, ((calendar.last - calendar.first).days + 1) / 30.5)
    rate = life.volume * months * weight
    if life.bursty:  # collective filings: some days bring several times the usual, of one channel mostly
        rate *= rng.gammavariate(BURSTS, 1 / BURSTS)
    arrived = poisson(rng, rate)
    share = life.share + life.drift * (n / ((calendar.last - calendar.first).days + 1) - 0.5)
    if life.improved_at is not None and n >= life.improved_at:
        share += GAIN
    share = min(max(share, 0.01), 0.99)
    if life.bursty:
        share = rng.betavariate(share * BURST_ALIKE, (1 - share) * BURST_ALIKE)
    return sum(rng.random() < share for _ in range(arrived)), arrived


def reading_of(world: World, rule: str) -> Reading:
    """Return Thái Bình's decision over another period, its online ratio alone."""
    decision: Decision = read_decision("thai-binh-2024")
    period = Period.model_validate({"from": world.first, "to": world.last, "clause": "study"})
    decision = decision.model_copy(update={"period": period, "effective": world.first})
    return Reading(decision, Sources(shipped_registry(), switches={"alert_rule": rule}))


def by_rule(world: World, rule: str, seed: int) -> list[Life]:
    """Let one province live its period under one of our rules."""
    reading = reading_of(world, rule)
    calendar = SHIPPED.profile(world.first, world.last)
    units = lives(reading, world, random.Random(f"{world.name}/{seed}"))
    standings = Standings(reading, world.first)
    alerts = Alerts(standings)
    chance = {life.unit: random.Random(f"{world.name}/{seed}/{life.unit}") for life in units}
    for life in units:
        life.reacts = chance[life.unit].random() < IMPROVES and world.reacts
    of = {life.unit: life for life in units}
    length = (world.last - world.first).days + 1
    looks = {length * step // 10 for step in range(1, 10)}
    for n in range(length):
        day = world.first + timedelta(days=n)
        for life in units:
            k, arrived = live(life, n, calendar, chance[life.unit])
            life.days.append((k, arrived))
            if arrived:
                standings.add(life.unit, day.isoformat(), INDICATOR, k, arrived)
        standings.move_to(day)
        alerts.changed(standings.take_changed())
        for transition in alerts.tick(end_of(day)):
            _hear(of[transition["unit"]], transition, n)
        if n in looks and rule == "evidence":
            _look(alerts, units, n)
    return [_ended(life) for life in units]


def _hear(life: Life, transition: Transition, n: int) -> None:
    """Write down a transition; one alert that gets graver is one."""
    if "replaced_by" in transition:
        return
    if transition["status"] != "firing":
        life.course.ends.append(n)
    elif transition["kind"] != "unreachable" or len(life.course.raises) == len(life.course.ends):
        if not life.course.raises and transition["probability_met"] is not None:
            life.course.warned = float(transition["probability_met"])
        _raised(life, n)


def _look(alerts: Alerts, units: list[Life], n: int) -> None:
    alerts.prospects.refresh()
    for life in units:
        made = alerts.prospects.forecast(life.unit, INDICATOR, alerts.standings.judge(life.unit, INDICATOR))
        if made is not None:
            life.course.looks.append(Look(n, made.p05, made.p50, made.p95, made.probability))


def _ended(life: Life) -> Life:
    life.course.phi = dispersion((n, k, arrived) for n, (k, arrived) in enumerate(life.days) if arrived)
    life.course.numerator, life.course.denominator = sum(k for k, _ in life.days), sum(n for _, n in life.days)
    return life


def _raised(life: Life, n: int) -> None:
    life.course.raises.append(n)
    if life.reacts and life.improved_at is None:
        life.improved_at = n + 7


Peer = Callable[[Sequence[tuple[int, int]], float], bool]


def wilson_daily(days: Sequence[tuple[int, int]], target: float) -> bool:
    """Alert while the upper end of the 95 % Wilson interval lies below the target."""
    k, n = sum(d[0] for d in days), sum(d[1] for d in days)
    return n > 0 and 100 * wilson(k, n)[1] < target


def burn_rate(days: Sequence[tuple[int, int]], target: float) -> bool:
    """Alert while both the last 14 and the last 3 days burn their budget of paper 1.3 times too fast.

    The multipliers of the SRE workbook (14.4, 6) can never be reached at a target of 50 %: 2 is the most there is.
    """
    return all(_burn(days[-length:], target) >= 1.3 for length in (14, 3))


def _burn(days: Sequence[tuple[int, int]], target: float) -> float:
    k, n = sum(d[0] for d in days), sum(d[1] for d in days)
    return (1 - k / n) / (1 - target / 100) if n else 0.0


PEERS: Final[dict[str, Peer]] = {"wilson": wilson_daily, "burn-rate": burn_rate}


def by_peer(world: World, peer: str, seed: int) -> list[Life]:
    """Let the same province live its period under a peer's rule."""
    reading = reading_of(world, "literal")
    calendar = SHIPPED.profile(world.first, world.last)
    units = lives(reading, world, random.Random(f"{world.name}/{seed}"))
    alerted = PEERS[peer]
    for life in units:
        chance = random.Random(f"{world.name}/{seed}/{life.unit}")
        life.reacts = chance.random() < IMPROVES and world.reacts
        firing = False
        for n in range((world.last - world.first).days + 1):
            life.days.append(live(life, n, calendar, chance))
            wanted = alerted(life.days, life.course.target)
            if wanted and not firing:
                _raised(life, n)
            elif firing and not wanted:
                life.course.ends.append(n)
            firing = wanted
    return [_ended(life) for life in units]


def population(world: World) -> Population:
    """Return how a province of this world is drawn, for whoever is to know it."""
    middles = [(i + 0.5) / STEPS for i in range(STEPS)]
    if world.even:
        offsets = [NormalDist(EVEN_MEAN, EVEN_SPREAD).inv_cdf(q) for q in middles]
    else:
        thirds = [(i + 0.5) / (STEPS // len(KINDS)) for i in range(STEPS // len(KINDS))]
        offsets = [low + (high - low) * q for low, high in KINDS for q in thirds]
    return Population(offsets, DRIFTING, DRIFT_POINTS, BURSTS, BURST_ALIKE)


def bound(world: World, units: Sequence[Life], seed: int) -> list[tuple[float, float]]:
    """Return what the best rule could do in this world: (false, caught) from the strictest on."""
    calendar, drawn = SHIPPED.profile(world.first, world.last), population(world)
    half = (world.last - world.first).days // 2 + 1
    rng = random.Random(f"bound/{world.name}/{seed}")
    months = ((world.last - world.first).days + 1) / 30.5
    return frontier(
        case(Unit(u.course.target, u.volume * max(1.0, months), u.bursty, u.days[:half]), calendar, drawn, rng)
        for u in units
        if u.volume * months >= HEALTHY_DOSSIERS / 2
    )


def main() -> None:
    """Run the study and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provinces", type=int, default=16)
    parser.add_argument("--worlds", default=",".join(w.name for w in WORLDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    given = parser.parse_args()
    results: dict[str, dict[str, list[Life]]] = {}
    bounds: dict[str, list[tuple[float, float]]] = {}
    for world in (w for w in WORLDS if w.name in given.worlds.split(",")):
        for rule in world.rules:
            run = by_peer if rule in PEERS else by_rule
            provinces = max(1, given.provinces * world.parts // 16)
            units = [life for n in range(provinces) for life in run(world, rule, given.seed * 1000 + n)]
            results.setdefault(world.name, {})[rule] = units
            print(f"{time.process_time():6.0f} s  {world.name}  {rule}: {len(units)} units", file=sys.stderr)
        if (world.first, world.last) == JUNE:
            bounds[world.name] = bound(world, results[world.name]["evidence"], given.seed)
            print(f"{time.process_time():6.0f} s  {world.name}  bound", file=sys.stderr)
    alert_report.write(given.out, WORLDS, results, bounds, f"--provinces {given.provinces} --seed {given.seed}")


if __name__ == "__main__":
    main()
