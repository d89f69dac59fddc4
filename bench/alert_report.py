"""The figures of the alert study, and how they are written and drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.alert_bound import best_at
from streams.audit.backtest.drawings import calibration as drawn
from streams.audit.backtest.drawings import first_alerts, frontier
from streams.audit.backtest.funnel import beyond, funnel
from streams.audit.backtest.scores import (
    HEALTHY_DOSSIERS,
    MISS_DOSSIERS,
    MISS_POINTS,
    Course,
    Decile,
    Share,
    by_chance,
    calibration,
    coverage,
    cycling,
    deciles,
    scores,
)

MONTH_DAYS = 30
UNITS = 284
"""of one province"""
GOAL = (0.03, 0.95)
"""false alarms at most, misses caught before half-time at least"""


def write(
    out: Path,
    worlds: Sequence[Any],
    results: Mapping[str, Mapping[str, Sequence[Any]]],
    bounds: Mapping[str, Sequence[tuple[float, float]]],
    how: str,
) -> None:
    """Write docs/alert-study.md and its drawings under docs/images."""
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, str] = {}
    parts = [_head(how)]
    if {"month", "month-even", "year"} <= results.keys():
        parts += [_goals(results, rule) for rule in ("evidence", "graded")]
        parts += [_calibrated(results), _alerts_calibrated(results)]
    for world in worlds:
        found = results.get(world.name)
        if not found:
            continue
        parts += [f"\n## {world.title[0].upper()}{world.title[1:]}\n", _table(found), _by_volume(found)]
        if world.name in bounds:
            parts.append(_bound(world.name, bounds[world.name]))
            drawings[f"bound-{world.name}"] = frontier(bounds[world.name], _places(found), world.title, GOAL)
        parts.append(f"\n![first alerts](images/first-alert-{world.name}.svg)\n")
        firsts = {
            rule: [c.raises[0] / c.length if c.raises else 2.0 for c in _courses(units) if not c.met]
            for rule, units in found.items()
        }
        drawings[f"first-alert-{world.name}"] = first_alerts(firsts, f"Alerted by then: {world.title}")
        courses = _forecast_of(found)
        classes = calibration(courses, cycling(courses))
        drawings[f"calibration-{world.name}"] = drawn(classes, f"Forecast: {world.title}")
        parts.append(_forecast(courses, classes, world))
        if world.name == "year":
            one = _courses(found["evidence"])[:UNITS]
            drawings["funnel-year"] = funnel(one, "One province at the end of its year")
            parts.append(_funnel(one))
    parts.append(_foot())
    for name, drawing in drawings.items():
        (images / f"{name}.svg").write_text(drawing, encoding="utf-8")
    (out / "alert-study.md").write_text("\n".join(parts), encoding="utf-8")


def _courses(units: Sequence[Any]) -> list[Course]:
    return [u.course for u in units if u.course.denominator]


def _forecast_of(found: Mapping[str, Sequence[Any]]) -> list[Course]:
    """Return the courses whose forecasts are judged: none of units that do better because they were warned."""
    return _courses([u for u in found["evidence"] if not u.reacts])


def _head(how: str) -> str:
    return f"""# What the alert rules are worth

Written by `python -m bench.alert_study {how}`; the same command gives the same figures. Not a measurement of
any real province: units are drawn, so that the truth is known.

**Worlds.** Provinces of 284 units with Thái Bình's targets for the online ratio. A third of the units is truly 5 to 25
points above its target, a third within 5 points of it, a third 8 to 30 points below. *Without kinds*: the units' true
shares scatter evenly around one point below the target (normal, 14 points). A unit receives 3, 10, 30, 100 or 300 dossiers
a month, by the working calendar. Four of ten are bursty: days bring several times the usual or nothing, mostly of one
channel. A quarter drifts by up to 12 points over the period. In the last world half of the units that are warned do 15
points better from a week later.

**Rules.** `evidence` (default), `graded`, `forecast` and `literal` as they run, asked every evening. `wilson`: the upper end
of the 95 % Wilson interval lies below the target, looked at every evening. `burn-rate`: the last 14 and the last 3 days
both burn the budget of paper 1.3 times too fast; the usual multipliers (14.4, 6) can never be reached at a target of 50 %.

**Columns.** *False*: of units that end on target with {HEALTHY_DOSSIERS} dossiers or more, those ever alerted. *Caught*: of those that
miss by {MISS_POINTS} points or more with {MISS_DOSSIERS} dossiers or more, those alerted before half of the period is over. *Raises*: alerts per
unit that ends below. *First*: median share of the period at the first alert of such a unit. Brackets: Wilson, 95 %.
"""


def _goals(results: Mapping[str, Mapping[str, Sequence[Any]]], rule: str) -> str:
    """Hold a rule against the goals, month by month of the year and period by period."""
    false, caught, raises = _unit_months(results["year"][rule])
    month, even, year = (
        scores(_by_end(c) for c in _courses(results[w][rule])) for w in ("month", "month-even", "year")
    )
    title = (
        "The default rule, `evidence`, against the goals" if rule == "evidence" else f"The rule `{rule}` against them"
    )
    return f"""
## {title}

| goal | unit-months of the year | a month as one period | the same without kinds | the year as one period |
|--|--|--|--|--|
| of those that end on target, alerted: at most 3 % | {_said(false, 3)} | {_said(month.false, 3)} | {_said(even.false, 3)} | {_said(year.false, 3)} |
| misses of {MISS_POINTS} points, alerted before half-time: at least 95 % | {_said(caught, -95)} | {_said(month.half_time, -95)} | {_said(even.half_time, -95)} | {_said(year.half_time, -95)} |
| raises per bad one: at most 1.1 | {raises:.2f} | {month.raises_per_bad or 0:.2f} | {even.raises_per_bad or 0:.2f} | {year.raises_per_bad or 0:.2f} |
{_UNIT_MONTH if rule == "evidence" else ""}"""


_UNIT_MONTH = """
A *unit-month* is a unit and 30 days of the year: it ends on target or below it by its cumulative ratio, as the decisions
judge; it is alerted falsely if an alert is raised in it and it ends on target; a miss is alerted if an alert stands or is
raised before its half. This is the lenient view: a unit alerted in March and on target in December is a false alarm of the
last column alone. *met*, *not met* go by the share itself; where the bracket spans the goal, chance could have it otherwise.
"""


def _calibrated(results: Mapping[str, Mapping[str, Sequence[Any]]]) -> str:
    """Say whether probabilities come true, over all deciles of the worlds that a forecast can know."""
    lines = []
    for worlds, what in (
        (("month-even", "year-even"), "without kinds, a month and a year"),
        (("month", "year"), "of three kinds, a month and a year"),
    ):
        some = [_forecast_of(results[w]) for w in worlds if w in results]
        classes = [d for courses in some for d in calibration(courses, cycling(courses))]
        jointly = [d for c in some for d in calibration(c, cycling(c), 1 - 0.05 / max(1, len(classes)))]
        outside, beyond = (sum(not d.holds for d in ds) for ds in (classes, jointly))
        held = " and ".join(coverage(courses, cycling(courses)).text() for courses in some)
        lines.append(
            f"| {what} | {len(classes) - outside} of {len(classes)} ({100 * by_chance(outside, len(classes)):.0f} %) | "
            f"{len(classes) - beyond} of {len(classes)} | {held} |"
        )
    return f"""
## Whether probabilities come true

| provinces | deciles within their own band | within the joint band | 90 % intervals held (goal: 88 to 92 %) |
|--|--|--|--|
{chr(10).join(lines)}

Forecasts are sorted into ten classes by the probability that was said. The *own band* of a class is the binomial's with the
mean of what was said: 95 % of forecasts that are right lie in it. Of twenty classes one is outside by chance; in brackets,
how often chance alone has as many outside or more. The *joint band* holds all of a line's classes together in 95 % of cases
(Bonferroni). One forecast per unit, at a tenth of the period that goes round, so that cases are independent.

In a province of three kinds no unit is truly 5 to 8 points below its target, and a third lie within five points of it. No
forecast can know that, and none is told: what is left outside there is what such a province costs. The small units'
intervals are wider than 90 % because a count of three dossiers has few outcomes.
"""


def _alerts_calibrated(results: Mapping[str, Mapping[str, Sequence[Any]]]) -> str:
    """Say of alerts, by the probability of ending on target that they gave, how many ended on target."""
    lines = []
    for rule in ("evidence", "graded"):
        for worlds, what in ((("month-even", "year-even"), "without kinds"), (("month", "year"), "of three kinds")):
            courses = [c for w in worlds for c in _courses(results.get(w, {}).get(rule, ()))]
            for d in deciles((c.warned, c.met) for c in courses if c.warned is not None):
                came = f"{d.came:.3f}" if d.holds else f"**{d.came:.3f}**"
                lines.append(f"| {rule} | {what} | {d.said:.3f} | {came} | {d.low:.3f}–{d.high:.3f} | {d.of} |")
    return f"""
**Of alerts.** Units by the probability of ending on target that their first alert gave, a month and a year together. This is
what a head of department reads; an alert is raised when things look worst, and the probability has to be true all the same.

| rule | provinces | said | ended on target | band of 95 % | units |
|--|--|--|--|--|--|
{chr(10).join(lines)}
"""


def _bound(name: str, points: Sequence[tuple[float, float]]) -> str:
    said = ", ".join(f"{100 * best_at(points, f):.1f} % at {100 * f:.0f} %" for f in (0.01, 0.02, 0.03, 0.05))
    return f"""
**What is possible at all.** Whoever knew how the province is drawn, each unit's volume and whether it is bursty, and
decided at half-time by the odds of a miss, would catch {said} false.
No rule does better, by Neyman and Pearson (`bench/alert_bound.py`).

![bound](images/bound-{name}.svg)
"""


def _places(found: Mapping[str, Sequence[Any]]) -> dict[str, tuple[float, float]]:
    """Return where each rule lies: (false, caught), shares."""
    places = {}
    for rule, units in found.items():
        s = scores(_by_end(c) for c in _courses(units))
        places[rule] = ((s.false.percent or 0.0) / 100, (s.half_time.percent or 0.0) / 100)
    return places


def _funnel(courses: Sequence[Course]) -> str:
    places = [beyond(c) for c in courses]
    raw = sum(not c.met for c in courses)
    return f"""
**Comparing units.** Of one province's {len(courses)} units {raw} ended below their targets; {places.count(-1)} of them by more than chance
leaves to a unit with so many dossiers and such days (99.8 %), {places.count(1)} ended above by as much. The smallest stand at both
ends of a list of ratios, and within the funnel.

![funnel](images/funnel-year.svg)
"""


def _said(share: Share, goal: float) -> str:
    percent = share.percent
    if percent is None:
        return "–"
    met = percent <= goal if goal > 0 else percent >= -goal
    return f"{'met' if met else '**not met**'}: {share.text()}"


def _unit_months(units: Sequence[Any]) -> tuple[Share, Share, float]:
    healthy = false = missed = caught = bad = raised = 0
    for life in units:
        course, k, n = life.course, 0, 0
        for first in range(0, course.length - MONTH_DAYS + 1, MONTH_DAYS):
            days = life.days[first : first + MONTH_DAYS]
            k, n = k + sum(d[0] for d in days), n + sum(d[1] for d in days)
            within = [r for r in course.raises if first <= r < first + MONTH_DAYS]
            half = first + MONTH_DAYS // 2
            stands = any(r < half for r in course.raises) and _open_at(course, half)
            met = 100 * k >= course.target * n
            if met and n >= HEALTHY_DOSSIERS:
                healthy, false = healthy + 1, false + bool(within)
            if not met and n:
                bad, raised = bad + 1, raised + len(within)
            if n >= MISS_DOSSIERS and course.target - 100 * k / n >= MISS_POINTS:
                missed, caught = missed + 1, caught + (stands or any(r < half for r in within))
    return Share(false, healthy), Share(caught, missed), raised / max(1, bad)


def _open_at(course: Course, day: int) -> bool:
    return sum(r < day for r in course.raises) > sum(e < day for e in course.ends)


def _table(found: Mapping[str, Sequence[Any]]) -> str:
    lines = ["| rule | false | caught | raises | first | precision | recall |", "|--|--|--|--|--|--|--|"]
    for rule, units in found.items():
        s = scores([_by_end(c) for c in _courses(units)])
        lines.append(
            f"| {rule} | {s.false.text()} | {s.half_time.text()} | {s.raises_per_bad or 0:.2f} | "
            f"{100 * (s.first or 0):.0f} % | {s.precision.text()} | {s.recall.text()} |"
        )
    return "\n".join(lines)


def _by_end(course: Course) -> Course:
    """Judge by how the period ended: what the decision asks for."""
    return Course(course.unit, course.length, course.target, course.numerator, course.denominator, None, course.raises)


def _by_volume(found: Mapping[str, Sequence[Any]]) -> str:
    volumes = sorted({u.volume for units in found.values() for u in units})
    lines = [
        "\nBy dossiers a month: of units that end on target, alerted / of units that end below, ever alerted\n",
        "| rule | " + " | ".join(str(v) for v in volumes) + " |",
        "|--|" + "--|" * len(volumes),
    ]
    for rule, units in found.items():
        cells = []
        for volume in volumes:
            some = [u.course for u in units if u.volume == volume and u.course.denominator]
            good, bad = [c for c in some if c.met], [c for c in some if not c.met]
            cells.append(f"{_percent(good)} / {_percent(bad)}")
        lines.append(f"| {rule} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _percent(courses: Sequence[Course]) -> str:
    return f"{100 * sum(bool(c.raises) for c in courses) / len(courses):.0f} %" if courses else "–"


def _forecast(courses: Sequence[Course], classes: Sequence[Decile], world: Any) -> str:
    whose = (
        "Forecasts of units that do not react to warnings: one made before a warning cannot know what comes of it."
        if world.reacts
        else "Forecasts, one per unit, at a tenth of the period that goes round."
    )
    lines = [
        f"\n{whose}",
        f"90 % intervals held {coverage(courses, cycling(courses)).text()}.\n",
        "| said | came | band of 95 % | units |",
        "|--|--|--|--|",
    ]
    lines += [
        f"| {d.said:.2f} | {'' if d.holds else '**'}{d.came:.2f}{'' if d.holds else '**'} | "
        f"{d.low:.2f}–{d.high:.2f} | {d.of} |"
        for d in classes
    ]
    return "\n".join([*lines, f"\n![calibration](images/calibration-{world.name}.svg)\n"])


def _foot() -> str:
    return """
## Reading it

* `literal` alerts most units once, whatever they do; that is arithmetic, not a fault. It is there for those who want it.
* A unit within five points of its target is no clear case at any volume; a third of the units here is, on purpose. Most
  false alarms of `evidence` over a whole year come from asking chance on 366 evenings, from units that truly were behind
  and drifted back, and from the last days, in which being below is enough.
* A month as a whole period is the hardest case for `evidence`: at 100 dossiers, half of them are 50, and three working days
  of holding are a seventh of the month. `graded` waits in parts of the period instead, and asks how it will end.
* `graded` never alerts for less than 5 dossiers or 5 points expected to be missing: small units and near misses stay in
  the list, which is why it alerts fewer of all units that end below.
* `forecast` warns small units more often and earlier; `wilson`, looked at every evening, has no memory of having looked
  before, and flaps.
* In a world that heeds warnings, units end on target because they were warned: *false* is no fault there.
"""
