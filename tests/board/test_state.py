"""A board in memory: deltas, snapshots and checksums say the same, whatever happened before."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.board.follower import Freshness, Health, Stale, entry_of
from streams.board.state import Alert, BoardState, Entry, Row, crc_of


def row(key: str, version: int) -> Row:
    indicator, unit = key.split("/", 1)
    body = {"indicator": indicator, "unit": unit, "version": f"{version:06d}", "as_of": "2024-09-30"}
    return Row(f"{version:06d}", json.dumps(body).encode(), "2024-09-30")


def alert(name: str, n: int, *, firing: bool) -> Alert:
    status = "firing" if firing else "resolved"
    return Alert(
        f"{name}-{n}", firing, json.dumps({"id": f"{name}-{n}", "fingerprint": name, "status": status}).encode()
    )


def entry(ver: int, rows: Mapping[str, int] | None = None, gone: tuple[str, ...] = (), **alerts: bool) -> Entry:
    return Entry(
        "e", ver, {k: row(k, v) for k, v in (rows or {}).items()}, gone,
        {name: alert(name, ver, firing=firing) for name, firing in alerts.items()},
    )  # fmt: skip


KEYS = st.sampled_from([f"i/u{n}" for n in range(8)])
CHANGES = st.lists(
    st.tuples(st.sets(KEYS, max_size=3), st.sets(KEYS, max_size=2), st.booleans(), st.booleans()), max_size=25
)


def play(changes: list[tuple[set[str], set[str], bool, bool]]) -> tuple[BoardState, list[dict[str, Any]]]:
    """Apply changes to a board; return it and what a page had at each version."""
    state = BoardState("e", 0, {}, {})
    pages = [page_of(state)]
    for ver, (changed, gone, touched, firing) in enumerate(changes, start=1):
        alerts = {"f": firing} if touched else {}
        state.apply(entry(ver, dict.fromkeys(sorted(changed - gone), ver), tuple(sorted(gone)), **alerts))
        pages.append(page_of(state))
    return state, pages


def page_of(state: BoardState) -> dict[str, Any]:
    """What a page has that got the snapshot."""
    snapshot = json.loads(state.snapshot({}))
    return {
        "rows": {f"{r['indicator']}/{r['unit']}": r for r in snapshot["rows"]},
        "alerts": {a["fingerprint"]: a for a in snapshot["alerts"]},
        "ver": snapshot["ver"],
    }


@given(CHANGES, st.data())
def test_a_delta_from_any_version_makes_an_old_page_equal_to_a_new_one(changes: Any, data: st.DataObject) -> None:
    state, pages = play(changes)
    since = data.draw(st.integers(0, len(changes)))
    delta = json.loads(state.delta(since) or b"null")

    page = pages[since]
    page["rows"].update(delta["rows"])
    for key in delta["gone"]:
        page["rows"].pop(key, None)
    for name, transition in delta["alerts"].items():
        if transition["status"] == "firing":
            page["alerts"][name] = transition
        else:
            page["alerts"].pop(name, None)

    assert (since, state.ver) == (delta["prev"], delta["ver"])
    assert not set(delta["rows"]) & set(delta["gone"])
    assert {**pages[-1]} == {**page, "ver": state.ver}


@given(CHANGES, st.integers(0, 25), st.integers(0, 25))
def test_a_server_that_comes_back_knows_from_the_log_what_changed_before(changes: Any, first: int, since: int) -> None:
    _, pages = play(changes)
    log = []
    before = BoardState("e", 0, {}, {})
    for ver, (changed, gone, _, _) in enumerate(changes, start=1):
        log.append(entry(ver, dict.fromkeys(sorted(changed - gone), ver), tuple(sorted(gone))))
        before.apply(log[-1])
    reborn = BoardState("e", before.ver, before.rows, {})
    reborn.remember(log[first:])

    assert max(0, min(first, len(changes))) == reborn.base or not log[first:]
    delta = reborn.delta(since)
    if reborn.base <= since <= reborn.ver:
        said = json.loads(delta or b"null")
        page = {**pages[since]["rows"], **said["rows"]}
        assert pages[-1]["rows"] == {k: v for k, v in page.items() if k not in said["gone"]}
    else:
        assert delta is None


def test_a_log_with_a_hole_or_a_reload_is_known_only_from_there_on() -> None:
    state = BoardState("e", 9, {"i/a": row("i/a", 9)}, {})
    state.remember(
        [entry(3), entry(4), Entry("e", 6, {}, (), {}, reload=True), entry(7, {"i/a": 7}), entry(8), entry(9)]
    )
    assert state.base == 6
    state = BoardState("e", 9, {}, {})
    state.remember([entry(3), entry(7), entry(8), entry(9)])
    assert state.base == 6
    state = BoardState("e", 9, {}, {})
    state.remember([entry(3), entry(4), Entry("old", 9, {}, (), {})])
    assert state.base == 9


def test_a_reloaded_state_of_the_same_epoch_is_a_delta_of_what_differs() -> None:
    state = BoardState("e", 1, {"i/a": row("i/a", 1), "i/b": row("i/b", 1)}, {"f": alert("f", 1, firing=True)})
    state.renew(BoardState("e", 5, {"i/a": row("i/a", 4), "i/c": row("i/c", 5)}, {"f": alert("f", 5, firing=False)}))

    delta = json.loads(state.delta(1) or b"null")

    assert ({"i/a", "i/c"}, ["i/b"], "resolved") == (set(delta["rows"]), delta["gone"], delta["alerts"]["f"]["status"])


def test_most_of_a_large_board_changed_is_a_snapshot() -> None:
    state = BoardState("e", 0, {f"i/{n}": row(f"i/{n}", 0) for n in range(200)}, {})
    state.apply(entry(1, {f"i/{n}": 1 for n in range(150)}))
    state.apply(entry(2, {"i/1": 2}))

    assert state.delta(0) is None
    assert state.delta(1) is not None
    assert state.delta(3) is None


def test_an_entry_that_does_not_follow_is_refused() -> None:
    state = BoardState("e", 4, {}, {})

    assert [state.follows(entry(v)) for v in (4, 5, 6)] == [False, True, False]
    assert not state.follows(Entry("x", 5, {}, (), {}))
    assert not state.follows(Entry("e", 5, {}, (), {}, reload=True))


def test_the_checksum_is_of_sorted_lines_of_rows_and_of_open_alerts() -> None:
    state = BoardState("e", 1, {"i/b": row("i/b", 2), "i/a": row("i/a", 1)}, {"f": alert("f", 1, firing=True)})

    assert (zlib.crc32(b"i/a:000001\ni/b:000002\n"), zlib.crc32(b"f:f-1\n")) == state.crcs()
    state.apply(entry(2, gone=("i/b",), f=False))
    assert (zlib.crc32(b"i/a:000001\n"), 0) == state.crcs()
    assert zlib.crc32("b/～:1\nb/😀:2\n".encode()) == crc_of([("b/😀", "2"), ("b/～", "1")])


def test_an_entry_of_the_log_is_read_as_the_script_writes_it() -> None:
    fields = {
        b"epoch": b"e", b"ver": b"7", b"r:i/340/communes": b'01\n{"as_of":"2024-09-30"}', b"g:i/u": b"01",
        b"a:f": b'{"id":"x","status":"firing"}',
    }  # fmt: skip
    read = entry_of(fields)

    assert (Row("01", b'{"as_of":"2024-09-30"}', "2024-09-30"), ["i/u"]) == (read.rows["i/340/communes"], read.gone)
    assert Alert("x", True, b'{"id":"x","status":"firing"}') == read.alerts["f"]
    assert not read.reload


def test_the_nearest_fault_is_told_and_no_dossiers_are_no_silence() -> None:
    fresh = Freshness(fed_ms=100_000, watermark_ms=100_000, clock="heartbeats")
    health = Health(seen_ms=100_000, loading=False, freshness=fresh)

    assert health.stale(101_000, 60) is None
    assert Stale("store", 100_000) == health.stale(107_000, 60)
    health.seen_ms = 10_000_000
    assert Stale("feed", 100_000) == health.stale(10_000_000, 60)
    health.freshness = fresh._replace(fed_ms=10_000_000)
    assert Stale("silent", 100_000) == health.stale(10_000_000, 60)
    health.freshness = Freshness(fed_ms=10_000_000, watermark_ms=10_000_000 - 170_000, clock="heartbeats")
    assert health.stale(10_000_000, 60) is None
    health.freshness = Freshness(fed_ms=10_000_000, watermark_ms=10_000_000 - 600_000, clock="none")
    assert health.stale(10_000_000, 60) is None
    health.loading = True
    assert Stale("loading", 10_000_000) == health.stale(10_000_000, 60)
