"""What a page is told besides figures: whose figures they are, and what the rest has to be."""

from datetime import date

import pytest

from streams.board.describe import describe
from tests.board.boards import DECISIONS, reading_of


def described(decision: str) -> dict[str, object]:
    return describe(reading_of(decision), date(2024, 7, 1))


@pytest.mark.parametrize(
    ("decision", "area"),
    [("lak-2022", "Huyện Lắk"), ("thai-binh-2024", "Tỉnh Thái Bình"), ("ha-tinh", "Tỉnh Hà Tĩnh")],
)
def test_a_district_s_decision_is_not_headed_as_the_province_s(decision: str, area: str) -> None:
    assert described(decision)["area"] == area


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision_without_a_number_has_an_issuer_that_fits_a_wall(decision: str) -> None:
    told = described(decision)

    assert told["number"] or len(str(told["issuer_short"])) <= 26, told["issuer_short"]


@pytest.mark.parametrize("decision", DECISIONS)
def test_every_indicator_says_in_both_languages_what_the_rest_has_to_be(decision: str) -> None:
    indicators = described(decision)["indicators"]
    assert isinstance(indicators, list)
    for indicator in indicators:
        assert indicator["must"].startswith("phải ")
        assert indicator["must_en"].startswith("must ")
    online = [i["must"] for i in indicators if i["id"] == "online-dossiers"]
    assert online == ["phải nộp trực tuyến"] * len(online)
