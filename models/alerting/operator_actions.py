"""What operators say of alerts: acknowledgements and silences, as records; and what holds at an instant.

An acknowledgement says "seen, somebody acts"; it ends with the alert, when the alert gets worse, or when it expires. A
silence says "do not send what matches, until then"; it hides nothing, and always expires. They are different things:
neither resolves an alert, and neither changes what a rule says.

The state is a merge: per alert the newest acknowledgement, per silence its making and its newest end, newest by
(`at`, `id`). The same records give the same state in whatever order they come. A record names the *role* that acted,
from a closed list, never a person.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from models.calendar.civil_time import instant, moment_of
from models.dossiers.events import Refused
from models.wording import first_error

Role = Literal["unit-head", "district", "department-in-charge", "peoples-committee-office", "operator"]
"""head of the unit; the district for its communes; the department in charge; Office of the People's Committee; who
runs lotrinh"""
Label = Literal["decision", "indicator", "unit", "district", "kind", "severity", "fingerprint"]
SEVERITIES: Final = ("info", "warning", "critical")
SILENCE_DAYS_MAX: Final = 92
"""Why: a silence that outlives a quarter is a change of the trajectory, and belongs there."""
WORSE_BY_DOSSIERS: Final = 5
"""an acknowledgement ends when the shortfall has grown by a quarter, and by so many dossiers at least"""

_PERSONAL: Final = re.compile(r"@|\d{9}|\d{3}[ .-]\d{3}[ .-]\d{3}")


def _impersonal(text: str) -> str:
    """Refuse what looks like an address or a number of a person. Raises ValueError."""
    if _PERSONAL.search(text):
        raise ValueError("a reason holds no address, telephone or identity number")
    return text


Instant = Annotated[str, AfterValidator(instant)]
Id = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:-]+$")]
Pseudonym = Annotated[str, Field(pattern=r"^p-[0-9a-f]{12}$")]
Reason = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_impersonal)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Id
    """names this record: the same id is the same record"""
    at: Instant
    role: Role
    reason: Reason
    by: Pseudonym | None = None
    """pseudonym of who signed in and acted, which only the identity provider can resolve; None: the command line"""


class Ack(_Record):
    """Somebody has seen an alert and acts on it; key of the record: the fingerprint."""

    kind: Literal["ack"]
    fingerprint: Id
    alert: Id
    """id of the `firing` transition; another episode is not acknowledged by it"""
    severity: Literal["info", "warning", "critical"]
    """as it was when acknowledged"""
    shortfall: Annotated[int, Field(ge=0)]
    """dossiers, as it was when acknowledged"""
    until: Instant | None = None


class Matcher(BaseModel):
    """One condition on an alert's labels; `district` is the home of a commune or an office, and the district itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    label: Label
    op: Literal["=", "!="]
    value: Annotated[str, Field(min_length=1, max_length=200)]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels satisfy the condition; a label that is absent is ''."""
        return (labels.get(self.label, "") == self.value) == (self.op == "=")


class Silence(_Record):
    """Do not send what all matchers match, from `since` until before `until`; key of the record: its id."""

    kind: Literal["silence"]
    matchers: Annotated[list[Matcher], Field(min_length=1, max_length=20)]
    since: Instant
    until: Instant

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not any(m.op == "=" for m in self.matchers):
            raise ValueError("a silence needs a matcher with `=`: it would silence nearly everything")
        length = moment_of(self.until) - moment_of(self.since)
        if not timedelta(0) < length <= timedelta(days=SILENCE_DAYS_MAX):
            raise ValueError(f"a silence ends after it begins, and within {SILENCE_DAYS_MAX} days")
        return self


class Unsilence(_Record):
    """End a silence before its time; key of the record: the silence's id."""

    kind: Literal["unsilence"]
    silence: Id


OperatorRecord = Ack | Silence | Unsilence
_RECORD: Final[TypeAdapter[OperatorRecord]] = TypeAdapter(
    Annotated[Ack | Silence | Unsilence, Field(discriminator="kind")]
)


def parse_operator(value: bytes) -> OperatorRecord | Refused:
    """Read one record of the topic `operators`; what is wrong with it is a value, and never quotes the record."""
    try:
        return _RECORD.validate_json(value)
    except ValidationError as exc:
        where, what = first_error(exc)
        return Refused(f"operator record, {where or 'record'}: {what}", "")


def key_of(record: OperatorRecord) -> str:
    """Return a record's key in the topic: facts about one thing meet under one key."""
    if isinstance(record, Ack):
        return record.fingerprint
    return record.silence if isinstance(record, Unsilence) else record.id


class Operators(NamedTuple):
    """What operators have said, merged."""

    acks: Mapping[str, Ack]
    """fingerprint → the newest acknowledgement"""
    silences: Mapping[str, Silence]
    ended: Mapping[str, Unsilence]
    """silence → the newest record that ends it"""


NOBODY: Final = Operators({}, {}, {})


def taken(state: Operators, record: OperatorRecord) -> Operators:
    """Return the state with a record merged in; associative, commutative, idempotent."""
    if isinstance(record, Ack):
        return state._replace(acks=_newest(state.acks, record.fingerprint, record))
    if isinstance(record, Silence):
        return state._replace(silences=_newest(state.silences, record.id, record))
    return state._replace(ended=_newest(state.ended, record.silence, record))


def merged(records: Iterable[OperatorRecord]) -> Operators:
    """Return what records say together."""
    state = NOBODY
    for record in records:
        state = taken(state, record)
    return state


def _newest(known: Mapping[str, Any], key: str, record: Any) -> Mapping[str, Any]:
    old = known.get(key)
    if old is not None and (old.at, old.id, old.model_dump_json()) >= (record.at, record.id, record.model_dump_json()):
        return known
    return {**known, key: record}


def labels_of(alert: Mapping[str, Any], district: str) -> dict[str, str]:
    """Return what a silence may match of an alert transition; `district` is the home of its unit (`Registry.home`)."""
    labels = {n: str(alert[n]) for n in ("decision", "indicator", "unit", "kind", "severity", "fingerprint")}
    return {**labels, "district": district}


def silenced_by(state: Operators, labels: Mapping[str, str], now: str) -> Silence | None:
    """Return the silence that holds for an alert at an instant; of several, the one that lasts longest."""
    found = [
        s
        for s in state.silences.values()
        if s.since <= now < _end(state, s) and all(m.matches(labels) for m in s.matchers)
    ]
    return max(found, key=lambda s: (_end(state, s), s.id), default=None)


def _end(state: Operators, silence: Silence) -> str:
    ended = state.ended.get(silence.id)
    return silence.until if ended is None else min(silence.until, ended.at)


def acknowledged_by(state: Operators, fired: Mapping[str, Any], severity: str, shortfall: int, now: str) -> Ack | None:
    """Return the acknowledgement that holds for an open alert (its `firing` transition) at an instant.

    It ends when the alert has become worse since: graver, or a quarter and 5 dossiers further behind.
    """
    ack = state.acks.get(str(fired["fingerprint"]))
    if ack is None or ack.alert != fired["id"] or ack.at > now or (ack.until is not None and now >= ack.until):
        return None
    graver = SEVERITIES.index(severity) > SEVERITIES.index(ack.severity)
    further = 4 * shortfall >= 5 * ack.shortfall and shortfall >= ack.shortfall + WORSE_BY_DOSSIERS
    return None if graver or further else ack
