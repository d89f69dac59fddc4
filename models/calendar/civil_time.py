"""Civil time of the provinces: one zone, one form of an instant, half-open days.

An *instant* is kept as text in one canonical form, RFC 3339 at the offset of Asia/Ho_Chi_Minh without trailing zeros
in the fraction: ``2024-09-30T08:12:03+07:00``. In that form instants sort as text (``+`` < ``.`` < digits) and the
civil day is the first ten characters, so that the hot path does no arithmetic on dates. Viet Nam has kept UTC+7
without daylight saving since 1975.

A *civil day* is its ISO text inside counters and messages, and a :class:`datetime.date` where days are reckoned with.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

ZONE: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
OFFSET: Final = "+07:00"
EPOCH: Final = date(1970, 1, 1).toordinal()

# RFC 3339 `date-time` with a mandatory offset; ASCII digits only. The length of the month is checked by `_is_day`.
RFC3339: Final = (
    r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_RFC3339 = re.compile(RFC3339)


@lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def instant(text: str) -> str:
    """Return the canonical form of an RFC 3339 date-time that has an offset.

    Raises ValueError when the text is no such date-time, or lies outside the years 1000 to 9999.

    >>> instant("2024-06-30T17:30:00Z")
    '2024-07-01T00:30:00+07:00'
    >>> instant("2024-09-30T08:12:03.250+07:00")
    '2024-09-30T08:12:03.25+07:00'
    """
    if not _RFC3339.match(text):
        raise ValueError("not an RFC 3339 date-time with an offset")
    return instant_of_valid(text)


def instant_of_valid(text: str) -> str:
    """Return the canonical form of a text that already matches `RFC3339`. Raises ValueError for 30 February."""
    if text[19:] == OFFSET and text[10] == "T":
        if text[8:10] < "29" or _is_day(text[:10]):
            return text
        raise ValueError("no such day")
    offset_at = -1 if text[-1] in "Zz" else -6
    fraction = text[19:offset_at].rstrip("0").rstrip(".")
    offset = "+00:00" if offset_at == -1 else text[-6:]
    try:
        moved = datetime.fromisoformat(text[:10] + "T" + text[11:19] + offset).astimezone(ZONE)
    except (ValueError, OverflowError) as exc:
        raise ValueError("no such day") from exc
    return moved.isoformat().removesuffix(OFFSET) + fraction + OFFSET


def instant_of(moment: datetime) -> str:
    """Return the canonical instant of an aware datetime, to the microsecond.

    Raises ValueError for a naive one.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs an offset")
    return instant(moment.isoformat())


def moment_of(at: str) -> datetime:
    """Return a canonical instant as an aware datetime at +07:00; digits past the microsecond are dropped."""
    return datetime.fromisoformat(at)


def civil_day(at: str) -> str:
    """Return the civil day, ISO text, of a canonical instant.

    >>> civil_day(instant("2024-12-14T16:59:59Z")), civil_day(instant("2024-12-14T17:00:00Z"))
    ('2024-12-14', '2024-12-15')
    """
    return at[:10]


@lru_cache(maxsize=65536)
def day_number(day: str) -> int:
    """Return the days since 1970-01-01 of a civil day; × 86 400 it names a tumbling window of one day."""
    return date.fromisoformat(day).toordinal() - EPOCH


@lru_cache(maxsize=65536)
def day_text(number: int) -> str:
    """Return the civil day, ISO text, of a day number."""
    return date.fromordinal(number + EPOCH).isoformat()


def end_of(day: date) -> str:
    """Return the last instant, to the second, of a civil day: the time of its last tick.

    >>> end_of(date(2024, 9, 30))
    '2024-09-30T23:59:59+07:00'
    """
    return f"{day.isoformat()}T23:59:59{OFFSET}"


def start_of(day: date) -> str:
    """Return the first instant of a civil day."""
    return f"{day.isoformat()}T00:00:00{OFFSET}"


def utc_ms(milliseconds: int) -> str:
    """Return the canonical instant of a Unix time in milliseconds, such as a Kafka timestamp."""
    return instant_of(datetime.fromtimestamp(milliseconds / 1000, UTC))
