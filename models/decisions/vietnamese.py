"""Figures and phrases as officials read them: Vietnamese, `85,7 %`, `1.234`, dd/mm/yyyy."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from models.decisions.file import NOT, QUESTIONS, Decision, Formula, Indicator
from models.wording import day_vn, number_text

STATUS: Final[Mapping[str, str]] = {
    "met": "Đạt",
    "below": "Chưa đạt",
    "no-dossiers": "Chưa phát sinh",
    "no-target": "Không giao",
    "not-measured": "Chưa đo được",
}
TARGET_STATUS: Final[Mapping[str, str]] = {
    **STATUS,
    "reached": "Đạt",
    "not-reached": "Chưa đạt",
}
"""the words of `target_status`, under a heading that says it is the target that is meant"""

_COUNTED: Final[Mapping[str, str]] = {
    "received": "hồ sơ tiếp nhận (theo ngày tiếp nhận)",
    "resolved": "hồ sơ đã giải quyết (theo ngày giải quyết xong)",
    "issued": "hồ sơ đã trả kết quả (theo ngày trả)",
    "paid": "giao dịch thanh toán (theo ngày thu; không kể giao dịch được miễn, đã hoàn)",
    "certified": "bản sao được chứng thực (theo ngày chứng thực)",
    "measure": "số liệu do nguồn bên ngoài cung cấp, cộng dồn theo ngày",
}
_FILTERS: Final[Mapping[str, str]] = {
    "online": "trực tuyến",
    "listed": "thuộc danh mục đã công bố",
    "digitised": "có kết quả đã số hóa",
    "electronic": "có bản điện tử",
    "national-gateway": "qua Cổng Dịch vụ công quốc gia",
    "result-document": "có kết quả là văn bản",
    "postal": "nộp qua bưu chính",
    "assisted": "có người hỗ trợ nộp",
    "full": "của thủ tục toàn trình",
    "partial": "của thủ tục một phần",
    "payable-online": "của thủ tục thanh toán được trực tuyến",
    "component-digitised": "đã số hóa thành phần hồ sơ",
    "reused": "có khai thác, sử dụng lại dữ liệu đã số hóa",
    "fee": "có phí, lệ phí phải nộp",
    "paid-online": "đã thanh toán trực tuyến",
    "exempt": "thuộc diện miễn phí, lệ phí",
    "due": "có ngày hẹn trả",
    "on-time": "giải quyết đúng hạn",
}


def filter_text(name: str, words: Mapping[str, str] = _FILTERS) -> str:
    """Return a filter in words; a negated one says what does not hold.

    >>> filter_text("on-time"), filter_text("!postal")
    ('giải quyết đúng hạn', 'không nộp qua bưu chính')
    """
    said = words[name.removeprefix(NOT)]
    if not name.startswith(NOT):
        return said
    return f"không phải {said}" if said.startswith("của ") else f"không {said.removeprefix('đã ')}"


_NOUNS: Final[Mapping[str, str]] = {
    "dossier": "hồ sơ",
    "transaction": "giao dịch",
    "copy": "bản sao",
    "service": "dịch vụ công",
    "catalogue": "thủ tục",
    "measure": "trường hợp",
}
_DO: Final[Mapping[str, str]] = {
    "online": (
        "Rà soát các thủ tục{listed} còn nộp trực tiếp; tại bộ phận một cửa, hướng dẫn, hỗ trợ người dân, doanh nghiệp "
        "tạo tài khoản và nộp hồ sơ trực tuyến."
    ),
    "digitised": "Số hóa kết quả trước khi trả; số hóa bổ sung kết quả của các hồ sơ đã giải quyết.",
    "electronic": "Ký số và cấp kết quả điện tử khi trả; cấp bổ sung cho các hồ sơ đã giải quyết.",
    "full": "Phối hợp với cơ quan quản lý danh mục đưa thêm thủ tục lên mức toàn trình; hướng dẫn nộp toàn trình.",
    "component-digitised": "Số hóa thành phần hồ sơ ngay khi tiếp nhận; số hóa bổ sung các hồ sơ đã tiếp nhận.",
    "reused": "Khai thác dữ liệu, giấy tờ đã số hóa thay cho việc yêu cầu nộp lại.",
    "paid-online": "Hướng dẫn, hỗ trợ người nộp thanh toán trực tuyến ngay khi tiếp nhận hồ sơ có phí, lệ phí.",
    "on-time": "Rà soát hồ sơ sắp đến hạn và quá hạn; giải quyết trước ngày hẹn trả, xin lỗi và hẹn lại khi quá hạn.",
}
"""mark of a dossier → what brings more dossiers to bear it"""
_FINISH: Final[Mapping[str, str]] = {
    "digitised": "số hóa và lưu kết quả",
    "electronic": "ký số và cấp kết quả điện tử",
    "component-digitised": "số hóa thành phần hồ sơ",
    "reused": "ghi nhận việc sử dụng lại dữ liệu đã số hóa",
    "paid-online": "thanh toán trực tuyến",
    "on-time": "giải quyết trước ngày hẹn trả",
}
"""mark of a dossier that may come late → what is still to be done"""
_OTHERWISE: Final = "Rà soát những việc chưa đạt yêu cầu của chỉ tiêu, phân công khắc phục."


def advice_text(indicator: str, formula: Formula | None) -> str:
    """Return what a unit does for an indicator: follows from what is counted, so that every decision's has one."""
    if formula is None:
        return _OTHERWISE
    if formula.count == "transaction":
        where = " trên Cổng Dịch vụ công quốc gia" if "national-gateway" in formula.numerator else ""
        return f"Hướng dẫn, hỗ trợ người nộp thanh toán trực tuyến{where} ngay khi tiếp nhận hồ sơ có phí, lệ phí."
    if formula.count == "copy":
        return "Khi chứng thực bản sao, giới thiệu và thực hiện chứng thực bản sao điện tử từ bản chính."
    if formula.count == "service":
        kind = "hồ sơ trực tuyến" if "online" in formula.numerator else "hồ sơ"
        return (
            f"Rà soát các dịch vụ công trực tuyến chưa phát sinh {kind}; tuyên truyền, hướng dẫn người dân, doanh "
            "nghiệp sử dụng các dịch vụ đó."
        )
    if formula.count == "catalogue":
        what = "cung cấp dịch vụ công trực tuyến toàn trình cho các thủ tục đủ điều kiện còn lại"
        if indicator == "national-portal-integration":
            what = "tích hợp, cung cấp các dịch vụ công trực tuyến còn lại trên Cổng Dịch vụ công quốc gia"
        elif "payable-online" in formula.numerator:
            what = "cho phép thanh toán trực tuyến đối với các thủ tục còn lại"
        return f"Phối hợp với cơ quan quản lý Cổng Dịch vụ công {what}."
    listed = " thuộc danh mục đã công bố" if formula.asks_list else ""  # of a measure there is nothing more to say
    return " ".join(_DO[mark].format(listed=listed) for mark in formula.numerator if mark in _DO) or _OTHERWISE


def finish_text(formula: Formula | None) -> str:
    """Return what is to be done with dossiers that an indicator of 100 % still misses."""
    marks = () if formula is None else formula.numerator
    what = ", ".join(_FINISH[mark] for mark in marks if mark in _FINISH)
    return "Hoàn thành các hồ sơ được liệt kê" + (f": {what}." if what else ".")


_ANSWERS: Final[Mapping[tuple[str, str], str]] = {
    ("postal_in_denominator", "true"): "có tính",
    ("postal_in_denominator", "false"): "không tính",
    ("report_months", "calendar"): "tháng dương lịch",
    ("report_months", "15-14"): "từ ngày 15 tháng trước đến ngày 14",
    ("trajectory", "default"): "theo mặc định của quyết định",
    ("trajectory", "flat"): "giữ nguyên chỉ tiêu từ ngày đầu",
    ("trajectory", "linear"): "tăng đều đến chỉ tiêu",
    ("alert_rule", "evidence"): "cảnh báo khi số liệu đủ căn cứ",
    ("alert_rule", "literal"): "cảnh báo ngay khi thấp hơn lộ trình",
    ("alert_rule", "graded"): "cảnh báo theo mức độ",
    ("alert_rule", "forecast"): "cảnh báo theo dự báo",
}
_PLAIN: Final[Mapping[str, str]] = {"none": "chưa xác định", "true": "có", "false": "không"}


def question_text(name: str, decision: Decision) -> str:
    """Return the question that a switch answers."""
    own = decision.switches.get(name)
    return own.question if own is not None else QUESTIONS.get(name, name)


def answer_text(name: str, value: str, decision: Decision) -> str:
    """Return what the value of a switch means: a day, the file's own words, or those of the common switches.

    A choice to which its file gives no words stands as the file has it.
    """
    own = decision.switches.get(name)
    if own is not None and value in own.answers:
        return own.answers[value]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return f"ngày {day_vn(date.fromisoformat(value))}"
    return _ANSWERS.get((name, value)) or _PLAIN.get(value, value)


def counted_text(formula: Formula) -> str:
    """Return what an indicator counts, as a noun."""
    return "đơn vị" if formula.shape == "adoption" else _NOUNS[formula.count]


def formula_text(indicator: Indicator, formula: Formula, switches: Mapping[str, str]) -> tuple[str, str]:
    """Return what numerator and denominator of an indicator count, in words, as the switches have it."""
    if formula.count == "measure":
        return "số trường hợp đạt, do nguồn bên ngoài cung cấp", _COUNTED["measure"]
    if formula.count == "catalogue" and formula.numerator:
        return (
            f"{_procedures(formula.numerator)}, tại ngày chốt",
            f"{_procedures(formula.denominator)} trong danh mục, tại ngày chốt",
        )
    if formula.count == "catalogue":
        return (
            "thủ tục trong danh mục đạt yêu cầu của chỉ tiêu, tại ngày chốt",
            "thủ tục đủ điều kiện trong danh mục, tại ngày chốt",
        )
    if formula.count == "service":
        kind = "hồ sơ trực tuyến" if "online" in formula.numerator else "hồ sơ"
        return f"dịch vụ công trực tuyến có phát sinh {kind}", "dịch vụ công trực tuyến trong danh mục"
    if formula.shape == "adoption":
        return "1 nếu đơn vị có ít nhất một bản sao điện tử", "1 nếu đơn vị có chứng thực bản sao"
    below = formula.denominator
    words = [_COUNTED[formula.basis], *(filter_text(f) for f in below)]
    if indicator == "online-dossiers" and switches.get("postal_in_denominator") == "false":
        words.append("không kể hồ sơ qua bưu chính")
    above = ", ".join(filter_text(f) for f in formula.numerator if f not in below)
    return f"{counted_text(formula)} {above} trong số đó", ", ".join(words)


_OF_PROCEDURE: Final[Mapping[str, str]] = {
    "listed": "thuộc danh mục đã công bố",
    "full": "cung cấp toàn trình",
    "partial": "cung cấp một phần",
    "payable-online": "thanh toán được trực tuyến",
}


def _procedures(filters: Iterable[str]) -> str:
    return " ".join(("thủ tục", *(filter_text(name, _OF_PROCEDURE) for name in filters)))


def still_needed_text(needed: int, rest: int, what: str) -> str:
    """Return what the rest of the period has to bring for the target, and that it is hardly to be had where it is not.

    >>> still_needed_text(1510, 2130, "hồ sơ")
    'Để đạt chỉ tiêu cần thêm 1.510 trong khoảng 2.130 hồ sơ còn lại.'
    >>> still_needed_text(5, 4, "hồ sơ")
    'Để đạt chỉ tiêu cần thêm 5 hồ sơ, trong khi dự kiến chỉ còn khoảng 4 hồ sơ: khó có thể đạt.'
    """
    if needed > rest:
        return (
            f"Để đạt chỉ tiêu cần thêm {number_text(needed)} {what}, trong khi dự kiến chỉ còn khoảng "
            f"{number_text(rest)} {what}: khó có thể đạt."
        )
    return f"Để đạt chỉ tiêu cần thêm {number_text(needed)} trong khoảng {number_text(rest)} {what} còn lại."
