"""The inbox of alerts: who sees which, in which order, and in which words. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, get_args
from unicodedata import combining, normalize

from models.access import Identity
from models.alerting.operator_actions import SEVERITIES
from models.decisions.reading import Reading
from models.decisions.vietnamese import counted_text
from models.notification.outbox import Situation
from models.wording import number_text
from streams.acts.alert_list import ROLE
from streams.acts.alert_rows import marks
from streams.board.describe import CLASSES
from streams.desk.facts import Facts
from streams.notify.texts import KIND, SEVERITY, Names, when_text

PAGE: Final = 40
"""alerts on a page"""
Handling = Literal["new", "acknowledged", "silenced"]
HANDLING: Final[Mapping[Handling, str]] = {
    "new": "Chưa tiếp nhận",
    "acknowledged": "Đã tiếp nhận",
    "silenced": "Đang tắt tiếng",
}


class Filter(NamedTuple):
    """What the inbox is narrowed to; '' where it is not."""

    severity: str = ""
    indicator: str = ""
    class_: str = ""
    handling: str = ""
    text: str = ""
    """part of a unit's name or code, with or without marks"""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filter":
        """Return what an address asks for; what it does not know it leaves out."""
        return cls(
            severity=_one_of(query.get("muc", ""), SEVERITIES),
            indicator=query.get("chi-tieu", "")[:100],
            class_=_one_of(query.get("nhom", ""), CLASSES),
            handling=_one_of(query.get("xu-ly", ""), get_args(Handling)),
            text=query.get("tim", "").strip()[:100],
        )


def _one_of(said: str, known: Iterable[str]) -> str:
    return said if said in set(known) else ""


class Item(NamedTuple):
    """An open alert as the inbox shows it."""

    id: str
    unit: str
    unit_name: str
    class_: str
    indicator: str
    indicator_name: str
    severity: str
    severity_name: str
    kind: str
    since: str
    reason: str
    missing: str
    """what the unit lacks today, in words; '' where it lacks nothing or the alert is about no figure"""
    doubtful: bool
    """the unit's row, which is newer, knows of no alert"""
    advice: str
    handling: Handling
    note: str
    """who has acknowledged or silenced it, until when and why; '' if nobody has"""


def folded(text: str) -> str:
    """Return a text as searches compare it: without marks and case, đ as d.

    >>> folded("Xã Đông Hưng")
    'xa dong hung'
    """
    bare = "".join(c for c in normalize("NFD", text.lower()) if not combining(c))
    return bare.replace("đ", "d")


def districts_of(reading: Reading, unit: str) -> tuple[str, ...]:
    """Return the district above a unit, if it has one."""
    home = reading.registry.home(unit)
    return (home,) if home and home != unit else ()


def items(facts: Facts, reading: Reading, names: Names, who: Identity, now: str) -> list[Item]:
    """Return the open alerts that somebody may see: the gravest first, of one gravity those who lack most."""
    seen = [
        fired
        for fired in facts.firing.values()
        if who.speaks_for(fired["unit"], lambda unit: districts_of(reading, unit))
    ]
    lacking = {fired["fingerprint"]: facts.missing(fired) for fired in seen}
    seen.sort(key=lambda f: (-SEVERITIES.index(f["severity"]), -lacking[f["fingerprint"]], f["at"], f["id"]))
    shortfalls = {(f["decision"], f["indicator"], f["unit"]): lacking[f["fingerprint"]] for f in seen}
    situation = Situation(now, facts.operators, shortfalls)
    return [_item(fired, facts, reading, names, situation) for fired in seen]


def _item(fired: Mapping[str, Any], facts: Facts, reading: Reading, names: Names, situation: Situation) -> Item:
    said = marks(fired, reading, situation)
    ack, silence = said["acknowledged"], said["silenced"]
    missing = situation.shortfalls[fired["decision"], fired["indicator"], fired["unit"]]
    formula = names.formula(fired["indicator"])
    what = "hồ sơ" if formula is None else counted_text(formula)
    row = facts.standing(fired["decision"], fired["indicator"], fired["unit"])
    note = ""
    handling: Handling = "new"
    if silence is not None:
        handling = "silenced"
        note = f"Tắt tiếng đến {when_text(silence['until'])}"
    elif ack is not None:
        handling = "acknowledged"
        until = "" if ack["until"] is None else f" đến {when_text(ack['until'])}"
        note = f"Đã tiếp nhận{until} – {ROLE[ack['role']]}: {ack['reason']}"
    return Item(
        id=fired["id"],
        unit=fired["unit"],
        unit_name=names.unit(fired["unit"]),
        class_=class_of(reading, fired["unit"]),
        indicator=fired["indicator"],
        indicator_name=names.indicator(fired["indicator"]),
        severity=fired["severity"],
        severity_name=SEVERITY[fired["severity"]],
        kind=KIND[fired["kind"]],
        since=when_text(fired["at"]),
        reason=fired["reason"],
        missing=f"Hôm nay còn thiếu {number_text(missing)} {what}." if row is not None and missing else "",
        doubtful=row is not None and row.get("alert") is None,
        advice=names.next(fired),
        handling=handling,
        note=note,
    )


def class_of(reading: Reading, unit: str) -> str:
    """Return the class of a unit as the wall has it."""
    known = reading.registry.units.get(unit)
    level = "" if known is None else known.level
    return {"district-office": "district"}.get(level, level if level in CLASSES else "other")


def narrowed(found: Iterable[Item], by: Filter) -> list[Item]:
    """Return the alerts that fit a filter."""
    wanted = folded(by.text)
    return [
        item
        for item in found
        if by.severity in ("", item.severity)
        and by.indicator in ("", item.indicator)
        and by.class_ in ("", item.class_)
        and by.handling in ("", item.handling)
        and (not wanted or wanted in folded(item.unit_name) or wanted in folded(item.unit))
    ]


class Group(NamedTuple):
    """A unit and its open alerts."""

    unit: str
    name: str
    items: Sequence[Item]


def grouped(found: Iterable[Item]) -> list[Group]:
    """Return alerts by unit; units in the order of their gravest alert."""
    by_unit: dict[str, list[Item]] = {}
    for item in found:
        by_unit.setdefault(item.unit, []).append(item)
    return [Group(unit, rows[0].unit_name, rows) for unit, rows in by_unit.items()]


def counted(found: Iterable[Item]) -> Mapping[Handling, int]:
    """Return how many alerts are in which state of handling."""
    count = Counter(item.handling for item in found)
    return {name: count[name] for name in HANDLING}
