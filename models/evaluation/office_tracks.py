"""Offices of a district along trajectories of their own: shown, and judged by nobody.

A decision gives targets to the district; its offices' dossiers count there. What a district hands down to an office is
its own affair: such a track has no target, no standing and no alert, and changes nothing of the district's.
"""

from collections.abc import Iterable
from datetime import date
from typing import Literal

from typing_extensions import TypedDict

from models.decisions.reading import Reading
from models.dossiers.events import Event
from models.evaluation.evaluation import Evaluator
from models.standings.standings import reaches, shortfall
from models.wording import decimal_text


class Track(TypedDict):
    """How far an office is along its trajectory."""

    unit: str
    district: str
    indicator: str
    as_of: str
    numerator: int
    denominator: int
    expected: str | None
    status: Literal["met", "below", "no-dossiers"]
    shortfall: int


def tracks(reading: Reading, events: Iterable[Event], as_of: date) -> list[Track]:
    """Return the track of every office that has a trajectory, by office and indicator.

    `reading` is one whose registry keeps offices apart. Raises ValueError where it does not.
    """
    registry = reading.registry
    if not registry.offices_apart:
        raise ValueError("the registry counts offices for their districts")
    evaluator = Evaluator(reading, reading.period(as_of)[0])
    for event in events:
        evaluator.take(event)
    evaluator.settle()
    standings = evaluator.standings
    standings.move_to(as_of)
    found: list[Track] = []
    for (unit, name), milestones in sorted(reading.trajectories.items()):
        if not (district := registry.district_of(unit)):
            continue
        indicator = next(i for i in reading.indicators if i == name)
        figures = standings.figures(unit, indicator)
        expected = milestones.at(standings.as_of)
        below = expected is not None and not reaches(figures, expected)
        found.append(
            {
                "unit": unit,
                "district": district,
                "indicator": indicator,
                "as_of": standings.as_of.isoformat(),
                "numerator": figures[0],
                "denominator": figures[1],
                "expected": None if expected is None else decimal_text(expected),
                "status": "no-dossiers" if figures[1] == 0 else "below" if below else "met",
                "shortfall": shortfall(figures, expected),
            }
        )
    return found
