"""Every kind of alert on a running system, to a receiver that is killed in between (`make tour`)."""

from pathlib import Path

import pytest

from tests.conftest import kafka_parts
from tests.tour.walk import walk

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("rule", ["evidence", "forecast"])
def test_every_kind_is_raised_and_ended_and_nothing_is_lost(tmp_path: Path, rule: str) -> None:
    kafka_parts()
    walk(tmp_path, rule, lambda text: None)
