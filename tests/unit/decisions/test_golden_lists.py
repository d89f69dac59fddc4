"""The worked cases of the decisions that count by a list of procedures, each by its name; the rule is `literal`.

Of A16 the arithmetic alone is checked here; its gate is a matter of the alert rules.
"""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from models.decisions.file import BadDecision
from models.registers.units import Succession, Unit
from models.wording import ratio_text
from tests.builders import (
    alerts_of,
    entries,
    evaluated,
    event,
    figures,
    listed,
    reading_of,
    received,
    resolved,
    standing,
)

Events = list[dict[str, Any]]

# -- Lắk ---------------------------------------------------------------------------------------------------------------

LIEN_SON, YANG_TAO, BONG_KRANG = "24580", "24583", "24586"
YEAR_2022 = date(2022, 12, 31)


def lak(**options: Any) -> Any:
    return reading_of("lak-2022", catalogue=listed(100, "commune", lists="629"), **options)


def lak_example(unit: str) -> Events:
    found = []
    for n in range(1_000):
        channel = "online" if n < 800 else "in_person"
        procedure = f"1.{n % 100:06d}"
        found += received(1, unit, channel, "2022-06-01", f"{unit}-{n}", procedure=procedure)
    return found + received(200, unit, "in_person", "2022-06-01", f"{unit}-x", procedure="2.000001")


def test_a01_the_decisions_own_example_and_its_two_readings() -> None:
    events = lak_example(LIEN_SON) + lak_example(YANG_TAO)
    by_list = evaluated(lak(), events, YEAR_2022)
    by_all = evaluated(lak(switches=(("denominator_scope", "all"),)), events, YEAR_2022)

    for unit in (LIEN_SON, YANG_TAO):  # 60 and 40 %
        assert figures(by_list, unit) == (800, 1000, "met")
        assert figures(by_all, unit) == (800, 1200, "met")
    assert ratio_text(800, 1000) == "80,00 %"
    assert ratio_text(800, 1200) == "66,66 %"  # cut off


def test_a02_the_same_ratio_under_two_targets_and_a_ramp_from_the_baseline() -> None:
    events: Events = []
    for unit in (LIEN_SON, YANG_TAO):
        events += received(45, unit, "online", "2022-06-01", procedure="1.000000")
        events += received(55, unit, "in_person", "2022-06-01", procedure="1.000000")
    day = date(2022, 6, 30)
    flat = evaluated(lak(switches=(("trajectory", "flat"),)), events, day)
    ramp = evaluated(lak(), events, day)

    assert figures(flat, YANG_TAO) == (45, 100, "met")
    assert figures(flat, LIEN_SON) == (45, 100, "below")
    assert alerts_of(flat, LIEN_SON) == [("firing", "2022-06-01")]
    assert figures(ramp, LIEN_SON) == (45, 100, "met")
    assert alerts_of(ramp, LIEN_SON) == []
    assert standing(ramp, LIEN_SON)["expected"] == "29.7534"  # 60·181/365
    assert standing(ramp, LIEN_SON)["target"] == "60"
    assert lak().expected(LIEN_SON, "online-dossiers", day) == Fraction(60 * 181, 365)


def test_lak_digitised_results_count_by_the_day_of_issue_for_all_procedures() -> None:
    issued = [
        event("result-issued", f"r{n}", "2023-01-02", version=1, unit=YANG_TAO, procedure="9.999999",
              resolved_at="2022-12-30T09:00:00+07:00", issued_at=f"{day}T09:00:00+07:00", digitised=n < 2)
        for n, day in enumerate(["2022-12-31", "2022-03-01", "2022-03-01", "2023-01-01"])
    ]  # fmt: skip
    result = evaluated(lak(), issued, YEAR_2022)

    assert figures(result, YANG_TAO, "digitised-results") == (2, 3, "met")
    reading = lak().indicators["digitised-results"].reading
    assert reading is not None
    assert reading.startswith("Số gần đúng")


def test_a20_alerts_are_held_while_predecessors_targets_differ() -> None:
    new = Unit("66999", "Xã Liên Sơn Lắk", "commune", "656")
    merged = date(2022, 7, 1)
    olds = (LIEN_SON, YANG_TAO, BONG_KRANG)
    successions = tuple(Succession(merged, old, new.code) for old in olds)
    events: Events = []
    for unit, count in ((LIEN_SON, 300), (YANG_TAO, 100), (BONG_KRANG, 100)):
        events += received(count, unit, "in_person", "2022-05-02", procedure="1.000000")
    options = {"successions": successions, "switches": (("trajectory", "flat"),)}
    held = evaluated(lak(units=(new,), **options), events, YEAR_2022)
    mine = standing(held, new.code)

    assert (mine["numerator"], mine["denominator"], mine["target"], mine["expected"]) == (0, 500, "52", "52")
    assert (mine["status"], mine["shortfall"]) == ("below", 260)
    assert alerts_of(held, new.code) == []
    for old in olds:
        assert standing(held, old).get("frozen") is True
        assert alerts_of(held, old) == [("firing", "2022-05-02"), ("resolved", "2022-07-01")]
    # What comes after the merger weighs nothing: nobody had a target for it.
    later = received(1_000, new.code, "online", "2022-08-01", procedure="1.000000")
    assert standing(evaluated(lak(units=(new,), **options), events + later, YEAR_2022), new.code)["target"] == "52"

    assigned = new.__class__(new.code, new.name, new.level, new.parent, target_of=LIEN_SON)
    told = evaluated(lak(units=(assigned,), **options), events, YEAR_2022)
    assert standing(told, new.code)["target"] == "60"
    assert alerts_of(told, new.code) == [("firing", "2022-07-01")]


def test_a20_a_ramp_towards_the_reference_follows_the_weights() -> None:
    new = Unit("66999", "Xã Liên Sơn Lắk", "commune", "656")
    successions = tuple(Succession(date(2022, 7, 1), old, new.code) for old in (LIEN_SON, YANG_TAO))
    events = received(300, LIEN_SON, "online", "2022-05-02", procedure="1.000000")
    events += received(100, YANG_TAO, "online", "2022-05-02", procedure="1.000000")
    result = evaluated(lak(units=(new,), successions=successions), events, date(2022, 7, 1))

    assert standing(result, new.code)["target"] == "55"
    assert standing(result, new.code)["expected"] == "27.4247"  # 55·182/365


# -- Khánh Hòa ---------------------------------------------------------------------------------------------------------

TRADE = "56.so-cong-thuong"
KEPT, DROPPED, NEW = "1.000001", "1.000002", "1.000003"
E = ("replacement_effective_date", "2024-05-06")
LAST_DAY = date(2024, 12, 14)


def khanh_hoa(*switches: tuple[str, str], **options: Any) -> Any:
    rows = [
        {"procedure": KEPT, "authority": "province-agency", "level": "full", "lists": "2653;replacement"},
        {"procedure": DROPPED, "authority": "province-agency", "level": "partial", "lists": "2653"},
        {"procedure": NEW, "authority": "province-agency", "level": "full", "lists": "replacement"},
    ]
    return reading_of("khanh-hoa-2024", catalogue=entries(*rows), switches=switches, **options)


def one(name: str, at: str, channel: str, procedure: str = KEPT, **more: Any) -> dict[str, Any]:
    return event("received", name, at, version=1, unit=TRADE, channel=channel, procedure=procedure, **more)


def test_a03_the_last_second_of_the_period_and_its_first() -> None:
    events = received(600, TRADE, "online", "2024-06-03", procedure=KEPT)
    events += received(399, TRADE, "in_person", "2024-06-03", procedure=KEPT)
    events += [
        one("in", "2024-12-14T23:59:59+07:00", "in_person"),
        one("out", "2024-12-15T00:00:00+07:00", "in_person"),
    ]
    result = evaluated(khanh_hoa(), events, LAST_DAY)

    assert figures(result, TRADE) == (600, 1000, "met")
    assert alerts_of(result, TRADE) == []
    first = [one("out", "2023-12-14T16:59:59Z", "online"), one("in", "2023-12-14T17:00:00Z", "online")]
    assert figures(evaluated(khanh_hoa(), first, LAST_DAY), TRADE) == (1, 1, "met")


def test_a04_filed_within_the_period_and_received_after_it() -> None:
    late = one("d", "2024-12-16T08:00:00+07:00", "online", submitted_at="2024-12-14T20:00:00+07:00")

    assert figures(evaluated(khanh_hoa(), [late], LAST_DAY), TRADE) == (0, 0, "no-dossiers")


RULE_3 = [
    one(f"n{n}", f"2024-05-{day}", channel, NEW)
    for n, (day, channel) in enumerate(
        [("06", "in_person"), ("10", "in_person"), ("11", "in_person"), ("12", "online"), ("13", "online")]
    )
]


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ((E,), (2, 3)),
        ((E, ("replacement_grace", "strict")), (2, 2)),
        ((), (0, 0)),
        ((("replacement_effective_date", "none"), ("replacement_grace", "strict")), (0, 0)),
    ],
)
def test_a05_a_procedure_announced_for_the_first_time_counts_after_five_days(
    switches: tuple[tuple[str, str], ...], expected: tuple[int, int]
) -> None:
    assert figures(evaluated(khanh_hoa(*switches), RULE_3, LAST_DAY), TRADE)[:2] == expected


@pytest.mark.parametrize(
    ("switches", "dropped", "all_"),
    [
        ((E,), (61, 121), (61, 122)),
        ((E, ("dropped_until", "exclusive")), (60, 120), (60, 121)),
        ((), (61, 122), (61, 123)),  # until the day is known, all of 2653 counts
    ],
)
def test_a06_a_dropped_procedure_counts_until_the_replacement(
    switches: tuple[tuple[str, str], ...], dropped: tuple[int, int], all_: tuple[int, int]
) -> None:
    events = received(60, TRADE, "online", "2024-05-05", procedure=DROPPED)
    events += received(60, TRADE, "in_person", "2024-05-05", procedure=DROPPED)
    events += [one("e1", "2024-05-06T23:00:00+07:00", "online", DROPPED), one("e2", "2024-05-07", "in_person", DROPPED)]
    continuing = one("c", "2024-05-08", "in_person", KEPT)  # the gap of the third rule does not touch it

    assert figures(evaluated(khanh_hoa(*switches), events, LAST_DAY), TRADE)[:2] == dropped
    assert figures(evaluated(khanh_hoa(*switches), [*events, continuing], LAST_DAY), TRADE)[:2] == all_


def test_entering_the_day_late_is_a_new_epoch_and_restates_history() -> None:
    unknown, known = khanh_hoa(), khanh_hoa(E)

    assert unknown.fold_fingerprint() != known.fold_fingerprint()
    assert khanh_hoa(E, ("replacement_grace", "strict")).fold_fingerprint() != known.fold_fingerprint()
    assert khanh_hoa(E, ("report_months", "15-14")).fold_fingerprint() == known.fold_fingerprint()
    may = date(2024, 5, 31)
    assert figures(evaluated(unknown, RULE_3, may), TRADE)[:2] == (0, 0)
    assert figures(evaluated(known, RULE_3, may), TRADE)[:2] == (2, 3)


def test_a_file_with_a_row_per_list_says_the_same_as_one_with_a_row_per_procedure() -> None:
    row = {"authority": "province-agency", "level": "full"}
    rows = [{"procedure": KEPT, "lists": name, **row} for name in ("2653", "replacement")]
    reading = reading_of("khanh-hoa-2024", catalogue=entries(*rows), switches=(E,))
    days = ("2024-05-06", "2024-05-07", "2024-05-10", "2024-05-11")

    assert [reading.listed(KEPT, TRADE, day) for day in days] == [True] * 4


def test_days_of_a_row_hold_on_top_of_the_decisions_own_rules() -> None:
    row = {"procedure": NEW, "authority": TRADE, "level": "full", "lists": "replacement"}
    reading = reading_of(
        "khanh-hoa-2024",
        catalogue=entries({**row, "listed_from": "2024-05-01", "listed_to": "2024-05-12"}),
        switches=(E,),
    )
    days = ("2024-05-10", "2024-05-11", "2024-05-12", "2024-05-13")

    assert [reading.listed(NEW, TRADE, day) for day in days] == [False, True, True, False]


@pytest.mark.parametrize("value", ["6/5/2024", "20240506", "2024-W19-1", "soon", "2024-02-30"])
def test_a_day_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(BadDecision, match="expected one of none, date"):
        khanh_hoa(("replacement_effective_date", value))


def test_khanh_hoas_groups_are_the_communes_of_its_districts() -> None:
    targets = khanh_hoa().targets(LAST_DAY)

    assert sorted(targets.groups) == [f"{d}/communes" for d in (568, 569, 570, 571, 572, 573, 574, 575)]
    assert len(targets.groups["570/communes"].members) == 14
    assert targets.groups["570/communes"].row == "1.2.b"
    assert ("576", "online-dossiers") not in targets.targets  # the islands are not named


# -- Hà Tĩnh -----------------------------------------------------------------------------------------------------------

DISTRICT = "437"


def ha_tinh(*switches: tuple[str, str], extra: tuple[dict[str, str], ...] = ()) -> Any:
    rows = listed(20, "district") + entries(*extra)
    return reading_of("ha-tinh", catalogue=rows, switches=switches)


def test_a17_the_yearly_step_and_the_scope() -> None:
    def year(n: int) -> Events:
        found = resolved(130, DISTRICT, "online", f"{n}-06-01", procedure="1.000001")
        found += resolved(70, DISTRICT, "in_person", f"{n}-06-01", procedure="1.000001")
        return found + resolved(300, DISTRICT, "in_person", f"{n}-06-01", name=f"x{n}", procedure="2.000001")

    events = [e for n in (2022, 2023, 2024) for e in year(n)]
    seen = [standing(evaluated(ha_tinh(), events, date(n, 12, 31)), DISTRICT) for n in (2022, 2023, 2024)]
    assert [(s["numerator"], s["denominator"]) for s in seen] == [(130, 200)] * 3
    assert [(s["target"], s["status"]) for s in seen] == [("50", "met"), ("60", "met"), ("70", "below")]

    relative = ha_tinh(("yearly_increase", "relative"))
    by_share = standing(evaluated(relative, events, date(2024, 12, 31)), DISTRICT)
    assert (by_share["target"], by_share["status"]) == ("60.5", "met")


@pytest.mark.parametrize(
    ("growth", "expected"),
    [
        ("points", ["50", "60", "70", "80", "90", "100", "100"]),
        ("relative", ["50", "55", "60.5", "66.55", "73.205", "80.5255", "88.57805"]),
    ],
)
def test_a17_growth_by_points_stops_at_100_and_relative_growth_is_exact(growth: str, expected: list[str]) -> None:
    reading = ha_tinh(("yearly_increase", growth))
    targets = [reading.target(DISTRICT, "online-dossiers", date(2022 + n, 6, 1)) for n in range(7)]

    assert [t.value for t in targets if t is not None] == [Fraction(e) for e in expected]


def test_a17_reports_before_the_20th_and_before_the_10th_of_december() -> None:
    monthly, yearly = ha_tinh().decision.reports

    assert monthly.due(date(2024, 9, 14)) == date(2024, 9, 19)  # a month from the 15th to the 14th
    assert monthly.due(date(2024, 9, 30)) == date(2024, 10, 19)  # a calendar month
    assert monthly.due(date(2024, 12, 31)) == date(2025, 1, 19)
    assert not monthly.estimates(date(2024, 9, 30))
    assert yearly.due(date(2024, 12, 31)) == yearly.due(date(2024, 12, 14)) == date(2024, 12, 9)
    assert yearly.estimates(date(2024, 12, 31))


def test_ha_tinh_counts_rows_of_full_level_in_force_on_the_day_of_reception() -> None:
    reading = ha_tinh(
        extra=(
            {"procedure": "2.000001", "authority": "district", "level": "partial", "lists": "a"},
            {"procedure": "2.000002", "authority": "district", "level": "full", "lists": ""},
            {"procedure": "2.000003", "authority": DISTRICT, "level": "full", "lists": "a", "listed_to": "2024-05-31"},
        )
    )
    events = [
        event("resolved", name, "2024-07-01", version=1, unit=DISTRICT, channel="online", procedure=procedure,
              received_at=f"{day}T09:00:00+07:00")
        for name, procedure, day in (
            ("a", "1.000001", "2024-06-01"), ("b", "2.000001", "2024-06-01"), ("c", "2.000002", "2024-06-01"),
            ("d", "2.000003", "2024-05-31"), ("e", "2.000003", "2024-06-01"), ("f", None, "2024-06-01"),
        )
    ]  # fmt: skip
    assert figures(evaluated(reading, events, date(2024, 12, 31)), DISTRICT) == (2, 2, "met")


def test_ha_tinhs_services_need_an_online_dossier_and_are_listed_in_full() -> None:
    extra = (
        {"procedure": "2.000001", "authority": "district", "level": "partial", "lists": "a", "national_portal": "true"},
        {"procedure": "2.000002", "authority": "district", "level": "full", "lists": "a", "national_portal": "true"},
    )
    events = [
        one_of("a", "1.000001", "online"),
        one_of("b", "1.000002", "in_person"),
        one_of("c", "2.000001", "online"),
    ]
    result = evaluated(ha_tinh(extra=extra), events, date(2024, 12, 31))

    assert figures(result, DISTRICT, "services-with-dossiers") == (1, 21, "below")
    assert figures(result, DISTRICT, "national-portal-integration") == (1, 21, "below")


def one_of(name: str, procedure: str, channel: str) -> dict[str, Any]:
    return event("received", name, "2024-06-03", version=1, unit=DISTRICT, channel=channel, procedure=procedure)


def test_communes_have_no_target_in_ha_tinh() -> None:
    commune = ha_tinh().registry.communes_of(DISTRICT)[0]
    result = evaluated(ha_tinh(), received(1, commune, "online", "2024-06-03", procedure="1.1"), date(2024, 12, 31))

    assert {s["status"] for s in result.standings if s["unit"] == commune} == {"no-target"}


def test_the_year_asked_about_decides_and_none_is_before_2022() -> None:
    assert ha_tinh().period(date(2024, 6, 1)) == (date(2024, 1, 1), date(2024, 12, 31))
    assert ha_tinh().period(date(2020, 6, 1)) == (date(2022, 1, 1), date(2022, 12, 31))
    with pytest.raises(ValueError, match="lies before the period"):
        evaluated(ha_tinh(), [], date(2021, 12, 31))


# -- Hải Dương ---------------------------------------------------------------------------------------------------------

CITY = "288"


def hai_duong(**options: Any) -> Any:
    return reading_of("hai-duong-2022", catalogue=listed(10, "district"), **options)


def test_a14_a_withdrawn_dossier_is_not_resolved() -> None:
    events = resolved(45, CITY, "online", "2022-06-01", name="o", procedure="1.000001")
    events += resolved(46, CITY, "in_person", "2022-06-01", procedure="1.000001")
    withdrawn = event("withdrawn", "o-0", "2022-06-02", version=2)

    assert figures(evaluated(hai_duong(), events, YEAR_2022), CITY) == (45, 91, "below")
    assert figures(evaluated(hai_duong(), [*events, withdrawn], YEAR_2022), CITY) == (44, 90, "below")


def test_a25_a_ceiling_below_the_target_is_the_catalogues_doing() -> None:
    events = resolved(500, CITY, "online", "2022-06-01", procedure="1.000001")
    events += resolved(500, CITY, "in_person", "2022-06-01", procedure="2.000001")
    result = evaluated(hai_duong(), events, YEAR_2022)
    found = standing(result, CITY)

    assert (found["numerator"], found["denominator"], found["status"], found["ceiling"]) == (500, 1000, "below", "50")
    alert = next(a for a in result.alerts if a["unit"] == CITY)
    assert alert["reason"].startswith("Không thể đạt do danh mục: mức trần 50 %.")
    assert "cơ quan công bố danh mục" in alert["reason"]


@pytest.mark.parametrize(
    ("listed_", "all_", "ceiling"), [(55, 100, None), (11, 20, None), (54, 100, "54"), (0, 3, "0")]
)
def test_a25_only_a_ceiling_below_the_target_is_shown(listed_: int, all_: int, ceiling: str | None) -> None:
    events = resolved(listed_, CITY, "in_person", "2022-06-01", procedure="1.000001")
    events += resolved(all_ - listed_, CITY, "in_person", "2022-06-01", name="x", procedure="2.000001")

    assert standing(evaluated(hai_duong(), events, YEAR_2022), CITY).get("ceiling") == ceiling


def test_a25_a_ceiling_is_cut_off_and_counts_down_with_a_correction() -> None:
    events = resolved(1, CITY, "online", "2022-06-01", procedure="1.000001")
    events += resolved(2, CITY, "in_person", "2022-06-01", name="x", procedure="2.000001")
    wrong = event("corrected", "x-0", "2022-06-02", version=2, procedure="1.000001.000.00.00.H23")

    assert standing(evaluated(hai_duong(), events, YEAR_2022), CITY)["ceiling"] == "33.3333"
    assert standing(evaluated(hai_duong(), [*events, wrong], YEAR_2022), CITY).get("ceiling") is None  # 66.67


def test_a25_lak_has_a_ceiling_by_the_sentence_and_none_by_the_example() -> None:
    events = lak_example(LIEN_SON)[800:]  # 200 listed, 200 unlisted, all in person
    by_all = evaluated(lak(switches=(("denominator_scope", "all"),)), events, YEAR_2022)

    assert standing(by_all, LIEN_SON)["ceiling"] == "50"
    assert "ceiling" not in standing(evaluated(lak(), events, YEAR_2022), LIEN_SON)


def test_hai_duongs_alerts_begin_with_the_period_since_its_day_is_unknown() -> None:
    events = resolved(1, CITY, "in_person", "2022-01-01", procedure="1.000001")

    assert alerts_of(evaluated(hai_duong(), events, YEAR_2022), CITY) == [("firing", "2022-01-01")]


def test_agencies_of_a_class_are_those_that_a_deployment_names() -> None:
    agency = Unit("30.so-tai-chinh", "Sở Tài chính", "province-agency", "30")
    reading = hai_duong(units=(agency,))

    assert (agency.code, "online-dossiers") in reading.targets(YEAR_2022).targets
    assert (agency.code, "online-dossiers") not in hai_duong().targets(YEAR_2022).targets


@pytest.mark.parametrize("decision", ["hai-duong-2022", "lak-2022", "ha-tinh", "khanh-hoa-2024"])
def test_a_decision_that_needs_a_list_is_not_read_without_one(decision: str) -> None:
    with pytest.raises(BadDecision, match="give a catalogue"):
        reading_of(decision)
