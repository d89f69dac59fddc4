"""The rules that a head of department can trust: gates, holds, hysteresis, causes; the worked vectors behind them."""

import math
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from models.alerting.rules import Inputs, Verdict, evidence, graded, severity
from models.alerting.rules import forecast as forecast_rule
from models.alerting.transitions import step
from models.calendar.workdays import SHIPPED
from models.dossiers.events import Event, decode
from models.evaluation.evaluation import Evaluation, Evaluator
from models.forecasting.forecast import Basis, Prior, Volume, dispersion, forecast, needed, sibling_prior
from models.forecasting.probability import beta_below, beta_binomial_at_least, binomial_at_most, implausible, wilson
from models.registers.units import Succession, Unit
from models.standings.prospects import extra
from models.wording import share_text
from tests.builders import alerts_of, evaluated, event, received, standing, thai_binh
from tests.conftest import most_are_long
from tests.strategies import lines

TRADE = "34.so-cong-thuong"
COMMUNE = "12688"
HALF = Fraction(1, 2)
FIVE = Fraction(1, 20)


def base(**given: Any) -> Inputs:
    inputs: Inputs = {
        "shape": "proportion", "status": "below", "numerator": 40, "denominator": 100, "expected": "50",
        "target": "50", "days": 366, "days_left": 200, "working_days_left": 140, "stepped": False, "fulfilled_later": False,
        "further": 140, "further_most": 220, "overdue": 0, "ceiling": None, "probability": None, "gap": None,
        "recent": None,
    }  # fmt: skip
    return inputs | given  # type: ignore[return-value]


def of(result: Evaluation, unit: str = TRADE, indicator: str = "online-dossiers") -> list[tuple[str, str, str]]:
    return [
        (a["status"], a["kind"], a["at"][:10])
        for a in result.alerts
        if (a["unit"], a["indicator"]) == (unit, indicator)
    ]


def mixed(online: int, paper: int, day: str, unit: str = TRADE) -> list[dict[str, Any]]:
    return received(online, unit, "online", day) + received(paper, unit, "in_person", day)


# -- chance ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "n", "p", "tail"),
    [(4, 10, 0.5, 0.3770), (40, 100, 0.5, 0.0284), (41, 98, 0.5, 0.0646), (44, 98, 0.45, 0.5337)],
)
def test_binomial_tails(k: int, n: int, p: float, tail: float) -> None:
    assert round(binomial_at_most(k, n, p), 4) == tail


@pytest.mark.parametrize("p", [Fraction(1, 2), Fraction(45, 100), Fraction(7735, 36600), Fraction(1)])
def test_a_verdict_on_chance_is_that_of_integers(p: Fraction) -> None:
    for n in (1, 5, 17, 60):
        for k in range(n + 1):
            exact = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
            assert implausible(k, n, p, FIVE) == (exact <= FIVE)
            assert implausible(k, n, p, exact)  # type: ignore[arg-type]  # at the very threshold: the float cannot tell, integers do
            assert not implausible(k, n, p, exact * (1 - Fraction(1, 10**15))) or exact == 0


def test_the_beta_binomial_is_that_of_lee_and_liu() -> None:
    wanted = next(y for y in range(18) if 1 - beta_below(0.6, 0.6 + 16 + y, 0.4 + 24 - y) > 0.9)

    assert wanted == 12
    assert round(beta_binomial_at_least(wanted, 17, 0.6 + 16, 0.4 + 7), 4) == 0.5656


@pytest.mark.parametrize(("k", "n", "m", "met"), [(1, 3, 4, 0.1231), (13, 31, 60, 0.01116)])
def test_predictive_probabilities_for_a_known_number_still_to_come(k: int, n: int, m: int, met: float) -> None:
    a, b = 0.62 * 8 + k, 0.38 * 8 + n - k

    assert beta_binomial_at_least(needed((k, n), Fraction(3, 5), m), m, a, b) == pytest.approx(met, abs=5e-5)


@pytest.mark.parametrize(("a", "b"), [(16.6, 7.4), (3.0, 40.0), (0.6, 0.4)])
def test_the_beta_binomial_is_a_distribution(a: float, b: float) -> None:
    tails = [beta_binomial_at_least(x, 50, a, b) for x in range(52)]

    assert tails == sorted(tails, reverse=True)
    assert sum(tails[1:]) == pytest.approx(50 * a / (a + b))  # the mean is the sum of the upper tails


def test_wilson_is_for_drawing() -> None:
    assert [round(x, 3) for x in wilson(0, 3)] == [0.0, 0.561]


# -- the forecast ------------------------------------------------------------------------------------------------------


def ends(k: int, n: int, mean: float) -> Any:
    return forecast(Basis((k, n), HALF, k, n, Prior(0.5, 8), Volume(mean, 50)))


def test_a_forecast_stands_around_what_is_known_and_narrows() -> None:
    early, late = ends(20, 50, 450), ends(180, 450, 50)

    assert early.p05 < early.p50 < early.p95
    assert early.p95 - early.p05 > late.p95 - late.p05
    assert late.probability < early.probability < 0.5
    assert late.gap == pytest.approx(50, abs=2)


def test_a_period_that_is_over_is_no_forecast() -> None:
    assert ends(45, 100, 0)[:4] == (0.45, 0.45, 0.45, 0.0)
    assert ends(50, 100, 0).probability == 1.0


@pytest.mark.parametrize("mean", [3.0, 11.9, 12.1, 159.0, 170.0])
def test_few_and_many_are_reckoned_alike(mean: float) -> None:
    """The three ways of reckoning meet where one gives way to the next: against chance drawn one by one."""
    import random

    rng, basis = random.Random(5), Basis((9, 20), HALF, 9, 20, Prior(0.5, 8), Volume(mean, 50))
    a, b = basis.beta
    met = 0
    for _ in range(20_000):
        rate = rng.gammavariate(50, mean / 50)
        m = _poisson(rng, rate)
        share = rng.betavariate(a, b)
        x = (
            sum(rng.random() < share for _ in range(m))
            if m < 40
            else round(rng.gauss(m * share, math.sqrt(m * share * (1 - share))))
        )
        met += 2 * (9 + x) >= 20 + m
    assert forecast(basis).probability == pytest.approx(met / 20_000, abs=0.025)


def _poisson(rng: Any, rate: float) -> int:
    total, count = rng.expovariate(1), 0
    while total < rate:
        total += rng.expovariate(1)
        count += 1
    return count


def test_siblings_make_the_prior_and_it_never_weighs_much() -> None:
    alike = sibling_prior([(60, 100)] * 10, HALF)
    unlike = sibling_prior([(10, 100), (90, 100)] * 5, HALF)

    assert alike == Prior(0.53, 11)  # ten siblings at 60, a third of the way from the target's own Prior(0.5, 8)
    assert unlike == Prior(0.5, 5)
    assert sibling_prior([(60, 100)] * 180, HALF) == Prior(0.59, 18)
    assert sibling_prior([(6, 10)] * 4, HALF) == Prior(0.5, 8)


def test_a_crowded_day_of_one_channel_counts_by_its_size() -> None:
    """Pearson's χ²/df of these days is 1; their sum varies as if a third as many dossiers had come."""
    even = [(n, 1, 2) for n in range(40)]
    crowded = [*even, (40, 20, 20), (41, 0, 20)]

    assert dispersion(even) == 1.0
    assert dispersion(crowded) > 3
    assert dispersion([(0, 4, 10)]) == pytest.approx(1 + 9 * 0.04)  # one day tells nothing: what is usual for its size
    assert dispersion([]) == 1.0


# -- working time ------------------------------------------------------------------------------------------------------


def test_tet_is_no_working_time() -> None:
    days = SHIPPED.profile(date(2024, 1, 1), date(2024, 12, 31))

    assert not SHIPPED.is_working(date(2024, 2, 12))
    assert days.back(date(2024, 2, 15), 2) == date(2024, 2, 7)
    assert SHIPPED.last_due(date(2024, 2, 14)) == date(2024, 2, 6)  # what came on the 7th is due on the 15th
    assert days.until(date(2024, 12, 31)) == days.until(date(2024, 6, 30)) + days.after(date(2024, 6, 30))


# -- evidence ----------------------------------------------------------------------------------------------------------


def test_a16_a_shortfall_that_chance_explains_is_no_alert() -> None:
    assert evidence(base(numerator=4, denominator=10)).kind is None
    assert evidence(base()) == Verdict("below-trajectory", clear=False, hold=3)


def test_a16_through_the_machine_under_the_default_rule() -> None:
    reading = thai_binh(rule="evidence")

    assert of(evaluated(reading, mixed(4, 6, "2024-06-06"), date(2024, 11, 30))) == []
    assert of(evaluated(reading, mixed(40, 60, "2024-06-06"), date(2024, 11, 30))) == [
        ("firing", "below-trajectory", "2024-06-10")
    ]


@pytest.mark.parametrize("rule", most_are_long(["evidence", "graded", "forecast"], 2))
def test_a15_the_first_dossier_is_no_alert_and_zero_is_a_value(rule: str) -> None:
    result = evaluated(thai_binh(rule=rule), received(1, COMMUNE, "in_person", "2024-06-03"), date(2024, 11, 1))

    assert standing(result, COMMUNE)["status"] == "below"
    assert standing(result, "34.so-y-te")["status"] == "no-dossiers"
    assert result.alerts == []


def test_an_alert_opens_on_the_third_working_day_and_ends_when_the_unit_is_back() -> None:
    events = mixed(40, 60, "2024-06-06") + received(20, TRADE, "online", "2024-06-20")  # a Thursday
    result = evaluated(thai_binh(rule="evidence"), events, date(2024, 7, 31))

    assert of(result) == [("firing", "below-trajectory", "2024-06-10"), ("resolved", "below-trajectory", "2024-06-20")]


def test_a_daily_rule_is_asked_once_an_evening_and_no_evening_is_left_out() -> None:
    evaluator = Evaluator(thai_binh(rule="evidence"), date(2024, 1, 1))
    for line in lines(mixed(40, 60, "2024-06-06")):
        decoded = decode(line)
        assert isinstance(decoded, Event)
        evaluator.take(decoded)
    often = ["2024-06-06T23:00:00+07:00", *["2024-06-06T23:59:59+07:00"] * 3, "2024-06-07T12:00:00+07:00"]

    assert [t for at in often for t in evaluator.tick(at)] == []
    assert [t["at"][:10] for t in evaluator.tick("2024-06-12T00:01:00+07:00")] == ["2024-06-10"]


def test_a_period_that_is_over_raises_nothing_and_late_facts_still_retract() -> None:
    evaluator = Evaluator(thai_binh(rule="evidence"), date(2024, 1, 1))
    late = event(
        "received",
        "late",
        "2025-01-08",
        version=1,
        unit=TRADE,
        channel="online",
        received_at="2024-06-06T09:00:00+07:00",
    )

    def take(events: list[dict[str, Any]]) -> None:
        for line in lines(events):
            decoded = decode(line)
            assert isinstance(decoded, Event)
            evaluator.take(decoded)

    take(mixed(40, 60, "2024-06-06") + mixed(0, 50, "2024-12-31", COMMUNE))
    raised = [t for day in range(1, 32) for t in evaluator.tick(f"2024-12-{day:02d}T23:59:59+07:00")]
    assert {t["unit"] for t in raised} == {TRADE}
    take([{**late, "id": f"l{n}", "dossier": f"late-{n}"} for n in range(20)])
    after = [t for day in range(1, 20) for t in evaluator.tick(f"2025-01-{day:02d}T23:59:59+07:00")]

    assert [(t["status"], t["unit"]) for t in after] == [("retracted", TRADE)]


def test_in_the_last_thirty_days_the_ratio_is_judged_as_it_is() -> None:
    result = evaluated(thai_binh(rule="evidence"), mixed(4, 6, "2024-11-01"))

    assert of(result) == [("firing", "below-trajectory", "2024-12-04")]  # 2 December is the first of the last 30 days


def test_a12_late_facts_retract_and_say_so() -> None:
    late = [
        event("received", f"late-{n}", "2024-07-05", version=1, unit=TRADE, channel="online", received_at="2024-06-06T09:00:00+07:00")
        for n in range(20)
    ]  # fmt: skip
    result = evaluated(thai_binh(rule="evidence"), mixed(40, 60, "2024-06-06") + late, date(2024, 7, 31))

    assert [s for s, _, _ in of(result)] == ["firing", "retracted"]
    assert "đến muộn" in result.alerts[-1]["reason"]


def test_the_same_events_under_literal_fire_at_once() -> None:
    assert alerts_of(evaluated(thai_binh(), mixed(4, 6, "2024-06-06")), TRADE) == [("firing", "2024-06-06")]


def test_a20_alerts_of_an_heir_wait_for_its_target() -> None:
    units = (Unit("99001", "Xã mới", "commune", "340"),)
    old = (thai_binh().registry.communes_of("340")[0], thai_binh().registry.communes_of("336")[0])  # 50 and 55
    rows = tuple(Succession(date(2024, 8, 1), code, "99001") for code in old)
    reading = thai_binh(units=units, successions=rows, rule="evidence")
    result = evaluated(reading, [e for code in old for e in mixed(20, 80, "2024-06-06", code)], date(2024, 9, 30))

    assert {a["unit"] for a in result.alerts if a["status"] == "firing"} == set(old)
    assert {a["at"][:10] for a in result.alerts if a["status"] == "resolved"} == {"2024-08-01"}
    assert standing(result, "99001")["status"] == "below"


def test_a23_a_gap_is_named_when_a_working_day_has_passed() -> None:
    done = {"digitised": True, "electronic": True}
    events = [
        event("result-issued", f"d{n}", "2024-06-07T09:00:00+07:00", version=1, unit=TRADE, resolved_at="2024-06-07T09:00:00+07:00", **done)
        for n in range(199)
    ]  # fmt: skip
    missing = event(
        "result-issued", "late", "2024-06-07T10:00:00+07:00", version=1, unit=TRADE, electronic=True
    )  # a Friday
    same_day = event("corrected", "late", "2024-06-07T15:00:00+07:00", version=2, digitised=True)
    later = event("corrected", "late", "2024-06-12T15:00:00+07:00", version=2, digitised=True)
    reading = thai_binh(rule="evidence")

    assert of(evaluated(reading, [*events, missing, same_day]), indicator="digitised-results") == []
    result = evaluated(reading, [*events, missing, later], date(2024, 7, 31))
    assert of(result, indicator="digitised-results") == [
        ("firing", "completeness-gap", "2024-06-10"),
        ("resolved", "completeness-gap", "2024-06-12"),
    ]
    fired = result.alerts[0]
    assert (fired["dossiers"], fired["missing"], fired["numerator"], fired["denominator"]) == (["late"], 1, 199, 200)


def test_a_gap_lists_twenty_dossiers_and_says_how_many_there_are() -> None:
    events = [
        event("result-issued", f"d{n:02d}", "2024-06-06", version=1, unit=TRADE, electronic=True) for n in range(25)
    ]
    result = evaluated(thai_binh(rule="evidence"), events, date(2024, 6, 30))
    fired = next(a for a in result.alerts if a["indicator"] == "digitised-results")

    assert fired["missing"] == 25
    assert fired["dossiers"] == [f"d{n:02d}" for n in range(20)]


def test_a25_what_the_catalogue_forbids_is_the_catalogues_matter() -> None:
    verdict = evidence(base(numerator=500, denominator=1000, expected="55", target="55", ceiling="50"))

    assert (verdict.kind, verdict.cause) == ("unreachable", "catalogue")


def test_out_of_reach_is_said_at_once_and_takes_the_place_of_the_milder_alert() -> None:
    events = mixed(180, 220, "2024-06-05") + received(2_000, TRADE, "in_person", "2024-11-04")
    result = evaluated(thai_binh(rule="evidence"), events, date(2024, 11, 20))

    assert of(result) == [
        ("firing", "below-trajectory", "2024-06-07"),
        ("resolved", "below-trajectory", "2024-11-04"),
        ("firing", "unreachable", "2024-11-04"),
    ]
    assert result.alerts[-1]["severity"] == "critical"
    assert result.alerts[-2]["replaced_by"] == "unreachable"
    assert standing(result, TRADE)["assurance"] == "unreachable"


def test_a_target_that_steps_up_is_one_cause_and_waits() -> None:
    rows = (
        (TRADE, "online-dossiers", "2024-01-01", "30", "step"),
        (TRADE, "online-dossiers", "2024-07-01", "50", "step"),
    )
    result = evaluated(thai_binh(rule="evidence", trajectories=rows), mixed(40, 60, "2024-06-03"), date(2024, 8, 31))
    fired = result.alerts[0]

    assert of(result) == [("firing", "below-trajectory", "2024-07-12")]  # the tenth working day
    assert (fired["cause"], fired["group"]) == ("target-step", "thai-binh-2024/online-dossiers/target-step")


# -- forecast ----------------------------------------------------------------------------------------------------------


def test_the_forecast_rule_has_two_thresholds() -> None:
    def asked(probability: str) -> Verdict:
        return forecast_rule(base(probability=probability, gap="20.0", recent="0.1"))

    assert asked("0.0400").kind == "forecast-miss"
    assert asked("0.1000") == Verdict(None, clear=False)
    assert asked("0.2500").clear
    assert forecast_rule(base(probability="0.0100", gap="1.5", recent="0.1")).kind is None
    assert forecast_rule(base(probability="0.0100", gap="20.0", recent="0.4")).kind is None


def test_the_forecast_rule_warns_long_before_the_end() -> None:
    events = [e for day in range(3, 29) for e in mixed(1, 3, f"2024-06-{day:02d}")]
    result = evaluated(thai_binh(rule="forecast"), events, date(2024, 6, 28))

    assert [(s, k) for s, k, _ in of(result)] == [("firing", "forecast-miss")]
    assert Fraction(result.alerts[0]["probability_met"] or "1") < Fraction(5, 100)


# -- graded ------------------------------------------------------------------------------------------------------------


def test_the_surer_a_miss_the_shorter_it_is_held() -> None:
    def hold(probability: str, days: int) -> int | None:
        verdict = graded(base(probability=probability, gap="20.0", days=days))
        return verdict.hold if verdict.kind else None

    assert [hold(p, 30) for p in ("0.0249", "0.0250", "0.0500", "0.1000")] == [1, 2, 5, None]
    assert [hold(p, 366) for p in ("0.0249", "0.0250", "0.0500", "0.1000")] == [13, 26, 61, None]
    assert [hold(p, 14) for p in ("0.0249", "0.0250", "0.0500")] == [1, 1, 2]


def test_graded_wants_something_at_stake_and_a_unit_that_is_behind() -> None:
    sure = base(probability="0.0010", gap="12.0", further=140)  # of 240 in all, 12 are 5 points

    assert graded(sure).kind == "forecast-miss"
    assert graded({**sure, "gap": "11.9"}) == Verdict(None, clear=False)
    assert graded({**sure, "gap": "4.9", "denominator": 10, "further": 10}) == Verdict(None, clear=False)
    assert graded({**sure, "status": "met"}).clear
    assert graded({**sure, "stepped": True})[2:] == (13, "target-step")
    assert graded({**sure, "days": 30, "stepped": True}).hold == 10
    assert graded(base(shape="completeness", overdue=1)).kind == "completeness-gap"
    assert graded(base(numerator=0, denominator=400, further=10, further_most=20)).kind == "unreachable"


def test_the_graded_rule_over_a_year_warns_once_and_ends_when_the_unit_is_back() -> None:
    events = [e for day in range(3, 29) for e in mixed(1, 5, f"2024-06-{day:02d}")]
    back = received(120, TRADE, "online", "2024-07-10")
    result = evaluated(thai_binh(rule="graded"), events + back, date(2024, 7, 31))

    assert [(s, k) for s, k, _ in of(result)] == [("firing", "forecast-miss"), ("resolved", "forecast-miss")]
    assert of(result)[-1][2] == "2024-07-10"
    assert Fraction(result.alerts[0]["probability_met"] or "1") < Fraction(2, 100)


# -- the machine -------------------------------------------------------------------------------------------------------


def test_one_good_evening_begins_the_count_again_and_weekends_do_not_count() -> None:
    wanted, nothing = Verdict("below-trajectory", clear=False, hold=3), Verdict(None, clear=True)
    rule: Mapping[str, Any] = {}
    for verdict, working in (
        (wanted, True),
        (wanted, True),
        (nothing, True),
        (wanted, True),
        (wanted, False),
        (wanted, True),
    ):
        rule, kind = step(rule, None, verdict, working=working)
        assert kind is None

    assert step(rule, None, wanted, working=True).kind == "below-trajectory"


def test_what_flaps_stays_open_until_it_is_steady() -> None:
    wanted, nothing = Verdict("below-trajectory", clear=False), Verdict(None, clear=True)
    rule: Any = {}
    kind: Any = None
    history = []
    for n in range(24):
        rule, kind = step(rule, kind, wanted if n % 2 == 0 and n < 12 else nothing, working=True)
        history.append(kind)

    assert history[:12].count(None) == 2  # two ends, then it stayed open
    assert history[-1] is None


def test_severity_needs_dossiers_behind_it() -> None:
    assert severity("below-trajectory", base(probability="0.0010", gap="30.0")) == "critical"
    assert severity("below-trajectory", base(probability="0.0010", gap="4.0")) == "warning"
    assert severity("below-trajectory", base(probability="0.0010", gap="4.0", denominator=8, further=4)) == "warning"


# -- what a standing says ----------------------------------------------------------------------------------------------


def test_the_three_senses_of_what_is_missing() -> None:
    assert extra((400, 1000), Fraction(50)) == 200
    assert share_text(Fraction(500 * 1500 - 400 * 1000, 500 * 1000)) == "0.7000"


def test_a_standing_says_what_is_still_to_come() -> None:
    events = [e for day in range(3, 29) for e in mixed(2, 3, f"2024-06-{day:02d}")]
    found = standing(evaluated(thai_binh(rule="evidence"), events, date(2024, 6, 28)), TRADE)
    needed_of = found["still_needed"]

    assert needed_of["instead"] == found["shortfall"] == 13
    assert needed_of["extra"] == 26
    assert Fraction(found["required_ratio"] or "0") == pytest.approx(
        Fraction(needed_of["of_rest"], needed_of["rest"]), abs=0.01
    )
    assert found["forecast"] is not None
    assert Fraction(found["forecast"]["p05"]) < Fraction(found["forecast"]["p50"]) < Fraction(found["forecast"]["p95"])
    assert Fraction(found["probability_met"] or "1") < Fraction(1, 10)
    assert found["assurance"] == "unlikely"


def test_zero_dossiers_have_no_prospects() -> None:
    found = standing(evaluated(thai_binh(rule="evidence"), []), TRADE)

    assert (found["required_ratio"], found["forecast"], found["probability_met"]) == (None, None, None)


# -- feeds -------------------------------------------------------------------------------------------------------------


def a_year(until: date, per_day: int = 10, *, paper: bool = False) -> list[dict[str, Any]]:
    events = []
    for n in range(date(2024, 4, 1).toordinal(), until.toordinal() + 1):
        day = date.fromordinal(n)
        if SHIPPED.is_working(day):
            events += received(per_day, TRADE, "in_person" if paper else "online", day.isoformat())
    return events


def test_a_silent_feed_is_one_alert_and_freezes_the_units_behind_it() -> None:
    events = a_year(date(2024, 6, 28))
    result = evaluated(thai_binh(rule="evidence"), events, date(2024, 7, 31))

    assert [(a["status"], a["kind"], a["unit"], a["at"][:10]) for a in result.alerts] == [
        ("firing", "source-silent", "34", "2024-07-02")
    ]


def test_a_feed_that_speaks_again_ends_its_alert() -> None:
    events = a_year(date(2024, 6, 28)) + received(5, TRADE, "online", "2024-07-10")
    result = evaluated(thai_binh(rule="evidence"), events, date(2024, 7, 10))

    assert [(a["status"], a["at"][:10]) for a in result.alerts if a["kind"] == "source-silent"] == [
        ("firing", "2024-07-02"),
        ("resolved", "2024-07-10"),
    ]


def test_a_unit_that_no_registry_knows_is_a_finding_once_it_counts() -> None:
    result = evaluated(thai_binh(rule="evidence"), received(20, "88888", "online", "2024-06-03"), date(2024, 6, 30))

    assert [(a["kind"], a["unit"], a["severity"]) for a in result.alerts] == [("data-quality", "88888", "info")]
    assert evaluated(thai_binh(rule="evidence"), received(3, "88888", "online", "2024-06-03")).alerts == []
