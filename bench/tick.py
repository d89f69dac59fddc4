"""What one tick costs: every target of Thái Bình judged and forecast at once, on one core.

usage: python -m bench.tick [--dossiers 40000]
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from models.calendar.civil_time import civil_day, end_of
from models.decisions.reading import Reading, Sources
from models.dossiers.events import Event, decode
from models.evaluation.evaluation import Evaluator
from models.registers.catalogue import parse_catalogue
from streams.feeds.simulate import Simulation, catalogue_rows, simulate
from streams.files.decision_files import read_decision, shipped_registry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=40_000)
    given = parser.parse_args()
    decision, registry = read_decision("thai-binh-2024"), shipped_registry()
    plain = Reading(decision, Sources(registry))
    catalogue = tuple(parse_catalogue(catalogue_rows(plain)))
    for rule in ("evidence", "graded", "forecast", "literal"):
        reading = Reading(decision, Sources(registry, catalogue, switches={"alert_rule": rule}))
        evaluator = Evaluator(reading, date(2024, 1, 1))
        until = date(2024, 9, 30)
        for value in simulate(reading, Simulation(given.dossiers, 1)):
            event = decode(value)
            if isinstance(event, Event):
                evaluator.take(event)
        evaluator.tick(end_of(until))
        times: dict[str, list[float]] = {"tick": [], "refresh": [], "rows": []}
        for n in range(1, 8):
            at = end_of(until + timedelta(days=n))
            times["tick"].append(_timed(partial(evaluator.tick, at)))
            times["refresh"].append(_timed(evaluator.alerts.prospects.refresh))
            times["rows"].append(_timed(evaluator.standing_rows))
        targets = len(reading.targets(until).targets)
        said = ", ".join(
            f"{k} {1000 * statistics.median(v):.0f} ms (max {1000 * max(v):.0f})" for k, v in times.items()
        )
        print(f"{rule}: {targets} targets on {civil_day(at)}: {said}")


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
