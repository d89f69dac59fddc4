"""The sample portals of docs/portal.md publish what is counted, and `portal check` finds nothing in it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import kafka_parts
from tests.integration.portals import command
from tests.integration.system import System

pytestmark = pytest.mark.kafka

EXAMPLES = Path(__file__).parents[2] / "docs/examples/portal"


def of_python(folder: Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / "portal.py")]


def of_java(folder: Path) -> list[str]:
    """Compiled with Kafka's own jars: its client, and Jackson."""
    java, javac = shutil.which("java"), shutil.which("javac")
    if java is None or javac is None:
        pytest.skip("no JDK on this machine (java, javac)")
    path = kafka_parts()
    done = subprocess.run(
        [str(javac), "-Xlint:all,-classfile,-processing", "-Werror", "-proc:none", "-d", str(folder), "-cp", path, str(EXAMPLES / "Portal.java")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [str(java), "-Xmx128m", "-cp", f"{path}:{folder}", "Portal"]


@pytest.mark.parametrize("portal", [of_python, of_java])
def test_a_sample_portal_is_counted_and_has_nothing_to_mend(system: System, tmp_path: Path, portal: object) -> None:
    system.start("tally")
    system.start("watch")
    arguments = [*portal(tmp_path), str(system.settings.kafka), system.settings.prefix]  # type: ignore[operator]
    for _ in range(2):  # a second time, as after a retry of the whole: it changes nothing
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
    system.settle()

    figures = {
        indicator: (row["numerator"], row["denominator"])
        for (unit, indicator), row in system.standings().items() if unit == "12688"
    }  # fmt: skip
    for indicator in ("online-dossiers", "online-payments", "digitised-results", "electronic-results"):
        assert figures[indicator] == (1, 1)
    assert system.dead_letters() == []
    said = json.loads(command(system, "portal", "check", "--json"))
    assert [c for c in said["checks"] if c["level"] != "ok"] == []
    assert [c["text"] for c in said["checks"] if c["check"] == "codecs"] == ["batches by codec: zstd 8"]
    system.verdict()
