"""Alerts at the desk: the inbox, acknowledgements and silences, and who did what."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from models.alerting.operator_actions import SEVERITIES
from streams.acts.alert_answers import ack_text, silence_text, unsilence_text
from streams.acts.alert_list import ROLE, condition_text
from streams.acts.alert_rows import silences_of
from streams.board.describe import CLASSES
from streams.desk.facts import Facts
from streams.desk.frame import DESK, HOME, acts_of, facts_of, form_of, lead, page, session_of, text_of, told
from streams.desk.inbox import HANDLING, PAGE, Filter, counted, districts_of, grouped, items, narrowed
from streams.desk.sessions import Session
from streams.notify.texts import SEVERITY, Names, when_text

INBOX: Final = f"{HOME}/canh-bao"
SILENCES: Final = f"{HOME}/tat-tieng"


async def inbox(request: web.Request) -> web.StreamResponse:
    """Show open alerts, unit by unit."""
    desk, who = request.app[DESK], session_of(request).identity
    by = Filter.of(request.query)
    with desk.reader.lock:
        seen = items(facts_of(request), desk.reading, desk.names, who, desk.reader.now())
    found = narrowed(seen, by)
    number_of_page = _page_asked(request)
    shown = found[(number_of_page - 1) * PAGE : number_of_page * PAGE]
    return page(
        request, "inbox.html", title="Cảnh báo đang mở", groups=grouped(shown), total=len(found), of=len(seen),
        counts=counted(seen), by=by,
        page=number_of_page, pages=-(-len(found) // PAGE), handling=HANDLING, severity=SEVERITY,
        severities=tuple(reversed(SEVERITIES)), classes={name: words[0] for name, words in CLASSES.items()},
        indicators={i: f.short for i, f in desk.reading.indicators.items()}, may_acknowledge=who.may("acknowledge"),
        may_silence=who.may("silence"),
        query={"tim": by.text, "muc": by.severity, "chi-tieu": by.indicator, "nhom": by.class_, "xu-ly": by.handling},
        address=_address,
    )  # fmt: skip


def _page_asked(request: web.Request) -> int:
    said = text_of(request.query, "trang")
    return max(1, int(said)) if said.isdecimal() and len(said) < 6 else 1


def _address(query: Mapping[str, str], **changes: object) -> str:
    """Return the inbox's address with parts of its query changed."""
    said = {**query, **{name.replace("_", "-"): str(value) for name, value in changes.items()}}
    return f"{INBOX}?{urlencode({name: text for name, text in said.items() if text})}"


async def acknowledge(request: web.Request) -> web.StreamResponse:
    """Acknowledge an open alert."""
    desk = request.app[DESK]
    session, fields = await form_of(request, "acknowledge")
    with desk.reader.lock:
        fired = _open_alert(request, session, text_of(fields, "id"))
        missing = facts_of(request).missing(fired)
    acts = acts_of(desk, session, "acknowledge")
    ends = text_of(fields, "den") or None
    note = text_of(fields, "ghi-chu") or "đã tiếp nhận"
    flash = await told(
        lambda: acts.acknowledge(fired, missing, note, ends), lambda made: ack_text(fired, made["until"], desk.names)
    )
    return lead(request, session, flash, text_of(fields, "ve"), INBOX)


async def silence(request: web.Request) -> web.StreamResponse:
    """Silence what an alert stands for: itself, all of its unit, or all of its indicator."""
    desk = request.app[DESK]
    session, fields = await form_of(request, "silence")
    with desk.reader.lock:
        fired = _open_alert(request, session, text_of(fields, "id"))
    label = text_of(fields, "pham-vi")
    if label not in {"fingerprint", "unit", "indicator"}:
        raise web.HTTPBadRequest
    conditions = [{"label": label, "op": "=", "value": fired[label]}]
    acts = acts_of(desk, session, "silence")
    flash = await told(
        lambda: acts.silence(conditions, text_of(fields, "den"), text_of(fields, "ly-do")),
        lambda made: silence_text(made, desk.names),
    )
    return lead(request, session, flash, text_of(fields, "ve"), INBOX)


async def silences(request: web.Request) -> web.StreamResponse:
    """Show the silences in force."""
    desk = request.app[DESK]
    with desk.reader.lock:
        found = silences_of(facts_of(request).operators, desk.reader.now())
    names = desk.names
    rows = [
        {
            "id": row["id"],
            "what": ", ".join(condition_text(matcher, names) for matcher in row["matchers"]),
            "until": when_text(row["until"]),
            "why": row["reason"],
            "role": ROLE[row["role"]],
        }
        for row in found
    ]
    may = session_of(request).identity.may("silence")
    return page(request, "silences.html", title="Lệnh tắt tiếng đang có hiệu lực", rows=rows, may_silence=may)


async def end_silence(request: web.Request) -> web.StreamResponse:
    """End a silence before its time."""
    desk = request.app[DESK]
    session, fields = await form_of(request, "silence")
    ended = text_of(fields, "id")
    if ended not in facts_of(request).operators.silences:
        raise web.HTTPNotFound
    acts = acts_of(desk, session, "silence")
    reason = text_of(fields, "ly-do") or "kết thúc sớm"
    flash = await told(lambda: acts.end_silence(ended, reason), lambda _: unsilence_text(ended))
    return lead(request, session, flash, SILENCES, SILENCES)


def _open_alert(request: web.Request, session: Session, id_: str) -> Mapping[str, Any]:
    """Return the open alert of an id that this identity answers for; another unit's is not found."""
    desk = request.app[DESK]
    for fired in facts_of(request).firing.values():
        if fired["id"] == id_ and session.identity.speaks_for(fired["unit"], lambda u: districts_of(desk.reading, u)):
            return fired
    raise web.HTTPNotFound


# -- who did what ------------------------------------------------------------------------------------------------------


async def acts_page(request: web.Request) -> web.StreamResponse:
    """Show what was done, the latest first: office, pseudonym, act, reason."""
    desk = request.app[DESK]
    if not session_of(request).identity.may("audit"):
        raise web.HTTPForbidden
    names = desk.names
    with desk.reader.lock:
        facts = facts_of(request)
        done = sorted(facts.acts, key=lambda record: (record.at, record.id), reverse=True)[:200]
        rows = [
            {
                "at": when_text(r.at),
                "who": ROLE[r.role],
                "by": r.by or "dòng lệnh",
                "what": _said(r, facts, names),
                "why": r.reason,
            }
            for r in done
        ]
    return page(request, "acts.html", title="Nhật ký thao tác", rows=rows)


def _said(record: Any, facts: Facts, names: Names) -> str:
    if record.kind == "ack":
        fired = facts.firing.get(record.fingerprint)
        what = "" if fired is None else f" {names.unit(fired['unit'])} – {names.indicator(fired['indicator'])}"
        return f"Tiếp nhận cảnh báo{what}"
    if record.kind == "silence":
        conditions = ", ".join(condition_text(m.model_dump(), names) for m in record.matchers)
        return f"Tắt tiếng: {conditions}, đến {when_text(record.until)}"
    return f"Kết thúc lệnh tắt tiếng {record.silence}"


ROUTES: Final = (
    web.get(INBOX, inbox),
    web.post(f"{INBOX}/tiep-nhan", acknowledge),
    web.post(f"{INBOX}/tat-tieng", silence),
    web.get(SILENCES, silences),
    web.post(f"{SILENCES}/ket-thuc", end_silence),
    web.get(f"{HOME}/nhat-ky", acts_page),
)
