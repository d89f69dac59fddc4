"""Three brokers: topics get three copies and are mended where they have fewer; a leader that is killed costs nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from streams.broker import replicas as copies
from streams.broker import topics
from streams.settings import Settings
from tests.chaos.cluster import Cluster
from tests.chaos.faults_cluster import CLUSTER, TWELVE
from tests.chaos.matrix import FAULTS
from tests.chaos.run import Job, Stage
from tests.conftest import kafka_parts

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.chaos,
    # clients whose broker is killed under them leave sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    kafka_parts()
    made = Stage(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


def test_everything_is_accounted_for_after_a_leader_is_killed(stage: Stage) -> None:
    done = stage.play(Job(1, "leader-killed", 1))

    print(done)
    assert done.broken is None
    assert done.verdict.startswith("ALL-RECORDS-ACCOUNTED")
    assert (done.wrong_rows, done.lost_alerts) == (0, 0)
    assert done.alerts


def test_topics_get_three_copies_and_too_few_are_told_and_mended(stage: Stage) -> None:
    cluster: Cluster = stage.rig(next(iter(CLUSTER - TWELVE))).broker
    settings = Settings(kafka=cluster.address, prefix="mended.", _env_file=None)

    def apply(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        given = {"LOTRINH_KAFKA": cluster.address, "LOTRINH_PREFIX": settings.prefix, **env}
        outside = {k: v for k, v in os.environ.items() if not k.startswith("LOTRINH_")}
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", "topics", "apply", *arguments],
            env=outside | given, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    # one copy, as it was asked for
    done = apply(LOTRINH_REPLICATION="1")
    assert done.returncode == 0, done.stderr
    assert "3 brokers: one copy of each topic" in done.stderr
    # which is too few by default, and not what was asked for where three are
    count = len(topics.specs(settings))
    done = apply()
    assert done.returncode == 0, done.stderr
    assert "3 brokers: 3 copies of each topic, 2 of them needed to write" in done.stderr
    assert f"{count} topics (mended.alerts, " in done.stderr
    assert "1 copy, 3 are expected" in done.stderr
    assert "min.insync.replicas=1, 2 is expected" in done.stderr
    assert f"mend their copies: {copies.MEND}" in done.stderr
    assert apply("--check", LOTRINH_REPLICATION="3").returncode == 2
    # more than there are
    done = apply(LOTRINH_REPLICATION="5", LOTRINH_PREFIX="other.")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "LOTRINH_REPLICATION=5, but the cluster has 3 brokers" in done.stderr
    # mended, and what it keeps is as it was
    done = apply("--mend")
    assert done.returncode == 0, done.stderr
    assert f"{count} topics are as they have to be" in done.stderr
    kept = cluster.ask(lambda client: copies.kept(client, [s.name for s in topics.specs(settings)]))
    assert set(kept.values()) == {copies.Kept(3, 2)}
    assert cluster.ask(lambda client: topics.wrong(client, settings)) == ([], [])
    cluster.ask(lambda client: client.delete_topics([s.name for s in topics.specs(settings)]))


def test_every_fault_of_three_brokers_is_in_the_matrix() -> None:
    assert FAULTS.keys() >= CLUSTER >= TWELVE
