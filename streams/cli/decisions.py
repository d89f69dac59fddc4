"""`lotrinh decisions`: what the decisions say, as data."""

import sys
from datetime import UTC, date, datetime
from typing import Any

import click

from models.calendar import ZONE
from models.reading import Reading
from models.texts import day_vn, number_text, percent_text
from models.trajectory import decimal_text
from streams.cli.options import echo_json, of_decision, settings_from
from streams.cli.tables import print_table
from streams.library import BadInput, read_decision, read_decision_text, read_reading, read_sources, shipped_decisions


@click.group("decisions")
def command() -> None:
    """List, show and check decisions."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def list_(as_json: bool) -> None:
    """List the decisions that come with lotrinh."""
    found = [read_decision(name) for name in shipped_decisions()]
    if as_json:
        echo_json({"decisions": [{"id": d.id, "number": d.number, "title": d.title} for d in found]})
        return
    print_table(("Mã", "Số", "Trích yếu"), [(d.id, d.number or "(không ghi số)", d.title) for d in found])


@command.command("show")
@click.argument("decision", metavar="ID|FILE")
@of_decision
@click.option("--as-of", "as_of", metavar="DATE", help="the day asked about; default today")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def show(decision: str, as_of: str | None, as_json: bool, **given: Any) -> None:
    """Show a decision: its targets unit by unit, groups, cells without target, and open questions."""
    reading = read_reading(settings_from(**{**given, "decision": decision}))
    try:
        asked = date.fromisoformat(as_of) if as_of else datetime.now(UTC).astimezone(ZONE).date()
    except ValueError as exc:
        raise BadInput(f"--as-of {as_of}: expected YYYY-MM-DD") from exc
    on = reading.nearest(asked)
    if as_json:
        echo_json(described(reading, on))
    else:
        _print(reading, on)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of decision files, for editors (docs/decisions.md says how)."""
    from models.schema import decision_schema

    echo_json(decision_schema())


@command.command("check")
@click.argument("decision", metavar="ID|FILE")
@of_decision
def check(decision: str, **given: Any) -> None:
    """Check a decision file, and whether it fits the registry and the files given with it.

    All problems at once on stderr, a line each, Vietnamese before English; exit code 2 where there is one.
    """
    from models import checking

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


def _summary(reading: Reading) -> str:
    on = reading.nearest(datetime.now(UTC).astimezone(ZONE).date())
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
            if target is not None:
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


def _print(reading: Reading, on: date) -> None:
    d, targets = reading.decision, reading.targets(on)
    first, last = reading.period(on)
    click.echo(f"Quyết định {d.number or '(không ghi số)'}: {d.title}")
    click.echo(f"{d.issuer}; kỳ đánh giá {day_vn(first)}-{day_vn(last)}")
    if d.effective is not None:
        click.echo(f"Hiệu lực từ {day_vn(d.effective)} ({d.effective_clause})")
    for formula in reading.indicators.values():
        click.echo(f"- {formula.short}: {formula.title} ({formula.clause})")
    click.echo()
    header = ("TT", "Đơn vị", *(f.short for f in reading.indicators.values()))
    rows = []
    for row in d.rows:
        code = row.unit or next((u for u, r in targets.rows.items() if r is row), "")
        cells = (targets.targets.get((code, i)) for i in reading.indicators)
        rows.append((row.row, row.name, *("–" if t is None else percent_text(t.value) for t in cells)))
    print_table(header, rows, right=frozenset(range(2, len(header))))
    for row in d.rows:
        for indicator, reason in row.no_target.items():
            click.echo(f"\n{row.row}. {row.name}, {reading.indicators[indicator].short}: {reason}")
    click.echo()
    for note in d.notes:
        click.echo(f"* {note}")
    for switch in reading.switch_views():
        click.echo(f"? {switch.name} = {switch.value} ({' | '.join(switch.choices)}): {switch.question}")
