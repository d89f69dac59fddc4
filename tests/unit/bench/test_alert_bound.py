"""The bound of the alert study: nobody does better, and it is no better than it could be."""

import random
from datetime import date
from itertools import pairwise

import pytest

from bench.alert_bound import Case, Population, Unit, best_at, case, frontier
from models.calendar.workdays import SHIPPED

JUNE = SHIPPED.profile(date(2024, 6, 1), date(2024, 6, 30))
FAR = Population((-20.0, 20.0), 0.25, 12, 0.7, 12)
WORKED = [0, 0, 10, 10, 10, 10, 10, 0, 0, 10, 10, 10, 10, 10, 0]
"""dossiers of the first fifteen days of June 2024"""


def days(share: float) -> list[tuple[int, int]]:
    return [(round(n * share), n) for n in WORKED]


@pytest.mark.parametrize("bursty", [False, True])
def test_a_clear_case_is_clear_to_whoever_knows_how_it_was_drawn(*, bursty: bool) -> None:
    bad = case(Unit(50, 200, bursty, days(0.3)), JUNE, FAR, random.Random(1))
    good = case(Unit(50, 200, bursty, days(0.7)), JUNE, FAR, random.Random(1))

    assert (bad.misses > 0.8, bad.meets) == (True, 0.0)
    assert (good.misses, good.meets) == (0.0, 1.0)
    assert bad.odds == float("inf")


def test_what_is_counted_alone_decides_only_as_far_as_it_goes() -> None:
    """A few dossiers leave both ends open; the prior of two kinds decides the rest."""
    unit = Unit(50, 30, bursty=False, days=[(1, 2)])
    found = case(unit, JUNE, FAR, random.Random(2))

    assert 0.2 < found.meets < 0.8


def test_the_frontier_is_concave_and_reaches_everything() -> None:
    rng = random.Random(3)
    cases = [Case(rng.random() ** 2, rng.random() ** 2) for _ in range(200)]
    points = frontier(cases)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points) if b[0] > a[0]]

    assert points[-1] == pytest.approx((1.0, 1.0))
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(slopes))
    assert best_at(points, 0.1) > 0.1
    assert best_at([(0.0, 0.0), (0.0, 0.5), (1.0, 1.0)], 0.5) == pytest.approx(0.75)


def test_no_choice_of_units_catches_more_for_the_same_false_alarms() -> None:
    rng = random.Random(4)
    cases = [Case(rng.random(), rng.random()) for _ in range(30)]
    points, missed, healthy = frontier(cases), sum(c.misses for c in cases), sum(c.meets for c in cases)
    for _ in range(500):
        chosen = [c for c in cases if rng.random() < 0.5]
        false = sum(c.meets for c in chosen) / healthy

        assert sum(c.misses for c in chosen) / missed <= best_at(points, false) + 1e-9
