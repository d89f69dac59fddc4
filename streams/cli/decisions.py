"""`lotrinh decisions`: what the decisions say, what is wrong with a file, what differs between two."""

import sys
from datetime import UTC, date, datetime
from typing import Any, Final

import click

from models.calendar.civil_time import ZONE
from models.decisions.reading import Reading
from models.wording import decimal_text, number_text
from streams.cli.options import echo_json, of_files, settings_from
from streams.errors import BadInput
from streams.files.decision_files import (
    read_decision,
    read_decision_text,
    read_reading,
    read_sources,
    shipped_decisions,
)

HELD: Final = "Các đơn vị tiền thân có chỉ tiêu khác nhau; chờ cấp có thẩm quyền giao"


@click.group("decisions")
def command() -> None:
    """List, show, check and compare decisions."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def list_(as_json: bool) -> None:
    """List the decisions that come with lotrinh."""
    from streams.cli.tables import print_table

    found = [read_decision(name) for name in shipped_decisions()]
    if as_json:
        echo_json({"decisions": [{"id": d.id, "number": d.number, "title": d.title} for d in found]})
        return
    print_table(("Mã", "Số", "Trích yếu"), [(d.id, d.number or "(không ghi số)", d.title) for d in found])


@command.command("show")
@click.argument("decision", metavar="ID|FILE")
@of_files
@click.option("--as-of", "as_of", metavar="DATE", help="the day asked about; default today")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def show(decision: str, as_of: str | None, as_json: bool, **given: Any) -> None:
    """Show a decision: its targets unit by unit, groups, cells without target, and open questions."""
    from streams.cli.decision_page import print_decision

    reading = read_reading(settings_from(**{**given, "decision": decision}), catalogue=())  # targets need none
    on = reading.nearest(_asked(as_of))
    if as_json:
        echo_json(described(reading, on))
    else:
        print_decision(reading, on)


@command.command("diff")
@click.argument("old", metavar="ID|FILE")
@click.argument("new", metavar="ID|FILE")
@of_files
@click.option("--as-of", "as_of", metavar="DATE", help="the day asked about; default today")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def diff(old: str, new: str, as_of: str | None, as_json: bool, **given: Any) -> None:
    """Say what differs between two decisions, or two versions of one, row by row."""
    from models.authoring.comparison import as_json as compared
    from models.authoring.comparison import compare
    from streams.cli.decision_page import print_comparison

    readings = [read_reading(settings_from(**{**given, "decision": name}), catalogue=()) for name in (old, new)]
    found = compare(readings[0], readings[1], _asked(as_of))
    if as_json:
        echo_json(compared(readings[0], readings[1], found))
    else:
        print_comparison(readings[0], readings[1], found)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of decision files, for editors (docs/decisions.md says how)."""
    from models.authoring.json_schema import decision_schema

    echo_json(decision_schema())


@command.command("check")
@click.argument("decision", metavar="ID|FILE")
@of_files
def check(decision: str, **given: Any) -> None:
    """Check a decision file, and whether it fits the registry and the files given with it.

    All problems at once on stderr, a line each, Vietnamese before English; exit code 2 where there is one.
    """
    from models.authoring import checking

    settings = settings_from(**{**given, "decision": decision})
    name, text = read_decision_text(decision)
    checked = checking.check(text, read_sources(settings))
    for warning in checked.warnings:
        click.echo(f"{name}: lưu ý | warning: {warning}", err=True)
    if checked.reading is None:
        count = len(checked.problems)
        problems = "problem" if count == 1 else "problems"
        click.echo(f"{name}: có {count} lỗi, chưa dùng được | {count} {problems}, not usable yet", err=True)
        for problem in checked.problems:
            click.echo(f"{name}: {problem}", err=True)
        sys.exit(2)
    click.echo(_summary(checked.reading))


def _asked(as_of: str | None) -> date:
    try:
        return date.fromisoformat(as_of) if as_of else datetime.now(UTC).astimezone(ZONE).date()
    except ValueError as exc:
        raise BadInput(f"--as-of {as_of}: expected YYYY-MM-DD") from exc


def _summary(reading: Reading) -> str:
    on = reading.nearest(_asked(None))
    shown = described(reading, on)
    counts = (
        (len(reading.decision.rows), "hàng"),
        (len(reading.targets(on).rows), "đơn vị"),
        (len(shown["targets"]), "chỉ tiêu"),
        (len(shown["no_target"]), "ô không giao"),
    )
    return f"{reading.decision.id}: hợp lệ; " + ", ".join(f"{number_text(n)} {what}" for n, what in counts)


def described(reading: Reading, on: date) -> dict[str, Any]:
    """Return a decision as the contract's object, on a day of its period."""
    d, targets = reading.decision, reading.targets(on)
    first, last = reading.period(on)
    found: list[dict[str, Any]] = []
    blank: list[dict[str, Any]] = []
    for unit, row in targets.rows.items():
        for indicator in reading.indicators:
            target = targets.targets.get((unit, indicator))
            if target is not None and target.held:
                blank.append({"unit": unit, "indicator": indicator, "row": target.row, "reason": HELD})
            elif target is not None:
                name = reading.registry.name(unit)
                value = decimal_text(target.value)
                found.append({"unit": unit, "name": name, "indicator": indicator, "target": value, "row": target.row})
            else:
                reason = row.no_target.get(indicator) or d.no_target.get(indicator) or "Quyết định để trống"
                blank.append({"unit": unit, "indicator": indicator, "row": row.row, "reason": reason})
    return {
        "id": d.id,
        "number": d.number,
        "title": d.title,
        "issuer": d.issuer,
        "issued": d.issued,
        "effective": d.effective,
        "period": {"from": first, "to": last},
        "targets": found,
        "groups": [
            {"unit": g.code, "name": g.name, "members": list(g.members), "row": g.row} for g in targets.groups.values()
        ],
        "no_target": blank,
        "switches": [
            {"name": s.name, "value": s.value, "choices": list(s.choices), "question": s.question}
            for s in reading.switch_views()
        ],
        "notes": list(d.notes),
    }
