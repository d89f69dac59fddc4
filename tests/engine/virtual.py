"""An event loop without a world: time jumps to the next timer, and the same program runs the same way every time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar, copy_context
from typing import Any


class Ended(BaseException):
    """A simulated process has ended here."""


class StuckError(Exception):
    """Nothing is left to happen, and the program waits."""


class _NoFiles(selectors.BaseSelector):
    """Waits for nothing but time."""

    def __init__(self) -> None:
        self.now = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        raise KeyError

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise StuckError
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop on virtual time."""

    def __init__(self) -> None:
        self._files = _NoFiles()
        super().__init__(self._files)
        self.set_exception_handler(self._note)
        self.errors: list[dict[str, Any]] = []
        self.lives: list[Life] = []

    def time(self) -> float:
        return self._files.now

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), Ended | asyncio.CancelledError | None):
            self.errors.append(context)


class Life:
    """A process: its tasks carry it in their context, end with it, and stand still while it is paused."""

    current: ContextVar["Life | None"] = ContextVar("current", default=None)

    def __init__(self) -> None:
        self.alive = True
        self.tasks: dict[asyncio.Task[Any], None] = {}  # in their order: a run must be the same every time
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self.on_end: Callable[[], None] = lambda: None
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.lives.append(self)

    def spawn(self, coro: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Start a task of this process from outside."""
        context = copy_context()
        context.run(Life.current.set, self)
        return asyncio.get_running_loop().create_task(coro, context=context)

    @property
    def paused(self) -> bool:
        return not self._goes_on.is_set()

    def pause(self) -> None:
        self._goes_on.clear()

    def go_on(self) -> None:
        self._goes_on.set()

    def end(self) -> None:
        """As SIGKILL: not one more step has an effect."""
        if self.alive:
            self.alive = False
            for task in list(self.tasks):
                task.cancel()
            self.on_end()

    async def gate(self) -> None:
        """Pass only while the process lives and is not paused."""
        while self.alive and self.paused:
            await self._goes_on.wait()
        if not self.alive:
            raise Ended


def _task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
    context = options.get("context")
    life = Life.current.get() if context is None else context.get(Life.current)
    if life is not None:
        life.tasks[task] = None
        task.add_done_callback(lambda done: life.tasks.pop(done, None))
    return task


def end_process(code: int) -> None:
    """Stands in the place of `process_exit.end_process`."""
    life = Life.current.get()
    assert life is not None, "only a simulated process may end"
    life.end()
    raise Ended(code)


def _clear(loop: VirtualLoop) -> None:
    """End whatever is left, so that nothing of it runs while somebody else's garbage is collected."""
    for life in loop.lives:
        life.on_end = lambda: None
        life.end()
    for _ in range(50):
        for task in (left := asyncio.all_tasks(loop)):
            task.cancel()
        if not left:
            break
        loop.run_until_complete(asyncio.sleep(0.001))
    loop.run_until_complete(loop.shutdown_asyncgens())


def run(program: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a program to its end; whatever went wrong unseen in a task is raised."""
    loop = VirtualLoop()
    loop.set_task_factory(_task)
    try:
        loop.run_until_complete(program())
    finally:
        _clear(loop)
        loop.close()
    if loop.errors:
        raise AssertionError(loop.errors[0]) from loop.errors[0].get("exception")
