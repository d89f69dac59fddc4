"""The file of a backup: what it holds, how it is trusted, and what watch does while one is being restored."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import orjson
import pytest
from faust.types import TP

from models.calendar.civil_time import civil_day
from models.notification.outbox import elsewhere
from streams.broker import topics
from streams.broker.topics import specs
from streams.engine import Fetch
from streams.errors import BadInput
from streams.maintenance import backup
from streams.maintenance.backup import DERIVED, FACTS, KEPT, MEMORY, Line, _Writer, check_backup, lines_in
from streams.maintenance.restore import _Restore
from streams.settings import Settings
from streams.workers.watch import WatchWork
from tests.unit.workers.test_watch_feed import READING, SETTINGS

HEAD = {"lotrinh-backup": 1, "created": "2026-12-01T00:00:00.000Z", "partitions": 2}
LINES = (
    Line("alerts", 1, 7, b"f", b'{"id": "1"}', (("evidence", b"\xff{}"),)),
    Line("dossier.paid", 0, 3, None, b"\xff\x00 no text"),
    Line("dossier.paid", 0, 5, b"A-1", None),
    Line("operators", 0, 0, "ạ".encode(), "chữ".encode()),
)


def written(path: Path, *lines: Line, head: Any = HEAD) -> Path:
    out = _Writer(path, head)
    for line in lines:
        out.add(line)
    out.finish({"clocks": {"0": "b", "1": "a"}, "inbound": 9, "gone": {}})
    return path


def test_every_topic_of_ours_is_kept_or_derived() -> None:
    settings = Settings(prefix="x.")
    ours = {s.name.removeprefix("x.") for s in specs(settings) if not s.name.endswith("-changelog")}

    assert {*KEPT, *DERIVED} == ours
    assert not {*KEPT} & {*DERIVED}


def test_what_is_written_is_read_byte_for_byte(tmp_path: Path) -> None:
    file = written(tmp_path / "b", *LINES)

    assert tuple(Line.load(said) for said in [*lines_in(file)][1:-1]) == LINES
    manifest = check_backup(file)
    assert (manifest.head, manifest.counts) == (HEAD, {"alerts": 1, "dossier.paid": 2, "operators": 1})
    assert manifest.clock == "a"
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_a_backup_that_breaks_off_leaves_nothing_and_harms_no_earlier_one(tmp_path: Path) -> None:
    file = written(tmp_path / "b", *LINES)
    before = file.read_bytes()
    out = _Writer(file, HEAD)
    out.add(LINES[0])
    out.give_up()

    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_short_is_refused_in_one_sentence(tmp_path: Path, share: float) -> None:
    file = written(tmp_path / "b", *LINES * 200)
    raw = file.read_bytes()
    file.write_bytes(raw[: int(len(raw) * share)])

    with pytest.raises(BadInput, match=r"take another copy|is no backup") as refused:
        check_backup(file)
    assert "\n" not in str(refused.value)


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path / "b", *LINES * 20)
    raw = file.read_bytes()
    for at in range(len(raw)):
        file.write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
        try:
            check_backup(file)
        except BadInput:
            continue
        else:  # a bit of the frame's header that changes nothing of what is read
            assert at < 6
            assert tuple(Line.load(said) for said in [*lines_in(file)][1:-1]) == LINES * 20


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"lotrinh-backup": 99, "partitions": 2}, "is in format 99, this release reads format 1"),
        ({"something": "else"}, "is no backup of lotrinh"),
    ],
)
def test_another_format_or_another_file_is_named(tmp_path: Path, head: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_backup(written(tmp_path / "b", *LINES, head=head))


def test_a_line_that_was_taken_out_is_noticed(tmp_path: Path) -> None:
    file = written(tmp_path / "b", *LINES)
    import zstandard

    lines = zstandard.ZstdDecompressor().stream_reader(file.read_bytes()).read().splitlines(keepends=True)
    file.write_bytes(zstandard.compress(b"".join([*lines[:2], *lines[3:]])))

    with pytest.raises(BadInput, match="it does not hold what its last line says"):
        check_backup(file)


def test_marks_follow_the_records_to_where_they_lie_now() -> None:
    places = {"0:07": "1:00", "0:09": "1:01"}
    row = {"owed": "0:09", "told": "0:07", "number": 2, "firing": True}

    assert elsewhere(row, places) == {"owed": "1:01", "told": "1:00", "number": 2, "firing": True}
    assert elsewhere({"owed": "", "told": "0:03"}, places)["told"] < "1:00"
    assert elsewhere({"owed": "", "told": "0:03"}, places)["owed"] == ""
    assert elsewhere({"sending": False}, places) == {"sending": False}


# -- watch, while a backup is being restored ---------------------------------------------------------------------------


class Watch:
    """One partition of watch that judges `literal`, told by one partition of tally."""

    def __init__(self) -> None:
        owner: Any = SimpleNamespace(
            memo={}, goal={}, epoch=1, position=0, partition=0, rows=self._rows, spend=lambda _: None
        )
        self.tables: Any = SimpleNamespace(unit_days={}, gaps={}, alerts={}, announced={})
        self.work = WatchWork(owner, READING, SETTINGS, self.tables)  # type: ignore[arg-type]  # what it needs of them
        self.memo = owner.memo
        self.work.restored(renewed=True)
        self.take({"kind": "mark", "fold": READING.fold_fingerprint(), "complete": False})

    def _rows(self, table: Any) -> Any:
        return iter([*table.items()]) if table is self.tables.alerts else iter(())

    def take(self, message: dict[str, Any]) -> None:
        value = orjson.dumps({"slot": 0, "epoch": 1, "position": 0, **message})
        self.work.take(Fetch(TP("unit.tallies", 0), [SimpleNamespace(value=value, offset=0)], 0, 1))

    def pass_tick(self, at: str | None, flush: str | None = None) -> None:
        self.take({"kind": "passed", "at": at, "flush": flush, "records": 0})


CLOCK, LATER = "2024-06-03T23:59:59+07:00", "2024-06-05T10:00:00+07:00"
KEY = f"{READING.decision.id}/online-dossiers/12688"
KNOWN = {"episode": 3, "open": None, "rule": {"seen": "1"}}


def test_while_a_backup_is_being_restored_nothing_is_judged_and_then_from_where_it_had_been_judged() -> None:
    watch = Watch()
    watch.pass_tick(LATER)
    assert watch.memo["clock"] == LATER
    watch.take({"kind": "restored", "flush": "T", "clock": CLOCK, "memory": {KEY: KNOWN}})

    assert watch.memo["clock"] == CLOCK
    assert watch.tables.alerts[KEY] == KNOWN
    for at, flush in (("2024-06-06T10:00:00+07:00", None), ("2024-06-06T10:01:00+07:00", "another")):
        watch.pass_tick(at, flush)
        assert watch.memo["clock"] == CLOCK
    watch.pass_tick(CLOCK, "T")
    assert civil_day(watch.memo["clock"]) == "2024-06-06"
    assert "held" not in watch.memo
    watch.pass_tick("2024-06-07T10:00:00+07:00")
    assert civil_day(watch.memo["clock"]) == "2024-06-07"


def test_what_is_remembered_outlives_a_takeover_in_the_middle_of_a_restoration() -> None:
    watch = Watch()
    watch.take({"kind": "restored", "flush": "T", "clock": CLOCK, "memory": {KEY: KNOWN}})
    watch.work.restored(renewed=False)
    watch.pass_tick(LATER)

    assert watch.memo["clock"] == CLOCK
    assert watch.work._alerts.memory["12688", "online-dossiers"] == KNOWN


def test_facts_and_memory_are_of_their_kinds() -> None:
    assert {*FACTS} == {*topics.INBOUND}
    assert MEMORY not in KEPT


def test_records_behind_an_open_transaction_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sighted:
        def __init__(self, settings: Settings) -> None: ...
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *exc: object) -> None: ...
        def stable(self, names: Any) -> Any:
            return {("dossier.paid", 0): 4, ("dossier.paid", 1): 9}

        def high(self, names: Any) -> Any:
            return {("dossier.paid", 0): 7, ("dossier.paid", 1): 9}

    monkeypatch.setattr(backup, "Sight", Sighted)

    assert backup._held(SETTINGS) == {"dossier.paid-0": 3}


def test_what_comes_before_the_facts_is_found_without_reading_them(tmp_path: Path) -> None:
    memory = Line(MEMORY, 0, 0, f"{READING.decision.id}/online-dossiers/12688".encode(), b'{"episode": 1}')
    operators, fact = LINES[3], LINES[1]
    file = written(tmp_path / "b", memory, LINES[0], operators, fact, LINES[2])
    restoring = _Restore(SETTINGS, file, check_backup(file), lambda _: None)

    assert [*restoring._lines({MEMORY})] == [memory]
    assert [*restoring._lines({"alerts"})] == [LINES[0]]
    assert [*restoring._lines({"operators", "periods"})] == [operators]
    assert [*restoring._lines({*FACTS})] == [fact, LINES[2]]
