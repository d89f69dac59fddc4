"""What several tiers share: one real Kafka per session, and how an absent part is treated."""

import gc
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from streams.errors import BadInput
from streams.local import kafka
from streams.local.children import end_with_parent
from streams.local.state import free_port

QUICK = os.environ.get("LOTRINH_TESTS") == "quick"
"""`make unit`: a tenth of the examples of each law"""


def examples(usual: int) -> int:
    """Return how many examples of a law are tried, of the number that the whole suite tries."""
    return max(3, usual // 10) if QUICK else usual


def most_are_long(values: Iterable[object], usual: int = 1) -> list[object]:
    """Return cases of a test of which `make unit` takes the first ones only."""
    return [value if n < usual else pytest.param(value, marks=pytest.mark.long) for n, value in enumerate(values)]


# A busy machine is not a broken law: how long an example takes says nothing about it.
hypothesis_settings.register_profile(
    "lotrinh", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("lotrinh")


def pytest_collection_finish() -> None:
    """Let the collector pass over what was imported and collected: a tenth of all computing was its looking again."""
    gc.collect()
    gc.freeze()


IN_CI = bool(os.environ.get("CI"))


STARTS_NOTHING = ("models", "tests/unit", "tests/property", "tests/oracle", "tests/engine", "tests/test_")
"""where a test that starts a process says so by the mark `process`: `make unit` leaves it out"""


@pytest.fixture(autouse=True)
def _processes_are_named(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that starts a process and does not say so."""
    if not request.node.nodeid.startswith(STARTS_NOTHING) or request.node.get_closest_marker("process"):
        return

    def refuse(_: object, arguments: object, *__: object, **___: object) -> None:
        pytest.fail(f"a process is started, {arguments}: mark the test `process`")

    monkeypatch.setattr(subprocess.Popen, "_execute_child", refuse)


def absent(reason: str) -> None:
    """Skip with a reason; in CI a missing part is a failure, for there it has to be installed."""
    if IN_CI:
        pytest.fail(f"missing in CI: {reason}")
    pytest.skip(reason)


def kafka_parts() -> str:
    """Kafka's class path, once it is there with a Java to run it; absent otherwise."""
    try:
        kafka.java()
        return kafka.classpath(print)
    except BadInput as exc:
        absent(str(exc))
        raise


@pytest.fixture(scope="session")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Apache Kafka: started here, or that of LOTRINH_TEST_KAFKA."""
    if external := os.environ.get("LOTRINH_TEST_KAFKA"):
        yield external
        return
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@contextmanager
def broker(folder: Path, port: int = 0, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """A real Apache Kafka on a folder, which may hold what an earlier one has left; its address.

    `settings` are those of its own, in place of ours; then `port` is the one that its plain listener has.
    """
    path = kafka_parts()
    port, controller = port or free_port(), free_port()
    alone = kafka.Joins(kafka.cluster_id(), settings or {})
    command = kafka.prepare(folder, port, controller, path, alone)
    with (folder / "kafka.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, preexec_fn=end_with_parent(os.getpid())
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "kafka.log").read_text()[-2000:]
                assert time.monotonic() < deadline, "Kafka did not start within 60 s"
                time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
