"""Indicators of a decision's own: any name, from counts, bases and filters; each figure is worked out by hand."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pytest

from models.decisions.file import BadDecision, Decision, parse_decision
from models.decisions.measures import parse_measures
from models.decisions.reading import Reading, Sources
from models.evaluation.evaluation import Evaluation
from models.registers.catalogue import parse_catalogue
from models.registers.tables import BadTable
from models.registers.units import Registry, Unit
from tests.builders import evaluated, event, figures, standing

UNIT = "99.so-xay-dung"
END = date(2025, 12, 31)
HEAD = """
id = "song-lam-2025"
title = "t"
issuer = "i"
province = "99"
text = "t.txt"
rows = [{{ row = "1", unit = "99.so-xay-dung", name = "Sở Xây dựng", targets = {{ {targets} }} }}]
[period]
from = 2025-01-01
to = 2025-12-31
clause = "c"
[catalogue]
title = "t"
clause = "c"
owner = "o"
"""
CATALOGUE = (
    {"procedure": "1.1", "authority": "province-agency", "level": "full", "lists": "a", "payable_online": "true"},
    {"procedure": "1.2", "authority": "province-agency", "level": "partial", "lists": "a"},
    {"procedure": "1.3", "authority": "province-agency", "level": "none", "payable_online": "true"},
    {"procedure": "1.4", "authority": "province-agency", "level": "none", "listed_to": "2025-06-30"},
    {"procedure": "1.4", "authority": "province-agency", "level": "full", "listed_from": "2025-07-01", "lists": "a"},
)  # fmt: skip
CORRECTED = "2025-11-03"


def decision_of(**formulas: str) -> Decision:
    """One row with a target of 50 under each indicator; `formulas`: name with `_` for `-` → what it counts, as TOML."""
    names = {name: name.replace("_", "-") for name in formulas}
    tables = [
        f'[indicators.{names[name]}]\ntitle = "t"\nshort = "s"\nclause = "c"\n{formula}\n'
        for name, formula in formulas.items()
    ]
    targets = ", ".join(f'{name} = "50"' for name in names.values())
    return parse_decision("\n".join((HEAD.format(targets=targets), *tables)), "song-lam-2025.toml")


def reading_of(*, catalogue: bool = True, **formulas: str) -> Reading:
    registry = Registry({"99": Unit("99", "Tỉnh Sông Lam", "province", "")})
    rows = tuple(parse_catalogue(CATALOGUE)) if catalogue else None
    return Reading(decision_of(**formulas), Sources(registry, catalogue=rows, switches={"alert_rule": "literal"}))


def judged(
    events: Iterable[Mapping[str, Any]], as_of: date = END, *, catalogue: bool = True, **formulas: str
) -> Evaluation:
    result = evaluated(reading_of(catalogue=catalogue, **formulas), events, as_of)
    assert result.refused == []
    return result


def counted(events: Iterable[Mapping[str, Any]], formula: str, as_of: date = END) -> tuple[int, int]:
    return figures(judged(events, as_of, own_name=formula), UNIT, "own-name")[:2]


def got(name: str, day: str, **fields: Any) -> dict[str, Any]:
    """A dossier of the unit, received on a day."""
    return event("received", name, day, version=1, unit=UNIT, **{"procedure": "1.1", "channel": "online"} | fields)


def done(name: str, at: str, **fields: Any) -> dict[str, Any]:
    return event("resolved", name, at, version=2, **fields)


# -- dossiers ----------------------------------------------------------------------------------------------------------


def test_on_time_is_resolved_by_the_instant_that_was_promised() -> None:
    due = "2025-03-10T17:00:00+07:00"
    events = [got(name, "2025-03-03", due_at=due) for name in "ABCDE"] + [got("F", "2025-03-03")]
    events += [done("A", "2025-03-10T10:00:00Z"), done("B", "2025-03-10T17:00:01+07:00"), done("F", "2025-03-04")]
    events += [event("result-issued", "C", "2025-03-07T09:00:00+07:00", version=2)]  # never said to be resolved
    events += [event("withdrawn", "D", "2025-03-04", version=2)]

    of_resolved = 'count = "dossier"\nbasis = "resolved"\nnumerator = ["on-time"]\n'
    assert counted(events, of_resolved + 'denominator = ["due"]') == (2, 3)
    assert counted(events, of_resolved) == (2, 4)
    assert counted(events, 'count = "dossier"\nbasis = "received"\nnumerator = ["!on-time"]') == (4, 6)


def test_the_fully_online_stand_beside_all_that_is_online() -> None:
    events = [got("A", "2025-03-03"), got("B", "2025-03-03", procedure="1.2"), got("C", "2025-03-03", procedure="9.9")]
    events += [got("D", "2025-03-03", channel="in_person"), got("E", "2025-03-03", procedure="1.3")]
    result = judged(
        events,
        online_share='count = "dossier"\nbasis = "received"\nnumerator = ["online"]',
        full_online_share='count = "dossier"\nbasis = "received"\nnumerator = ["online", "full"]',
        of_these='count = "dossier"\nbasis = "received"\nnumerator = ["full"]\ndenominator = ["online"]',
        not_full='count = "dossier"\nbasis = "received"\nnumerator = ["!full"]\ndenominator = ["!partial"]',
    )
    assert figures(result, UNIT, "online-share")[:2] == (4, 5)
    assert figures(result, UNIT, "full-online-share")[:2] == (1, 5)
    assert figures(result, UNIT, "of-these")[:2] == (1, 4)
    assert figures(result, UNIT, "not-full")[:2] == (2, 4)


def test_the_level_is_that_of_the_day_of_the_basis() -> None:
    events = [got("A", "2025-06-30", procedure="1.4"), done("A", "2025-07-01")]
    assert counted(events, 'count = "dossier"\nbasis = "received"\nnumerator = ["full"]') == (0, 1)
    assert counted(events, 'count = "dossier"\nbasis = "resolved"\nnumerator = ["full"]') == (1, 1)


def test_a_level_that_no_catalogue_tells_is_not_measured() -> None:
    formula = 'count = "dossier"\nbasis = "received"\nnumerator = ["full"]'
    result = judged([got("A", "2025-03-03")], catalogue=False, own_name=formula)
    assert figures(result, UNIT, "own-name") == (0, 0, "not-measured")


def test_a_catalogue_without_enough_full_services_caps_the_share() -> None:
    events = [got("A", "2025-03-03"), *(got(name, "2025-03-03", procedure="1.2") for name in "BCD")]
    formula = 'count = "dossier"\nbasis = "received"\nnumerator = ["full", "online"]'
    result = judged(events, own_name=formula)
    assert standing(result, UNIT, "own-name")["ceiling"] == "25"
    assert "mức trần 25 %" in result.alerts[0]["reason"]


def test_payment_per_dossier_that_owes_a_fee_by_whatever_gateway() -> None:
    events = [got(name, "2025-03-03", fee=50_000) for name in "ABCDEF"] + [got("G", "2025-03-03", fee=0)]
    online = {"amount": 25_000, "method": "online"}

    def pays(name: str, transaction: str, **how: Any) -> dict[str, Any]:
        return event("paid", name, "2025-03-04", version=2, transaction=transaction, **how)

    events += [pays("A", "T1", gateway="national", **online), pays("A", "T2", gateway="local", **online)]
    events += [pays("B", "T1", gateway="local", **online), pays("C", "T1", **{**online, "method": "cash"})]
    events += [pays("D", "T1", gateway="local", **online), pays("E", "T1", exempt=True, amount=0)]
    events += [event("refunded", "D", "2025-03-05", version=3, transaction="T1")]

    per = 'count = "dossier"\nbasis = "received"\ndenominator = ["fee"]\n'
    assert counted(events, per + 'numerator = ["paid-online"]') == (2, 6)
    assert counted(events, per + 'numerator = ["national-gateway"]') == (1, 6)
    waived = 'count = "dossier"\nbasis = "received"\ndenominator = ["fee", "!exempt"]\nnumerator = ["paid-online"]'
    assert counted(events, waived) == (2, 5)


def test_components_and_reuse_are_facts_of_a_dossier() -> None:
    events = [got("A", "2025-03-03", component_digitised=True, reused=True), got("B", "2025-03-03", reused=False)]
    events += [got("C", "2025-03-03", reused=True), event("corrected", "C", CORRECTED, version=3, reused=None)]
    events += [event("corrected", "B", CORRECTED, version=3, component_digitised=True)]
    of = 'count = "dossier"\nbasis = "received"\n'
    assert counted(events, of + 'numerator = ["component-digitised"]') == (2, 3)
    assert counted(events, of + 'numerator = ["reused"]') == (1, 3)
    assert counted(events, of + 'numerator = ["component-digitised", "!reused"]') == (1, 3)


def test_a_result_may_be_asked_of_what_is_received() -> None:
    """766's own formula: online and an electronic result, of all that was received."""
    events = [got("A", "2025-03-03", electronic=True), done("A", "2025-03-05"), got("B", "2025-03-03")]
    events += [got("C", "2025-03-03", electronic=True), event("withdrawn", "C", "2025-03-04", version=2)]
    formula = 'count = "dossier"\nbasis = "received"\nnumerator = ["online", "electronic"]'
    assert counted(events, formula) == (2, 3)


def test_what_comes_by_post_can_be_left_out_by_name() -> None:
    events = [got("A", "2025-03-03"), got("B", "2025-03-03", channel="postal"), got("C", "2025-03-03", channel=None)]
    formula = 'count = "dossier"\nbasis = "received"\nnumerator = ["online"]\ndenominator = ["!postal"]'
    assert counted(events, formula) == (1, 2)


# -- payments, services, the catalogue ---------------------------------------------------------------------------------


def test_transactions_may_be_asked_for_what_their_dossier_is() -> None:
    how = {"amount": 1, "method": "online", "gateway": "local", "transaction": "T"}
    events = [got("A", "2025-03-03", fee=1), got("B", "2025-03-03", procedure="1.2")]
    events += [event("paid", name, "2025-03-04", version=2, **how) for name in "AB"]
    events += [event("paid", "B", "2025-03-04", version=2, **{**how, "transaction": "U", "method": "cash"})]
    assert counted(events, 'count = "transaction"\nnumerator = ["online"]') == (2, 3)
    assert counted(events, 'count = "transaction"\nnumerator = ["paid-online"]\ndenominator = ["full"]') == (1, 1)
    assert counted(events, 'count = "transaction"\nnumerator = ["online"]\ndenominator = ["!fee"]') == (1, 2)
    assert counted(events, 'count = "transaction"\nnumerator = ["national-gateway"]') == (0, 3)


def test_services_of_one_level_with_dossiers_of_one_kind() -> None:
    events = [got("A", "2025-03-03", procedure="1.2"), got("B", "2025-03-03", channel="in_person")]
    assert counted(events, 'count = "service"\nbasis = "received"') == (2, 3)
    assert counted(events, 'count = "service"\nbasis = "received"\nnumerator = ["online"]') == (1, 3)
    assert counted(events, 'count = "service"\nbasis = "received"\ndenominator = ["full"]') == (1, 2)


@pytest.mark.parametrize(
    ("filters", "as_of", "expected"),
    [
        ('numerator = ["payable-online"]', END, (2, 4)),
        ('numerator = ["payable-online"]\ndenominator = ["full"]', END, (1, 2)),
        ('numerator = ["payable-online"]\ndenominator = ["full"]', date(2025, 6, 30), (1, 1)),
        ('numerator = ["full"]\ndenominator = ["listed", "!payable-online"]', END, (1, 2)),
    ],
)
def test_procedures_are_counted_by_what_the_catalogue_says(
    filters: str, as_of: date, expected: tuple[int, int]
) -> None:
    assert counted([], f'count = "catalogue"\n{filters}', as_of) == expected


def test_copied_is_another_word_for_certified() -> None:
    events = [event("copy-certified", "A", "2025-03-03", unit=UNIT, copy=c, electronic=c == "K1") for c in ("K1", "K2")]
    assert counted(events, 'count = "copy"\nbasis = "copied"\nnumerator = ["electronic"]') == (1, 2)


def test_measures_are_summed_over_the_period_and_the_newest_version_of_a_day_holds() -> None:
    columns = ("indicator", "unit", "day", "numerator", "denominator", "version")
    told = (
        ("own-name", UNIT, "2025-01-31", "90", "100", "2"),
        ("own-name", UNIT, "2025-01-31", "10", "100", "1"),
        ("own-name", UNIT, "2025-02-28", "40", "50", "1"),
        ("own-name", UNIT, "2024-12-31", "7", "9", "1"),
        ("own-name", UNIT, "2025-06-30", "1", "9", "1"),
    )
    rows = [dict(zip(columns, row, strict=True)) for row in told]
    reading = reading_of(own_name='count = "measure"')
    before = evaluated(reading, [], date(2025, 3, 31))
    assert figures(before, UNIT, "own-name") == (0, 0, "not-measured")
    for order in (rows, rows[::-1]):
        result = evaluated(reading.with_measures(parse_measures(order)), [], date(2025, 3, 31))
        assert figures(result, UNIT, "own-name") == (130, 150, "met")
    with pytest.raises(BadTable, match="line 3: version 2 says two things"):
        parse_measures([rows[0], {**rows[0], "numerator": "91"}])
    with pytest.raises(BadTable, match="more than the denominator"):
        parse_measures([{**rows[0], "numerator": "101"}])
    with pytest.raises(BadDecision, match="counts no measures under 'else'"):
        reading.with_measures(parse_measures([{**rows[0], "indicator": "else"}]))


# -- beside the figures ------------------------------------------------------------------------------------------------

ON_TIME = 'count = "dossier"\nbasis = "resolved"\nnumerator = ["on-time"]\ndenominator = ["due"]'


def test_what_waits_although_its_day_has_come_is_listed() -> None:
    events = [got(f"D{n:02}", "2025-03-03", due_at=f"2025-03-{n:02}T17:00:00+07:00") for n in range(5, 30)]
    events += [
        done("D05", "2025-03-05T20:00:00+07:00"),
        done("D06", "2025-03-09"),
        event("stopped", "D07", "2025-03-06"),
    ]
    events += [got("X", "2025-03-03"), got("Y", "2025-03-03", due_at="2024-12-30T17:00:00+07:00")]

    late = standing(judged(events, date(2025, 3, 10), own_name=ON_TIME), UNIT, "own-name")
    assert (late["numerator"], late["denominator"]) == (0, 2)
    assert late["overdue"] == 4  # D08, D09, D10, and Y, which was due before the period
    assert late["overdue_dossiers"] == ["Y", "D08", "D09", "D10"]

    all_of_march = standing(judged(events, date(2025, 3, 31), own_name=ON_TIME), UNIT, "own-name")
    assert all_of_march["overdue"] == 23
    assert len(all_of_march["overdue_dossiers"]) == 20


def test_what_is_resolved_later_still_waited_then() -> None:
    events = [got("A", "2025-03-03", due_at="2025-03-05T17:00:00+07:00"), done("A", "2025-03-20")]
    waited = [
        standing(judged(events, date(2025, 3, d), own_name=ON_TIME), UNIT, "own-name")["overdue"]
        for d in (4, 5, 19, 20)
    ]
    assert waited == [0, 1, 1, 0]


def test_what_was_filed_for_the_citizen_counts_as_online_and_is_shown() -> None:
    events = [
        got("A", "2025-03-03", assisted=True),
        got("B", "2025-03-03"),
        got("C", "2025-03-03", channel="in_person"),
    ]
    events += [got("D", "2025-03-03", channel="in_person", assisted=True)]
    formula = 'count = "dossier"\nbasis = "received"\nnumerator = ["online"]'
    row = standing(judged(events, own_name=formula), UNIT, "own-name")
    assert (row["numerator"], row["denominator"], row["assisted"]) == (2, 4, 1)
    assert "assisted" not in standing(judged(events[1:2], own_name=formula), UNIT, "own-name")
    alone = 'count = "dossier"\nbasis = "received"\nnumerator = ["online", "!assisted"]\ndenominator = ["online"]'
    assert counted(events, alone) == (1, 2)


def test_exempt_dossiers_count_nowhere_and_are_a_number() -> None:
    secret = {"exempt_from_count": True, "exempt_reason": "secret"}
    events = [got("A", "2025-03-03"), got("B", "2025-03-03", **secret, due_at="2025-03-04T08:00:00+07:00")]
    events += [event("paid", "B", "2025-03-04", version=2, transaction="T", amount=1, method="online")]
    online = 'count = "dossier"\nbasis = "received"\nnumerator = ["online"]'
    result = judged(events, own_name=online, payments='count = "transaction"\nnumerator = ["online"]', on_time=ON_TIME)

    row = standing(result, UNIT, "own-name")
    assert (row["numerator"], row["denominator"], row["exempt"]) == (1, 1, 1)
    assert figures(result, UNIT, "payments")[:2] == (0, 0)
    assert standing(result, UNIT, "on-time")["overdue"] == 0
    back = [*events, event("corrected", "B", CORRECTED, version=3, exempt_from_count=None)]
    assert counted(back, online) == (2, 2)


# -- what a file may say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ('count = "dossier"\nbasis = "received"\nnumerator = ["onlin"]', "Input should be"),
        ('count = "dossier"\nbasis = "paid"', "has the basis received or resolved or issued"),
        ('count = "transaction"\nnumerator = ["digitised"]', "'transaction' does not know 'digitised'"),
        ('count = "copy"\ndenominator = ["listed"]', "'copy' does not know 'listed'; it knows nothing"),
        ('count = "catalogue"\nnumerator = ["online"]', "'catalogue' does not know 'online'"),
        ('count = "catalogue"', "needs a numerator under a name of your own"),
        ('count = "dossier"\nbasis = "received"\ndenominator = ["fee", "!fee"]', "nothing is both"),
    ],
)
def test_a_formula_that_cannot_be_counted_is_refused(formula: str, said: str) -> None:
    with pytest.raises(BadDecision, match=said):
        decision_of(own_name=formula)


def test_a_name_is_a_slug() -> None:
    text = HEAD.format(targets="") + '[indicators."Đúng hạn"]\ntitle="t"\nshort="s"\nclause="c"\ncount="copy"\n'
    with pytest.raises(BadDecision, match="pattern"):
        parse_decision(text, "x.toml")


def test_events_of_the_new_facts_are_as_strict_as_the_others() -> None:
    wrong = ({"fee": -1}, {"fee": "7"}, {"reused": 1}, {"due_at": "2025-03-05"}, {"exempt_reason": "Nguyễn Thị A"})
    events = [{**got(f"D{n}", "2025-03-03"), **fields} for n, fields in enumerate(wrong)]  # type: ignore[dict-item]
    result = evaluated(reading_of(own_name=ON_TIME), events, END)
    assert [reason.partition(":")[0] for _, reason in result.refused] == [
        "field `fee` is not an integer of at least 0",
        "field `fee` is not an integer of at least 0",
        "field `reused` is not true or false",
        "field `due_at` is not a date-time of RFC 3339 with an offset",
        "exempt_reason is not a code",
    ]
    assert json.dumps(result.refused).count("Nguy") == 0
