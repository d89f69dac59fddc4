"""Builds state directories by earlier commits, for `tests/integration/test_earlier_states.py`.

    python -m tests.states.build            # all of them
    python -m tests.states.build 175c661    # one

Each commit runs as it was, in this environment (what it depends on is pinned alike): its `lotrinh up` on an empty
directory counts the first part of `tests/data/states/events.jsonl.zst`, stops, and what its Kafka holds is packed.
Needs the repository's history, Kafka and Valkey. One takes a minute.
"""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zstandard

from streams.local.state import free_port

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "data" / "states"
EVENTS = FOLDER / "events.jsonl.zst"
COMMITS = ("175c661", "eee4a59", "de15e6f", "a146a2a")
COUNTED = 500
"""lines of the events that a state has counted; the others come after the upgrade"""
READY_S = 120
ENV = {
    "LOTRINH_SWITCHES": "alert_rule=literal",
    "LOTRINH_TICK_SECONDS": "1",
    "LOTRINH_SESSION_TIMEOUT_S": "6",
    "LOTRINH_HEARTBEAT_S": "1",
}


def lines() -> list[bytes]:
    """Return all events, in the order in which they are published."""
    return zstandard.ZstdDecompressor().stream_reader(EVENTS.read_bytes()).read().splitlines()


def write_events() -> None:
    """Simulate the events, once: every state that was built from them has to be built again after this."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "events.jsonl"
        arguments = ("--decision", "thai-binh-2024", "--dossiers", "220", "--seed", "2024", "--out", str(made))
        lotrinh(ROOT, Path(folder), "simulate", *arguments)
        EVENTS.write_bytes(zstandard.ZstdCompressor(level=19).compress(made.read_bytes()))


def environment(code: Path) -> dict[str, str]:
    """Return the environment in which the code of a folder runs as `lotrinh`."""
    return {k: v for k, v in os.environ.items() if not k.startswith("LOTRINH_")} | ENV | {"PYTHONPATH": str(code)}


def lotrinh(code: Path, state: Path, *arguments: str) -> str:
    """Run a command of a folder's code, and return what it prints."""
    command = [sys.executable, "-m", "streams.cli", *arguments]
    done = subprocess.run(
        command, env=environment(code), cwd=state.parent, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


@contextmanager
def up(code: Path, state: Path) -> Iterator[None]:
    """Let a folder's code run everything on a state directory."""
    command = [sys.executable, "-m", "streams.cli", "up", "--state-dir", str(state), "--port", str(free_port())]
    with (state.parent / "up.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment(code), cwd=state.parent, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_S
        while not (state / "endpoints.json").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((state.parent / "up.log").read_text())
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)


def checked_out(commit: str, folder: Path) -> Path:
    """Lay the code of a commit into a folder."""
    archive = subprocess.run(["git", "archive", commit, "models", "streams"], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def build(commit: str) -> None:
    """Build and pack the state of one commit."""
    with tempfile.TemporaryDirectory() as made:
        code, state = checked_out(commit, Path(made) / "code"), Path(made) / "state"
        events = Path(made) / "events.jsonl"
        events.write_bytes(b"\n".join(lines()[:COUNTED]) + b"\n")
        with up(code, state):
            lotrinh(code, state, "import", str(events), "--state-dir", str(state))
            standings = lotrinh(code, state, "standings", "--wait", "--json", "--state-dir", str(state))
        kept = FOLDER / f"{commit}.tar.zst"
        pack(state, kept)
        count: Any = len(json.loads(standings)["standings"])
        sys.stderr.write(f"{commit}: {count} standings, {kept.stat().st_size} bytes\n")


def pack(state: Path, to: Path) -> None:
    """Pack what Kafka holds of a state directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in sorted((state / "kafka" / "logs").rglob("*")):
            if file.is_file() and file.name not in {".lock", "cleaner-offset-checkpoint"}:
                tar.add(file, file.relative_to(state))
    to.write_bytes(zstandard.ZstdCompressor(level=19).compress(buffer.getvalue()))


def unpack(commit: str, state: Path) -> None:
    """Lay a packed state out as a state directory."""
    raw = zstandard.ZstdDecompressor().stream_reader((FOLDER / f"{commit}.tar.zst").read_bytes()).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        tar.extractall(state, filter="data")


def main() -> None:
    """Build the states of the commits given."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not EVENTS.exists():
        write_events()
    for commit in sys.argv[1:] or COMMITS:
        build(commit)


if __name__ == "__main__":
    main()
