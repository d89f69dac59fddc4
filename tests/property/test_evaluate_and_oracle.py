"""A simulated year through `evaluate` and through the oracle: standings with a catalogue, and every alert."""

from datetime import date
from pathlib import Path

import pytest

from models.evaluation.evaluation import evaluate
from models.registers.catalogue import parse_catalogue
from streams.feeds.simulate import Simulation, simulate, write_catalogue
from streams.files.tables import read_table
from tests.builders import thai_binh
from tests.integration.verdict import DECISION, UNITS
from tests.oracle.oracle import Oracle, Record

FIELDS = ("numerator", "denominator", "target", "status", "shortfall", "last_7_days", "last_30_days", "members")


@pytest.mark.long
@pytest.mark.parametrize(("seed", "as_of"), [(1, date(2024, 12, 31)), (2, date(2024, 7, 14))])
def test_every_standing_of_a_year_with_a_catalogue(seed: int, as_of: date, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.csv"
    write_catalogue(file, thai_binh())
    reading = thai_binh(catalogue=tuple(read_table(file, parse_catalogue)))
    values = list(simulate(reading, Simulation(3_000, seed)))
    oracle = Oracle(DECISION, UNITS, catalogue=file)
    oracle.load(Record(v) for v in values)
    ours = {(s["unit"], s["indicator"]): s for s in evaluate(reading, enumerate(values, 1), as_of).standings}
    theirs = oracle.standings(as_of)

    assert ours.keys() == theirs.keys()
    for key, expected in theirs.items():
        found = {f: ours[key].get(f) for f in FIELDS}
        assert found == {f: expected.get(f) for f in FIELDS}, key


@pytest.mark.long
@pytest.mark.parametrize("seed", [3, 4])
def test_every_alert_of_a_year(seed: int) -> None:
    reading = thai_binh()
    values = list(simulate(reading, Simulation(1_500, seed)))
    oracle = Oracle(DECISION, UNITS)
    oracle.load(Record(v) for v in values)
    result = evaluate(reading, enumerate(values, 1), date(2024, 12, 31))
    ours = sorted((a["at"], a["unit"], a["indicator"], a["status"]) for a in result.alerts)

    assert ours == oracle.alerts(date(2024, 12, 31))
    assert {a[3] for a in ours} == {"firing", "resolved", "retracted"}
