"""Tables for officials: Vietnamese, aligned, exact figures."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import click

from models.decisions.reading import Reading
from models.decisions.vietnamese import STATUS
from models.evaluation.sensitivity import NOT_OF_VERDICTS, Answer, Change
from models.standings.standings import Judged, Standing
from models.wording import number_text, percent_text, ratio_text, visible


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Print aligned columns; those in `right` are aligned to the right."""
    table = [tuple(visible(unicodedata.normalize("NFC", cell)) for cell in row) for row in (header, *rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    for n, row in enumerate(table):
        cells = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        click.echo("  ".join(cells).rstrip())
        if n == 0:
            click.echo("  ".join("─" * w for w in widths))


def print_standings(reading: Reading, standings: Iterable[Standing]) -> None:
    """Print standings, an indicator after the other."""
    by_indicator: dict[str, list[Standing]] = {}
    for standing in standings:
        by_indicator.setdefault(standing["indicator"], []).append(standing)
    for indicator, rows in by_indicator.items():
        formula = reading.indicators[indicator]
        click.echo(f"\n{formula.title} ({formula.clause})\n")
        print_table(
            ("Đơn vị", "Tử số", "Mẫu số", "Tỷ lệ", "Lộ trình", "Chỉ tiêu", "Kết quả", "Còn thiếu"),
            [_row(reading, s) for s in rows],
            right=frozenset({1, 2, 3, 4, 5, 7}),
        )


def print_breakdown(reading: Reading, found: Mapping[str, Mapping[str, Iterable[Mapping[str, Any]]]]) -> None:
    """Print units' figures taken apart, the part with most missing first."""
    for unit, by_indicator in found.items():
        for indicator, rows in by_indicator.items():
            click.echo(f"\n{reading.registry.name(unit)}: {reading.indicators[indicator].title}\n")
            print_table(
                ("Tên", "Tử số", "Mẫu số", "Tỷ lệ", "Còn thiếu", "30 ngày qua"),
                [_part(row) for row in rows],
                right=frozenset({1, 2, 3, 4, 5}),
            )


def _part(row: Mapping[str, Any]) -> tuple[str, ...]:
    n, d = row["numerator"], row["denominator"]
    lately = "/".join(number_text(number) for number in row["last_30_days"])
    return (row["name"], number_text(n), number_text(d), ratio_text(n, d), number_text(row["missing"]), lately)


def print_switches(reading: Reading) -> None:
    """Print the open questions on which the figures above depend, each as it was read."""
    views = [view for view in reading.switch_views() if view.name not in NOT_OF_VERDICTS]
    click.echo("\nCâu hỏi còn mở, và cách hiểu đang áp dụng (đổi bằng --set TÊN=GIÁ_TRỊ):")
    for view in views:
        others = " | ".join(c for c in view.choices if c != view.value)
        click.echo(f"  {view.name} = {view.value} (hoặc {others}): {view.question}")


def print_sensitivity(reading: Reading, answers: Iterable[Answer], rows_max: int = 20) -> None:
    """Print what other answers to the open questions would change, at most `rows_max` units per answer."""
    choices = {view.name: view.choices for view in reading.switch_views()}
    click.echo("\nNếu trả lời khác thì kết quả nào đổi?")
    for answer in answers:
        q = answer.question
        given = "".join(f", giả định {name} = {value}" for name, value in q.given.items() if name != q.switch)
        units = len({change.unit for change in answer.changes})
        supposed = "" if q.other in choices[q.switch] else " (giả định)"
        click.echo(f"\n{q.switch} = {q.other}{supposed} thay vì {q.value}{given}: ", nl=False)
        if not answer.changes:
            more = f"; {number_text(answer.figures_only)} số liệu đổi" if answer.figures_only else ""
            click.echo(f"không đơn vị nào đổi kết quả{more}.")
            continue
        click.echo(f"{number_text(units)} đơn vị đổi kết quả; {number_text(answer.figures_only)} số liệu khác đổi.\n")
        print_table(
            ("Đơn vị", "Chỉ tiêu", q.value, "", q.other, ""),
            [_change_row(reading, change) for change in answer.changes[:rows_max]],
            right=frozenset({2, 4}),
        )
        if len(answer.changes) > rows_max:
            click.echo(f"… và {number_text(len(answer.changes) - rows_max)} dòng nữa (--json cho tất cả)")


def _change_row(reading: Reading, change: Change) -> tuple[str, ...]:
    moved = change.now.expected != change.other.expected
    now, other = ((_judged_text(judged, moved), STATUS[judged.status]) for judged in (change.now, change.other))
    return (reading.registry.name(change.unit), reading.indicators[change.indicator].short, *now, *other)


def _judged_text(judged: Judged, with_line: bool) -> str:
    figures = f"{judged.figures[0]}/{judged.figures[1]} = {ratio_text(*judged.figures)}"
    line = "" if judged.expected is None else f", lộ trình {percent_text(judged.expected)}"
    return figures + line if with_line else figures


def _verdict(s: Standing) -> str:
    """Return the status; of a unit on its trajectory and below its target, that it is no more than that."""
    if s["status"] == "met" and s["target_status"] == "not-reached":
        return "Đạt lộ trình, chưa đạt chỉ tiêu"
    return STATUS[s["status"]]


def _row(reading: Reading, s: Standing) -> tuple[str, ...]:
    groups = reading.targets(date.fromisoformat(s["as_of"])).groups
    name = groups[s["unit"]].name if s["unit"] in groups else reading.registry.name(s["unit"])
    return (
        name,
        number_text(s["numerator"]),
        number_text(s["denominator"]),
        ratio_text(s["numerator"], s["denominator"]),
        "–" if s["expected"] is None else percent_text(s["expected"]),
        "–" if s["target"] is None else percent_text(s["target"]),
        _verdict(s),
        number_text(s["shortfall"]) if s["shortfall"] else "",
    )
