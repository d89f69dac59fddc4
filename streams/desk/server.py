"""The desk's HTTP interface: pages made on the server, acts as forms, nothing without sign-in, no script needed."""

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from streams.desk import alert_pages, report_pages, signing_in
from streams.desk.frame import COOKIE, DESK, HOME, SESSION, Desk, page, see_other
from streams.monitoring.http import HEADERS, is_host, problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_BYTES_MAX: Final = 64 << 10
SECURITY: Final[Mapping[str, str]] = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


def create_app(desk: Desk) -> web.Application:
    """Return the application; its reader begins and ends with it."""
    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_guard])
    app[DESK] = desk
    app.on_response_prepare.append(_secure)
    app.add_routes(
        [
            web.get("/", _to_home),
            web.get(HOME, _to_home),
            *signing_in.ROUTES,
            *alert_pages.ROUTES,
            *report_pages.ROUTES,
            web.get(f"{HOME}/{{file:desk\\.css}}", asset),
            web.get("/livez", livez),
        ]
    )
    return app


# -- who may come in ---------------------------------------------------------------------------------------------------

OPEN: Final = frozenset({f"{HOME}/dang-nhap", f"{HOME}/vao", f"{HOME}/desk.css", "/livez", "/", HOME})


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who asks under our name, is signed in, and sends forms that are ours."""
    desk = request.app[DESK]
    if not is_host(request.host, desk.settings.allowed_hosts):
        return problem(421, "nothing is served under this name here: see LOTRINH_ALLOWED_HOSTS")
    if request.method == "POST" and not _is_own_form(request):
        return page(request, "message.html", status=403, title="Bị từ chối", text="Biểu mẫu không phải của trang này.")
    session = desk.sessions.of(request.cookies.get(COOKIE, ""), desk.clock())
    request[SESSION] = session
    if session is None and request.path not in OPEN:
        return _to_sign_in(request)
    try:
        return await handler(request)
    except web.HTTPException as refused:
        if refused.status < 400:
            raise
        return page(
            request,
            "message.html",
            status=refused.status,
            title="Không thực hiện được",
            text=("Không có trang này." if refused.status == 404 else "Yêu cầu không hợp lệ."),
        )


def _is_own_form(request: web.Request) -> bool:
    """Tell whether a form was sent from a page of ours, by what browsers say of it; forms also carry a token."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


def _to_sign_in(request: web.Request) -> web.StreamResponse:
    """Send to the sign-in page, which leads back where that was a page to look at."""
    back = request.path_qs if request.method == "GET" else f"{HOME}/canh-bao"
    return see_other(f"{HOME}/dang-nhap?{urlencode({'ve': back})}")


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY)


async def _to_home(_: web.Request) -> web.StreamResponse:
    return see_other(f"{HOME}/canh-bao")


@lru_cache(maxsize=1)
def _css() -> bytes:
    return (Path(__file__).parent / "static" / "desk.css").read_bytes()


async def asset(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - there is one
    """Serve the style sheet."""
    return web.Response(body=_css(), content_type="text/css")


async def livez(request: web.Request) -> web.StreamResponse:
    """Say that the process lives; 503 where it cannot go on."""
    fatal = request.app[DESK].reader.fatal
    return web.Response(text="ok\n" if fatal is None else f"{fatal}\n", status=200 if fatal is None else 503)
