"""Draws from tables: quantiles and weights as data, one uniform number at a time."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

HOUR = 3600
DAY = 86_400
"""seconds; every civil day of Viet Nam has as many"""


def quantile(u: float, table: Sequence[float]) -> float:
    """Return the value at probability `u` (0 ≤ u < 1) of quantiles given at equal steps of probability.

    >>> quantile(0.25, (0, 10, 100))
    5.0
    """
    place = u * (len(table) - 1)
    below = int(place)
    low = table[below]
    return low + (table[below + 1] - low) * (place - below)


def between(u: float, low: float, high: float) -> float:
    """Return the value at probability `u` of an even spread from `low` to `high`."""
    return low + (high - low) * u


def cumulative(weights: Iterable[float]) -> list[float]:
    """Return running totals of weights, for a search by bisection."""
    return list(accumulate(weights))


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """Share out `total` whole things by weight; the shares add up to it exactly.

    >>> apportion(10, (1.0, 1.0, 1.0))
    [3, 3, 4]
    """
    running = cumulative(weights)
    bounds = [int(total * (part / running[-1])) for part in running]
    return [bound - before for before, bound in zip([0, *bounds], bounds, strict=False)]
