"""`lotrinh decisions check`: a table of broken files, and the very lines their author reads."""

import random
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.authoring.checking import check
from models.decisions.file import Decision
from models.decisions.reading import Sources
from models.registers.units import Unit
from streams.cli.decisions import described
from streams.files.decision_files import read_decision_text, shipped_decisions, shipped_registry
from tests.commands import typed as lotrinh

SMALL = """\
id = "thu"
number = "1/QĐ-UBND"
title = "Thử"
issuer = "Chủ tịch UBND tỉnh Thái Bình"
effective = 2024-01-01
province = "34"
text = "thu.txt"
columns = ["online-dossiers", "online-payments"]
rows = [
  { row = "1", unit = "34.so-y-te", name = "Sở Y tế", targets = ["50", "45"] },
  { row = "2", unit = "340/communes", name = "38/38 xã huyện Đông Hưng", count = 38, targets = ["50", ""] },
  { row = "3", unit = "339", name = "Ủy ban nhân dân huyện Hưng Hà", targets = ["50", "45"] },
]
[period]
from = 2024-01-01
to = 2024-12-31
clause = "Điều 1"
[indicators.online-dossiers]
title = "Tỷ lệ hồ sơ trực tuyến"
short = "Trực tuyến"
clause = "Điều 1"
count = "dossier"
basis = "received"
numerator = ["online"]
[indicators.online-payments]
title = "Tỷ lệ thanh toán trực tuyến"
short = "Thanh toán"
clause = "Điều 1"
count = "transaction"
basis = "paid"
numerator = ["online"]
"""

# what is replaced, by what, and the problems found
BROKEN: list[tuple[str, str, list[str]]] = [
    (
        'number = "1/QĐ-UBND"', 'number  "1/QĐ-UBND"',
        ["dòng 2, cột 9: thiếu dấu = sau tên của một mục | line 2, column 9: not TOML: Expected '=' after a key in a key/value pair"],
    ),
    (
        'title = "Thử"', 'title = "Thử',
        ["dòng 3, cột 13: thiếu dấu ngoặc kép đóng lại trước khi xuống dòng | line 3, column 13: not TOML: Illegal character '\\n'"],
    ),
    (
        "issuer = ", "isuer = ",
        ['isuer: không có mục "isuer"; có phải là "issuer"? | isuer: unknown key "isuer"; did you mean "issuer"?'],
    ),
    ("issuer = ", "# issuer = ", ["issuer: thiếu mục này | issuer: is missing"]),
    (
        "count = 38", "cuont = 38",
        [('hàng 2 (38/38 xã huyện Đông Hưng), dòng 11 của tệp, cuont: không có mục "cuont"; có phải là "count"? | '
         'row \'2\', line 11 of the file, cuont: unknown key "cuont"; did you mean "count"?')],
    ),
    (
        '"Sở Y tế", targets = ["50", "45"]', '"Sở Y tế", targets = ["5O", "145"]',
        [('hàng 1 (Sở Y tế), dòng 10 của tệp, online-dossiers: "5O" không phải là số phần trăm | '
         "row '1', line 10 of the file, online-dossiers: '5O' is not a number of percent"),
         ("hàng 1 (Sở Y tế), dòng 10 của tệp, online-payments: 145 % không nằm trong khoảng từ 0 đến 100 | "
         "row '1', line 10 of the file, online-payments: 145 percent is not between 0 and 100")],
    ),
    (
        'targets = ["50", ""]', 'targets = ["50"]',
        [("hàng 2 (38/38 xã huyện Đông Hưng), dòng 11 của tệp: có 1 chỉ tiêu trong khi `columns` có 2 cột | "
         "row '2', line 11 of the file: 1 targets under 2 columns")],
    ),
    (
        'targets = ["50", ""]', "targets = [50, 45]",
        [("hàng 2 (38/38 xã huyện Đông Hưng), dòng 11 của tệp, targets, 1: 50 phải là chữ trong dấu ngoặc kép | "
         "row '2', line 11 of the file, targets, 1: 50 expected a text in quotes"),
         ("hàng 2 (38/38 xã huyện Đông Hưng), dòng 11 của tệp, targets, 2: 45 phải là chữ trong dấu ngoặc kép | "
         "row '2', line 11 of the file, targets, 2: 45 expected a text in quotes")],
    ),
    (
        'unit = "34.so-y-te"', 'unit = "35.so-yte"',
        [('hàng 1 (Sở Y tế), dòng 10 của tệp: danh mục đơn vị không có mã "35.so-yte"; gần nhất: "34.so-y-te" | '
         "row '1', line 10 of the file: no registry knows the unit '35.so-yte'; nearest: \"34.so-y-te\"")],
    ),
    (
        'unit = "339"', 'unit = "999"',
        [('hàng 3 (Ủy ban nhân dân huyện Hưng Hà), dòng 12 của tệp: danh mục đơn vị không có mã "999"; '
         'gần nhất: "339" (Huyện Hưng Hà), "342" (Huyện Tiền Hải), "340" (Huyện Đông Hưng) | '
         "row '3', line 12 of the file: no registry knows the unit '999'; "
         'nearest: "339" (Huyện Hưng Hà), "342" (Huyện Tiền Hải), "340" (Huyện Đông Hưng)')],
    ),
    (
        "count = 38", "count = 39",
        [("hàng 2 (38/38 xã huyện Đông Hưng), dòng 11 của tệp: hàng ghi 39 xã, danh mục đơn vị có 38 xã | "
         "row '2', line 11 of the file: it names 39 communes, the registry has 38")],
    ),
    (
        '{ row = "3", unit = "339"', '{ row = "1", unit = "34.so-y-te"',
        [("hàng 1 (Ủy ban nhân dân huyện Hưng Hà), dòng 12 của tệp: hàng này có hai lần | "
         "row '1', line 12 of the file: the row stands twice")],
    ),
    (
        'columns = ["online-dossiers", "online-payments"]', 'columns = ["online-dossiers", "electronic-copies"]',
        [f"hàng {row} ({name}), dòng {line} của tệp: chỉ tiêu electronic-copies chưa có công thức tại "
         f"[indicators.electronic-copies] | row '{row}', line {line} of the file: "
         "indicator electronic-copies has no formula in [indicators]"
         for row, name, line in (("1", "Sở Y tế", 10), ("2", "38/38 xã huyện Đông Hưng", 11), ("3", "Ủy ban nhân dân huyện Hưng Hà", 12))],
    ),
    (
        '{ row = "3", unit = "339"', '{ row = "3", units = "province-agency", of = "34", name = "Các sở", targets = ["55", "45"] },\n  { row = "4", unit = "339"',
        [("hàng 3 (Các sở), dòng 12 của tệp, online-dossiers: Sở Y tế (34.so-y-te) có hai chỉ tiêu: 50 % ở hàng 1, 55 % ở hàng này | "
         "row '3', line 12 of the file, online-dossiers: Sở Y tế (34.so-y-te) has two targets: 50 by row '1', 55 by this one")],
    ),
    (
        "to = 2024-12-31", "to = 2023-12-31",
        ["period: ngày cuối kỳ (`to`) trước ngày đầu kỳ (`from`) | period: the period ends before it begins"],
    ),
    (
        "to = 2024-12-31", 'to = "31/12/2024"',
        [('period.to: "31/12/2024" không phải là một ngày; viết không có ngoặc kép: 2024-05-24 | '
         'period.to: "31/12/2024" is not a date; write it without quotes: 2024-05-24')],
    ),
    (
        'basis = "received"', 'basis = "recieved"',
        [('indicators.online-dossiers.basis: không có giá trị "recieved"; có phải là "received"? | '
         'indicators.online-dossiers.basis: unknown value "recieved"; did you mean "received"?')],
    ),
    (
        "[period]", '[switches.trajectory]\nchoices = ["a"]\nquestion = "?"\nclause = "1"\n[period]',
        [("tùy chọn 'trajectory': mọi quyết định đều đã có tùy chọn này, không khai lại | "
         "switch 'trajectory': every decision has this switch already")],
    ),
]  # fmt: skip


def sources(**switches: str) -> Sources:
    return Sources(registry=shipped_registry(), switches=switches)


@pytest.mark.parametrize(("old", "new", "problems"), BROKEN, ids=[new[:30] for _, new, _ in BROKEN])
def test_each_mistake_has_its_line(old: str, new: str, problems: list[str]) -> None:
    assert old in SMALL
    checked = check(SMALL.replace(old, new, 1), sources())

    assert [str(p) for p in checked.problems] == problems
    assert checked.reading is None


def test_all_mistakes_at_once() -> None:
    text = SMALL
    for old, new in (
        ("issuer = ", "isuer = "), ('basis = "received"', 'basis = "recieved"'), ('"Sở Y tế", targets = ["50"', '"Sở Y tế", targets = ["x"'),
        ("count = 38", "count = 39"), ('unit = "339"', 'unit = "999"'), ("to = 2024-12-31", "to = 2023-12-31"),
    ):  # fmt: skip
        text = text.replace(old, new, 1)
    found = " ".join(str(p) for p in check(text, sources(nothing="1")).problems)

    for part in ("isuer", "recieved", "period", '"x" không', "39 xã"):
        assert part in found


def test_a_switch_nobody_knows() -> None:
    first = check(SMALL, sources(nothing="1")).problems[0]

    assert str(first).startswith('quyết định không có tùy chọn "nothing"; có: alert_rule')


def test_the_file_it_starts_from_is_right() -> None:
    checked = check(SMALL, sources())

    assert (checked.problems, checked.warnings) == ((), ())
    assert checked.reading is not None


def test_warnings_leave_a_file_usable() -> None:
    text = SMALL.replace("effective = 2024-01-01\n", "").replace('["50", "45"]', '["50", ""]')
    text = text.replace('columns = ["online-dossiers", "online-payments"]', 'columns = ["online-dossiers"]')
    text = (
        text.replace(', ""]', "]")
        .replace(', "45"]', "]")
        .replace('"339", name', '"339", baseline = { online-dossiers = "60" }, name')
    )
    text = text.replace("34.so-y-te", "34.so-yte")
    checked = check(text, sources())

    assert checked.reading is not None
    assert [str(w).split(" | ")[1] for w in checked.warnings] == [
        "effective: no day of effect; alerts begin on the first day of the period",
        "indicators.online-payments: has a formula, and no row gives it a target",
        'row \'1\', line 9 of the file: the code "34.so-yte" does not follow from the name; by the rule it is "34.so-y-te"',
        "row '3', line 11 of the file, online-dossiers: the baseline 60 is above the target 50",
    ]


def test_the_command_prints_a_summary_then_a_line_each(tmp_path: Path) -> None:
    file = tmp_path / "thu.toml"
    file.write_text(SMALL.replace("count = 38", "count = 39").replace("issuer = ", "isuer = "))
    broken = lotrinh("decisions", "check", str(file))
    file.write_text(SMALL)
    right = lotrinh("decisions", "check", str(file))
    trajectory = tmp_path / "t.csv"
    trajectory.write_text("unit,indicator,date,value\n339,online-dossiers,2024-03-31,40\n")
    short = lotrinh("decisions", "check", str(file), "--trajectories", str(trajectory))

    lines = broken.stderr.splitlines()
    assert (broken.returncode, broken.stdout, len(lines)) == (2, "", 3)
    assert lines[0] == "thu.toml: có 2 lỗi, chưa dùng được | 2 problems, not usable yet"
    assert (right.returncode, right.stderr) == (0, "")
    assert right.stdout == "thu: hợp lệ; 3 hàng, 40 đơn vị, 42 chỉ tiêu, 38 ô không giao\n"
    assert short.stderr == (
        "thu.toml: lưu ý | warning: lộ trình của 339, online-dossiers: kết thúc ở 40 %, thấp hơn chỉ tiêu 50 % | "
        "trajectory of 339, online-dossiers: ends at 40, below the target 50\n"
    )


def test_other_commands_say_the_first_mistake_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "thu.toml"
    file.write_text(SMALL.replace("count = 38", "count = 39").replace('unit = "339"', 'unit = "999"'))
    done = lotrinh("decisions", "show", str(file))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "lotrinh: thu: row '2': it names 39 communes, the registry has 38 "
        f"(and 1 more: `lotrinh decisions check {file}`)\n"
    )


@pytest.mark.parametrize("name", shipped_decisions())
def test_no_mistake_in_a_shipped_file_ever_escapes_or_crashes(name: str) -> None:
    """Damage one value after the other, at random: a sentence or a sound reading, never an exception."""
    raw = tomllib.loads(read_decision_text(name)[1])
    rng = random.Random(name)
    strange: list[Any] = ["", "?", -1, 3.5, True, [], {}, ["x"], {"x": "y"}, date(2024, 2, 29), "101", None]
    for _ in range(60):
        damaged = tomllib.loads(read_decision_text(name)[1])
        place: Any = damaged
        while True:
            key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if isinstance(place[key], dict | list) and place[key] and rng.random() < 0.85:
                place = place[key]
                continue
            break
        value = rng.choice(strange)
        if value is None:
            del place[key]
        else:
            place[key] = value
        checked = check(to_toml(damaged), sources())

        assert all("\n" not in str(p) and p.what[0] != p.what[1] for p in checked.problems)  # said in both languages
        if checked.reading is not None:
            Decision.model_validate(tomllib.loads(to_toml(damaged)))
            assert described(checked.reading, checked.reading.nearest(date(2024, 6, 1)))["switches"]
    assert check(to_toml(raw), sources()).problems == ()


def to_toml(raw: dict[str, Any]) -> str:
    """Write a document as TOML, all tables inline."""

    def value(v: Any) -> str:
        if isinstance(v, bool):
            return str(v).lower()
        if isinstance(v, date):
            return v.isoformat()
        if isinstance(v, list):
            return f"[{', '.join(value(x) for x in v)}]"
        if isinstance(v, dict):
            return "{" + ", ".join(f'"{k}" = {value(x)}' for k, x in v.items()) + "}"
        return '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(v, str) else str(v)

    return "".join(f"{k} = {value(v)}\n" for k, v in raw.items())


CLASSES = """
id = "hoa-binh-2022"
number = "279/QĐ-UBND"
title = "Giao chỉ tiêu"
issuer = "Chủ tịch Ủy ban nhân dân tỉnh Hòa Bình"
issued = 2022-02-18
effective = 2022-02-18
province = "17"
text = "hoa-binh-2022.txt"
columns = ["online-dossiers"]
rows = [
  { row = "1", units = "province-agency", of = "17", name = "Sở, ban, ngành", AGENCIES targets = ["55"] },
  { row = "2", units = "district", of = "17", name = "UBND các huyện, thành phố", DISTRICTS targets = ["55"] },
]
[period]
from = 2022-01-01
to = 2022-12-31
clause = "năm 2022"
[indicators.online-dossiers]
title = "Tỷ lệ hồ sơ trực tuyến"
short = "Hồ sơ trực tuyến"
clause = "tên quyết định"
count = "dossier"
basis = "resolved"
numerator = ["online"]
"""


@pytest.mark.parametrize(
    ("agencies", "districts", "problems", "warnings"),
    [
        ("", "", [], ["row '1', line 12 of the file: it watches nobody yet"]),
        ("count = 17,", "", ["row '1', line 12 of the file: it names 17 units, the registry has 0"], []),
        ("", "count = 10,", ["row '2', line 13 of the file: it names 10 units, the registry has 1"], []),
        ("", "count = 1,", [], ["row '1', line 12 of the file: it watches nobody yet"]),
    ],
)
def test_a_class_of_nobody_or_of_another_number_is_told(
    agencies: str, districts: str, problems: list[str], warnings: list[str]
) -> None:
    units = (Unit("17", "Tỉnh Hòa Bình", "province"), Unit("148", "Thành phố Hòa Bình", "district", "17"))
    sources = Sources(registry=shipped_registry().with_units(units))

    found = check(CLASSES.replace("AGENCIES", agencies).replace("DISTRICTS", districts), sources)

    assert [str(p).split(" | ")[1].split(";")[0].split(", the registry has no")[0] for p in found.problems] == problems
    said = [str(w).split(" | ")[1].split(", the registry has no")[0] for w in found.warnings]
    assert said == warnings
    assert all("đơn vị" in str(f) for f in (*found.problems, *found.warnings))
