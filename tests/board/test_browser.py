"""The wall in a real browser: rows, changes, stale looks, legibility, and not one request to anybody else."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright

from models.decisions.reading import Reading
from streams.settings import Settings
from tests.board.demo import Province
from tests.board.gallery import ARGS, LOOKS, x_height_px
from tests.board.test_page import WIRE_BYTES_MAX
from tests.board.wallserver import Board, alert_fact, serving
from tests.conftest import absent

pytestmark = pytest.mark.browser


class Seen:
    """What a page asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.bytes = 0
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@asynccontextmanager
async def looking(settings: Settings, reading: Reading) -> AsyncIterator[tuple[Board, Province, Browser]]:
    chromium = os.environ.get("LOTRINH_TEST_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        absent("Debian's chromium")
    async with serving(settings, reading) as board, async_playwright() as playwright:
        province = Province(reading=reading, days=40)
        alerts = [alert_fact(t, n) for n, t in enumerate(province.transitions[:25])]  # type: ignore[arg-type]
        await board.begin(province.rows())
        await board.write(alerts=alerts)
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(ARGS))
        try:
            yield board, province, browser
        finally:
            await browser.close()


def browse(settings: Settings, reading: Reading, play: Callable[[Board, Province, Browser], Awaitable[None]]) -> None:
    async def go() -> None:
        async with looking(settings, reading) as (board, province, browser):
            await play(board, province, browser)

    asyncio.run(go())


async def opened(browser: Browser, board: Board, query: str, **size: int) -> tuple[Page, Seen]:
    page = await browser.new_page(viewport={"width": 1920, "height": 1080} | size)  # type: ignore[arg-type]
    seen = Seen(page)
    await page.goto(f"{board.url}/{query}")
    await page.wait_for_selector("main", timeout=15_000)
    return page, seen


async def alive(board: Board) -> None:
    """Say every second that the feed is alive, as the feed does."""
    while True:
        await board.write()
        await asyncio.sleep(1)


def test_the_wall_shows_moves_and_grows_old_honestly(settings: Settings, reading: Reading) -> None:
    async def play(board: Board, province: Province, browser: Browser) -> None:
        feeding = asyncio.create_task(alive(board))
        page, seen = await opened(browser, board, "?rotate=0&indicator=online-dossiers")
        # The tab says how many alerts are open, of the indicator that is shown.
        open_alerts = {t["fingerprint"] for t in province.transitions[:25] if t["indicator"] == "online-dossiers"}
        assert (await page.title()).startswith(f"({len(open_alerts)}) 805/QĐ-UBND" if open_alerts else "805/QĐ-UBND")
        while not await page.query_selector("main.class .rows li"):
            await page.keyboard.press("ArrowRight")
        assert "Hồ sơ trực tuyến" in await page.inner_text("h1")

        # A delta moves a figure, within the second, and nothing else is loaded.
        before = await page.inner_text(".sum .pooled")
        rows, transitions = province.move(40)
        await board.write(rows, [alert_fact(t, 1000 + n) for n, t in enumerate(transitions)])  # type: ignore[arg-type]
        await page.wait_for_function(
            "t => document.querySelector('.sum .pooled').textContent !== t", arg=before, timeout=3000
        )
        assert not await page.query_selector(".banner")

        # The document stays as large as it is, however much changes.
        nodes = await page.evaluate("document.getElementsByTagName('*').length")
        for _ in range(25):
            rows, transitions = province.move(10)
            await board.write(rows, [alert_fact(t, 2000 + n) for n, t in enumerate(transitions)])  # type: ignore[arg-type]
            await asyncio.sleep(0.05)
        await page.wait_for_timeout(800)
        assert abs(await page.evaluate("document.getElementsByTagName('*').length") - nodes) < 60

        # Nothing is judged: the numbers themselves change look, and the banner says which fault it is.
        lively = await page.evaluate("getComputedStyle(document.querySelector('.row .ratio.num')).color")
        feeding.cancel()
        long_ago = str(int(await page.evaluate("Date.now()")) - 12 * 60_000)
        silent = asyncio.create_task(_repeat(board, watermark_ms=long_ago))
        await page.wait_for_selector("body.stale .banner.old", timeout=12_000)
        said = await page.inner_text(".banner")  # by the page, or by the server as soon as it says so
        assert "Khâu đánh giá (watch) đứng từ" in said or "bộ phận đánh giá không hoạt động (từ" in said
        assert "báo quản trị hệ thống" in said
        assert await page.inner_text(".fresh .state") == "Số liệu cũ 12\u00a0phút"  # and not "live"
        looks = await page.evaluate(
            "(() => { const s = getComputedStyle(document.querySelector('.row .ratio.num')); return [s.color, s.backgroundImage]; })()"
        )
        assert looks[0] != lively
        assert "repeating-linear-gradient" in looks[1]
        silent.cancel()

        # The server is gone: another banner, within 2.5 beats.
        await board.vanish()
        await page.wait_for_selector("body.stale .banner.lost", timeout=14_000)
        assert "Mất kết nối máy chủ" in await page.inner_text(".banner")
        assert {urlsplit(board.url).netloc} == seen.hosts
        refused = [text for text in seen.complaints if "Failed to load resource" not in text]
        assert not refused

    browse(settings, reading, play)


async def _repeat(board: Board, **fields: str) -> None:
    while True:
        await board.write(**fields)  # type: ignore[arg-type]
        await asyncio.sleep(1)


def test_every_page_of_the_rotation_is_legible_whole_and_without_complaint(
    settings: Settings, reading: Reading
) -> None:
    async def play(board: Board, province: Province, browser: Browser) -> None:
        feeding = asyncio.create_task(alive(board))
        page, seen = await opened(browser, board, "?rotate=0")
        assert 20 < await _walk(page) < 40
        for query in ("?unit=12454&layout=wall", "?unit=34.so-tai-chinh&theme=light&lang=en&layout=wall"):
            other, _ = await opened(browser, board, query)
            await _walk(other)
            await other.close()
        # Another size of screen, the same angle of sight.
        other, _ = await opened(browser, board, "?rotate=0&screen=43")
        await _walk(other, screen=43)
        feeding.cancel()
        assert {urlsplit(board.url).netloc} == seen.hosts
        assert not seen.complaints

    browse(settings, reading, play)


async def _walk(page: Page, screen: float = 55) -> int:
    """Go through all scenes: each is legible from 4 m, and no text is cut off or runs into its neighbour."""
    given = {"xHeightPx": x_height_px(1920, 1080, screen), "fullPage": False}
    walked = 0
    # How many pages there are is found out by drawing them.
    while walked == 0 or not (await page.inner_text(".place")).startswith("1/"):
        seen: dict[str, Any] = await page.evaluate(LOOKS, given)
        scene = await page.get_attribute("main", "class"), await page.inner_text(".place")
        assert seen["texts"], scene
        assert not [*seen["overlaps"], *seen["clipped"], *seen["small"]], (scene, seen)
        await page.keyboard.press("ArrowRight")
        walked += 1
    return walked


def test_rotation_turns_by_itself_stops_by_the_space_bar_and_keeps_the_address(
    settings: Settings, reading: Reading
) -> None:
    async def play(board: Board, province: Province, browser: Browser) -> None:
        page, _ = await opened(browser, board, "?rotate=1&indicator=online-payments")
        await page.wait_for_function(
            "() => document.querySelector('.place')?.textContent.startsWith('2/')", timeout=5000
        )
        await page.keyboard.press(" ")
        at = await page.inner_text(".place")
        await page.wait_for_timeout(1600)
        assert at == await page.inner_text(".place")
        assert "Đã dừng" in await page.inner_text("footer")
        await page.keyboard.press(" ")
        await page.wait_for_function("t => document.querySelector('.place').textContent !== t", arg=at, timeout=5000)
        assert page.url.endswith("?rotate=1&indicator=online-payments")

    browse(settings, reading, play)


def test_a_phone_gets_one_page_to_scroll_with_every_unit_and_a_search(settings: Settings, reading: Reading) -> None:
    async def play(board: Board, province: Province, browser: Browser) -> None:
        page, seen = await opened(browser, board, "?theme=light", width=390, height=844)
        assert await page.inner_text("h1") == "Hồ sơ trực tuyến"
        await page.get_by_role("button", name="Xã, phường, thị trấn").click()
        await page.wait_for_function("() => document.querySelectorAll('.list .rows li').length === 260")
        await page.get_by_role("searchbox").fill("so tai nguyen")
        await page.wait_for_function("() => document.querySelectorAll('.list .rows li').length === 1")
        # In whatever class, whichever is chosen: a commune while the agencies are shown, and the other way round.
        await page.get_by_role("searchbox").fill("dong hung")
        await page.wait_for_function("() => document.querySelectorAll('.list .rows li').length > 20")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.locator(".list .rows .name").first.click()
        await page.wait_for_selector("main.unit .rows li")
        assert "unit=" in page.url
        await page.get_by_role("searchbox").fill("vu dong")  # from a unit's page too
        await page.wait_for_function("() => document.querySelector('.found')?.textContent.includes('Vũ Đông')")
        assert not seen.complaints

    browse(settings, reading, play)


def test_a_board_without_a_single_figure_says_so(settings: Settings, reading: Reading) -> None:
    async def play(board: Board, province: Province, browser: Browser) -> None:
        await board.store.open("empty", "test", force=True)
        await board.write()
        await board.until(lambda: (board.tag or "").startswith("empty:"))
        page, seen = await opened(browser, board, "")
        assert "chưa công bố số liệu" in await page.inner_text("main")
        await board.write(province.rows())
        await page.wait_for_selector("main.province", timeout=10_000)
        assert not seen.complaints

    browse(settings, reading, play)


def test_all_that_a_first_visit_loads_is_within_the_budget(settings: Settings, reading: Reading) -> None:
    async def play(board: Board, province: Province, browser: Browser) -> None:
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        loaded: dict[str, int] = {}

        async def weigh(request: Any) -> None:
            if "/api/" not in request.url:
                sizes = await request.sizes()
                loaded[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]

        page.on("requestfinished", weigh)
        await page.goto(board.url)
        await page.wait_for_selector("main .rows")
        await page.wait_for_timeout(500)
        assert sum(loaded.values()) <= WIRE_BYTES_MAX, loaded
        assert sum(name.endswith(".woff2") for name in loaded) == 2

    browse(settings, reading, play)


def test_eight_tabs_of_one_browser_are_all_alive(settings: Settings, reading: Reading) -> None:
    async def play(board: Board, province: Province, browser: Browser) -> None:
        feeding = asyncio.create_task(alive(board))
        context = await browser.new_context()
        pages = [await context.new_page() for _ in range(8)]
        for page in pages:
            await page.goto(f"{board.url}/?rotate=0&layout=wall")
        for page in pages:
            await page.wait_for_selector(".fresh.live", timeout=30_000)
        # One stream for all of them: a browser makes six connections to one server over HTTP/1.1.
        assert board.wall.clients == 1
        before = [await page.inner_text("main") for page in pages]
        rows, _ = province.move(40)
        await board.write(rows)
        for page, text in zip(pages, before, strict=True):
            await page.wait_for_function(
                "t => document.querySelector('main').innerText !== t", arg=text, timeout=30_000
            )
        await pages[0].close()
        for page in pages[1:]:
            await page.wait_for_timeout(100)
            assert await page.query_selector(".fresh.live")
        feeding.cancel()

    browse(settings, reading, play)
