"""Heirs that existed before they inherited keep what was theirs; heirs that a merger founds have no past of their own."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.registers.tables import BadTable
from models.registers.units import ALWAYS, Succession, Unit, parse_units
from streams.cli import lotrinh
from tests.builders import evaluated, figures, received, standing, thai_binh

DISTRICT, OTHER, DAY = "340", "336", date(2024, 7, 1)
OLD = Unit("34998", "Xã Bến Cũ", "commune", DISTRICT)
EVENTS = [
    *received(1, OLD.code, "online", "2024-03-04"),
    *received(1, OLD.code, "in_person", "2024-03-05", name="p"),
    *received(3, DISTRICT, "online", "2024-03-06"),
    *received(2, OTHER, "in_person", "2024-03-07"),
]


@pytest.mark.parametrize(
    "olds",
    [
        (DISTRICT,),  # a district's dossiers pass to a commune
        (DISTRICT, OTHER),
        ("12688",),  # a commune passes to another
    ],
)
def test_an_heir_that_existed_keeps_its_past_its_target_and_its_group(olds: tuple[str, ...]) -> None:
    plain = thai_binh(units=(OLD,))
    reading = thai_binh(units=(OLD,), successions=tuple(Succession(DAY, old, OLD.code) for old in olds))
    before, after = date(2024, 6, 30), date(2024, 7, 30)

    own = standing(evaluated(plain, EVENTS, before), OLD.code)
    assert (own["numerator"], own["denominator"]) == (1, 2)
    for on in (before, after):
        row = standing(evaluated(reading, EVENTS, on), OLD.code)
        assert (row["target"], row["expected"]) == (own["target"], own["expected"])
        assert standing(evaluated(reading, EVENTS, on), "340/communes")["denominator"] >= 2
    assert figures(evaluated(reading, EVENTS, before), OLD.code) == (1, 2, "met")
    inherited = {DISTRICT: (3, 3), OTHER: (0, 2), "12688": (0, 0)}
    online, all_ = (sum(inherited[old][n] for old in olds) for n in (0, 1))
    assert figures(evaluated(reading, EVENTS, after), OLD.code)[:2] == (1 + online, 2 + all_)
    assert OLD.code in reading.targets(before).groups["340/communes"].members


def test_a_unit_without_a_target_of_its_own_gets_its_predecessors() -> None:
    new = Unit("34.so-moi", "Sở Mới", "province-agency", "34")
    rows = tuple(Succession(DAY, old, new.code) for old in ("34.so-cong-thuong", "34.so-tai-chinh"))
    reading = thai_binh(units=(new,), successions=rows)
    held = reading.target(new.code, "online-dossiers", DAY)

    assert held is not None
    assert {code for code, _ in held.parts} in ({"34.so-cong-thuong", "34.so-tai-chinh"}, set())


def test_the_column_since_decides_whatever_the_successions_look_like() -> None:
    merger = tuple(Succession(DAY, old, OLD.code) for old in ("12688", "12691"))
    one = (Succession(DAY, "12688", OLD.code),)
    units = parse_units(
        [
            {"level": "commune", "code": OLD.code, "name": OLD.name, "parent": DISTRICT, "since": s}
            for s in ("", "2024-07-01")
        ]
    )
    existing, new = units
    before = date(2024, 6, 30)

    assert (existing.since, new.since) == (ALWAYS, DAY)
    for rows in (merger, one):
        kept = thai_binh(units=(existing,), successions=rows)
        assert figures(evaluated(kept, EVENTS, before), OLD.code) == (1, 2, "met")
        founded = thai_binh(units=(new,), successions=rows)
        assert OLD.code not in {s["unit"] for s in evaluated(founded, EVENTS, before).standings}
    assert thai_binh(units=(OLD,), successions=merger).heirs.founded == {OLD.code: DAY}
    with pytest.raises(BadTable, match="line 2: since is '1/7/2024'"):
        parse_units([{"level": "commune", "code": "1", "name": "x", "parent": "340", "since": "1/7/2024"}])


def test_check_says_whom_it_takes_to_be_founded(tmp_path: Path) -> None:
    units, heirs = tmp_path / "units.csv", tmp_path / "s.csv"
    units.write_text(f"level,code,name,parent\ncommune,{OLD.code},{OLD.name},340\n", encoding="utf-8")
    heirs.write_text(
        "date,from,to,procedures\n" + "".join(f"2024-07-01,{old},{OLD.code},\n" for old in ("12688", "12691"))
    )
    command = ["decisions", "check", "thai-binh-2024", "--units", str(units), "--successions", str(heirs)]

    said = CliRunner().invoke(lotrinh, command)
    assert said.exit_code == 0
    assert "được coi là đơn vị thành lập ngày 01/07/2024" in said.stderr
    assert "Xã Bến Cũ is taken to be founded on 01/07/2024" in said.stderr
    units.write_text(f"level,code,name,parent,since\ncommune,{OLD.code},{OLD.name},340,\n", encoding="utf-8")
    assert "founded" not in CliRunner().invoke(lotrinh, command).stderr
