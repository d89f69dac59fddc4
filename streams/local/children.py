"""Child processes that end with their parent, whatever becomes of it."""

import asyncio
import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

LOG_BYTES: Final = 20 << 20
LOGS_KEPT: Final = 3
"""Full logs that are kept, besides the one being written."""
PR_SET_PDEATHSIG: Final = 1


def end_with_parent(parent: int) -> Callable[[], None]:
    """Return what a child does before it becomes its program: ask Linux to kill it when its parent is gone.

    Killed, not asked: everything here is made to be killed, and nothing would be left to follow up on a request.
    Elsewhere than on Linux a hard kill of the parent leaves its children to the next start, which refuses to begin
    beside them.
    """
    libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def before_exec() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)  # the parent was gone before we asked

    return before_exec


@dataclass
class Child:
    """One program to be kept running."""

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[bool]] | None = None
    stop_s: float = 20.0
    """seconds it may take to stop before it is killed"""
    once: bool = False
    """it may end by itself (exit code 0) and is then not started again"""
    process: asyncio.subprocess.Process | None = None
    began: float = 0.0
    failures: int = 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self.process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start the program; its output goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.rotate()
        with self.log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **self.env},
                start_new_session=True,  # a Ctrl-C at the terminal is for the supervisor alone
                preexec_fn=end_with_parent(os.getpid()),
            )
        self.began = time.monotonic()

    async def stop(self) -> None:
        """Ask it to end, and kill it where it does not."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.stop_s)
        except TimeoutError:
            process.kill()
            await process.wait()

    def rotate(self) -> None:
        """Put a log that is full aside, while its program goes on writing to it.

        The program holds the file open and appends, so the file stays and is emptied: what it writes between the copy
        and that is lost, a few lines at most. Where the disk has no room for a copy, it is emptied all the same.
        """
        try:
            if self.log.stat().st_size <= LOG_BYTES:
                return
        except OSError:
            return  # there is none yet
        try:
            for n in range(LOGS_KEPT, 1, -1):
                if (older := self.log.with_suffix(f".log.{n - 1}")).exists():
                    older.replace(self.log.with_suffix(f".log.{n}"))
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
        except OSError:
            self.log.with_suffix(".log.1").unlink(missing_ok=True)
        os.truncate(self.log, 0)

    def last_lines(self, count: int = 5) -> str:
        """Return the end of its log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-count:])

    def pause(self) -> float:
        """Return the pause before the next start: doubling up to half a minute, forgotten after a good minute."""
        self.failures = 1 if time.monotonic() - self.began > 60 else self.failures + 1
        return float(min(30.0, 0.25 * 2**self.failures))
