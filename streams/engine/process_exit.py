"""The one way a worker ends on purpose when it cannot go on: at once, with its position unmoved."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

log = logging.getLogger("lotrinh.engine")

EX_SOFTWARE = 70
KILLED = 137
LEAVE_S = 2.0
CAUSE_S = 10.0
STOP_S = 10.0
"""from everything let go to the end of the process, at most"""

_leave: list[Callable[[], None]] = []
_explain: list[Callable[[BaseException], str | None]] = []


def before_exit(leave: Callable[[], None]) -> None:
    """Register what tells the group that this member is gone, so that it need not wait for the session to time out."""
    _leave[:] = [leave]


def explain_by(explain: Callable[[BaseException], str | None]) -> None:
    """Register what says in one sentence what an error means and what to do; None of an error that it does not know."""
    _explain[:] = [explain]


def die(why: object, where: str | None = None) -> NoReturn:
    """End the process now. What was applied and not committed is not lost: it is done again from state.

    `where`: what was being done just then; the line with which the process stops names it.
    For a fenced producer, an exception that would otherwise make Faust drop records, a broker that cannot be reached, a
    log that does not fit the state. The supervisor starts another process.
    """
    error = why if isinstance(why, BaseException) else None
    known = None if error is None else next((text for explain in _explain if (text := explain(error))), None)
    said = why if error is None else known or f"{type(error).__name__}: {error}"
    log.critical("stop: %s%s", said, "" if where is None else f"; {where}", exc_info=error if known is None else None)
    for leave in _leave:
        try:
            leave()
        except Exception:
            log.exception("could not leave the group")
    end_process(EX_SOFTWARE)


def end_within(seconds: float) -> None:
    """End the process with exit code 0 then, if it is still there: all it had is committed and let go.

    What is left is Faust's own stopping; a consumer thread that is stopped while it starts may wait for ever.
    """

    def end() -> None:
        log.warning("stop: still here %g s after everything was let go", seconds)
        end_process(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True  # a process that ends by itself does not wait for it
    timer.start()


def end_process(code: int) -> NoReturn:
    """End without any further step: no `finally`, no handler, no buffer but the log's."""
    logging.shutdown()
    os._exit(code)


def point(name: str, fault: str | None) -> None:
    """A named fault point: where a test has asked for it, the process ends here as if killed."""
    if fault == name:
        log.critical("fault point %s", name)
        end_process(KILLED)


def watched(task: "asyncio.Task[None]", *, cancellable: bool = True) -> "asyncio.Task[None]":
    """Let no exception of a background task go unseen, nor, where it must run to its end, a cancellation."""

    def done(finished: "asyncio.Task[None]") -> None:
        if finished.cancelled():
            if not cancellable:
                die(f"{finished.get_name()} was cancelled; what it was about is half done")
        elif (error := finished.exception()) is not None:
            die(error)

    task.add_done_callback(done)
    return task


@asynccontextmanager
async def within(seconds: float, what: str, cause: Callable[[], Awaitable[str]] | None = None) -> AsyncIterator[None]:
    """Put a bound on what only the broker can end: past it the process ends, and another one tries.

    `cause` is asked then for a sentence on why it did not end; it has a few seconds, and may know none.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        why = ""
        with suppress(TimeoutError):
            async with asyncio.timeout(CAUSE_S):
                why = "" if cause is None else await cause()
        die(f"{what}: not within {seconds:g} s{why and f'; {why}'}")
