"""What is remembered moves to another number of partitions: every row where it is looked for, every place as it is now."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from models.partitioning import partition_of
from streams.broker import reading, topics
from streams.engine.progress import POSITION, Progress
from streams.errors import BadInput
from streams.maintenance import growing
from streams.maintenance.growing import _Delivered, _Growth, _in_place
from streams.settings import Settings
from tests.builders import thai_binh

OLD = Settings(kafka="127.0.0.1:1", prefix="old.")
NEW = OLD.model_copy(update={"prefix": "new.", "partitions": 7})
READING = thai_binh()
DECISION, PROVINCE = READING.decision.id, READING.decision.province


def record(partition: int, offset: int, key: bytes, value: Any, headers: tuple[Any, ...] = ()) -> Any:
    raw = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
    return SimpleNamespace(partition=partition, offset=offset, key=key, value=raw, headers=headers)


def memory(episode: int, **rule: Any) -> dict[str, Any]:
    return {"episode": episode, "open": None, "rule": rule}


def name(indicator: str, unit: str) -> bytes:
    return orjson.dumps(f"{DECISION}/{indicator}/{unit}")


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Topics without their prefix; what is not in here is empty."""
    found: dict[str, list[Any]] = {}
    monkeypatch.setattr(growing, "records_of", lambda _, topic: iter(found.get(topic, [])))
    return found


@pytest.fixture
def growth() -> _Growth:
    return _Growth(OLD, NEW, READING, {}, print)


def home(unit: str) -> int:
    return partition_of(READING.registry.home(unit).encode(), 7, "murmur2")


def test_memory_goes_home_and_totals_go_everywhere(logs: dict[str, list[Any]], growth: _Growth) -> None:
    clock = "2024-05-01T08:00:00+07:00"
    position = Progress({"old.unit.tallies": 9}, 5, "f", {"clock": clock, "slots": {"0": {}}})
    logs["watch-unit-days-changelog"] = [record(p, 3, POSITION, position.dump(), (("format", b"1"),)) for p in range(4)]
    logs["watch-alerts-changelog"] = [
        record(1, 0, name("online-dossiers", "12688"), memory(1)),
        record(1, 1, name("online-dossiers", "12688"), memory(2)),
        record(1, 2, name("online-dossiers", "12689"), memory(1)),
        record(1, 3, name("online-dossiers", "12689"), None),
        record(2, 0, name("*", "dossier.paid"), memory(1, records=3)),
        record(0, 0, name("*", PROVINCE), memory(0, totals=[10, 20])),
        record(3, 0, name("*", PROVINCE), memory(0, totals=[10, 20])),
    ]
    rows: dict[tuple[str, int], list[Any]] = {}

    growth._memory(rows, -4)

    kept = {
        (p, orjson.loads(key)): orjson.loads(value)
        for (topic, p), found in rows.items()
        if topic == "new.watch-alerts-changelog"
        for key, value, _ in found
    }
    everywhere = {(p, f"{DECISION}/*/{PROVINCE}"): memory(0, totals=[6, 16]) for p in range(7)}
    assert kept == {
        (home("12688"), f"{DECISION}/online-dossiers/12688"): memory(2),
        (home(PROVINCE), f"{DECISION}/*/dossier.paid"): memory(1, records=3),
        **everywhere,
    }
    states = {p: found for (topic, p), found in rows.items() if topic == "new.watch-unit-days-changelog"}
    assert states.keys() == set(range(7))
    for ((key, value, headers),) in states.values():
        assert (key, headers) == (POSITION, (("format", b"1"),))
        assert Progress.load(value) == Progress({"new.unit.tallies": 0}, 5, "", {"clock": clock})


def test_partitions_judged_up_to_different_days_are_not_moved(logs: dict[str, list[Any]], growth: _Growth) -> None:
    logs["watch-unit-days-changelog"] = [
        record(p, 1, POSITION, Progress({"t": 1}, 1, "f", {"clock": f"2024-05-0{p + 1}T08:00:00+07:00"}).dump())
        for p in range(2)
    ]
    with pytest.raises(BadInput, match="start the workers again"):
        growth._memory({}, 0)


def test_what_was_told_names_the_places_of_the_new_log(logs: dict[str, list[Any]], growth: _Growth) -> None:
    logs[topics.ALERTS] = [
        record(p, offset, f"f{p}{offset}".encode(), {"id": offset}, (("evidence", b"{}"), ("format", b"1")))
        for p, offset in ((0, 0), (0, 2), (0, 4), (1, 0), (1, 1))
    ]
    logs[topics.DELIVERIES] = [
        record(0, 0, b"position/0", {"next": 3}),
        record(0, 1, b"position/1", {"next": 1}),
        record(0, 2, b"alert/f02", {"mark": f"0:{2:020d}", "number": 1}),
        record(0, 3, b"told/x@y/f02", {"owed": "", "told": f"0:{2:020d}"}),
        record(0, 4, b"told/x@y/gone", {"owed": "", "told": f"1:{99:020d}"}),
        record(0, 5, b"box/x@y", {"failures": 2}),
    ]
    rows: dict[tuple[str, int], list[Any]] = {}
    delivered = _Delivered(OLD)

    places = growth._alerts(rows, delivered)
    growth._deliveries(rows, delivered, places)

    read = {(0, 0), (0, 2), (1, 0)}
    for old, (partition, offset) in places.items():
        key, _, headers = rows["new.alerts", partition][offset]
        assert key == f"f{old[0]}{old[1]}".encode()
        assert partition == partition_of(key, 7, "murmur2")
        assert headers == (("format", b"1"),)
        assert (offset < delivered.moved_to.get(partition, 0)) == (old in read)
    told = {key.decode(): orjson.loads(value) for (topic, _), found in rows.items() if topic == "new.deliveries"
            for key, value, _ in found}  # fmt: skip
    mark = "{}:{:020d}".format(*places[0, 2])
    assert told["alert/f02"] == {"mark": mark, "number": 1}
    assert told["told/x@y/f02"] == {"owed": "", "told": mark}
    assert told["told/x@y/gone"] == {"owed": "", "told": f"0:{0:020d}"}
    assert told["box/x@y"] == {"failures": 2}
    assert {k: v["next"] for k, v in told.items() if k.startswith("position/")} == {
        f"position/{p}": to for p, to in delivered.moved_to.items()
    }


def test_rows_without_marks_stay_as_they_are() -> None:
    assert _in_place({"told": 3, "mark": ""}, {}) == {"told": 3, "mark": ""}


def test_commands_and_the_engine_look_for_the_position_under_one_key() -> None:
    assert reading.POSITION == POSITION
