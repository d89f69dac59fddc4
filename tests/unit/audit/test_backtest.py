"""Rules on trial: cases from files, scores, drawings, and what an alert's stored inputs are worth."""

import contextlib
import json
import subprocess
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from models.forecasting.probability import binomial_at_most
from streams.audit.backtest.drawings import calibration as drawn
from streams.audit.backtest.drawings import first_alerts, frontier
from streams.audit.backtest.funnel import beyond, funnel, spread
from streams.audit.backtest.log import courses_of, read_truth
from streams.audit.backtest.scores import Course, Look, binomial_band, by_chance, calibration, coverage, cycling, scores
from streams.audit.explain import judged_again
from streams.feeds.simulate import Simulation, simulate
from tests.builders import evaluated, received, thai_binh
from tests.commands import typed

ROOT = Path(__file__).parents[3]
TRADE = "34.so-cong-thuong"


def rules(*arguments: str) -> "subprocess.CompletedProcess[str]":
    with contextlib.chdir(ROOT):
        return typed("rules", *arguments)


def test_the_cases_of_the_documents_hold() -> None:
    done = rules("test", "docs/examples/rules.yaml")

    assert (done.returncode, done.stdout.count("ok  ")) == (0, 3), done.stdout + done.stderr


def test_a_case_that_comes_out_otherwise_says_how(tmp_path: Path) -> None:
    text = (ROOT / "docs/examples/rules.yaml").read_text(encoding="utf-8")
    file = tmp_path / "wrong.yaml"
    file.write_text(text.replace("2024-06-20, status: resolved", "2024-06-20, status: retracted"), encoding="utf-8")
    done = rules("test", str(file))

    assert done.returncode == 1
    assert "expected at=2024-06-20, status=retracted" in done.stdout


def test_a_bad_file_of_cases_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "decision: thai-binh-2024\ncases: [{name: x, events: [], until: soon, expect: []}]", encoding="utf-8"
    )
    done = rules("test", str(file))

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cases.0.until" in done.stderr


def courses() -> list[Course]:
    good = Course("a", 300, 50, 60, 100, raises=[])
    alarmed = Course("b", 300, 50, 60, 100, raises=[10], ends=[20])
    caught = Course("c", 300, 50, 30, 100, raises=[100, 200], ends=[150])
    late = Course("d", 300, 50, 30, 100, raises=[200])
    small = Course("e", 300, 50, 1, 3)
    return [good, alarmed, caught, late, small]


def test_scores_count_what_they_say() -> None:
    found = scores(courses())

    assert (found.precision[:2], found.recall[:2]) == ((2, 3), (2, 3))
    assert (found.false[:2], found.half_time[:2]) == ((1, 2), (1, 2))
    assert (found.raises_per_bad, found.lead) == (1.0, 150)


def test_truth_where_it_is_known_goes_before_the_end() -> None:
    unlucky = Course("f", 300, 50, 60, 100, behind=True, raises=[10])

    assert scores([unlucky]).precision[:2] == (1, 1)


def test_calibration_takes_one_forecast_per_course() -> None:
    some = [Course(str(n), 10, 50, 60 if n % 4 else 40, 100) for n in range(40)]
    for course in some:
        course.looks = [Look(1, 0.5, 0.6, 0.7, 0.75), Look(2, 0.59, 0.6, 0.61, 0.75)]
    look = cycling(some)

    assert [(d.said, d.came, d.of) for d in calibration(some, look)] == [(0.75, 0.75, 40)]
    assert coverage(some, look).some == 30


@pytest.mark.long
def test_a_year_backtests_and_its_drawings_are_drawings(tmp_path: Path) -> None:
    reading = thai_binh(rule="evidence")
    truth = tmp_path / "truth.csv"
    truth.write_text(f"unit,indicator,behind\n{TRADE},online-dossiers,true\n", encoding="utf-8")
    found = courses_of(
        reading, enumerate(simulate(reading, Simulation(1_500, 8)), 1), date(2024, 9, 30), read_truth(truth)
    )
    look = cycling(found)

    assert next(c for c in found if c.unit == TRADE and c.behind).looks
    assert scores(found).courses == len(found) > 200
    for svg in (drawn(calibration(found, look), "a < b"), first_alerts({"evidence": [0.2, 2.0]}, "x")):
        assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - our own


def units_at(ratio: int, dossiers: int, phi: float = 1.0) -> Course:
    return Course(f"u{ratio}-{dossiers}", 366, 50, ratio * dossiers // 100, dossiers, phi=phi)


def test_a_funnel_lets_small_units_lie_where_chance_lets_them() -> None:
    small, large, bursty = units_at(30, 20), units_at(40, 1000), units_at(40, 1000, phi=6.0)

    assert [beyond(c) for c in (small, large, bursty, units_at(60, 1000))] == [0, -1, 0, 1]  # 3.09 · 1.58 points
    assert spread(large) == pytest.approx(1.5811, abs=1e-4)
    assert beyond(Course("all", 366, 100, 99, 100)) == 0  # a target of 100 has no chance around it


def test_a_funnel_shows_every_unit_and_its_figures() -> None:
    some = [units_at(30, 20), units_at(40, 1000), units_at(60, 1000), Course("none", 366, 50)]
    svg = funnel(some, "a < b")
    page = ET.fromstring(svg)  # noqa: S314 - our own
    points = page.findall(".//{http://www.w3.org/2000/svg}circle")

    assert len(points) == 3
    assert [p[0].text for p in points] == ["u30-20: 6/20", "u40-1000: 400/1000", "u60-1000: 600/1000"]
    assert len({p.get("fill") for p in points}) == 3
    assert "1 below, 1 within, 1 above" in svg
    assert "no unit with dossiers" in funnel([], "x")


def test_a_frontier_marks_the_goal_and_rules_beyond_the_edge() -> None:
    svg = frontier(
        [(0.0, 0.0), (0.01, 0.9), (1.0, 1.0)], {"evidence": (0.004, 0.85), "literal": (0.5, 1.0)}, "x", (0.03, 0.95)
    )

    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - our own
    assert "literal (50 %)" in svg


def test_a_band_is_that_of_the_binomial() -> None:
    low, high = binomial_band(364, 0.98, 0.95)

    assert binomial_at_most(low - 1, 364, 0.98) <= 0.025 < binomial_at_most(low, 364, 0.98)
    assert binomial_at_most(high - 1, 364, 0.98) < 0.975 <= binomial_at_most(high, 364, 0.98)
    assert by_chance(2, 20) == pytest.approx(0.2642, abs=1e-4)


def test_a_back_test_draws_a_funnel_of_every_proportion(tmp_path: Path) -> None:
    reading, file = thai_binh(rule="evidence"), tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(simulate(reading, Simulation(400, 8))))
    done = rules(
        "backtest", "--decision", "thai-binh-2024", "--events", str(file), "--as-of", "2024-03-31", "--rule", "evidence",
        "--out", str(tmp_path / "out"), "--json",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    drawn_files = {f.name for f in (tmp_path / "out").iterdir()}
    assert {
        "calibration.svg",
        "first-alert.svg",
        "funnel-online-dossiers.svg",
        "funnel-online-payments.svg",
    } <= drawn_files
    assert "funnel-services-with-dossiers.svg" not in drawn_files
    assert list(json.loads(done.stdout)["rules"]) == ["evidence"]


@pytest.mark.long
def test_a_rule_asked_again_by_the_stored_inputs_says_the_same() -> None:
    days = [f"2024-06-{day:02d}" for day in range(3, 29)]
    events = [e for day in days for e in received(1, TRADE, "online", day) + received(5, TRADE, "in_person", day)]
    for rule in ("evidence", "literal", "forecast", "graded"):
        fired = json.loads(json.dumps(evaluated(thai_binh(rule=rule), events, date(2024, 7, 31)).alerts[0]))
        again = judged_again(fired)
        tampered = judged_again(
            {**fired, "inputs": {**fired["inputs"], "numerator": 60, "status": "met", "probability": "0.9"}}
        )

        assert again is not None
        assert again.same, rule
        assert tampered is not None
        assert not tampered.same
