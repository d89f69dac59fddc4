"""The figures of the alert study, and how they are written and drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from streams.backtest.drawings import calibration as drawn
from streams.backtest.drawings import first_alerts
from streams.backtest.scores import (
    HEALTHY_DOSSIERS,
    MISS_DOSSIERS,
    MISS_POINTS,
    Course,
    Share,
    calibration,
    coverage,
    cycling,
    scores,
)

MONTH_DAYS = 30


def write(out: Path, worlds: Sequence[Any], results: Mapping[str, Mapping[str, Sequence[Any]]], how: str) -> None:
    """Write docs/alert-study.md and its drawings under docs/images."""
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    parts = [_head(how)]
    year = results.get("year", {})
    if "evidence" in year:
        parts.append(_goals(results))
    for world in worlds:
        found = results.get(world.name)
        if not found:
            continue
        parts.append(f"\n## {world.title[0].upper()}{world.title[1:]}\n")
        parts.append(_table(found))
        parts.append(_by_volume(found))
        parts.append(f"\n![first alerts](images/first-alert-{world.name}.svg)\n")
        firsts = {
            rule: [c.raises[0] / c.length if c.raises else 2.0 for c in _courses(units) if not c.met and c.denominator]
            for rule, units in found.items()
        }
        drawing = first_alerts(firsts, f"Alerted by then: {world.title}")
        (images / f"first-alert-{world.name}.svg").write_text(drawing, encoding="utf-8")
        if "evidence" in found:
            courses = _courses(found["evidence"])
            deciles = calibration(courses, cycling(courses))
            (images / f"calibration-{world.name}.svg").write_text(
                drawn(deciles, f"Forecast: {world.title}"), encoding="utf-8"
            )
            parts.append(_forecast(courses, deciles, world.name))
    parts.append(_foot())
    (out / "alert-study.md").write_text("\n".join(parts), encoding="utf-8")


def _courses(units: Sequence[Any]) -> list[Course]:
    return [u.course for u in units if u.course.denominator]


def _head(how: str) -> str:
    return f"""# What the alert rules are worth

Written by `python -m bench.alert_study {how}`; the same command gives the same figures. Not a measurement of
any real province: units are drawn, so that the truth is known.

**Worlds.** Provinces of 284 units with Thái Bình's targets for the online ratio. A third of the units is truly 5 to 25
points above its target, a third within 5 points of it, a third 8 to 30 points below. A unit receives 3, 10, 30, 100 or
300 dossiers a month, by the working calendar. Four of ten are bursty: days bring several times the usual or nothing,
mostly of one channel. A quarter drifts by up to 12 points over the period. In the last world half of the units that are
warned do 15 points better from a week later.

**Rules.** `evidence` (default), `forecast` and `literal` as they run, asked every evening. `wilson`: the upper end of the
95 % Wilson interval lies below the target, looked at every evening. `burn-rate`: the last 14 and the last 3 days both
burn the budget of paper 1.3 times too fast; the usual multipliers (14.4, 6) can never be reached at a target of 50 %.

**Columns.** *False*: of units that end on target with {HEALTHY_DOSSIERS} dossiers or more, those ever alerted. *Caught*: of those that
miss by {MISS_POINTS} points or more with {MISS_DOSSIERS} dossiers or more, those alerted before half of the period is over. *Raises*: alerts per
unit that ends below. *First*: median share of the period at the first alert of such a unit. Brackets: Wilson, 95 %.
"""


def _goals(results: Mapping[str, Mapping[str, Sequence[Any]]]) -> str:
    """Hold the default rule against its goals, month by month of the year and period by period."""
    year, month = _courses(results["year"]["evidence"]), _courses(results.get("month", {}).get("evidence", ()))
    false, caught, raises = _unit_months(results["year"]["evidence"])
    whole, short = scores(_by_end(c) for c in year), scores(_by_end(c) for c in month)
    covered = [coverage(c, cycling(c)) for c in (year, month) if c]
    deciles = [d for c in (year, month) if c for d in calibration(c, cycling(c))]
    inside = sum(d.low <= d.came <= d.high for d in deciles)
    return f"""
## The default rule against its goals

| goal | unit-months of the year | the year as one period | a month as one period |
|--|--|--|--|
| of those that end on target, alerted: at most 3 % | {_said(false, 3)} | {_said(whole.false, 3)} | {_said(short.false, 3)} |
| misses of {MISS_POINTS} points, alerted before half-time: at least 95 % | {_said(caught, -95)} | {_said(whole.half_time, -95)} | {_said(short.half_time, -95)} |
| raises per bad one: at most 1.1 | {raises:.2f} | {whole.raises_per_bad or 0:.2f} | {short.raises_per_bad or 0:.2f} |

90 % intervals of the forecast held {" and ".join(c.text() for c in covered)} (goal: 88 to 92 %); {inside} of {len(deciles)} deciles of
the probability lie in their binomial band of 95 %.

A *unit-month* is a unit and 30 days of the year: it ends on target or below it by its cumulative ratio, as the decisions
judge; it is alerted falsely if an alert is raised in it and it ends on target; a miss is alerted if an alert stands or is
raised before its half. This is the lenient view: a unit alerted in March and on target in December is a false alarm of the
middle column alone.
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


def _forecast(courses: Sequence[Course], deciles: Sequence[Any], name: str) -> str:
    lines = [
        "\nForecasts, one per unit, at a tenth of the period that goes round.",
        f"90 % intervals held {coverage(courses, cycling(courses)).text()}.\n",
        "| said | came | band of 95 % | units |",
        "|--|--|--|--|",
    ]
    lines += [
        f"| {d.said:.2f} | {'' if d.low <= d.came <= d.high else '**'}{d.came:.2f}"
        f"{'' if d.low <= d.came <= d.high else '**'} | {d.low:.2f}–{d.high:.2f} | {d.of} |"
        for d in deciles
    ]
    return "\n".join([*lines, f"\n![calibration](images/calibration-{name}.svg)\n"])


def _foot() -> str:
    return """
## Reading it

* `literal` alerts most units once, whatever they do; that is arithmetic, not a fault. It is there for those who want it.
* A unit within five points of its target is no clear case at any volume; a third of the units here is, on purpose. Most
  false alarms of `evidence` over a whole year are units that truly were behind and drifted back, or such close ones.
* A month as a whole period is the hardest case: at 100 dossiers, half of them are 50, and three working days of holding
  are a seventh of the month; the goal before half-time is not reached there. The decisions judge years.
* `forecast` warns small units more often and earlier; `wilson`, looked at every evening, has no memory of having looked
  before, and flaps.
* In a world that heeds warnings, units end on target because they were warned: *false* is no fault there.
"""
