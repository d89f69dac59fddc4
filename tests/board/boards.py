"""Boards of every shipped decision in every state a wall may meet: made figures, judged by the product's own core."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

import orjson

from models.alerting.alerts import Alerts
from models.decisions.reading import Reading, Sources
from models.registers.units import Unit
from models.standings.standings import Standings
from streams.board.describe import describe
from streams.board.state import Alert, BoardState, Row
from streams.files.decision_files import read_decision, shipped_registry
from tests.board.demo import PROCEDURES, make_catalogue

DECISIONS: Final = ("hai-duong-2022", "thai-binh-2024", "lak-2022", "ha-tinh", "khanh-hoa-2024")
STATES: Final = ("empty", "early", "middle", "many-alerts", "large", "over", "stale")
AGENCIES: Final = (
    "Sở Lao động - Thương binh và Xã hội", "Sở Tài nguyên và Môi trường", "Ban Quản lý các khu công nghiệp",
    "Sở Nông nghiệp và Phát triển nông thôn", "Sở Y tế", "Sở Văn hóa, Thể thao và Du lịch", "Thanh tra tỉnh",
)  # fmt: skip


class Made(NamedTuple):
    """A board as the server would send it."""

    state: BoardState
    meta: dict[str, Any]
    now: date
    """the civil day on which it is looked at"""
    stale: str | None


@cache
def reading_of(decision: str) -> Reading:
    """A decision as a deployment reads it, with a catalogue, and with agencies where it names them as a class."""
    read = read_decision(decision)
    agencies = [
        Unit(f"{read.province}.a-{n}", name, "province-agency", read.province) for n, name in enumerate(AGENCIES)
    ]
    registry = shipped_registry()
    if decision == "hai-duong-2022":
        registry = registry.with_units(agencies)
    return Reading(read, Sources(registry, make_catalogue()))


@cache
def made(decision: str, state: str) -> Made:
    """A decision's board in a state."""
    reading = reading_of(decision)
    first, last = reading.period(reading.nearest(date(2024, 7, 1)))
    today = {"early": first + timedelta(days=11), "over": last}.get(state, first + timedelta(days=262))
    looked = last + timedelta(days=20) if state == "over" else today
    maker = _Maker(reading, today, random.Random(f"{decision}/{state}"))
    rows = [] if state == "empty" else maker.rows(state)
    alerts = maker.alerts(rows, state)
    board = BoardState(
        "e1", 7,
        {f"{row['indicator']}/{row['unit']}": Row(row["version"], orjson.dumps(row), row["as_of"]) for row in rows},
        {alert["fingerprint"]: Alert(alert["id"], firing=True, json=orjson.dumps(alert)) for alert in alerts},
    )  # fmt: skip
    return Made(board, describe(reading, today), looked, "silent" if state == "stale" else None)


class _Maker:
    def __init__(self, reading: Reading, today: date, chance: random.Random) -> None:
        self.reading = reading
        self.today = today
        self.chance = chance
        self.standings = Standings(reading, today)
        self.judging = Alerts(self.standings)

    def rows(self, state: str) -> list[dict[str, Any]]:
        named = sorted(self.standings.named())
        for unit in named[2:] if len(named) > 8 else named:
            for indicator in self.reading.indicators:
                self._count(unit, indicator, state)
        self.standings.move_to(self.today)
        prospects, groups = self.judging.prospects, self.standings.groups().values()
        found: list[Mapping[str, Any]] = []
        for indicator in self.reading.indicators:
            found += [prospects.complete(self.standings.standing(unit, indicator)) for unit in named]
            found += [prospects.complete(self.standings.group_standing(group, indicator)) for group in groups]
        return [{**row, "version": "0000000001.0000000000000001"} for row in found]

    def _count(self, unit: str, indicator: str, state: str) -> None:
        formula = self.reading.indicators[indicator]
        if formula.count == "catalogue":
            return
        day = self.today.isoformat()
        if formula.count == "service":
            for n in range(PROCEDURES):
                if self.chance.random() < {"early": 0.05, "many-alerts": 0.1}.get(state, 0.7):
                    self.standings.add(unit, day, f"{indicator}:{1 + n % 3}.{4000 + 31 * n:06d}", 1, 1)
            return
        target = self.reading.target(unit, indicator, self.today)
        around = 0.5 if target is None else float(target.value) / 100
        if state == "many-alerts":
            around -= 0.06 + 0.5 * self.chance.random() * around
        share = min(1.0, max(0.0, self.chance.gauss(around + 0.02, 0.1 if around < 0.95 else 0.02)))
        if state not in {"early", "many-alerts"} and self.chance.random() < 0.2:
            share = min(1.0, around)  # ties
        if state == "many-alerts" and formula.count == "copy":
            share = 0.0
        size = self.chance.lognormvariate(5.6 if "." in unit or len(unit) == 3 else 4.6, 0.8)
        parts = {"early": 0.004, "large": 100.0, "many-alerts": 2.0}.get(state, 1.0)
        for ago, part in ((0, 0.02), (3, 0.03), (12, 0.15), (40, 0.3), (70, 0.5)):
            on = self.today - timedelta(days=ago)
            dossiers = int(size * parts * part + self.chance.random())
            if dossiers and on >= self.reading.period(self.today)[0]:
                above = sum(self.chance.random() < share for _ in range(min(dossiers, 400)))
                above = above * dossiers // min(dossiers, 400)
                self.standings.add(unit, on.isoformat(), indicator, above, dossiers)

    def alerts(self, rows: list[dict[str, Any]], state: str) -> list[dict[str, Any]]:
        found = []
        for n, row in enumerate(row for row in rows if "members" not in row):
            below = row["status"] == "below"
            if (below and state == "many-alerts") or (below and n % 4 == 0) or (row["status"] == "met" and n % 41 == 0):
                grave = "critical" if row.get("assurance") in {"unlikely", "unreachable"} else "warning"
                alert = self._alert(row, "unreachable" if row.get("assurance") == "unreachable" else None, grave)
                if below:
                    row["alert"] = {name: alert[name] for name in ("id", "kind", "severity", "at")}
                found.append(alert)
        if rows and state == "many-alerts":
            whole = {**rows[0], "unit": self.reading.decision.province, "indicator": "*", "shortfall": 0}
            found.append(self._alert(whole, "source-silent", "warning"))
            unknown = {**whole, "unit": f"{self.reading.decision.province}.van-phong-dang-ky-dat-dai"}
            found.append(self._alert(unknown, "data-quality", "info"))
        return found

    def _alert(self, row: Mapping[str, Any], kind: str | None, severity: str) -> dict[str, Any]:
        name = f"{row['decision']}/{row['indicator']}/{row['unit']}/{kind or 'below-trajectory'}"
        fired = self.today - timedelta(days=20)
        return {
            "id": f"{name}#1", "fingerprint": name, "status": "firing", "kind": kind or "below-trajectory",
            "severity": severity, "at": f"{fired.isoformat()}T23:59:59+07:00",
            "reason": "Lũy kế 18,03 % (240/1331) thấp hơn lộ trình 50 %; còn thiếu 426 hồ sơ.",
            "numerator": 240, "denominator": 1331, "probability_met": None, "rule": "evidence",
            **{key: row[key] for key in ("decision", "indicator", "unit", "target", "expected", "shortfall")},
        }  # fmt: skip
