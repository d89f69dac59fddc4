"""Open alerts as `lotrinh alerts list --json` has them.

What was said, what it was judged by, what operators say of it, who is told next.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

from models.alerting.operator_actions import Operators, acknowledged_by, labels_of, silenced_by
from models.alerting.rules import RULES, Inputs, chance
from models.decisions.reading import Reading
from models.notification.outbox import Outbox, Situation
from models.notification.routing import Routing
from streams.audit.alert_log import Told, told_alerts
from streams.notify.config import read_plan
from streams.notify.log import restore
from streams.settings import Settings


def open_alerts(settings: Settings, reading: Reading, situation: Situation, *, upcoming: bool) -> list[dict[str, Any]]:
    """Return all open alerts, by time; `upcoming`: with who is told next, where that is known. Raises BadInput."""
    latest = {told.transition["fingerprint"]: told for told in told_alerts(settings)}
    firing = [told for told in latest.values() if told.transition["status"] == "firing"]
    firing.sort(key=lambda t: (t.transition["at"], t.transition["unit"], t.transition["indicator"]))
    outbox = _outbox(settings, reading) if upcoming else None
    return [
        told.transition
        | judged_by(told)
        | marks(told.transition, reading, situation)
        | {"next_told": None if outbox is None else next_told(outbox, told.transition["fingerprint"], situation)}
        for told in firing
    ]


def judged_by(told: Told) -> dict[str, Any]:
    """Return what a firing was judged by, beyond the inputs that it carries, and where it comes from.

    `p`: how often chance alone leaves a unit so far behind; `hold`: working days for which the rule had to want it.
    None where that is no matter of this alert, or of a rule of another version.
    """
    fired = told.transition
    inputs = cast("Inputs | None", fired.get("inputs"))
    p = hold = None
    if inputs is not None:
        if inputs["shape"] == "proportion" and inputs["expected"] is not None:
            p = chance((inputs["numerator"], inputs["denominator"]), Fraction(inputs["expected"]))
        rule = RULES.get(str(fired["rule"]).partition("/")[0])
        if rule is not None and rule.name == fired["rule"]:
            hold = rule.judge(inputs).hold
    record = {"partition": told.partition, "offset": told.offset}
    return {"p": p, "hold": hold, "record": record, "evidence": told.evidence}


def next_told(outbox: Outbox, fingerprint: str, situation: Situation) -> list[dict[str, Any]]:
    """Return when each mailbox is told of an alert next, and why; nothing of an alert that notify has not read yet."""
    upcoming = outbox.upcoming(fingerprint, situation)
    return [{"mailbox": str(box), "at": word.at, "why": word.why} for box, word in upcoming.items()]


def _outbox(settings: Settings, reading: Reading) -> Outbox | None:
    """Return what notify keeps; None where no receivers file is known. Raises BadInput."""
    if settings.receivers is None:
        return None
    outbox = Outbox(Routing(read_plan(settings.receivers), reading.registry, reading.workdays))
    restore(settings, outbox)
    return outbox


def marks(fired: Mapping[str, Any], reading: Reading, situation: Situation) -> dict[str, Any]:
    """Return what operators say of an alert."""
    now, operators = situation.now, situation.operators
    key = (fired["decision"], fired["indicator"], fired["unit"])
    missing = situation.shortfalls.get(key, fired["shortfall"])
    ack = acknowledged_by(operators, fired, fired["severity"], missing, now)
    silence = silenced_by(operators, labels_of(fired, reading.registry.home(fired["unit"])), now)
    return {
        "acknowledged": None if ack is None else ack.model_dump(include={"id", "at", "role", "reason", "until"}),
        "silenced": None if silence is None else {"id": silence.id, "until": silence.until},
    }


def silences_of(operators: Operators, now: str) -> list[dict[str, Any]]:
    """Return the silences that are in force, or will be."""
    return [
        silence.model_dump(exclude={"kind"})
        for silence in operators.silences.values()
        if now < silence.until and (silence.id not in operators.ended or operators.ended[silence.id].at > now)
    ]
