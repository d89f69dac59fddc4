"""A rule over a recorded or simulated log: the courses of all units, with alerts and monthly forecasts."""

import csv
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

from models.calendar.civil_time import EPOCH, civil_day
from models.decisions.reading import Reading
from models.evaluation.evaluation import Evaluator, evaluate
from models.forecasting.forecast import dispersion
from streams.audit.backtest.scores import Course, Look
from streams.errors import BadInput
from streams.files.tables import read_text

Truth = Mapping[tuple[str, str], bool]
"""(unit, indicator) → whether it truly was behind its target"""


def read_truth(path: Path) -> Truth:
    """Read rows of ``unit,indicator,behind`` (true or false). Raises BadInput, naming the line."""
    found = {}
    for line, row in enumerate(csv.DictReader(read_text(path).splitlines(), restval=""), start=2):
        said = (row.get("behind") or "").strip().lower()
        if not row.get("unit") or not row.get("indicator") or said not in ("true", "false"):
            raise BadInput(f"{path}: line {line}: expected unit,indicator,behind with true or false")
        found[row["unit"].strip(), row["indicator"].strip()] = said == "true"
    return found


def courses_of(
    reading: Reading,
    lines: Iterable[tuple[int, bytes]],
    as_of: date,
    truth: Truth,
    on_day: Callable[[str], None] = lambda day: None,  # noqa: ARG005
) -> list[Course]:
    """Return the course of every unit under every indicator that is a matter of chance, up to the end of a day.

    Raises BadInput where the day lies before the period.
    """
    first, last = reading.period(as_of)
    last = min(as_of, last)
    courses = _courses(reading, first, last, truth)

    seen: list[Evaluator] = []

    def evening(evaluator: Evaluator, at: str) -> None:
        on_day(civil_day(at))
        seen[:] = [evaluator]
        day = date.fromisoformat(civil_day(at))
        if day.day == 1 and day > first:
            _look(evaluator, courses, (day - first).days)

    try:
        result = evaluate(reading, lines, last, on_tick=evening)
    except ValueError as exc:
        raise BadInput(str(exc)) from exc
    for s in result.standings:
        course = courses.get((s["unit"], s["indicator"]))
        if course is not None and s["status"] in ("met", "below"):
            course.numerator, course.denominator = s["numerator"], s["denominator"]
    for evaluator in seen:
        _dispersions(evaluator, courses)
    replaced = {(a["unit"], a["indicator"], a["at"]) for a in result.alerts if "replaced_by" in a}
    for a in result.alerts:
        key = a["unit"], a["indicator"]
        if key in courses and (*key, a["at"]) not in replaced:  # one alert that gets graver is one
            day = (date.fromisoformat(civil_day(a["at"])) - first).days
            (courses[key].raises if a["status"] == "firing" else courses[key].ends).append(day)
    return [c for c in courses.values() if c.denominator]


def _courses(reading: Reading, first: date, last: date, truth: Truth) -> dict[tuple[str, str], Course]:
    targets, length = reading.targets(last), (last - first).days + 1
    return {
        (unit, indicator): Course(
            unit, length, float(target.value), behind=truth.get((unit, indicator)), indicator=indicator
        )
        for (unit, indicator), target in targets.targets.items()
        if unit in targets.rows and not reading.indicators[indicator].fulfilled_later
    }


def _look(evaluator: Evaluator, courses: Mapping[tuple[str, str], Course], day: int) -> None:
    """Write down what is forecast this evening."""
    prospects = evaluator.alerts.prospects
    prospects.refresh()
    for (unit, name), course in courses.items():
        indicator = name
        made = prospects.forecast(unit, indicator, evaluator.standings.judge(unit, indicator))
        if made is not None:
            course.looks.append(Look(day, made.p05, made.p50, made.p95, made.probability))


def _dispersions(evaluator: Evaluator, courses: Mapping[tuple[str, str], Course]) -> None:
    """Write down how much the days of each unit vary, now that all are known."""
    standings = evaluator.standings
    last = standings.as_of.toordinal() - EPOCH
    for (unit, name), course in courses.items():
        indicator = name
        if standings.reading.indicators[indicator].count not in ("service", "catalogue"):
            course.phi = dispersion(standings.days(unit, indicator, last))
