"""A message as officials read it: Vietnamese, exact figures, what is missing, what to do, where to look."""

from collections.abc import Iterable, Mapping
from datetime import date
from html import escape
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from models.decisions.file import Formula
from models.decisions.reading import Reading
from models.decisions.vietnamese import advice_text, counted_text, finish_text
from models.dossiers.events import TOPICS
from models.notification.digest_ranking import discoveries, evidence, ranked
from models.notification.outbox import BACKLOG, DIGEST, UNDELIVERED, Line, Message
from models.notification.watch_list import WatchList
from models.wording import counted_of, day_vn, number_text, percent_text, ratio_text

NEXT_EACH_MAX: Final = 3
"""open alerts up to which each says what to do; above, that is said once per kind and indicator"""
SHOWN_MAX: Final = 60
"""alerts spelled out in a text; the rest are counted, and stand on the wall"""

KIND: Final[Mapping[str, str]] = {
    "below-trajectory": "Thấp hơn lộ trình",
    "forecast-miss": "Dự báo không đạt chỉ tiêu",
    "unreachable": "Không thể đạt trong kỳ",
    "completeness-gap": "Hồ sơ chưa hoàn thành",
    "source-silent": "Nguồn dữ liệu im lặng",
    "data-quality": "Chất lượng dữ liệu",
}
SEVERITY: Final[Mapping[str, str]] = {"critical": "Nghiêm trọng", "warning": "Cảnh báo", "info": "Lưu ý"}
_NEXT: Final[Mapping[str, str]] = {
    "below-trajectory": "{advice}",
    "forecast-miss": "{advice} Điều chỉnh kế hoạch cho thời gian còn lại của kỳ.",
    "unreachable": "Báo cáo cơ quan đầu mối: chỉ tiêu của kỳ không còn đạt được, cần ghi nhận nguyên nhân. {advice}",
    "completeness-gap": "{finish}",
    "source-silent": "Kiểm tra kết nối với Cổng dịch vụ công; số liệu tạm dừng, đơn vị không bị đánh giá.",
    "data-quality": "Kiểm tra mã đơn vị với danh mục đơn vị của tỉnh.",
}
_NEXT_OF_PARTITIONS: Final = (
    "Đội kỹ thuật: thống nhất cách phân vùng của hệ thống gửi và của lotrinh (LOTRINH_PARTITIONER), rồi chạy "
    "`lotrinh dead-letters redrive`."
)
_NEXT_OF_CATALOGUE: Final = (
    "Đề nghị cơ quan phụ trách danh mục rà soát, bổ sung thủ tục; với danh mục hiện nay đơn vị không tự đạt được chỉ "
    "tiêu."
)
ROLE_NOTE: Final = "Đã có đơn vị tiếp nhận xử lý."


class Names:
    """Names of units, indicators and decisions, as far as a reading knows them."""

    def __init__(self, reading: Reading) -> None:
        """Take them from a reading."""
        self._reading = reading

    def unit(self, code: str) -> str:
        """Return a unit's name as the decision writes it; its code where nobody knows it."""
        return self._reading.registry.name(code)

    def indicator(self, name: str) -> str:
        """Return an indicator's title; '' where an alert is about none in particular."""
        formula = self.formula(name)
        return "" if name == "*" else formula.short if formula is not None else name

    def formula(self, name: str) -> Formula | None:
        """Return what an indicator counts; None where an alert is about none."""
        return self._reading.indicators.get(name)  # a text that may be none

    def decision(self, name: str) -> str:
        """Return a decision's number."""
        known = self._reading.decision
        return f"Quyết định số {known.number}" if name == known.id else name

    def next(self, alert: Mapping[str, Any]) -> str:
        """Return what to do about an open alert: by its kind, and by what its indicator counts."""
        if alert.get("cause") == "catalogue":
            return _NEXT_OF_CATALOGUE
        if alert["unit"] in TOPICS:
            return _NEXT_OF_PARTITIONS
        name = alert["indicator"]
        formula = self.formula(name)
        return _NEXT[alert["kind"]].format(advice=advice_text(name, formula), finish=finish_text(formula))


class Rendered(NamedTuple):
    """A message, ready to be read."""

    subject: str
    text: str
    html: str


class _Part(NamedTuple):
    title: str
    lines: tuple[Line, ...]
    total: int


def render(message: Message, names: Names, board_url: str | None, looked_at: int = 0) -> Rendered:
    """Return a message's subject, text and HTML. `looked_at`: standings that were judged for a digest."""
    if message.group == UNDELIVERED:
        return _undelivered(message)
    parts = _parts(message)
    subject = _subject(message, names)
    lead = _lead(message, names, looked_at)
    last = _last(message, board_url)
    each = sum(line.firing for line in message.lines) <= NEXT_EACH_MAX
    text = [*lead, ""]
    html = [f"<p>{'<br>'.join(escape(line) for line in lead)}</p>"]
    for part in parts:
        heading = f"{part.title} ({number_text(part.total)})"
        text += [heading.upper(), ""]
        html += [f"<h3>{escape(heading)}</h3>", "<ul>"]
        for line in part.lines:
            first, *rest = _sentences(line, names, each=each)
            link = unit_url(board_url, line.now)
            rest += [f"Trang của đơn vị: {link}"] if link else []
            text += [f"• {first}", *(f"  {r}" for r in rest), ""]
            html.append(f"<li><b>{escape(first)}</b>{''.join(f'<br>{escape(r)}' for r in rest)}</li>")
        html.append("</ul>")
        if part.total > len(part.lines):
            more = f"… và {number_text(part.total - len(part.lines))} cảnh báo khác; xem đầy đủ trên bảng theo dõi."
            text += [more, ""]
            html.append(f"<p>{escape(more)}</p>")
    if message.watch.rows:
        heading, about, rows = _watch_list(message.watch, names)
        text += [heading.upper(), "", about, *(f"• {row}" for row in rows), ""]
        items = "".join(f"<li>{escape(row)}</li>" for row in rows)
        html += [f"<h3>{escape(heading)}</h3>", f"<p>{escape(about)}</p>", f"<ul>{items}</ul>"]
    steps = [] if each else _steps(message, names)
    if steps:
        text += ["VIỆC CẦN LÀM", "", *(f"• {step}" for step in steps), ""]
        html += ["<h3>Việc cần làm</h3>", "<ul>", *(f"<li>{escape(step)}</li>" for step in steps), "</ul>"]
    text += last
    html.append(f"<p>{'<br>'.join(escape(line) for line in last)}</p>")
    page = "\n".join(['<!doctype html><html lang="vi"><meta charset="utf-8"><body>', *html, "</body></html>"])
    return Rendered(subject, "\n".join(text) + "\n", page + "\n")


def _undelivered(message: Message) -> Rendered:
    """Return what the engineers read of addresses that are not reached."""
    count = number_text(len(message.undelivered))
    subject = f"[Lộ trình] Chưa gửi được thông báo tới {count} nơi nhận"
    if not message.undelivered:
        subject = "[Lộ trình] Đã gửi lại được thông báo tới mọi nơi nhận"
    rows = []
    for one in message.undelivered:
        state = f"còn {number_text(one.owed)} cảnh báo chưa gửi được"
        if one.given_up:
            state = "nơi nhận từ chối; thông báo bị từ chối không được gửi lại"
        rows.append(f"{one.mailbox}: {state}; từ {when_text(one.since)}; lỗi gần nhất: {one.why}.")
    again = [f"Đã gửi lại được: {name}." for name in message.recovered]
    lead = "Các nơi nhận sau chưa nhận được thông báo trong ít nhất một ngày làm việc, hoặc từ chối nhận:"
    step = (
        "Việc cần làm: kiểm tra địa chỉ, máy chủ nhận và tệp cấu hình nơi nhận; chi tiết xem bằng lệnh "
        "`lotrinh notify --status`."
    )
    said = [lead, *(f"• {row}" for row in rows), step] if rows else []
    lines = [*said, *again, f"Mã thông báo: {message.id}"]
    body = "".join(f"<p>{escape(line)}</p>\n" for line in lines)
    page = f'<!doctype html><html lang="vi"><meta charset="utf-8"><body>\n{body}</body></html>\n'
    return Rendered(subject, "\n\n".join(lines) + "\n", page)


def _parts(message: Message) -> list[_Part]:
    opened = [line for line in message.lines if line.firing]
    ended = [line for line in message.lines if not line.firing]
    titles: tuple[tuple[str, Iterable[Line]], ...]
    if message.group == DIGEST:
        new = [line for line in opened if line.reason in ("firing", "stale")]
        old = [line for line in opened if line.reason not in ("firing", "stale")]
        titles = (("Mới", ranked(new)), ("Đang mở", ranked(old)), ("Đã kết thúc", ended))
    else:
        again = [line for line in opened if line.reason in ("reminder", "worse")]
        new = [line for line in opened if line not in again]
        titles = (("Cảnh báo", ranked(new)), ("Nhắc lại", ranked(again)), ("Đã kết thúc", ended))
    found, room = [], SHOWN_MAX
    for title, lines in titles:
        every = tuple(lines)
        if every:
            found.append(_Part(title, every[:room], len(every)))
            room = max(0, room - len(every))
    return found


def _watch_list(watch: WatchList, names: Names) -> tuple[str, str, list[str]]:
    """Return heading, explanation and lines of units that are behind and have no alert."""
    rows = []
    for row in watch.rows:
        formula = names.formula(row.indicator)
        what = "hồ sơ" if formula is None else counted_text(formula)
        rows.append(
            f"{names.unit(row.unit)} – {names.indicator(row.indicator)}: "
            f"{ratio_text(row.numerator, row.denominator)} ({counted_of(row.numerator, row.denominator)}), "
            f"lộ trình {percent_text(row.expected)}, còn thiếu {number_text(row.shortfall)} {what}; "
            f"cần {number_text(row.of_rest)} trong khoảng {number_text(row.rest)} {what} còn lại của kỳ."
        )
    if watch.more:
        rows.append(f"… và {number_text(watch.more)} trường hợp khác; xem đầy đủ trên bảng theo dõi.")
    total = number_text(len(watch.rows) + watch.more)
    about = "Thấp hơn lộ trình, ít khi do ngẫu nhiên (xác suất không quá 20 %), còn có thể đạt chỉ tiêu của kỳ:"
    return f"Cần để ý, chưa phải cảnh báo ({total})", about, rows


def _steps(message: Message, names: Names) -> list[str]:
    """Return what to do, once for all alerts for which it is the same."""
    found: dict[str, None] = {}
    for line in message.lines:
        if line.firing:
            about = " – ".join(filter(None, (KIND[line.now["kind"]], names.indicator(line.now["indicator"]))))
            found[f"{about}: {names.next(line.now)}"] = None
    return list(found)


def _subject(message: Message, names: Names) -> str:
    opened = sum(line.firing for line in message.lines)
    ended = len(message.lines) - opened
    day = day_vn(date.fromisoformat(message.at[:10]))
    if message.group == DIGEST:
        new = sum(line.reason in ("firing", "stale") for line in message.lines)
        said = f"Bản tin {day}: {opened} cảnh báo đang mở, {new} mới, {ended} đã kết thúc"
        watch = len(message.watch.rows) + message.watch.more
        said += f", {watch} cần để ý" if watch else ""
    elif message.group == BACKLOG:
        said = f"{opened} cảnh báo đang mở từ trước"
    elif len(message.lines) == 1:
        line = message.lines[0]
        what = "Kết thúc" if not line.firing else KIND[line.now["kind"]]
        what = f"Nhắc lại: {what.lower()}" if line.reason in ("reminder", "worse") else what
        indicator = names.indicator(line.now["indicator"])
        said = f"{what}: {names.unit(line.now['unit'])}" + (f" – {indicator}" if indicator else "")
    else:
        counts = [f"{n} {word}" for n, word in ((opened, "cảnh báo"), (ended, "đã kết thúc")) if n]
        indicator = names.indicator(message.group_labels.get("indicator", "*"))
        said = ", ".join(counts) + (f" – {indicator}" if indicator else "")
    return " ".join(f"[Lộ trình] {said}".split())


def _lead(message: Message, names: Names, looked_at: int) -> list[str]:
    decision = message.group_labels.get("decision")
    lead = [names.decision(decision)] if decision else []
    if message.group == DIGEST:
        opened = [line for line in message.lines if line.firing]
        lead.append(
            f"Bản tin sáng {day_vn(date.fromisoformat(message.at[:10]))}. Đã xem xét {number_text(looked_at)} "
            f"chỉ tiêu của các đơn vị; {number_text(len(opened))} cảnh báo đang mở."
        )
        chances = [p for p in map(evidence, opened) if p is not None]
        if chances:
            stand = discoveries(chances, looked_at)
            rest = "; phần còn lại có thể do ngẫu nhiên" if stand < len(chances) else ""
            lead.append(
                f"Trong {number_text(len(chances))} cảnh báo về tỷ lệ, {number_text(stand)} vẫn có ý nghĩa khi xét "
                f"đồng thời tất cả (Benjamini–Hochberg, 5 %){rest}."
            )
        held = message.held
        if held:
            said = {"silenced": "đang tắt tiếng", "inhibited": "tạm giữ do nguồn dữ liệu im lặng"}
            lead.append("Không liệt kê: " + ", ".join(f"{n} {said[why]}" for why, n in sorted(held.items())) + ".")
    elif "group" in message.lines[0].now and message.lines[0].now["group"] == message.group:
        cause = message.lines[0].fired.get("cause")
        why = {"target-step": "chỉ tiêu tăng theo lộ trình", "catalogue": "danh mục thủ tục"}.get(str(cause), "")
        lead.append(
            f"{number_text(len(message.lines))} cảnh báo có cùng một nguyên nhân{f': {why}' if why else ''}; "
            f"{number_text(message.still_open)} đang mở."
        )
    elif message.group == BACKLOG:
        lead.append("Các cảnh báo đã mở từ trước, được gửi gộp một lần.")
    if message.more:
        lead.append(f"Còn {number_text(message.more)} cảnh báo trong thư tiếp theo.")
    return lead or ["Cảnh báo tiến độ thực hiện chỉ tiêu"]


def _sentences(line: Line, names: Names, *, each: bool) -> list[str]:
    now = line.now
    indicator = names.indicator(now["indicator"])
    first = f"{names.unit(now['unit'])}" + (f" – {indicator}" if indicator else "")
    rest = []
    if line.firing:
        rest.append(f"{SEVERITY[now['severity']]} · {KIND[now['kind']]} · từ {when_text(now['at'])}")
    else:
        how = "Dữ liệu đến sau cho thấy cảnh báo không đúng" if now["status"] == "retracted" else "Đã kết thúc"
        rest.append(f"{how} · {KIND[now['kind']]} · từ {when_text(line.fired['at'])} đến {when_text(now['at'])}")
    rest.append(now["reason"])
    if now["target"] is not None and now["denominator"]:
        ratio = ratio_text(now["numerator"], now["denominator"])
        rest.append(f"Tỷ lệ {ratio}; chỉ tiêu của kỳ {percent_text(now['target'])}.")
    if line.firing and line.shortfall != now["shortfall"]:
        rest.append(f"Hôm nay còn thiếu {number_text(line.shortfall)} (khi cảnh báo: {number_text(now['shortfall'])}).")
    if line.firing and now.get("dossiers"):
        rest.append(dossiers_text(now))
    if line.acknowledged:
        rest.append(ROLE_NOTE)
    elif line.reason == "worse":
        rest.append("Đã được tiếp nhận, nhưng từ đó thiếu hụt tăng thêm.")
    if line.untold > 1 and line.told_at:
        rest.append(f"Gộp {line.untold} lần chuyển trạng thái từ lần gửi trước.")
    if line.firing and each:
        rest.append(f"Việc cần làm: {names.next(now)}")
    return [first, *rest]


def _last(message: Message, board_url: str | None) -> list[str]:
    last = [f"Xem chi tiết: {board_url}"] if board_url else []
    return [*last, f"Mã thông báo: {message.id}"]


def unit_url(board_url: str | None, alert: Mapping[str, Any]) -> str:
    """Return the address of an alert's unit on the wall; '' without a wall, or where the alert names no unit.

    >>> unit_url("https://wall.example/", {"decision": "d", "unit": "340", "kind": "unreachable"})
    'https://wall.example/?board=d&unit=340'
    """
    if not board_url or alert["kind"] in ("source-silent", "data-quality"):
        return ""
    query = urlencode({"board": alert["decision"], "unit": alert["unit"]}, safe="/")
    return f"{board_url.partition('?')[0]}?{query}"


def dossiers_text(fired: Mapping[str, Any]) -> str:
    """Return which dossiers a completeness gap names, and how many more there are."""
    dossiers = fired["dossiers"]
    more = fired.get("missing", len(dossiers)) - len(dossiers)
    return "Mã hồ sơ: " + ", ".join(dossiers) + (f" và {number_text(more)} hồ sơ khác" if more > 0 else "")


def when_text(at: str) -> str:
    """Return an instant as its civil day and time read."""
    return f"{at[11:16]} {day_vn(date.fromisoformat(at[:10]))}"
