"""Signing in and out: accounts of this deployment, and links that are good once."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from models.access import Identity, pseudonym_of
from streams.desk.accounts import identity_of, is_password, take_link
from streams.desk.frame import COOKIE, DESK, HOME, SESSION, form_of, own_path, page, see_other, text_of
from streams.monitoring.http import address_of

log = logging.getLogger("lotrinh.desk")

WRONG_SIGN_IN: Final = "Tài khoản hoặc mật khẩu không đúng."
LOCKED: Final = "Đã thử sai nhiều lần. Hãy thử lại sau 15 phút."


async def sign_in_page(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    if request[SESSION] is not None:
        return see_other(f"{HOME}/canh-bao")
    return _sign_in_page(request, request.query)


def _sign_in_page(request: web.Request, fields: Mapping[str, Any], wrong: str = "", status: int = 200) -> web.Response:
    accounts = bool(request.app[DESK].accounts.accounts)
    return page(
        request,
        "sign_in.html",
        status=status,
        title="Đăng nhập",
        wrong=wrong,
        accounts=accounts,
        back=_back(fields),
    )


def _back(fields: Mapping[str, Any]) -> str:
    """Return where a sign-in leads: to a page of the desk, and nowhere else."""
    return own_path(text_of(fields, "ve"), f"{HOME}/", f"{HOME}/canh-bao")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Take an account's name and password."""
    desk = request.app[DESK]
    fields = await request.post()
    name, password = text_of(fields, "tai-khoan"), str(fields.get("mat-khau", ""))
    address, now = address_of(request, desk.settings.trusted_proxies), desk.clock()
    if desk.failures.locked(name, address, now):
        return _sign_in_page(request, fields, LOCKED, 429)
    account = desk.accounts.accounts.get(name)
    if not await asyncio.to_thread(is_password, account, password) or account is None:
        desk.failures.failed(name, address, now)
        log.info("a sign-in from %s was refused", address)
        return _sign_in_page(request, fields, WRONG_SIGN_IN, 403)
    desk.failures.succeeded(name)
    return _begin(request, identity_of(account, desk.key, "local", name), f"local:{name}", _back(fields))


async def link_page(request: web.Request) -> web.StreamResponse:
    """Show a button: whoever fetches links ahead of a click uses none up."""
    return page(request, "link.html", title="Vào bàn làm việc", token=text_of(request.query, "ma"))


async def use_link(request: web.Request) -> web.StreamResponse:
    """Take a link that is good once; it signs in as all that a single machine's owner is."""
    desk = request.app[DESK]
    token = text_of(await request.post(), "ma")
    if desk.links is None or not await asyncio.to_thread(take_link, desk.links, token):
        text = "Liên kết đã được dùng hoặc đã hết hạn. Tạo liên kết mới bằng lệnh `lotrinh desk link`."
        return page(request, "message.html", status=403, title="Liên kết không còn hiệu lực", text=text)
    owner = Identity(pseudonym_of(desk.key, "link", "owner"), frozenset({"office", "engineer"}), frozenset())
    return _begin(request, owner, "link:owner", f"{HOME}/canh-bao")


def _begin(request: web.Request, who: Identity, account: str, back: str) -> web.StreamResponse:
    """Open a session; the one before it, if there was one, ends."""
    desk = request.app[DESK]
    desk.sessions.end(request.cookies.get(COOKIE, ""))
    response = see_other(back)
    session_id = desk.sessions.begin(who, account, desk.clock())
    # Lax: the link in a mail finds its reader signed in; forms from elsewhere carry no cookie.
    response.set_cookie(COOKIE, session_id, path="/", secure=True, httponly=True, samesite="Lax")
    log.info("%s has signed in", who.pseudonym)
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End this session, or all of the account."""
    desk = request.app[DESK]
    session, fields = await form_of(request, "see")
    if text_of(fields, "moi-noi"):
        desk.sessions.end_all(session.account)
    desk.sessions.end(request.cookies.get(COOKIE, ""))
    response = see_other(f"{HOME}/dang-nhap")
    response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return response


ROUTES: Final = (
    web.get(f"{HOME}/dang-nhap", sign_in_page),
    web.post(f"{HOME}/dang-nhap", sign_in),
    web.get(f"{HOME}/vao", link_page),
    web.post(f"{HOME}/vao", use_link),
    web.post(f"{HOME}/dang-xuat", sign_out),
)
