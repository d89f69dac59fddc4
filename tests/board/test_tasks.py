"""A process comes to its end, whatever its libraries do with a cancellation."""

import asyncio
import time

import pytest

from streams.board import tasks


def test_a_task_that_swallows_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_S", 0.05)

    async def go() -> None:
        swallowed = 0

        async def stubborn() -> None:
            nonlocal swallowed
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    swallowed += 1
                    if swallowed == 2:
                        raise

        async def broken() -> None:
            raise OSError

        begun = [asyncio.create_task(stubborn()), asyncio.create_task(broken())]
        await asyncio.sleep(0)
        await tasks.end(begun)
        assert swallowed == 2
        assert all(task.done() for task in begun)

    asyncio.run(go())


def test_one_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_S", 0.02)

    async def go() -> None:
        released = asyncio.Event()

        async def deaf() -> None:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        began = time.monotonic()
        await tasks.end([task])
        assert time.monotonic() - began < 1
        assert not task.done()
        released.set()
        await task

    asyncio.run(go())
