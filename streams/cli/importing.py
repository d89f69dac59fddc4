"""`lotrinh import`: events from a file into the inbound topics."""

import asyncio
import csv
import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Self

import click

from models.wording import cell, visible
from streams.cli.options import FILE, of_system, say, settings_from
from streams.errors import BadInput
from streams.settings import Settings

UNKNOWN_SHOWN: Final = 20
KINDS_SHOWN: Final = 10
_TABLE_ENDINGS: Final = (".csv", ".xlsx", ".xls", ".tsv", ".txt")
"""endings of files that are tables"""
OUT: Final = click.Path(dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv", "national"]), help="default: by the name of the file"
)
@click.option("--mapping", type=FILE, help="how rows of a CSV file become events (YAML); units of national payloads")
@click.option("--aliases", type=FILE, help="second codes of dossiers (CSV: alias,dossier)")
@click.option("--sent", metavar="TIME", help="when a file of national payloads was sent; default: its latest date")
@click.option("--source", default="dvcqg", show_default=True, help="of national payloads: prefix of their events' ids")
@click.option("--dry-run", is_flag=True, help="publish nothing; say what would happen, rule by rule")
@click.option("--suggest", is_flag=True, help="print a first mapping for FILE, and how sure it is; read nothing else")
@click.option("--refused", "refused_to", type=OUT, help="rows that go nowhere (CSV); default: beside FILE")
@click.option("--allow-refused", metavar="N", type=click.IntRange(0), default=0, help="exit 0 with at most N refused")
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
    dry_run: bool,
    suggest: bool,
    refused_to: Path | None,
    allow_refused: int,
    **given: Any,
) -> None:
    """Publish events from FILE and return when all are acknowledged. A bad row is reported and goes nowhere.

    Exits with 0 where all went in, with 3 where some rows were refused, with 2 where nothing could be read.
    """
    from streams.feeds.aliases import parse_aliases
    from streams.feeds.importing import Line, lines_of_json, under_one_code
    from streams.files.tables import read_table

    settings = settings_from(**given)
    if suggest:
        _suggest(file, settings)
        return
    form = _form(form, file, mapping, sent)
    codes = {} if aliases is None else read_table(aliases, parse_aliases)
    finish: Callable[[], None] | None = None
    lines: Iterator[Line]
    tables = MappedFile(file, mapping, settings) if form == "csv" else None
    if tables is not None:
        lines = tables.lines
    elif form == "national":
        lines, finish = _national(file, mapping, codes, sent, source, settings)
    else:
        lines = lines_of_json(file, settings.codes)
    if codes and form != "national":
        lines = under_one_code(lines, codes, settings.codes)
    refusals = Refusals(file, refused_to)
    with (
        refusals,
        click.progressbar(length=file.stat().st_size, label="importing", file=click.get_text_stream("stderr")) as bar,
    ):
        advance = _advancing(bar)
        if out is not None or dry_run:
            published = _write(lines, Path(os.devnull) if out is None or dry_run else out, refusals.add, advance)
        else:
            published = asyncio.run(_publish(lines, settings, refusals.add, advance))
        bar.update(file.stat().st_size - bar.pos)
    if tables is not None:
        tables.say_notes()
    refusals.say()
    if tables is not None:
        tables.say_course(everything=dry_run)
    done = "would be published" if dry_run else f"written to {out}" if out is not None else "published and acknowledged"
    say(f"{published} events {done}, {refusals.count} rows refused")
    if finish is not None:
        finish()
    if refusals.count > allow_refused or (tables is not None and tables.nothing(published)):
        sys.exit(3)


def _form(given: str | None, file: Path, mapping: Path | None, sent: str | None) -> str:
    """Return the format of a file: as told, else rows where there is a mapping or the file's name says so."""
    form = given or ("jsonl" if mapping is None and file.suffix.lower() not in _TABLE_ENDINGS else "csv")
    if sent is not None and form != "national":
        raise BadInput("--sent is for national payloads; other formats carry versions of their own")
    return form


def _suggest(file: Path, settings: Settings) -> None:
    from streams.feeds.suggesting import suggest
    from streams.files.decision_files import read_registry
    from streams.files.rows import FileForm, FileNotes, sample_of

    notes = FileNotes()
    made = suggest(sample_of(file, FileForm(), notes), notes, read_registry(settings))
    click.echo(made.text, nl=False)
    for doubt in made.doubts:
        say(f"not sure: {visible(doubt)}")
    say("write it to a file, mend what it is not sure of, and try it with --mapping F --dry-run")


class Refusals:
    """Rows that go nowhere: each in a file, by kind on the terminal; and never what they hold."""

    def __init__(self, file: Path, to: Path | None) -> None:
        """Write nothing before there is one."""
        self._file = file
        self._to = to or file.with_name(f"{file.name}.refused.csv")
        self._asked = to is not None
        self._lost = ""
        self._writer: Any = None
        self._open: Any = None
        self._kinds: dict[str, tuple[int, int]] = {}
        """reason → (rows, line of the first)"""
        self.count = 0
        self.codes = False
        """whether one was refused because of a code's form"""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the file."""
        if self._open is not None:
            self._open.close()

    def add(self, line: Any) -> None:
        """Take one in."""
        reason = visible(line.event.reason)
        if not self.count:
            self._begin()
        if self._writer is not None:
            self._writer.writerow((line.number, cell(line.column), cell(reason)))
        rows, first = self._kinds.get(reason, (0, line.number))
        self._kinds[reason] = (rows + 1, first)
        self.count += 1
        self.codes = self.codes or reason.endswith("is not a code")

    def _begin(self) -> None:
        """Begin the file. A folder that nobody may write to stops no import, unless the file was asked for."""
        try:
            self._open = self._to.open("w", encoding="utf-8", newline="")
        except OSError as exc:
            self._lost = f"{self._to}: {exc.strerror or exc}"
            if self._asked:
                raise BadInput(self._lost) from exc
            return
        self._writer = csv.writer(self._open)
        self._writer.writerow(("line", "column", "reason"))

    def say(self) -> None:
        """Say which kinds there were, the most frequent first."""
        from models.registers.codes import FORM

        if not self.count:
            return
        kinds = sorted(self._kinds.items(), key=lambda kind: (-kind[1][0], kind[1][1]))
        for reason, (rows, first) in kinds[:KINDS_SHOWN]:
            more = f", and {rows - 1} more" if rows > 1 else ""
            say(f"{self._file}, line {first}{more}: {reason}")
        if len(kinds) > KINDS_SHOWN:
            say(f"… and {len(kinds) - KINDS_SHOWN} other reasons")
        if self.codes:
            say(f"a code is {FORM}; a unit's has no ten digits in a row (docs/importing.md)")
        if self._lost:
            say(f"the refused rows could not be listed ({self._lost}): say with --refused where to")
        else:
            say(f"each refused row, with line, column and reason: {self._to}")


class MappedFile:
    """A file of rows and the mapping that makes events of them."""

    def __init__(self, file: Path, mapping: Path | None, settings: Settings) -> None:
        """Read the mapping. Raises BadInput where there is none, or it is wrong."""
        from streams.feeds.importing import MappingCourse, lines_of_rows
        from streams.feeds.mapping import Mapper, parse_mapping
        from streams.files.tables import read_text

        if mapping is None:
            raise BadInput("a CSV file needs --mapping, which says how its rows become events")
        self._mapper = Mapper(parse_mapping(read_text(mapping), mapping.name))
        self._course = MappingCourse()
        self.lines = lines_of_rows(file, self._mapper, settings.codes, self._course)

    def nothing(self, published: int) -> bool:
        """Tell whether there were rows and no event was made of them: then the mapping is not this file's."""
        return published == 0 and self._course.rows > 0

    def say_notes(self) -> None:
        """Say what was found out about the file by looking."""
        for sentence in self._course.notes.told(self._mapper.mapping.encoding):
            say(sentence)

    def say_course(self, *, everything: bool) -> None:
        """Say what no rule took and no table has; `everything`: also what each rule took, and the values."""
        course = self._course
        if everything:
            for number, rule in enumerate(self._mapper.mapping.events):
                say(f"rule {number + 1} ({rule.type}): {course.by_rule[number]} of {course.rows} rows")
        if course.by_none:
            say(f"{course.by_none} of {course.rows} rows were taken by no rule")
        for (column, value), rows in self._mapper.unmapped.most_common(UNKNOWN_SHOWN):
            shown = f" {visible(value)!r}" if everything else ""
            say(f"column {column!r} holds a value{shown} that is not in its `map`; rows: {rows}")


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


def _write(lines: Iterator[Any], out: Path, refuse: Callable[[Any], None], advance: Callable[[int], None]) -> int:
    from models.dossiers.events import Refused

    count = 0
    with out.open("wb") as file:
        for line in lines:
            if isinstance(line.event, Refused):
                refuse(line)
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
