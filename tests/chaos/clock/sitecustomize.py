"""A wall clock that a test may set: on PYTHONPATH of a child, before anything else has asked for the time.

The file named by CHAOS_CLOCK holds how many seconds the clock is off; it may change at any moment. The monotonic clock
stays, as it does on a machine whose clock is set.
"""

import os
import time

_true, _steady = time.time, time.monotonic
_read = [0.0, float("-inf")]


def _off() -> float:
    now = _steady()
    if now - _read[1] > 0.05:
        try:
            with open(os.environ["CHAOS_CLOCK"], encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded yet
                _read[0] = float(file.read() or 0)
        except (OSError, ValueError):
            pass
        _read[1] = now
    return _read[0]


if "CHAOS_CLOCK" in os.environ:
    time.time = lambda: _true() + _off()
    time.time_ns = lambda: int(time.time() * 1e9)
