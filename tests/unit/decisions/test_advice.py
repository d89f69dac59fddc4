"""What an alert tells a unit to do: by the kind of alert, and by what the indicator counts."""

from typing import Any

import pytest

from models.decisions.file import Formula
from models.decisions.vietnamese import advice_text, finish_text
from streams.notify.texts import Names, render
from tests.builders import reading_of
from tests.notices import Delivery, plan, to, transition

NAMES = Names(reading_of("thai-binh-2024"))
DECISIONS = ("hai-duong-2022", "thai-binh-2024", "lak-2022", "ha-tinh", "khanh-hoa-2024")
ONLINE = (
    "Rà soát các thủ tục còn nộp trực tiếp; tại bộ phận một cửa, hướng dẫn, hỗ trợ người dân, doanh nghiệp tạo tài khoản "
    "và nộp hồ sơ trực tuyến."
)


def formula(**fields: Any) -> Formula:
    return Formula.model_validate({"title": "t", "short": "s", "clause": "c", "basis": "received"} | fields)


@pytest.mark.parametrize(
    ("indicator", "said"),
    [
        ("online-dossiers", "nộp hồ sơ trực tuyến."),
        ("online-payments", "thanh toán trực tuyến trên Cổng Dịch vụ công quốc gia ngay khi tiếp nhận hồ sơ có phí"),
        ("digitised-results", "Số hóa kết quả trước khi trả;"),
        ("electronic-results", "Ký số và cấp kết quả điện tử khi trả;"),
        ("services-with-dossiers", "Rà soát các dịch vụ công trực tuyến chưa phát sinh hồ sơ; tuyên truyền"),
        ("electronic-copies", "thực hiện chứng thực bản sao điện tử từ bản chính."),
        ("full-online-provision", "cung cấp dịch vụ công trực tuyến toàn trình cho các thủ tục đủ điều kiện còn lại"),
    ],
)
def test_a_unit_below_is_told_what_raises_this_indicator(indicator: str, said: str) -> None:
    assert said in NAMES.next(transition(indicator=indicator))


def test_every_indicator_of_every_decision_has_advice_of_its_own() -> None:
    for decision in DECISIONS:
        formulas = reading_of(decision, catalogue=()).indicators
        said = {i: advice_text(i, f) for i, f in formulas.items()}

        assert len(set(said.values())) == len(formulas)
        assert advice_text("?", None) not in said.values()
        assert all(text[0].isupper() and text.endswith(".") for text in said.values())


def test_advice_follows_the_formula_of_the_decision() -> None:
    listed = formula(count="dossier", numerator=("online",), denominator=("listed",))
    anywhere = formula(count="transaction", basis="paid", numerator=("online",))
    both = formula(count="dossier", numerator=("digitised", "electronic"))
    neither = formula(count="dossier", numerator=("listed",))

    assert advice_text("online-dossiers", listed).startswith("Rà soát các thủ tục thuộc danh mục đã công bố còn nộp")
    assert "Cổng" not in advice_text("online-payments", anywhere)
    assert advice_text("electronic-results", both).startswith("Số hóa kết quả trước khi trả;")
    assert "Ký số" in advice_text("electronic-results", both)
    assert finish_text(both) == (
        "Hoàn thành các hồ sơ được liệt kê: số hóa và lưu kết quả, ký số và cấp kết quả điện tử."
    )
    assert advice_text("online-dossiers", neither) == advice_text("of another decision", None)
    assert finish_text(neither) == finish_text(None) == "Hoàn thành các hồ sơ được liệt kê."


def test_the_kind_says_what_else_there_is_to_do() -> None:
    gap = transition(kind="completeness-gap", indicator="digitised-results")

    assert NAMES.next(transition()) == ONLINE
    assert NAMES.next(transition(kind="forecast-miss")) == f"{ONLINE} Điều chỉnh kế hoạch cho thời gian còn lại của kỳ."
    assert NAMES.next(transition(kind="unreachable")).startswith(
        "Báo cáo cơ quan đầu mối: chỉ tiêu của kỳ không còn đạt"
    )
    assert NAMES.next(transition(kind="unreachable")).endswith(ONLINE)
    assert NAMES.next(gap) == "Hoàn thành các hồ sơ được liệt kê: số hóa và lưu kết quả."
    for cause in ({"kind": "source-silent", "indicator": "*"}, {"kind": "data-quality", "indicator": "*"}):
        assert NAMES.next(transition(**cause)).startswith("Kiểm tra ")  # type: ignore[arg-type]


def test_a_catalogue_that_is_too_narrow_is_no_matter_of_the_units_counter() -> None:
    capped = transition(kind="unreachable", cause="catalogue", severity="critical")

    assert NAMES.next(capped).startswith("Đề nghị cơ quan phụ trách danh mục")
    assert ONLINE not in NAMES.next(capped)


def test_many_alerts_say_once_what_to_do_for_each_kind_and_indicator() -> None:
    delivery = Delivery(plan({"a": {"group_by": ["decision"]}}, to("a")))
    for unit in ("12688", "12691"):
        for indicator in ("online-dossiers", "online-payments"):
            delivery.publish(transition(unit=unit, indicator=indicator))
    (message,) = delivery.tell()
    text = render(message, NAMES, None).text

    assert text.count("• Thấp hơn lộ trình – Hồ sơ trực tuyến: Rà soát") == 1
    assert text.count("• Thấp hơn lộ trình – Thanh toán trực tuyến: Hướng dẫn, hỗ trợ") == 1
    assert "Việc cần làm: " not in text
