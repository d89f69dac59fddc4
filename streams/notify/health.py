"""What the notifier says of itself: is it alive, is it ready, and its metrics."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from models.notification.outbox import Outbox, Undelivered
from models.standings.completeness import Cause
from streams.monitoring.checks import Check
from streams.monitoring.metrics import Metric
from streams.monitoring.process import process_metrics

STEP_S: Final = 60.0
"""a step takes a fraction of a second; one that takes so long stands still"""
ACCEPTED, FAILED, SET_ASIDE = "accepted", "failed", "set-aside"


class NotifyHealth:
    """The notifier's figures, and what they mean."""

    def __init__(self, outbox: Outbox, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Look at an outbox; the clock is given, so that tests can."""
        self._outbox = outbox
        self._monotonic = monotonic
        self._stepped = monotonic()
        self._begun = False
        self.messages: Counter[tuple[str, str]] = Counter()
        """(receiver, outcome) → messages"""
        self.undelivered: list[Undelivered] = []
        """mailboxes that have been owed something for a working day, or that refuse for good"""

    def step(self) -> None:
        """Note that the loop has turned, everything having been read once."""
        self._begun, self._stepped = True, self._monotonic()

    def checks(self) -> list[Check]:
        """Return the conditions of readiness. A receiver that is away is no condition: it is owed, not lost."""
        idle = self._monotonic() - self._stepped
        return [
            Check("read", self._begun, "all topics were read to their ends" if self._begun else "still reading"),
            Check("step", idle < STEP_S, f"the last step was {idle:.0f} s ago"),
        ]

    @staticmethod
    def causes() -> list[Cause]:
        """Return nothing: what is missing from the figures is said by those who count and show them."""
        return []

    def metrics(self) -> list[Metric]:
        """Return readiness, messages, and what is owed, by receiver."""
        owed, failing = self._outbox.owed(), Counter[str]()
        for box, state in self._outbox.boxes.items():
            failing[box.receiver] += state["failures"] > 0
        unreached = Counter(one.mailbox.partition("@")[0] for one in self.undelivered)
        names = sorted(self._outbox.routing.plan.manners)
        return [
            Metric(
                "lotrinh_ready",
                "gauge",
                "1: this condition of readiness is met.",
                [({"check": check.name}, float(check.ok)) for check in self.checks()],
            ),
            Metric(
                "lotrinh_notify_messages_total",
                "counter",
                "Messages by how sending went.",
                [
                    ({"receiver": name, "outcome": outcome}, float(self.messages[name, outcome]))
                    for name in names
                    for outcome in (ACCEPTED, FAILED, SET_ASIDE)
                ],
            ),
            Metric(
                "lotrinh_notify_owed_alerts",
                "gauge",
                "Alerts that a receiver still has to be told of, by mailbox and alert.",
                [({"receiver": name}, float(owed[name])) for name in names],
            ),
            Metric(
                "lotrinh_notify_failing_mailboxes",
                "gauge",
                "Mailboxes whose last attempt failed.",
                [({"receiver": name}, float(failing[name])) for name in names],
            ),
            Metric(
                "lotrinh_notify_undelivered_mailboxes",
                "gauge",
                "Mailboxes that have been owed something for a working day, or that refuse for good.",
                [({"receiver": name}, float(unreached[name])) for name in names],
            ),
            *process_metrics(),
        ]
