"""Every scene of the wall on made data in a real browser: measured for what cannot be read, and photographed.

``python -m tests.board.gallery --out DIR`` walks the whole matrix; a test walks a part of it.
"""

import argparse
import asyncio
import json
import math
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from models.calendar.civil_time import ZONE
from streams.board.assets import load_assets
from streams.board.hub import frame
from tests.board.boards import DECISIONS, STATES, Made, made

ARGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
SIZES: Final = ((1366, 768), (1920, 1080), (3840, 2160), (1080, 1920))
LANGUAGES: Final = ("vi", "en")
THEMES: Final = ("dark", "light")
LOOKS: Final = (Path(__file__).parent / "looks.js").read_text(encoding="utf-8").rstrip().rstrip(";")
ARC_MINUTES: Final = 16
BEAT_S: Final = 4.0
SHOWN_MAX: Final = 60
"""faults of a kind that are printed"""


class View(NamedTuple):
    """One board on one screen."""

    decision: str
    state: str
    lang: str
    width: int
    height: int
    query: str = ""

    @property
    def name(self) -> str:
        return f"{self.decision}-{self.state}-{self.lang}-{self.width}x{self.height}{self.query.replace('/', '_')}"


class Found(NamedTuple):
    """What was measured of one scene in one theme."""

    view: View
    scene: str
    theme: str
    texts: int
    overlaps: list[str]
    clipped: list[str]
    small: list[str]

    @property
    def faults(self) -> list[str]:
        kinds = {"overlap": self.overlaps, "clipped": self.clipped, "small": self.small}
        return [f"{self.view.name} {self.scene} {self.theme}: {kind}: {t}" for kind, ts in kinds.items() for t in ts]


def x_height_px(width: int, height: int, screen_in: float = 55, distance_m: float = 4) -> float:
    """Pixels of 16 arc minutes on a screen of that diagonal which shows so many pixels."""
    seen_m = 2 * distance_m * math.tan(math.radians(ARC_MINUTES / 60 / 2))
    return seen_m / (screen_in * 0.0254 / math.hypot(width, height))


# -- a server of made boards -------------------------------------------------------------------------------------------


def _instants(board: Made) -> tuple[str, str, dict[str, str] | None]:
    now = datetime.combine(board.now, time(9, 30), ZONE).astimezone(UTC)
    old = now - timedelta(minutes=12) if board.stale else now
    stale = None if board.stale is None else {"reason": board.stale, "since": old.isoformat()}
    return now.isoformat(), old.isoformat(), stale


def _find(request: web.Request) -> Made:
    decision, _, state = request.match_info["board"].partition(".")
    return made(decision, state)


async def _meta(request: web.Request) -> web.Response:
    return web.json_response(_find(request).meta)


async def _snapshot(request: web.Request) -> web.Response:
    board = _find(request)
    now, watermark, stale = _instants(board)
    body = board.state.snapshot({"server_time": now, "watermark": watermark, "stale": stale})
    return web.Response(body=body, content_type="application/json")


async def _events(request: web.Request) -> web.StreamResponse:
    board = _find(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    rows_crc, alerts_crc = board.state.crcs()
    now, watermark, stale = _instants(board)
    beat = {"epoch": board.state.epoch, "ver": board.state.ver, "t": now, "wm": watermark, "stale": stale}
    try:
        while True:
            said = json.dumps({**beat, "crc": rows_crc, "acrc": alerts_crc}).encode()
            await response.write(frame("beat", said).plain)
            await asyncio.sleep(BEAT_S)
    except ConnectionError:
        return response


@asynccontextmanager
async def boards_served() -> AsyncIterator[str]:
    """Serve all made boards, each as ``?board=DECISION.STATE``."""
    assets = load_assets()

    async def asset(request: web.Request) -> web.Response:
        found = assets[request.match_info.get("name") or "index.html"]
        return web.Response(body=found.body, headers={"Content-Type": found.content_type})

    app = web.Application()
    app.add_routes(
        [
            web.get("/api/v1/boards/{board}/meta", _meta),
            web.get("/api/v1/boards/{board}/snapshot", _snapshot),
            web.get("/api/v1/boards/{board}/events", _events),
            web.get("/", asset),
            web.get("/{name}", asset),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def chromium() -> str | None:
    """The browser, or None where there is none."""
    return os.environ.get("LOTRINH_TEST_CHROMIUM") or shutil.which("chromium")


@asynccontextmanager
async def browser_of(path: str) -> AsyncIterator[Browser]:
    """A headless browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGS))
        try:
            yield browser
        finally:
            await browser.close()


# -- walking -----------------------------------------------------------------------------------------------------------


class Kept(NamedTuple):
    """What a walk keeps: photographs of scenes in these themes."""

    out: Path
    themes: Iterable[str]


async def walk(page: Page, url: str, view: View, kept: Kept | None = None, *, style: str = "") -> list[Found]:
    """Go through all scenes of a view, measure each in both themes, and photograph some; `style` is added to it."""
    await page.set_viewport_size({"width": view.width, "height": view.height})
    query = f"?board={view.decision}.{view.state}&lang={view.lang}&rotate=0{view.query}"
    await page.goto(f"{url}/{query}")
    await page.wait_for_selector("main, .boot:not(:has-text('…'))", timeout=30_000)
    await page.evaluate("document.fonts.ready")
    if style:
        await page.evaluate(
            "text => { const sheet = new CSSStyleSheet(); sheet.replaceSync(text); document.adoptedStyleSheets = [sheet]; }",
            style,
        )
    full_page = await page.evaluate("document.body.classList.contains('page')")
    given = {"xHeightPx": x_height_px(view.width, view.height), "fullPage": full_page}
    found: list[Found] = []
    for n in range(400):
        kind = (await page.get_attribute("main", "class") or "").split(" ")[-1]
        scene = f"{n + 1:02d}-{kind}"
        for theme in THEMES:
            seen: dict[str, Any] = await page.evaluate(
                f"given => {{ document.documentElement.dataset.theme = {json.dumps(theme)}; return ({LOOKS})(given); }}",
                given,
            )
            found.append(Found(view, scene, theme, seen["texts"], seen["overlaps"], seen["clipped"], seen["small"]))
            if kept is not None and theme in kept.themes:
                await page.screenshot(path=kept.out / f"{view.name}-{scene}-{theme}.png", full_page=full_page)
        place = await page.query_selector(".place")
        told = "1/1" if place is None else await place.inner_text()
        if full_page or told.split("/")[0] == told.split("/")[1]:
            return found
        await page.keyboard.press("ArrowRight")
    raise AssertionError(f"{view.name}: it has more than 400 scenes")


def matrix() -> Iterator[View]:
    """Every board in every state, both languages, all sizes; both themes are measured in each."""
    for decision, state, lang, (width, height) in product(DECISIONS, STATES, LANGUAGES, SIZES):
        yield View(decision, state, lang, width, height)


async def _main(views: list[View], kept: Kept | None) -> int:
    path = chromium()
    if path is None:
        print("chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    scenes = texts = 0
    faults: list[str] = []
    async with boards_served() as url, browser_of(path) as browser:
        page = await browser.new_page()
        for n, view in enumerate(views):
            found = await walk(page, url, view, kept)
            scenes += len(found)
            texts += sum(f.texts for f in found)
            wrong = [fault for f in found for fault in f.faults]
            faults += wrong
            print(f"{n + 1}/{len(views)} {view.name}: {len(found)} scenes, {len(wrong)} faults", file=sys.stderr)
    kinds = {kind: [fault for fault in faults if f": {kind}: " in fault] for kind in ("overlap", "clipped", "small")}
    print(json.dumps({"scenes": scenes, "texts": texts} | {kind: len(found) for kind, found in kinds.items()}))
    for found in kinds.values():  # type: ignore[assignment]
        for fault in found[:SHOWN_MAX]:
            print(fault)
    return 1 if faults else 0


def main() -> None:
    """Walk the matrix, or the part of it that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.board.gallery", description=__doc__)
    parser.add_argument("--out", type=Path, help="directory for screenshots; without it scenes are only measured")
    parser.add_argument("--query", default="", help="more of the address: `&screen=43`; the measure is of 55 inches")
    parser.add_argument("--only", default="", help="words that a view's name has to hold, joined by commas")
    parser.add_argument("--themes", default="dark", help="themes to photograph, joined by commas; both are measured")
    given = parser.parse_args()
    views = [
        view._replace(query=given.query)
        for view in matrix()
        if all(word in view.name for word in given.only.split(","))
    ]
    kept = None
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        kept = Kept(given.out, given.themes.split(","))
    sys.exit(asyncio.run(_main(views, kept)))


if __name__ == "__main__":
    main()
