"""The national synchronisation payload (service DongBoHoSoMC) in the contract's words, both ways.

A payload is a snapshot of one dossier: what it says holds, what it does not say no longer does. So each becomes one
event that carries every fact of the dossier, null where there is none, and one `paid` event likewise.
`STATUSES` says which facts each status takes, `STATUS_OF` which status a dossier's facts amount to; docs/importing.md
shows both. Fields that name a person or an address are never looked at; a reason names fields and no values.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from models.calendar.civil_time import OFFSET, instant, moment_of
from models.dossiers.dossier import NOTHING, Dossier, merge, said_by
from models.dossiers.events import stamp_rank
from models.dossiers.instants import days_of

DATES: Final = ("NgayNopHoSo", "NgayTiepNhan", "NgayTuChoi", "NgayKetThucXuLy", "NgayTra")
"""The dates that are read; the date a result is due is a plan and no fact."""
CHANNELS: Final[Mapping[str, str]] = {"1": "in_person", "2": "online", "3": "postal"}
GATEWAYS: Final[Mapping[str, str | None]] = {"0": None, "1": "national", "2": "local"}
"""DuocThanhToanTrucTuyen: not paid online, through the national portal, through the locality's gateway"""
COLLECTED: Final[Mapping[str, str]] = {"1": "received_at", "2": "resolved_at", "4": "issued_at"}
"""HinhThucThu → by which fact a fee has been paid: collected on reception, with supplements, with the result"""
TRANSACTION: Final = "le-phi"
"""the one payment of a dossier: payloads tell of fees and of one gateway, not of transactions"""
POSITIONS: Final = 2_000_000
"""payloads per file, at most; version = the second at which the file was sent × this + the payload's position"""
SECONDS_FROM: Final = 946_659_600
"""Unix time of the first second of 2000, from which those seconds count: so that a version stays below 2⁵³"""


class Status(NamedTuple):
    """One row of the decision table: what a payload of this status says. A date not named is null."""

    code: int
    name: str
    type: str
    received_at: tuple[str, ...] = ()
    """payload fields, the first that is given"""
    refused_at: tuple[str, ...] = ()
    resolved_at: tuple[str, ...] = ()
    issued_at: tuple[str, ...] = ()
    status: str | None = None
    results: bool = False
    """whether the list of result documents says if the result is digitised and electronic"""


_RECEIVED: Final = ("NgayTiepNhan",)
_ENDED: Final = ("NgayKetThucXuLy",)
STATUSES: Final[Mapping[int, Status]] = {
    row.code: row
    for row in (
        Status(1, "Mới đăng ký", "submitted"),
        Status(2, "Được tiếp nhận", "received", _RECEIVED),
        Status(3, "Không được tiếp nhận", "refused", (), ("NgayTuChoi",)),
        Status(4, "Đang xử lý", "received", _RECEIVED),
        Status(5, "Yêu cầu bổ sung", "received", _RECEIVED),
        Status(6, "Yêu cầu thực hiện nghĩa vụ tài chính", "received", _RECEIVED),
        Status(7, "Công dân yêu cầu rút", "withdrawn", _RECEIVED, status="withdrawn"),
        Status(8, "Dừng xử lý", "stopped", _RECEIVED, (), _ENDED, status="stopped"),
        Status(9, "Đã xử lý xong", "resolved", _RECEIVED, (), (*_ENDED, "NgayTra"), results=True),
        Status(10, "Đã trả kết quả", "result-issued", _RECEIVED, (), _ENDED, ("NgayTra",), results=True),
    )
}
_STATUS_CODES: Final = frozenset(str(code) for code in STATUSES)
NEEDED: Final[Mapping[str, str]] = {"received": "received_at", "resolved": "resolved_at", "result-issued": "issued_at"}
"""type → the fact without which the dossier does not count as its status says; its absence is reported"""
_OWN: Final[Mapping[str, str]] = {
    **NEEDED, "submitted": "submitted_at", "refused": "refused_at", "stopped": "resolved_at",
}  # fmt: skip


def _refused(known: Mapping[str, Any]) -> bool:
    return known.get("refused_at") is not None and days_of({**known, "status": None}) is None


STATUS_OF: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], bool], int | None], ...]] = (
    ("`status` là `deleted`", lambda k: k.get("status") == "deleted", None),
    ("`status` là `withdrawn`", lambda k: k.get("status") == "withdrawn", 7),
    ("`status` là `stopped`", lambda k: k.get("status") == "stopped", 8),
    ("có `refused_at`, không trước `received_at`", _refused, 3),
    ("có `issued_at`", lambda k: k.get("issued_at") is not None, 10),
    ("có `resolved_at`", lambda k: k.get("resolved_at") is not None, 9),
    ("có `received_at`", lambda k: k.get("received_at") is not None, 2),
    ("còn lại", lambda _: True, 1),
)
"""(condition in words, condition, status), the first that holds. Statuses 2, 4, 5 and 6 are one to the contract."""


def status_of(known: Mapping[str, Any]) -> int | None:
    """Return the national status that a dossier's facts amount to; None for a deleted one, which has none.

    >>> status_of({"received_at": "2024-09-30T08:00:00+07:00", "resolved_at": "2024-10-01T08:00:00+07:00"})
    9
    """
    return next(code for _, holds, code in STATUS_OF if holds(known))


class BadPayload(ValueError):  # noqa: N818 - a sentence for the reader of a file, not a fault of the program
    """A payload cannot be understood; the message names its field and what was expected, and no value."""


@dataclass(frozen=True)
class Sender:
    """Who sent a file of payloads, when, and how its codes are to be read."""

    name: str
    """prefix of the ids of its events"""
    sent: str
    """canonical instant; facts of a file sent later win"""
    units: Mapping[str, str] = field(default_factory=dict)
    """DonViXuLy → our code; one that is not in it is kept"""
    aliases: Mapping[str, str] = field(default_factory=dict)


class Translated(NamedTuple):
    """What a payload says: its two events, the unit it names where no table has it, and what it leaves open."""

    events: tuple[dict[str, Any], dict[str, Any]]
    unmapped: str | None
    notes: tuple[str, ...]


def translated(payload: Mapping[str, Any], position: int, sender: Sender) -> Translated:
    """Return the events of one payload, the `position`-th (from 1) of its file. Raises BadPayload.

    The id follows from what is said alone, so the same payload has the same id however often it is sent; the version
    says which file, and which payload of it, said so last.
    """
    dossier = _text(payload, "MaHoSo")
    if dossier is None:
        raise BadPayload("MaHoSo is missing")
    dossier = sender.aliases.get(dossier, dossier)
    code = _code(payload, "TrangThaiHoSo", _STATUS_CODES, "1 to 10")
    if code is None:
        raise BadPayload("TrangThaiHoSo is missing")
    row = STATUSES[int(code)]
    dates = {name: date_of(payload, name) for name in DATES}
    given = [at for at in dates.values() if at is not None]
    if not given:
        raise BadPayload(f"it names no date: one of {', '.join(DATES)} is needed")
    facts = _facts(payload, row, dates, sender)
    if row.type == "refused" and facts["refused_at"] is None:
        facts["refused_at"] = max(given)
    own = _OWN.get(row.type)
    at = min((own and facts[own]) or max(given), sender.sent)  # what is told has happened
    payment = _payment(payload, facts)
    digest = hashlib.sha256(to_json([dossier, row.type, sorted(facts.items()), payment])).hexdigest()[:24]
    stem = f"{sender.name}:{dossier[:100]}:{digest}"
    envelope = {"dossier": dossier, "version": version_of(sender.sent, position), "at": at}
    event = {"id": stem, "type": row.type, **envelope, **facts}
    paid = {"id": f"{stem}:p", "type": "paid", **envelope, "transaction": TRANSACTION, **payment}
    named = _unit(payload)
    unmapped = named if named is not None and named not in sender.units else None
    return Translated((event, paid), unmapped, tuple(_notes(row, facts)))


def version_of(sent: str, position: int) -> int:
    """Return the version of the `position`-th payload of a file sent at an instant. Raises BadPayload past the limit.

    >>> version_of("2024-09-30T17:00:00+07:00", 12)
    1562061600000012
    """
    if not 0 < position < POSITIONS:
        raise BadPayload(f"a file holds at most {POSITIONS - 1} payloads: divide it")
    return (int(moment_of(sent).timestamp()) - SECONDS_FROM) * POSITIONS + position


_OLD_POSITIONS: Final = 1_000_000_000
_OLD_RANK: Final = "q"
"""Ranks of stamps from here on have versions of 17 digits and more, as earlier releases gave to national payloads."""


def in_todays_measure(dossier: Dossier) -> Dossier:
    """Return a dossier with versions of national payloads in today's measure; the very same one where all are.

    Earlier releases wrote second × 10⁹ + position, which is beyond what a version may be now; what is imported today
    would be older than that for ever.
    """
    said = dossier[1]
    if not said or said[-2] < _OLD_RANK:
        return dossier
    found = NOTHING
    for stamp, facts in said_by(dossier):
        rank, _, rest = stamp.partition("\t")
        if rank >= _OLD_RANK:
            second, position = divmod(int(rank[1:]), _OLD_POSITIONS)
            version = (second - SECONDS_FROM) * POSITIONS + min(position, POSITIONS - 1)
            rank = stamp_rank(max(0, version))
        found = merge(found, f"{rank}\t{rest}", facts)
    return found


_STAMP: Final = re.compile(r"^([1-9][0-9]{3})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$")


def date_of(payload: Mapping[str, Any], name: str) -> str | None:
    """Return one of the payload's dates, yyyyMMddHHmmss in civil time, as a canonical instant; None where it is blank.

    >>> date_of({"NgayTra": "20240930081203"}, "NgayTra")
    '2024-09-30T08:12:03+07:00'
    """
    text = _text(payload, name)
    if text is None:
        return None
    match = _STAMP.match(text)
    try:
        if match is not None:
            return instant("{}-{}-{}T{}:{}:{}".format(*match.groups()) + OFFSET)
    except ValueError:
        pass
    raise BadPayload(f"{name} is no time of the form yyyyMMddHHmmss")


def latest_of(payload: Mapping[str, Any], beyond: str = "") -> str | None:
    """Return the latest date a payload names, if it is later than `beyond`; what is no date is passed over."""
    digits, latest = re.sub(r"[^0-9]", "", beyond)[:14], None
    for name in DATES:
        text = payload.get(name)
        if isinstance(text, str) and text <= digits:
            continue  # most are: no need to read them
        try:
            at = date_of(payload, name)
        except BadPayload:
            continue
        if at is not None and at > (latest or beyond):
            latest = at
    return latest


def _facts(payload: Mapping[str, Any], row: Status, dates: Mapping[str, str | None], sender: Sender) -> dict[str, Any]:
    def first(names: tuple[str, ...]) -> str | None:
        return next((dates[name] for name in names if dates[name] is not None), None)

    channel = _code(payload, "KenhThucHien", CHANNELS, "1, 2, 3")
    facts: dict[str, Any] = {
        "procedure": _text(payload, "MaTTHC"),
        "channel": None if channel is None else CHANNELS[channel],
        "submitted_at": dates["NgayNopHoSo"],
        "received_at": first(row.received_at),
        "refused_at": first(row.refused_at),
        "resolved_at": first(row.resolved_at),
        "issued_at": first(row.issued_at),
        "status": row.status,
        "digitised": None,
        "electronic": None,
    }
    if row.results:
        documents = [d for d in _objects(payload, "DanhSachGiayToKetQua") if _text(d, "DuongDanTepTinKetQua")]
        facts["digitised"] = bool(documents)
        facts["electronic"] = any(_text(d, "MaGiayToKetQua") for d in documents)
    unit = _unit(payload)
    if unit is not None:
        facts["unit"] = sender.units.get(unit, unit)
    return facts


def _payment(payload: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a payload says of the dossier's payment; all null where nothing was paid."""
    gateway = GATEWAYS[_code(payload, "DuocThanhToanTrucTuyen", GATEWAYS, "0, 1, 2") or "0"]
    fees = [(_text(fee, "HinhThucThu"), _amount(fee)) for fee in _objects(payload, "DanhSachLePhi")]
    days = [facts[COLLECTED.get(how or "", "received_at")] for how, amount in fees if amount > 0]
    paid_at = min((at for at in days if at is not None), default=None)
    if gateway is not None and paid_at is None:
        paid_at = facts["received_at"] or facts["submitted_at"]
    return {
        "paid_at": paid_at,
        "amount": sum(amount for _, amount in fees) if fees else None,
        "method": None if gateway is None else "online",
        "gateway": gateway,
    }


def _notes(row: Status, facts: Mapping[str, Any]) -> Iterator[str]:
    needed = NEEDED.get(row.type)
    if needed is not None and facts[needed] is None:
        yield f"status {row.code} without {getattr(row, needed)[0]}: does not count as {row.type}"
    if "unit" not in facts:
        yield "no DonViXuLy: counts for no unit"


# -- fields of a payload: texts or numbers, blank as good as absent ----------------------------------------------------


def _text(payload: Mapping[str, Any], name: str) -> str | None:
    value = payload.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise BadPayload(f"{name} is neither a text nor a number")
    return value.strip() or None


def _unit(payload: Mapping[str, Any]) -> str | None:
    """Return DonViXuLy in NFC: some senders write a name there."""
    text = _text(payload, "DonViXuLy")
    return None if text is None else unicodedata.normalize("NFC", text)


def _code(payload: Mapping[str, Any], name: str, known: Container[str], expected: str) -> str | None:
    text = _text(payload, name)
    if text is not None and text not in known:
        raise BadPayload(f"{name} is none of {expected}")
    return text


def _objects(payload: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = payload.get(name)
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadPayload(f"{name} is not a list of objects")
    return value


def _amount(fee: Mapping[str, Any]) -> int:
    value = fee.get("Gia")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = _text({"Gia": value}, "Gia") or "0"
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise BadPayload("Gia of DanhSachLePhi is no whole number of đồng")
    return int(text)
