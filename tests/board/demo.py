"""A realistic board without a portal: 284 units of Thái Bình, figures spread around their targets, alerts, changes."""

import json
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from models.alerting.alerts import Alerts
from models.alerting.transitions import Transition
from models.calendar.civil_time import end_of
from models.decisions.reading import Reading, Sources
from models.registers.catalogue import Entry
from models.standings.standings import Standing, Standings
from streams.files.decision_files import read_decision, shipped_registry

TODAY = date(2024, 9, 30)
PROCEDURES = 24


def make_catalogue() -> tuple[Entry, ...]:
    """Some procedures of every class, most of them online."""
    chance = random.Random(7)
    return tuple(
        Entry(
            procedure=f"{1 + n % 3}.{4000 + 31 * n:06d}", name=f"Thủ tục {n}", authority=authority,
            level="full" if chance.random() < 0.78 else "partial", eligible=chance.random() < 0.9,
            lists=frozenset({"online"}), listed_from=None, listed_to=None, result_document=True,
            national_portal=chance.random() < 0.7,
        )
        for authority in ("province-agency", "district", "commune")
        for n in range(PROCEDURES)
    )  # fmt: skip


def make_reading(*, catalogue: bool = True) -> Reading:
    """Thái Bình's decision with a catalogue of its own."""
    entries = make_catalogue() if catalogue else None
    return Reading(read_decision("thai-binh-2024"), Sources(shipped_registry(), entries))


class Province:
    """Counters that grow, and the standings and alerts that follow from them."""

    def __init__(self, seed: int = 1, reading: Reading | None = None, days: int = 75) -> None:
        self.reading = reading or make_reading()
        self.chance = random.Random(seed)
        self.standings = Standings(self.reading, TODAY)
        self.alerts = Alerts(self.standings)
        self.transitions: list[Transition] = []
        self.version = 1
        self._level: dict[tuple[str, str], float] = {}
        named = sorted(self.standings.named())
        silent = set(self.chance.sample(named, 6))
        self.lively = [unit for unit in named if unit not in silent]
        for unit in self.lively:
            self._grow(unit, days)
        self.standings.move_to(TODAY)
        self._judge()

    def _volume(self, unit: str) -> float:
        level = self.reading.registry.units[unit].level
        return {"province-agency": 9.0, "district": 7.0}.get(level, 2.2) * self.chance.lognormvariate(0, 0.6)

    def _grow(self, unit: str, days: int) -> None:
        volume = self._volume(unit)
        for indicator, (mean, spread) in {
            "online-dossiers": (0.53, 0.10),
            "online-payments": (0.46, 0.12),
            "digitised-results": (0.992, 0.02),
            "electronic-results": (0.985, 0.03),
        }.items():
            share = min(1.0, max(0.02, self.chance.gauss(mean, spread)))
            drift = self.chance.gauss(0, 0.0012)
            self._level[unit, indicator] = share
            for n in range(days):
                day = TODAY - timedelta(days=days - 1 - n)
                if day.weekday() < 6:
                    now = min(1.0, max(0.0, share + drift * (n - days / 2)))
                    self._count(unit, indicator, day, self._poisson(volume), now)
        for n in range(PROCEDURES):
            if self.chance.random() < 0.62:
                self.standings.add(
                    unit, TODAY.isoformat(), f"services-with-dossiers:{1 + n % 3}.{4000 + 31 * n:06d}", 1, 1
                )
        if "." not in unit and self.chance.random() < 0.9:
            self.standings.add(unit, TODAY.isoformat(), "electronic-copies", int(self.chance.random() < 0.8), 1)

    def _poisson(self, mean: float) -> int:
        return sum(self.chance.random() < mean / 12 for _ in range(12)) + int(mean > 12) * int(mean - 12)

    def _count(self, unit: str, indicator: str, day: date, dossiers: int, share: float) -> None:
        above = sum(self.chance.random() < share for _ in range(dossiers))
        if dossiers:
            self.standings.add(unit, day.isoformat(), indicator, above, dossiers)

    def _judge(self) -> list[Transition]:
        self.alerts.changed(self.standings.take_changed())
        found = self.alerts.tick(end_of(TODAY))
        self.transitions += found
        return found

    def _versioned(self, row: Standing) -> dict[str, Any]:
        return {**row, "version": f"{1:010d}.{self.version:016d}"}

    def rows(self) -> list[dict[str, Any]]:
        """All standings, of units and of groups, at the present version."""
        found = []
        for indicator in self.reading.indicators:
            for unit in sorted(self.standings.named()):
                row = self.standings.standing(unit, indicator, self.alerts.alert_of(unit, indicator))
                found.append(self._versioned(row))
            groups = self.standings.groups().values()
            found += [self._versioned(self.standings.group_standing(group, indicator)) for group in groups]
        return found

    def move(self, units: int) -> tuple[list[dict[str, Any]], list[Transition]]:
        """Let some dossiers come in; return the rows and transitions that follow."""
        self.version += 1
        moved: dict[tuple[str, Any], None] = {}
        for unit in self.chance.sample(self.lively, units):
            for indicator in ("online-dossiers", "online-payments"):
                self._count(unit, indicator, TODAY, 1 + self._poisson(2), self._level[unit, indicator])
                moved[unit, indicator] = None
        transitions = self._judge()
        moved.update({(t["unit"], t["indicator"]): None for t in transitions})
        rows = [self.standings.standing(u, i, self.alerts.alert_of(u, i)) for u, i in moved]
        groups = {(self.standings.group_of(u), i): None for u, i in moved if self.standings.group_of(u)}
        rows += [self.standings.group_standing(self.standings.groups()[g], i) for g, i in groups]  # type: ignore[index]
        return [self._versioned(row) for row in rows], transitions


def records(rows: list[dict[str, Any]]) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each standing, as watch writes them."""
    for row in rows:
        yield (
            f"{row['decision']}/{row['indicator']}/{row['unit']}".encode(),
            json.dumps(row, separators=(",", ":")).encode(),
        )
