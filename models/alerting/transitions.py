"""Transitions of alerts: what one says, under which ids, and the machine that leads from verdicts to them."""

import hashlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, NotRequired

from typing_extensions import TypedDict

from models.alerting.rules import Cause, Kind, Severity, Verdict

Phase = Literal["firing", "resolved", "retracted"]

FLAP_OF, FLAP_ON, FLAP_OFF = 10, 4, 2
"""of so many evaluations: more changes than `FLAP_ON` mark an alert as flapping, fewer than `FLAP_OFF` unmark it"""


class Transition(TypedDict):
    """The contract's alert transition, with the numbers that justify it."""

    id: str
    fingerprint: str
    status: Phase
    kind: Kind
    severity: Severity
    decision: str
    indicator: str
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
    rule: str
    """name and version of the rule"""
    cause: NotRequired[Cause]
    group: NotRequired[str]
    """transitions of one group are one message: hundreds of units may have one cause"""
    inputs: NotRequired[Mapping[str, Any]]
    """what the rule judged by, for whoever asks it again"""
    basis: NotRequired[Mapping[str, str | int]]
    """what `probability_met` was made from"""
    dossiers: NotRequired[list[str]]
    """completeness: codes of what is missing, the oldest, at most 20"""
    missing: NotRequired[int]
    """completeness: how many are missing and overdue"""
    replaced_by: NotRequired[Kind]
    """resolved because a graver alert takes its place"""


class Open(TypedDict):
    """An alert that is firing: what it said, and the day's figures at that moment."""

    fired: Transition
    day: list[int]
    """[numerator, denominator] of the civil day on which it fired, as known then"""
    due: NotRequired[list[int]]
    """completeness: [day number, numerator, denominator] of what was overdue when it fired"""


class Memory(TypedDict):
    """What is remembered of one fingerprint between evaluations; JSON, so that it can be a row of state."""

    episode: int
    open: Open | None
    rule: dict[str, Any]


NOTHING: Final[Memory] = {"episode": 0, "open": None, "rule": {}}


def fingerprint(decision: str, indicator: str, unit: str, kind: Kind = "below-trajectory") -> str:
    """Return the name under which all alerts of one kind for a unit and an indicator go."""
    return _hash(decision, indicator, unit, kind)


def transition_id(fingerprint: str, episode: int, phase: Phase) -> str:
    """Return a transition's id: the same for the same transition, whoever derives it, however often."""
    return _hash(fingerprint, str(episode), phase)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


class Step(NamedTuple):
    """What an evaluation does to an alert: what to remember, and which kind is to be open afterwards."""

    rule: Mapping[str, Any]
    kind: Kind | None


def step(remembered: Mapping[str, Any], opened: Kind | None, verdict: Verdict, *, working: bool) -> Step:
    """Take one verdict in: count working days while it is wanted, keep the alert open until it may end.

    >>> wanted = Verdict("below-trajectory", clear=False, hold=2)
    >>> first = step({}, None, wanted, working=True)
    >>> first.kind, first.rule["state"], step(first.rule, None, wanted, working=True).kind
    (None, 'pending', 'below-trajectory')
    """
    seen = (remembered.get("seen", "") + ("1" if verdict.kind else "0"))[-FLAP_OF:]
    changes = sum(a != b for a, b in pairwise(seen))
    flapping = changes > FLAP_ON or (bool(remembered.get("flapping")) and changes >= FLAP_OFF)
    marks: dict[str, Any] = {"flapping": True} if flapping else {}
    if "1" in seen:
        marks["seen"] = seen
    if opened is not None:
        if verdict.kind == "unreachable" != opened:
            return Step({**marks, "state": "firing"}, "unreachable")
        if verdict.kind is None and verdict.clear and not flapping:
            return Step(marks, None)
        return Step({**marks, "state": "recovering" if verdict.kind is None else "firing"}, opened)
    if verdict.kind is None:
        return Step(marks, None)
    held = remembered.get("held", 0) + working
    if verdict.hold <= 1 or held >= verdict.hold:
        return Step({**marks, "state": "firing"}, verdict.kind)
    return Step({**marks, "state": "pending", "held": held}, None)
