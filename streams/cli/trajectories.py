"""`lotrinh trajectories`: the form that offices fill in, and what is wrong with one."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from streams.cli.options import FILE, echo_json, of_decision, say, settings_from
from streams.errors import BadInput


@click.group("trajectories")
def command() -> None:
    """Write the form for trajectories by month or quarter, and check one that was filled in."""


@command.command("template")
@of_decision
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="the workbook (.xlsx)")
@click.option("--by", type=click.Choice(["month", "quarter"]), default="month", show_default=True)
@click.option("--unit", metavar="CODE", help="only this unit; a district comes with its communes and offices")
@click.option("--communes", is_flag=True, help="every commune of a group, not the group alone")
@click.option("--year", type=int, help="of a decision that holds for every year; default: this year")
def template(out: Path, by: str, unit: str | None, communes: bool, year: int | None, **given: Any) -> None:
    """Write an empty form with the decision's units and targets."""
    from models.authoring.trajectory_form import form_lines
    from models.calendar.civil_time import ZONE
    from streams.files.decision_files import read_reading
    from streams.files.workbooks import MONTHS, QUARTERS, write_form

    if out.suffix.lower() != ".xlsx":
        raise BadInput(f"--out {out}: expected a file name that ends in .xlsx")
    reading = read_reading(settings_from(**given), catalogue=())  # targets need none
    asked = datetime.now(UTC).astimezone(ZONE).date() if year is None else date(year, 12, 31)
    on = reading.period(reading.nearest(asked))[1]
    if year is not None and on.year != year:
        raise BadInput(f"--year {year}: the decision's period ends in {on.year}")
    lines = form_lines(reading, on, unit, communes=communes)
    if not lines:
        raise BadInput(f"--unit {unit}: the decision gives it no target")
    d = reading.decision
    title = f"Lộ trình thực hiện Quyết định {d.number or d.id}: {d.title}"
    write_form(out, title, on.year, lines, MONTHS if by == "month" else QUARTERS)
    say(f"{len(lines)} rows written to {out}")


@command.command("check")
@click.argument("file", type=FILE)
@of_decision
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def check(file: Path, as_json: bool, **given: Any) -> None:
    """Say what is wrong with a form, where, and what was expected; in Vietnamese, for those who filled it in."""
    from models.authoring.trajectory_form import check_form
    from streams.files.decision_files import read_form_file, read_reading

    given["trajectories"] = None  # those of the argument are checked
    settings = settings_from(**given)
    reading = read_reading(settings.model_copy(update={"trajectories": None}), catalogue=())  # targets need none
    form = read_form_file(file, settings)
    problems = check_form(form, reading)
    errors = sum(p.severity == "error" for p in problems)
    rows = len({(e.unit, e.indicator) for e in form.entered})
    if as_json:
        echo_json(
            {
                "rows": rows,
                "milestones": len(form.entered),
                "problems": [{**p._asdict(), "place": p.place} for p in problems],
            }
        )
    else:
        for p in problems:
            click.echo(f"{file.name}, {p.place}: {'LỖI' if p.severity == 'error' else 'lưu ý'}: {p.message}")
        click.echo(f"{rows} lộ trình, {len(form.entered)} mốc, {errors} lỗi, {len(problems) - errors} lưu ý")
    if errors:
        raise BadInput(f"{file}: {errors} lỗi cần sửa")


@command.command("track")
@of_decision
@click.option("--events", type=FILE, required=True, help="JSON lines")
@click.option("--as-of", "as_of", required=True, metavar="DATE", help="the day asked about, YYYY-MM-DD")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def track(events: Path, as_of: str, as_json: bool, **given: Any) -> None:
    """Show how far offices of districts are along trajectories of their own: no target, no alert."""
    from models.decisions.vietnamese import STATUS
    from models.dossiers.events import Event, decode
    from models.evaluation.office_tracks import tracks
    from models.wording import number_text, percent_text, ratio_text
    from streams.cli.tables import print_table
    from streams.feeds.importing import json_lines
    from streams.files.decision_files import read_reading

    settings = settings_from(**given)
    if settings.trajectories is None:
        raise BadInput("--trajectories is missing: tracks follow the rows of offices in it")
    try:
        day = date.fromisoformat(as_of)
    except ValueError as exc:
        raise BadInput(f"--as-of {as_of}: expected YYYY-MM-DD") from exc
    reading = read_reading(settings, offices_apart=True)
    decoded = (decode(line, codes=settings.codes) for _, line, _ in json_lines(events))
    found = tracks(reading, (e for e in decoded if isinstance(e, Event)), day)
    if as_json:
        echo_json({"tracks": found})
        return
    print_table(
        ("Phòng", "Huyện", "Chỉ tiêu", "Tử số", "Mẫu số", "Tỷ lệ", "Lộ trình", "Kết quả", "Còn thiếu"),
        [
            (
                reading.registry.name(t["unit"]),
                reading.registry.name(t["district"]),
                reading.indicators[t["indicator"]].short,
                number_text(t["numerator"]),
                number_text(t["denominator"]),
                ratio_text(t["numerator"], t["denominator"]),
                "–" if t["expected"] is None else percent_text(t["expected"]),
                STATUS[t["status"]],
                number_text(t["shortfall"]) if t["shortfall"] else "",
            )
            for t in found
        ],
        right=frozenset({3, 4, 5, 6, 8}),
    )
