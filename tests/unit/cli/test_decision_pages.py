"""`decisions show` and `decisions diff` as an official reads them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from streams.files.decision_files import read_decision_text, shipped_decisions
from tests.commands import typed as lotrinh


def shown(*arguments: str) -> list[str]:
    return lotrinh("decisions", "show", *arguments).stdout.splitlines()


def squeezed(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize("name", shipped_decisions())
def test_every_decision_fits_a_page_of_100_columns(name: str) -> None:
    lines = shown(name, "--as-of", "2024-06-01")

    assert max(map(len, lines)) <= 100
    assert not any(line != line.rstrip() for line in lines)
    for heading in (
        "Ban hành",
        "Hiệu lực",
        "Kỳ đánh giá",
        "CHỈ TIÊU",
        "GIAO CHO (tỷ lệ tối thiểu, %)",
        "CÂU HỎI CÒN MỞ",
    ):
        assert any(line.startswith(heading) for line in lines), heading


def test_the_page_of_thai_binh() -> None:
    lines = squeezed(shown("thai-binh-2024"))

    assert lines[0] == "QUYẾT ĐỊNH số 805/QĐ-UBND"
    assert "Ban hành Chủ tịch Ủy ban nhân dân tỉnh Thái Bình, ngày 24/05/2024" in lines
    assert "Kỳ đánh giá 01/01/2024 – 31/12/2024 (Tên quyết định và Phụ lục: năm 2024)" in lines
    assert "Cách tính: hồ sơ nộp trực tuyến ÷ hồ sơ tiếp nhận, theo ngày tiếp nhận" in lines
    assert "2 Sở Công Thương 80 50 45 100 100 85 – a" in lines
    assert "10 Sở Tài chính 80 50 – b 100 100 85 – a" in lines
    assert "XÃ, PHƯỜNG, THỊ TRẤN (260 đơn vị)" in lines
    assert "– b không giao (3): Tỷ lệ thanh toán trực tuyến không đăng ký do các thủ tục không thu phí" in lines
    assert lines.index("SỞ, BAN, NGÀNH (16 đơn vị)") < lines.index("HUYỆN, THÀNH PHỐ (8 đơn vị)")
    at = next(n for n, line in enumerate(lines) if line.startswith("18 38/38 xã, thị trấn huyện Đông Hưng"))
    assert "[38 đơn vị]" in " ".join(lines[at : at + 2])


def test_the_year_and_the_switches_are_those_asked_about() -> None:
    row = "2.1.d UBND các huyện, thị, thành phố [13 đơn vị]"
    early = squeezed(shown("ha-tinh", "--as-of", "2022-09-01"))
    late = squeezed(shown("ha-tinh", "--as-of", "2024-06-01"))
    relative = squeezed(shown("ha-tinh", "--as-of", "2024-06-01", "--set", "yearly_increase=relative"))
    copies = squeezed(shown("thai-binh-2024", "--set", "electronic_copies=share"))

    assert f"{row} 100 80 80 50" in early
    assert f"{row} 100 80 80 70" in late
    assert f"{row} 100 80 80 60,5" in relative
    assert "yearly_increase = relative (hoặc: points)" in relative
    assert "Cách tính: bản sao điện tử ÷ bản sao chứng thực, theo ngày chứng thực" in copies


def test_a_class_without_units_says_what_is_missing() -> None:
    assert any("Các sở, ban, ngành [chưa khai báo đơn vị nào: --units]" in line for line in shown("ha-tinh"))


@pytest.fixture
def versions(tmp_path: Path) -> tuple[str, str]:
    """Thái Bình's decision, and a made-up amendment of it."""
    text = read_decision_text("thai-binh-2024")[1]
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(text, encoding="utf-8")
    amended = text.replace('number = "805/QĐ-UBND"', 'number = "999/QĐ-UBND"').replace(
        "to = 2024-12-31", "to = 2024-11-30"
    )
    amended = re.sub(r'(name = "Sở Y tế", targets = \["80", )"50"', r'\1"65"', amended)
    amended = re.sub(r'(name = "Sở Tài chính", targets = \["80", "50", )""', r'\1"30"', amended)
    amended = re.sub(r'(count = 38, targets = \["", )"50"', r'\1"45"', amended)
    amended = re.sub(r'  \{ row = "3", .*\n', "", amended)
    amended = re.sub(r'  \{ row = "29", .*\n  \{ row = "30", .*\n', "", amended)
    amended = amended.replace(
        'basis = "received"\nnumerator = ["online"]', 'basis = "resolved"\nnumerator = ["online"]'
    )
    amended = amended.replace('choices = ["adoption", "share"]', 'choices = ["share", "adoption"]')
    new.write_text(amended, encoding="utf-8")
    return str(old), str(new)


def test_what_differs_is_said_in_words(versions: tuple[str, str]) -> None:
    lines = squeezed(lotrinh("decisions", "diff", *versions, "--as-of", "2024-06-01").stdout.splitlines())

    assert lines == [
        "SO SÁNH thai-binh-2024 (805/QĐ-UBND) → thai-binh-2024 (999/QĐ-UBND)",
        "",
        "QUYẾT ĐỊNH",
        "số: 805/QĐ-UBND → 999/QĐ-UBND",
        "ngày cuối kỳ: 31/12/2024 → 30/11/2024",
        "",
        "CÔNG THỨC VÀ CÂU HỎI CÒN MỞ",
        "Hồ sơ trực tuyến, ngày tính (basis): received → resolved",
        "Bản sao điện tử, dạng tỷ lệ (shape): adoption → ratio",
        "electronic_copies, các lựa chọn: adoption | share → share | adoption",
        "",
        "ĐƠN VỊ THÔI GIAO (32)",
        "– 30/30 xã, thị trấn huyện Vũ Thư [30 đơn vị] (344/communes, hàng 30)",
        "– Sở Giáo dục và Đào tạo (34.so-giao-duc-va-dao-tao, hàng 3)",
        "– Huyện Vũ Thư (344, hàng 29)",
        "",
        "CHỈ TIÊU THAY ĐỔI (40)",
        "▼ giảm: 38/38 xã, thị trấn huyện Đông Hưng [38 đơn vị], Hồ sơ trực tuyến: 50 % → 45 %",
        "+ mới giao: Sở Tài chính, Thanh toán trực tuyến: không giao → 30 %",
        "▲ nâng: Sở Y tế, Hồ sơ trực tuyến: 50 % → 65 %",
    ]


def test_what_differs_as_json(versions: tuple[str, str]) -> None:
    found: dict[str, Any] = json.loads(lotrinh("decisions", "diff", *versions, "--json").stdout)

    assert {
        "unit": "34.so-y-te",
        "name": "Sở Y tế",
        "indicator": "online-dossiers",
        "old": "50",
        "new": "65",
        "members": 1,
        "change": "raised",
    } in found["targets"]
    assert [t["change"] for t in found["targets"]] == ["lowered", "assigned", "raised"]
    assert {"place": "", "name": "period.to", "old": "2024-12-31", "new": "2024-11-30"} in found["fields"]
    assert [u["unit"] for u in found["units_removed"]] == ["344/communes", "34.so-giao-duc-va-dao-tao", "344"]
    assert found["units_added"] == []


def test_the_other_way_round_raises_what_was_lowered(versions: tuple[str, str]) -> None:
    found = json.loads(lotrinh("decisions", "diff", *reversed(versions), "--json").stdout)

    assert [t["change"] for t in found["targets"]] == ["raised", "withdrawn", "lowered"]
    assert len(found["units_added"]) == 3


def test_a_decision_does_not_differ_from_itself() -> None:
    done = lotrinh("decisions", "diff", "lak-2022", "lak-2022")

    assert done.stdout.splitlines()[-1] == "Không có gì khác nhau."
    assert json.loads(lotrinh("decisions", "diff", "lak-2022", "lak-2022", "--json").stdout)["targets"] == []


def test_two_provinces_have_no_unit_in_common() -> None:
    found = json.loads(lotrinh("decisions", "diff", "lak-2022", "hai-duong-2022", "--json").stdout)

    assert (len(found["units_removed"]), sum(u["members"] for u in found["units_added"]), found["targets"]) == (
        11,
        247,
        [],
    )
