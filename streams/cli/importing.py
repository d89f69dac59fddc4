"""`lotrinh import`: events from a file into the inbound topics."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import click

from streams.cli.options import FILE, of_system, say, settings_from
from streams.errors import BadInput
from streams.settings import Settings

UNKNOWN_SHOWN: Final = 20


@click.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv", "national"]), help="default: by the name of the file"
)
@click.option("--mapping", type=FILE, help="how rows of a CSV file become events (YAML); units of national payloads")
@click.option("--aliases", type=FILE, help="second codes of dossiers (CSV: alias,dossier)")
@click.option("--sent", metavar="TIME", help="when a file of national payloads was sent; default: its latest date")
@click.option("--source", default="dvcqg", show_default=True, help="of national payloads: prefix of their events' ids")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="write the events there and publish nothing"
)
@of_system
def command(
    file: Path,
    form: str | None,
    mapping: Path | None,
    aliases: Path | None,
    sent: str | None,
    source: str,
    out: Path | None,
    **given: Any,
) -> None:
    """Publish events from FILE and return when all are acknowledged. A bad row is reported and goes nowhere."""
    from models.registers.codes import FORM
    from models.wording import visible
    from streams.feeds.aliases import parse_aliases
    from streams.feeds.importing import Line, lines_of_csv, lines_of_json, under_one_code
    from streams.feeds.mapping import Mapper, parse_mapping
    from streams.files.tables import read_table, read_text

    settings = settings_from(**given)
    form = form or ("csv" if file.suffix.lower() == ".csv" else "jsonl")
    codes = {} if aliases is None else read_table(aliases, parse_aliases)
    if sent is not None and form != "national":
        raise BadInput("--sent is for national payloads; other formats carry versions of their own")
    finish: Callable[[], None] | None = None
    lines: Iterator[Line]
    if form == "csv":
        if mapping is None:
            raise BadInput("a CSV file needs --mapping, which says how its rows become events")
        lines = lines_of_csv(file, Mapper(parse_mapping(read_text(mapping), mapping.name)), settings.codes)
    elif form == "national":
        lines, finish = _national(file, mapping, codes, sent, source, settings)
    else:
        lines = lines_of_json(file, settings.codes)
    if codes and form != "national":
        lines = under_one_code(lines, codes, settings.codes)
    refused: list[int] = []
    unclear = False

    def refuse(number: int, reason: str) -> None:
        nonlocal unclear
        refused.append(number)
        unclear = unclear or reason.endswith("is not a code")
        click.echo(visible(f"{file}, line {number}: {reason}"), err=True)

    with click.progressbar(length=file.stat().st_size, label="importing", file=click.get_text_stream("stderr")) as bar:
        advance = _advancing(bar)
        if out is not None:
            published = _write(lines, out, refuse, advance)
        else:
            published = asyncio.run(_publish(lines, settings, refuse, advance))
        bar.update(file.stat().st_size - bar.pos)
    if unclear:
        say(f"a code is {FORM}; a unit's has no ten digits in a row (docs/importing.md)")
    done = f"written to {out}" if out is not None else "published and acknowledged"
    say(f"{published} events {done}, {len(refused)} rows refused")
    if finish is not None:
        finish()


def _national(
    file: Path, mapping: Path | None, aliases: dict[str, str], sent: str | None, source: str, settings: Settings
) -> tuple[Iterator[Any], Callable[[], None]]:
    """Return the events of a file of national payloads, and what tells afterwards what was unusual about them."""
    from models.dossiers.national import Sender
    from models.registers.codes import is_unit
    from streams.feeds.national import Report, lines_of_national, read_units
    from streams.files.decision_files import read_registry

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", source):
        raise BadInput(f"--source {source}: expected up to 32 letters, digits, dots and hyphens")
    units = {} if mapping is None else read_units(mapping)
    report = Report()
    registry = read_registry(settings)

    def finish() -> None:
        unmapped = report.unmapped.most_common()
        names = sum(n for c, n in unmapped if not is_unit(c, settings.codes))
        if names:
            say(f"DonViXuLy is a name and no code; payloads refused: {names}; give each name a row in --mapping")
        unknown = {c: n for c, n in unmapped if not registry.knows(c) and is_unit(c, settings.codes)}
        shown = ", ".join(f"{code} ({number})" for code, number in list(unknown.items())[:UNKNOWN_SHOWN])
        if unknown:
            more = ", …" if len(unknown) > UNKNOWN_SHOWN else ""
            say(f"units in no table, kept as they are: {len(unknown)}; with how many payloads: {shown}{more}")
        for note, number in report.notes.most_common():
            say(f"{note}; payloads: {number}, the first in line {report.first[note]}")

    return lines_of_national(file, Sender(source, _sent(file, sent), units, aliases), report, settings.codes), finish


def _sent(file: Path, given: str | None) -> str:
    """Return when a file of payloads was sent: as told, or its latest date, which must not lie in the future."""
    from models.calendar.civil_time import end_of, instant, instant_of
    from streams.feeds.national import latest_in

    if given is not None:
        try:
            return instant(given) if "T" in given else end_of(date.fromisoformat(given))
        except ValueError as exc:
            raise BadInput(f"--sent {given}: expected YYYY-MM-DD, or a date-time of RFC 3339 with an offset") from exc
    stderr, size = click.get_text_stream("stderr"), file.stat().st_size
    with click.progressbar(length=size, label="reading dates", file=stderr) as bar:
        latest = latest_in(file, _advancing(bar))
        bar.update(size - bar.pos)
    if latest is None:
        return instant_of(datetime.now(UTC))  # no payload can be read, so nothing is ordered by it
    at, line = latest
    if at > instant_of(datetime.now(UTC)):
        raise BadInput(f"{file}, line {line}: its latest date lies in the future; say with --sent when it was sent")
    say(f"taken as sent at {at}, the latest date in the file (line {line}); --sent says otherwise")
    return at


def _advancing(bar: Any) -> Callable[[int], None]:
    last = 0

    def advance(read: int) -> None:
        nonlocal last
        if read - last > 100_000:
            bar.update(read - last)
            last = read

    return advance


def _write(lines: Iterator[Any], out: Path, refuse: Callable[[int, str], None], advance: Callable[[int], None]) -> int:
    from models.dossiers.events import Refused

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
