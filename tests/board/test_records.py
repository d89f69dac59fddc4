"""Records of Kafka become facts, or a reason; what waits for Redis is merged and bounded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.board.pending import BATCH_FACTS_MAX, Pending, Watermark
from streams.board.records import AlertFact, RowFact, Unreadable, for_the_wall, read_alert, read_standing
from streams.board.store import TRANSITIONS_KEPT


def row(key: str, version: int, value: bytes | None = b"{}") -> RowFact:
    return RowFact("d", key, f"{version:020d}", value)


def test_a_row_is_kept_as_the_bytes_it_came_as() -> None:
    value = b'{"indicator":"i","version":"07","numerator":412}'

    assert RowFact("d", "i/340/communes", "07", value) == read_standing(b"d/i/340/communes", value, [])


def test_a_row_of_several_lines_is_brought_onto_one() -> None:
    fact = read_standing(b"d/i/u", b'{\n "version": "07"\r\n}', [])

    assert isinstance(fact, RowFact)
    assert fact.row == b'{"version":"07"}'


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (None, b'{"version":"1"}', []),
        (b"d/i", b'{"version":"1"}', []),
        (b"d//u", b'{"version":"1"}', []),
        (b"\xff/i/u", b'{"version":"1"}', []),
        (b"d/i/u", b"[1]", []),
        (b"d/i/u", b"{", []),
        (b"d/i/u", b'{"version":1}', []),
        (b"d/i/u", b'{"version":"a\\nb"}', []),
        (b"d/i/u", b'{"version":"' + b"9" * 200 + b'"}', []),
        (b"d/i/u", None, []),
        (b"d/i/u", None, [("version", None)]),
        (b"d/i/" + b"u" * 500, b'{"version":"1"}', []),
    ],
)
def test_a_record_that_cannot_be_shown_is_a_reason_without_the_record(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    fact = read_standing(key, value, headers)

    assert isinstance(fact, Unreadable)
    assert "u" * 20 not in fact.reason


def test_an_alert_carries_its_place_in_the_log() -> None:
    transition = {"id": "a", "fingerprint": "f", "status": "firing", "decision": "d", "at": "2024-09-30T23:59:59+07:00"}

    fact = read_alert(json.dumps(transition).encode(), 3, 1234)

    assert isinstance(fact, AlertFact)
    assert (fact.mark, fact.at_ms) == ("3:00000000000000001234", 1727715599000)
    assert isinstance(read_alert(None, 0, 0), Unreadable)
    assert isinstance(read_alert(json.dumps({**transition, "at": "today"}).encode(), 0, 0), Unreadable)
    assert isinstance(read_alert(json.dumps({**transition, "id": ""}).encode(), 0, 0), Unreadable)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=40))
def test_of_several_facts_about_a_row_the_newest_waits_in_whatever_order_they_came(said: list[tuple[str, int]]) -> None:
    pending = Pending()
    for key, version in said:
        pending.add_row(row(key, version))

    newest = {key: max(v for k, v in said if k == key) for key, _ in said}
    waiting = {fact.key: fact for batch in pending.take() for fact in batch.rows}

    assert {key: row(key, version) for key, version in newest.items()} == waiting


def test_what_waits_is_bounded_by_its_keys_and_batches_by_their_size() -> None:
    pending = Pending()
    for n in range(3 * BATCH_FACTS_MAX):
        pending.add_row(row(f"k{n % (2 * BATCH_FACTS_MAX)}", n))
        pending.add_alert(AlertFact("d", f"f{n % 7}", f"0:{n:020d}", n, b"{}"))

    batches = pending.take()

    assert all(len(b.rows) + len(b.alerts) <= BATCH_FACTS_MAX for b in batches)
    assert sum(len(b.rows) for b in batches) == 2 * BATCH_FACTS_MAX
    assert sum(len(b.alerts) for b in batches) <= 7 + TRANSITIONS_KEPT
    assert len(pending) == 2 * BATCH_FACTS_MAX + 7


def test_transitions_wait_in_the_order_of_their_log_and_the_latest_of_each_alert_is_among_them() -> None:
    pending = Pending()
    for n in range(TRANSITIONS_KEPT + 50):
        pending.add_alert(AlertFact("d", "old" if n == 0 else "busy", f"0:{n:020d}", 10_000 - n, b"{}"))

    alerts = [fact for batch in pending.take() for fact in batch.alerts]

    assert sorted(fact.mark for fact in alerts) == [fact.mark for fact in alerts]
    assert {"old", "busy"} == {fact.fingerprint for fact in alerts}


def test_the_watermark_is_that_of_the_slowest_partition_that_beats() -> None:
    watermark = Watermark()
    watermark.record(500)
    assert (watermark.ms, watermark.clock) == (500, "none")
    watermark.beat("watch/0", 1000)
    watermark.beat("watch/1", 700)
    watermark.beat("watch/1", 600)
    assert (watermark.ms, watermark.clock) == (700, "heartbeats")


def test_the_wall_is_not_given_the_codes_of_dossiers() -> None:
    transition = {
        "id": "i", "fingerprint": "f", "status": "firing", "decision": "d", "at": "2024-06-05T08:00:00+07:00",
        "dossiers": ["H34-1"], "missing": 1,
    }  # fmt: skip
    fact = read_alert(json.dumps(transition).encode(), 0, 1)

    assert isinstance(fact, AlertFact)
    assert json.loads(fact.transition)["dossiers"] == ["H34-1"]
    del transition["dossiers"]
    assert json.loads(for_the_wall(fact).transition) == transition
