"""Codes by rule, tables of units and successions, and who inherits from whom."""

from datetime import date

import pytest

from models.registers.tables import BadTable
from models.registers.units import Heirs, Succession, Unit, parse_successions, parse_units, slug
from streams.files.decision_files import shipped_registry

REGISTRY = shipped_registry()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sở Tài chính", "so-tai-chinh"),
        ("Sở Lao động - Thương binh và Xã hội", "so-lao-dong-thuong-binh-va-xa-hoi"),
        ("Sở Văn hóa, Thể thao và Du lịch", "so-van-hoa-the-thao-va-du-lich"),
        ("UBND xã Ea R'bin", "ubnd-xa-ea-rbin"),
        ("Sở Y tế", "so-y-te"),
    ],
)
def test_slugs_follow_the_rule(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_the_registry_knows_its_provinces() -> None:
    assert REGISTRY.province_of("12688") == REGISTRY.province_of("340") == "34"
    assert len(REGISTRY.of_level("commune", "34")) == 260
    assert REGISTRY.home("12688") == REGISTRY.home("340/communes") == REGISTRY.home("340.phong-tu-phap") == "340"
    assert REGISTRY.home("34.so-y-te") == "34.so-y-te"


def test_a_merger_passes_what_was_counted_and_what_will_be() -> None:
    heirs = Heirs(REGISTRY, [Succession(date(2024, 11, 1), "A", "B")])

    assert heirs.units("A", None, "2024-10-31") == (("A", ""), ("B", "2024-11-01/A"))
    assert heirs.units("A", None, "2024-11-01") == (("B", ""),)
    assert heirs.units("B", None, "2024-10-31") == (("B", ""),)


def test_a_chain_of_successions_reaches_the_last_heir() -> None:
    heirs = Heirs(REGISTRY, [Succession(date(2024, 11, 1), "A", "B"), Succession(date(2025, 7, 1), "B", "C")])

    assert heirs.units("A", None, "2024-10-01") == (("A", ""), ("B", "2024-11-01/A"), ("C", "2025-07-01/A"))
    assert heirs.units("A", None, "2024-12-01") == (("B", ""), ("C", "2025-07-01/B"))
    assert heirs.units("A", None, "2025-12-01") == (("C", ""),)


def test_a_district_that_is_abolished_has_heirs_by_procedure() -> None:
    day = date(2025, 7, 1)
    heirs = Heirs(REGISTRY, [Succession(day, "A", "B", frozenset({"1"})), Succession(day, "A", "C", frozenset({"2"}))])

    assert heirs.units("A", "1", "2025-08-01") == (("B", ""),)
    assert heirs.units("A", "2", "2025-06-01") == (("A", ""), ("C", "2025-07-01/A"))
    assert heirs.units("A", "3", "2025-08-01") == (("A", ""),)
    assert heirs.frozen_since("A", date(2025, 6, 30)) is None
    assert heirs.frozen_since("A", date(2025, 8, 1)) == day


def test_an_heir_for_a_named_procedure_comes_before_the_heir_for_all_the_rest() -> None:
    day = date(2025, 7, 1)
    heirs = Heirs(REGISTRY, [Succession(day, "A", "B"), Succession(day, "A", "C", frozenset({"2"}))])

    assert heirs.units("A", "2", "2025-08-01") == (("C", ""),)
    assert heirs.units("A", "1", "2025-08-01") == (("B", ""),)
    assert heirs.units("A", None, "2025-08-01") == (("B", ""),)


def test_what_has_passed_to_one_heir_does_not_pass_to_a_later_one() -> None:
    named, rest = frozenset({"1"}), frozenset[str]()
    heirs = Heirs(
        REGISTRY, [Succession(date(2024, 1, 1), "A", "B", named), Succession(date(2025, 1, 1), "A", "C", rest)]
    )

    assert heirs.units("A", "1", "2023-06-01") == (("A", ""), ("B", "2024-01-01/A"))
    assert heirs.units("A", "1", "2025-06-01") == (("B", ""),)
    assert heirs.units("A", "2", "2023-06-01") == (("A", ""), ("C", "2025-01-01/A"))


@pytest.mark.parametrize("procedures", [frozenset(), frozenset({"2", "3"})])
def test_two_heirs_of_the_same_dossiers_are_refused(procedures: frozenset[str]) -> None:
    day = date(2025, 7, 1)
    with pytest.raises(BadTable, match=r"A has two heirs for .* from 2025-07-01"):
        Heirs(REGISTRY, [Succession(day, "A", "B", procedures), Succession(day, "A", "C", procedures)])


def test_a_renaming_there_and_back_does_not_go_round_in_circles() -> None:
    heirs = Heirs(REGISTRY, [Succession(date(2024, 1, 1), "A", "B"), Succession(date(2025, 1, 1), "B", "A")])

    assert heirs.units("A", None, "2025-06-01") == (("A", ""),)
    assert heirs.units("A", None, "2023-06-01") == (("A", ""), ("B", "2024-01-01/A"))  # A has it already
    assert heirs.units("B", None, "2024-06-01") == (("B", ""), ("A", "2025-01-01/B"))
    assert heirs.frozen_since("A", date(2024, 6, 1)) == date(2024, 1, 1)
    assert heirs.frozen_since("A", date(2025, 6, 1)) is None
    assert heirs.frozen_since("B", date(2025, 6, 1)) == date(2025, 1, 1)


def test_units_of_a_deployment_are_added() -> None:
    row = {"level": "commune", "code": "34999", "name": "Xã Liên An Đô", "parent": "340"}
    larger = REGISTRY.with_units(parse_units([row]))

    assert larger.units["34999"] == Unit("34999", "Xã Liên An Đô", "commune", "340")
    assert larger.added == {"34999"}
    assert "34999" in larger.communes_of("340")
    assert "34999" not in REGISTRY.units


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"level": "village", "code": "1", "name": "X"}, "line 2: level is 'village'"),
        ({"level": "commune", "code": "", "name": "X"}, "line 2: a unit needs a code and a name"),
    ],
)
def test_a_bad_unit_is_named_with_its_line(row: dict[str, str], message: str) -> None:
    with pytest.raises(BadTable, match=message):
        parse_units([row])


def test_procedures_of_a_succession_are_known_by_their_short_code() -> None:
    row = {"date": "2025-07-01", "from": "A", "to": "B", "procedures": "1.004616.000.00.00.H56; 2.000815"}

    assert parse_successions([row])[0].procedures == {"1.004616", "2.000815"}


def test_a_bad_succession_is_named_with_its_line() -> None:
    with pytest.raises(BadTable, match="line 2: date is '1/7/2025'"):
        parse_successions([{"date": "1/7/2025", "from": "A", "to": "B"}])
    with pytest.raises(BadTable, match="line 2: `from` and `to` must name two different units"):
        parse_successions([{"date": "2025-07-01", "from": "A", "to": "A"}])
