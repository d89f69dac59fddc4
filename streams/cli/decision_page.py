"""A decision, and what differs between two, as an official reads them: Vietnamese, within 100 columns."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import count
from string import ascii_lowercase
from typing import Final

import click

from models.authoring.comparison import Comparison, Field
from models.decisions.file import Decision, Duty, Formula, Indicator, Row, steps_of
from models.decisions.reading import Reading
from models.registers.units import COMMUNES
from models.wording import day_vn, number_text, percent_text
from streams.board.describe import CLASSES, describe

WIDTH: Final = 100
NBSP: Final = "\N{NO-BREAK SPACE}"
BASIS: Final = {
    "received": "ngày tiếp nhận",
    "resolved": "ngày giải quyết",
    "issued": "ngày trả kết quả",
    "paid": "ngày thanh toán",
    "certified": "ngày chứng thực",
    "catalogue": "danh mục của ngày được hỏi",
    "measure": "ngày của số liệu",
}
LISTED_LEVELS: Final = {"full": "toàn trình", "partial": "một phần", "none": "chưa trực tuyến"}


def print_decision(reading: Reading, on: date) -> None:
    """Print a decision on a day of its period."""
    _heading(reading, on)
    _indicators(reading, on)
    _annex(reading, on)
    _reports(reading)
    _questions(reading)
    if reading.decision.notes:
        click.echo("\nGHI CHÚ")
        for note in reading.decision.notes:
            _say(note, "  - ", "    ")


def _say(text: str, first: str = "", rest: str | None = None) -> None:
    click.echo(textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest))


def _field(name: str, text: str) -> None:
    _say(text, f"{name:<15}", " " * 15)


def _heading(reading: Reading, on: date) -> None:
    d, (first, last) = reading.decision, reading.period(on)
    _say(f"QUYẾT ĐỊNH {f'số {d.number}' if d.number else '(bản có được không ghi số)'}")
    _say(d.title)
    click.echo()
    _field("Ban hành", f"{d.issuer}, {'ngày ' + day_vn(d.issued) if d.issued else 'không rõ ngày'}")
    clause = f" ({d.effective_clause})" if d.effective_clause else ""
    if d.effective is None:
        _field("Hiệu lực", f"chưa biết từ ngày nào{clause}; cảnh báo tính từ ngày đầu kỳ")
    else:
        _field("Hiệu lực", f"từ {day_vn(d.effective)}{clause}")
    yearly = "" if d.period.yearly_from is None else f"; hằng năm, từ năm {d.period.yearly_from}"
    _field("Kỳ đánh giá", f"{day_vn(first)} – {day_vn(last)}{yearly} ({d.period.clause})")
    scope = d.catalogue
    if scope is not None:
        levels = "" if not scope.levels else f"; mức: {', '.join(LISTED_LEVELS[level] for level in scope.levels)}"
        _field("Danh mục", f"{scope.title}{levels} ({scope.clause})")
        for rule in scope.rules:
            _say(f"{_rule(rule.on, rule.off)}: {rule.clause}", " " * 15 + "- ", " " * 17)


def _rule(on: Sequence[str], off: Sequence[str]) -> str:
    without = f", không thuộc {', '.join(off)}" if off else ""
    return f"thủ tục thuộc {' và '.join(on)}{without}"


def _indicators(reading: Reading, on: date) -> None:
    words = {entry["id"]: entry for entry in describe(reading, on)["indicators"]}
    click.echo("\nCHỈ TIÊU")
    for number, (indicator, formula) in enumerate(reading.indicators.items(), start=1):
        _say(f"{formula.short} ({formula.clause})", f" ({number}) ", "     ")
        _say(f"“{formula.title}”", "     ")
        _say(f"Cách tính: {words[indicator]['formula']}, theo {BASIS[formula.basis]}", "     ")
        _say(f"Lộ trình: {_trajectory(reading, indicator, formula)}", "     ")
        if formula.reading:
            _say(f"Cách hiểu: {formula.reading}", "     ")


def _steps(decision: Decision, indicator: Indicator) -> str:
    """Return the milestones of an indicator, those of each row in turn."""
    told = []
    for row in decision.every_row():
        steps = steps_of(decision, row, indicator)
        if steps:
            told.append(", ".join(f"{percent_text(text)} đến {day_vn(day)}" for day, text, _ in steps))
    return "; ".join(dict.fromkeys(told))


def _trajectory(reading: Reading, indicator: Indicator, formula: Formula) -> str:
    mode = reading.switches["trajectory"]
    if any(i == indicator for _, i in reading.trajectories):
        return "các mốc do đơn vị nhập; nơi không nhập thì theo quyết định"
    rows = reading.decision.every_row()
    if mode == "default" and any(steps_of(reading.decision, row, indicator) for row in rows):
        return "các mốc của quyết định (nơi có ghi): " + _steps(reading.decision, indicator)
    ramp = formula.trajectory == "ramp" if mode == "default" else mode == "linear"
    if ramp:
        return "tăng đều từ 0 đến chỉ tiêu trong kỳ"
    if mode == "default" and any(indicator in row.baseline for row in rows):
        return "tăng đều từ mức ban đầu (nơi có ghi) đến chỉ tiêu trong kỳ"
    return "bằng chỉ tiêu trong cả kỳ"


# -- the annex ---------------------------------------------------------------------------------------------------------


def _class_of(reading: Reading, row: Row) -> str:
    if row.units is not None:
        return row.units
    if (row.unit or "").endswith(COMMUNES):
        return "commune"
    unit = reading.registry.units.get(row.unit or "")
    return unit.level if unit is not None and unit.level in CLASSES else "other"


def _annex(reading: Reading, on: date) -> None:
    """Print the rows by class; a blank cell bears the letter of the reason given below."""
    reasons: dict[tuple[Indicator, str], str] = {}
    letters = _letters()
    by_class: dict[str, list[Row]] = {name: [] for name in CLASSES}
    for row in reading.decision.rows:
        by_class[_class_of(reading, row)].append(row)
    labels = max(len("TT"), *(len(row.row) for row in reading.decision.rows))
    width = 7
    name_width = min(60, WIDTH - labels - 2 - len(reading.indicators) * (width + 1))
    click.echo("\nGIAO CHO (tỷ lệ tối thiểu, %)")
    heads = "".join(f" {f'({n})':>{width}}" for n in range(1, len(reading.indicators) + 1))
    click.echo(f"{'TT':<{labels}}  {'Đơn vị':<{name_width}}{heads}")
    click.echo("─" * (labels + 2 + name_width + len(reading.indicators) * (width + 1)))
    for name, rows in by_class.items():
        if rows:
            units = sum(_members(reading, row, on) for row in rows)
            click.echo(f"{CLASSES[name][0].upper()} ({number_text(units)} đơn vị)")
        for row in rows:
            values = reading.row_targets(row, on)
            cells = []
            for indicator in reading.indicators:
                value = values.get(indicator)
                if value is not None:
                    cells.append(percent_text(value).removesuffix(" %") + "  ")
                    continue
                reason = _reason(reading, row, indicator)
                letter = reasons.setdefault((indicator, reason), "") or next(letters)
                reasons[indicator, reason] = letter
                cells.append(f"– {letter}")
            _row(row.row.ljust(labels), _name(reading, row, on), name_width, [c.rjust(width) for c in cells])
    _blanks(reading, reasons)


def _letters() -> Iterator[str]:
    """Yield a, b, … z, then a1, b1 and so on."""
    for turn in count():
        yield from (f"{letter}{turn or ''}" for letter in ascii_lowercase)


def _reason(reading: Reading, row: Row, indicator: Indicator) -> str:
    return row.no_target.get(indicator) or reading.decision.no_target.get(indicator) or "quyết định để trống"


def _blanks(reading: Reading, reasons: dict[tuple[Indicator, str], str]) -> None:
    numbers = {indicator: n for n, indicator in enumerate(reading.indicators, start=1)}
    for (indicator, reason), letter in reasons.items():
        _say(f"không giao ({numbers[indicator]}): {reason}", f"– {letter}  ", "      ")


def _members(reading: Reading, row: Row, on: date) -> int:
    return sum(r is row for r in reading.targets(on).rows.values())


def _name(reading: Reading, row: Row, on: date) -> str:
    members = _members(reading, row, on)
    if row.units is not None or (row.unit or "").endswith(COMMUNES):
        if members == 0:
            return f"{row.name} [chưa khai báo đơn vị nào: --units]"
        return f"{row.name} [{number_text(members)} đơn vị]"
    return row.name


def _row(label: str, name: str, name_width: int, cells: Sequence[str]) -> None:
    # What stands in brackets stays together: spaces that textwrap does not break, and plain ones afterwards.
    head, bracket, rest = name.partition(" [")
    whole = f"{head} [{rest.replace(' ', NBSP)}" if bracket else name
    lines = [line.replace(NBSP, " ") for line in textwrap.wrap(whole, name_width)] or [""]
    click.echo((f"{label}  {lines[0]:<{name_width}}" + "".join(f" {cell}" for cell in cells)).rstrip())
    for line in lines[1:]:
        click.echo(f"{'':<{len(label)}}  {line}")


# -- the rest ----------------------------------------------------------------------------------------------------------


def _reports(reading: Reading) -> None:
    if reading.decision.reports:
        click.echo("\nBÁO CÁO")
        for duty in reading.decision.reports:
            _say(f"{_due(duty)}: {duty.by} gửi {duty.to} ({duty.clause})", "  - ", "    ")


def _due(duty: Duty) -> str:
    if duty.latest_month is None:
        return f"hằng tháng, chậm nhất ngày {duty.latest_day}"
    return f"hằng năm, chậm nhất ngày {duty.latest_day:02d}/{duty.latest_month:02d}"


def _questions(reading: Reading) -> None:
    click.echo("\nCÂU HỎI CÒN MỞ (đổi bằng --set TÊN=GIÁ_TRỊ)")
    for view in reading.switch_views():
        others = " | ".join(choice for choice in view.choices if choice != view.value)
        click.echo(f"  {view.name} = {view.value}" + (f"   (hoặc: {others})" if others else ""))
        own = reading.decision.switches.get(view.name)
        _say(view.question + ("" if own is None else f" ({own.clause})"), "    ")


# -- two decisions -----------------------------------------------------------------------------------------------------

_WORDS: Final = {
    "number": "số",
    "title": "trích yếu",
    "issuer": "cơ quan ban hành",
    "issued": "ngày ban hành",
    "effective": "ngày có hiệu lực",
    "province": "mã tỉnh",
    "period.from": "ngày đầu kỳ",
    "period.to": "ngày cuối kỳ",
    "clause": "căn cứ",
    "count": "đối tượng đếm (count)",
    "basis": "ngày tính (basis)",
    "numerator": "điều kiện tử số (numerator)",
    "denominator": "điều kiện mẫu số (denominator)",
    "shape": "dạng tỷ lệ (shape)",
    "trajectory": "lộ trình (trajectory)",
    "choices": "các lựa chọn",
}
_MOVES: Final = {"raised": "▲ nâng", "lowered": "▼ giảm", "assigned": "+ mới giao", "withdrawn": "– thôi giao"}


def print_comparison(old: Reading, new: Reading, found: Comparison) -> None:
    """Print what differs, in words."""
    names = [f"{r.decision.id} ({r.decision.number or 'không ghi số'})" for r in (old, new)]
    _say(f"SO SÁNH {names[0]} → {names[1]}")
    if found.same:
        click.echo("Không có gì khác nhau.")
        return
    about = [f for f in found.fields if not f.place]
    if about:
        click.echo("\nQUYẾT ĐỊNH")
        for field in about:
            _say(f"{_WORDS[field.name]}: {_change(field)}", "  ", "    ")
    _by_place(new, old, [f for f in found.fields if f.place])
    for title, sign, units in (("ĐƠN VỊ THÔI GIAO", "–", found.removed), ("ĐƠN VỊ MỚI GIAO", "+", found.added)):
        if units:
            click.echo(f"\n{title} ({number_text(sum(u.members for u in units))})")
            for unit in units:
                more = f" [{number_text(unit.members)} đơn vị]" if unit.members > 1 else ""
                _say(f"{unit.name}{more} ({unit.unit}, hàng {unit.row})", f"  {sign} ", "    ")
    if found.targets:
        click.echo(f"\nCHỈ TIÊU THAY ĐỔI ({number_text(sum(t.members for t in found.targets))})")
    for target in found.targets:
        formula = new.indicators.get(target.indicator) or old.indicators[target.indicator]
        more = f" [{number_text(target.members)} đơn vị]" if target.members > 1 else ""
        a, b = ("không giao" if v is None else percent_text(v) for v in (target.old, target.new))
        _say(f"{_MOVES[target.move]}: {target.name}{more}, {formula.short}: {a} → {b}", "  ", "    ")


def _change(field: Field) -> str:
    old, new = (_plain(value) for value in (field.old, field.new))
    return f"{old} → {new}"


def _plain(value: str | None) -> str:
    """Return a value as an official writes it: days as dd/mm/yyyy."""
    if value is None:
        return "(không ghi)"
    try:
        return day_vn(date.fromisoformat(value))
    except ValueError:
        return value


def _by_place(new: Reading, old: Reading, fields: Sequence[Field]) -> None:
    if fields:
        click.echo("\nCÔNG THỨC VÀ CÂU HỎI CÒN MỞ")
    for field in fields:
        kind, _, name = field.place.partition(".")
        formula = new.decision.indicators.get(name) or old.decision.indicators.get(name)
        title = formula.short if kind == "indicators" and formula is not None else name
        if field.name:
            _say(f"{title}, {_WORDS[field.name]}: {_change(field)}", "  ", "    ")
        else:
            _say(f"{title}: {'thêm mới' if field.old is None else 'bỏ'} “{field.new or field.old}”", "  ", "    ")
