"""Probabilities that judge counts: binomial tails, exact where a verdict hangs on them, and the beta-binomial.

Floats serve size and display; a verdict at a threshold is settled on integers wherever the float comes near it.
"""

import math
from fractions import Fraction
from typing import Final

NEAR: Final = 1e-6
"""relative distance from a threshold within which a float does not decide. Why: lgamma of some millions is good to
1e-9 of the probability"""
SUMMED_MAX: Final = 160
"""future dossiers up to which the beta-binomial is summed; above, a beta with its first two moments stands in"""


def binomial_at_most(k: int, n: int, p: float) -> float:
    """Return P(X ≤ k) of X ~ Binomial(n, p).

    >>> round(binomial_at_most(4, 10, 0.5), 4), round(binomial_at_most(40, 100, 0.5), 4)
    (0.377, 0.0284)
    """
    if k >= n or p <= 0:
        return 1.0
    if k < 0 or p >= 1:
        return 0.0
    if k > n * p:
        return 1.0 - binomial_at_most(n - k - 1, n, 1 - p)
    log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
    term = total = math.exp(log)
    odds = (1 - p) / p
    i = k
    while i > 0 and term > total * 1e-17:
        term *= i / (n - i + 1) * odds
        total += term
        i -= 1
    return min(total, 1.0)


def implausible(k: int, n: int, p: Fraction, level: Fraction) -> bool:
    """Tell exactly whether P(X ≤ k) ≤ level, X ~ Binomial(n, p): a shortfall that chance does not explain.

    >>> half, five = Fraction(1, 2), Fraction(1, 20)
    >>> implausible(4, 10, half, five), implausible(40, 100, half, five), implausible(0, 1, Fraction(1), five)
    (False, True, True)
    """
    if k >= n or p >= 1:
        return level >= 1 if k >= n else True
    rough = binomial_at_most(k, n, float(p))
    if abs(rough - level) > NEAR * level:
        return rough < level
    a, b = p.numerator, p.denominator
    term = (b - a) ** n
    total = term
    for i in range(k):
        term = term * (n - i) * a // ((i + 1) * (b - a))
        total += term
    return bool(total * level.denominator <= level.numerator * b**n)


def beta_binomial_at_least(need: int, m: int, a: float, b: float, phi: float = 1.0) -> float:
    """Return P(X ≥ need) of X ~ BetaBinomial(m, a, b), a and b above 0.

    `phi` ≥ 1: over-dispersion, as if the m came as m/phi bundles.

    >>> round(beta_binomial_at_least(12, 17, 16.6, 7.4), 4)  # Lee & Liu 2008: 16 of 23, 40 in all, 28 wanted
    0.5656
    """
    if need <= 0:
        return 1.0
    if need > m:
        return 0.0
    if m > SUMMED_MAX or phi > 1:
        mean, bundles = a / (a + b), max(1.0, m / phi)
        variance = mean * (1 - mean) * (a + b + bundles) / (bundles * (a + b + 1))
        if bundles <= 1:
            return mean
        size = mean * (1 - mean) / variance - 1
        return 1.0 - beta_below((need - 0.5) / m, mean * size, (1 - mean) * size)
    if need > (m + 1) * (a / (a + b)):
        return _upward(need, m, a, b)
    return 1.0 - _upward(m - need + 1, m, b, a)


def _upward(x: int, m: int, a: float, b: float) -> float:
    """Sum P(X = x), P(X = x + 1), … of BetaBinomial(m, a, b), smallest term last."""
    lgamma = math.lgamma
    log = (
        lgamma(m + 1) - lgamma(x + 1) - lgamma(m - x + 1)
        + lgamma(x + a) + lgamma(m - x + b) - lgamma(m + a + b)
        + lgamma(a + b) - lgamma(a) - lgamma(b)
    )  # fmt: skip
    term = total = math.exp(log)
    while x < m and term > total * 1e-15:
        term *= (m - x) * (a + x) / ((x + 1) * (b + m - x - 1))
        total += term
        x += 1
    return min(total, 1.0)


def beta_below(x: float, a: float, b: float) -> float:
    """Return P(θ ≤ x) of θ ~ Beta(a, b): the regularised incomplete beta function (continued fraction, Lentz).

    >>> round(beta_below(0.5, 2, 3), 4), beta_below(0, 2, 3), beta_below(1, 2, 3)
    (0.6875, 0.0, 1.0)
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_below(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    tiny = 1e-300
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1))
    h = d
    for i in range(1, 300):
        even = i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i))
        d = 1.0 / (1.0 + even * d or tiny)
        c = 1.0 + even / c or tiny
        h *= d * c
        odd = -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1))
        d = 1.0 / (1.0 + odd * d or tiny)
        c = 1.0 + odd / c or tiny
        h *= d * c
        if abs(d * c - 1.0) < 1e-10:
            break
    return front * h / a


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson interval of a proportion: for drawings at one look, never a trigger.

    Of nothing counted it is all of [0, 1].

    >>> [round(x, 3) for x in (*wilson(1, 3), *wilson(45, 100))], wilson(0, 0)
    ([0.061, 0.792, 0.356, 0.548], (0.0, 1.0))
    """
    if n == 0:
        return 0.0, 1.0
    p, zz = k / n, z * z
    middle = (p + zz / (2 * n)) / (1 + zz / n)
    reach = z * math.sqrt(p * (1 - p) / n + zz / (4 * n * n)) / (1 + zz / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)
