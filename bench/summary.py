"""From runs to the table: medians with ranges, ratios to the plain loop of the same round, and goals beside them."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

GOALS: Final = (
    ("tally", "plain", 0.6),
    ("tally", "streams-alo", 1.0),
    ("tally", "streams-eos", 1.0),
    ("watch", "tally", 0.5),
    ("both", "plain", 0.35),
)
"""(peer, other, how many times as fast it has to be)"""

Runs = Mapping[str, Sequence[Mapping[str, Any]]]
"""peer's key → its runs, one per round, each with `rate`, `cpu`, `events`, `rss_mb`, `round`, `idle_before`"""


def summary(runs: Runs) -> list[dict[str, Any]]:
    """Return a row per peer that has run."""
    return [
        {
            "peer": key,
            "events_per_s": round(statistics.median(rates := [run["rate"] for run in of])),
            "range": [round(min(rates)), round(max(rates))],
            "x_plain": ratio(runs, key, "plain"),
            "x_naive": ratio(runs, key, "naive"),
            "cpu_us_per_event": round(statistics.median(1e6 * run["cpu"] / run["events"] for run in of), 1),
            "rss_mb": max(run["rss_mb"] for run in of),
            "idle_before": [min(idles := [run["idle_before"] for run in of]), max(idles)],
            "events": of[0]["events"],
            "rounds": len(of),
        }
        for key, of in runs.items()
        if of
    ]


def ratio(runs: Runs, key: str, other: str) -> float | None:
    """Return how many times as fast a peer is: the median over the rounds in which both ran; None where none did.

    Within a round, so that a machine that is slower in one round is so for both. A peer that runs in fewer rounds than
    the others (it is slow, and steady) is compared in those.
    """
    theirs = {run["round"]: run["rate"] for run in runs.get(other, ())}
    found = [run["rate"] / theirs[run["round"]] for run in runs.get(key, ()) if run["round"] in theirs]
    return float(f"{statistics.median(found):.3g}") if found else None


def goals(runs: Runs) -> list[dict[str, Any]]:
    """Return each goal that can be asked, with what was measured."""
    found = [
        {"peer": key, "than": other, "at_least": least, "measured": ratio(runs, key, other)}
        for key, other, least in GOALS
    ]
    return [
        goal | {"met": goal["measured"] >= goal["at_least"]}  # type: ignore[operator]
        for goal in found
        if goal["measured"] is not None
    ]


def table(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], keeps: Mapping[str, str]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| peer | events/s (median, range) | × plain loop | × naive Faust | CPU µs/event | peak RSS MB | what it keeps |",
        "|--|--|--|--|--|--|--|",
    ]
    lines += [
        f"| {names[r['peer']]} | {r['events_per_s']:,} ({r['range'][0]:,}–{r['range'][1]:,}) | {_said(r['x_plain'])} "
        f"| {_said(r['x_naive'])} | {r['cpu_us_per_event']} | {r['rss_mb']:,} | {keeps[r['peer']]} |"
        for r in rows
    ]
    return "\n".join(lines)


def goals_said(found: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """Return the goals as lines of text."""
    return "\n".join(
        f"{'met' if goal['met'] else 'MISSED'}: {names[goal['peer']]} ≥ {goal['at_least']:g} × {names[goal['than']]}: "
        f"{goal['measured']:g}"
        for goal in found
    )


def _said(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"
