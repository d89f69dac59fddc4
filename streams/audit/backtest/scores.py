"""What a rule's alerts were worth, once the end of the period is known."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, NamedTuple

from models.forecasting.probability import binomial_at_most, wilson

HEALTHY_DOSSIERS, MISS_DOSSIERS, MISS_POINTS = 30, 100, 10
MONTH_DAYS: Final = 30.4


class Look(NamedTuple):
    """A forecast as it was made on the evening of a day of the period (from 0)."""

    day: int
    p05: float
    p50: float
    p95: float
    probability: float


@dataclass
class Course:
    """One unit under one indicator over a period: how it ended, and what was said of it on the way."""

    unit: str
    length: int
    """days of the period"""
    target: float
    """percent"""
    numerator: int = 0
    denominator: int = 0
    behind: bool | None = None
    """the truth, where it is known: the unit's own propensity was below the target; else by how the period ended"""
    raises: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    indicator: str = ""
    warned: float | None = None
    """probability of ending on target that the first alert gave"""
    phi: float = 1.0
    """over-dispersion of its daily counts, as known at the end"""

    @property
    def ratio(self) -> float:
        """Return the final ratio, percent."""
        return 100 * self.numerator / self.denominator if self.denominator else 0.0

    @property
    def met(self) -> bool:
        """Tell whether the period ended on target."""
        return 100 * self.numerator >= self.target * self.denominator

    @property
    def bad(self) -> bool:
        """Tell whether an alert was right: by the truth where it is known, else by how the period ended."""
        return not self.met if self.behind is None else self.behind


class Share(NamedTuple):
    """So many of so many."""

    some: int
    of: int

    @property
    def percent(self) -> float | None:
        """Return it in percent; None of none."""
        return 100 * self.some / self.of if self.of else None

    def text(self) -> str:
        """Return it with its Wilson interval: it is a sample of what might have been.

        >>> Share(3, 300).text()
        '1.0 % of 300 (0.3–2.9)'
        """
        if not self.of:
            return "– (none)"
        low, high = wilson(self.some, self.of)
        return f"{self.percent:.1f} % of {self.of} ({100 * low:.1f}–{100 * high:.1f})"


class Scores(NamedTuple):
    """Goals of alerts.md, for one rule."""

    courses: int
    precision: Share
    """of the courses alerted, those that were bad"""
    recall: Share
    """of the bad ones, those alerted"""
    false: Share
    """of the courses that ended on target with 30 dossiers or more, those ever alerted"""
    half_time: Share
    """of those that missed by 10 points or more with 100 dossiers or more, those alerted before half-time"""
    raises_per_bad: float | None
    raises_per_month: float | None
    """per unit-month, all courses"""
    first: float | None
    """median of the first alert of bad courses, share of the period"""
    lead: float | None
    """median days from the first alert of a bad course to the period's end"""


def scores(courses: Iterable[Course]) -> Scores:
    """Return the scores of a rule."""
    some = [c for c in courses if c.denominator]
    alerted, bad = [c for c in some if c.raises], [c for c in some if c.bad]
    healthy = [c for c in some if c.met and c.denominator >= HEALTHY_DOSSIERS]
    missed = [c for c in some if c.target - c.ratio >= MISS_POINTS and c.denominator >= MISS_DOSSIERS]
    caught = [c for c in bad if c.raises]
    months = sum(c.length for c in some) / MONTH_DAYS
    return Scores(
        len(some),
        Share(sum(c.bad for c in alerted), len(alerted)),
        Share(len(caught), len(bad)),
        Share(sum(bool(c.raises) for c in healthy), len(healthy)),
        Share(sum(bool(c.raises) and c.raises[0] < c.length / 2 for c in missed), len(missed)),
        sum(len(c.raises) for c in bad) / len(bad) if bad else None,
        sum(len(c.raises) for c in some) / months if months else None,
        median(c.raises[0] / c.length for c in caught) if caught else None,
        median(c.length - c.raises[0] for c in caught) if caught else None,
    )


class Decile(NamedTuple):
    """Forecasts of like probability: what was said, what came, and where chance lets it lie."""

    said: float
    came: float
    of: int
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Tell whether what came lies in the band."""
        return self.low <= self.came <= self.high


def calibration(courses: Iterable[Course], look: Any, level: float = 0.95) -> list[Decile]:
    """Return deciles of one forecast per course (`look` chooses it), by the probability that was said.

    The band is that of the binomial with the mean of what was said: what came lies in it with probability `level` at
    least, if forecasts are right. Several forecasts of one course are no independent cases, and it would be too narrow.
    """
    chosen = ((course, look(course)) for course in courses)
    return deciles(((made.probability, course.met) for course, made in chosen if made is not None), level)


def deciles(said: Iterable[tuple[float, bool]], level: float = 0.95) -> list[Decile]:
    """Return deciles of independent cases: the probability that was said of each, and whether it came."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(10)]
    for p, came_true in said:
        bins[min(9, int(10 * p))].append((p, came_true))
    found = []
    for cases in bins:
        if cases:
            of = len(cases)
            mean = sum(p for p, _ in cases) / of
            came = sum(met for _, met in cases)
            found.append(Decile(mean, came / of, of, *(k / of for k in binomial_band(of, mean, level))))
    return found


def binomial_band(n: int, p: float, level: float) -> tuple[int, int]:
    """Return the counts between which Binomial(n, p) lies with probability `level` at least, tails alike.

    >>> binomial_band(100, 0.5, 0.95), binomial_band(20, 0.0, 0.95), binomial_band(10, 0.02, 0.95)
    ((40, 60), (0, 0), (0, 1))
    """
    tail = (1 - level) / 2
    ks = range(n + 1)
    low = bisect_left(ks, True, key=lambda k: binomial_at_most(k, n, p) > tail)
    high = bisect_left(ks, True, key=lambda k: binomial_at_most(k, n, p) >= 1 - tail)
    return low, min(high, n)


def by_chance(outside: int, of: int, level: float = 0.95) -> float:
    """Return how probable it is that so many or more of the deciles lie outside of their bands, if forecasts are right.

    >>> round(by_chance(1, 20), 3), by_chance(0, 20)
    (0.642, 1.0)
    """
    return 1.0 - binomial_at_most(outside - 1, of, 1 - level) if outside else 1.0


def coverage(courses: Iterable[Course], look: Any) -> Share:
    """Return how many final ratios lay within the 90 % interval of one forecast per course."""
    chosen = [(c, look(c)) for c in courses]
    looks = [(c, f) for c, f in chosen if f is not None]
    inside = sum(f.p05 - 5e-5 <= c.ratio / 100 <= f.p95 + 5e-5 for c, f in looks)
    return Share(inside, len(looks))


def cycling(courses: Sequence[Course]) -> Any:
    """Return a choice of one look per course that goes round all of them, the same for every rule."""
    place = {id(c): n for n, c in enumerate(courses)}
    return lambda course: course.looks[place[id(course)] % len(course.looks)] if course.looks else None
