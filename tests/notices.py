"""Makers of transitions, plans and an outbox that can crash, for tests of delivery."""

from collections.abc import Mapping
from typing import Any, cast

from models.alerting.transitions import Transition, fingerprint, transition_id
from models.calendar.workdays import SHIPPED
from models.notification.outbox import Message, Outbox, Situation
from models.notification.routing import Manner, Plan, Route, Routing
from streams.files.decision_files import shipped_registry

REGISTRY = shipped_registry()
NOW = "2024-06-05T09:00:00+07:00"  # a Wednesday
MORNING = "2024-06-06T07:30:00+07:00"
DECISION = "thai-binh-2024"
INPUTS: dict[str, Any] = {
    "shape": "proportion",
    "status": "below",
    "numerator": 40,
    "denominator": 100,
    "expected": "50",
    "target": "50",
    "days": 366,
    "days_left": 200,
    "working_days_left": 140,
    "stepped": False,
    "fulfilled_later": False,
    "further": 100,
    "further_most": 130,
    "overdue": 0,
    "ceiling": None,
    "probability": None,
    "gap": None,
    "recent": None,
}


def transition(status: str = "firing", episode: int = 1, unit: str = "12688", **more: Any) -> Transition:
    """A transition as watch would announce it."""
    kind, indicator = more.get("kind", "below-trajectory"), more.get("indicator", "online-dossiers")
    name = fingerprint(DECISION, indicator, unit, kind)
    made: dict[str, Any] = {
        "id": transition_id(name, episode, status),  # type: ignore[arg-type]  # a phase
        "fingerprint": name,
        "status": status,
        "kind": kind,
        "severity": "warning",
        "decision": DECISION,
        "indicator": indicator,
        "unit": unit,
        "at": "2024-06-05T08:59:00+07:00",
        "reason": "Lũy kế 40,00 % (40/100) thấp hơn lộ trình 50 %; còn thiếu 10.",
        "numerator": 40,
        "denominator": 100,
        "target": "50",
        "expected": "50",
        "shortfall": 10,
        "required_ratio": "0.6",
        "probability_met": None,
        "rule": "evidence/1",
    }
    if status == "firing":
        made["inputs"] = INPUTS
    return cast("Transition", {**made, **more})


def standing(unit: str = "12688", indicator: str = "online-dossiers", **more: Any) -> dict[str, Any]:
    """A standing of a unit that is behind, and not by much."""
    return {
        "decision": DECISION, "indicator": indicator, "unit": unit, "as_of": MORNING[:10], "numerator": 41,
        "denominator": 98, "target": "50", "expected": "50", "status": "below", "shortfall": 8, "chance": "0.0646",
        "still_needed": {"of_rest": 60, "rest": 110, "extra": 16, "instead": 8}, "assurance": "open", "alert": None,
    } | more  # fmt: skip


def plan(manners: Mapping[str, Mapping[str, Any]], *routes: Mapping[str, Any], **addresses: set[str]) -> Plan:
    """A plan of these receivers and routes."""
    return Plan(
        manners={name: Manner.model_validate(m) for name, m in manners.items()},
        routes=[Route.model_validate(r) for r in routes],
        addresses={name: frozenset(units) for name, units in addresses.items()},
    )


def to(*receivers: str, role: str = "department-in-charge", **more: Any) -> dict[str, Any]:
    """A route."""
    return {"role": role, "receivers": list(receivers), **more}


class Delivery:
    """An outbox with what it keeps, and what receivers got; it can be cut off between any two effects."""

    def __init__(self, made: Plan) -> None:
        self.plan = made
        self.kept: dict[str, Mapping[str, Any]] = {}
        self.log: dict[int, list[Transition]] = {0: [], 1: []}
        self.received: list[Message] = []
        self.clock = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin anew from what was kept."""
        self.outbox = Outbox(Routing(self.plan, REGISTRY, SHIPPED))
        for key in sorted(self.kept):
            self.outbox.restore(key, self.kept[key])
        self.outbox.interrupted(self.clock)

    def keep(self) -> None:
        self.kept |= self.outbox.take_changed()

    def publish(self, made: Transition) -> None:
        """Write to the log, in the partition of the fingerprint."""
        self.log[int(made["fingerprint"], 16) % 2].append(made)

    def read(self, situation: Situation, most: int = 1_000) -> None:
        for partition, records in self.log.items():
            position = self.outbox.positions.get(partition, 0)
            for offset in range(position, min(len(records), position + most)):
                self.outbox.take(records[offset], partition, offset, situation)

    def tell(self, now: str = NOW, **situation: Any) -> list[Message]:
        """Go on, with nothing going wrong, until nothing is due; return what was received."""
        here = Situation(now, **situation)
        before = len(self.received)
        for _ in range(100):
            self.read(here)
            messages = self.outbox.due(here, self.clock)
            self.keep()
            if not messages:
                return self.received[before:]
            for message in messages:
                self.outbox.begin(message)
                self.received.append(message)
                self.outbox.sent(message)
        raise AssertionError("it does not come to rest")
