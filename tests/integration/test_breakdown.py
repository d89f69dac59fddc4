"""`lotrinh breakdown` on the running system says what `evaluate --breakdown` says of the same events."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import received
from tests.integration.system import System

pytestmark = pytest.mark.kafka

COMMUNE = "12688"


def test_the_running_system_and_the_file_are_taken_apart_alike(system: System, tmp_path: Path) -> None:
    system.start("tally").until_ready()
    system.start("watch").until_ready()
    events = [
        *received(3, COMMUNE, "online", "2024-09-03", name="a", procedure="1.000001"),
        *received(4, COMMUNE, "postal", "2024-09-04", name="b", procedure="1.000001"),
        *received(2, COMMUNE, "in_person", "2024-07-04", name="c", procedure="1.000002"),
        *received(5, "12691", "online", "2024-09-04", name="d", procedure="1.000001"),
    ]
    lines = [json.dumps(e).encode() for e in events]
    (tmp_path / "e.jsonl").write_bytes(b"\n".join(lines))
    system.feed(lines)
    system.settle()

    def said(*arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments, "--decision", "thai-binh-2024", "--json"],
            env=os.environ | system.env, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    for unit in (COMMUNE, "340/communes"):
        live = said("breakdown", "--unit", unit)
        by_file = said(
            "evaluate", "--events", str(tmp_path / "e.jsonl"), "--as-of", live["as_of"], "--breakdown", "procedure",
            "--unit", unit,
        )  # fmt: skip

        assert live["breakdown"] == by_file["breakdown"][unit]
        assert live["history"] == by_file["history"][unit]
        assert {s["indicator"]: s["denominator"] for s in live["standings"]} == {
            s["indicator"]: s["denominator"] for s in by_file["standings"] if s["unit"] == unit
        }
    paper = live["breakdown"]["online-dossiers"]
    assert [(r["procedure"], r["numerator"], r["denominator"]) for r in paper] == [
        ("1.000001", 8, 12),
        ("1.000002", 0, 2),
    ]
