"""Fixtures of the tests on real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.system import System, running


@pytest.fixture
def system(kafka_address: str, tmp_path: Path) -> Iterator[System]:
    with running(kafka_address, tmp_path) as started:
        yield started
