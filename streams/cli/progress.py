"""How far a long run has come, on stderr: a bar for somebody who watches, a line now and then for a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import click

LINE_SECONDS: Final = 5.0
"""between two lines, where stderr is no terminal; shorter runs say nothing"""


class Advance(Protocol):
    """Takes note of so many bytes more."""

    def __call__(self, amount: int, /) -> object:
        """Take note."""
        ...


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Show progress through `total` bytes while the block runs."""
    if sys.stderr.isatty():
        with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
            yield bar.update
            bar.update(total - bar.pos)
    else:
        yield _Lines(label, total).advance


class _Lines:
    """Says how far it is, at most every `LINE_SECONDS`."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, max(total, 1), 0
        self._said = time.monotonic()

    def advance(self, amount: int) -> None:
        """Take note of so many bytes more."""
        self._done += amount
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS:
            self._said = now
            click.echo(f"lotrinh: {self._label}: {100 * self._done // self._total} %", err=True)
