"""`lotrinh rules`: alert rules on trial, from files and over recorded years."""

import dataclasses
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.options import FILE, echo_json, of_decision, settings_from
from streams.errors import BadInput

if TYPE_CHECKING:
    from streams.audit.backtest.scores import Course


@click.group("rules")
def command() -> None:
    """Try alert rules: on cases from a file, or over a recorded or simulated year."""


@command.command("test")
@click.argument("files", nargs=-1, required=True, type=FILE)
@of_decision
def test(files: tuple[Path, ...], **given: Any) -> None:
    """Run the cases of FILES: events, and the transitions they are to lead to. Exits 1 where one fails."""
    from streams.audit.backtest.cases import read_cases, run
    from streams.files.decision_files import read_reading

    failed = 0
    for path in files:
        cases = read_cases(path)
        given["decision"] = given["decision"] or cases.decision
        if given["decision"] is None:
            raise BadInput(f"{path}: no `decision`, and no --decision")
        settings = settings_from(**given)
        reading = read_reading(settings.model_copy(update={"switches": {**cases.switches, **settings.switches}}))
        for case in cases.cases:
            outcome = run(reading, case)
            click.echo(f"{'ok    ' if not outcome.differences else 'FAILED'}  {path.name}: {outcome.name}")
            for difference in outcome.differences:
                click.echo(f"        {difference}")
            failed += bool(outcome.differences)
    if failed:
        raise click.exceptions.Exit(1)


@command.command("backtest")
@of_decision
@click.option("--events", type=FILE, required=True, help="JSON lines, in the order of arrival")
@click.option("--as-of", "as_of", metavar="DATE", help="the last day looked at; default: the period's last")
@click.option("--rule", "rules", multiple=True, help="evidence, graded, forecast or literal; default: all of them")
@click.option("--truth", type=FILE, help="unit,indicator,behind (CSV), where it is known who truly was behind")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="a directory for drawings (SVG)")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def backtest(
    events: Path,
    as_of: str | None,
    rules: tuple[str, ...],
    truth: Path | None,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Say what each rule's alerts would have been worth over a log, now that the end is known."""
    from streams.audit.backtest.log import courses_of, read_truth
    from streams.audit.backtest.scores import calibration, coverage, cycling, scores
    from streams.feeds.importing import json_lines
    from streams.files.decision_files import read_reading

    settings = settings_from(**given)
    if settings.decision is None:
        raise BadInput("--decision is missing")
    known = {} if truth is None else read_truth(truth)
    found: dict[str, Any] = {}
    firsts: dict[str, list[float]] = {}
    forecasts: Any = None
    courses: list[Course] = []
    for rule in rules or ("evidence", "graded", "forecast", "literal"):
        reading = read_reading(settings.model_copy(update={"switches": {**settings.switches, "alert_rule": rule}}))
        until = reading.period(date.min)[1] if as_of is None else _day(as_of)
        with click.progressbar(
            length=(until - reading.period(until)[0]).days + 1,
            label=f"{rule:<9}",
            file=click.get_text_stream("stderr"),
            hidden=as_json,
        ) as bar:
            lines = ((number, line) for number, line, _ in json_lines(events))
            courses = courses_of(reading, lines, until, known, lambda _day, bar=bar: bar.update(1))  # type: ignore[misc]
        found[rule] = scores(courses)
        firsts[rule] = [c.raises[0] / c.length if c.raises else 2.0 for c in courses if c.bad]
        look = cycling(courses)
        forecasts = calibration(courses, look), coverage(courses, look)
    if out is not None:
        _draw(out, reading, courses, firsts)
    if as_json:
        echo_json(
            {
                "rules": {rule: _plain(s) for rule, s in found.items()},
                "calibration": [d._asdict() for d in forecasts[0]],
                "coverage_90": _plain(forecasts[1]),
            }
        )
        return
    for rule, s in found.items():
        click.echo(f"\n{rule}: {s.courses} courses of a unit under an indicator")
        for name in ("precision", "recall", "false", "half_time"):
            click.echo(f"  {name.replace('_', '-'):<10} {getattr(s, name).text()}")
        for name in ("raises_per_bad", "raises_per_month", "first", "lead"):
            value = getattr(s, name)
            click.echo(f"  {name.replace('_', '-'):<17} {'–' if value is None else f'{value:.2f}'}")
    click.echo(f"\nforecast: 90 % intervals held {forecasts[1].text()}")
    for d in forecasts[0]:
        click.echo(f"  said {d.said:.2f}  came {d.came:.2f}  ({d.low:.2f}–{d.high:.2f}, {d.of})")


def _draw(out: Path, reading: Any, courses: "list[Course]", firsts: dict[str, list[float]]) -> None:
    """Write the drawings of a back-test."""
    from streams.audit.backtest.drawings import calibration as drawn
    from streams.audit.backtest.drawings import first_alerts
    from streams.audit.backtest.funnel import funnel
    from streams.audit.backtest.scores import calibration, cycling

    out.mkdir(parents=True, exist_ok=True)
    deciles = calibration(courses, cycling(courses))
    (out / "calibration.svg").write_text(drawn(deciles, "Calibration of the forecast"), encoding="utf-8")
    (out / "first-alert.svg").write_text(first_alerts(firsts, "Bad courses alerted"), encoding="utf-8")
    for indicator in sorted({c.indicator for c in courses}):
        if reading.indicators[indicator].count in ("service", "catalogue"):
            continue  # cells, no trials: chance has no limits there
        some = [c for c in courses if c.indicator == indicator]
        (out / f"funnel-{indicator}.svg").write_text(funnel(some, indicator), encoding="utf-8")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) or not hasattr(value, "_asdict"):
        return value
    return {name: _plain(part) for name, part in value._asdict().items()}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise BadInput(f"--as-of {text}: expected YYYY-MM-DD") from exc
