"""Every hypothesis strategy of the suite: events of a few dossiers that meet, contradict and repeat one another."""

import json
import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

UNITS = ("12688", "12691", "340", "340.phong-tu-phap", "34.so-cong-thuong", "99999")
DOSSIERS = ("A", "B", "C")
TYPES = (
    "submitted", "received", "refused", "paid", "refunded", "resolved", "result-issued", "result-recalled",
    "copy-certified", "corrected", "transferred", "withdrawn", "stopped", "deleted", "restored",
)  # fmt: skip

days = st.integers(1, 28).map(lambda d: f"2024-06-{d:02d}")
instants = st.builds(
    lambda day, hour, zone: f"{day}T{hour:02d}:30:00{zone}",
    days,
    st.integers(0, 23),
    st.sampled_from(["+07:00", "Z", "-05:00"]),
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """A valid event; versions, times and ids are few, so that ties and duplicates are frequent."""
    kind = draw(st.sampled_from(TYPES))
    found: dict[str, Any] = {
        "id": draw(st.sampled_from(["e1", "e2", "e3"])),
        "type": kind,
        "dossier": draw(st.sampled_from(DOSSIERS)),
        "at": draw(instants),
    }
    optional: dict[str, st.SearchStrategy[Any]] = {
        "version": st.integers(0, 4) | st.none(),
        "unit": st.sampled_from(UNITS),
        "procedure": st.sampled_from(["1.004616", "1.004616.000.00.00.H56", "2.000815"]) | st.none(),
        "channel": st.sampled_from(["online", "in_person", "postal"]) | st.none(),
        "received_at": instants | st.none(),
        "submitted_at": instants | st.none(),
        "refused_at": instants | st.none(),
        "resolved_at": instants | st.none(),
        "issued_at": instants | st.none(),
        "electronic": st.booleans() | st.none(),
        "digitised": st.booleans() | st.none(),
        "result_document": st.booleans() | st.none(),
        "status": st.sampled_from(["withdrawn", "stopped", "deleted"]) | st.none(),
    }
    if kind in ("paid", "refunded"):
        found["transaction"] = draw(st.sampled_from(["T1", "T2"]))
        optional |= {
            "paid_at": instants | st.none(),
            "amount": st.integers(0, 2) | st.none(),
            "method": st.sampled_from(["online", "cash", "transfer"]) | st.none(),
            "gateway": st.sampled_from(["national", "local"]) | st.none(),
            "exempt": st.booleans() | st.none(),
        }
    if kind == "copy-certified":
        found["copy"] = draw(st.sampled_from(["K1", "K2"]))
    for name, strategy in optional.items():
        if draw(st.integers(0, 2)) == 0:
            found[name] = draw(strategy)
    return found


streams = st.lists(events(), min_size=1, max_size=14)


# -- streams for each of the five decisions ----------------------------------------------------------------------------

PROCEDURES = ("1.000001", "1.000002", "1.000003", "1.000004", "1.000005", "2.000001")


class World(NamedTuple):
    """What a random stream of a decision plays on: units, civil days at which something turns, switches."""

    decision: str
    units: tuple[str, ...]
    days: tuple[str, ...]
    as_of: tuple[str, ...]
    switches: tuple[tuple[str, tuple[str, ...]], ...] = ()
    extra: tuple[tuple[str, str, str, str], ...] = ()
    """a deployment's own units: level, code, parent, target_of"""
    heirs: tuple[tuple[str, str, str, str], ...] = ()
    """successions: day, from, to, procedures"""
    file: str = ""
    """of a decision that is not shipped, below tests/data"""


WORLDS = (
    World(
        "thai-binh-2024",
        ("12688", "12691", "12694", "34999", "34998", "340", "340.phong-tu-phap", "34.so-tai-chinh", "34.so-cong-thuong"),
        ("2023-12-31", "2024-01-01", "2024-05-24", "2024-06-03", "2024-06-30", "2024-10-31", "2024-11-01", "2024-12-31"),
        ("2024-12-31", "2024-11-01", "2024-10-31", "2024-06-03"),
        (("electronic_copies", ("adoption", "share")), ("trajectory", ("default", "linear"))),
        (("commune", "34999", "340", ""), ("commune", "34998", "340", "")),
        (
            ("2024-11-01", "12688", "34999", ""),
            ("2024-11-01", "12691", "34999", ""),
            ("2024-12-01", "34.so-tai-chinh", "34.so-cong-thuong", "1.000001;1.000002"),
            ("2024-11-01", "340", "34998", "1.000003"),  # a commune that was there before
        ),
    ),
    World(
        "hai-duong-2022",
        ("288", "288.phong-tu-phap", "10507", "10510", "30.so-tai-chinh", "30.so-y-te"),
        ("2021-12-31", "2022-01-01", "2022-06-01", "2022-06-30", "2022-07-01", "2022-12-31", "2023-01-01"),
        ("2022-12-31", "2022-07-01", "2022-06-30"),
        (("postal_in_denominator", ("true", "false")),),
        (("province-agency", "30.so-tai-chinh", "30", ""),),
        (("2022-07-01", "10507", "288", "1.000001;2.000001"), ("2022-07-01", "10507", "10510", "")),
    ),
    World(
        "lak-2022",
        ("24580", "24583", "24586", "24589", "66999", "66998", "656"),
        ("2022-01-01", "2022-05-02", "2022-06-30", "2022-07-01", "2022-09-30", "2022-10-01", "2022-12-31", "2023-01-01"),
        ("2022-12-31", "2022-10-01", "2022-07-01", "2022-06-30"),
        (("denominator_scope", ("listed", "all")), ("trajectory", ("default", "flat"))),
        (("commune", "66999", "656", ""), ("commune", "66998", "656", "")),
        (
            ("2022-07-01", "24580", "66999", ""),
            ("2022-07-01", "24583", "66999", ""),
            ("2022-10-01", "66999", "66998", ""),
            ("2022-10-01", "24586", "66998", ""),
        ),
    ),
    World(
        "ha-tinh",
        ("436", "437", "439", "18070", "42.so-noi-vu", "42.so-tai-chinh"),
        ("2021-12-31", "2022-01-01", "2022-12-31", "2023-01-01", "2023-06-30", "2023-07-01", "2023-12-31", "2024-01-01"),
        ("2023-12-31", "2023-07-01", "2022-12-31", "2024-02-29", "2027-01-01"),
        (("yearly_increase", ("points", "relative")),),
        (("province-agency", "42.so-noi-vu", "42", ""), ("province-agency", "42.so-tai-chinh", "42", "")),
        (("2023-07-01", "437", "436", "1.000001"), ("2023-07-01", "437", "439", "1.000002;2.000001")),
    ),
    World(
        "khanh-hoa-2024",
        ("570", "575", "22435", "22438", "56999", "56.so-cong-thuong", "56.so-y-te"),
        ("2023-12-14", "2023-12-15", "2024-05-05", "2024-05-06", "2024-05-07", "2024-05-10", "2024-05-11", "2024-05-12",
         "2024-12-14", "2024-12-15"),
        ("2024-12-14", "2024-05-31", "2024-05-10"),
        (
            ("replacement_effective_date", ("2024-05-06", "none", "2024-05-07")),
            ("replacement_grace", ("ordinary", "strict")),
            ("dropped_until", ("inclusive", "exclusive")),
        ),
        (("commune", "56999", "570", "575"),),
        (("2024-05-11", "570", "575", ""), ("2024-05-11", "22435", "56999", "")),
    ),
)  # fmt: skip


OWN: Final = World(
    "own-2024",
    ("12688", "12691", "340", "340.phong-tu-phap", "34.so-tai-chinh", "34.so-cong-thuong"),
    ("2023-12-31", "2024-01-01", "2024-03-04", "2024-05-24", "2024-06-03", "2024-06-30", "2024-10-31", "2024-12-31"),
    ("2024-12-31", "2024-10-31", "2024-06-30", "2024-06-03"),
    (("postal_in_denominator", ("true", "false")), ("trajectory", ("default", "linear"))),
    file="decisions/own-2024.toml",
)
"""a decision of indicators of its own: every count, basis and filter, each of them negated too"""


def random_catalogue(chance: random.Random, world: World) -> list[dict[str, str]]:
    """Rows for units and classes, on lists, at levels and with days that meet those of the stream."""
    rows = []
    for procedure in PROCEDURES:
        for _ in range(chance.choice((2, 3, 4))):
            first, last = sorted(chance.choices(world.days, k=2))
            rows.append(
                {
                    "procedure": procedure,
                    "name": "x",
                    "authority": chance.choice(("province-agency", "district", "commune", "commune", *world.units)),
                    "level": chance.choice(("full", "full", "full", "partial", "none")),
                    "eligible": chance.choice(("true", "false")),
                    "lists": chance.choice(
                        ("2653;replacement", "2653;replacement", "2653", "2653", "replacement", "a", "")
                    ),
                    "listed_from": chance.choice((first, "", "", "")),
                    "listed_to": chance.choice((last, "", "", "")),
                    "result_document": chance.choice(("false", "", "", "true")),
                    "national_portal": chance.choice(("true", "false")),
                    **({"payable_online": chance.choice(("true", "false"))} if world.file else {}),
                }
            )
    return rows


def _own_facts(chance: random.Random, at: Callable[[], str]) -> dict[str, Any]:
    """What only decisions of indicators of their own ask for."""
    told: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("due_at", (at(), at(), None)),
        ("fee", (0, 5, 5, None)),
        ("reused", (True, False, None)),
        ("component_digitised", (True, False)),
        ("assisted", (True, False)),
        ("exempt_from_count", (True, False, False, None)),
    )
    return {name: chance.choice(values) for name, values in told if chance.random() < 0.4}


def random_events(  # noqa: C901 - one choice after another
    chance: random.Random, world: World, number: int
) -> list[dict[str, Any]]:
    """Events of some dossiers, few enough that they contradict and repeat one another."""
    found = []

    def at(*clocks: str) -> str:
        clock = chance.choice(("00:00:00", "08:30:00", "23:59:59", *clocks))
        return f"{chance.choice(world.days)}T{clock}{chance.choice(('+07:00', '+07:00', 'Z'))}"

    for n in range(number):
        kind = chance.choice((*TYPES, "received", "received", "resolved", "resolved", "result-issued"))
        made: dict[str, Any] = {
            "id": f"e{chance.randrange(number)}-{n % 3}",
            "type": kind,
            "dossier": f"D{chance.randrange(max(2, number // 3))}",
            "at": at(),
            "version": chance.choice((None, 1, 2, 3, n)),
        }
        if kind in ("received", "submitted", "transferred", "resolved", "paid") or chance.random() < 0.3:
            made["unit"] = chance.choice(world.units)
        for name, values in (
            ("procedure", (*PROCEDURES, "1.000001.000.00.00.H56", None)),
            ("channel", ("online", "online", "in_person", "postal", None)),
            ("digitised", (True, True, False, None)),
            ("electronic", (True, False)),
            ("result_document", (None, True, False)),
        ):
            if chance.random() < (0.8 if name in ("procedure", "channel") else 0.2):
                made[name] = chance.choice(values)
        for name in ("received_at", "submitted_at", "resolved_at", "issued_at"):
            if chance.random() < 0.25:
                made[name] = chance.choice((at("23:59:59.5"), at(), at(), None))
        if world.file:
            made |= _own_facts(chance, at)
        if kind in ("paid", "refunded"):
            if world.file and chance.random() < 0.2:
                made["exempt"] = True
            made |= {"transaction": chance.choice(("T1", "T2")), "amount": chance.choice((0, 9, 9, 9))}
            made |= {"method": chance.choice(("online", "cash")), "gateway": chance.choice(("national", "local"))}
        if kind == "copy-certified":
            made["copy"] = chance.choice(("K1", "K2"))
        found.append(made)
    return found


def lines(found: list[dict[str, Any]]) -> list[bytes]:
    """Events as records."""
    return [json.dumps(e).encode() for e in found]


@st.composite
def national_histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Payloads of a few dossiers as one file holds them: any status after any other, stale dates, sent again."""
    known = st.integers(1, 28).map(lambda d: f"202406{d:02d}083000")
    sent: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 12))):
        if sent and draw(st.integers(0, 3)) == 0:
            sent.append(draw(st.sampled_from(sent)))
            continue
        code = draw(st.sampled_from(DOSSIERS))
        fees = st.fixed_dictionaries(
            {
                "HinhThucThu": st.sampled_from(["1", "2", "4", ""]),
                "Gia": st.sampled_from(["0", "15000", 600]),
                "TenPhiLePhi": st.just("x"),
            }
        )
        files = st.fixed_dictionaries(
            {
                "MaGiayToKetQua": st.sampled_from(["", "KQ.1"]),
                "DuongDanTepTinKetQua": st.sampled_from(["", "https://example.invalid/1"]),
            }
        )
        sent.append(
            {
                "MaHoSo": code,
                "MaTTHC": "1.004616.000.00.00.H54",
                "KenhThucHien": draw(st.sampled_from(["1", "2", 3, "", None])),
                "TrangThaiHoSo": draw(st.integers(1, 10)),
                "DonViXuLy": draw(st.sampled_from(UNITS)),
                "NgayNopHoSo": draw(known),
                **{
                    name: draw(known | st.just(""))
                    for name in ("NgayTiepNhan", "NgayKetThucXuLy", "NgayTra", "NgayTuChoi")
                },
                "DuocThanhToanTrucTuyen": draw(st.sampled_from(["0", "1", 2, ""])),
                "DanhSachLePhi": draw(st.lists(fees, max_size=2)),
                "DanhSachGiayToKetQua": draw(st.lists(files, max_size=2)),
                "ChuHoSo": "CHU-HO-SO-MAU",
            }
        )
    return sent
