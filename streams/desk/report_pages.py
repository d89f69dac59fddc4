"""Reports at the desk: periods of the decision, reports to download, closing with a preview of what is frozen."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from aiohttp import web
from pydantic_core import to_json

from models.calendar.civil_time import civil_day, end_of
from models.calendar.periods import Label, Window
from models.decisions.reading import Reading
from models.decisions.vietnamese import STATUS
from models.reporting.closed_period import Closing
from models.reporting.report import close_period, period_of
from models.reporting.report_lines import Line
from models.standings.completeness import sentence_vn
from models.wording import day_vn, number_text, ratio_text
from streams.desk.frame import DESK, HOME, Desk, form_of, lead, page, session_of, text_of
from streams.errors import BadInput, Incomplete
from streams.reports import files, sources, words

T = TypeVar("T")

REPORTS: Final = f"{HOME}/bao-cao"
CONTENT_TYPES: Final[Mapping[str, str]] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "csv-excel": "text/csv",
}
FORM_NAMES: Final[Mapping[str, str]] = {"docx": "Word", "pdf": "PDF", "xlsx": "Excel", "csv-excel": "CSV"}
WAIT_S: Final = 60.0
"""seconds for which a page waits until all that has arrived is counted"""
LACKING_SHOWN: Final = 30
"""units below that a preview names"""


class PeriodRow(NamedTuple):
    """A period as the page lists it."""

    label: str
    title: str
    days: str
    state: str
    is_over: bool
    closed: int
    """how often it has been closed"""


class Preview(NamedTuple):
    """What would be frozen."""

    said: str
    counts: list[tuple[str, str]]
    lacking: list[tuple[str, str, str, str]]
    """unit, indicator, ratio, what is missing: those that lack most"""
    check: str
    """names the figures: whoever closes has seen these"""


# -- the core ----------------------------------------------------------------------------------------------------------


def labels_to(reading: Reading, today: date) -> Iterator[tuple[Label, Window]]:
    """Yield the report periods that have begun by a day, the latest to end first."""
    found: list[tuple[Label, Window]] = []
    for year in range(reading.period(reading.nearest(today))[0].year, today.year + 1):
        texts = [f"{year}-{month:02d}" for month in range(1, 13)]
        texts += [f"{year}-Q{n}" for n in range(1, 5)] + [f"{year}-H1", f"{year}-H2", f"{year}-9M", str(year)]
        for text in texts:
            try:
                days = period_of(reading, text)
            except ValueError:
                continue  # none of the decision's
            if days.first <= today:
                found.append((Label.of(text), days))
    yield from sorted(found, key=lambda one: (one[1].last, one[1].first), reverse=True)


def period_rows(reading: Reading, known: list[Closing], now: str) -> list[PeriodRow]:
    """Return the periods of a decision with their states at an instant."""
    rows = []
    for label, days in labels_to(reading, date.fromisoformat(civil_day(now))):
        own = [c for c in known if c.decision == reading.decision.id and c.period == str(label)]
        is_over = end_of(days.last) <= now
        state = f"Đã chốt ngày {words.day_of(own[-1].closed_at)}" if own else "Chưa chốt" if is_over else "Đang diễn ra"
        rows.append(
            PeriodRow(
                str(label), words.capital(label.title), f"{day_vn(days.first)} – {day_vn(days.last)}", state, is_over,
                len(own),
            )
        )  # fmt: skip
    return rows


def check_of(closing: Closing) -> str:
    """Return what names the figures of a closing, whenever it was made from them."""
    return hashlib.sha256(to_json([closing.period, closing.sequence, closing.lines])).hexdigest()[:32]


def preview_of(closing: Closing, indicator_of: Callable[[str], str]) -> Preview:
    """Return what would be frozen, as an official reads it."""
    leaves = [line for line in closing.lines if not line.is_group]
    counts = [(STATUS[s], number_text(sum(line.status == s for line in leaves))) for s in words.STATUSES]
    below = sorted((line for line in leaves if line.status == "below"), key=lambda line: -line.shortfall)
    lacking = [_lacking(line, indicator_of) for line in below[:LACKING_SHOWN]]
    said = (
        f"{words.capital(Label.of(closing.period).title)}, từ {day_vn(closing.first)} đến {day_vn(closing.last)}: "
        f"{number_text(len({line.unit for line in leaves}))} đơn vị, {number_text(len(closing.lines))} dòng; "
        f"dữ liệu nhận được đến ngày {words.day_of(closing.known_until)}."
    )
    return Preview(said, [c for c in counts if c[1] != "0"], lacking, check_of(closing))


def _lacking(line: Line, indicator_of: Callable[[str], str]) -> tuple[str, str, str, str]:
    figures = line.cumulative
    return line.name, indicator_of(line.indicator), ratio_text(*figures), number_text(line.shortfall)


# -- pages -------------------------------------------------------------------------------------------------------------


async def list_page(request: web.Request) -> web.StreamResponse:
    """List the periods."""
    desk, who = request.app[DESK], session_of(request).identity
    known = await _read(request, lambda: desk.closings(desk.settings))
    if isinstance(known, web.Response):
        return known
    rows = period_rows(desk.reading, known, desk.reader.now())
    return page(
        request,
        "reports.html",
        title="Báo cáo và chốt số liệu",
        rows=rows,
        forms=FORM_NAMES,
        may_close=who.may("close"),
    )


async def download(request: web.Request) -> web.StreamResponse:
    """Send the report of a period as a file."""
    desk = request.app[DESK]
    form, period = text_of(request.query, "dang"), text_of(request.query, "ky")
    if form not in CONTENT_TYPES:
        raise web.HTTPNotFound
    name = (
        f"bao-cao-{desk.reading.decision.id}-{Label.of(period)}.{form.partition('-')[0]}" if _is_label(period) else ""
    )
    if not name:
        raise web.HTTPNotFound
    allow = bool(text_of(request.query, "thieu"))

    def make() -> bytes:
        report = sources.report_of(_source(desk, allow=allow), period, None)
        return files.writer_for(Path(name), form)(report)

    made = await _read(request, make, anyway=f"{REPORTS}/tai?ky={period}&dang={form}&thieu=1")
    if isinstance(made, web.Response):
        return made
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=made, content_type=CONTENT_TYPES[form], headers=disposition)


async def close_page(request: web.Request) -> web.StreamResponse:
    """Show what would be frozen."""
    session = session_of(request)
    if not session.identity.may("close"):
        raise web.HTTPForbidden
    period, reason = text_of(request.query, "ky"), text_of(request.query, "ly-do")
    return await _preview(request, period, reason, "")


async def _preview(request: web.Request, period: str, reason: str, flash: str) -> web.StreamResponse:
    desk = request.app[DESK]
    if not _is_label(period):
        raise web.HTTPNotFound
    drawn = await _read(request, lambda: _draft(desk, period, reason))
    if isinstance(drawn, web.Response):
        return drawn
    names = desk.names
    preview = preview_of(drawn, names.indicator)
    title = f"Chốt số liệu {Label.of(period).title}"
    return page(request, "closing.html", title=title, preview=preview, period=period, reason=reason, warning=flash)


async def close(request: web.Request) -> web.StreamResponse:
    """Freeze what was shown; figures that have changed since are shown again first."""
    desk = request.app[DESK]
    session, fields = await form_of(request, "close")
    period, reason, seen = text_of(fields, "ky"), text_of(fields, "ly-do"), text_of(fields, "kiem")
    if not _is_label(period):
        raise web.HTTPNotFound
    drawn = await _read(request, lambda: _draft(desk, period, reason))
    if isinstance(drawn, web.Response):
        return drawn
    if check_of(drawn) != seen:
        return await _preview(request, period, reason, "Số liệu vừa thay đổi; hãy xem lại trước khi chốt.")
    done = await _read(request, lambda: desk.close(desk.settings, drawn))
    if isinstance(done, web.Response):
        return done
    return lead(request, session, words.closed(drawn), REPORTS, REPORTS)


def _draft(desk: Desk, period: str, reason: str) -> Closing:
    """Return the closing that would be written now. Raises BadInput; Incomplete where anything is missing."""
    source = _source(desk, allow=False)
    try:
        return close_period(source.known, period, source.closings, desk.reader.now(), reason or None)
    except ValueError as exc:
        raise BadInput(str(exc)) from exc


def _source(desk: Desk, *, allow: bool) -> sources.Source:
    return desk.source(desk.settings, desk.reading, WAIT_S, lambda _: None, allow_incomplete=allow)


def _is_label(text: str) -> bool:
    try:
        Label.of(text)
    except ValueError:
        return False
    return True


async def _read(request: web.Request, work: Callable[[], T], anyway: str = "") -> T | web.Response:
    """Do what takes a while beside the loop; where it cannot be done, the page that says why.

    `anyway`: where the same is to be had although something is missing.
    """
    try:
        return await asyncio.to_thread(work)
    except Incomplete as exc:
        return page(
            request, "incomplete.html", status=409, title="Số liệu chưa đầy đủ",
            causes=[sentence_vn(cause) for cause in exc.causes], anyway=anyway,
        )  # fmt: skip
    except BadInput as exc:
        return page(request, "message.html", status=409, title="Không thực hiện được", text=f"Hệ thống trả lời: {exc}")


ROUTES: Final = (
    web.get(REPORTS, list_page),
    web.get(f"{REPORTS}/tai", download),
    web.get(f"{REPORTS}/chot", close_page),
    web.post(f"{REPORTS}/chot", close),
)
