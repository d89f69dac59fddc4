"""A process that was told to stop ends, whatever Faust's own stopping comes to."""

import subprocess
import sys

import pytest

ENDS = "import time; from streams.engine.process_exit import end_within; end_within({}); {}"


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.process
def test_what_hangs_after_everything_was_let_go_is_ended() -> None:
    done = run(ENDS.format(0.2, "time.sleep(3600)"))

    assert done.returncode == 0
    assert "still here 0.2 s after everything was let go" in done.stderr


@pytest.mark.process
def test_what_ends_by_itself_is_not_waited_for() -> None:
    done = run(ENDS.format(3600, "raise SystemExit(3)"))

    assert (done.returncode, done.stderr) == (3, "")
