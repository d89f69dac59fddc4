"""`lotrinh decisions`: what the decisions say, as data."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import click

from models.calendar import ZONE
from models.reading import Reading
from models.texts import day_vn, percent_text
from models.trajectory import decimal_text
from streams.cli.options import echo_json, of_decision, settings_from
from streams.cli.tables import print_table
from streams.library import BadInput, read_decision, read_reading, shipped_decisions

HELD: Final = "Các đơn vị tiền thân có chỉ tiêu khác nhau; chờ cấp có thẩm quyền giao"


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
    reading = read_reading(settings_from(**{**given, "decision": decision}), catalogue=())  # targets need none
    try:
        asked = date.fromisoformat(as_of) if as_of else datetime.now(UTC).astimezone(ZONE).date()
    except ValueError as exc:
        raise BadInput(f"--as-of {as_of}: expected YYYY-MM-DD") from exc
    on = reading.nearest(asked)
    if as_json:
        echo_json(described(reading, on))
    else:
        _print(reading, on)


@command.command("check")
@click.argument("decision", metavar="ID|FILE")
@of_decision
def check(decision: str, **given: Any) -> None:
    """Check a decision file, and whether it fits the registry and the files given with it."""
    reading = read_reading(settings_from(**{**given, "decision": decision}), catalogue=())
    on = reading.nearest(datetime.now(UTC).astimezone(ZONE).date())
    shown = described(reading, on)
    for warning in reading.warnings():
        click.echo(f"{Path(decision).name}: warning: {warning}", err=True)
    click.echo(
        f"{reading.decision.id}: {len(reading.decision.rows)} rows, {len(reading.targets(on).rows)} units, "
        f"{len(shown['targets'])} targets, {len(shown['no_target'])} cells without target"
    )


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


def _print(reading: Reading, on: date) -> None:
    d = reading.decision
    first, last = reading.period(on)
    click.echo(f"Quyết định {d.number or '(không ghi số)'}: {d.title}")
    click.echo(f"{d.issuer}; kỳ đánh giá {day_vn(first)}-{day_vn(last)}")
    if d.effective is not None:
        click.echo(f"Hiệu lực từ {day_vn(d.effective)} ({d.effective_clause})")
    else:
        click.echo(f"Chưa biết ngày hiệu lực ({d.effective_clause or 'văn bản không ghi'}): cảnh báo từ đầu kỳ")
    for formula in reading.indicators.values():
        click.echo(f"- {formula.short}: {formula.title} ({formula.clause})")
    click.echo()
    header = ("TT", "Đơn vị", *(f.short for f in reading.indicators.values()))
    rows = []
    for row in d.rows:
        values = reading.row_targets(row, on)
        cells = (values.get(i) for i in reading.indicators)
        rows.append((row.row, row.name, *("–" if value is None else percent_text(value) for value in cells)))
    print_table(header, rows, right=frozenset(range(2, len(header))))
    for row in d.rows:
        for indicator, reason in row.no_target.items():
            click.echo(f"\n{row.row}. {row.name}, {reading.indicators[indicator].short}: {reason}")
    click.echo()
    for note in d.notes:
        click.echo(f"* {note}")
    for switch in reading.switch_views():
        click.echo(f"? {switch.name} = {switch.value} ({' | '.join(switch.choices)}): {switch.question}")
