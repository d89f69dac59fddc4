"""Three brokers of one cluster as processes on loopback: each is broker and controller, each can be killed by itself."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.local import kafka
from streams.local.children import end_with_parent
from streams.local.state import free_port

NODES = (1, 2, 3)
HEAP = "256m"
START_S = 120.0
IN_SYNC_S = 120.0
COPIES: Mapping[str, str] = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "unclean.leader.election.enable": "false",
    "auto.leader.rebalance.enable": "false",  # who leads changes when a fault says so
    "log.cleaner.backoff.ms": "500",
}


def until(what: Callable[[], Any], seconds: float, said: str) -> None:
    """Wait for something that a cluster comes to by itself; a broker that is away meanwhile is no answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if what():
                return
        except (KafkaError, OSError, KeyError, IndexError):
            pass
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


class Node:
    """One broker process on a log directory that outlives it."""

    def __init__(self, number: int, port: int, command: list[str], folder: Path) -> None:
        self.number, self.port = number, port
        self._command, self._folder = command, folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; whether it answers is another question."""
        with (self._folder / "kafka.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True, preexec_fn=end_with_parent(os.getpid())
            )

    def signal(self, signum: int) -> None:
        assert self.process is not None
        self.process.send_signal(signum)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.process is not None and self.runs:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds: float = 90) -> None:
        """SIGTERM: it hands over what it leads first."""
        assert self.process is not None
        self.signal(signal.SIGTERM)
        self.process.wait(seconds)

    def listens(self) -> bool:
        assert self.runs, f"broker {self.number} ended: {(self._folder / 'kafka.log').read_text()[-2000:]}"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class Cluster:
    """Three of them. Clients are told of all three."""

    def __init__(self, folder: Path) -> None:
        path = kafka.classpath(print)
        ports = {n: (free_port(), free_port()) for n in NODES}
        voters = ",".join(f"{n}@127.0.0.1:{controller}" for n, (_, controller) in ports.items())
        cluster = kafka.cluster_id()
        self.nodes: dict[int, Node] = {}
        for n, (port, controller) in ports.items():
            own = {"node.id": str(n), "controller.quorum.voters": voters, **COPIES}
            joins = kafka.Joins(cluster, own, HEAP)
            java, *rest = kafka.prepare(folder / f"kafka{n}", port, controller, path, joins)
            # It lives for minutes: compiling well does not pay, and two cores are for six processes and more.
            command = [java, "-XX:TieredStopAtLevel=1", *rest]
            self.nodes[n] = Node(n, port, command, folder / f"kafka{n}")
        for node in self.nodes.values():
            node.start()
        self.until_whole()

    @property
    def address(self) -> str:
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes.values())

    proxied = address

    def admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.address.split(","), bootstrap_timeout_ms=30_000)

    def ask(self, question: Callable[[KafkaAdminClient], Any]) -> Any:
        """Ask by a connection of its own, for those that were there before a fault know brokers that are gone."""
        client = self.admin()
        try:
            return question(client)
        finally:
            client.close()

    # -- what it is like -----------------------------------------------------------------------------------------------

    def partitions(self, names: Iterable[str] | None = None) -> dict[TopicPartition, Any]:
        """Topic partition → what the cluster says of it: `leader_id`, `replica_nodes`, `isr_nodes`."""
        found = self.ask(lambda client: client.describe_topics(None if names is None else list(names)))
        return {TopicPartition(topic["name"], p["partition_index"]): p for topic in found for p in topic["partitions"]}

    def leader(self, topic: str, partition: int = 0) -> Node:
        """Who leads a partition now."""
        return self.nodes[self.partitions([topic])[TopicPartition(topic, partition)]["leader_id"]]

    def controller(self) -> Node:
        """Who leads the quorum of controllers."""
        found = self.ask(lambda client: client.describe_metadata_quorum())
        (topic,) = found["topics"]
        return self.nodes[topic["partitions"][0]["leader_id"]]

    def until_whole(self) -> None:
        """Wait until all three answer, every partition is led, and every copy is in sync."""
        for node in self.nodes.values():
            until(node.listens, START_S, f"broker {node.number} did not start within {START_S:g} s")

        def whole() -> bool:
            said = self.ask(lambda client: client.describe_cluster())
            return len(said["brokers"]) == len(NODES) and all(
                p["leader_id"] in NODES and sorted(p["isr_nodes"]) == sorted(p["replica_nodes"])
                for p in self.partitions().values()
            )

        until(whole, IN_SYNC_S, f"copies were not in sync within {IN_SYNC_S:g} s")

    # -- what is done to it --------------------------------------------------------------------------------------------

    def reassign(self, names: Iterable[str], copies: Callable[[TopicPartition, list[int]], list[int]]) -> None:
        """Move partitions to the brokers that `copies` returns for each, and wait until they are there."""
        wanted = {tp: copies(tp, list(p["replica_nodes"])) for tp, p in self.partitions(names).items()}

        def move(client: KafkaAdminClient) -> bool:
            errors = client.alter_partition_reassignments(wanted)
            return not [error for error in errors.values() if error is not None]

        until(lambda: self.ask(move), IN_SYNC_S, "partitions could not be reassigned")

        def there() -> bool:
            found = self.partitions(names)
            return all(
                sorted(found[tp]["replica_nodes"]) == sorted(found[tp]["isr_nodes"]) == sorted(nodes)
                for tp, nodes in wanted.items()
            )

        until(there, IN_SYNC_S, f"partitions were not moved within {IN_SYNC_S:g} s")

    def close(self) -> None:
        for node in self.nodes.values():
            node.kill()
