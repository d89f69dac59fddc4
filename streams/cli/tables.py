"""Tables for officials: Vietnamese, aligned, exact figures."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date

import click

from models.reading import Reading
from models.standings import Standing
from models.texts import STATUS, number_text, percent_text, ratio_text


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Print aligned columns; those in `right` are aligned to the right."""
    table = [tuple(unicodedata.normalize("NFC", cell) for cell in row) for row in (header, *rows)]
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
        formula = reading.indicators[indicator]  # type: ignore[index]  # a key of the same reading
        click.echo(f"\n{formula.title} ({formula.clause})\n")
        print_table(
            ("Đơn vị", "Tử số", "Mẫu số", "Tỷ lệ", "Lộ trình", "Chỉ tiêu", "Kết quả", "Còn thiếu"),
            [_row(reading, s) for s in rows],
            right=frozenset({1, 2, 3, 4, 5, 7}),
        )


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
        STATUS[s["status"]],
        number_text(s["shortfall"]) if s["shortfall"] else "",
    )
