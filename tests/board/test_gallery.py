"""No scene shows text over text, text cut off, or a figure that its distance makes too small: measured in a browser."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from playwright.async_api import Page

from tests.board.gallery import View, boards_served, browser_of, chromium, walk
from tests.conftest import absent

pytestmark = pytest.mark.browser

LEAN: Final = (
    View("thai-binh-2024", "many-alerts", "vi", 1920, 1080),
    View("thai-binh-2024", "middle", "en", 1366, 768),
    View("ha-tinh", "many-alerts", "en", 3840, 2160),
    View("lak-2022", "over", "vi", 1920, 1080),
    View("khanh-hoa-2024", "early", "vi", 1366, 768),
    View("hai-duong-2022", "stale", "vi", 1920, 1080),
    View("hai-duong-2022", "middle", "vi", 1080, 1920),
    View("khanh-hoa-2024", "large", "vi", 1080, 1920),
    View("lak-2022", "empty", "en", 1080, 1920),
)
"""every decision, state, size and language once or more; `python -m tests.board.gallery` walks all combinations"""


def looking(play: Callable[[Page, str], Awaitable[None]]) -> None:
    path = chromium()
    if path is None:
        absent("Debian's chromium")
    assert path

    async def go() -> None:
        async with boards_served() as url, browser_of(path) as browser:
            await play(await browser.new_page(), url)

    asyncio.run(go())


def test_no_text_lies_over_another_none_is_cut_off_and_none_is_too_small() -> None:
    async def play(page: Page, url: str) -> None:
        for view in LEAN:
            found = await walk(page, url, view)
            assert found
            assert not [fault for f in found for fault in f.faults], view.name

    looking(play)


def test_the_measure_sees_a_layout_that_is_broken() -> None:
    view = View("lak-2022", "many-alerts", "vi", 1366, 768)

    async def play(page: Page, url: str) -> None:
        # The alert scene as it once was: items of a fixed height, whatever they say.
        fixed = await walk(page, url, view, style=".wall .alert-item { height: 2.5em; }")
        assert any(f.overlaps for f in fixed if "alerts" in f.scene)
        cut = await walk(page, url, view, style=".wall .alert-item .said { white-space: nowrap; overflow: hidden; }")
        assert any(f.clipped for f in cut if "alerts" in f.scene)
        # Figures once ran into the bars from four digits on, and the day of the figures was 7 arc minutes high.
        narrow = await walk(
            page, url, view, style=".wall .row { --c-count: 2em !important; --c-ratio: 2em !important; }"
        )
        assert any("bullet" in text for f in narrow for text in f.overlaps)
        tiny = await walk(page, url, view, style=".wall .fresh .as-of { font-size: 0.44em; }")
        assert all(f.small for f in tiny)

    looking(play)
