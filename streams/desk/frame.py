"""What all pages of the desk have in common: the session, the token of forms, the layout, how an act is told."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.access import Identity, Right
from models.decisions.reading import Reading
from models.reporting.closed_period import Closing
from models.standings.completeness import Cause, notice
from models.wording import number_text
from streams.acts.alert_acts import Acts, Publish, publish
from streams.desk.accounts import NONE, AccountsFile
from streams.desk.facts import Facts, Reader
from streams.desk.sessions import Failures, Session, Sessions, is_csrf
from streams.errors import BadInput
from streams.notify.texts import Names, when_text
from streams.reports.closings import of_topic as closings_of_topic
from streams.reports.closings import publish as publish_closing
from streams.reports.sources import Source, running
from streams.settings import Settings

HOME: Final = "/ban-lam-viec"
COOKIE: Final = "__Host-lotrinh-desk"
FIELD_CHARS_MAX: Final = 1_000
IDLE_S: Final = 1_800.0
"""seconds without a request after which a session ends"""
LONGEST_S: Final = 43_200.0
"""seconds after which every session ends: a long day of work"""
FLASHES_MAX: Final = 1_000
ROLE_NAMES: Final[Mapping[str, str]] = {
    "viewer": "người xem",
    "unit-head": "thủ trưởng đơn vị",
    "office": "Văn phòng",
    "engineer": "kỹ thuật",
}


@dataclass
class Desk:
    """What the pages are made from."""

    settings: Settings
    reading: Reading
    reader: Reader
    key: bytes
    """of pseudonyms"""
    accounts: AccountsFile = NONE
    links: Path | None = None
    """folder of links that are good once; None: there are none"""
    causes: Callable[[], Sequence[Cause]] = tuple
    """what has been missing from the figures for a while (`streams.monitoring.completeness.Observer.lasting`)"""
    send: Publish = publish
    source: Callable[..., Source] = running
    """what a report or a closing is made from (`streams.reports.sources.running`)"""
    closings: Callable[[Settings], list[Closing]] = closings_of_topic
    close: Callable[[Settings, Closing], None] = publish_closing
    """adds a closing to the topic `periods`"""
    clock: Callable[[], float] = time.monotonic
    sessions: Sessions = field(default_factory=lambda: Sessions(IDLE_S, LONGEST_S))
    failures: Failures = field(default_factory=Failures)
    flashes: dict[str, str] = field(default_factory=dict)
    """csrf token → what the act before has come to, shown once"""

    @property
    def names(self) -> Names:
        """Names of units and indicators."""
        return Names(self.reading)


DESK: Final = web.AppKey("desk", Desk)
SESSION: Final[web.RequestKey[Session | None]] = web.RequestKey("session", Session)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters["number"] = number_text
    found.filters["when"] = when_text
    return found


def session_of(request: web.Request) -> Session:
    """Return the session of a request that the guard has let in."""
    found: Session | None = request[SESSION]
    if found is None:
        raise web.HTTPSeeOther(f"{HOME}/dang-nhap")
    return found


async def form_of(request: web.Request, right: Right) -> tuple[Session, Mapping[str, Any]]:
    """Return the session and the fields of a form which carries the session's token, of somebody who has the right."""
    session = session_of(request)
    fields = await request.post()
    if not is_csrf(session, text_of(fields, "csrf")):
        raise web.HTTPForbidden
    if not session.identity.may(right):
        raise web.HTTPForbidden
    return session, fields


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """Return a field of a form or an address, without blanks around it; '' where it is not there."""
    said = fields.get(name, "")
    return said.strip()[:FIELD_CHARS_MAX] if isinstance(said, str) else ""


# -- pages -------------------------------------------------------------------------------------------------------------

NAVIGATION: Final[tuple[tuple[str, str, Right], ...]] = (
    ("canh-bao", "Cảnh báo", "see"),
    ("tat-tieng", "Tắt tiếng", "see"),
    ("bao-cao", "Báo cáo", "see"),
    ("nhat-ky", "Nhật ký", "audit"),
)


def page(request: web.Request, template: str, *, status: int = 200, **fields: Any) -> web.Response:
    """Return a page; what all pages show comes from the session and the reader."""
    desk, session = request.app[DESK], request.get(SESSION)
    who: Identity | None = None if session is None else session.identity
    text = _templates().get_template(template).render(
        home=HOME,
        decision=desk.reading.decision,
        here=request.path.removeprefix(f"{HOME}/"),
        navigation=[] if who is None else [(path, name) for path, name, right in NAVIGATION if who.may(right)],
        who=who,
        roles=[] if who is None else [ROLE_NAMES[role] for role in sorted(who.roles)],
        csrf="" if session is None else session.csrf,
        flash="" if session is None else desk.flashes.pop(session.csrf, ""),
        trouble=_trouble(desk),
        **fields,
    )  # fmt: skip
    return web.Response(text=text, status=status, content_type="text/html")


def _trouble(desk: Desk) -> str:
    """Say what an official has to know before trusting the page; '' where all is well."""
    if desk.reader.facts is None:
        return "Đang đọc số liệu; hãy tải lại trang sau vài giây."
    if desk.reader.is_old():
        return "Mất liên lạc với Kafka: số liệu dưới đây có thể đã cũ. Báo bộ phận kỹ thuật."
    said = notice(desk.causes())
    return "" if said is None else said["vi"]


def facts_of(request: web.Request) -> Facts:
    """Return what is known; before it is whole, nothing."""
    return request.app[DESK].reader.facts or Facts()


def acts_of(desk: Desk, session: Session, right: Right) -> Acts:
    """Return the acts of somebody signed in, in the name of the office that the role stands for."""
    who = session.identity
    return Acts(desk.settings, who.acts_as(right), desk.reader.now(), by=who.pseudonym, send=desk.send)


async def told(act: Callable[[], dict[str, Any]], say: Callable[[dict[str, Any]], str]) -> str:
    """Do an act; return in Vietnamese what it has come to, or why it was not done."""
    try:
        made = await asyncio.to_thread(act)
    except BadInput as exc:
        return f"Không thực hiện được: {str(exc).partition(' | ')[0]}"
    return say(made)


def own_path(path: str, within: str, otherwise: str) -> str:
    """Return a path that stands in a form or an address where it leads to our own pages, else the other one."""
    return path if path.startswith(within) and "//" not in path and "\\" not in path else otherwise


def see_other(path: str) -> web.Response:
    """Return an answer that leads to another page."""
    return web.Response(status=303, headers={"Location": path})


def lead(request: web.Request, session: Session, flash: str, back: str, within: str) -> web.Response:
    """Return the way to the page after an act, which tells the outcome once; `back` holds only below `within`."""
    flashes = request.app[DESK].flashes
    if len(flashes) >= FLASHES_MAX:
        flashes.clear()
    flashes[session.csrf] = flash
    return see_other(own_path(back, within, within))
