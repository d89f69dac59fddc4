"""Fixtures of the tests on real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.system import System, running


@pytest.fixture
def system(kafka_address: str, tmp_path: Path) -> Iterator[System]:
    with running(kafka_address, tmp_path) as started:
        yield started


@pytest.fixture
def without_libraries(tmp_path: Path) -> dict[str, str]:
    """The environment of an installation that has none of the codecs' libraries."""
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['cramjam'] = sys.modules['lz4'] = None\n")
    return {"PYTHONPATH": str(folder)}
