"""Side by side in one run: lotrinh and its peers (`bench/peers`) on the same events of the same broker. Ratios, not digits.

usage: python -m bench.run [--rounds 5] [--dossiers 100000] [--peers plain,tally,…] [--check] [--out bench/results/…json]

Rounds are interleaved; a peer that fails or hangs in one is named and costs the others nothing; every run's counters are compared with what the core counts in memory, and every run of watch also
by its standings. A peer whose parts are missing is left out, with the reason. Slow peers run in two rounds, unless they are
asked for by name. Figures are medians with ranges.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import expected, workload
from bench.peers import PEERS, Peer, chosen, missing
from bench.peers.lotrinh import standings_digest
from bench.rig import broker, env_of, events_of, idle, prepared
from bench.summary import goals, goals_said, summary, table
from streams.local import kafka
from streams.settings import Settings

__all__ = ["broker", "env_of", "idle"]  # what other measurements take from here

VERSIONS = ("aiokafka", "bytewax", "confluent-kafka", "faust-streaming", "orjson", "pydantic", "quixstreams", "uvloop")
NAMES = {peer.key: peer.name for peer in PEERS}
TIMEOUT_S = 300.0


class PeerError(Exception):
    """A peer did not come to its end; the message says what it said."""


class Feeds:
    """The topics that peers read, and what has to come of them: made once per number of events and round."""

    def __init__(self, address: str, dossiers: int) -> None:
        self._address, self._dossiers = address, dossiers
        self._values: dict[int, list[bytes]] = {}
        self._wanted: dict[tuple[int, int | None], str] = {}
        self._topics: dict[tuple[int, int | None, int], Settings] = {}
        self._standings: str | None = None

    def values(self, peer: Peer) -> list[bytes]:
        """Return the events that a peer is given."""
        if peer.times not in self._values:
            self._values[peer.times] = events_of(self._dossiers * peer.times)
        return self._values[peer.times][: peer.at_most]

    def topics(self, peer: Peer, number: int) -> Settings:
        """Return topics with a peer's events: the round's, or for peers that leave nothing there those of the first.

        Peers that take all events share the round's topics with tally; those that take more or fewer share one set.
        """
        if peer.own_topics:
            return prepared(self._address, self.values(peer))
        of = (peer.times, peer.at_most, number if peer.times == 1 and peer.at_most is None else 0)
        if of not in self._topics:
            self._topics[of] = prepared(self._address, self.values(peer))
        return self._topics[of]

    def wanted(self, peer: Peer) -> str:
        """Return the digest of the counters that a peer has to come to."""
        of = (peer.times, peer.at_most)
        if of not in self._wanted:
            self._wanted[of] = expected.counted(self.values(peer))
        return self._wanted[of]

    def standings(self) -> str:
        """Return the digest of the standings that watch has to come to."""
        if self._standings is None:
            self._standings = standings_digest(expected.standings(self._values[1]))
        return self._standings


def run_peer(peer: Peer, settings: Settings, records: int, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Run a peer as a process of its own and return what it says. Raises PeerError; nothing of it is left running."""
    command = [sys.executable, "-m", peer.module, *peer.args, settings.kafka or "", settings.prefix, str(records)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            said, complained = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as exc:
            raise PeerError(f"{peer.name} had not ended after {timeout_s:g} s") from exc
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started: a JVM, a worker
    lines = [line[line.index("{") :] for line in said.splitlines() if '"digest"' in line]
    if not lines:
        raise PeerError(f"{peer.name} failed: {said[-500:]} {complained[-2500:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def measured(peer: Peer, feeds: Feeds, number: int) -> dict[str, Any]:
    """Run a peer once and hold it against what it should have counted."""
    wanted, settings, records = feeds.wanted(peer), feeds.topics(peer, number), len(feeds.values(peer))
    before = idle()
    found = {"events": records} | run_peer(peer, settings, records)
    agrees = found["digest"] == wanted and ("standings" not in found or found["standings"] == feeds.standings())
    return found | {
        "rate": found["events"] / found["seconds"], "round": number, "idle_before": before, "agrees": agrees,
    }  # fmt: skip


def run_all(
    address: str, peers: list[Peer], dossiers: int, rounds: int, failed: list[str]
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Run every peer in every round, one after the other; yield all runs so far after each; add who `failed`, and how."""
    feeds = Feeds(address, dossiers)
    runs: dict[str, list[dict[str, Any]]] = {peer.key: [] for peer in peers}
    for number in range(rounds):
        for peer in peers:
            if peer.rounds is not None and number >= peer.rounds:
                continue
            try:
                run = measured(peer, feeds, number)
            except PeerError as exc:
                failed.append(f"round {number + 1}: {exc}")
                print(failed[-1], flush=True)
                continue
            runs[peer.key].append(run)
            print(
                f"round {number + 1}: {peer.name}: {run['rate']:,.0f} events/s, {1e6 * run['cpu'] / run['events']:.1f} µs CPU, "
                f"idle before {run['idle_before']} %{'' if run['agrees'] else ', TOTALS DIFFER'}",
                flush=True,
            )
        yield runs


def report(
    runs: dict[str, list[dict[str, Any]]], left_out: dict[str, str], failed: list[str], command: str
) -> dict[str, Any]:
    """Return all that is to be kept of a run."""
    every = [run for of in runs.values() for run in of]
    return {
        "command": command,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "versions": {"kafka": kafka.VERSION} | {name: version for name in VERSIONS if (version := _version(name))},
        "totals_agree": bool(every) and all(run["agrees"] for run in every),
        "left_out": left_out,
        "failed": failed,
        "rows": summary(runs),
        "goals": goals(runs),
        "runs": runs,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--dossiers", type=int, default=workload.DOSSIERS)
    options.add_argument("--peers", default="", help=f"some of {','.join(NAMES)}")
    options.add_argument("--out", type=Path, default=Path("bench/results/throughput.json"))
    options.add_argument("--check", action="store_true", help="fail where a goal is missed or totals differ")
    given = options.parse_args()
    try:
        wanted = chosen(given.peers)
    except ValueError as exc:
        raise SystemExit(str(exc)) from exc
    left_out = {peer.key: why for peer in wanted if (why := missing(peer))}
    if given.rounds < 1 or len(left_out) == len(wanted):
        raise SystemExit(f"nothing to run: {left_out or 'no rounds'}")
    present = [peer for peer in wanted if peer.key not in left_out]
    if given.peers:  # who is asked for by name is run in every round, however long that takes
        present = [peer._replace(rounds=None) for peer in present]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    with broker() as address:
        for runs in run_all(address, present, given.dossiers, given.rounds, failed):  # kept round by round
            found = report(runs, left_out, failed, " ".join(["python -m bench.run", *sys.argv[1:]]))
            given.out.write_text(json.dumps(found, indent=1) + "\n")
    print(table(found["rows"], NAMES, {peer.key: peer.keeps for peer in PEERS}))
    for key, why in left_out.items():
        print(f"left out: {NAMES[key]}: {why}")
    print(f"totals agree: {found['totals_agree']}; {given.out}")
    print(goals_said(found["goals"], NAMES))
    if not found["totals_agree"]:
        raise SystemExit("totals differ")
    if failed:
        raise SystemExit("\n".join(failed))
    if given.check and not all(goal["met"] for goal in found["goals"]):
        raise SystemExit("a goal was missed")


if __name__ == "__main__":
    main()
