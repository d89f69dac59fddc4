"""`lotrinh import`: events from a file into the inbound topics."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from streams.cli.options import FILE, of_system, say, settings_from
from streams.library import BadInput


@click.command("import")
@click.argument("file", type=FILE)
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="default: by the name of the file")
@click.option("--mapping", type=FILE, help="how rows of a CSV file become events (YAML)")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="write the events there and publish nothing"
)
@of_system
def command(file: Path, form: str | None, mapping: Path | None, out: Path | None, **given: Any) -> None:
    """Publish events from FILE and return when all are acknowledged. A bad row is reported and goes nowhere."""
    from streams.feeds.importing import Line, lines_of_csv, lines_of_json
    from streams.feeds.mapping import Mapper, parse_mapping
    from streams.library import read_text

    form = form or ("csv" if file.suffix.lower() == ".csv" else "jsonl")
    lines: Iterator[Line]
    if form == "csv":
        if mapping is None:
            raise BadInput("a CSV file needs --mapping, which says how its rows become events")
        lines = lines_of_csv(file, Mapper(parse_mapping(read_text(mapping), mapping.name)))
    else:
        lines = lines_of_json(file)
    refused: list[int] = []

    def refuse(number: int, reason: str) -> None:
        refused.append(number)
        click.echo(f"{file}, line {number}: {reason}", err=True)

    with click.progressbar(length=file.stat().st_size, label="importing", file=click.get_text_stream("stderr")) as bar:
        advance = _advancing(bar)
        if out is not None:
            published = _write(lines, out, refuse, advance)
        else:
            published = asyncio.run(_publish(lines, settings_from(**given), refuse, advance))
        bar.update(file.stat().st_size - bar.pos)
    done = f"written to {out}" if out is not None else "published and acknowledged"
    say(f"{published} events {done}, {len(refused)} rows refused")


def _advancing(bar: Any) -> Callable[[int], None]:
    last = 0

    def advance(read: int) -> None:
        nonlocal last
        if read - last > 100_000:
            bar.update(read - last)
            last = read

    return advance


def _write(lines: Iterator[Any], out: Path, refuse: Callable[[int, str], None], advance: Callable[[int], None]) -> int:
    from models.events import Refused

    count = 0
    with out.open("wb") as file:
        for line in lines:
            if isinstance(line.event, Refused):
                refuse(line.number, line.event.reason)
            else:
                file.write(line.value + b"\n")
                count += 1
            advance(line.read)
    return count


async def _publish(lines: Iterator[Any], settings: Any, refuse: Any, advance: Any) -> int:
    from streams.feeds.importing import publish_lines
    from streams.feeds.publisher import Publisher
    from streams.local.state import located

    async with Publisher(located(settings)) as publisher:
        return (await publish_lines(publisher, lines, refuse, advance)).published
