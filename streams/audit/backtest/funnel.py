"""A funnel plot: units against their target by how many dossiers they have, with the limits of chance around it.

A table of ratios has the smallest units at both ends; here they lie where chance lets them lie. Limits, 95 % and
99.8 %, allow for days on which dossiers resemble each other (Spiegelhalter 2005, Statistics in Medicine 24:1185).
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Final
from xml.sax.saxutils import escape

from streams.audit.backtest.drawings import BOTTOM, COLOURS, HEIGHT, LEFT, WIDTH, page
from streams.audit.backtest.scores import Course

LIMITS: Final = ((1.959964, "95 %", "4 3"), (3.090232, "99.8 %", ""))
POINTS_MAX: Final = 50
STEPS: Final = 60


def spread(course: Course) -> float:
    """Return the standard deviation, in points, that chance gives a unit at its target with its dossiers and days."""
    target = course.target / 100
    return 100 * math.sqrt(course.phi * target * (1 - target) / course.denominator)


def beyond(course: Course) -> int:
    """Return -1 below the outer limit of its own dossiers and days, 1 above it, else 0."""
    if course.target >= 100:
        return 0
    away = course.ratio - course.target
    return 0 if abs(away) <= LIMITS[-1][0] * spread(course) else -1 if away < 0 else 1


def funnel(courses: Sequence[Course], title: str) -> str:
    """Draw units by dossiers (logarithmic) and points above their target, with limits at the units' usual dispersion.

    A unit is coloured by its own limits, which its days may make wider or narrower than those drawn.
    """
    some = [c for c in courses if c.denominator and 0 < c.target < 100]
    if not some:
        return page(title, [f'<text x="{LEFT}" y="60">no unit with dossiers</text>'])
    target, phi = median(c.target for c in some), median(c.phi for c in some)
    most = max(10, *(c.denominator for c in some))
    high = min(POINTS_MAX, max(10.0, *(abs(c.ratio - c.target) for c in some)))

    def x(dossiers: float) -> float:
        return round(LEFT + math.log(dossiers) / math.log(most) * (WIDTH - LEFT - 16), 1)

    def y(points: float) -> float:
        middle, half = (HEIGHT - BOTTOM + 28) / 2, (HEIGHT - BOTTOM - 28) / 2
        return round(middle - max(-1.0, min(1.0, points / high)) * half, 1)

    parts = [f'<path d="M{x(1)} {y(high)}V{y(-high)}H{x(most)}" fill="none" stroke="#444"/>']
    parts += [
        f'<text x="{x(10**e)}" y="{y(-high) + 14}" text-anchor="middle">{10**e:,}</text>'
        for e in range(int(math.log10(most)) + 1)
    ]
    parts += [
        f'<text x="{LEFT - 6}" y="{y(p) + 4}" text-anchor="end">{f"{p:+.0f}" if p else 0}</text>'
        for p in (-high, -high / 2, 0.0, high / 2, high)
    ]
    for z, said, dashes in LIMITS:
        for sign in (-1, 1):
            at = [most ** (i / STEPS) for i in range(STEPS + 1)]
            points = [(n, sign * z * 100 * math.sqrt(phi * target * (100 - target) / 1e4 / n)) for n in at]
            line = "L".join(f"{x(n)} {y(p)}" for n, p in points if abs(p) <= high)
            parts.append(f'<path d="M{line}" fill="none" stroke="#888" stroke-dasharray="{dashes}"/>' if line else "")
        inner = max(1.0, (z / high) ** 2 * phi * target * (100 - target))
        parts.append(f'<text x="{x(min(most, inner)) + 4}" y="{y(high) + 10}" fill="#888" font-size="9">{said}</text>')
    parts.append(f'<path d="M{x(1)} {y(0)}H{x(most)}" stroke="{COLOURS[2]}"/>')
    for c in sorted(some, key=lambda c: c.unit):
        place = beyond(c)
        colour = COLOURS[1] if place < 0 else COLOURS[0] if place > 0 else "#9aa0a6"
        said = f"{c.unit}: {c.numerator}/{c.denominator}"
        parts.append(
            f'<circle cx="{x(c.denominator)}" cy="{y(c.ratio - c.target)}" r="2.5" fill="{colour}" '
            f'fill-opacity="0.75"><title>{escape(said)}</title></circle>'
        )
    below, within, above = (sum(beyond(c) == place for c in some) for place in (-1, 0, 1))
    found = f"{below} below, {within} within, {above} above; dispersion {phi:.1f}"
    parts.append(
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">dossiers of the unit ({found})</text>'
    )
    parts.append(
        f'<text x="12" y="{y(0)}" transform="rotate(-90 12 {y(0)})" text-anchor="middle">points above the target</text>'
    )
    return page(title, [p for p in parts if p])
