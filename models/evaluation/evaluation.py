"""The whole system without Kafka: events in file order, ticks by the events' own clock, standings and alerts out.

The same functions as the running system; what it adds is the order in which ticks fall among the events. As there,
counters follow from what is known at a tick and not from each event: a dossier that ten events have touched since the
last tick is folded once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from models.alerting.alerts import Alerts
from models.alerting.transitions import Transition
from models.calendar.civil_time import civil_day, end_of, instant_of, moment_of, start_of
from models.counting.contributions import contributions
from models.counting.learning import NONE, Counted, Held, count, learn, moved
from models.counting.open_dossiers import Gaps
from models.decisions.reading import Reading
from models.dossiers.dossier import NOTHING, Dossier
from models.dossiers.events import Event, Refused, decode
from models.dossiers.limits import LIMITS, Crowds, Limits
from models.registers.codes import Codes
from models.standings.standings import Standing, Standings


@dataclass
class Counts:
    """What became of the events: `events` = `applied` + `duplicates` + `refused` (I2)."""

    events: int = 0
    applied: int = 0
    duplicates: int = 0
    refused: int = 0


@dataclass
class Evaluation:
    """What `evaluate` found."""

    standings: list[Standing] = field(default_factory=list)
    alerts: list[Transition] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    dossiers: Mapping[str, Dossier] = field(default_factory=dict)
    """what is known of each dossier at the end, so that other readings may be asked of the same facts"""
    counters: Standings | None = None
    """what the standings were made of"""


class Evaluator:
    """Counters, clock and alert state of one decision, fed with events and ticks."""

    def __init__(self, reading: Reading, start: date, limits: Limits = LIMITS) -> None:
        """Start before the first event, as of a civil day."""
        self.reading = reading
        self._crowds = Crowds(limits)
        self.standings = Standings(reading, start)
        for unit, day, indicator, numerator, denominator in reading.measures():
            self.standings.add(unit, day, indicator, numerator, denominator)
        self.alerts = Alerts(self.standings)
        self.counts = Counts()
        self.dossiers: dict[str, Dossier] = {}
        self._held: dict[str, Held] = {}
        """dossier → where it counts, as the counters have it"""
        self._learnt: dict[str, None] = {}
        """dossiers of which something was learnt since they were last counted"""
        self._gaps = Gaps(reading.followed())
        self._clock: str | None = None

    def take(self, event: Event) -> str | None:
        """Take one event into its dossier; counters follow when they are asked for (`settle`).

        Returns why it is refused, where it is: its dossier has too many payments or copies.
        """
        code = event.dossier
        dossier = self.dossiers.get(code, NOTHING)
        if event.parts is not None and (why := self._crowds.refuses(event, len(dossier[0]), dossier[0].keys)):
            self.counts.refused += 1
            return why
        after, outcome = learn(dossier, event)
        if outcome == "applied":
            self.counts.applied += 1
        else:
            self.counts.duplicates += 1
        if after is not dossier:
            self.dossiers[code] = after
            self._learnt[code] = None
        return None

    def settle(self) -> None:
        """Bring the counters up to what has been learnt: one addition per unit, day and cell that changed."""
        dossiers, held_by, rules = self.dossiers, self._held, self.reading.fold
        changes: Counted = {}
        for code in self._learnt:
            now = contributions(dossiers[code][0], rules)
            taken, put = moved(held_by.get(code, NONE), now)
            if taken or put:
                held_by[code] = now
                count(changes, taken, -1)
                count(changes, put, 1)
                self._gaps.move(code, taken, put)
        self._learnt.clear()
        self.standings.add_all(changes)
        for unit, cell, listed in self._gaps.touched():
            self.standings.list_gaps(unit, cell, "", listed)

    def tick(self, at: str) -> list[Transition]:
        """Move the clock to a tick and evaluate."""
        self.settle()
        transitions: list[Transition] = []
        counts = self.counts
        for instant, asked in self.alerts.instants(self._clock, at):
            self.standings.move_to(date.fromisoformat(civil_day(instant)))
            self.alerts.changed(self.standings.take_changed())
            if asked:
                transitions += self.alerts.tick(instant, counts.applied + counts.duplicates + counts.refused)
        self._clock = at
        return transitions

    def standing_rows(self) -> list[Standing]:
        """Return the standing of every unit and group, ordered by indicator and unit."""
        self.settle()
        standings, complete = self.standings, self.alerts.prospects.complete
        self.alerts.changed(standings.take_changed())
        self.alerts.prospects.refresh()
        units = sorted({*standings.named(), *standings.with_counters()})
        rows: list[Standing] = []
        for indicator in self.reading.indicators:
            rows += [
                complete(standings.standing(unit, indicator, self.alerts.alert_of(unit, indicator)))
                for unit in units
                if standings.has_standing(unit)
            ]
            rows += [complete(standings.group_standing(group, indicator)) for group in standings.groups().values()]
        return rows


def evaluate(  # noqa: C901, PLR0913 - two of them are ears
    reading: Reading,
    lines: Iterable[tuple[int, bytes]],
    as_of: date,
    tick: timedelta = timedelta(days=1),
    on_line: Callable[[int], None] | None = None,
    *,
    on_tick: Callable[[Evaluator, str], None] | None = None,
    codes: Codes = "ascii",
    limits: Limits = LIMITS,
) -> Evaluation:
    """Evaluate a file of events as of a civil day (contract: `lotrinh evaluate`).

    `lines` gives (line number, bytes) without blank lines; `tick` divides a day, whose last tick is its end. Raises
    ValueError when the day lies before the period.
    """
    first, last = reading.period(as_of)
    if as_of < first:
        raise ValueError(f"{as_of} lies before the period, which begins on {first}")
    until = end_of(min(as_of, last))
    result = Evaluation()
    evaluator = Evaluator(reading, first, limits)
    # A daily rule hears the feed's rhythm from the first day on; nothing is judged before the decision is effective.
    effective = reading.effective(as_of)
    ticks = _ticks(min(first, effective) if evaluator.alerts.rule.daily else effective, tick)
    due_at = next(ticks)
    clock = ""
    for number, line in lines:
        event = decode(line, codes=codes)
        evaluator.counts.events += 1
        if isinstance(event, Refused):
            evaluator.counts.refused += 1
            result.refused.append((number, event.reason))
            continue
        at = event.stamp.split("\t", 2)[1]
        if at > clock:
            clock = at
            while due_at < at and due_at <= until and _is_over(due_at, at):
                result.alerts += evaluator.tick(due_at)
                if on_tick is not None:
                    on_tick(evaluator, due_at)
                due_at = next(ticks)
        why = evaluator.take(event)
        if why is not None:
            result.refused.append((number, why))
        if on_line is not None:
            on_line(number)
    while due_at <= until:
        result.alerts += evaluator.tick(due_at)
        if on_tick is not None:
            on_tick(evaluator, due_at)
        due_at = next(ticks)
    evaluator.standings.move_to(min(as_of, last))
    result.standings = evaluator.standing_rows()
    result.counts = evaluator.counts
    result.dossiers, result.counters = evaluator.dossiers, evaluator.standings
    return result


def _is_over(tick: str, clock: str) -> bool:
    """Tell whether a tick comes before an event of that time: a day's last one, when the day is over."""
    return civil_day(tick) < civil_day(clock) if tick[11:19] == "23:59:59" else tick < clock


def _ticks(first: date, step: timedelta) -> Iterator[str]:
    """Yield the ticks from a civil day on: every `step` within a day, and each day's end."""
    day = first
    while True:
        moment: datetime = moment_of(start_of(day)) + step
        ends = moment_of(start_of(day + timedelta(days=1)))
        while moment < ends:
            yield instant_of(moment)
            moment += step
        yield end_of(day)
        day += timedelta(days=1)
