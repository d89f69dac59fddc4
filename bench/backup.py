"""How long a backup and its restoration take, and how large the file is.

    python -m bench.backup --dossiers 100000

Facts decide both, so no worker runs: a simulated year is imported, written to a file, and restored under another
prefix of the same broker. Prints one JSON object; times in seconds, sizes in bytes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import broker


def run(address: str, prefix: str, *arguments: str) -> float:
    """Run a command of lotrinh, and return how long it took."""
    env = {"LOTRINH_KAFKA": address, "LOTRINH_PREFIX": prefix, "LOTRINH_DECISION": "thai-binh-2024"}
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "streams.cli", *arguments], env=os.environ | env, check=True)
    return round(time.monotonic() - began, 1)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, broker(Path(made) / "kafka") as address:
        events, file = Path(made) / "events.jsonl", Path(made) / "backup"
        run(address, "a.", "simulate", "--dossiers", str(given.dossiers), "--seed", "1", "--out", str(events))
        run(address, "a.", "topics", "apply")
        found = {
            "dossiers": given.dossiers,
            "events": sum(1 for _ in events.open("rb")),
            "import_s": run(address, "a.", "import", str(events)),
            "backup_s": run(address, "a.", "backup", "--out", str(file)),
            "backup_bytes": file.stat().st_size,
            "events_bytes": events.stat().st_size,
            "restore_s": run(address, "b.", "restore", str(file)),
        }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
