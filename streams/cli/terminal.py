"""What commands print, safe for a terminal: texts of others cannot steer it, nor turn the order of what is read."""

import io
import sys
from typing import Final

from models.wording import visible

LINES: Final = "\n\t"


class Visible(io.TextIOWrapper):
    """A stream on which nothing is written that steers a terminal, whatever a command takes from elsewhere."""

    def write(self, text: str) -> int:
        """Write a text, with escapes for what steers or hides."""
        return super().write(visible(text, keep=LINES))


def make_visible() -> None:
    """Let all commands print through `Visible`; a stream that somebody has put there (a test) stays."""
    stdout = sys.stdout
    if type(stdout) is io.TextIOWrapper:
        encoding, errors, lines = stdout.encoding, stdout.errors, stdout.line_buffering
        sys.stdout = Visible(stdout.detach(), encoding=encoding, errors=errors, line_buffering=lines)
