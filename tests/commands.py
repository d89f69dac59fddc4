"""Commands as somebody types them, run within the tests' process: starting Python anew for each takes most of a second."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import patch

from streams.cli import main


@contextlib.contextmanager
def _streams() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Put streams of bytes in the place of the process's own, of the type that a terminal's or a pipe's have."""
    out, err = io.BytesIO(), io.BytesIO()
    texts = (io.TextIOWrapper(raw, encoding="utf-8", write_through=True) for raw in (out, err))
    with contextlib.ExitStack() as stack:
        for name, text in zip(("stdout", "stderr"), texts, strict=True):
            stack.enter_context(patch.object(sys, name, text))
        stack.enter_context(patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())))
        yield out, err
        sys.stdout.flush()
        sys.stderr.flush()
        for name in ("stdout", "stderr"):  # their bytes stay when they are gone
            getattr(sys, name).detach()


def typed(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run `lotrinh …` with no LOTRINH_ variables but those given; what would be a traceback is raised."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LOTRINH_")} | env
    code = 0
    with (
        patch.dict(os.environ, clean, clear=True),
        patch.object(sys, "argv", ["lotrinh", *arguments]),
        _streams() as (out, err),
    ):
        try:
            main()
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return subprocess.CompletedProcess(arguments, code, out.getvalue().decode(), err.getvalue().decode())
