"""The benchmark's table of peers, and the arithmetic of its summaries."""

import importlib.util
import time
from pathlib import Path
from typing import Any

import pytest

from bench import expected
from bench.counters import digest
from bench.growth import Sample, metric, tenths
from bench.peers import PEERS, Peer, chosen, missing
from bench.peers.lotrinh import RUNS, standings_digest
from bench.recovery import taken_over
from bench.run import PeerError, run_peer
from bench.summary import goals, ratio, summary, table
from streams.settings import Settings


def run(rate: float, number: int, **more: Any) -> dict[str, Any]:
    return {"rate": rate, "round": number, "cpu": 2.0, "events": 100_000, "rss_mb": 10, "idle_before": 90.0} | more


def test_every_peer_has_a_module_and_a_key_of_its_own() -> None:
    assert len({peer.key for peer in PEERS}) == len({peer.name for peer in PEERS}) == len(PEERS)
    for peer in PEERS:
        assert importlib.util.find_spec(peer.module), peer
        assert peer.keeps, peer


def test_every_module_of_a_peer_is_in_the_table() -> None:
    folder = Path(__file__).parents[3] / "bench" / "peers"
    shared = {"__init__", "client", "faust_app"}
    modules = {f"bench.peers.{file.stem}" for file in folder.glob("*.py") if file.stem not in shared}

    assert modules == {peer.module for peer in PEERS}


def test_lotrinh_is_measured_in_each_of_its_parts() -> None:
    assert {peer.args[0] for peer in PEERS if peer.module == "bench.peers.lotrinh"} == set(RUNS)


def test_peers_are_chosen_by_key_in_the_order_of_the_table() -> None:
    assert [peer.key for peer in chosen("tally,plain")] == ["plain", "tally"]
    assert chosen("") == list(PEERS)
    with pytest.raises(ValueError, match="no such peer: flink"):
        chosen("plain,flink")


def test_a_peer_without_its_parts_says_which() -> None:
    absent = Peer("x", "X", "bench.peers.plain_loop", "nothing", packages=("no_such_package",))

    assert "no_such_package" in (missing(absent) or "")
    assert "no-such-tool" in (missing(absent._replace(packages=(), tools=("no-such-tool",))) or "")
    assert missing(absent._replace(packages=())) is None


@pytest.mark.process
def test_a_peer_that_hangs_is_named_and_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hanging_peer.py").write_text(
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = Settings(kafka="127.0.0.1:1", prefix="x.")

    with pytest.raises(PeerError, match="X had not ended after 2 s"):
        run_peer(Peer("x", "X", "hanging_peer", "nothing"), settings, 1, timeout_s=2)

    deadline = time.monotonic() + 20
    while _runs(int((tmp_path / "child").read_text())):
        assert time.monotonic() < deadline, "the peer's child goes on running"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.process
def test_a_peer_that_fails_says_what_it_said() -> None:
    with pytest.raises(PeerError, match=r"X failed: .*no_such_peer"):
        run_peer(Peer("x", "X", "no_such_peer", "nothing"), Settings(kafka="127.0.0.1:1", prefix="x."), 1)


def test_ratios_are_taken_within_rounds_and_where_both_ran() -> None:
    runs = {
        "plain": [run(100, 0), run(50, 1), run(10, 2)],
        "tally": [run(80, 0), run(30, 1), run(7, 2)],
        "naive": [run(2, 0)],
    }

    assert ratio(runs, "tally", "plain") == 0.7  # of 0.8, 0.6, 0.7; the ratio of the medians would be 0.6
    assert ratio(runs, "tally", "naive") == 40.0
    assert ratio(runs, "tally", "quix") is None


def test_a_row_of_the_summary() -> None:
    runs = {"plain": [run(100, 0), run(300, 1), run(200, 2, cpu=4.0, rss_mb=12)], "naive": [run(2, 0)], "quix": []}

    plain, naive = summary(runs)

    assert (plain["events_per_s"], plain["range"], plain["rounds"]) == (200, [100, 300], 3)
    assert (plain["cpu_us_per_event"], plain["rss_mb"]) == (20.0, 12)
    assert (plain["x_plain"], plain["x_naive"], naive["x_plain"]) == (1.0, 50.0, 0.02)
    assert "| P | 200 (100–300) | 1 | 50 | 20.0 | 12 | all |" in table([plain], {"plain": "P"}, {"plain": "all"})


def test_a_goal_is_asked_only_of_peers_that_ran() -> None:
    found = goals({"plain": [run(100, 0)], "tally": [run(59, 0)]})

    assert [(g["peer"], g["than"], g["met"]) for g in found] == [("tally", "plain", False)]
    assert goals({"plain": [run(100, 0)], "tally": [run(61, 0)]})[0]["met"]


def test_tenths_of_a_backlog() -> None:
    """Half as quick from the ninth tenth on, and once in between for a moment."""
    seconds = [1, 1, 9, 1, 1, 1, 1, 1, 2, 2]
    at = [float(sum(seconds[:n])) for n in range(11)]
    slower = [Sample(t, 100.0 * n, 0.01 * t, 100 + n, 500 if n < 9 else 1000) for n, t in enumerate(at)]

    found = tenths(slower)

    assert found["tenths"][0] == {
        "records_per_s": 100, "cpu_us_per_record": 100.0, "pace_us": 500, "pieces_per_1000_records": 200.0,
        "resident_mb": 101,
    }  # fmt: skip
    assert [of["records_per_s"] for of in found["tenths"]] == [100, 100, 11, 100, 100, 100, 100, 100, 50, 50]
    assert (found["rate_last_to_first"], found["cpu_last_to_first"]) == (0.5, 2.0)
    assert found["cpu_at_equal_pace_last_to_first"] == 1.0, "it was the machine"
    with pytest.raises(ValueError, match="too far apart"):
        tenths([Sample(0, 0, 0, 0, 1), Sample(1, 1000, 1, 1, 1)])


def test_a_metric_is_summed_over_its_labels() -> None:
    text = '# HELP x_total X.\nx_total{p="0"} 3\nx_total{p="1"} 4.5\nxx_total 100\n'

    assert metric(text, "x_total") == 7.5
    assert metric(text, "y") == 0


def test_the_last_takeover_is_read_from_the_log() -> None:
    log = (
        "b1.tally-0 taken over: fenced in 9.00 s, 9 rows in 0.10 s, epoch 1, position 2\n"
        "b1.tally works on [0] after 9.10 s\n"
        "b1.tally-0 taken over: fenced in 0.20 s, 500 rows in 0.30 s, epoch 1, position 2\n"
        "b1.tally-1 taken over: fenced in 0.25 s, 400 rows in 0.31 s, epoch 1, position 2\n"
        "b1.tally works on [0, 1] after 0.62 s\n"
    )

    assert taken_over(log) == {
        "assigned_to_ready_s": 0.62, "slowest_fence_s": 0.25, "slowest_rows_s": 0.31, "rows": 900,
    }  # fmt: skip
    with pytest.raises(ValueError, match="no takeover"):
        taken_over("b1.tally works on [] after 0.00 s\n")


def test_counters_that_came_back_to_nothing_are_as_if_they_had_never_been() -> None:
    assert digest([("u", "d", "c", 0, 0), ("u", "e", "c", 0, 1)]) == digest([("u", "e", "c", 0, 1)])
    assert standings_digest({"a": (1, 2)}) != standings_digest({"a": (2, 1)})


def test_what_is_expected_counts_a_dossier_once() -> None:
    event = (
        b'{"id":"1","type":"received","dossier":"D","version":1,"at":"2024-03-01T08:00:00+07:00",'
        b'"unit":"12490","channel":"online"}'
    )

    assert expected.counted([event, event]) == digest([("12490", "2024-03-01", "online-dossiers", 1, 1)])
    assert expected.standings([event])["thai-binh-2024/online-dossiers/12490"] == (1, 1)
