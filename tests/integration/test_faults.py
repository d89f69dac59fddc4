"""Faults on real processes. After each: counters equal the oracle, alerts complete, nothing refused silently."""

import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System, Worker

pytestmark = [pytest.mark.kafka, pytest.mark.chaos]

EVENTS_PER_S = 250


class Feeding:
    """A portal that goes on publishing while things go wrong."""

    def __init__(self, system: System, dossiers: int, seed: int) -> None:
        events = simulate(system.reading, Simulation(dossiers, seed))
        self.published = 0

        def feed() -> None:
            self.published = system.feed(events, EVENTS_PER_S)

        self._thread = threading.Thread(target=feed, daemon=True)
        self._thread.start()

    @property
    def going_on(self) -> bool:
        return self._thread.is_alive()

    def until_done(self) -> None:
        self._thread.join(300)
        assert not self._thread.is_alive()


@pytest.fixture
def busy(system: System) -> Iterator[tuple[System, Feeding]]:
    """A system with one worker of each kind, and a feed of some 40 seconds."""
    system.start("tally").until_ready()
    system.start("watch").until_ready()
    feeding = Feeding(system, 2_400, seed=11)
    yield system, feeding
    feeding.until_done()


def closing(system: System, feeding: Feeding) -> None:
    feeding.until_done()
    system.settle(180)
    print(system.verdict())
    assert sum(system.counts().values()) == feeding.published


def again(system: System, worker: Worker) -> Worker:
    return system.start(worker.name).until_ready()


def test_eight_graceful_restarts_lose_and_double_nothing(busy: tuple[System, Feeding]) -> None:
    system, feeding = busy
    workers = {w.name: w for w in system.workers}
    rng = random.Random(1)
    for n in range(8):
        time.sleep(rng.uniform(0.5, 2))
        name = ("tally", "watch")[n % 2]
        assert workers[name].stop() == 0
        workers[name] = again(system, workers[name])

    closing(system, feeding)


def test_five_kills_at_random_moments_lose_and_double_nothing(busy: tuple[System, Feeding]) -> None:
    system, feeding = busy
    workers = {w.name: w for w in system.workers}
    rng = random.Random(2)
    for n in range(5):
        time.sleep(rng.uniform(0.3, 2.5))
        name = ("tally", "watch", "tally", "watch", "tally")[n]
        workers[name].kill()
        workers[name] = again(system, workers[name])

    closing(system, feeding)


def test_a_second_and_a_third_worker_may_come_and_go(busy: tuple[System, Feeding]) -> None:
    system, feeding = busy
    second = [system.start(name).until_ready() for name in ("tally", "watch")]
    time.sleep(2)
    third = system.start("tally").until_ready()
    time.sleep(2)
    assert second[0].stop() == 0
    second[1].kill()
    time.sleep(2)
    assert third.stop() == 0

    closing(system, feeding)


@pytest.mark.parametrize("name", ["tally", "watch"])
def test_a_paused_worker_wakes_up_as_a_zombie_and_writes_nothing(busy: tuple[System, Feeding], name: str) -> None:
    system, feeding = busy
    zombie = next(w for w in system.workers if w.name == name)
    other = system.start(name)
    zombie.signal(signal.SIGSTOP)
    other.until_ready()
    time.sleep(8)  # past the session timeout of 6 s: its partitions are another's now
    zombie.signal(signal.SIGCONT)
    time.sleep(4)
    if zombie.process.poll() is not None:
        assert zombie.process.returncode == 70  # fenced: it stopped with its position unmoved

    closing(system, feeding)


@pytest.mark.parametrize("name", ["tally", "watch"])
@pytest.mark.parametrize("fault", ["after_begin", "before_commit", "after_commit"])
def test_a_worker_dies_inside_a_transaction(system: System, name: str, fault: str) -> None:
    for other in ("tally", "watch"):
        system.start(other, **({"LOTRINH_FAULT": fault} if other == name else {}))
    feeding = Feeding(system, 600, seed=13)
    victim = next(w for w in system.workers if w.name == name)
    assert victim.process.wait(60) == 137
    again(system, victim)

    closing(system, feeding)
