"""The units of a simulated province: how many dossiers each has, and how it works, over the year.

What a unit is like follows from the seed and its own code, not from the other units; all of it is relative to the
unit's targets, so that any decision gives a mixed picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final, NamedTuple

from models.decisions.file import Indicator
from models.decisions.reading import Reading
from streams.feeds.simulation.days import WARM_UP_DAYS, Days
from streams.feeds.simulation.draws import between, cumulative, quantile
from streams.feeds.simulation.procedures import Procedure, procedures_of

YEARLY_COMMUNE: Final = (30, 45, 60, 80, 100, 125, 150, 180, 220, 280, 360, 600)
"""dossiers a year, quantiles at the default scale. Why: most communes are villages, a few are towns."""
YEARLY_DISTRICT: Final = (1_400, 1_900, 2_300, 2_800, 3_600)
CITY_FACTOR: Final = 1.9
"""Why: cities and towns (thành phố, thị xã) have the people, the businesses and the land papers."""
YEARLY_AGENCY: Final = (90, 140, 200, 300, 450, 700, 1_100)
YEARLY_FIELD: Final = (
    ("tu-phap", 8_500),
    ("tai-nguyen", 6_500),
    ("giao-thong", 6_000),
    ("ke-hoach", 3_800),
    ("lao-dong", 2_400),
    ("cong-thuong", 1_900),
    ("y-te", 1_300),
)
"""Why: criminal records, land, driving licences, companies, unemployment benefits: a few departments do most."""

POPULARITY_OFFSET: Final = 1.5
"""Zipf-Mandelbrot: the procedure of rank k has weight 1 / (k + offset). Why: under plain Zipf the rare ones starve."""
DORMANT: Final = (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.99)
"""how many online services nobody asks a unit for all year, quantiles. Why: what a catalogue holds is not all used."""
DORMANT_FROM: Final = 4
"""the most popular procedures are asked for everywhere"""

ASSUMED_TARGET: Final = 50.0
"""percent, for a unit whose decision gives it none"""
SHARE_RANGE: Final = (0.02, 0.97)


class Behaviour(NamedTuple):
    """How a unit's share moves over the year: points of percent around its target, at the start and at the end."""

    share: float
    """of the units, all behaviours adding up to 1"""
    start: tuple[float, float]
    end: tuple[float, float] | None = None
    """None: as at the start"""
    turn: tuple[float, float] | None = None
    """part of the year at which start gives way to end at once; None: evenly"""
    swing: float = 0.0
    """points up and down"""


BEHAVIOURS: Final = {
    "steady-good": Behaviour(0.39, (4, 24)),
    "steady-bad": Behaviour(0.15, (-32, -6)),
    "improving": Behaviour(0.12, (-24, -8), (10, 34)),
    "decaying": Behaviour(0.09, (10, 26), (-26, -8)),
    "step-up": Behaviour(0.10, (-22, -5), (8, 26), turn=(0.25, 0.6)),
    "step-down": Behaviour(0.07, (8, 22), (-24, -6), turn=(0.35, 0.75)),
    "oscillating": Behaviour(0.08, (-1, 4), swing=10),
}
"""Why: alerts are worth something only if they tell these apart; at year's end some 60 to 70 % of units meet."""
SHARE_DAYS: Final = 7
"""days for which a share holds; habits do not change overnight"""
SWINGS: Final = 5
"""per year, of an oscillating unit"""

COMPLETENESS: Final = ((0.62, (1.0, 1.0)), (0.24, (0.985, 0.999)), (0.14, (0.82, 0.97)))
"""(share of units, range of the share of results): all done; a few forgotten; a habit of leaving them out"""
E_COPIES: Final = (0.0, 0.0, 0.01, 0.03, 0.06, 0.1, 0.18, 0.3)
"""share of certified copies that are electronic, quantiles over units. Why: some have never issued one."""
LOCAL_GATEWAY: Final = (0.0, 0.01, 0.03, 0.06, 0.12, 0.3)
"""share of online payments through the province's own gateway, which Thái Bình does not count"""
PROMPT: Final = (0.55, 0.85, 0.92, 0.96, 0.99)
"""share of digitised results that are stored at once; the rest follow days later"""
PACE: Final = (0.55, 0.75, 0.85, 0.95, 1.1, 1.5)
"""days taken per day allowed, quantiles over units; above 1 is overdue"""


@dataclass(frozen=True, slots=True)
class Actor:
    """One unit as the simulation plays it. Shares are from 0 to 1; `online` and `paying` have one per `SHARE_DAYS`."""

    code: str
    level: str
    counter: str
    """two digits in the codes of dossiers filed here"""
    yearly: float
    """dossiers at the default scale"""
    procedures: tuple[Procedure, ...]
    popularity: Sequence[float]
    """running totals of the procedures' weights"""
    copier: str
    """the unit that certifies copies: a district's Phòng Tư pháp, otherwise the unit itself"""
    online: Sequence[float]
    paying: Sequence[float]
    digitised: float
    electronic: float
    prompt: float
    e_copies: float
    local_gateway: float
    pace: float


@dataclass(frozen=True)
class Scene:
    """What a simulation plays in: a decision, one of its periods, the calendar around it, and the seed."""

    reading: Reading
    first: date
    """the period's first day"""
    days: Days
    seed: int

    def named(self) -> tuple[str, ...]:
        """Return the codes of the units the decision names, leaf by leaf, sorted."""
        return tuple(sorted(self.reading.targets(self.first).rows))

    def random(self, purpose: str) -> Random:
        """Return a generator of its own for one purpose, so that one purpose's draws do not shift another's."""
        return Random(f"{self.seed}/{purpose}")


def level_of(reading: Reading, code: str) -> str:
    """Return a unit's level; by the form of its code where no registry knows it."""
    unit = reading.registry.units.get(code)
    if unit is not None:
        return unit.level
    return "province-agency" if "." in code else "commune"


def actors(scene: Scene) -> tuple[Actor, ...]:
    """Return the decision's units as the simulation plays them, in order of their codes."""
    counters: dict[str, str] = {}
    found = []
    for code in scene.named():
        counter = counters.setdefault(scene.reading.registry.home(code), f"{len(counters) + 1:02d}")
        found.append(_actor(scene, code, counter))
    return tuple(found)


def _actor(scene: Scene, code: str, counter: str) -> Actor:
    draw = scene.random(code).random
    level = level_of(scene.reading, code)
    offered = _offered(procedures_of(code, level), draw)
    weights = [weight for _, weight in offered]
    reach = 1.0 if _listed_only(scene.reading) else _online_part(offered)
    online = _shares(draw, _target(scene, code, "online-dossiers"), scene.days)
    paying = _shares(draw, _target(scene, code, "online-payments"), scene.days)
    return Actor(
        code=code,
        level=level,
        counter=counter,
        yearly=_yearly(code, level, scene.reading.registry.name(code), draw),
        procedures=tuple(procedure for procedure, _ in offered),
        popularity=cumulative(weights),
        copier=f"{code}.phong-tu-phap" if level == "district" else code,
        online=tuple(min(share / reach, SHARE_RANGE[1]) for share in online),
        paying=paying,
        digitised=_completeness(draw),
        electronic=_completeness(draw),
        prompt=quantile(draw(), PROMPT),
        e_copies=quantile(draw(), E_COPIES),
        local_gateway=quantile(draw(), LOCAL_GATEWAY),
        pace=quantile(draw(), PACE),
    )


def _yearly(code: str, level: str, name: str, draw: Callable[[], float]) -> float:
    u = draw()
    if level == "commune":
        return quantile(u, YEARLY_COMMUNE)
    if level == "district":
        return quantile(u, YEARLY_DISTRICT) * (1.0 if "huyện" in name.lower() else CITY_FACTOR)
    usual = next((yearly for field, yearly in YEARLY_FIELD if field in code), None)
    return quantile(u, YEARLY_AGENCY) if usual is None else usual * between(u, 0.8, 1.25)


def _offered(procedures: Sequence[Procedure], draw: Callable[[], float]) -> list[tuple[Procedure, float]]:
    """Return a unit's procedures with their weights, without the services that nobody asks it for."""
    ranked = [(p, 1 / (rank + POPULARITY_OFFSET)) for rank, p in enumerate(procedures, start=1)]
    for _ in range(int(quantile(draw(), DORMANT))):
        rare = [n for n, (p, _) in enumerate(ranked) if n >= DORMANT_FROM and p.online]
        if rare:
            del ranked[rare[int(draw() * len(rare))]]
    return ranked


def _online_part(offered: Sequence[tuple[Procedure, float]]) -> float:
    """Return the part of a unit's dossiers that could be filed online at all."""
    every = cumulative(weight for _, weight in offered)[-1]
    return cumulative(weight if procedure.online else 0.0 for procedure, weight in offered)[-1] / every


def _listed_only(reading: Reading) -> bool:
    formula = reading.indicators.get("online-dossiers")
    return formula is not None and "listed" in formula.denominator


def _target(scene: Scene, code: str, indicator: Indicator) -> float:
    target = scene.reading.target(code, indicator, scene.first) if indicator in scene.reading.indicators else None
    return ASSUMED_TARGET if target is None else float(target.value)


def _completeness(draw: Callable[[], float]) -> float:
    u, place = draw(), draw()
    for share, (low, high) in COMPLETENESS:
        if u < share:
            return between(place, low, high)
        u -= share
    return 1.0


def _shares(draw: Callable[[], float], target: float, days: Days) -> tuple[float, ...]:
    """Return a unit's share in every `SHARE_DAYS` of the stream, by a behaviour drawn for it."""
    u = draw()
    chosen = next(reversed(BEHAVIOURS.values()))
    for behaviour in BEHAVIOURS.values():
        if u < behaviour.share:
            chosen = behaviour
            break
        u -= behaviour.share
    start = between(draw(), *chosen.start)
    end = start if chosen.end is None else between(draw(), *chosen.end)
    turn = None if chosen.turn is None else between(draw(), *chosen.turn)
    phase = draw()
    shares = []
    for day in range(0, days.filing, SHARE_DAYS):
        year = max(0, day - WARM_UP_DAYS) / (days.filing - WARM_UP_DAYS)
        points = start + (end - start) * (year if turn is None else year >= turn)
        points += chosen.swing * _triangle(year * SWINGS + phase)
        shares.append(min(max((target + points) / 100, SHARE_RANGE[0]), SHARE_RANGE[1]))
    return tuple(shares)


def _triangle(x: float) -> float:
    """Return a wave of period 1 between -1 and 1, of straight lines."""
    part = x - int(x)
    return 4 * part - 1 if part < 0.5 else 3 - 4 * part
