"""Logs of a running child are rotated under its hands."""

import asyncio
import sys
from pathlib import Path

import pytest

from streams.local import children
from streams.local.children import LOGS_KEPT, Child

LINE = "x" * 99
WRITES = f"""
import itertools, time
for n in itertools.count():
    print(f"{{n:08d}} {LINE}", flush=True)
    time.sleep(0.0005)
"""


@pytest.mark.process
def test_the_log_of_a_running_program_is_put_aside_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_BYTES", 20_000)
    log = tmp_path / "child.log"

    async def run() -> None:
        child = Child("child", [sys.executable, "-c", WRITES], log)
        await child.start()
        try:
            for _ in range(2 + LOGS_KEPT):
                while log.stat().st_size <= children.LOG_BYTES:  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.01)
                child.rotate()
                assert log.stat().st_size < children.LOG_BYTES
            before = log.stat().st_size
            while log.stat().st_size == before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        finally:
            await child.stop()

    asyncio.run(asyncio.wait_for(run(), 60))
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["child.log", *(f"child.log.{n}" for n in range(1, LOGS_KEPT + 1))]
    assert b"\0" not in log.read_bytes(), "it appends: the file begins anew, without a hole"
    numbers = [
        int(line[:8]) for n in (3, 2, 1) for line in (tmp_path / f"child.log.{n}").read_text().splitlines()[1:-1]
    ]
    assert numbers == sorted(numbers)


def test_a_small_log_and_none_are_left_alone(tmp_path: Path) -> None:
    child = Child("child", [], tmp_path / "child.log")
    child.rotate()
    child.log.write_text("a line\n")
    child.rotate()

    assert [p.name for p in tmp_path.iterdir()] == ["child.log"]
