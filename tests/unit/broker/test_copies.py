"""How many copies are asked for, what is said of topics that keep fewer, and what Kafka's refusals read like."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition

from streams.broker import replicas as copies
from streams.broker import topics
from streams.broker.replicas import OFFSETS, TRANSACTIONS, Kept, Wanted
from streams.errors import BadInput
from streams.settings import Settings

SETTINGS = Settings(kafka="k:9092", prefix="x.", _env_file=None)
NAMES = [spec.name for spec in topics.specs(SETTINGS)]


@pytest.mark.parametrize(
    ("brokers", "replication", "in_sync", "expected"),
    [
        (1, None, None, (1, 1)),
        (2, None, None, (2, 1)),
        (3, None, None, (3, 2)),
        (6, None, None, (3, 2)),
        (5, 5, None, (5, 3)),
        (3, 1, None, (1, 1)),
        (3, 3, 1, (3, 1)),
    ],
)
def test_what_is_asked_for(brokers: int, replication: int | None, in_sync: int | None, expected: Any) -> None:
    settings = Settings(replication=replication, min_insync_replicas=in_sync, _env_file=None)

    assert copies.wanted(settings, brokers)[:2] == expected


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"replication": 5}, "LOTRINH_REPLICATION=5, but the cluster has 3 brokers"),
        ({"replication": 2, "min_insync_replicas": 3}, "LOTRINH_MIN_INSYNC_REPLICAS=3, but each topic has 2 copies"),
    ],
)
def test_what_cannot_be_had_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        copies.wanted(Settings(**settings, _env_file=None), 3)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"a": Kept(3, 2), "b": Kept(5, 2), OFFSETS: Kept(3, 1)}, []),
        ({"a": Kept(1, 1)}, ["topic a: 1 copy, 3 are expected", "topic a: min.insync.replicas=1, 2 is expected"]),
        ({n: Kept(2, 2) for n in "abcd"}, ["4 topics (a, b, c …): 2 copies, 3 are expected"]),
        ({"a": Kept(3, 3)}, ["topic a: min.insync.replicas=3 of as many copies, so that one broker away stops writing"]),
        ({TRANSACTIONS: Kept(3, 1)}, [f"topic {TRANSACTIONS}: min.insync.replicas=1"]),
        ({OFFSETS: Kept(1, 1)}, [f"topic {OFFSETS}: 1 copy"]),
    ],
)  # fmt: skip
def test_what_is_said_of_too_few(kept: dict[str, Kept], words: list[str]) -> None:
    said = copies.weak(Wanted(3, 2, 3), kept)

    assert len(said) == len(words)
    assert all(text.startswith(word) for text, word in zip(said, words, strict=True)), said


@given(st.data())
def test_mending_takes_no_copy_away_and_gives_each_as_many_as_are_wanted(data: st.DataObject) -> None:
    brokers = sorted(data.draw(st.sets(st.integers(0, 9), min_size=1)))
    least = data.draw(st.integers(1, len(brokers)))
    nodes = st.lists(st.sampled_from(brokers), unique=True, min_size=1)
    has = data.draw(st.dictionaries(st.builds(TopicPartition, st.just("t"), st.integers(0, 30)), nodes))
    moved = copies.more_copies(has, brokers, least)

    assert moved.keys() == {tp for tp, there in has.items() if len(there) < least}
    for tp, there in moved.items():
        assert there[: len(has[tp])] == has[tp], "who leads, leads on"
        assert len({*there}) == len(there) == least


class Broker:
    """Answers as kafka-python gives them, recorded of Kafka 4.3."""

    def __init__(self, errors: dict[str, int], *, closed: bool = False, refuses: int = 0) -> None:
        self.errors, self.closed, self.refuses = errors, closed, refuses
        self.made: list[Any] = []

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        place = {"replica_nodes": [1], "isr_nodes": [1]}
        return [
            {"name": n, "error_code": code, "partitions": [] if code else [{"partition_index": p, **place} for p in range(4)]}
            for n in names
            for code in [self.errors.get(n, 0)]
        ]  # fmt: skip

    def describe_configs(self, resources: list[Any], config_filter: str) -> dict[str, Any]:
        assert config_filter == "all"
        given = {spec.name: {**spec.configs, "min.insync.replicas": "1"} for spec in topics.specs(SETTINGS)}
        found = {r.name: {} if self.closed else {k: {"value": v} for k, v in given[r.name].items()} for r in resources}
        return {"topic": found} if found else {}

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"broker_id": n, "is_fenced": n == 9} for n in (1, 2, 3, 9)]}

    def create_topics(self, new: list[Any], *, raise_errors: bool) -> dict[str, Any]:
        assert not raise_errors
        self.made = new
        answer = {"error_code": self.refuses, "error_message": "not by this policy" if self.refuses == 44 else None}
        return {"topics": [{"name": t.name, **answer} for t in new]}

    def wait_for_topics(self, names: list[str]) -> None:
        assert names


def test_a_missing_right_is_not_told_as_a_missing_topic() -> None:
    one = topics.check
    with pytest.raises(BadInput, match=r"topic x.alerts cannot be seen: this principal lacks the right Describe "):
        one(Broker({"x.alerts": topics.FORBIDDEN}), SETTINGS)
    with pytest.raises(BadInput, match=r"cannot be read: this principal lacks the right DescribeConfigs"):
        one(Broker({}, closed=True), SETTINGS)
    with pytest.raises(BadInput, match=r"topic x.alerts is missing: run `lotrinh topics apply`"):
        one(Broker({"x.alerts": topics.UNKNOWN}), SETTINGS)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (topics.FORBIDDEN, "this principal lacks the right Create"),
        (44, "x.dossier.submitted: not by this policy"),
        (38, "x.dossier.submitted: InvalidReplicationFactorError"),
    ],
)
def test_a_refusal_of_the_broker_is_one_sentence(code: int, words: str) -> None:
    broker = Broker(dict.fromkeys(NAMES, topics.UNKNOWN), refuses=code)
    with pytest.raises(BadInput, match=words) as refused:
        topics.apply(broker, SETTINGS)

    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_topics_are_made_with_copies_and_what_they_keep_stays() -> None:
    broker = Broker(dict.fromkeys(NAMES, topics.UNKNOWN))

    assert topics.apply(broker, SETTINGS) == NAMES
    for new, spec in zip(broker.made, topics.specs(SETTINGS), strict=True):
        assert (new.num_partitions, new.replication_factor) == (4, 3)
        assert new.topic_configs == {**spec.configs, "min.insync.replicas": "2"}
