"""The tour's small province: which events come in on which day. Made by code, the same every time.

Sở Tư pháp receives 30 online dossiers each working day, so that the feed has a rhythm. Nine other units run into
trouble, three of each kind: of every three one comes back by new work, one had been judged on half of the facts, and
one is silenced.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from models.calendar.workdays import SHIPPED
from tests.builders import event, received

Events = list[dict[str, Any]]

FEED: Final = "34.so-tu-phap"
UNKNOWN: Final = "99999"
COMES_BACK, WAS_WRONG, SILENCED = "comes back", "was wrong", "silenced"
BELOW: Final[Mapping[str, str]] = {
    COMES_BACK: "34.so-cong-thuong",
    WAS_WRONG: "34.so-y-te",
    SILENCED: "34.so-noi-vu",
}
LOST: Final[Mapping[str, str]] = {
    COMES_BACK: "34.so-xay-dung",
    WAS_WRONG: "34.so-giao-thong-van-tai",
    SILENCED: "34.so-tai-chinh",
}
GAPS: Final[Mapping[str, str]] = {COMES_BACK: "12688", WAS_WRONG: "12691", SILENCED: "12694"}

FIRST: Final = date(2024, 8, 5)
QUIET_UNTIL: Final = date(2024, 9, 3)
"""up to here nothing but the feed"""
TROUBLE: Final = date(2024, 9, 4)
RAISED: Final = date(2024, 9, 6)
"""the third working evening"""
NEWS: Final = date(2024, 9, 9)
SILENT: Final = date(2024, 9, 10)
BACK: Final = date(2024, 9, 11)


def days(first: date, last: date) -> Iterator[date]:
    """Yield civil days, both included."""
    while first <= last:
        yield first
        first += timedelta(days=1)


def events_of(day: date) -> Events:
    """Return what comes in on a day."""
    found: Events = []
    if SHIPPED.is_working(day) and day != SILENT:
        found += received(30, FEED, "online", day.isoformat())
    if day == TROUBLE:
        found += _trouble(day.isoformat())
    if day == NEWS:
        found += _news(day.isoformat())
    return found


def _trouble(day: str) -> Events:
    found: Events = []
    for unit in BELOW.values():
        found += received(60, unit, "online", day) + received(140, unit, "in_person", day)
    for unit in LOST.values():
        for month in range(1, 9):
            found += received(50, unit, "in_person", f"2024-{month:02d}-15")
    found += [
        event("result-issued", f"{unit}-ket-qua", day, version=1, unit=unit, electronic=True) for unit in GAPS.values()
    ]
    return found + received(25, UNKNOWN, "online", day)


def _news(day: str) -> Events:
    """New work, and facts that came late: dated before the alerts they belie."""
    found = received(200, BELOW[COMES_BACK], "online", day, "moi")
    found += received(200, BELOW[WAS_WRONG], "online", TROUBLE.isoformat(), "muon")
    found += received(500, LOST[COMES_BACK], "online", day, "moi-xd")
    found += received(500, LOST[WAS_WRONG], "online", "2024-08-20", "muon-gt")
    found += [event("corrected", f"{GAPS[COMES_BACK]}-ket-qua", day, version=2, digitised=True)]
    found += [event("corrected", f"{GAPS[WAS_WRONG]}-ket-qua", day, version=2, status="deleted")]
    stray = f"{UNKNOWN}-online-{TROUBLE}"
    return found + [event("corrected", f"{stray}-{n}", day, version=2, unit=FEED) for n in range(25)]
