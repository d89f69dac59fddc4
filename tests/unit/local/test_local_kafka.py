"""What starts Kafka on this machine."""

import time
import uuid
from pathlib import Path

import pytest

from streams.local import kafka


def test_a_cluster_id_never_begins_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's storage tool would read it as an option."""
    made = iter([uuid.UUID(bytes=b"\xf8" + bytes(15)), uuid.UUID(bytes=b"\x00" * 16)])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(made))

    assert kafka.cluster_id() == "A" * 22


def test_what_is_said_while_kafka_is_fetched_moves_from_the_first_file_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Maven's descriptions come for a quarter of a minute before the first jar; what was there before counts for nothing."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(kafka, "PROGRESS_S", 0.01)
    repository = tmp_path / ".m2" / "repository"
    repository.mkdir(parents=True)
    (repository / "of-another-program.jar").write_bytes(b"x" * 9_000_000)
    said: list[str] = []

    def until(words: str) -> None:
        deadline = time.monotonic() + 30
        while not any(line.endswith(words) for line in said):
            assert time.monotonic() < deadline, said[-3:]
            time.sleep(0.01)

    with kafka._progress(said.append):
        until("looking up what it needs, 0 descriptions read")
        (repository / "a.pom").write_bytes(b"x")
        until("looking up what it needs, 1 descriptions read")
        (repository / "a.jar").write_bytes(b"x" * 2_345_000)
        until(f"1 of {kafka.JARS} jars, 2.3 of some {kafka.MEGABYTES} MB")
