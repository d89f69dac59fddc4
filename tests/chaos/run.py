"""Faults on real processes, judged after every round.

Random ones, one after another: `--seed 7 --minutes 30` (`make chaos`). Named ones, each so many times, on several rigs
side by side: `--faults kill-tally,kill-watch --repeat 20 --rigs 3 --out FILE`, which goes on where FILE ends;
`python -m tests.chaos.table FILE` makes the table. A round's own chance follows from seed, fault and number, so that
`--seed 7 --faults kill-tally --round 12` plays that round alone.
"""

import argparse
import json
import multiprocessing
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kafka.errors import KafkaError

from streams.errors import BadInput
from streams.local.children import end_with_parent
from tests.chaos.cluster_rig import ClusterRig, TwelveRig
from tests.chaos.matrix import CLUSTER, FAULTS, TWELVE
from tests.chaos.rig import Rig

DOSSIERS = 120
EVENTS_PER_S = 150.0
SETTLE_S = 180.0
SHOWN = (
    "session_timeout_s", "transaction_timeout_s", "tick_seconds", "partitions", "replication", "pending_records_max",
)  # fmt: skip
ROUNDS_ON_TOPICS = 8
"""before topics are made anew: what a verdict reads grows with every round"""
RARE = {"network-cut-long", "disk-full", "nothing"} | CLUSTER
"""only where they are asked for: they take minutes, need the right to mount, or are for comparison"""


class Job(NamedTuple):
    """One round to be played."""

    seed: int
    fault: str
    number: int

    def chance(self) -> random.Random:
        return random.Random(f"{self.seed}:{self.fault}:{self.number}")


@dataclass
class Round:
    """What one fault came to: one line of the file."""

    fault: str
    seed: int = 0
    round: int = 0
    verdict: str = ""
    broken: str | None = None
    wrong_rows: int = 0
    lost_alerts: int = 0
    alerts: int = 0
    recovered_s: float | None = None
    took_s: float = 0.0
    starts: int = 0
    """processes that were started in the course of it, in the place of those that ended"""
    exits: list[str] = field(default_factory=list)
    """of workers that ended by themselves, with their exit code and the error that they named"""
    at: str = ""
    load: float = 0.0
    commit: str = ""
    settings: dict[str, float] = field(default_factory=dict)


def play(rig: Rig, name: str, rng: random.Random) -> Round:
    """Publish, do one fault meanwhile, wait until all is counted and judged, compare everything with the oracle."""
    began, before = time.monotonic(), rig.starts
    done = Round(name)
    try:
        rig.begin_round()
        done.recovered_s = round(_play(rig, name, rng), 1)
        verdict = rig.system.judge()
        done.verdict, done.alerts = str(verdict), verdict.alerts
        done.wrong_rows, done.lost_alerts = verdict.wrong_rows, verdict.lost_alerts
        problems = [*verdict.problems, *rig.judge_wall(), *rig.judge_others()]
        done.broken = "; ".join(problems) or None
    except (AssertionError, BadInput, KafkaError) as exc:
        done.broken = str(exc) or type(exc).__name__
    done.exits = list(rig.exits)
    done.took_s, done.starts = round(time.monotonic() - began, 1), rig.starts - before
    return done


def _play(rig: Rig, name: str, rng: random.Random) -> float:
    """Return the seconds from the end of the fault until everything published before is counted and judged."""
    published = rig.feed(rig.year(DOSSIERS, rng.randrange(1 << 30)), EVENTS_PER_S)
    if name == "silent-source":
        published()
    else:
        time.sleep(rng.uniform(0.5, 1.5))
    FAULTS[name](rig, rng)
    over = time.monotonic()
    for worker in ("tally", "watch"):
        rig.one(worker)
    rig.system.settle(SETTLE_S)
    recovered = time.monotonic() - over
    published()
    rig.system.settle(SETTLE_S)
    return recovered


# -- one rig after another round ---------------------------------------------------------------------------------------


class Stage:
    """A rig that is made when it is needed: with fresh topics now and then, altogether anew after a broken round."""

    def __init__(self, folder: Path, *, small_disk: bool = False) -> None:
        self.folder, self.small_disk = folder, small_disk
        self._rig: Rig | None = None
        self._made = self._played = 0

    def play(self, job: Job) -> Round:
        """Play a round; a broken one leaves the logs of its workers behind."""
        done = play(self.rig(job.fault), job.fault, job.chance())
        done.seed, done.round = job.seed, job.number
        done.at, done.load = time.strftime("%Y-%m-%dT%H:%M:%S%z"), round(os.getloadavg()[0], 1)
        settings = self._rig.system.settings.model_dump() if self._rig is not None else {}
        done.settings = {name: settings[name] for name in SHOWN}
        self._played += 1
        if done.broken is not None:
            done.broken += f" (logs: {self._keep_logs()})"
            self.close()
        return done

    def rig(self, fault: str) -> Rig:
        """The rig for a fault: the one there is, where it is of the right kind."""
        kind = TwelveRig if fault in TWELVE else ClusterRig if fault in CLUSTER else Rig
        if self._rig is not None and type(self._rig) is not kind:
            self.close()
        if self._rig is None:
            self._made += 1
            self._rig = kind(self.folder / str(self._made), small_disk=self.small_disk and kind is Rig)
        elif self._rig.spoiled or self._played % ROUNDS_ON_TOPICS == 0:
            self._rig.renew()
        return self._rig

    def _keep_logs(self) -> Path:
        keep = Path(tempfile.mkdtemp(prefix="lotrinh-chaos-broken-"))
        for log in (self.folder / str(self._made)).rglob("*.log"):
            shutil.copy(log, keep / log.name)
        return keep

    def close(self) -> None:
        if self._rig is not None:
            self._rig.close()
        self._rig = None


def _work(jobs: Any, results: Any, folder: str, deadline: float, *, small_disk: bool) -> None:
    """Play rounds in a process of its own until there are none, the time is up, or SIGTERM asks to finish."""
    asked_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, _: asked_to_end.append(signum))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(os.getppid())()
    stage = Stage(Path(folder), small_disk=small_disk)
    try:
        while not asked_to_end and time.time() < deadline:
            try:
                job = jobs.get(timeout=1)
            except queue.Empty:
                break
            results.put(stage.play(job))
    finally:
        stage.close()
        results.put(None)


# -- the run -----------------------------------------------------------------------------------------------------------


def commit() -> str:
    """The commit that is measured, with a mark where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def played(out: Path | None) -> list[Round]:
    """The rounds that a file holds."""
    if out is None or not out.exists():
        return []
    return [Round(**json.loads(line)) for line in out.read_text(encoding="utf-8").splitlines() if line]


def repeated(seed: int, faults: list[str], repeat: int, out: Path | None) -> list[Job]:
    """What is still to be played: all first rounds before all second ones, so that an early end leaves no row empty."""
    done = {(r.seed, r.fault, r.round) for r in played(out)}
    jobs = [Job(seed, fault, number) for number in range(1, repeat + 1) for fault in faults]
    return [job for job in jobs if job not in {Job(*d) for d in done}]


def run_jobs(jobs: list[Job], rigs: int, minutes: float, *, small_disk: bool) -> Iterator[Round]:
    """Play jobs on several rigs side by side and yield the rounds as they end. SIGTERM: finish those under way."""
    context = multiprocessing.get_context("spawn")
    waiting, results = context.Queue(), context.Queue()
    for job in jobs:
        waiting.put(job)
    deadline = time.time() + minutes * 60
    with tempfile.TemporaryDirectory(prefix="lotrinh-chaos-") as folder:
        workers = [
            context.Process(
                target=_work,
                args=(waiting, results, f"{folder}/rig{n}", deadline),
                kwargs={"small_disk": small_disk},
            )
            for n in range(min(rigs, len(jobs)))
        ]
        signal.signal(signal.SIGTERM, lambda *_: [w.terminate() for w in workers])  # type: ignore[func-returns-value]
        for worker in workers:
            worker.start()
        left = len(workers)
        try:
            while left:
                try:
                    done = results.get(timeout=5)
                except queue.Empty:
                    if not any(w.is_alive() for w in workers):
                        break  # ended without a word
                    continue
                if done is None:
                    left -= 1
                else:
                    yield done
        finally:
            waiting.cancel_join_thread()
            for worker in workers:
                worker.terminate()
                worker.join(120)


def run_random(seed: int, minutes: float) -> Iterator[Round]:
    """Play faults drawn by a seed on one rig until the time is up or a round is broken."""
    rng, deadline, number = random.Random(seed), time.monotonic() + minutes * 60, 0
    with tempfile.TemporaryDirectory(prefix="lotrinh-chaos-") as folder:
        stage = Stage(Path(folder))
        try:
            while time.monotonic() < deadline:
                number += 1
                done = stage.play(Job(seed, rng.choice(sorted(FAULTS.keys() - RARE)), number))
                yield done
                if done.broken:
                    return
        finally:
            stage.close()


def main() -> int:
    """Play the rounds that are asked for; 1 where a verdict was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, help="start no round after so long; default 10, named faults: 600")
    parser.add_argument("--faults", default="", help=f"comma-separated: {', '.join(FAULTS)}")
    parser.add_argument("--repeat", type=int, default=1, help="rounds of each named fault")
    parser.add_argument("--round", type=int, help="only this round of each named fault")
    parser.add_argument("--rigs", type=int, default=1, help="systems side by side, each with a broker of its own")
    parser.add_argument("--out", type=Path, help="append a JSON line per round; rounds that it holds are not repeated")
    options = parser.parse_args()
    faults = [name for name in options.faults.split(",") if name]
    if unknown := set(faults) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    print(f"SEED={options.seed}", flush=True)
    if faults:
        jobs = repeated(options.seed, faults, options.repeat, options.out)
        if options.round is not None:
            jobs = [Job(options.seed, fault, options.round) for fault in faults]
        rounds = run_jobs(jobs, options.rigs, options.minutes or 600.0, small_disk="disk-full" in faults)
    else:
        rounds = run_random(options.seed, options.minutes or 10.0)
    of_commit, broken = commit(), 0
    for number, done in enumerate(rounds, start=1):
        done.commit = of_commit
        said = f"BROKEN: {done.broken}" if done.broken else f"{done.verdict} recovered={done.recovered_s} s"
        print(f"{number}: {done.fault} #{done.round}: {said} took={done.took_s} s load={done.load}", flush=True)
        broken += done.broken is not None
        if options.out is not None:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(done)) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
