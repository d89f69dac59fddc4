"""What a page has to know besides figures: names, classes, groups, indicators, the decision. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from models.decisions.file import NOT, Formula, Indicator
from models.decisions.reading import Reading
from models.registers.units import Unit

CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "province-agency": ("Sở, ban, ngành", "Province agencies"),
    "district": ("Huyện, thành phố", "Districts"),
    "commune": ("Xã, phường, thị trấn", "Communes"),
    "other": ("Đơn vị khác", "Other units"),
}
ENGLISH: Final[Mapping[Indicator, str]] = {
    "full-online-provision": "Fully online provision",
    "services-with-dossiers": "Services in use",
    "online-dossiers": "Online dossiers",
    "online-payments": "Online payments",
    "digitised-results": "Digitised results",
    "electronic-results": "Electronic results",
    "electronic-copies": "Electronic copies",
    "national-portal-integration": "National portal",
}
# Short forms that officials use themselves; the full name stands beside it in the unit's own view.
SHORT: Final = (
    ("Lao động - Thương binh và Xã hội", "LĐ-TB&XH"),
    ("Nông nghiệp và Phát triển nông thôn", "NN&PTNT"),
    ("Nông nghiệp và Môi trường", "NN&MT"),
    ("Tài nguyên và Môi trường", "TN&MT"),
    ("Kế hoạch và Đầu tư", "KH&ĐT"),
    ("Giáo dục và Đào tạo", "GD&ĐT"),
    ("Văn hóa, Thể thao và Du lịch", "VH-TT&DL"),
    ("Văn hóa và Thể thao", "VH&TT"),
    ("Thông tin và Truyền thông", "TT&TT"),
    ("Khoa học và Công nghệ", "KH&CN"),
    ("Giao thông vận tải", "GTVT"),
    ("Ủy ban nhân dân ", "UBND "),
    ("Ban Quản lý", "BQL"),
    ("Khu kinh tế", "KKT"),
    ("Khu công nghiệp", "KCN"),
    ("Thành phố ", "TP. "),
    ("Thị xã ", "TX. "),
    ("Thị trấn ", "TT. "),
    ("Phường ", "P. "),
)
Words = tuple[str, str]
"""Vietnamese, English"""


def short_name(name: str) -> str:
    """Return a unit's name as it fits on a wall.

    >>> short_name("Sở Lao động - Thương binh và Xã hội"), short_name("Thị trấn Đông Hưng"), short_name("Xã An Châu")
    ('Sở LĐ-TB&XH', 'TT. Đông Hưng', 'An Châu')
    """
    for long, short in SHORT:
        name = re.sub(re.escape(long), short, name, flags=re.IGNORECASE)
    return name.removeprefix("Xã ").removeprefix("Huyện ")


def describe(reading: Reading, on: date) -> dict[str, Any]:
    """Return what stands at `/meta` of the reading's board, as of a civil day."""
    decision = reading.decision
    first, last = reading.period(on)
    targets = reading.targets(reading.nearest(on))
    return {
        "id": decision.id,
        "number": decision.number,
        "title": decision.title,
        "issuer": decision.issuer,
        "issuer_short": short_name(decision.issuer.removeprefix("Chủ tịch ")) if decision.issuer else None,
        "issued": _day(decision.issued),
        "effective": _day(decision.effective),
        "period": {"from": first.isoformat(), "to": last.isoformat()},
        "area": _area(reading, on),
        "province": {"code": decision.province, "name": reading.registry.name(decision.province)},
        "indicators": [_indicator(reading, i, formula) for i, formula in reading.indicators.items()],
        "classes": [{"id": i, "name": vi, "name_en": en} for i, (vi, en) in CLASSES.items()],
        "units": {unit.code: _unit(reading, unit, on) for unit in _units(reading, on)},
        "groups": [
            {
                "unit": group.code,
                "name": group.name,
                "district": reading.registry.home(group.code),
                "row": group.row,
                "members": list(group.members),
            }
            for group in targets.groups.values()
        ],
        "no_target": dict(decision.no_target),
    }


def _area(reading: Reading, on: date) -> str:
    """Return whose figures the board shows: the one district all of whose units are meant, else the province."""
    registry, decision = reading.registry, reading.decision
    districts = {registry.home(code) for code in reading.targets(reading.nearest(on)).rows}
    district = next(iter(districts)) if len(districts) == 1 else None
    alone = district and district in registry.units and registry.units[district].level == "district"
    return registry.name(district if district and alone else decision.province)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _units(reading: Reading, on: date) -> list[Unit]:
    """Return the units of the province, and whoever else the decision names."""
    registry, province = reading.registry, reading.decision.province
    named = reading.targets(reading.nearest(on)).rows
    return [
        unit
        for code, unit in sorted(registry.units.items())
        if unit.level != "province" and (code in named or registry.province_of(code) == province)
    ]


def _unit(reading: Reading, unit: Unit, on: date) -> dict[str, Any]:
    row = reading.targets(reading.nearest(on)).rows.get(unit.code)
    return {
        "name": unit.name,
        "short": short_name(unit.name),
        "class": unit.level if unit.level in CLASSES else "other",
        "parent": unit.parent if unit.level == "commune" else None,
        "row": None if row is None else row.row,
        "no_target": {} if row is None else dict(row.no_target),
    }


def _indicator(reading: Reading, indicator: Indicator, formula: Formula) -> dict[str, Any]:
    noun, (numerator, denominator) = _noun(formula), _parts(indicator, formula)
    must = _must(indicator, formula)
    return {
        "id": indicator,
        "short": formula.short,
        "short_en": formula.short_en or ENGLISH.get(indicator) or indicator.replace("-", " ").capitalize(),
        "title": formula.title,
        "clause": formula.clause,
        "formula": f"{numerator[0]} ÷ {denominator[0]}",
        "formula_en": f"{numerator[1]} ÷ {denominator[1]}",
        "noun": noun[0],
        "noun_en": noun[1],
        "must": must[0],
        "must_en": must[1],
        "reading": formula.reading,
        "measured": reading.measured(indicator),
        "moves": reading.moves(indicator),
        "adoption": formula.shape == "adoption",
        "volume": formula.count in ("dossier", "transaction"),
    }


def _noun(formula: Formula) -> Words:
    """Return what one counts."""
    if formula.shape == "adoption":
        return "đơn vị", "units"
    return {
        "dossier": ("hồ sơ", "dossiers"),
        "transaction": ("giao dịch", "payments"),
        "copy": ("bản sao", "copies"),
        "service": ("dịch vụ", "services"),
        "catalogue": ("thủ tục", "procedures"),
        "measure": ("trường hợp", "cases"),
    }[formula.count]


def _must(indicator: Indicator, formula: Formula) -> Words:
    """Return what each of those still to come has to be, after "9 trên 10 hồ sơ còn lại"."""
    if formula.count == "dossier":
        said = {
            "online": ("nộp trực tuyến", "be filed online"),
            "digitised": ("được số hóa kết quả", "have a digitised result"),
            "electronic": ("được trả kết quả điện tử", "get an e-result"),
            "full": ("thuộc thủ tục toàn trình", "be of a fully online procedure"),
            "component-digitised": ("được số hóa thành phần hồ sơ", "have digitised components"),
            "reused": ("sử dụng lại dữ liệu đã số hóa", "reuse digitised data"),
            "paid-online": ("được thanh toán trực tuyến", "be paid online"),
            "national-gateway": ("được thanh toán qua Cổng DVC quốc gia", "be paid through the national portal"),
            "on-time": ("được giải quyết đúng hạn", "be resolved on time"),
        }
        found = [said[mark] for mark in formula.numerator if mark in said] or [("đạt", "count")]
        vi, en = " và ".join(vi for vi, _ in found), " and ".join(en for _, en in found)
    elif formula.count == "transaction":
        vi, en = "thanh toán trực tuyến", "be made online"
    elif formula.count == "copy":
        vi, en = "là bản sao điện tử", "be electronic"
    elif formula.count == "measure":
        vi, en = "đạt", "count"
    elif formula.count == "service":
        vi, en = "có hồ sơ", "have dossiers"
        if "online" in formula.numerator:
            vi, en = "có hồ sơ trực tuyến", "have online dossiers"
    elif "payable-online" in formula.numerator:
        vi, en = "thanh toán được trực tuyến", "be payable online"
    elif indicator == "national-portal-integration":
        vi, en = "được tích hợp Cổng DVC quốc gia", "be on the national portal"
    else:
        vi, en = "được cung cấp toàn trình", "be provided fully online"
    return f"phải {vi}", f"must {en}"


def _parts(indicator: Indicator, formula: Formula) -> tuple[Words, Words]:
    """Return numerator and denominator in words: the formula in one line."""
    if formula.count == "dossier":
        return _dossier_parts(formula)
    if formula.count == "measure" or (formula.count == "catalogue" and formula.numerator):
        return _own_parts(formula)
    services = ("dịch vụ công trực tuyến", "online services")
    if formula.count == "transaction":
        above = ("giao dịch trực tuyến", "online payments")
        if "national-gateway" in formula.numerator:
            above = ("giao dịch trực tuyến qua Cổng DVC quốc gia", "online payments through the national portal")
        below = ("giao dịch thanh toán", "payments")
    elif formula.shape == "adoption":
        above, below = (
            ("đơn vị có bản sao điện tử", "units with e-copies"),
            ("đơn vị có chứng thực", "units that certify"),
        )
    elif formula.count == "copy":
        above, below = ("bản sao điện tử", "e-copies"), ("bản sao chứng thực", "certified copies")
    elif formula.count == "service":
        above, below = ("dịch vụ có hồ sơ", "services with dossiers"), services
        if "online" in formula.numerator:
            above = ("dịch vụ có hồ sơ trực tuyến", "services with online dossiers")
    elif indicator == "national-portal-integration":
        above, below = ("dịch vụ đã tích hợp Cổng DVC quốc gia", "services on the national portal"), services
    else:
        above = ("thủ tục cung cấp toàn trình", "fully online procedures")
        below = ("thủ tục đủ điều kiện", "eligible procedures")
    return above, below


def _own_parts(formula: Formula) -> tuple[Words, Words]:
    """Return the parts of figures that come from outside, or from the catalogue under a decision's own name."""
    if formula.count == "measure":
        return ("trường hợp đạt", "cases that count"), ("trường hợp được khảo sát, thống kê", "cases")
    of = [("thủ tục", "procedures")]
    return (
        _joined([*of, *(_mark(f) for f in formula.numerator)]),
        _joined([*of, *(_mark(f) for f in formula.denominator)]),
    )


_MARKS: Final[Mapping[str, Words]] = {
    "online": ("nộp trực tuyến", "filed online"),
    "postal": ("nộp qua bưu chính", "sent by post"),
    "assisted": ("có người hỗ trợ nộp", "filed with assistance"),
    "listed": ("thuộc danh mục", "listed"),
    "full": ("toàn trình", "fully online"),
    "partial": ("một phần", "partly online"),
    "payable-online": ("thanh toán được trực tuyến", "payable online"),
    "digitised": ("đã số hóa kết quả", "with a digitised result"),
    "electronic": ("trả kết quả điện tử", "with an e-result"),
    "result-document": ("có kết quả phải trả", "that yield a document"),
    "component-digitised": ("đã số hóa thành phần", "with digitised components"),
    "reused": ("sử dụng lại dữ liệu số hóa", "that reuse digitised data"),
    "fee": ("có phí, lệ phí", "that owe a fee"),
    "paid-online": ("thanh toán trực tuyến", "paid online"),
    "national-gateway": ("thanh toán qua Cổng DVC quốc gia", "paid through the national portal"),
    "exempt": ("thuộc diện miễn phí, lệ phí", "with the fee waived"),
    "due": ("có ngày hẹn trả", "with a due day"),
    "on-time": ("đúng hạn", "on time"),
}


def _mark(name: str) -> Words:
    """Return a filter in words; a negated one says what does not hold."""
    vi, en = _MARKS[name.removeprefix(NOT)]
    return (f"không {vi.removeprefix('đã ')}", f"not {en}") if name.startswith(NOT) else (vi, en)


def _dossier_parts(formula: Formula) -> tuple[Words, Words]:
    basis = {
        "received": ("hồ sơ tiếp nhận", "dossiers received"),
        "resolved": ("hồ sơ đã giải quyết", "dossiers resolved"),
        "issued": ("hồ sơ đã trả kết quả", "results issued"),
    }.get(formula.basis, ("hồ sơ", "dossiers"))
    filters = [m for m in formula.denominator if m != "result-document"]
    above = [("hồ sơ", "dossiers"), *(_mark(m) for m in formula.numerator)]
    below = [basis, *(_mark(m) for m in filters)]
    return _joined(above), _joined(below)


def _joined(parts: list[Words]) -> Words:
    return " ".join(vi for vi, _ in parts), " ".join(en for _, en in parts)
