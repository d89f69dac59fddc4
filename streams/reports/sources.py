"""What a report is made from: the running system and its topic of closings, or a file of events and a file of closings.

Both give the same core the same things.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from models.calendar.civil_time import civil_day
from models.calendar.periods import Window
from models.decisions.file import Duty
from models.decisions.reading import Reading
from models.reporting.closed_period import Closing
from models.reporting.report import Due, Known, Report, make_report
from streams.errors import BadInput, Incomplete
from streams.feeds.importing import json_lines
from streams.monitoring.completeness import lasting_causes
from streams.monitoring.waiting import wait_until_counted
from streams.reports import closings, counters
from streams.settings import Settings

Say = Callable[[str], None]
SAY_EVERY_S: Final = 3.0


@dataclass(frozen=True)
class Source:
    """Counters and closings, and what was refused on the way."""

    known: Known
    closings: list[Closing]
    counted_to: date | None
    """civil day up to which the system's clock has come; None for a file, which is taken to be complete"""
    refused: list[tuple[int, str]]


def running(
    settings: Settings, reading: Reading, wait_s: float | None, say: Say, *, allow_incomplete: bool = False
) -> Source:
    """Return what the running system holds; `wait_s`: first wait until all that has arrived is counted.

    Raises BadInput; Incomplete where something is missing, unless that is allowed: then the counters say what.
    """
    closed = closings.of_topic(settings)  # first of all: a missing topic is said at once
    if wait_s is not None:
        causes = wait_until_counted(settings, wait_s, _seldom(say), allow_incomplete=allow_incomplete)
    else:
        causes = lasting_causes(settings)
        if causes and not allow_incomplete:
            raise Incomplete(causes)
    known = replace(counters.of_running_system(settings, reading), causes=tuple(causes))
    return Source(known, closed, date.fromisoformat(civil_day(known.until)), [])


def _seldom(say: Say) -> Say:
    """Return one that says the same no oftener than every few seconds."""
    said = -math.inf

    def speak(text: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= SAY_EVERY_S:
            said = now
            say(text)

    return speak


def offline(  # noqa: PLR0913, PLR0917 - files, and how they are to be read
    reading: Reading, events: Path, closed: Path | None, complete_to: date | None, on_read: Say, settings: Settings
) -> Source:
    """Return what files hold; `complete_to`: the events are complete up to that day although none is as late.

    Raises BadInput.
    """
    found = closings.of_file(closed)
    shown = 0

    def advanced(read: int) -> None:
        nonlocal shown
        if read - shown > 50_000_000:
            shown = read
            on_read(f"{events}: {read >> 20} MB read")

    def lines() -> counters.Lines:
        for number, line, read in json_lines(events):
            advanced(read)
            yield number, line

    known, refused = counters.of_events(reading, lines(), settings.codes, settings.limits)
    return Source(replace(known, complete_to=complete_to), found, None, refused)


def report_of(source: Source, period: str, as_of: date | None) -> Report:
    """Return the report of a period. Raises BadInput."""
    days = [day for day in (as_of, source.counted_to) if day is not None]
    try:
        report = make_report(source.known, period, source.closings, min(days) if days else None)
    except ValueError as exc:
        raise BadInput(str(exc)) from exc
    return replace(report, dues=tuple(dues_of(report.reading.decision.reports, report.window)))


def dues_of(duties: Iterable[Duty], days: Window) -> list[Due]:
    """Return until when the report of a period is to be sent."""
    return [Due(duty.due(days.last), duty.clause) for duty in duties if duty.period == days.label.kind]
