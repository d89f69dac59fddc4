"""Who is told of an alert, and in which manner: routes and manners as data, and what follows from them.

A *receiver* is one way of telling (an e-mail account, a webhook). A *mailbox* is a receiver together with whom it
reaches: the receiver itself, or, where it holds the addresses of many units, ``receiver@unit``. A *route* says by which
receivers a role hears of which alerts. All routes that match apply; a mailbox hears of an alert once.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models.alerting.operator_actions import Role, labels_of
from models.alerting.rules import Severity
from models.calendar.civil_time import OFFSET, instant_of, moment_of, start_of
from models.calendar.workdays import Workdays
from models.registers.units import Registry

Label = Literal["decision", "indicator", "unit", "district", "class", "kind", "severity", "cause"]
Values = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=2_000)]
Matches = dict[Label, Values]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
DAYS_AHEAD: Final = 60
"""days that are looked through for an hour that is not quiet. Why: no Tết is longer"""
OF_A_UNIT: Final = frozenset({"unit-head", "district"})
"""roles that are someone else for every unit"""
SCOPE: Final = ("decision", "indicator", "unit", "district", "class")
"""labels that a standing has as well"""


def _clock(text: str) -> str:
    """Return a time of day as HH:MM. Raises ValueError."""
    if len(text) != 5:
        raise ValueError("a time of day is HH:MM")
    return time.fromisoformat(text).strftime("%H:%M")


Clock = Annotated[str, AfterValidator(_clock)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Quiet(_Strict):
    """Hours in which nothing is sent but what is grave; what was held goes out when they end."""

    begins: Clock = Field(alias="from")
    ends: Clock = Field(alias="until")
    days_off: bool = True
    """days on which offices are closed are quiet as a whole"""
    unless: list[Severity] = ["critical"]

    def holds(self, at: str, workdays: Workdays) -> bool:
        """Tell whether an instant is quiet.

        >>> night = Quiet.model_validate({"from": "18:00", "until": "07:00"})
        >>> instants = (f"2024-06-{at}:00+07:00" for at in ("03T12:00", "03T18:00", "08T12:00"))
        >>> [night.holds(at, Workdays()) for at in instants]
        [False, True, True]
        """
        if self.days_off and not workdays.is_working(date.fromisoformat(at[:10])):
            return True
        clock = at[11:16]
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def over_at(self, at: str, workdays: Workdays) -> str:
        """Return the first instant from `at` on that is not quiet.

        >>> night = Quiet.model_validate({"from": "18:00", "until": "07:00"})
        >>> [night.over_at(f"2024-06-07T{clock}:00:00+07:00", Workdays()) for clock in ("19", "12")]
        ['2024-06-10T07:00:00+07:00', '2024-06-07T12:00:00+07:00']
        """
        first = date.fromisoformat(at[:10])
        days = ((first + timedelta(days=n)).isoformat() for n in range(DAYS_AHEAD))
        instants = (f"{day}T{clock}:00{OFFSET}" for day in days for clock in ("00:00", self.ends))
        return next((i for i in (at, *instants) if i >= at and not self.holds(i, workdays)), at)


class Manner(_Strict):
    """How a receiver is told."""

    group_by: list[Label] = ["decision", "indicator"]
    """alerts that agree in these labels go together, where they have no common cause"""
    digest_at: Clock | None = None
    """time of the digest, each working morning; None: no digest"""
    watch_list: Literal["with-alerts", "always", "never"] = "with-alerts"
    """units that are behind, no alert: in digests that there are anyway; also in one of their own; or nowhere"""
    remind_working_days: Annotated[int, Field(ge=1, le=250)] = 5
    """after so many an open alert that nobody has acknowledged is told again"""
    refresh_hours: Annotated[int, Field(ge=1, le=720)] | None = None
    """a system that forgets what it is not told again is told again after so many, acknowledged or not"""
    quiet: Quiet | None = None
    stale_days: Annotated[int, Field(ge=1, le=400)] = 7
    """what fired longer ago and was never told goes into one message; what also ended is not told"""
    ends: bool = True
    """also tell of the end of what was told"""
    acks: bool = False
    """also tell that an alert was acknowledged"""

    @model_validator(mode="after")
    def _watch_list_has_its_digest(self) -> Self:
        if self.watch_list == "always" and self.digest_at is None:
            raise ValueError('`watch_list = "always"` needs `digest_at`')
        return self


class Route(_Strict):
    """A role hears of what matches `match` and not `unless`, by these receivers."""

    role: Role
    receivers: Annotated[list[Name], Field(min_length=1, max_length=50)]
    match: Matches = {}
    unless: Matches = {}
    deliver: Literal["at-once", "digest"] = "at-once"

    def takes(self, labels: Mapping[str, str], only: Sequence[str] | None = None) -> bool:
        """Tell whether labels fit; with `only`, as far as these labels are concerned."""
        asked = [(n, v) for n, v in self.match.items() if only is None or n in only]
        if not all(labels[name] in values for name, values in asked):
            return False
        if only is not None and any(name not in only for name in self.unless):
            return True
        return not self.unless or not all(labels[name] in values for name, values in self.unless.items())


class Plan(_Strict):
    """Receivers and routes as a whole, without addresses and secrets."""

    manners: dict[Name, Manner]
    routes: Annotated[list[Route], Field(min_length=1, max_length=500)]
    addresses: dict[Name, frozenset[str]] = {}
    """receiver that holds addresses of units → those units"""
    several: dict[Name, frozenset[str]] = {}
    """receiver that has several addresses of its own → what names each of them; each is told by itself"""
    engineers: list[Name] = []
    """receivers that are told where another address is not reached"""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for n, route in enumerate(self.routes, start=1):
            for name in route.receivers:
                if name not in self.manners:
                    raise ValueError(f"route {n} names the receiver {name!r}, which is not there")
                if (route.role in OF_A_UNIT) != (name in self.addresses):
                    raise ValueError(
                        f"route {n}: the role {route.role} needs a receiver "
                        + ("with addresses of units" if route.role in OF_A_UNIT else "with an address of its own")
                        + f", and {name!r} is none"
                    )
                if route.deliver == "digest" and self.manners[name].digest_at is None:
                    raise ValueError(f"route {n} wants a digest, and the receiver {name!r} has no `digest_at`")
        for name in self.engineers:
            if name not in self.manners:
                raise ValueError(f"`engineers` names the receiver {name!r}, which is not there")
            if name in self.addresses:
                raise ValueError(f"`engineers` needs a receiver with an address of its own, and {name!r} is none")
        return self


PART: Final = "#"
"""begins what names one of a receiver's several addresses; no code of a unit does"""


class Mailbox(NamedTuple):
    """A receiver, and the unit whose address it takes; '' for its own, `#…` for one of several of its own."""

    receiver: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.receiver}@{self.unit}" if self.unit else self.receiver


class Routing:
    """A plan over a registry: answers which mailboxes hear of an alert."""

    def __init__(self, plan: Plan, registry: Registry, workdays: Workdays) -> None:
        """Hold a plan."""
        self.plan = plan
        self.registry = registry
        self.workdays = workdays
        self.always: Final = frozenset(
            Mailbox(name, unit)
            for name, manner in plan.manners.items()
            if manner.watch_list == "always"
            for unit in self._addresses(name)
        )
        """mailboxes that get a digest for a watch list alone"""
        self.engineers: Final = frozenset(
            Mailbox(name, part) for name in plan.engineers for part in self._addresses(name)
        )
        """mailboxes that are told where another one is not reached"""

    def labels(self, alert: Mapping[str, Any]) -> dict[str, str]:
        """Return the labels of a transition, by which routes and silences go."""
        labels = labels_of(alert, self.registry.home(alert["unit"]))
        return {**labels, "cause": str(alert.get("cause", "")), "class": self.class_of(alert["unit"])}

    def class_of(self, unit: str) -> str:
        """Return the level of a unit; '' where no registry knows it."""
        known = self.registry.units.get(unit)
        return known.level if known else ""

    def mailboxes(self, labels: Mapping[str, str], only: Sequence[str] | None = None) -> dict[Mailbox, bool]:
        """Return who hears of an alert; True: at once, and not only in the digest."""
        found: dict[Mailbox, bool] = {}
        for route in self.plan.routes:
            if not route.takes(labels, only):
                continue
            for name in route.receivers:
                for box in self._boxes(route, name, labels):
                    at_once = route.deliver == "at-once" and labels.get("severity") != "info"
                    at_once = at_once or self.plan.manners[name].digest_at is None
                    found[box] = found.get(box, False) or at_once
        return found

    def reaches(self, box: Mailbox) -> bool:
        """Tell whether a mailbox is one of this plan's."""
        if box.receiver not in self.plan.manners:
            return False
        return box.unit in self._addresses(box.receiver)

    def divided(self, box: Mailbox) -> list[Mailbox]:
        """Return the mailboxes of a receiver's several addresses, for its own mailbox; else none."""
        return [] if box.unit else [Mailbox(box.receiver, part) for part in self.plan.several.get(box.receiver, ())]

    def _addresses(self, name: str) -> frozenset[str]:
        return self.plan.addresses.get(name) or self.plan.several.get(name) or frozenset({""})

    def _boxes(self, route: Route, name: str, labels: Mapping[str, str]) -> list[Mailbox]:
        if route.role not in OF_A_UNIT:
            return [Mailbox(name, part) for part in sorted(self._addresses(name))]
        unit = labels["unit"] if route.role == "unit-head" else labels["district"]
        if route.role == "district" and unit == labels["unit"]:
            return []  # a district hears of its own alerts as head of the unit
        return [Mailbox(name, unit)] if unit in self.plan.addresses[name] else []

    def looked_at(self, standing: Mapping[str, Any]) -> dict[Mailbox, bool]:
        """Return in whose digest a standing counts among those looked at."""
        unit = standing["unit"]
        if standing["status"] not in ("met", "below") or "members" in standing:
            return {}
        labels = {n: str(standing[n]) for n in ("decision", "indicator", "unit")}
        labels |= {"district": self.registry.home(unit), "class": self.class_of(unit)}
        return self.mailboxes(labels, SCOPE)


def working_days_since(then: str, now: str, workdays: Workdays) -> int:
    """Return how many working days have begun since the civil day of an instant.

    >>> working_days_since("2024-06-07T09:00:00+07:00", "2024-06-10T08:00:00+07:00", Workdays())
    1
    """
    first, last = date.fromisoformat(then[:10]), date.fromisoformat(now[:10])
    return sum(workdays.is_working(first + timedelta(days=n)) for n in range(1, min((last - first).days, 800) + 1))


def working_day_after(then: str, count: int, workdays: Workdays) -> str:
    """Return the beginning of the day on which `working_days_since` comes to a number.

    >>> working_day_after("2024-06-05T09:00:00+07:00", 5, Workdays())
    '2024-06-12T00:00:00+07:00'
    """
    day = date.fromisoformat(then[:10])
    while count > 0:
        day += timedelta(days=1)
        count -= workdays.is_working(day)
    return start_of(day)


def full_working_day_after(then: str, workdays: Workdays) -> str:
    """Return the instant at which a working day has passed: the same time of the next one.

    What began on a day off has passed at the end of the first working day.

    >>> [full_working_day_after(f"2024-06-{at}:00:00+07:00", Workdays()) for at in ("07T16", "08T16")]
    ['2024-06-10T16:00:00+07:00', '2024-06-11T00:00:00+07:00']
    """
    first = date.fromisoformat(then[:10])
    if not workdays.is_working(first):
        begins = date.fromisoformat(working_day_after(then, 1, workdays)[:10])
        return start_of(begins + timedelta(days=1))
    return working_day_after(then, 1, workdays)[:10] + then[10:]


def next_digest(digest_at: str, last: str, now: str, workdays: Workdays) -> str:
    """Return when the next digest goes out: on the next working morning after the civil day of the last.

    >>> next_digest("07:30", "2024-06-07", "2024-06-07T09:00:00+07:00", Workdays())
    '2024-06-10T07:30:00+07:00'
    """
    day = date.fromisoformat(now[:10])
    while day.isoformat() <= last or not workdays.is_working(day):
        day += timedelta(days=1)
    return max(now, f"{day.isoformat()}T{digest_at}:00{OFFSET}")


def hours_since(then: str, now: str) -> float:
    """Return the hours between two instants."""
    span: timedelta = moment_of(now) - moment_of(then)
    return span / timedelta(hours=1)


def hours_after(then: str, hours: int) -> str:
    """Return the instant so many hours later."""
    return instant_of(moment_of(then) + timedelta(hours=hours))


def days_before(now: str, days: int) -> str:
    """Return the civil instant so many days earlier, for comparisons as text."""
    moment: datetime = moment_of(now) - timedelta(days=days)
    return moment.isoformat()
