"""Every kind of alert on a running system, to a receiver that is killed in between (`make tour`)."""

from functools import partial
from pathlib import Path

import pytest

from tests.conftest import kafka_parts
from tests.integration.system import side_by_side
from tests.tour.walk import walk

pytestmark = pytest.mark.kafka


def test_every_kind_is_raised_and_ended_and_nothing_is_lost(tmp_path: Path) -> None:
    """Under two rules at once: each has a system of its own, and most of a tour is waiting."""
    kafka_parts()

    def toured(rule: str) -> None:
        (tmp_path / rule).mkdir()
        walk(tmp_path / rule, rule, lambda text: None)

    side_by_side(partial(toured, "evidence"), partial(toured, "forecast"))
