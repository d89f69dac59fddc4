"""The order of a digest, and how much of it chance may account for.

A digest looks at hundreds of units each morning; among so many, some look bad by chance. Alerts stand in the order of
their gravity, then of the evidence, and Benjamini and Hochberg's procedure (1995) says how many of them stand when all
that was looked at is taken together.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from models.alerting.operator_actions import SEVERITIES
from models.forecasting.probability import binomial_at_most
from models.notification.outbox import Line

FALSE_DISCOVERY_RATE: Final = 0.05


def evidence(line: Line) -> float | None:
    """Return the probability that chance alone leaves a unit this far behind; None where chance has no part.

    A count of what is missing, a figure out of reach and a silent source are facts, not samples.
    """
    inputs = line.fired.get("inputs")
    if line.now["kind"] not in ("below-trajectory", "forecast-miss") or inputs is None:
        return None
    if inputs["shape"] != "proportion" or inputs["expected"] is None or not inputs["denominator"]:
        return None
    expected = float(Fraction(inputs["expected"])) / 100
    return binomial_at_most(inputs["numerator"], inputs["denominator"], expected)


def ranked(lines: Iterable[Line]) -> list[Line]:
    """Return lines, the gravest first, then those with the strongest evidence, then those most dossiers behind."""

    def place(line: Line) -> tuple[int, float, int, str]:
        grave = -SEVERITIES.index(line.now["severity"])
        return grave, evidence(line) or 0.0, -line.shortfall, line.now["fingerprint"]

    return sorted(lines, key=place)


def discoveries(probabilities: Sequence[float], looked_at: int, rate: float = FALSE_DISCOVERY_RATE) -> int:
    """Return how many of the smallest probabilities stand among all that were looked at (Benjamini and Hochberg).

    Those looked at and not given count as 1: the answer is never too high.

    >>> discoveries([0.001, 0.008, 0.039, 0.041], 4), discoveries([0.001, 0.008, 0.039, 0.041], 400)
    (4, 0)
    """
    tests = max(looked_at, len(probabilities))
    return max((n for n, p in enumerate(sorted(probabilities), start=1) if p * tests <= rate * n), default=0)
