"""What would change if an open question were answered otherwise: whose verdict, and by which figures.

Facts are merged once (`models.evaluation.evaluation`); every other reading of the decision folds the same dossiers
anew, and readings that count alike share their counters.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from models.counting.contributions import contributions
from models.counting.learning import Counted, count
from models.decisions.file import Indicator
from models.decisions.reading import Reading
from models.dossiers.dossier import Dossier
from models.standings.standings import Judged, Standings

NOT_OF_VERDICTS: Final = frozenset({"alert_rule", "report_months"})
"""switches on which no standing depends: when to alert, and which days a report is about"""

Key = tuple[str, Indicator]


class Question(NamedTuple):
    """One question answered otherwise, all else being as `given`."""

    switch: str
    value: str
    """as it is read"""
    other: str
    """as it might be read"""
    given: Mapping[str, str]
    """what is supposed besides, because the question does not arise without it"""


class Change(NamedTuple):
    """A unit whose verdict under an indicator depends on the answer."""

    unit: str
    indicator: Indicator
    now: Judged
    other: Judged


@dataclass(frozen=True)
class Answer:
    """What one other answer changes: verdicts, and how many units' figures alone."""

    question: Question
    changes: tuple[Change, ...]
    figures_only: int
    """(unit, indicator) whose figures or line differ and whose verdict does not"""


def questions(reading: Reading, as_of: date, supposed: Mapping[str, str]) -> Iterator[Question]:
    """Yield every other answer to every question on which a verdict may depend.

    A day that is not known is supposed to be the one given, else the middle of the period so far; questions about what
    follows from that day are asked as if it were so.
    """
    first, _ = reading.period(as_of)
    middle = (first + (reading.nearest(as_of) - first) // 2).isoformat()
    dates = {s.name for s in reading.switch_views() if "date" in s.choices}
    unknown = {n: supposed.get(n, middle) for n in sorted(dates) if reading.switches[n] == "none"}
    for view in reading.switch_views():
        if view.name in NOT_OF_VERDICTS:
            continue
        others = [c for c in view.choices if c not in (view.value, "date")]
        if view.name in unknown:
            others = [unknown[view.name]]
        elif view.name in dates and view.name in supposed:
            others.append(supposed[view.name])
        given = unknown if view.name in _after_a_day(reading) else {}
        for other in others:
            yield Question(view.name, view.value, other, given)


def _after_a_day(reading: Reading) -> frozenset[str]:
    """Return the switches that say how many days after another switch's day something holds."""
    return frozenset(name for name, switch in reading.decision.switches.items() if switch.days)


def sensitivity(
    reading: Reading, dossiers: Mapping[str, Dossier], as_of: date, supposed: Mapping[str, str]
) -> list[Answer]:
    """Return what every other answer changes, in the order of the decision's switches."""
    folded = _Folded(dossiers, as_of)
    answers = []
    for question in questions(reading, as_of, supposed):
        now = folded.judged(reading.under(question.given))
        other = folded.judged(reading.under({**question.given, question.switch: question.other}))
        answers.append(_compared(question, now, other))
    return answers


def _compared(question: Question, now: Mapping[Key, Judged], other: Mapping[Key, Judged]) -> Answer:
    changes, figures_only = [], 0
    for key in sorted(now.keys() | other.keys(), key=lambda k: (k[1], k[0])):
        a, b = now.get(key, _NONE), other.get(key, _NONE)
        if a.status != b.status:
            changes.append(Change(*key, a, b))
        elif a != b:
            figures_only += 1
    return Answer(question, tuple(changes), figures_only)


_NONE: Final = Judged((0, 0), None, "no-target")
"""a unit that has no standing under one of the readings"""


class _Folded:
    """Judges the same dossiers under one reading after another; counters are shared by readings that count alike."""

    def __init__(self, dossiers: Mapping[str, Dossier], as_of: date) -> None:
        self._dossiers = dossiers
        self._as_of = as_of
        self._counters: dict[str, Counted] = {}
        self._judged: dict[str, dict[Key, Judged]] = {}

    def judged(self, reading: Reading) -> Mapping[Key, Judged]:
        """Return the verdict on every unit that has a standing, under every indicator."""
        name = reading.fingerprint()
        if name not in self._judged:
            standings = Standings(reading, self._as_of)
            standings.add_all(self._counted(reading))
            units = {*standings.named(), *standings.with_counters()}
            self._judged[name] = {
                (unit, indicator): standings.judge(unit, indicator)
                for unit in units
                if standings.has_standing(unit)
                for indicator in reading.indicators
            }
        return self._judged[name]

    def _counted(self, reading: Reading) -> Counted:
        name = reading.fold_fingerprint()
        if name not in self._counters:
            counters = self._counters[name] = {}
            for dossier in self._dossiers.values():
                count(counters, contributions(dossier[0], reading.fold), 1)
        return self._counters[name]
