"""What is done to a running system. Each returns when the fault is over and only the recovery is still to come."""

import random
import signal
import time
from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from streams.broker import topics
from tests.chaos.rig import Rig
from tests.integration.system import Worker

Fault = Callable[[Rig, random.Random], None]
FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Fault], Fault]:
    def enter(fun: Fault) -> Fault:
        FAULTS[name] = fun
        return fun

    return enter


def until(what: Callable[[], bool], seconds: float, said: str) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


@fault("nothing")
def nothing(rig: Rig, rng: random.Random) -> None:
    """For comparison: what a round takes in which nothing goes wrong."""


# -- workers -----------------------------------------------------------------------------------------------------------


def _kill(name: str) -> Fault:
    def run(rig: Rig, rng: random.Random) -> None:
        time.sleep(rng.uniform(0.1, 1.5))
        rig.one(name).kill()

    return run


FAULTS["kill-tally"] = _kill("tally")
FAULTS["kill-watch"] = _kill("watch")


@fault("kill-both-twice")
def kill_both_twice(rig: Rig, rng: random.Random) -> None:
    for _ in range(2):
        for name in ("tally", "watch"):
            rig.one(name).kill()


@fault("restart-gracefully")
def restart_gracefully(rig: Rig, rng: random.Random) -> None:
    for name in ("tally", "watch"):
        worker = rig.one(name)
        rig.retire(worker)
        assert worker.stop() == 0
        rig.start(name)


@fault("restart-eight-times")
def restart_eight_times(rig: Rig, rng: random.Random) -> None:
    """Where stock Faust loses records or counts them twice (docs/performance.md)."""
    for n in range(8):
        time.sleep(rng.uniform(0.2, 1.0))
        name = ("tally", "watch")[n % 2]
        worker = rig.one(name)
        rig.retire(worker)
        assert worker.stop() == 0
        rig.start(name)


@fault("kill-five-times")
def kill_five_times(rig: Rig, rng: random.Random) -> None:
    for name in ("tally", "watch", "tally", "watch", "tally"):
        time.sleep(rng.uniform(0.1, 1.5))
        rig.one(name).kill()


def _dies_at(name: str, *points: str, draws: int | None = None) -> Fault:
    """Let a worker end at named fault points, one life after another in any order; then an ordinary one.

    At all of them, or at so many as are drawn.
    """

    def run(rig: Rig, rng: random.Random) -> None:
        worker = rig.one(name)
        rig.retire(worker)
        worker.kill()
        for point in rng.sample(points, draws or len(points)):
            victim = rig.system.start(name, LOTRINH_FAULT=point)  # not supervised
            until(lambda v=victim: v.process.poll() is not None, 60, f"{name} never came to {point}")  # type: ignore[misc]
            assert victim.process.returncode == 137, victim.text()[-2000:]
        rig.start(name)

    return run


TAKEOVER = ("after_fence", "after_restore", "before_flow")
TRANSACTION = ("before_begin", "after_begin", "before_commit", "after_commit")
FAULTS["die-in-takeover"] = _dies_at("tally", *TAKEOVER)
FAULTS["die-in-takeover-of-watch"] = _dies_at("watch", *TAKEOVER)
FAULTS["die-in-transaction"] = _dies_at("tally", *TRANSACTION)
FAULTS["die-between-alert-and-state"] = _dies_at("watch", *TRANSACTION)
FAULTS["die-once"] = _dies_at("tally", *TAKEOVER, *TRANSACTION, draws=1)
FAULTS["die-once-of-watch"] = _dies_at("watch", *TAKEOVER, *TRANSACTION, draws=1)


def _zombie(name: str) -> Fault:
    def run(rig: Rig, rng: random.Random) -> None:
        zombie = rig.one(name)
        rig.retire(zombie)
        zombie.signal(signal.SIGSTOP)
        rig.start(name)
        time.sleep(8)  # past the session timeout of 6 s: its partitions are another's now
        zombie.signal(signal.SIGCONT)
        time.sleep(3)
        assert zombie.process.poll() in {None, 70}, zombie.text()[-2000:]
        if zombie.process.poll() is None:
            assert zombie.stop() in {0, 70}

    return run


FAULTS["zombie-tally"] = _zombie("tally")
FAULTS["zombie-watch"] = _zombie("watch")


@fault("one-three-two")
def one_three_two(rig: Rig, rng: random.Random) -> None:
    """1 → 3 → 2 workers of each kind, each killed once in rotation, and back to 1."""
    more: list[Worker] = [rig.start(name) for name in ("tally", "watch") for _ in range(2)]
    for worker in more:
        worker.until_ready()
    for name in ("tally", "watch"):
        leaves = next(w for w in more if w.name == name)
        rig.retire(leaves)
        assert leaves.stop() in {0, 70}
        for worker in list(rig.workers[name]):
            worker.kill()
            time.sleep(0.5)
    for name in ("tally", "watch"):
        rig.one(name)
        last = rig.workers[name][-1]
        if len(rig.workers[name]) > 1:
            rig.retire(last)
            last.stop()


# -- the broker and the way to it --------------------------------------------------------------------------------------


@fault("broker-killed")
def broker_killed(rig: Rig, rng: random.Random) -> None:
    rig.broker.kill()
    time.sleep(rng.uniform(0, 2))
    rig.broker.start()


@fault("broker-away")
def broker_away(rig: Rig, rng: random.Random) -> None:
    """Killed, and back only when its open transactions have timed out: it aborts them while it starts."""
    rig.broker.kill()
    time.sleep(11)
    rig.broker.start()


@fault("broker-paused")
def broker_paused(rig: Rig, rng: random.Random) -> None:
    """Beyond session (6 s) and transaction (10 s) time-outs."""
    rig.broker.signal(signal.SIGSTOP)
    time.sleep(13)
    rig.broker.signal(signal.SIGCONT)


@fault("disk-full")
def disk_full(rig: Rig, rng: random.Random) -> None:
    """The broker's disk fills up under load; somebody makes room and starts it again."""
    assert rig.disk is not None, "this fault needs a rig with a small disk"
    rig.disk.fill()
    deadline = time.monotonic() + 20
    while rig.broker.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)  # it gives up its only log directory, and with it itself
    if rig.broker.process.poll() is None:
        rig.broker.kill()
    rig.disk.free()
    rig.broker.start()


@fault("network-cut")
def network_cut(rig: Rig, rng: random.Random) -> None:
    rig.broker.proxy.cut()
    time.sleep(5)
    rig.broker.proxy.heal()


@fault("network-cut-long")
def network_cut_long(rig: Rig, rng: random.Random) -> None:
    """Beyond session and transaction time-outs, and beyond what the engine waits for."""
    rig.broker.proxy.cut()
    time.sleep(70)
    rig.broker.proxy.heal()


@fault("network-reset")
def network_reset(rig: Rig, rng: random.Random) -> None:
    for _ in range(8):
        rig.broker.proxy.reset()
        time.sleep(rng.uniform(0.1, 0.6))


def _deaf(direction: str) -> Fault:
    def run(rig: Rig, rng: random.Random) -> None:
        rig.broker.proxy.deaf_to = {direction}
        time.sleep(9)
        rig.broker.proxy.heal()

    return run


FAULTS["network-answers-lost"] = _deaf("down")
FAULTS["network-requests-lost"] = _deaf("up")


@fault("network-slow")
def network_slow(rig: Rig, rng: random.Random) -> None:
    rig.broker.proxy.delay_s = 0.3
    time.sleep(6)
    rig.broker.proxy.heal()


# -- positions, clocks, load -------------------------------------------------------------------------------------------


@fault("group-moved-by-hand")
def group_moved_by_hand(rig: Rig, rng: random.Random) -> None:
    """Somebody sets the group's positions, forward and back: they decide nothing."""
    worker = rig.one("tally")
    rig.retire(worker)
    worker.stop()
    settings = rig.system.settings
    mover = KafkaConsumer(
        bootstrap_servers=rig.broker.address, group_id=settings.topic(topics.TALLY), enable_auto_commit=False
    )
    tps = [TopicPartition(settings.topic(name), p) for name in topics.INBOUND for p in range(settings.partitions)]
    mover.assign(tps)
    to = (0, 10_000)
    mover.commit({tp: OffsetAndMetadata(to[n % 2], "", -1) for n, tp in enumerate(tps)})
    mover.close()
    rig.start("tally")


@fault("timestamps-jump")
def timestamps_jump(rig: Rig, rng: random.Random) -> None:
    """Producers whose clocks are in 1970 and 2100: nothing expires, nobody else's figures change."""
    for n, value in enumerate(rig.year(20, rng.randrange(1 << 30))):
        rig.system.send(value, timestamp_ms=(86_400_000, 4_102_444_800_000)[n % 2])
        rig.published += 1
    rig.system.flush()


@fault("hot-unit")
def hot_unit(rig: Rig, rng: random.Random) -> None:
    """Two thousand dossiers of one unit at once."""
    unit = rng.choice(["12688", "12700", "12742"])
    for n in range(2_000):
        rig.system.send(
            b'{"id":"hot:%d:%d","type":"received","dossier":"HOT-%d-%d","version":1,'
            b'"at":"2024-06-03T08:00:00+07:00","unit":"%s"}' % (rig.published, n, rig.published, n, unit.encode())
        )
    rig.system.flush()
    rig.published += 2_000


@fault("silent-source")
def silent_source(rig: Rig, rng: random.Random) -> None:
    """A kill while nothing at all is published: what was the last record must still be counted and judged."""
    rig.one("tally").kill()
    rig.one("watch").kill()
