"""Alerts: rules that judge a standing, and the state machine that makes firing, resolved and retracted of verdicts.

A rule is a pure function from a case (the standing of one unit under one indicator, and what the rule itself chose to
remember) to a verdict. The machine around it keeps one open alert per fingerprint, numbers its episodes, and tells a
recovery (`resolved`) from facts that came late and show the firing to have been untrue (`retracted`).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

from typing_extensions import TypedDict

from models.calendar import civil_day, day_number
from models.decisions import Indicator
from models.standings import Judged, Standings, shortfall
from models.texts import percent_text, ratio_text
from models.trajectory import decimal_text

Kind = Literal["below-trajectory"]
Severity = Literal["info", "warning", "critical"]
Phase = Literal["firing", "resolved", "retracted"]


class Transition(TypedDict):
    """The contract's alert transition, with the numbers that justify it."""

    id: str
    fingerprint: str
    status: Phase
    kind: Kind
    severity: Severity
    decision: str
    indicator: Indicator
    unit: str
    at: str
    reason: str
    numerator: int
    denominator: int
    target: str | None
    expected: str | None
    shortfall: int
    required_ratio: str | None
    probability_met: str | None


class Open(TypedDict):
    """An alert that is firing: what it said, and the day's figures at that moment."""

    fired: Transition
    day: list[int]
    """[numerator, denominator] of the civil day on which it fired, as known then"""


class Memory(TypedDict):
    """What is remembered of one fingerprint between evaluations; JSON, so that it can be a row of state."""

    episode: int
    open: Open | None
    rule: dict[str, Any]


NOTHING: Final[Memory] = {"episode": 0, "open": None, "rule": {}}


class Case(NamedTuple):
    """What a rule is asked about."""

    judged: Judged
    at: str
    """the tick, a canonical instant"""
    remembered: Mapping[str, Any]


class Verdict(NamedTuple):
    """What a rule says: whether the alert is to be open now, how grave it is, and what to remember."""

    firing: bool
    severity: Severity = "warning"
    remember: Mapping[str, Any] = {}


class _Occasion(NamedTuple):
    """One evaluation of one unit under one indicator, with all that is known of it."""

    unit: str
    indicator: Indicator
    at: str
    judged: Judged
    memory: Memory
    verdict: Verdict


Rule = Callable[[Case], Verdict]


def literal(case: Case) -> Verdict:
    """Fire whenever the status is `below` at an evaluation; no gate, no grace (contract: `alert_rule=literal`)."""
    return Verdict(case.judged.status == "below")


class RuleSpec(NamedTuple):
    """A rule, and whether its verdict depends on nothing but figures, trajectory and day.

    Such a rule is asked again only where one of these has changed.
    """

    judge: Rule
    memoryless: bool


RULES: Final[Mapping[str, RuleSpec]] = {"literal": RuleSpec(literal, memoryless=True)}


def fingerprint(decision: str, indicator: str, unit: str, kind: Kind = "below-trajectory") -> str:
    """Return the name under which all alerts of one kind for a unit and an indicator go."""
    return _hash(decision, indicator, unit, kind)


def transition_id(fingerprint: str, episode: int, phase: Phase) -> str:
    """Return a transition's id: the same for the same transition, whoever derives it, however often."""
    return _hash(fingerprint, str(episode), phase)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


class Alerts:
    """The alert state of some units under one decision: evaluates cases, and says what changed."""

    def __init__(self, standings: Standings) -> None:
        """Start with nothing remembered."""
        self.standings = standings
        self.reading = standings.reading
        self.rule = RULES[self.reading.switches["alert_rule"]]
        self.memory: dict[tuple[str, Indicator], Memory] = {}
        self._seen: set[tuple[str, Indicator]] | None = None
        """what has changed since the last evaluation; None: nothing has been evaluated yet"""
        self._dirty: set[tuple[str, Indicator]] = set()

    def changed(self, keys: Iterable[tuple[str, Indicator]]) -> None:
        """Take note of what may be judged otherwise than before (`Standings.take_changed`)."""
        if self._seen is not None:
            self._seen.update(keys)

    def take_changed(self) -> list[tuple[str, Indicator]]:
        """Return whose memory has changed since last asked, in a fixed order: what state has to be written."""
        changed, self._dirty = sorted(self._dirty), set()
        return changed

    def _put(self, key: tuple[str, Indicator], memory: Memory) -> None:
        self.memory[key] = memory
        self._dirty.add(key)

    def tick(self, at: str) -> list[Transition]:
        """Evaluate at a tick, in a fixed order, and return the transitions.

        Every unit's target and every open alert is due; of a memoryless rule, those where something has changed.
        Nothing is raised before the decision is effective.
        """
        if date.fromisoformat(civil_day(at)) < self.reading.effective(self.standings.as_of):
            return []
        targets = self.reading.targets(self.standings.as_of)
        changed = self._seen if self.rule.memoryless else None
        self._seen = set()
        if changed is not None:
            due = sorted(k for k in changed if (k in targets.targets and k[0] in targets.rows) or k in self.memory)
        else:
            due = sorted({*(k for k in targets.targets if k[0] in targets.rows), *self.memory})
        transitions = (self._evaluate(unit, indicator, at) for unit, indicator in due)
        return [t for t in transitions if t is not None]

    def alert_of(self, unit: str, indicator: Indicator) -> dict[str, Any] | None:
        """Return what a standing says of its open alert."""
        memory = self.memory.get((unit, indicator))
        if memory is None or memory["open"] is None:
            return None
        fired = memory["open"]["fired"]
        return {k: fired[k] for k in ("id", "kind", "severity", "at")}

    def _evaluate(self, unit: str, indicator: Indicator, at: str) -> Transition | None:
        """Judge one unit under one indicator and return the transition, if there is one."""
        standings, reading = self.standings, self.reading
        target = reading.target(unit, indicator, standings.as_of)
        memory = self.memory.get((unit, indicator), NOTHING)
        if target is None and memory["open"] is None:
            return None
        judged = standings.judge(unit, indicator)
        verdict = self.rule.judge(Case(judged, at, memory["rule"]))
        firing = verdict.firing and target is not None and not target.held and not standings.frozen(unit)
        occasion = _Occasion(unit, indicator, at, judged, memory, verdict)
        if firing == (memory["open"] is not None):
            if memory["rule"] != verdict.remember:
                self._put((unit, indicator), {**memory, "rule": dict(verdict.remember)})
            return None
        return self._fire(occasion) if firing else self._close(occasion)

    def _fire(self, occasion: "_Occasion") -> Transition:
        judged, episode = occasion.judged, occasion.memory["episode"] + 1
        line = judged.expected if judged.expected is not None else Fraction(0)
        reason = (
            f"Lũy kế {ratio_text(*judged.figures)} ({judged.figures[0]}/{judged.figures[1]}) thấp hơn lộ trình "
            f"{percent_text(line)}; còn thiếu {shortfall(judged.figures, judged.expected)}."
        )
        ceiling = self.standings.ceiling(occasion.unit, occasion.indicator)
        scope = self.reading.decision.catalogue
        if ceiling is not None and scope is not None:
            reason = f"Không thể đạt do danh mục: mức trần {percent_text(ceiling)}. {reason} Nơi xử lý: {scope.owner}."
        fired = self._transition("firing", occasion, episode, occasion.verdict.severity, reason)
        day = self.standings.counted_on(occasion.unit, occasion.indicator, self.standings.ledger.last)
        opened: Open = {"fired": fired, "day": list(day)}
        memory: Memory = {"episode": episode, "open": opened, "rule": dict(occasion.verdict.remember)}
        self._put((occasion.unit, occasion.indicator), memory)
        return fired

    def _close(self, occasion: "_Occasion") -> Transition:
        """End the open alert: `resolved` where it was true and no longer is, `retracted` where it never was."""
        opened, judged, episode = occasion.memory["open"], occasion.judged, occasion.memory["episode"]
        if opened is None:
            raise ValueError("an alert that is not open cannot close")
        fired = opened["fired"]
        then = self._in_hindsight(occasion.unit, occasion.indicator, occasion.at, opened)
        if then.status == "below" and judged.status == "below":
            phase: Phase = "resolved"
            reason = "Không còn xét theo lộ trình: đơn vị đã có đơn vị kế thừa, hoặc đang chờ giao lại chỉ tiêu."
        elif then.status == "below":
            phase = "resolved"
            reason = f"Đã trở lại lộ trình: {ratio_text(*judged.figures)} ({judged.figures[0]}/{judged.figures[1]})."
        else:
            phase = "retracted"
            reason = (
                f"Dữ liệu đến muộn hoặc được sửa: khi cảnh báo là {fired['numerator']}/{fired['denominator']}, "
                f"nay cũng thời điểm đó là {then.figures[0]}/{then.figures[1]}."
            )
        closed = self._transition(phase, occasion, episode, fired["severity"], reason)
        memory: Memory = {"episode": episode, "open": None, "rule": dict(occasion.verdict.remember)}
        self._put((occasion.unit, occasion.indicator), memory)
        return closed

    def _in_hindsight(self, unit: str, indicator: Indicator, at: str, opened: Open) -> Judged:
        """Judge the day of firing with what is known now.

        While that civil day lasts, what it has counted since may be new dossiers, so its own figures stay those of the
        firing; once it is over and the alert still stood, the whole day is what was judged.
        """
        fired = opened["fired"]
        fired_on = civil_day(fired["at"])
        on = self.reading.nearest(date.fromisoformat(fired_on))
        day = day_number(on.isoformat())
        standings = self.standings
        if day < standings.ledger.last and fired_on != civil_day(at):
            figures = standings.figures_until(unit, indicator, day)
        else:
            counted = opened["day"]
            figures = standings.figures_until(unit, indicator, day - 1, (counted[0], counted[1]))
            if self.reading.indicators[indicator].count == "service":
                figures = (max(figures[0], fired["numerator"]), figures[1])
        if self.reading.indicators[indicator].fulfilled_later:
            # What was missing then and was done since does not make the firing untrue (A23); dossiers that have come to
            # be known since, or are no longer counted, may.
            late = max(0, figures[1] - fired["denominator"])
            figures = (min(figures[0], fired["numerator"] + late), figures[1])
        return standings.judged(unit, indicator, figures, on)

    def _transition(
        self, phase: Phase, occasion: "_Occasion", episode: int, severity: Severity, reason: str
    ) -> Transition:
        decision, judged = self.reading.decision.id, occasion.judged
        name = fingerprint(decision, occasion.indicator, occasion.unit)
        target = self.reading.target(occasion.unit, occasion.indicator, self.standings.as_of)
        return {
            "id": transition_id(name, episode, phase),
            "fingerprint": name,
            "status": phase,
            "kind": "below-trajectory",
            "severity": severity,
            "decision": decision,
            "indicator": occasion.indicator,
            "unit": occasion.unit,
            "at": occasion.at,
            "reason": reason,
            "numerator": judged.figures[0],
            "denominator": judged.figures[1],
            "target": None if target is None else decimal_text(target.value),
            "expected": None if judged.expected is None else decimal_text(judged.expected),
            "shortfall": shortfall(judged.figures, judged.expected),
            "required_ratio": None,
            "probability_met": None,
        }
