"""Our webhook "4", read by Alertmanager's own type (Go); skipped where there is no Go, or no way to its modules."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "data" / "golden"
OFFLINE = ("dial tcp", "no such host", "i/o timeout", "connection refused", "404 Not Found", "503 Service", "403 Forb")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of `tests/golang`, which reads with the type that Alertmanager writes with."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go on this machine")
    program = tmp_path_factory.mktemp("golang") / "reader"
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(program), "."],
        cwd=TESTS / "golang", capture_output=True, text=True, timeout=540, check=False,
    )  # fmt: skip
    if built.returncode and any(reason in built.stderr for reason in OFFLINE):
        pytest.skip(f"no way to Alertmanager's modules: {built.stderr.splitlines()[-1]}")
    assert built.returncode == 0, built.stderr
    return program


def read(reader: Path, body: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([reader], input=json.dumps(body), capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["several", "cause"])
def test_alertmanager_reads_our_webhook_and_would_write_the_same(reader: Path, kind: str) -> None:
    (body,) = json.loads((GOLDEN / f"am-hook-{kind}.json").read_text(encoding="utf-8"))
    done = read(reader, body)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == body


def test_it_refuses_what_alertmanager_would_not_write(reader: Path) -> None:
    (body,) = json.loads((GOLDEN / "am-hook-several.json").read_text(encoding="utf-8"))

    assert "unknown field" in read(reader, body | {"receivers": []}).stderr
    assert read(reader, body | {"truncatedAlerts": "0"}).returncode == 1
