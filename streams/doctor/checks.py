"""Judges a deployment, finding by finding: what was found, and where it is not well, what follows and what to do.

Judges only what it is given; facts are gathered by `streams.doctor.cluster`, `streams.doctor.redis_probe` and the
command. What Kafka says is judged in `streams.doctor.kafka_checks`.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final, Literal, NamedTuple

from models.calendar.workdays import Workdays
from models.decisions.reading import Reading
from streams.broker.codecs import REMEDY, SAMPLES, unreadable
from streams.doctor.redis_probe import RedisFacts

Level = Literal["ok", "warning", "failed", "skipped"]

REDIS_LEAST: Final = (6, 2)
SKEW_S_MAX: Final = 2.0
"""Seconds by which clocks may differ."""
HOLIDAYS_AHEAD_DAYS: Final = 90
"""civil days. Why: a quarter is time enough to add what the Government has announced"""
FREE_LEAST: Final = {"failed": 0.05, "warning": 0.15}
"""Shares of a disk that have to be free, below which a check fails or warns."""


class Finding(NamedTuple):
    """What one check found."""

    check: str
    level: Level
    text: str
    consequence: str = ""
    remedy: str = ""


def worst(findings: Iterable[Finding]) -> int:
    """Return the exit code: 0 all is well, 1 there are warnings, 2 a check has failed."""
    return max(({"warning": 1, "failed": 2}.get(f.level, 0) for f in findings), default=0)


# -- what needs no Kafka -----------------------------------------------------------------------------------------------


def libraries() -> Finding:
    """Compare the libraries whose non-public parts are relied on with the versions pinned; extras do not matter."""
    needed = (text for text in requires("lotrinh") or [] if "extra ==" not in text)
    pins = [re.match(r"([A-Za-z0-9_-]+)==([^;, ]+)", text) for text in needed]
    pinned = {m[1]: m[2] for m in pins if m}
    wrong = []
    for name, expected in pinned.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != expected:
            wrong.append(f"{name} is {found}, {expected} is pinned")
    if wrong:
        return Finding(
            "libraries",
            "failed",
            "; ".join(wrong),
            "counting was tested for exactness with the pinned one only",
            "install with `pip install --require-hashes -r deploy/requirements.lock`",
        )
    return Finding("libraries", "ok", ", ".join(f"{name} {v}" for name, v in pinned.items()))


def codecs() -> Finding:
    """Say which of Kafka's codecs this installation reads, with each client: portals choose among all of them."""
    missing = unreadable()
    if missing:
        return Finding(
            "codecs",
            "failed",
            "; ".join(map(str, missing)),
            "the first batch that is compressed so stops whoever reads it, and with tally all counting",
            REMEDY,
        )
    return Finding("codecs", "ok", f"reads {', '.join(SAMPLES)}, with every client")


def decision(reading: Reading) -> Finding:
    """Say which decision is followed and what its author is warned of."""
    warnings = reading.warnings()
    said = f"{reading.decision.id}, {len(reading.decision.rows)} rows, rules {reading.fold_fingerprint()[:12]}"
    if warnings:
        return Finding(
            "decision",
            "warning",
            f"{said}; {warnings[0]}",
            "some units are judged otherwise than the text may mean",
            f"see `lotrinh decisions check` ({len(warnings)} in all)",
        )
    return Finding("decision", "ok", said)


def holidays(workdays: Workdays, today: date) -> Finding:
    """Judge whether the working calendar knows the public holidays of the next `HOLIDAYS_AHEAD_DAYS` civil days."""
    known = workdays.known_until
    said = f"public holidays are known until {known:%d/%m/%Y}"
    if today + timedelta(days=HOLIDAYS_AHEAD_DAYS) > known:
        return Finding(
            "holidays",
            "warning",
            said,
            "days off that are announced later count as working days: a quiet Tết reads like a silent portal",
            "install a newer release, or name the days in a file (LOTRINH_HOLIDAYS, docs/alerts.md)",
        )
    return Finding("holidays", "ok", said)


def disk(path: Path | None) -> Finding:
    """Judge the room on the disk of the state directory."""
    if path is None or not path.exists():
        return Finding("disk", "skipped", "there is no state directory on this machine")
    usage = shutil.disk_usage(path)
    return room("disk", f"{path}", usage.free, usage.total)


def room(check: str, what: str, free: int, total: int) -> Finding:
    """Judge the room on a disk, bytes."""
    said = f"{what}: {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    for level, least in FREE_LEAST.items():
        if free < least * total:
            return Finding(
                check,
                "failed" if level == "failed" else "warning",
                said,
                "a full disk stops the broker, and with it all counting",
                "make room, or lower retention.ms of the inbound topics (docs/operations.md, Disk full)",
            )
    return Finding(check, "ok", said)


def strays(count: int) -> Finding:
    """Judge how many rows of standings an earlier release has left beside newer ones."""
    if count:
        return Finding(
            "standings",
            "warning",
            f"{count} rows lie in a partition where an earlier release kept them, beside newer ones",
            "they are passed over; but one whose unit loses its last dossier would come back a day later",
            "run `lotrinh topics apply`: it takes them back",
        )
    return Finding("standings", "ok", "every row lies in one partition")


# -- the wall ----------------------------------------------------------------------------------------------------------


def redis(found: RedisFacts | str) -> Iterator[Finding]:
    """Judge Redis."""
    if isinstance(found, str):
        refused = "right" in found or "refused" in found
        yield Finding(
            "redis",
            "failed",
            found if refused else f"does not answer: {found}",
            "walls stand still and say so; counting goes on",
            "give its user what deploy/users.acl names (docs/wallboard.md)"
            if refused
            else "start it; the wallboard fills it again by itself",
        )
        return
    said = f"version {found.version}, {found.used_bytes / 2**20:.1f} MiB used, {found.policy}"
    number = tuple(int(part) for part in re.findall(r"\d+", found.version)[:2])
    if number < REDIS_LEAST:
        yield Finding(
            "redis", "failed", said, "its scripts and streams are too old", "use Redis 6.2, Valkey 8, or later"
        )
    elif found.policy != "noeviction":
        yield Finding(
            "redis",
            "warning",
            said,
            "under pressure rows vanish from the wall one by one",
            "set maxmemory-policy noeviction",
        )
    elif found.limit_bytes and found.used_bytes > 0.8 * found.limit_bytes:
        yield Finding(
            "redis", "warning", f"{said} of {found.limit_bytes}", "soon it refuses to write", "raise maxmemory"
        )
    elif abs(found.ahead_s) > SKEW_S_MAX:
        yield Finding(
            "redis",
            "warning",
            f"{said}; its clock differs from ours by {found.ahead_s:+.1f} s",
            "freshness is shown wrongly",
            "run an NTP client on every host",
        )
    else:
        yield Finding("redis", "ok", said)


def page(check: str, url: str, answer: tuple[int, str] | str) -> Finding:
    """Judge what a process's /readyz has answered: status and text, or why there was none."""
    if isinstance(answer, str):
        return Finding(
            check, "failed", f"{url} does not answer: {answer}", "the process is away or stuck", "see its log"
        )
    status, text = answer
    if status != 200:
        return Finding(check, "failed", f"{url} says {status}: {text}", "it does not do its work", "see its log")
    return Finding(check, "ok", url)
