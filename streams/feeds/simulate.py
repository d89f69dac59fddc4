"""A simulated year of a decision's province: reproducible, realistic, as long as one likes.

`lotrinh simulate` writes it to a file, `lotrinh up --demo` replays it, tests and benchmarks feed on it. A dossier lives
its life at once when it is filed; its events wait for the day on which they arrive, so that memory holds what is under
way and not the year.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from models.decisions.file import ListRule
from models.decisions.reading import Reading
from streams.feeds.simulation.arrivals import Arrivals
from streams.feeds.simulation.days import Days, wobble
from streams.feeds.simulation.dossiers import Counters
from streams.feeds.simulation.draws import apportion
from streams.feeds.simulation.procedures import Procedure, procedures_of
from streams.feeds.simulation.province import Scene, actors, level_of
from streams.feeds.simulation.slips import Slips

COLUMNS: Final = (
    "procedure",
    "name",
    "authority",
    "level",
    "eligible",
    "lists",
    "listed_from",
    "listed_to",
    "result_document",
    "national_portal",
)
"""of the catalogue's file (contract: "Procedure catalogue")"""
ANNOUNCED_AFTER_DAYS: Final = 182
"""from the period's first day until `new` services are announced"""


@dataclass(frozen=True)
class Simulation:
    """What to simulate."""

    dossiers: int
    """how many dossiers are filed, each with a code of its own; about 98 % of them come to be received"""
    seed: int
    disorder: bool = True
    """duplicates, late and overtaken events, mistakes and their corrections; False: a clean stream in order"""
    on: date | None = None
    """a civil day of the period to simulate, for a decision that holds every year; None: its first period"""


def simulate(reading: Reading, simulation: Simulation) -> Iterator[bytes]:
    """Yield the events of a year of the decision's province as JSON lines (no newline), in order of arrival.

    The year is the decision's period and the two weeks before; the last results arrive some months after it. The bytes
    follow from the decision, the units it names, and `simulation` alone.
    """
    scene = _scene(reading, simulation)
    days = scene.days
    counters = Counters(scene, actors(scene))
    slips = Slips(scene, counters, mistakes=simulation.disorder)
    arrivals = Arrivals(scene, disorder=simulation.disorder)
    draw = scene.random("days").random
    plan = apportion(simulation.dossiers, [weight * wobble(draw()) for weight in days.weights])
    for day, filed in enumerate(plan):
        for _ in range(filed):
            _live(day, counters, slips, arrivals)
        counters.close(day)
        yield from arrivals.on(day)
    yield from arrivals.rest()


def _live(day: int, counters: Counters, slips: Slips, arrivals: Arrivals) -> None:
    """Let one dossier be filed on a day, live its life, and send what is told of it."""
    life = counters.file(day)
    slip = slips.choose()
    if slip is not None:
        slips.before(life, slip)
    received = counters.receive(life)
    counters.pay(life, refused=not received)
    if received and not counters.break_off(life):
        counters.resolve(life)
        counters.certify(life)
    if received and slip is not None:
        slips.after(life, slip)
    arrivals.send(life)


def _scene(reading: Reading, simulation: Simulation) -> Scene:
    first, last = _period(reading, simulation.on)
    return Scene(reading, first, Days(first, last), simulation.seed)


def _period(reading: Reading, on: date | None) -> tuple[date, date]:
    return reading.period(date.min if on is None else on)


# -- the catalogue -----------------------------------------------------------------------------------------------------


def catalogue_rows(reading: Reading) -> list[dict[str, str]]:
    """Return the catalogue (contract's columns) of the simulated procedures: per class, and per province agency.

    It depends on the units the decision names, not on a seed. A decision that cannot be read without a catalogue is
    read with an empty one to ask for this.
    """
    first, _ = _period(reading, None)
    rows = []
    classes: set[str] = set()
    for code in sorted(reading.targets(first).rows):
        level = level_of(reading, code)
        authority = level if level in ("district", "commune") else code
        if authority not in classes:
            classes.add(authority)
            rows += [_row(reading, first, authority, procedure) for procedure in procedures_of(code, level)]
    return rows


def _row(reading: Reading, first: date, authority: str, procedure: Procedure) -> dict[str, str]:
    new = "new" in procedure.notes
    scope = reading.decision.catalogue
    rules = scope.rules if scope is not None else ()
    announced = (first + timedelta(days=ANNOUNCED_AFTER_DAYS)).isoformat()
    values = (
        procedure.code,
        procedure.name,
        authority,
        procedure.level,
        _truth("ineligible" not in procedure.notes),
        _lists(procedure, rules) if procedure.online else "",
        announced if new and not rules else "",
        "",
        _truth("no-document" not in procedure.notes),
        _truth(procedure.online and "off-portal" not in procedure.notes),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _lists(procedure: Procedure, rules: Sequence[ListRule]) -> str:
    """Return the lists that hold a procedure; where a decision counts by list and day, those of a rule that fits it."""
    if not rules:
        return "announced"
    fits = (rule for rule in rules if ("new" in procedure.notes, "dropped" in procedure.notes) == _dated(rule))
    return ";".join(next(fits, rules[0]).on)


def _dated(rule: ListRule) -> tuple[bool, bool]:
    """Tell whether a rule is for procedures that come later, and whether for those that end sooner."""
    return rule.first is not None, rule.last is not None


def _truth(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return "true" if value else "false"


def write_catalogue(path: Path, reading: Reading) -> None:
    """Write the simulated procedures as a catalogue file, UTF-8 with a header row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(catalogue_rows(reading))
