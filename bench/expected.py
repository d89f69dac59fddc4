"""What every peer has to have counted: the workload folded in memory by the core."""

from collections.abc import Sequence
from datetime import date

from bench.counters import digest
from bench.rig import CLOCK
from models.counting.contributions import contributions
from models.counting.learning import Counted, count, learn
from models.dossiers.dossier import NOTHING, Dossier
from models.dossiers.events import Event, decode
from models.evaluation.evaluation import Evaluator
from streams.files.decision_files import read_reading
from streams.settings import Settings


def counted(values: Sequence[bytes]) -> str:
    """Return the digest of the counters that events give."""
    rules = read_reading(Settings()).fold
    dossiers: dict[str, Dossier] = {}
    for value in values:
        event = decode(value)
        assert isinstance(event, Event)  # noqa: S101
        dossiers[event.dossier] = learn(dossiers.get(event.dossier, NOTHING), event)[0]
    total: Counted = {}
    for dossier in dossiers.values():
        count(total, contributions(dossier[0], rules), 1)
    return digest((*key, *n) for key, n in total.items())


def standings(values: Sequence[bytes]) -> dict[str, tuple[int, int]]:
    """Return the standings that events give at the workload's one instant, as `bench.peers.lotrinh` reads them."""
    evaluator = Evaluator(read_reading(Settings()), date.min)
    for value in values:
        event = decode(value)
        assert isinstance(event, Event)  # noqa: S101
        evaluator.take(event)
    evaluator.tick(CLOCK)
    return {
        f"{row['decision']}/{row['indicator']}/{row['unit']}": (row["numerator"], row["denominator"])
        for row in evaluator.standing_rows()
    }
