"""watch has lost all of its state: what it told before is read back from the topic, and nothing is told twice."""

import time
from pathlib import Path

import pytest

from streams.broker import topics
from tests.integration.system import System
from tests.integration.test_nothing_is_reset import Stage

pytestmark = pytest.mark.kafka


def lose_watch(stage: Stage) -> None:
    """Delete watch's changelogs and what the group knows of them: the step by which a state is begun anew."""
    settings = stage.system.settings
    for table in topics.TABLES[topics.WATCH]:
        stage.empty(topics.changelog(settings, topics.WATCH, table))
    deadline = time.monotonic() + 60
    while True:
        errors = stage.client.delete_groups([settings.topic(topics.WATCH)])
        if all("OK" in str(said) or "No" in str(said) for said in errors.values()):
            return
        assert time.monotonic() < deadline, errors
        time.sleep(0.5)


@pytest.mark.parametrize("starts", [3])
def test_alerts_are_not_told_again_by_a_watch_that_lost_its_state(system: System, tmp_path: Path, starts: int) -> None:
    stage = Stage(system)
    system.start("tally").until_ready()
    watch = system.start("watch").until_ready()
    stage.feed(1, 300)
    system.settle()
    before = system.alerts()
    assert len(before) > 20
    assert watch.stop() == 0
    lose_watch(stage)
    stage.feed(2, 120)  # some recover, some fall behind, some dossiers of before are corrected

    for start in range(starts):
        watch = system.start("watch")
        if start < starts - 1:
            watch.until_ready()
            watch.kill()
    watch.until_ready()
    system.settle()

    after = system.alerts()
    assert "are not told again" in watch.text() or len(after) > len(before)
    assert len({alert["id"] for alert in after}) == len(after), "a transition was told twice"
    assert {alert["id"] for alert in before} <= {alert["id"] for alert in after}
    system.verdict()
