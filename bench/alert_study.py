"""Simulated provinces whose truth is known, every rule side by side; writes docs/alert-study.md and its drawings.

usage: python -m bench.alert_study [--provinces 12] [--seed 1] [--out docs]

The rules are those of the running system, driven through `models.alerts` on the evening of every day; the peers (a
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
from typing import Final

from bench import alert_report
from models.alerts import Alerts
from models.calendar import end_of
from models.chance import wilson
from models.decisions import Decision, Indicator, Period
from models.reading import Reading, Sources
from models.standings import Standings
from models.transitions import Transition
from models.workdays import Profile, profile
from streams.backtest.scores import Course, Look
from streams.library import read_decision, shipped_registry

INDICATOR: Final[Indicator] = "online-dossiers"
VOLUMES: Final = (3, 10, 30, 100, 300)
"""dossiers a month"""
IMPROVES: Final = 0.5
"""of units that are alerted: do better by `GAIN` points from a week later"""
GAIN: Final = 0.15


@dataclass(frozen=True)
class World:
    """One period of the study."""

    name: str
    title: str
    first: date
    last: date
    reacts: bool = False
    """whether units that are warned do better"""


WORLDS: Final = (
    World("month", "a month as a whole period", date(2024, 6, 1), date(2024, 6, 30)),
    World("year", "a year, as the decisions have it", date(2024, 1, 1), date(2024, 12, 31)),
    World("warned", "a year in which half of the units warned improve", date(2024, 1, 1), date(2024, 12, 31), True),
)


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

    @property
    def unit(self) -> str:
        """Return the unit's code."""
        return self.course.unit


def lives(reading: Reading, world: World, rng: random.Random) -> list[Life]:
    """Draw the units of a province: a third well above, a third around, a third below their targets."""
    found = []
    targets = reading.targets(world.last)
    for unit in sorted(targets.rows):
        target = float(targets.targets[unit, INDICATOR].value)
        kind = rng.randrange(3)
        offset = (rng.uniform(5, 25), rng.uniform(-5, 5), rng.uniform(-30, -8))[kind]
        drift = rng.uniform(-12, 12) if rng.random() < 0.25 else 0.0
        share = min(max((target + offset) / 100, 0.02), 0.98)
        course = Course(unit, (world.last - world.first).days + 1, target, behind=100 * share < target)
        found.append(Life(course, rng.choice(VOLUMES), share, drift / 100, rng.random() < 0.4))
    return found


def live(life: Life, n: int, calendar: Profile, rng: random.Random) -> tuple[int, int]:
    """Draw one day of a unit: how much comes in, and how much of it online."""
    day = calendar.first + timedelta(days=n)
    weight = (calendar.until(day) - calendar.until(day - timedelta(days=1))) / calendar.until(calendar.last)
    months = max(1.0, ((calendar.last - calendar.first).days + 1) / 30.5)
    rate = life.volume * months * weight
    if life.bursty:  # collective filings: some days bring several times the usual, of one channel mostly
        rate *= rng.gammavariate(0.7, 1 / 0.7)
    arrived = _poisson(rng, rate)
    share = life.share + life.drift * (n / ((calendar.last - calendar.first).days + 1) - 0.5)
    if life.improved_at is not None and n >= life.improved_at:
        share += GAIN
    share = min(max(share, 0.01), 0.99)
    if life.bursty:
        share = rng.betavariate(share * 12, (1 - share) * 12)
    return sum(rng.random() < share for _ in range(arrived)), arrived


def _poisson(rng: random.Random, rate: float) -> int:
    if rate <= 0:
        return 0
    total, count = rng.expovariate(1), 0
    while total < rate:
        total += rng.expovariate(1)
        count += 1
    return count


def reading_of(world: World, rule: str) -> Reading:
    """Return Thái Bình's decision over another period, its online ratio alone."""
    decision: Decision = read_decision("thai-binh-2024")
    period = Period.model_validate({"from": world.first, "to": world.last, "clause": "study"})
    decision = decision.model_copy(update={"period": period, "effective": world.first})
    return Reading(decision, Sources(shipped_registry(), switches={"alert_rule": rule}))


def by_rule(world: World, rule: str, seed: int) -> list[Life]:
    """Let one province live its period under one of our rules."""
    reading = reading_of(world, rule)
    calendar = profile(world.first, world.last)
    units = lives(reading, world, random.Random(f"{world.name}/{seed}"))
    standings = Standings(reading, world.first)
    alerts = Alerts(standings)
    chance = {life.unit: random.Random(f"{world.name}/{seed}/{life.unit}") for life in units}
    reacts = {life.unit: chance[life.unit].random() < IMPROVES and world.reacts for life in units}
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
            _hear(of[transition["unit"]], transition, n, reacts)
        if n in looks and rule == "evidence":
            _look(alerts, units, n)
    return [_ended(life) for life in units]


def _hear(life: Life, transition: Transition, n: int, reacts: dict[str, bool]) -> None:
    """Write down a transition; one alert that gets graver is one."""
    if "replaced_by" in transition:
        return
    if transition["status"] != "firing":
        life.course.ends.append(n)
    elif transition["kind"] != "unreachable" or len(life.course.raises) == len(life.course.ends):
        _raised(life, n, reacts)


def _look(alerts: Alerts, units: list[Life], n: int) -> None:
    alerts.prospects.refresh()
    for life in units:
        made = alerts.prospects.forecast(life.unit, INDICATOR, alerts.standings.judge(life.unit, INDICATOR))
        if made is not None:
            life.course.looks.append(Look(n, made.p05, made.p50, made.p95, made.probability))


def _ended(life: Life) -> Life:
    life.course.numerator, life.course.denominator = sum(k for k, _ in life.days), sum(n for _, n in life.days)
    return life


def _raised(life: Life, n: int, reacts: dict[str, bool]) -> None:
    life.course.raises.append(n)
    if reacts[life.unit] and life.improved_at is None:
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
    calendar = profile(world.first, world.last)
    units = lives(reading, world, random.Random(f"{world.name}/{seed}"))
    alerted = PEERS[peer]
    for life in units:
        chance = random.Random(f"{world.name}/{seed}/{life.unit}")
        reacts = {life.unit: chance.random() < IMPROVES and world.reacts}
        firing = False
        for n in range((world.last - world.first).days + 1):
            life.days.append(live(life, n, calendar, chance))
            wanted = alerted(life.days, life.course.target)
            if wanted and not firing:
                _raised(life, n, reacts)
            elif firing and not wanted:
                life.course.ends.append(n)
            firing = wanted
    return [_ended(life) for life in units]


def main() -> None:
    """Run the study and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provinces", type=int, default=4)
    parser.add_argument("--worlds", default=",".join(w.name for w in WORLDS))
    parser.add_argument("--rules", default=",".join(("evidence", "forecast", "literal", *PEERS)))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    given = parser.parse_args()
    began = time.monotonic()
    results: dict[str, dict[str, list[Life]]] = {}
    for world in (w for w in WORLDS if w.name in given.worlds.split(",")):
        provinces = given.provinces if world.name == "month" else max(1, given.provinces // 4)
        for rule in given.rules.split(","):
            run = by_peer if rule in PEERS else by_rule
            units = [life for n in range(provinces) for life in run(world, rule, given.seed * 1000 + n)]
            results.setdefault(world.name, {})[rule] = units
            print(f"{time.monotonic() - began:6.0f} s  {world.name}  {rule}: {len(units)} units", file=sys.stderr)
    alert_report.write(given.out, WORLDS, results, f"--provinces {given.provinces} --seed {given.seed}")


if __name__ == "__main__":
    main()
