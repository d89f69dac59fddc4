"""What is done to a cluster of three brokers. Each returns when all three are well again."""

import random
import signal
import time
from collections.abc import Callable
from typing import Any

from kafka import TopicPartition

from streams.broker import topics
from tests.chaos.cluster import IN_SYNC_S, NODES, Cluster, Node, until
from tests.chaos.faults import FAULTS, Fault

CLUSTER: set[str] = set()
PREFERRED = 0
"""leader election: back to the first of the copies"""
TWELVE = {"workers-come-and-go"}
"""on twelve partitions"""


def fault(name: str) -> Callable[[Fault], Fault]:
    def enter(fun: Fault) -> Fault:
        FAULTS[name] = fun
        CLUSTER.add(name)
        return fun

    return enter


def state_leader(rig: Any, rng: random.Random) -> Node:
    """The broker that leads some partition of tally's state."""
    settings = rig.system.settings
    node: Node = rig.broker.leader(topics.changelog(settings, topics.TALLY, "dossiers"), rng.randrange(rig.partitions))
    return node


def kill_for(cluster: Cluster, seconds: float, *nodes: Node) -> None:
    """Kill at once, start again after so long, wait until the cluster is whole."""
    for node in nodes:
        node.kill()
    time.sleep(seconds)
    for node in nodes:
        node.start()
    cluster.until_whole()


@fault("leader-killed")
def leader_killed(rig: Any, rng: random.Random) -> None:
    kill_for(rig.broker, rng.uniform(2, 5), state_leader(rig, rng))


@fault("each-broker-killed")
def each_broker_killed(rig: Any, rng: random.Random) -> None:
    for number in rng.sample(NODES, 3):
        kill_for(rig.broker, rng.uniform(0, 3), rig.broker.nodes[number])


@fault("controller-killed")
def controller_killed(rig: Any, rng: random.Random) -> None:
    kill_for(rig.broker, rng.uniform(2, 5), rig.broker.controller())


@fault("two-brokers-killed")
def two_brokers_killed(rig: Any, rng: random.Random) -> None:
    kill_for(rig.broker, 10, *(rig.broker.nodes[n] for n in rng.sample(NODES, 2)))


@fault("all-brokers-killed")
def all_brokers_killed(rig: Any, rng: random.Random) -> None:
    kill_for(rig.broker, rng.uniform(0, 2), *rig.broker.nodes.values())


@fault("one-broker-paused")
def one_broker_paused(rig: Any, rng: random.Random) -> None:
    node = state_leader(rig, rng)
    node.signal(signal.SIGSTOP)
    time.sleep(20)
    node.signal(signal.SIGCONT)
    rig.broker.until_whole()


@fault("one-broker-away")
def one_broker_away(rig: Any, rng: random.Random) -> None:
    kill_for(rig.broker, 30, state_leader(rig, rng))


@fault("rolling-restart")
def rolling_restart(rig: Any, rng: random.Random) -> None:
    for number in rng.sample(NODES, 3):
        node = rig.broker.nodes[number]
        node.stop()
        node.start()
        rig.broker.until_whole()


@fault("copies-moved")
def copies_moved(rig: Any, rng: random.Random) -> None:
    """Away from the leader each time, so that leading changes hands as well."""
    rig.broker.reassign(rig.names, lambda tp, nodes: nodes[:2])
    rig.broker.reassign(rig.names, lambda tp, nodes: [*(NODES[n - 1] for n in NODES if n not in nodes), nodes[1]])
    rig.broker.reassign(rig.names, lambda tp, nodes: [*nodes, *(n for n in NODES if n not in nodes)])


@fault("leaders-moved")
def leaders_moved(rig: Any, rng: random.Random) -> None:
    for _ in range(2):
        rig.broker.reassign(rig.names, lambda tp, nodes: [*nodes[1:], nodes[0]])
        rig.broker.ask(lambda client: client.elect_leaders(PREFERRED))

        def led() -> bool:
            found = rig.broker.partitions(rig.names)
            return all(p["leader_id"] == p["replica_nodes"][0] for p in found.values())

        until(led, IN_SYNC_S, "the preferred leaders were not elected")
        time.sleep(rng.uniform(0.5, 2))


@fault("copies-too-few")
def copies_too_few(rig: Any, rng: random.Random) -> None:
    ours = [spec.name for spec in topics.specs(rig.system.settings)]
    node: Node = rig.broker.nodes[rng.choice(NODES)]

    def with_node(tp: TopicPartition, nodes: list[int]) -> list[int]:
        return [node.number, next(n for n in nodes if n != node.number)]

    rig.broker.reassign(ours, with_node)
    kill_for(rig.broker, 8, node)
    rig.broker.reassign(ours, lambda tp, nodes: [*nodes, *(n for n in NODES if n not in nodes)])


@fault("worker-and-broker-killed")
def worker_and_broker_killed(rig: Any, rng: random.Random) -> None:
    node = state_leader(rig, rng)
    rig.one("tally").kill()
    kill_for(rig.broker, rng.uniform(2, 5), node)


@fault("workers-come-and-go")
def workers_come_and_go(rig: Any, rng: random.Random) -> None:
    for name in ("tally", "watch"):
        more = rig.start(name)
        more.until_ready(120)
        leaves = rig.one(name)
        rig.retire(leaves)
        assert leaves.stop(60) in {0, 70}, leaves.text()[-2000:]
        rig.one(name).kill()
        kill_for(rig.broker, rng.uniform(1, 3), state_leader(rig, rng))
