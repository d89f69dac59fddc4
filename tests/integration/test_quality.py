"""`lotrinh quality` on the running system: what tally's changelog holds, judged as a file is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import event, received
from tests.integration.system import System

pytestmark = pytest.mark.kafka


def test_the_running_system_and_the_file_have_the_same_findings(system: System, tmp_path: Path) -> None:
    system.start("tally").until_ready()
    system.start("watch").until_ready()
    events = received(3, "12688", "online", "2024-09-03") + received(2, "99999", "postal", "2024-09-04")
    events += [
        event("received", "N", "2024-09-04", id="tb:1", unit="340"),
        event("corrected", "N", "2024-09-05", id="tb:2", version=3, channel=None),
    ]
    events += [
        event(
            "received",
            "F",
            "2024-09-04",
            id="qg:1",
            unit="340",
            channel="online",
            resolved_at="2024-09-01T08:00:00+07:00",
        )
    ]
    lines = [json.dumps(e).encode() for e in events]
    (tmp_path / "e.jsonl").write_bytes(b"\n".join(lines))
    system.feed(lines)
    system.settle()

    def findings(*arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "quality", "--now", "2024-10-01", "--json", *arguments],
            env=os.environ | system.env, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    live, offline = findings(), findings("--events", str(tmp_path / "e.jsonl"))

    assert {f["kind"] for f in live["findings"]} == {
        "unknown-unit",
        "missing-channel",
        "result-before-reception",
        "source-silent",
    }
    assert [n["kind"] for n in live.pop("not_examined")] == ["two-units", "online-not-offered"]
    offline.pop("not_examined")
    assert live == offline
