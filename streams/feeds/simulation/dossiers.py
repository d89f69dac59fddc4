"""The life of one dossier: what happens to it, when, and what the portal says of it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from streams.feeds.simulation.days import ONLINE_HOURS, Days
from streams.feeds.simulation.draws import DAY, HOUR, cumulative, quantile
from streams.feeds.simulation.procedures import Procedure
from streams.feeds.simulation.province import SHARE_DAYS, Actor, Scene

POSTAL: Final = 0.03
"""of dossiers not filed online: sent by post (bưu chính công ích)"""
CHANNEL_MISSING: Final = 0.008
"""of dossiers not filed online: the source has not said how they came"""
SATURDAY_OPEN: Final = 0.6
"""of those who come on a Saturday find the counter open; the others come on the next office day"""
REVIEW: Final = tuple(int(HOUR * h) for h in (0.05, 0.3, 0.8, 1.5, 2.5, 4.0, 7.0, 15.0, 30.0))
"""seconds from filing online until somebody looks at it, office hours apart; Why: a working day is what is promised"""
POST: Final = tuple(DAY * d for d in (1, 1.5, 2, 3, 5))
REFUSED: Final = 0.03
"""of dossiers filed online or by post: papers missing, not for this office"""
REFUSED_LATER: Final = 0.003
"""of all: refused after it had been received"""

PREPAID: Final = 0.6
"""of fees of online dossiers: paid with the filing, before anybody has received it"""
UNPAID: Final = 0.02
EXEMPT: Final = 0.05
"""of dossiers with a fee: the poor, the disabled, people of merit"""
ZERO: Final = 0.01
"""of dossiers without a fee: a transaction of amount 0, which some cash registers book"""
SECOND_PAYMENT: Final = 0.03
"""of payments: another one follows (a further copy, a fee raised)"""
REFUNDED: Final = 0.01
REFUND_OF_REFUSED: Final = 0.8
PAYS_ONLINE: Final = {"online": 1.45, "counter": 0.45}
"""factor on the unit's share: who files online pays online, some at the counter do by QR code"""
TRANSFER: Final = 0.08
"""of what is not paid online: bank transfer instead of cash"""

WITHDRAWN: Final = 0.012
STOPPED: Final = 0.006
RESTORED: Final = 0.06
"""of the withdrawn and the stopped: taken up again"""
STOPPED_AFTER: Final = 0.2
"""of the stopped: resolved before"""
AFTER_DAYS: Final = (0.1, 0.5, 1, 2, 3, 5, 8, 12)
"""days until somebody withdraws, notices a mistake or asks for money back"""

COPIES: Final = (1, 1, 2, 2, 3, 4, 6.99)
"""certified copies per dossier, quantiles"""
WAIT: Final = (300, 600, 900, 1_500, 2_400, 5_400)
"""seconds at the counter until a thing done while you wait is done"""
SAME_MOMENT: Final = 0.35
"""of results: resolved and issued are told by one event"""
COLLECT: Final = (0.0, 0.0, 0.05, 0.2, 1.0, 2.0, 5.0)
"""days from resolved to issued"""
DIGITISED_AFTER: Final = (0.2, 0.8, 1, 2, 3, 5)
"""days from issued until a result not stored at once is stored"""


@dataclass(slots=True)
class Life:
    """One dossier as it really is, and what is told of it: steps of (moment, event type, fields)."""

    code: str
    actor: Actor
    procedure: Procedure
    unit: str
    channel: str | None
    day: int
    """on which it was to be filed; the unit's shares are those of this day"""
    filed: int
    said: dict[str, Any]
    """unit, procedure and channel as first told, which may be a mistake"""
    steps: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    received: int = 0
    resolved: int = 0
    issued: int = 0
    """moments; 0 while it has not happened"""

    def tell(self, at: int, kind: str, **facts: object) -> None:
        """Add an event."""
        self.steps.append((at, kind, facts))


class Counters:
    """All one-stop counters and the portal: each call lets one more dossier live."""

    def __init__(self, scene: Scene, actors: Sequence[Actor]) -> None:
        """Open the counters of these units."""
        self.days: Days = scene.days
        self.draw = scene.random("dossiers").random
        self.actors = actors
        self._yearly = cumulative(actor.yearly for actor in actors)
        self._province = scene.reading.decision.province
        self._numbers: dict[tuple[str, int], int] = {}

    def file(self, day: int) -> Life:
        """Let a dossier be filed on a day, at a unit and for a procedure by their weights."""
        draw = self.draw
        actor = self.actors[bisect_right(self._yearly, draw() * self._yearly[-1])]
        procedure = actor.procedures[bisect_right(actor.popularity, draw() * actor.popularity[-1])]
        unit = actor.copier if "copies" in procedure.notes else actor.code
        channel: str | None
        if procedure.online and draw() < actor.online[day // SHARE_DAYS]:
            channel, filed = "online", day * DAY + int(quantile(draw(), ONLINE_HOURS))
        else:
            channel, filed = self._at_counter(day)
        said = {"unit": unit, "procedure": procedure.code}
        if channel is not None:
            said["channel"] = channel
        return Life(self._code(actor, filed // DAY), actor, procedure, unit, channel, day, filed, said)

    def _at_counter(self, day: int) -> tuple[str | None, int]:
        draw = self.draw
        u = draw()
        channel = "postal" if u < POSTAL else None if u < POSTAL + CHANNEL_MISSING else "in_person"
        if not self.days.office[day] and not (self.days.saturday[day] and draw() < SATURDAY_OPEN):
            day = self.days.after(day, 0)
        return channel, self.days.at_counter(day, draw())

    def _code(self, actor: Actor, day: int) -> str:
        """Return the next dossier code of a counter: place, day of filing, running number of that day."""
        key = (actor.counter, day)
        number = self._numbers[key] = self._numbers.get(key, 0) + 1
        return f"000.{actor.counter}.{self._province}-{self.days.codes[day]}-{number:04d}"

    def close(self, day: int) -> None:
        """Forget the running numbers of a day that is over."""
        for key in [key for key in self._numbers if key[1] <= day]:
            del self._numbers[key]

    def later(self, moment: int, days: Sequence[float]) -> int:
        """Return a moment of office hours, later by a number of days drawn from quantiles, one second at least."""
        return self.days.in_office(moment + 1 + int(quantile(self.draw(), days) * DAY), self.draw())

    # -- from filing to reception --------------------------------------------------------------------------------------

    def receive(self, life: Life) -> bool:
        """Let a dossier be received, and tell so; False if it is refused."""
        draw, days, filed = self.draw, self.days, life.filed
        if life.channel == "online":
            life.received = days.in_office(filed + int(quantile(draw(), REVIEW)), draw())
        elif life.channel == "postal":
            life.received = days.in_office(filed + int(quantile(draw(), POST)), draw())
        else:
            life.received = filed
        if life.received != filed:
            life.steps.append((filed, "submitted", dict(life.said)))
            if draw() < REFUSED:
                life.tell(life.received, "refused", refused_at=days.text(life.received))
                return False
        facts = {**life.said, "submitted_at": days.text(filed), "received_at": days.text(life.received)}
        life.steps.append((life.received, "received", facts))
        if draw() < REFUSED_LATER:
            at = self.later(life.received, AFTER_DAYS)
            life.tell(at, "refused", refused_at=days.text(at))
            return False
        return True

    # -- payments ------------------------------------------------------------------------------------------------------

    def pay(self, life: Life, *, refused: bool) -> None:
        """Let the fees of a dossier be paid, or booked as exempt; now and then pay them back."""
        draw, fee = self.draw, life.procedure.fee
        if fee == 0:
            if not refused and draw() < ZERO:
                facts = {"transaction": f"{life.code}.1", "amount": 0, "method": "cash"}
                life.steps.append((life.received + int(quantile(draw(), WAIT)), "paid", facts))
            return
        prepaid = life.channel == "online" and draw() < PREPAID
        if draw() < UNPAID or (refused and not prepaid):
            return
        at = life.filed if prepaid else life.received
        at += 20 + int(quantile(draw(), WAIT)) // 4
        self._payment(life, at, 1, fee)
        if refused:
            if draw() < REFUND_OF_REFUSED:
                self._refund(life, max(at, life.received), 1)
        elif draw() < SECOND_PAYMENT:
            self._payment(life, self.later(at, AFTER_DAYS), 2, fee // 2)
        elif draw() < REFUNDED:
            self._refund(life, at, 1)

    def _payment(self, life: Life, at: int, number: int, amount: int) -> None:
        draw = self.draw
        facts: dict[str, Any] = {"transaction": f"{life.code}.{number}", "amount": amount}
        factor = PAYS_ONLINE["online" if life.channel == "online" else "counter"]
        if draw() < EXEMPT:
            facts.update(method="cash", exempt=True)
        elif draw() < life.actor.paying[life.day // SHARE_DAYS] * factor:
            facts["method"] = "online"
            facts["gateway"] = "local" if draw() < life.actor.local_gateway else "national"
            facts["paid_at"] = self.days.text(at - 5)  # the bank's own time; the event is the portal's
        else:
            facts.update(method="transfer" if draw() < TRANSFER else "cash", gateway=None)
        life.steps.append((at, "paid", facts))

    def _refund(self, life: Life, at: int, number: int) -> None:
        life.tell(self.later(at, AFTER_DAYS), "refunded", transaction=f"{life.code}.{number}")

    # -- from reception to the result ----------------------------------------------------------------------------------

    def break_off(self, life: Life) -> bool:
        """Let a dossier be withdrawn or stopped, and sometimes taken up again; True if it stays so."""
        draw = self.draw
        u = draw()
        if u >= WITHDRAWN + STOPPED:
            return False
        kind = "withdrawn" if u < WITHDRAWN else "stopped"
        at = self.later(life.received, AFTER_DAYS)
        if kind == "stopped" and draw() < STOPPED_AFTER:
            life.tell(at, "resolved", result_document=False)
            at = self.later(at, AFTER_DAYS)
        life.tell(at, kind)
        if draw() >= RESTORED:
            return True
        life.received = self.later(at, AFTER_DAYS)
        life.tell(life.received, "restored")
        return False

    def resolve(self, life: Life) -> None:
        """Let a dossier be resolved and its result issued."""
        draw, days, procedure = self.draw, self.days, life.procedure
        if procedure.working_days == 0:
            life.resolved = life.issued = life.received + int(quantile(draw(), WAIT))
        else:
            taken = int(procedure.working_days * quantile(draw(), (0.3, 0.8, 1.0, 1.2)) * life.actor.pace + draw())
            life.resolved = max(days.at_counter(days.after(life.received // DAY, taken), draw()), life.received + 600)
            together = draw() < SAME_MOMENT
            life.issued = life.resolved if together else self.later(life.resolved, COLLECT)
        self.finish(life)

    def finish(self, life: Life) -> None:
        """Tell that a dossier is resolved, by an event of its own where the result comes later, and of the result."""
        if life.issued != life.resolved:
            facts = {"result_document": False} if "no-document" in life.procedure.notes else {}
            life.steps.append((life.resolved, "resolved", facts))
        self.issue(life)

    def issue(self, life: Life, *, sure: bool = False) -> None:
        """Tell of the result; `sure`: electronic and digitised whatever the unit's habits."""
        draw, actor = self.draw, life.actor
        document = "no-document" not in life.procedure.notes
        facts: dict[str, Any] = {"result_document": document}
        if life.resolved == life.issued:
            facts["resolved_at"] = self.days.text(life.resolved)
        stored_later = False
        if document:
            stored = sure or draw() < actor.digitised
            stored_later = stored and not sure and draw() >= actor.prompt
            facts["digitised"] = stored and not stored_later
            facts["electronic"] = sure or draw() < actor.electronic
        life.steps.append((life.issued, "result-issued", facts))
        if stored_later:
            life.tell(self.later(life.issued, DIGITISED_AFTER), "corrected", digitised=True)

    def certify(self, life: Life) -> None:
        """Tell of the certified copies of a dossier that asks for them, one by one, electronic or on paper."""
        if "copies" not in life.procedure.notes:
            return
        draw, actor = self.draw, life.actor
        # Some sources know the district and not its office.
        unit = actor.code if draw() < 0.2 else actor.copier
        electronic = draw() < actor.e_copies
        for number in range(1, int(quantile(draw(), COPIES)) + 1):
            at = min(life.received + 60 + 45 * number, life.issued)
            life.tell(at, "copy-certified", copy=f"{life.code}/{number}", unit=unit, electronic=electronic)
