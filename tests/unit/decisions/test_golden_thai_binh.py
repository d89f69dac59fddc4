"""The worked cases A07 to A24 that concern Thái Bình, each by its name; the alert rule is `literal`, without a gate."""

from datetime import date

import pytest

from models.calendar.civil_time import civil_day, instant
from models.registers.units import Succession, Unit
from models.wording import ratio_text
from tests.builders import alerts_of, entries, evaluated, event, figures, paid, received, standing, thai_binh

TRADE, FINANCE, TELECOM = "34.so-cong-thuong", "34.so-tai-chinh", "34.so-thong-tin-va-truyen-thong"
COMMUNE = "12688"


def test_a07_a_blank_cell_is_no_target_whatever_the_counts() -> None:
    events = paid(5, FINANCE, "2024-06-03", "f", method="cash") + paid(40, TRADE, "2024-06-03", "t")
    events += paid(60, TRADE, "2024-06-03", "u", method="cash")
    early = evaluated(thai_binh(), events)
    events += paid(40, FINANCE, "2024-06-04", "g") + paid(55, FINANCE, "2024-06-04", "h", method="cash")
    late = evaluated(thai_binh(), events)

    assert figures(early, FINANCE, "online-payments") == (0, 5, "no-target")
    assert figures(late, FINANCE, "online-payments") == (40, 100, "no-target")
    assert alerts_of(late, FINANCE, "online-payments") == []
    assert figures(late, TRADE, "online-payments") == (40, 100, "below")
    assert alerts_of(late, TRADE, "online-payments") == [("firing", "2024-06-03")]


def test_a08_the_cell_of_90_percent() -> None:
    rows = [
        {
            "procedure": f"1.{n:06d}",
            "authority": "province-agency",
            "level": "full" if n < 17 else "none",
            "eligible": "true",
        }
        for n in range(20)
    ]
    result = evaluated(thai_binh(catalogue=entries(*rows)), [])

    assert figures(result, TRADE, "full-online-provision") == (17, 20, "met")
    assert figures(result, TELECOM, "full-online-provision") == (17, 20, "below")
    assert figures(result, COMMUNE, "full-online-provision")[2] == "no-target"


def test_a09_city_rows_and_the_order_of_columns() -> None:
    city, ward, commune = "336", "12454", COMMUNE
    events = []
    for unit in (city, ward, commune):
        events += received(58, unit, "online", "2024-06-03") + received(42, unit, "in_person", "2024-06-03")
    result = evaluated(thai_binh(), events)

    assert [figures(result, u)[2] for u in (city, ward, commune)] == ["below", "met", "met"]
    targets = thai_binh().targets(date(2024, 6, 3)).targets
    row_17 = {i: str(targets["340", i].value) for i in thai_binh().indicators if ("340", i) in targets}
    assert row_17 == {
        "online-dossiers": "50", "online-payments": "45", "digitised-results": "100", "electronic-results": "100",
        "services-with-dossiers": "85", "electronic-copies": "100",
    }  # fmt: skip


def test_a10_a_group_row_shows_the_pool_and_its_members() -> None:
    communes = thai_binh().registry.communes_of("340")
    events = []
    for unit in communes[:36]:
        events += received(60, unit, "online", "2024-06-03") + received(40, unit, "in_person", "2024-06-03")
    events += received(10, communes[36], "online", "2024-06-03") + received(30, communes[36], "in_person", "2024-06-03")
    result = evaluated(thai_binh(), events)
    group = standing(result, "340/communes")

    assert (group["numerator"], group["denominator"], group["status"]) == (2170, 3640, "met")
    assert ratio_text(2170, 3640) == "59,61 %"  # cut off, never rounded up: 59,615…
    assert group["members"] == {"below": 1, "met": 36, "no-dossiers": 1}
    assert {a["unit"] for a in result.alerts} == {communes[36]}


def test_a11_the_same_event_again_and_a_resend_change_nothing() -> None:
    events = received(49, TRADE, "online", "2024-06-03") + received(51, TRADE, "in_person", "2024-06-03")
    one = event("received", "X", "2024-06-04", version=3, unit=TRADE, channel="online", id="x:3")
    resend = {**one, "id": "x:3-again"}
    result = evaluated(thai_binh(), [*events, one, one, resend])

    assert figures(result, TRADE) == (50, 101, "below")
    assert result.counts.duplicates == 2
    assert ratio_text(50, 101) == "49,50 %"


def test_a12_a_late_event_restates_and_retracts() -> None:
    june = paid(44, TRADE, "2024-06-30", "on") + paid(54, TRADE, "2024-06-30", "off", method="cash")
    late = [
        event("paid", f"late-{n}", "2024-07-05", version=1, unit=TRADE, transaction="T", amount=1, method="online",
              gateway="national", paid_at="2024-06-29T10:00:00+07:00")
        for n in range(2)
    ]  # fmt: skip
    result = evaluated(thai_binh(), june + late)

    assert figures(evaluated(thai_binh(), june), TRADE, "online-payments") == (44, 98, "below")
    assert figures(result, TRADE, "online-payments") == (46, 100, "met")
    assert alerts_of(result, TRADE, "online-payments") == [("firing", "2024-06-30"), ("retracted", "2024-07-05")]
    assert "Dữ liệu đến muộn" in result.alerts[-1]["reason"]


def test_a13_a_correction_counts_and_its_reversal_counts_back() -> None:
    events = received(49, TRADE, "online", "2024-06-03") + received(51, TRADE, "in_person", "2024-06-03", name="p")
    there = event("corrected", "p-0", "2024-06-05", version=2, channel="online")
    back = event("corrected", "p-0", "2024-06-07", version=3, channel="in_person")

    assert figures(evaluated(thai_binh(), [*events, there]), TRADE) == (50, 100, "met")
    assert figures(evaluated(thai_binh(), [*events, there, back]), TRADE) == (49, 100, "below")


def test_a14_refused_do_not_count_and_withdrawn_stay_among_the_received() -> None:
    events = received(60, TRADE, "online", "2024-06-03", name="o") + received(50, TRADE, "in_person", "2024-06-03")
    events += [event("refused", f"o-{n}", "2024-06-04", version=2) for n in range(10)]
    events += [event("withdrawn", "o-20", "2024-06-05", version=2)]

    assert figures(evaluated(thai_binh(), events), TRADE) == (50, 100, "met")


def test_a15_no_dossier_is_a_status_of_its_own() -> None:
    first = received(1, COMMUNE, "in_person", "2024-06-03")

    assert figures(evaluated(thai_binh(), []), COMMUNE) == (0, 0, "no-dossiers")
    assert figures(evaluated(thai_binh(), first), COMMUNE) == (0, 1, "below")


def test_a18_the_day_begins_at_midnight_in_hanoi() -> None:
    at = instant("2024-06-30T17:30:00Z")
    result = evaluated(thai_binh(), received(1, TRADE, "online", "2024-06-30T17:30:00Z"), date(2024, 6, 30))

    assert civil_day(at) == "2024-07-01"
    assert figures(result, TRADE) == (0, 0, "no-dossiers")


def test_a19_a_transfer_moves_the_dossier_and_the_code_says_nothing() -> None:
    a, b, c = "12691", COMMUNE, "12694"
    events = received(50, b, "online", "2024-06-03", name=f"000.{a}-b") + received(50, b, "in_person", "2024-06-03")
    moved = event("transferred", f"000.{a}-b-0", "2024-06-10", version=2, unit=c)
    result = evaluated(thai_binh(), [*events, moved])

    assert figures(result, a) == (0, 0, "no-dossiers")
    assert figures(result, b) == (49, 99, "below")
    assert figures(result, c) == (1, 1, "met")


def test_a20_a_successor_inherits_and_predecessors_are_frozen() -> None:
    names = {"Xã Đô Lương": (30, 100), "Xã An Châu": (60, 100), "Xã Liên Giang": (45, 50)}
    plain = thai_binh()
    codes = {plain.registry.name(c): c for c in plain.registry.communes_of("340")}
    new = Unit("34999", "Xã Liên An Đô", "commune", "340")
    day = date(2024, 11, 1)
    reading = thai_binh(units=(new,), successions=tuple(Succession(day, codes[n], new.code) for n in names))
    events = []
    for name, (online, all_) in names.items():
        events += received(online, codes[name], "online", "2024-06-03")
        events += received(all_ - online, codes[name], "in_person", "2024-06-03")
    before = evaluated(reading, events, date(2024, 10, 31))
    merged = evaluated(reading, events, date(2024, 11, 1))
    later = received(10, new.code, "online", "2024-11-20") + received(40, new.code, "in_person", "2024-11-20")
    after = evaluated(reading, events + later)

    assert new.code not in {s["unit"] for s in before.standings}
    assert figures(merged, new.code) == (135, 250, "met")
    assert figures(after, new.code) == (145, 300, "below")
    assert alerts_of(after, new.code) == [("firing", "2024-11-20")]
    frozen = standing(after, codes["Xã Đô Lương"])
    assert (frozen["numerator"], frozen["denominator"], frozen.get("frozen")) == (30, 100, True)
    group = standing(after, "340/communes")
    assert (group["numerator"], group["denominator"]) == (145, 300)
    old = standing(before, "340/communes")
    assert (old["numerator"], old["denominator"]) == (135, 250)


@pytest.mark.parametrize(("numerator", "denominator", "shown"), [(1999, 4000, "49,97 %"), (899, 1000, "89,90 %")])
def test_a21_comparison_is_exact_and_display_never_rounds_up(numerator: int, denominator: int, shown: str) -> None:
    events = received(1999, TRADE, "online", "2024-06-03") + received(2001, TRADE, "in_person", "2024-06-03")

    assert ratio_text(numerator, denominator) == shown
    assert figures(evaluated(thai_binh(), events), TRADE) == (1999, 4000, "below")


def test_a22_payments_count_per_transaction_over_the_national_portal() -> None:
    day = "2024-06-03"
    events = paid(40, TRADE, day, "n") + paid(20, TRADE, day, "l", gateway="local")
    events += paid(40, TRADE, day, "c", method="cash", gateway=None) + paid(30, TRADE, day, "e", exempt=True)
    refund = event("refunded", "n-0", "2024-06-10", version=3, transaction="T0")

    assert figures(evaluated(thai_binh(), events), TRADE, "online-payments") == (40, 100, "below")
    assert figures(evaluated(thai_binh(), [*events, refund]), TRADE, "online-payments") == (39, 99, "below")
    assert ratio_text(39, 99) == "39,39 %"


def test_a23_a_missing_digitised_result_clears_when_it_is_digitised_later() -> None:
    day = "2024-06-03"
    events = [
        event("result-issued", f"r-{n}", day, version=1, unit=TRADE, digitised=n != 0, electronic=True)
        for n in range(200)
    ]
    later = event("corrected", "r-0", "2024-06-06", version=2, digitised=True)
    result = evaluated(thai_binh(), [*events, later])

    assert figures(evaluated(thai_binh(), events), TRADE, "digitised-results") == (199, 200, "below")
    assert figures(result, TRADE, "digitised-results") == (200, 200, "met")
    assert alerts_of(result, TRADE, "digitised-results") == [("firing", "2024-06-03"), ("resolved", "2024-06-06")]


def test_a24_coverage_follows_a_ramp() -> None:
    rows = [{"procedure": f"1.{n:06d}", "authority": TRADE, "level": "full", "lists": "portal"} for n in range(102)]
    events = [
        event("received", f"d{n}", "2024-03-29", version=1, unit=TRADE, channel="in_person", procedure=f"1.{n:06d}")
        for n in range(25)
    ]
    reading = thai_binh(catalogue=entries(*rows))
    s = standing(evaluated(reading, events, date(2024, 3, 31)), TRADE, "services-with-dossiers")
    year = standing(evaluated(reading, events), TRADE, "services-with-dossiers")

    assert (s["numerator"], s["denominator"], s["status"], s["expected"]) == (25, 102, "met", "21.1339")
    assert (year["status"], year["expected"], year["shortfall"]) == ("below", "85", 87 - 25)
