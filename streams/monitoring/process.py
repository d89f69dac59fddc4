"""What the operating system and Python know of this process. Linux; elsewhere what cannot be read is left out."""

import gc
import os
import resource
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from streams.monitoring.metrics import Metric

BEGAN: Final = time.time()
VERSION: Final = version("lotrinh")  # looked up on disk: once, not at every scrape
_PAGE: Final = resource.getpagesize()


class CollectorWatch:
    """Times the garbage collector's pauses; it collects seldom, so watching costs nothing that could be seen."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.paused_s = 0.0
        self._began = 0.0

    def start(self) -> None:
        """Begin to watch."""
        gc.callbacks.append(self._called)

    def _called(self, phase: str, info: Mapping[str, Any]) -> None:  # noqa: ARG002 - the signature is Python's
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.paused_s += time.perf_counter() - self._began


COLLECTOR: Final = CollectorWatch()


def resident_bytes() -> int | None:
    """Return the memory that is resident now; None where /proc is not there."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except OSError:
        return None


def process_metrics() -> list[Metric]:
    """Return memory, CPU, open files, and the garbage collector's work."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = [
        Metric(
            "lotrinh_build_info",
            "gauge",
            "1, with the version as label.",
            [({"version": VERSION}, 1)],
        ),
        Metric("lotrinh_process_start_time_seconds", "gauge", "When the process began.", [({}, BEGAN)]),
        Metric(
            "lotrinh_process_cpu_seconds_total",
            "counter",
            "CPU time, user and system.",
            [({}, used.ru_utime + used.ru_stime)],
        ),
        Metric(
            "lotrinh_python_gc_collections_total",
            "counter",
            "Runs of the garbage collector.",
            [({"generation": str(n)}, float(s["collections"])) for n, s in enumerate(gc.get_stats())],
        ),
        Metric(
            "lotrinh_python_gc_seconds_total",
            "counter",
            "Time for which the garbage collector stopped the process.",
            [({}, COLLECTOR.paused_s)],
        ),
    ]
    if (resident := resident_bytes()) is not None:
        found.append(
            Metric("lotrinh_process_resident_memory_bytes", "gauge", "Resident memory.", [({}, float(resident))])
        )
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - Path.iterdir makes an object per entry
        found.append(Metric("lotrinh_process_open_fds", "gauge", "Open file descriptors.", [({}, float(files))]))
    return found
