"""The fault tables of docs/faults-measured.md from files of rounds: `python -m tests.chaos.table FILE…`."""

import json
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.chaos.matrix import CLUSTER, FAULTS, WHAT
from tests.chaos.run import Round, played

HEAD = ("fault", "what", "rounds", "broken", "wrong rows", "lost alerts", "recovered, s", "p90", "max", "starts")
EXITS = "exits"
"""one column more for three brokers: workers that ended by themselves, per round"""


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least a share of all values do not exceed.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 0.9), percentile([3.0, 1.0, 2.0, 4.0], 0.5)
    (4.0, 2.0)
    """
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def line(fault: str, rounds: list[Round]) -> tuple[str, ...]:
    """One row of the table."""
    recovered = [r.recovered_s for r in rounds if r.recovered_s is not None]
    times = (statistics.median(recovered), percentile(recovered, 0.9), max(recovered)) if recovered else ()
    return (
        fault,
        WHAT[fault],
        str(len(rounds)),
        str(sum(r.broken is not None for r in rounds)),
        str(sum(r.wrong_rows for r in rounds)),
        str(sum(r.lost_alerts for r in rounds)),
        *([f"{t:.1f}" for t in times] or ["–"] * 3),
        f"{sum(r.starts for r in rounds) / len(rounds):.1f}",
        *([f"{sum(len(r.exits) for r in rounds) / len(rounds):.1f}"] if fault in CLUSTER else []),
    )


def table(rounds: Iterable[Round]) -> str:
    """All rows as Markdown, in the order of the matrix, and what they were measured on; three brokers by themselves."""
    everything = list(rounds)
    parts = ([r for r in everything if r.fault not in CLUSTER], [r for r in everything if r.fault in CLUSTER])
    return "\n\n".join(_table(part) for part in parts if part)


def _table(everything: list[Round]) -> str:
    of_fault: dict[str, list[Round]] = {}
    for done in everything:
        of_fault.setdefault(done.fault, []).append(done)
    names = sorted(of_fault, key=[*FAULTS].index)
    head = (*HEAD, EXITS) if everything[0].fault in CLUSTER else HEAD
    lines = [head, ("--",) * len(head), *(line(name, of_fault[name]) for name in names)]
    total = (
        f"{len(everything)} rounds, {sum(r.broken is not None for r in everything)} broken; commits "
        f"{', '.join(sorted({r.commit for r in everything}))}; settings "
        f"{' or '.join(sorted({json.dumps(r.settings) for r in everything}))}; load "
        f"{min(r.load for r in everything)}–{max(r.load for r in everything)}"
    )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + f"\n\n{total}"


def main() -> None:
    """Print the table of some files, or of those faults in them that are named after `--`."""
    files, _, faults = " ".join(sys.argv[1:]).partition(" -- ")
    wanted = set(faults.split()) or FAULTS.keys()
    print(table(r for name in files.split() for r in played(Path(name)) if r.fault in wanted))


if __name__ == "__main__":
    main()
