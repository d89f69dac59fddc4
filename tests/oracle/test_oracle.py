"""Check the checker: small cases computed by hand, most of them domain.md §4, and what must not matter."""

import csv
import functools
import hashlib
import io
import json
import random
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from datetime import date, timedelta
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from .decode import RefusalError, decode
from .oracle import Oracle, Record, main

ROOT = Path(__file__).parents[2]
DECISION = ROOT / "models/data/decisions/thai-binh-2024.toml"
UNITS = ROOT / "models/data/units.csv"
END = date(2024, 12, 31)
CITY = "336"
COMMUNE = "12688"  # a commune of Đông Hưng (340)
DEPARTMENT = "34.so-cong-thuong"
NOON = "2024-06-03T12:00:00+07:00"

ids = count(1)


def communes(district: str) -> list[str]:
    with UNITS.open(encoding="utf-8-sig", newline="") as file:
        return [row["code"] for row in csv.DictReader(file) if row["parent"] == district]


def raw(**fields: Any) -> Record:
    return Record(json.dumps(fields).encode())


def event(kind: str, dossier: str, at: str = NOON, **fields: Any) -> Record:
    return raw(**{"id": f"test:{next(ids):06}", "type": kind, "dossier": dossier, "at": at} | fields)


def received(
    prefix: str, number: int, online: int, unit: str = DEPARTMENT, at: str = NOON, **fields: Any
) -> list[Record]:
    return [
        event("received", f"{prefix}{n}", at, unit=unit, channel="online" if n < online else "in_person", **fields)
        for n in range(number)
    ]


def paid(prefix: str, number: int, unit: str, at: str = NOON, **fields: Any) -> list[Record]:
    return [
        event("paid", f"{prefix}{n}", at, unit=unit, transaction=f"{prefix}{n}", **{"amount": 50_000} | fields)
        for n in range(number)
    ]


PORTAL: dict[str, Any] = {"method": "online", "gateway": "national"}
CASH: dict[str, Any] = {"method": "cash", "gateway": None}


def oracle(records: Iterable[Record], **options: Any) -> Oracle:
    result = Oracle(DECISION, UNITS, **options)
    result.load(records)
    return result


def standing(
    records: Iterable[Record], unit: str = DEPARTMENT, indicator: str = "online-dossiers", as_of: date = END
) -> tuple[int, int, str]:
    checked = oracle(records)
    assert checked.refused == []
    row = checked.standings(as_of)[unit, indicator]
    return row["numerator"], row["denominator"], row["status"]


def by_day(records: Iterable[Record], **options: Any) -> dict[tuple[str, str, str], tuple[int, int]]:
    checked = oracle(records, **options)
    assert checked.refused == []
    return checked.days()


def refusal(record: Record) -> str:
    with pytest.raises(RefusalError) as caught:
        decode(record)
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ domain.md §4


def test_a07_a_blank_cell_is_no_target_and_never_alerts() -> None:
    records = []
    for unit in ("34.so-tai-chinh", DEPARTMENT):
        records += paid(f"{unit}p", 40, unit, **PORTAL) + paid(f"{unit}c", 60, unit, **CASH)

    assert standing(paid("T", 5, "34.so-tai-chinh", **CASH), "34.so-tai-chinh", "online-payments") == (
        *(0, 5),
        "no-target",
    )
    assert standing(records, "34.so-tai-chinh", "online-payments") == (40, 100, "no-target")
    assert standing(records, DEPARTMENT, "online-payments") == (40, 100, "below")
    alerts = oracle(records).alerts(END)
    assert alerts == [("2024-06-03T23:59:59+07:00", DEPARTMENT, "online-payments", "firing")]


def test_a09_targets_follow_the_columns_of_the_annex() -> None:
    ward, commune = communes(CITY)[0], communes("340")[0]
    records = [r for unit in (CITY, ward, commune) for r in received(unit, 100, 58, unit)]
    standings = oracle(records).standings(END)

    assert [standings[unit, "online-dossiers"]["status"] for unit in (CITY, ward, commune)] == ["below", "met", "met"]
    targets = {i: standings["340", i]["target"] for (unit, i) in standings if unit == "340"}
    assert targets == {
        "full-online-provision": None,
        "online-dossiers": "50",
        "online-payments": "45",
        "digitised-results": "100",
        "electronic-results": "100",
        "services-with-dossiers": "85",
        "electronic-copies": "100",
    }


def test_the_decision_expands_to_284_leaves_and_1703_targets() -> None:
    named = Oracle(DECISION, UNITS).decision.named(END)

    assert len(named.leaves) == 284
    assert sum(unit in named.leaves for unit, _ in named.targets) == 1703


def test_a10_a_group_pools_its_members_and_never_alerts() -> None:
    members = communes("340")
    records = [r for unit in members[:36] for r in received(unit, 100, 60, unit)]
    records += received("B", 40, 10, members[36])
    checked = oracle(records)
    row = checked.standings(END)["340/communes", "online-dossiers"]

    assert (row["numerator"], row["denominator"], row["status"]) == (2170, 3640, "met")
    assert row["members"] == {"met": 36, "below": 1, "no-dossiers": 1}
    assert row["last_7_days"] == [0, 0]
    assert checked.alerts(END) == [("2024-06-03T23:59:59+07:00", members[36], "online-dossiers", "firing")]


def test_a11_a_duplicate_and_a_resend_change_nothing() -> None:
    first = event("received", "D", id="one", version=3, unit=DEPARTMENT, channel="online")
    resent = raw(**json.loads(first.value or b"") | {"id": "two"})
    base = received("A", 100, 49)

    for arrived in ([first], [first, first], [first, first, resent]):
        assert standing([*base, *arrived]) == (50, 101, "below")


def test_a12_late_payments_restate_june_and_retract_the_alert() -> None:
    records = paid("P", 44, DEPARTMENT, "2024-06-30T09:00:00+07:00", **PORTAL)
    records += paid("C", 54, DEPARTMENT, "2024-06-30T09:00:00+07:00", **CASH)
    late = paid("L", 2, DEPARTMENT, "2024-07-05T08:00:00+07:00", paid_at="2024-06-29T10:00:00+07:00", **PORTAL)
    new = paid("N", 2, DEPARTMENT, "2024-07-05T08:00:00+07:00", **PORTAL)
    fired = ("2024-06-30T23:59:59+07:00", DEPARTMENT, "online-payments", "firing")
    closed = ("2024-07-05T23:59:59+07:00", DEPARTMENT, "online-payments")

    assert standing(records, indicator="online-payments", as_of=date(2024, 6, 30)) == (44, 98, "below")
    assert standing(records + late, indicator="online-payments", as_of=date(2024, 6, 30)) == (46, 100, "met")
    assert oracle(records + late).alerts(END) == [fired, (*closed, "retracted")]
    assert oracle(records + new).alerts(END) == [fired, (*closed, "resolved")]


def test_a13_a_correction_and_its_reversal_move_the_numerator_alone() -> None:
    base = received("A", 100, 49)
    forth = event("corrected", "A99", "2024-06-04T09:00:00+07:00", channel="online")
    back = event("corrected", "A99", "2024-06-05T09:00:00+07:00", channel="in_person")

    assert standing([*base, forth]) == (50, 100, "met")
    assert standing([*base, forth, back]) == standing([back, forth, *base]) == (49, 100, "below")


def test_a14_refused_out_withdrawn_in() -> None:
    records = received("O", 60, 60) + received("P", 50, 0)
    records += [event("refused", f"O{n}", "2024-06-04T09:00:00+07:00") for n in range(10)]
    records.append(event("withdrawn", "O10", "2024-06-05T09:00:00+07:00"))
    resolved = [f"O{n}" for n in range(10, 55)] + [f"P{n}" for n in range(46)]
    records += [event("resolved", code, "2024-06-06T09:00:00+07:00", electronic=code[0] == "O") for code in resolved]

    assert standing(records) == (50, 100, "met")
    assert standing(records, indicator="electronic-results") == (44, 90, "below")  # the withdrawn one is not resolved


def test_a15_zero_then_the_first_dossier() -> None:
    assert standing([], COMMUNE) == (0, 0, "no-dossiers")
    assert standing(received("D", 1, 0, COMMUNE), COMMUNE) == (0, 1, "below")


def test_a18_the_civil_day_is_that_of_ho_chi_minh() -> None:
    records = received("D", 1, 1, COMMUNE, "2024-06-30T17:30:00Z") + received(
        "E", 1, 1, COMMUNE, "2024-06-30T16:59:59Z"
    )

    assert by_day(records) == {
        (COMMUNE, "online-dossiers", "2024-07-01"): (1, 1),
        (COMMUNE, "online-dossiers", "2024-06-30"): (1, 1),
    }
    assert standing(records, COMMUNE, as_of=date(2024, 6, 30)) == (1, 1, "met")


def test_a19_a_transfer_restates_and_codes_are_not_parsed() -> None:
    a, b, c = communes("340")[:3]
    records = received(f"{a}-", 100, 50, b)
    moved = event("transferred", f"{a}-0", "2024-06-20T09:00:00+07:00", unit=c)

    assert standing(records, b) == (50, 100, "met")
    assert standing([*records, moved], a) == (0, 0, "no-dossiers")
    assert standing([*records, moved], b) == (49, 99, "below")
    assert standing([*records, moved], c) == (1, 1, "met")


def test_a21_comparison_is_exact() -> None:
    assert standing(received("D", 4000, 1999)) == (1999, 4000, "below")
    assert standing(received("D", 4000, 2000)) == (2000, 4000, "met")


def test_a22_gateways_exemptions_and_refunds() -> None:
    records = paid("N", 40, DEPARTMENT, **PORTAL) + paid("C", 40, DEPARTMENT, **CASH)
    records += paid("L", 19, DEPARTMENT, method="online", gateway="local")
    records += paid("T", 1, DEPARTMENT, method="transfer", gateway="national")
    records += paid("E", 20, DEPARTMENT, exempt=True, **PORTAL) + paid("Z", 10, DEPARTMENT, **PORTAL | {"amount": 0})
    refund = event("refunded", "N0", "2024-11-01T09:00:00+07:00", transaction="N0")
    again = event("paid", "N0", "2024-11-02T09:00:00+07:00", transaction="N0", amount=1, paid_at=NOON, **PORTAL)

    assert standing(records, indicator="online-payments") == (40, 100, "below")
    assert standing([*records, refund], indicator="online-payments") == (39, 99, "below")
    june = date(2024, 6, 30)  # a refund counts whenever it was told
    assert standing([*records, refund], indicator="online-payments", as_of=june) == (39, 99, "below")
    assert standing([again, *records, refund], indicator="online-payments") == (40, 100, "below")  # newest fact wins


def test_a23_one_result_of_two_hundred_is_missing() -> None:
    records = []
    for n in range(200):
        records.append(event("received", f"D{n}", unit=DEPARTMENT))
        records.append(event("result-issued", f"D{n}", "2024-06-05T09:00:00+07:00", digitised=n < 199))
    filed = event("corrected", "D199", "2024-06-05T15:00:00+07:00", digitised=True)

    assert standing(records, indicator="digitised-results") == (199, 200, "below")
    assert standing([*records, filed], indicator="digitised-results") == (200, 200, "met")
    row = oracle(records).standings(END)[DEPARTMENT, "digitised-results"]
    assert (row["shortfall"], row["expected"]) == (1, Fraction(100))


# ------------------------------------------------------------------------------------------------ the catalogue

COLUMNS = (
    "procedure,name,authority,level,eligible,lists,listed_from,listed_to,result_document,national_portal\n"  # one line
)


def catalogue(path: Path, *rows: str) -> Path:
    file = path / "catalogue.csv"
    file.write_text(COLUMNS + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_a08_provision_is_eligible_rows_that_are_full(tmp_path: Path) -> None:
    rows = [f"1.{n:06},x,province-agency,{'full' if n < 17 else 'partial'},true,1,,,," for n in range(20)]
    rows.append("1.999999,x,province-agency,full,false,1,,,,")
    rows.append(f"1.888888,x,{COMMUNE},full,true,1,,,,")
    rows.append("1.777777,x,province-agency,none,true,1,,2024-11-30,,")  # gone in December
    standings = oracle([], catalogue=catalogue(tmp_path, *rows)).standings(END)

    def of(unit: str) -> tuple[int, int, str]:
        row = standings[unit, "full-online-provision"]
        return row["numerator"], row["denominator"], row["status"]

    assert of(DEPARTMENT) == (17, 20, "met")
    assert of("34.so-thong-tin-va-truyen-thong") == (17, 20, "below")
    assert of(COMMUNE) == (1, 1, "no-target")


def test_a24_coverage_follows_a_ramp(tmp_path: Path) -> None:
    rows = [f"1.{n:06},x,commune,{'full' if n % 2 else 'partial'},true,a,,,," for n in range(102)]
    rows += ["2.000001,x,commune,none,true,a,,,,", "2.000002,x,commune,full,true,,,,,"]  # not online, not listed
    records = [
        event("received", f"D{n}", "2024-03-31T09:00:00+07:00", unit=COMMUNE, procedure=f"1.{n % 25:06}.000.00.00.H56")
        for n in range(60)
    ]
    records += [event("received", f"X{n}", NOON, unit=COMMUNE, procedure=f"2.00000{n}") for n in (1, 2)]
    checked = oracle(records, catalogue=catalogue(tmp_path, *rows))
    march = checked.standings(date(2024, 3, 31))[COMMUNE, "services-with-dossiers"]

    assert (march["numerator"], march["denominator"], march["status"]) == (25, 102, "met")
    assert march["expected"] == Fraction(85 * 91, 366)
    assert checked.standings(END)[COMMUNE, "services-with-dossiers"]["shortfall"] == 87 - 25
    alerts = checked.alerts(date(2024, 5, 31))
    alert = next(a for a in alerts if a[1:3] == (COMMUNE, "services-with-dossiers"))
    # 25/102 is below the ramp 85·n/366 from day 106 on; nothing is raised before the decision is effective (day 145).
    assert alert == ("2024-05-24T23:59:59+07:00", COMMUNE, "services-with-dossiers", "firing")


def test_a_procedure_without_document_leaves_the_results(tmp_path: Path) -> None:
    rows = ["1.000001,x,commune,full,true,a,,,false,", "1.000002,x,commune,full,true,a,,,,"]
    records = [event("resolved", f"D{n}", unit=COMMUNE, procedure=f"1.00000{n}", digitised=True) for n in (1, 2)]
    records.append(event("resolved", "D3", unit=COMMUNE, procedure="1.000001", result_document=True))
    records.append(event("resolved", "D4", unit=COMMUNE, procedure="1.000002", result_document=False))
    days = by_day(records, catalogue=catalogue(tmp_path, *rows))

    assert days[COMMUNE, "digitised-results", "2024-06-03"] == (1, 2)


# ------------------------------------------------------------------------------------------------ the merge


def test_a_fact_with_a_version_wins_over_one_without() -> None:
    base = event("received", "D", unit=DEPARTMENT, channel="in_person", version=1)
    later = event("corrected", "D", "2024-12-01T00:00:00+07:00", channel="online")

    assert standing([base, later]) == standing([later, base]) == (0, 1, "below")


def test_equal_versions_go_by_instant_then_id_then_bytes() -> None:
    def fact(channel: str, at: str, name: str, **more: Any) -> Record:
        return event("received", "D", at, id=name, unit=DEPARTMENT, channel=channel, version=1, **more)

    one, other = fact("online", NOON, "a"), fact("postal", "2024-06-03T04:59:59.9Z", "z")
    assert standing([one, other]) == standing([other, one]) == (1, 1, "met")  # noon +07 is the later instant
    one, other = fact("online", NOON, "b"), fact("postal", "2024-06-03T05:00:00Z", "a")
    assert standing([one, other]) == standing([other, one]) == (1, 1, "met")  # the same instant, the larger id
    pair = [fact(channel, NOON, "a") for channel in ("online", "postal")]
    winner = max(pair, key=lambda record: hashlib.sha256(record.value or b"").digest())
    expected = (1, 1, "met") if winner is pair[0] else (0, 1, "below")
    assert standing(pair) == standing(pair[::-1]) == expected


def test_an_event_changes_what_it_carries_and_what_its_type_implies() -> None:
    start = event("received", "D", version=1, unit=COMMUNE, channel="online")
    issued = event("result-issued", "D", "2024-06-10T09:00:00+07:00", version=2, electronic=True, digitised=True)
    recalled = event("result-recalled", "D", "2024-06-11T09:00:00+07:00", version=3, digitised=True)
    resolved = event("resolved", "D", "2024-06-12T09:00:00+07:00", version=4)

    assert by_day([start, issued])[COMMUNE, "electronic-results", "2024-06-10"] == (1, 1)
    assert list(by_day([start, issued, recalled])) == [(COMMUNE, "online-dossiers", "2024-06-03")]
    days = by_day([start, issued, recalled, resolved])
    assert days[COMMUNE, "electronic-results", "2024-06-12"] == (0, 1)
    assert days[COMMUNE, "digitised-results", "2024-06-12"] == (1, 1)


def test_a_null_takes_a_fact_back_and_a_carried_time_beats_at() -> None:
    start = event("received", "D", version=1, unit=COMMUNE, received_at="2024-05-01T09:00:00+07:00")
    taken = event("corrected", "D", version=2, received_at=None)

    assert list(by_day([start])) == [(COMMUNE, "online-dossiers", "2024-05-01")]
    assert by_day([start, taken]) == {}


def test_statuses_deleted_restored_stopped() -> None:
    base = [event("received", "D", version=1, unit=COMMUNE), *paid("D", 1, COMMUNE)]
    base.append(event("paid", "D", version=2, transaction="t"))
    base.append(event("copy-certified", "D", version=3, copy="c", unit=COMMUNE, electronic=True))
    deleted, restored = event("deleted", "D", version=4), event("restored", "D", version=5)
    stopped = event("stopped", "D", version=6)
    issued = event("result-issued", "D", "2024-06-07T09:00:00+07:00", version=7)
    resolved = event("resolved", "D", "2024-06-08T09:00:00+07:00", version=8)

    whole = by_day(base)
    assert by_day([*base, deleted]) == by_day(paid("D", 1, COMMUNE))  # another dossier, D0
    assert by_day([restored, *base, deleted]) == by_day([*base, deleted, restored, stopped, issued]) == whole
    assert by_day([*base, stopped, issued, resolved]).keys() - whole.keys() == {
        (COMMUNE, "digitised-results", "2024-06-08"),
        (COMMUNE, "electronic-results", "2024-06-08"),
    }


def test_reception_falls_back_on_submission_once_resolved_or_issued() -> None:
    submitted = event("submitted", "D", "2024-05-30T09:00:00+07:00", unit=COMMUNE, channel="online")
    issued = event("result-issued", "D")

    assert by_day([submitted]) == {}
    assert by_day([submitted, issued])[COMMUNE, "online-dossiers", "2024-05-30"] == (1, 1)


def test_a_refusal_before_reception_refuses_nothing_and_payments_stay() -> None:
    records = [event("received", "D", unit=COMMUNE), event("paid", "D", transaction="t", **PORTAL)]
    early = event("refused", "D", "2024-06-03T04:59:59Z")
    same = event("refused", "D", "2024-06-03T05:00:00Z")

    assert by_day([*records, early]) == by_day(records)
    assert by_day([*records, same]) == {(COMMUNE, "online-payments", "2024-06-03"): (1, 1)}
    never_received = [event("submitted", "E", unit=COMMUNE), event("resolved", "E"), event("refused", "E")]
    assert by_day(never_received) == {}


def test_corrections_that_name_a_payment_or_a_copy_change_that_one() -> None:
    records = [
        event("received", "D", version=1, unit=COMMUNE, channel="online"),
        event("paid", "D", version=2, transaction="t", amount=0, method="cash"),
        event("copy-certified", "D", version=3, copy="c", unit=COMMUNE, electronic=False),
        event("corrected", "D", "2024-07-01T00:00:00+07:00", version=4, transaction="t", amount=9, **PORTAL),
        event("corrected", "D", "2024-07-01T00:00:00+07:00", version=5, copy="c", unit="340", electronic=True),
    ]

    assert by_day(records) == {
        (COMMUNE, "online-dossiers", "2024-06-03"): (1, 1),
        (COMMUNE, "online-payments", "2024-06-03"): (1, 1),
        ("340", "electronic-copies", "2024-06-03"): (1, 1),
    }


def test_a_copy_without_a_unit_is_its_dossiers_and_its_unit_is_not_the_dossiers() -> None:
    records = [
        event("received", "D", version=1, unit=COMMUNE),
        event("copy-certified", "D", version=2, copy="c", unit="340"),
        event("copy-certified", "D", version=3, copy="d"),
    ]

    assert by_day(records) == {
        (COMMUNE, "online-dossiers", "2024-06-03"): (0, 1),
        ("340", "electronic-copies", "2024-06-03"): (0, 1),
        (COMMUNE, "electronic-copies", "2024-06-03"): (0, 1),
    }


# ------------------------------------------------------------------------------------------------ standings


def test_offices_count_for_their_district_in_every_indicator() -> None:
    records = received("D", 3, 2, "340.phong-tu-phap") + received("E", 1, 0, "340")
    records.append(event("copy-certified", "D0", copy="c", unit="340.phong-tu-phap", electronic=True))
    standings = oracle(records).standings(END)

    assert (standings["340", "online-dossiers"]["numerator"], standings["340", "online-dossiers"]["denominator"]) == (
        *(2, 4),
    )
    assert standings["340", "electronic-copies"]["status"] == "met"
    assert not any(unit == "340.phong-tu-phap" for unit, _ in standings)


def test_electronic_copies_by_adoption_and_by_share() -> None:
    records = [
        event("copy-certified", "D", copy=f"c{n}", unit=COMMUNE, electronic=n == 0, at=f"2024-06-0{n + 1}T09:00:00Z")
        for n in range(4)
    ]
    paper = [event("copy-certified", "E", copy="p", unit="12691", electronic=False)]

    def of(value: str, unit: str, as_of: date) -> tuple[int, int, list[int]]:
        checked = oracle(records + paper, switches={"electronic_copies": value})
        row = checked.standings(as_of)[unit, "electronic-copies"]
        return row["numerator"], row["denominator"], row["last_7_days"]

    assert of("adoption", COMMUNE, date(2024, 6, 4)) == (1, 1, [1, 1])
    assert of("adoption", COMMUNE, date(2024, 6, 8)) == (1, 1, [0, 1])
    assert of("adoption", "12691", date(2024, 6, 8)) == (0, 1, [0, 1])
    assert of("adoption", COMMUNE, date(2024, 5, 31)) == (0, 0, [0, 0])
    assert of("share", COMMUNE, date(2024, 6, 4)) == (1, 4, [1, 4])
    group = oracle(records + paper).standings(END)["340/communes", "electronic-copies"]
    assert (group["numerator"], group["denominator"]) == (1, 2)
    assert group["members"] == {"met": 1, "below": 1, "no-dossiers": 36}


def test_postal_may_leave_the_denominator_of_online_dossiers_alone() -> None:
    records = [event("resolved", "D", unit=COMMUNE, channel="postal", received_at=NOON)]
    without = by_day(records, switches={"postal_in_denominator": "false"})

    assert by_day(records).keys() - without.keys() == {(COMMUNE, "online-dossiers", "2024-06-03")}
    assert len(without) == 2


def test_unnamed_units_have_standings_once_something_counts() -> None:
    records = received("D", 1, 1, "99999") + received("E", 1, 1, "31", "2023-12-31T09:00:00+07:00")
    standings = oracle(records).standings(END)

    assert {i: row["status"] for (unit, i), row in standings.items() if unit == "99999"} == {
        **dict.fromkeys(Oracle(DECISION, UNITS).decision.indicators, "no-target"),
        "full-online-provision": "not-measured",
        "services-with-dossiers": "not-measured",
    }
    assert not any(unit == "31" for unit, _ in standings)
    assert len(standings) == (284 + 8 + 1) * 7


def test_windows_stop_at_the_periods_first_day_and_days_outside_count_nowhere() -> None:
    days = ("2023-12-31", "2024-01-01", "2024-01-05", "2024-12-31", "2025-01-01")
    records = [r for day in days for r in received(day, 1, 1, COMMUNE, f"{day}T09:00:00+07:00")]
    records += received("far", 1, 1, COMMUNE, "9999-12-31T23:00:00-07:00")
    checked = oracle(records)
    row = checked.standings(date(2024, 1, 5))[COMMUNE, "online-dossiers"]

    assert (row["denominator"], row["last_7_days"], row["last_30_days"]) == (2, [2, 2], [2, 2])
    assert checked.standings(date(2025, 3, 1)) == checked.standings(END)
    assert checked.standings(END)[COMMUNE, "online-dossiers"]["denominator"] == 3
    assert len(checked.days()) == 3
    assert len(checked.days(whole=True)) == 5
    with pytest.raises(ValueError, match="before the period"):
        checked.standings(date(2023, 12, 31))


# ------------------------------------------------------------------------------------------------ decoding

GOOD = {"id": "1", "type": "received", "dossier": "D", "at": NOON}


@pytest.mark.parametrize(
    "change",
    [
        {"version": "7"},
        {"version": True},
        {"version": 1.0},
        {"version": 1 << 53},
        {"version": -1},
        {"unit": "0123456789"},
        {"unit": "Nguyễn"},
        {"dossier": "a b"},
        {"at": "2101-01-01T00:00:00+07:00"},
        {"received_at": "1999-12-31T16:59:59Z"},
        {"unit": None},
        {"unit": ""},
        {"id": 7},
        {"dossier": "a\nb"},
        {"dossier": "x" * 201},
        {"dossier": "\ud800"},
        {"type": "vanished"},
        {"at": "2024-06-03T12:00:00"},
        {"at": "2024-02-30T12:00:00+07:00"},
        {"at": "2024-06-03 12:00:00+07:00"},
        {"at": "2024-06-03T24:00:00+07:00"},
        {"at": "\uff12024-06-03T12:00:00+07:00"},  # a full-width digit
        {"channel": "fax"},
        {"status": "restored"},
        {"electronic": 1},
        {"full_name": "x"},
        {"paid_at": NOON},
        {"amount": None},
        {"type": "paid"},
        {"type": "refunded", "transaction": None},
        {"type": "copy-certified"},
        {"procedure": ["x"]},
    ],
)
def test_what_is_not_of_the_contract_is_refused(change: dict[str, Any]) -> None:
    assert refusal(raw(**GOOD | change))


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b"[]", b"7", b"{", b"\xff{}", b"[" * 60_000, b'{"version": ' + b"9" * 5_000 + b"}"),
        b'{"id": "1", "id": "1", "type": "received", "dossier": "D", "at": "2024-06-03T12:00:00Z"}',
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
        json.dumps(GOOD).encode().ljust(1_048_577),
    ],
)
def test_what_is_no_proper_json_object_is_refused(value: bytes | None) -> None:
    assert refusal(Record(value))


@pytest.mark.parametrize("field", ["id", "type", "dossier", "at"])
def test_each_required_field_is_required(field: str) -> None:
    assert field in refusal(raw(**{name: value for name, value in GOOD.items() if name != field}))


def test_limits_themselves_are_accepted_and_nulls_where_facts_are_nullable() -> None:
    accepted = [
        Record(json.dumps(GOOD).encode().ljust(1_048_576)),
        raw(**GOOD | {"dossier": "x" * 200, "version": (1 << 53) - 1, "unit": "012345678-012345678"}),
        raw(**GOOD | {"version": None, "procedure": None, "channel": None, "status": None, "received_at": None}),
        raw(**GOOD | {"transaction": None, "copy": None, "at": "2024-02-29t12:00:00.123456789012z"}),
    ]
    checked = oracle(accepted)

    assert checked.counts == {"events": 4, "refused": 0}


def test_the_key_is_the_dossier_unless_none_is_known() -> None:
    value = json.dumps(GOOD).encode()
    checked = oracle([Record(value), Record(value, b"D"), Record(value, b"E"), Record(value, b""), Record(b"x")])

    assert checked.refused == [2, 3, 4]
    assert checked.counts == {"events": 5, "refused": 3}


CLOUD = {"specversion": "1.0", "id": "1", "source": "/tb", "type": "received", "subject": "D", "time": NOON}
DATA = {"unit": COMMUNE, "channel": "online"}
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


def binary(data: dict[str, Any], **change: str) -> Record:
    headers = tuple((f"ce_{name}", value.encode()) for name, value in (CLOUD | change).items())
    return Record(json.dumps(data).encode(), headers=(*headers, ("content-type", b"application/json")))


def test_cloudevents_say_the_same_as_plain_json() -> None:
    plain = raw(**GOOD | DATA)
    forms = [
        binary(DATA),
        binary(DATA | {"id": "1", "type": "received", "at": "2024-06-03T05:00:00Z"}),
        binary(DATA, type="vn.lotrinh.dossier.received.v1"),
        raw(**CLOUD, data=DATA),
        raw(**CLOUD | {"type": "vn.lotrinh.dossier.received.v1"}, data=DATA)._replace(headers=STRUCTURED),
    ]

    for form in forms:
        assert decode(form)[:5] == decode(plain)[:5]
        assert sorted(decode(form).facts) == sorted(decode(plain).facts)


@pytest.mark.parametrize(
    "record",
    [
        binary(DATA | {"id": "2"}),
        binary(DATA | {"dossier": "E"}),
        binary(DATA | {"at": "2024-06-03T05:00:01Z"}),
        binary(DATA, specversion="0.3"),
        binary(DATA, type="vn.lotrinh.dossier.received.v2"),
        binary(DATA, phone="0"),
        binary(DATA)._replace(headers=(*binary(DATA).headers, ("ce_id", b"2"))),
        raw(**CLOUD, data=[]),
        raw(**CLOUD, data=DATA, phone="0"),
        raw(**GOOD)._replace(headers=STRUCTURED),
    ],
)
def test_cloudevents_that_contradict_themselves_are_refused(record: Record) -> None:
    assert refusal(record)


# ------------------------------------------------------------------------------------------------ what must not matter


def stream(seed: int, dossiers: int = 60) -> list[Record]:
    """Make two disorderly months of a few units: versions, corrections, refunds, recalls, deletions, late facts."""
    chance = random.Random(seed)
    units = [DEPARTMENT, "34.so-tai-chinh", "340", "340.phong-tu-phap", *communes("340")[:3], "99999"]
    records = []

    def at() -> str:
        moment = date(2024, 4, 20) + timedelta(days=chance.randrange(60))
        return f"{moment}T{chance.randrange(24):02}:{chance.randrange(60):02}:00+07:00"

    for number in range(dossiers):
        code = f"D{number}"
        start = {"unit": chance.choice(units), "channel": chance.choice(["online", "in_person", "postal"])}
        records.append(event("received", code, at(), procedure=f"1.00000{chance.randrange(4)}", **start))
        for _ in range(chance.randrange(5)):
            choices: list[tuple[str, dict[str, Any]]] = [
                ("corrected", {"channel": chance.choice(["online", None])}),
                ("corrected", {"received_at": chance.choice([at(), None])}),
                ("transferred", {"unit": chance.choice(units)}),
                ("resolved", {"digitised": chance.random() < 0.8}),
                ("result-issued", {"electronic": chance.random() < 0.8}),
                ("result-recalled", {}),
                ("paid", {"transaction": chance.choice("tu"), **chance.choice([PORTAL, CASH])}),
                ("refunded", {"transaction": chance.choice("tu")}),
                ("copy-certified", {"copy": chance.choice("cd"), "electronic": chance.random() < 0.5}),
                *((kind, {}) for kind in ("refused", "withdrawn", "stopped", "deleted", "restored")),
            ]
            kind, fields = chance.choice(choices)
            version = {"version": chance.randrange(9)} if chance.random() < 0.7 else {}
            records.append(event(kind, code, at(), **fields, **version))
    chance.shuffle(records)
    return records


@pytest.mark.parametrize("seed", range(5))
def test_neither_order_nor_repetition_matters(seed: int) -> None:
    records = stream(seed)
    base = oracle(records)
    mixed = records + records[::3]
    random.Random(seed).shuffle(mixed)
    other = oracle(mixed)

    assert base.refused == other.refused == []
    assert base.days() == other.days()
    assert base.days()
    assert base.standings(date(2024, 6, 1)) == other.standings(date(2024, 6, 1))


@pytest.mark.parametrize(
    "change",
    [{"channel": "in_person"}, {"unit": "340"}, {"received_at": None}, {"received_at": "2024-06-02T12:00:00+07:00"}],
)
def test_the_oracle_sees_one_changed_event_among_many(change: dict[str, Any]) -> None:
    records = stream(7)
    marked = event("received", "mark", unit=COMMUNE, channel="online")
    mutated = raw(**json.loads(marked.value or b"") | change)

    assert oracle([*records, marked]).days() != oracle([*records, mutated]).days()


def test_more_may_be_loaded_and_alerts_leave_standings_alone() -> None:
    records = stream(3)
    checked = oracle(records[:50])
    checked.days()
    checked.load(records[50:])
    checked.alerts(date(2024, 6, 1))

    assert checked.standings(END) == oracle(records).standings(END)


# ------------------------------------------------------------------------------------------------ literal alerts


def naive_alerts(records: list[Record], as_of: date, **options: Any) -> Iterator[tuple[str, str, str, str]]:
    """Find the transitions with nothing but standings: a new oracle over the prefix at each tick."""
    decision, arrivals = Oracle(DECISION, UNITS).decision, [decode(record).at for record in records]
    opened: dict[tuple[str, str], tuple[date, dict[str, Any]]] = {}
    day, groups = decision.effective(END), decision.named(END).groups
    while day <= as_of:
        tick = decode(raw(**GOOD | {"at": f"{day}T23:59:59+07:00"})).at
        known = oracle(records[: next((n for n, at in enumerate(arrivals) if at > tick), len(records))], **options)
        standings = functools.cache(known.standings)
        for key, row in standings(day).items():
            if key[0] in groups:
                continue
            if row["status"] == "below" and key not in opened:
                opened[key] = (day, row)
                yield f"{day}T23:59:59+07:00", *key, "firing"
            elif row["status"] != "below" and key in opened:
                fired, then = opened.pop(key)
                now = standings(fired)[key]
                was = now["status"]
                if (
                    key[1] in ("digitised-results", "electronic-results") and was == "met"
                ):  # A23: done since, or untrue?
                    late = max(0, now["denominator"] - then["denominator"])
                    was = "below" if then["numerator"] + late < now["denominator"] else "met"
                yield f"{day}T23:59:59+07:00", *key, "resolved" if was == "below" else "retracted"
        day += timedelta(days=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_alerts_equal_a_naive_evaluation_at_every_tick(seed: int, tmp_path: Path) -> None:
    records, last = sorted(stream(seed), key=lambda record: decode(record).at), date(2024, 6, 22)
    chance = random.Random(seed)
    for _ in range(30):  # a file that is in order but for some lines
        records.insert(chance.randrange(len(records)), records.pop(chance.randrange(len(records))))
    rows = [f"1.00000{n},x,commune,full,true,a,,2024-06-0{n + 1},," for n in range(4)]
    file = catalogue(tmp_path, *rows, "1.000001,x,province-agency,partial,true,a,,2024-06-05,,")
    alerts = oracle(records, catalogue=file).alerts(last)

    assert alerts == sorted(naive_alerts(records, last, catalogue=file))
    assert {phase for *_, phase in alerts} == {"firing", "resolved", "retracted"}
    assert oracle(records[::-1], catalogue=file).alerts(last, range(len(records))[::-1]) == alerts


def test_the_clock_is_the_greatest_at_so_far() -> None:
    first = received("A", 1, 0, COMMUNE, "2024-06-03T12:00:00+07:00")
    ahead = event("received", "F", "2024-06-10T00:00:00+07:00", unit="99999")
    late = received("B", 1, 1, COMMUNE, "2024-06-03T13:00:00+07:00")
    fired = ("2024-06-03T23:59:59+07:00", COMMUNE, "online-dossiers", "firing")

    assert oracle([*first, *late, ahead]).alerts(END) == []  # 1/2 meets 50
    assert oracle([*first, ahead, *late]).alerts(date(2024, 6, 9)) == [fired]
    assert oracle([*first, ahead, *late]).alerts(END) == [
        fired,
        ("2024-06-10T23:59:59+07:00", COMMUNE, "online-dossiers", "retracted"),
    ]


def test_the_tick_comes_before_the_first_event_that_is_later_than_it() -> None:
    first = received("A", 1, 0, COMMUNE)

    def closed_on(at: str) -> str:
        more = received("B", 1, 1, COMMUNE, at, received_at=NOON)
        return oracle([*first, *more]).alerts(END)[-1][0][:10] if oracle([*first, *more]).alerts(END) else "never fired"

    assert closed_on("2024-06-03T23:59:59+07:00") == "never fired"
    assert closed_on("2024-06-03T23:59:59.5+07:00") == "2024-06-04"


def test_a_tick_knows_nothing_of_the_events_after_it() -> None:
    first = received("A", 1, 0, COMMUNE, "2024-06-03T12:00:00+07:00")
    corrected = event("corrected", "A0", "2024-06-04T00:00:00+07:00", channel="online")

    assert [alert[0][:10] for alert in oracle([*first, corrected]).alerts(END)] == ["2024-06-03", "2024-06-04"]


def test_a_deletion_takes_a_service_back(tmp_path: Path) -> None:
    records = received("A", 1, 1, COMMUNE, "2024-06-03T12:00:00+07:00", procedure="1.000001")
    records.append(event("deleted", "A0", "2024-06-05T12:00:00+07:00"))
    file = catalogue(tmp_path, f"1.000001,x,{COMMUNE},full,true,a,,,,")

    assert oracle(records, catalogue=file).alerts(END) == [
        ("2024-05-24T23:59:59+07:00", COMMUNE, "services-with-dossiers", "firing"),
        ("2024-06-03T23:59:59+07:00", COMMUNE, "services-with-dossiers", "resolved"),
        ("2024-06-05T23:59:59+07:00", COMMUNE, "services-with-dossiers", "firing"),
    ]


def test_an_event_in_the_name_of_a_group_touches_no_group() -> None:
    checked = oracle(received("A", 1, 0, "340/communes"))

    assert checked.alerts(END) == []
    assert checked.standings(END)["340/communes", "online-dossiers"]["denominator"] == 0


def test_nothing_is_raised_before_the_decision_is_effective() -> None:
    records = received("A", 1, 0, COMMUNE, "2024-02-01T12:00:00+07:00")

    assert oracle(records).alerts(date(2024, 5, 23)) == []
    assert oracle(records).alerts(END) == [("2024-05-24T23:59:59+07:00", COMMUNE, "online-dossiers", "firing")]


# ------------------------------------------------------------------------------------------------ inputs, shell


def test_what_the_oracle_cannot_judge_it_refuses_to(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(DECISION.read_text(encoding="utf-8").replace('basis = "received"', 'basis = "resolved"'))

    with pytest.raises(ValueError, match="no formula"):
        Oracle(other, UNITS)
    with pytest.raises(ValueError, match="no switch"):
        Oracle(DECISION, UNITS, switches={"electronic_copies": "both"})


def test_the_command_prints_json_and_passes_over_blank_lines(tmp_path: Path) -> None:
    lines = [record.value or b"" for record in received("D", 2, 1, COMMUNE)]
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines[0] + b"\r\n\n   \n{}\n" + lines[1])
    with redirect_stdout(io.StringIO()) as printed:
        main(["--decision", str(DECISION), "--units", str(UNITS), "--events", str(file), "--as-of", "2024-03-31"])
    printout = json.loads(printed.getvalue())
    rows = {(row["unit"], row["indicator"]): row for row in printout["standings"]}

    assert printout["counts"] == {"events": 3, "refused": 1}
    assert [refused["line"] for refused in printout["refused"]] == [4]
    assert rows[COMMUNE, "services-with-dossiers"]["expected"] == "21.1339"
    assert rows[COMMUNE, "online-dossiers"]["expected"] == "50"
