"""Whatever order of statuses is sent, and sent again: the standings are those of what was said last, written directly."""

import json
import tempfile
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from models.counting.learning import learn
from models.dossiers.dossier import NOTHING
from models.dossiers.events import Event, decode
from models.dossiers.national import Sender, status_of
from streams.feeds.national import Report, lines_of_national
from tests.builders import evaluated, thai_binh
from tests.conftest import examples
from tests.strategies import national_histories

SENDER = Sender("qg", "2024-06-30T17:00:00+07:00")


def imported(payloads: list[dict[str, Any]], sender: Sender = SENDER) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "f.jsonl"
        file.write_text("\n".join(json.dumps(p) for p in payloads), encoding="utf-8")
        return [line.value for line in lines_of_national(file, sender, Report())]


def at(text: str) -> str | None:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:]}+07:00" if text else None


def directly(p: dict[str, Any]) -> list[dict[str, Any]]:
    """What a payload says, written as a portal would: an event per step, by the tables of docs/importing.md."""
    code, status = p["MaHoSo"], int(p["TrangThaiHoSo"])
    filed, taken, ended, returned = (at(p[n]) for n in ("NgayNopHoSo", "NgayTiepNhan", "NgayKetThucXuLy", "NgayTra"))
    said = {
        "unit": p["DonViXuLy"],
        "procedure": "1.004616",
        "channel": {"1": "in_person", "2": "online", "3": "postal"}.get(str(p["KenhThucHien"])),
    }
    found = [{"type": "submitted", "submitted_at": filed, **said}]
    received = taken if status not in (1, 3) else None
    if received:
        found.append({"type": "received", "received_at": received})
    if status == 3:
        found.append({"type": "refused", "refused_at": at(p["NgayTuChoi"]) or filed})
    if status == 7:
        found.append({"type": "withdrawn"})
    if status == 8:
        found.append({"type": "stopped", "resolved_at": ended})
    resolved = {8: ended, 9: ended or returned, 10: ended}.get(status)
    issued = returned if status == 10 else None
    files = [d for d in p["DanhSachGiayToKetQua"] if d["DuongDanTepTinKetQua"]]
    result = {"digitised": bool(files), "electronic": any(d["MaGiayToKetQua"] for d in files)}
    if status in (9, 10):
        found.append({"type": "resolved", "resolved_at": resolved, **result})
    if issued:
        found.append({"type": "result-issued", "issued_at": issued})
    gateway = {"1": "national", "2": "local"}.get(str(p["DuocThanhToanTrucTuyen"]))
    days = [{"2": resolved, "4": issued}.get(f["HinhThucThu"], received) for f in p["DanhSachLePhi"] if int(f["Gia"])]
    paid_at = min((d for d in days if d), default=(received or filed) if gateway else None)
    if paid_at and (not p["DanhSachLePhi"] or sum(int(f["Gia"]) for f in p["DanhSachLePhi"])):
        how = {"method": "online", "gateway": gateway} if gateway else {"method": "cash"}
        found.append({"type": "paid", "transaction": "T", "paid_at": paid_at, **how})
    return [{"id": f"d:{code}:{n}", "dossier": code, "version": n, "at": filed, **e} for n, e in enumerate(found)]


@settings(max_examples=examples(50), deadline=None)
@given(national_histories(), st.randoms(use_true_random=False))
def test_standings_are_those_of_what_was_said_last_written_directly(
    payloads: list[dict[str, Any]], chance: Any
) -> None:
    last = {p["MaHoSo"]: p for p in payloads}
    events = imported(payloads)
    chance.shuffle(events)  # versions decide, never the order of arrival
    sent = evaluated(thai_binh(), [orjson.loads(e) for e in events])
    direct = evaluated(thai_binh(), [e for p in last.values() for e in directly(p)])

    assert not sent.refused
    assert not direct.refused
    assert [s | {"alert": None} for s in sent.standings] == [s | {"alert": None} for s in direct.standings]


@settings(max_examples=examples(25), deadline=None)
@given(national_histories())
def test_a_file_sent_later_wins_and_an_earlier_one_imported_again_changes_nothing(
    payloads: list[dict[str, Any]],
) -> None:
    half = len(payloads) // 2
    first = imported(payloads[:half], SENDER)
    second = imported(payloads[half:], Sender("qg", "2024-07-01T17:00:00+07:00"))
    whole = evaluated(thai_binh(), [orjson.loads(e) for e in imported(payloads)])
    parts = evaluated(thai_binh(), [orjson.loads(e) for e in [*first, *second, *first]])

    assert [s | {"alert": None} for s in parts.standings] == [s | {"alert": None} for s in whole.standings]


@settings(max_examples=examples(60), deadline=None)
@given(national_histories())
def test_facts_amount_to_the_status_they_came_from(payloads: list[dict[str, Any]]) -> None:
    for payload in payloads:
        dossier = NOTHING
        for value in imported([payload]):
            event = decode(value)
            assert isinstance(event, Event)
            dossier, _ = learn(dossier, event)
        code = int(payload["TrangThaiHoSo"])
        facts = dossier[0]
        whole = {9: facts["resolved_at"], 10: facts["issued_at"]}.get(
            code, facts["received_at"] or code in (1, 3, 7, 8)
        )
        if whole:  # the date that makes the status is there
            assert status_of(facts) == (2 if code in (2, 4, 5, 6) else code)
