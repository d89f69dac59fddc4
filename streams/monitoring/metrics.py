"""Prometheus' text format (0.0.4), for all processes. Pure."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metric(NamedTuple):
    """One metric and its samples: labels → value.

    The label `__suffix__` is no label but the end of a name: `_bucket`, `_sum`, `_count`.
    """

    name: str
    kind: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


class Buckets(Protocol):
    """A histogram: cumulative counts by upper bound, and the sum of what was observed."""

    sum: float

    def cumulative(self) -> list[tuple[str, int]]:
        """Return (upper bound, how many are at most that); the last bound is `+Inf`."""


SUFFIX: Final = "__suffix__"


def histogram(name: str, about: str, observed: Iterable[tuple[Mapping[str, str], Buckets]]) -> Metric:
    """Return a histogram's metric."""
    samples: list[tuple[Mapping[str, str], float]] = []
    for labels, buckets in observed:
        bounds = buckets.cumulative()
        samples += [({SUFFIX: "_bucket", **labels, "le": bound}, count) for bound, count in bounds]
        samples += [({SUFFIX: "_sum", **labels}, buckets.sum), ({SUFFIX: "_count", **labels}, bounds[-1][1])]
    return Metric(name, "histogram", about, samples)


def exposition(metrics: Iterable[Metric]) -> str:
    r"""Return the text.

    >>> print(exposition([Metric("lotrinh_up", "gauge", "Works.", [({"board": 'a"b'}, 1)])]), end="")
    # HELP lotrinh_up Works.
    # TYPE lotrinh_up gauge
    lotrinh_up{board="a\"b"} 1
    """
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.samples:
            name = metric.name + labels.get(SUFFIX, "")
            named = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items() if label != SUFFIX)
            lines.append(f"{name}{{{named}}} {value:.15g}" if named else f"{name} {value:.15g}")
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=4_096)
def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
