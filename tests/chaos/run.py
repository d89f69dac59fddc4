"""Random faults on real processes: `make chaos SEED=… MINUTES=…`. Prints a verdict per round and a closing JSON line."""

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.rig import Rig

DOSSIERS = 120
EVENTS_PER_S = 150.0
SETTLE_S = 180.0
RARE = {"network-cut-long", "disk-full", "nothing", "die-at-every-point", "die-at-every-point-of-watch"}
"""only where they are asked for: they take minutes, need the right to mount, or are for comparison"""


@dataclass
class Round:
    """What one fault came to."""

    fault: str
    verdict: str
    wrong_rows: int
    alerts: int
    recovered_s: float
    restarts: int


def play(rig: Rig, name: str, rng: random.Random) -> Round:
    """Publish, do one fault meanwhile, wait until all is counted and judged, compare everything with the oracle."""
    before = len(rig.restarts)
    silent = name == "silent-source"
    published = rig.feed(rig.year(DOSSIERS, rng.randrange(1 << 30)), EVENTS_PER_S)
    if silent:
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
    verdict = rig.system.verdict()
    wrong = int(verdict.split("wrong=")[1].split("/")[0])
    return Round(name, verdict, wrong, len(rig.system.alerts()), round(recovered, 1), len(rig.restarts) - before)


def main() -> int:
    """Run rounds until the time is up; 1 where a verdict was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--faults", default="", help=f"comma-separated, in their order: {', '.join(FAULTS)}")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    asked = [name for name in options.faults.split(",") if name]
    deadline = time.monotonic() + options.minutes * 60
    rounds: list[Round] = []
    broken = None
    print(f"SEED={options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lotrinh-chaos-") as folder:
        rig = Rig(Path(folder), small_disk="disk-full" in asked)
        try:
            while asked or (not options.faults and time.monotonic() < deadline):
                name = asked.pop(0) if asked else rng.choice(sorted(FAULTS.keys() - RARE))
                try:
                    done = play(rig, name, rng)
                except AssertionError as exc:
                    broken = f"{name}: {exc}"
                    print(f"round {len(rounds) + 1}: {name}: BROKEN: {exc}", flush=True)
                    keep = Path(tempfile.mkdtemp(prefix="lotrinh-chaos-broken-"))
                    for log in Path(folder).glob("*.log"):
                        (keep / log.name).write_bytes(log.read_bytes())
                    print(f"logs of the workers: {keep}", flush=True)
                    break
                rounds.append(done)
                print(f"round {len(rounds)}: {name}: {done.verdict} recovered={done.recovered_s} s", flush=True)
        finally:
            rig.close()
    print(json.dumps({"seed": options.seed, "broken": broken, "rounds": [asdict(r) for r in rounds]}), flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
