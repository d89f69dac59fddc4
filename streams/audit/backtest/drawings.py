"""Drawings of scores as SVG, by hand: lines, points, bands; they read the same on paper and on a dark screen."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from streams.audit.backtest.scores import Decile

WIDTH, HEIGHT, LEFT, BOTTOM = 420, 320, 48, 40
EDGE = 0.9
"""probability from which a label stands to the left of its point"""
LONG = 44
"""characters from which a title is set smaller, so that it fits"""
COLOURS = ("#0b6e4f", "#c44900", "#3066be", "#7a4988", "#8a8d91", "#b58900")


def page(title: str, body: Sequence[str], width: int = WIDTH, height: int = HEIGHT) -> str:
    """Return a drawing with a title."""
    size = 13 if len(title) < LONG else 11
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11"><rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{LEFT}" y="16" font-size="{size}" font-weight="bold">{escape(title)}</text>'
    )
    return "\n".join([head, *body, "</svg>"]) + "\n"


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - 16), 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 28), 1)


def _axes(across: str, up: str) -> list[str]:
    parts = [f'<path d="M{_x(0)} {_y(1)}V{_y(0)}H{_x(1)}" fill="none" stroke="#444"/>']
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<text x="{_x(tick)}" y="{_y(0) + 14}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{_x(0) - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{_x(0.5)}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>')
    parts.append(
        f'<text x="12" y="{_y(0.5)}" transform="rotate(-90 12 {_y(0.5)})" text-anchor="middle">{escape(up)}</text>'
    )
    return parts


def calibration(deciles: Sequence[Decile], title: str) -> str:
    """Draw what was said against what came, with the band in which chance lets it lie."""
    parts = [*_axes("probability that was said", "share that ended on target"),
             f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="#999" stroke-dasharray="4 3"/>']  # fmt: skip
    for d in deciles:
        parts.append(f'<path d="M{_x(d.said)} {_y(d.low)}V{_y(d.high)}" stroke="#9ec5b5" stroke-width="7"/>')
        parts.append(f'<circle cx="{_x(d.said)}" cy="{_y(d.came)}" r="3.5" fill="{COLOURS[0]}"/>')
        aside, anchor = (-6, "end") if d.said > EDGE else (6, "start")
        parts.append(
            f'<text x="{_x(d.said) + aside}" y="{_y(d.came) - 5}" text-anchor="{anchor}" fill="#555" '
            f'font-size="9">{d.of}</text>'
        )
    return page(title, parts)


def first_alerts(by_rule: Mapping[str, Sequence[float]], title: str) -> str:
    """Draw, per rule, which share of the bad courses had been alerted by each point of the period.

    `by_rule`: for every bad course the share of the period at which it was first alerted, above 1 for never.
    """
    parts = _axes("share of the period", "bad courses alerted by then")
    for n, (rule, firsts) in enumerate(by_rule.items()):
        points = [f"{_x(s / 50)} {_y(sum(f <= s / 50 for f in firsts) / max(1, len(firsts)))}" for s in range(51)]
        colour = COLOURS[n % len(COLOURS)]
        parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{_x(0.62)}" y="{_y(0.42) + 15 * n}" fill="{colour}">{escape(rule)}</text>')
    return page(title, parts)


def frontier(
    points: Sequence[tuple[float, float]],
    rules: Mapping[str, tuple[float, float]],
    title: str,
    goal: tuple[float, float],
) -> str:
    """Draw what the best rule could do, (false, caught) from the strictest on, and what rules did.

    `goal`: false alarms at most, caught at least. Only the corner that matters: false up to 10 %, caught from 70 % on.
    """
    wide, least = 0.10, 0.70

    def place(false: float, caught: float) -> tuple[float, float]:
        return _x(min(false / wide, 1.0)), _y(max((caught - least) / (1 - least), 0.0))

    parts = [f'<path d="M{_x(0)} {_y(1)}V{_y(0)}H{_x(1)}" fill="none" stroke="#444"/>']
    (left, top), (right, bottom) = place(0, 1), place(*goal)
    parts.append(f'<rect x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}" fill="#e3f0ea"/>')
    parts.append(f'<text x="{left + 4}" y="{bottom - 4}" fill="#5b8a78" font-size="9">goal</text>')
    for tick in range(6):
        false, caught = wide * tick / 5, least + (1 - least) * tick / 5
        across, up = place(false, caught)
        parts.append(f'<text x="{across}" y="{_y(0) + 14}" text-anchor="middle">{100 * false:.0f}</text>')
        parts.append(f'<text x="{_x(0) - 6}" y="{up + 4}" text-anchor="end">{100 * caught:.0f}</text>')
    line = "L".join(f"{x} {y}" for x, y in (place(*p) for p in points if p[0] <= wide))
    parts.append(f'<path d="M{line}" fill="none" stroke="{COLOURS[4]}" stroke-width="2"/>')
    parts.append(f'<text x="{_x(0.03)}" y="{_y(0.7)}" fill="{COLOURS[4]}">the best that is possible</text>')
    for n, (rule, (false, caught)) in enumerate(rules.items()):
        across, up = place(false, caught)
        colour = COLOURS[n % len(COLOURS)]
        beyond = f" ({100 * false:.0f} %)" if false > wide else ""
        parts.append(f'<circle cx="{across}" cy="{up}" r="4" fill="{colour}"/>')
        anchor, aside = ("end", -8) if false > wide / 2 else ("start", 8)
        parts.append(
            f'<text x="{across + aside}" y="{up + (12 if n % 2 else -4)}" text-anchor="{anchor}" fill="{colour}">'
            f"{escape(rule + beyond)}</text>"
        )
    parts.append(f'<text x="{_x(0.5)}" y="{HEIGHT - 8}" text-anchor="middle">of those on target, alerted (%)</text>')
    parts.append(
        f'<text x="12" y="{_y(0.5)}" transform="rotate(-90 12 {_y(0.5)})" text-anchor="middle">'
        "misses caught before half-time (%)</text>"
    )
    return page(title, parts)
