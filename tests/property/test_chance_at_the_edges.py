"""Probabilities hold at their edges: 0 of n, n of n, nothing counted, targets of 0 % and 100 %, siblings all alike."""

import math
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.alerting.rules import RULES, chance
from models.forecasting.forecast import Basis, Prior, dispersion, effective, forecast, sibling_prior, volume
from models.forecasting.probability import beta_below, beta_binomial_at_least, binomial_at_most, implausible, wilson
from tests.builders import evaluated, event, listed, paid, reading_of, received, resolved, standing

shares = st.fractions(min_value=0, max_value=1, max_denominator=400)
targets = st.one_of(st.just(Fraction(0)), st.just(Fraction(1)), shares)
counts = st.integers(0, 3000)
dossiers = st.tuples(counts, counts).map(lambda pair: (min(pair), max(pair)))
siblings: st.SearchStrategy[list[tuple[int, int]]] = st.one_of(
    st.just([]), st.lists(dossiers, max_size=40), st.tuples(dossiers, st.integers(1, 40)).map(lambda x: [x[0]] * x[1])
)
days = st.lists(st.tuples(st.integers(0, 300), dossiers).map(lambda x: (x[0], *x[1])), max_size=40)
stretch = st.integers(0, 366)


@given(figures=dossiers, p=st.floats(0, 1), share=targets)
@example(figures=(0, 0), p=0.0, share=Fraction(1))
@example(figures=(7, 7), p=5e-324, share=Fraction(0))
def test_a_probability_of_counts_is_one(figures: tuple[int, int], p: float, share: Fraction) -> None:
    k, n = figures

    for found in (
        binomial_at_most(k, n, p),
        binomial_at_most(-1, n, p),
        *wilson(k, n),
        beta_below(p, 0.5 + k, 0.5 + n - k),
    ):
        assert -1e-9 <= found <= 1 + 1e-9
    assert isinstance(implausible(k, n, share, Fraction(1, 20)), bool)
    assert chance(figures, 100 * share) is None or 0 <= float(chance(figures, 100 * share) or 0) <= 1


@given(target=targets, siblings=siblings, days=days, elapsed=stretch, rest=stretch)
@example(target=Fraction(1), siblings=[], days=[(0, 5, 5)], elapsed=100, rest=60)
@example(target=Fraction(0), siblings=[], days=[(0, 0, 5)], elapsed=100, rest=60)
@example(target=Fraction(1), siblings=[(5, 5)] * 4, days=[(0, 3000, 3000)], elapsed=10, rest=300)
@example(target=Fraction(1), siblings=[(99, 99)] * 40, days=[(3, 40, 40)], elapsed=200, rest=1)
def test_a_forecast_is_made_of_any_figures(
    target: Fraction, siblings: list[tuple[int, int]], days: list[tuple[int, int, int]], elapsed: int, rest: int
) -> None:
    figures = sum(k for _, k, _ in days), sum(n for _, _, n in days)
    phi = dispersion(days)
    prior = sibling_prior(siblings, target)
    basis = Basis(figures, target, *effective(days, phi), prior, volume(figures[1], elapsed, rest), phi)

    a, b = basis.beta
    ends = forecast(basis)

    assert a > 0
    assert b > 0
    assert all(map(math.isfinite, ends))
    assert 0 <= ends.p05 <= ends.p50 <= ends.p95 <= 1
    assert -1e-9 <= ends.probability <= 1 + 1e-9


@given(
    prior=st.builds(Prior, st.floats(0.02, 0.98), st.integers(2, 20)), need=st.integers(-3, 400), m=st.integers(0, 400)
)
def test_the_beta_binomial_is_a_probability(prior: Prior, need: int, m: int) -> None:
    a, b = prior.mean * prior.size, (1 - prior.mean) * prior.size

    for phi in (1.0, 1.5, 1e6):
        assert -1e-9 <= beta_binomial_at_least(need, m, a, b, phi) <= 1 + 1e-9


@pytest.mark.long
@pytest.mark.parametrize("above", [0, 3])
@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_indicator_is_judged_where_all_or_none_are_above_the_line(above: int, rule: str) -> None:
    """Every shape of indicator, on every rule, with nobody beside it: 0 of 3 and 3 of 3."""
    reading = reading_of(
        "thai-binh-2024", rule=rule, catalogue=listed(4, "commune", result_document="true"),
        switches=(("electronic_copies", "share"),),
    )  # fmt: skip
    online = "online" if above else "in_person"
    how = {"method": "online" if above else "cash", "gateway": "national" if above else None}
    events = [
        *received(3, "12688", online, "2024-06-03", "d", procedure="1.000001"),
        *paid(3, "12688", "2024-06-04", "d", **how),
        *(
            event("resolved", f"d-{n}", "2024-06-05", version=3, electronic=bool(above), digitised=bool(above))
            for n in range(3)
        ),
        *(
            event("copy-certified", f"d-{n}", "2024-06-06", unit="12688", copy=f"C{n}", electronic=bool(above))
            for n in range(3)
        ),
    ]

    result = evaluated(reading, events, date(2024, 9, 30))

    assert not result.refused
    share = standing(result, "12688", "electronic-copies")
    assert (share["numerator"], share["denominator"]) == (above, 3)


@pytest.mark.parametrize(("year", "target"), [(2026, "90"), (2027, "100"), (2028, "100")])
def test_a_target_that_has_grown_to_a_hundred_percent_is_judged(year: int, target: str) -> None:
    """Hà Tĩnh's targets grow by ten points a year, up to 100 %."""
    reading = reading_of("ha-tinh", rule="evidence", catalogue=listed(4, "district", level="full"))
    unit = "436"

    result = evaluated(reading, resolved(5, unit, "online", f"{year}-03-02", procedure="1.000001"), date(year, 6, 30))

    row = standing(result, unit)
    assert (row["numerator"], row["denominator"], row["target"], row["status"]) == (5, 5, target, "met")
