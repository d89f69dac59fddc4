"""How a period will end: the predictive distribution of the final ratio, given what has been counted so far.

What is counted is a census; what is uncertain is the dossiers still to come. Their share above the line follows a
beta-binomial whose prior comes from sibling units and whose data are the unit's own, older days weighing less; their
number is gamma-Poisson, shaped by the working calendar or by last year's same days (Lee & Liu 2008, Clinical Trials
5:93, without the outer test, since the final figure is a census). Floats; results leave rounded to four digits.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from models.counting.ledger import Figures
from models.forecasting.probability import beta_binomial_at_least

VOLUME_SHAPE: Final = 4
"""α of the gamma prior of the volume: what a unit receives is known to a factor of about two before it begins"""
VOLUME_DRIFT: Final = 0.01
"""squared relative error of a volume's extrapolation that no count reduces. Why: seasons, some 10 %"""
MEMORY: Final = 0.99
"""weight of a day's counts against the working day after it. Why: a unit that improves is judged by what it does now; a
shorter memory forgets more of a steady unit than it learns of a drifting one (docs/alert-study.md)"""
ALIKE: Final = 0.04
"""how alike a day's dossiers are taken to be before the days tell: their intraclass correlation. Why: collective
filings come through one channel; without it a busy unit's forecast is too sure in its first weeks"""
SHRINK: Final = 10
"""days of counts that the over-dispersion is shrunk by (Spiegelhalter 2005)"""
PRIOR_SIZE: Final = 8
"""dossiers that a prior weighs where there are no siblings to tell"""
PRIOR_SIZE_MAX, PRIOR_SIZE_MIN = 20, 2
PRIOR_MEAN_MIN, PRIOR_MEAN_MAX = 0.02, 0.98
"""Bounds of a prior's mean, as shares. Why: a beta needs weight on both sides of the line, and a prior that stands at a
target of 100 % gives a unit with n of n none below it."""
SIBLINGS_MIN, SIBLING_DOSSIERS_MIN = 5, 100
SIBLINGS_HALF: Final = 20
"""siblings from which their shares count as much as the target does. Why: a dozen shares tell a spread only roughly"""
FEW: Final = 12
"""expected dossiers below which every number of further dossiers is looked at by itself"""

NODES: Final = (-1.4632, -0.5988, 0.0, 0.5988, 1.4632)
"""midpoints of five equal slices of the standard normal, stretched to variance 1"""
Z05: Final = 1.6448536


class Prior(NamedTuple):
    """A beta prior of a unit's share above the line, by mean and size (dossiers)."""

    mean: float
    size: int


class Volume(NamedTuple):
    """Dossiers still to come in the period: mean, and the shape of their gamma-Poisson."""

    mean: float
    shape: float

    @property
    def variance(self) -> float:
        """Return the variance of the number still to come."""
        return self.mean + self.mean * self.mean / self.shape

    def at(self, z: float) -> float:
        """Return the quantile that a standard normal has at `z` (Wilson-Hilferty)."""
        if self.mean <= 0:
            return 0.0
        shape = self.mean * self.mean / self.variance
        return self.mean * max(0.0, 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3

    @property
    def most(self) -> int:
        """Return a number that the dossiers still to come exceed once in a thousand times."""
        return math.ceil(self.at(3.09)) if self.mean > 0 else 0


class Basis(NamedTuple):
    """All that a forecast follows from."""

    figures: Figures
    target: Fraction
    """share to be reached at the period's end"""
    above: float
    """effective dossiers above the line, older days and over-dispersion taken off"""
    counted: float
    """effective dossiers counted"""
    prior: Prior
    volume: Volume
    phi: float = 1.0
    """over-dispersion of daily counts, which what is still to come will have as well"""

    @property
    def beta(self) -> tuple[float, float]:
        """Return the posterior of the share of what is still to come."""
        below = self.counted - self.above
        return self.prior.mean * self.prior.size + self.above, (1 - self.prior.mean) * self.prior.size + below


class Forecast(NamedTuple):
    """How the period will end."""

    p05: float
    p50: float
    p95: float
    """quantiles of the final ratio, as a share"""
    probability: float
    """that the final ratio reaches the target"""
    gap: float
    """expected dossiers missing at the end; negative: to spare"""


def effective(days: Iterable[tuple[int, int, int]], phi: float) -> tuple[float, float]:
    """Return effective (above, counted) of days given as (working days ago, numerator, denominator)."""
    weights = _weights()
    above = counted = 0.0
    for ago, k, n in days:
        w = weights[ago]
        above += w * k
        counted += w * n
    return above / phi, counted / phi


@lru_cache(maxsize=1)
def _weights() -> list[float]:
    weights = [1.0]
    for _ in range(800):
        weights.append(weights[-1] * MEMORY)
    return weights


def dispersion(days: Iterable[tuple[int, int, int]]) -> float:
    """Return the over-dispersion of what days bring: how much more their sum varies than single dossiers would.

    The design effect of days as clusters, Σ(k - np)² / (N·p·(1 - p)), in which a day of many dossiers has its weight;
    Pearson's χ²/df gives every day the same, and a few crowded days are what moves a unit's ratio. Shrunk towards what
    days of this size have if their dossiers are `ALIKE` (Kish: 1 + (size - 1)·correlation); never below 1.

    >>> dispersion([(0, 5, 10), (1, 5, 10), (2, 5, 10)]), dispersion([(0, 10, 10), (1, 0, 10)] * 20) > 5
    (1.1333333333333333, True)
    """
    kk = kn = nn = above = counted = number = 0
    for _, k, n in days:
        kk += k * k
        kn += k * n
        nn += n * n
        above += k
        counted += n
        number += 1
    if not counted:
        return 1.0
    usual = 1 + (nn / counted - 1) * ALIKE
    if number < 2 or above in (0, counted):
        return usual
    squares = kk * counted * counted - 2 * above * counted * kn + above * above * nn
    effect = squares / (above * (counted - above) * counted) * number / (number - 1)
    return max(1.0, usual + (effect - usual) * (number - 1) / (number - 1 + SHRINK))


def sibling_prior(siblings: Iterable[Figures], otherwise: Fraction) -> Prior:
    """Fit a beta to the shares of sibling units by its first two moments, shrunk towards one around the target.

    Without enough siblings the prior stands around the target, `otherwise`, alone. Its mean is never 0 or 1.

    >>> sibling_prior([(5, 5)], Fraction(1)), sibling_prior([(40, 40)] * 5, Fraction(1)).mean
    (Prior(mean=0.98, size=8), 0.98)
    """
    found = [(k, n) for k, n in siblings if n > 0]
    counted = sum(n for _, n in found)
    if len(found) < SIBLINGS_MIN or counted < SIBLING_DOSSIERS_MIN:
        return Prior(_uncertain(float(otherwise)), PRIOR_SIZE)
    mean = sum(k for k, _ in found) / counted
    spread = sum((k - n * mean) ** 2 / n for k, n in found)
    within = (len(found) - 1) * mean * (1 - mean)
    between = (spread - within) / (counted - sum(n * n for _, n in found) / counted)
    size = PRIOR_SIZE_MAX if between <= 0 else mean * (1 - mean) / between - 1
    size = min(max(size, PRIOR_SIZE_MIN), PRIOR_SIZE_MAX)
    weight = len(found) / (len(found) + SIBLINGS_HALF)
    mean = weight * mean + (1 - weight) * float(otherwise)
    return Prior(round(_uncertain(mean), 2), round(PRIOR_SIZE * (size / PRIOR_SIZE) ** weight))


def _uncertain(mean: float) -> float:
    """Return a prior's mean held within its bounds, as a share."""
    return min(max(mean, PRIOR_MEAN_MIN), PRIOR_MEAN_MAX)


def volume(counted: int, elapsed: int, rest: int) -> Volume:
    """Return the volume still to come, where `counted` came in `elapsed` of a profile of which `rest` is left."""
    if rest <= 0 or elapsed <= 0:
        return Volume(0.0, 1.0)
    shape = 1 / (1 / (VOLUME_SHAPE + counted) + VOLUME_DRIFT)
    return Volume(counted * rest / elapsed, shape)


def needed(figures: Figures, target: Fraction, further: int) -> int:
    """Return how many of `further` dossiers have to be above the line: ⌈T·(n + m)⌉ - k; may be negative."""
    total = figures[1] + further
    return -(-target.numerator * total // target.denominator) - figures[0]


def forecast(basis: Basis) -> Forecast:
    """Return how the period will end."""
    (k, n), phi = basis.figures, basis.phi
    target = float(basis.target)
    a, b = basis.beta
    share = a / (a + b)
    mean = basis.volume.mean
    gap = target * (n + mean) - (k + mean * share)
    if mean <= 0:
        ratio = k / n if n else 0.0
        return Forecast(ratio, ratio, ratio, float(k >= basis.target * n), gap)
    if mean < FEW:
        return _each(basis, a, b, gap)
    nodes = [max(1, round(basis.volume.at(z))) for z in NODES]
    met = sum(beta_binomial_at_least(needed(basis.figures, basis.target, m), m, a, b, phi) for m in nodes) / len(nodes)
    middles = [(k + m * share) / (n + m) for m in nodes]
    middle = sum(middles) / len(nodes)
    within = sum(
        m * share * (1 - share) * (phi * (a + b) + m) / (a + b + 1) / ((n + m) * (n + m)) for m in nodes
    ) / len(nodes)  # fmt: skip
    spread = math.sqrt(within + sum((y - middle) ** 2 for y in middles) / len(nodes))
    skew = 2 * (b - a) * math.sqrt(a + b + 1) / ((a + b + 2) * math.sqrt(a * b))
    low, high = k / (n + nodes[-1]), (k + nodes[-1]) / (n + nodes[-1])
    # Sorted, because under much skew the expansion is not monotone in z (rearrangement, Chernozhukov et al. 2010).
    p05, p50, p95 = sorted(
        min(max(middle + spread * (z + skew * (z * z - 1) / 6), low), high) for z in (-Z05, 0.0, Z05)
    )
    return Forecast(p05, p50, p95, met, gap)


def _each(basis: Basis, a: float, b: float, gap: float) -> Forecast:
    """Look at every number of further dossiers, and at every share of them, by itself."""
    (k, n), (mean, shape) = basis.figures, basis.volume
    chance = (shape / (shape + mean)) ** shape
    ends: list[tuple[float, float]] = []
    met = left = 0.0
    m, above = 0, 1.0
    while above > 1e-4 and m < 200:
        above -= chance
        met += chance * beta_binomial_at_least(needed(basis.figures, basis.target, m), m, a, b)
        if n + m:
            term = chance * math.exp(math.lgamma(b + m) + math.lgamma(a + b) - math.lgamma(b) - math.lgamma(a + b + m))
            for x in range(m + 1):
                ends.append(((k + x) / (n + m), term))
                if x < m:
                    term *= (m - x) * (a + x) / ((x + 1) * (b + m - x - 1))
        chance *= (shape + m) / (m + 1) * mean / (shape + mean)
        m += 1
    ends.sort()
    whole = sum(p for _, p in ends)
    quantiles = []
    at = iter(ends)
    ratio = 0.0
    for q in (0.05, 0.5, 0.95):
        while left < q * whole:
            ratio, p = next(at, (ratio, whole))
            left += p
        quantiles.append(ratio)
    return Forecast(quantiles[0], quantiles[1], quantiles[2], min(met, 1.0), gap)


def rounded(share: float) -> str:
    """Return a share or a probability as a decimal text of four digits.

    >>> rounded(0.56556), rounded(-0.0000001), rounded(1.25)
    ('0.5656', '0.0000', '1.2500')
    """
    return f"{round(share, 4) + 0.0:.4f}"
