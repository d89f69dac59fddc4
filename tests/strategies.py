"""Every hypothesis strategy of the suite: events of a few dossiers that meet, contradict and repeat one another."""

import json
from typing import Any

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
        "version": st.integers(-1, 4) | st.none(),
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
