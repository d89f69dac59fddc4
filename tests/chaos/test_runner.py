"""The matrix's book-keeping: what is still to be played, what a file of rounds comes to."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.chaos.matrix import FAULTS, WHAT
from tests.chaos.run import Job, Round, repeated
from tests.chaos.table import table


def write(out: Path, *rounds: Round) -> None:
    out.write_text("".join(json.dumps(asdict(r)) + "\n" for r in rounds), encoding="utf-8")


def test_a_run_goes_on_where_its_file_ends_and_a_broken_round_is_not_played_away(tmp_path: Path) -> None:
    out = tmp_path / "rounds.jsonl"
    write(out, Round("kill-tally", 7, 1), Round("kill-watch", 7, 1, broken="a row"), Round("kill-tally", 8, 2))

    assert repeated(7, ["kill-tally", "kill-watch"], 2, out) == [Job(7, "kill-tally", 2), Job(7, "kill-watch", 2)]
    assert len(repeated(7, ["kill-tally", "kill-watch"], 2, None)) == 4


def test_every_round_has_its_own_chance_and_always_the_same() -> None:
    drawn = {Job(seed, fault, n).chance().random() for seed in (1, 2) for fault in ("a", "b") for n in (1, 2)}

    assert len(drawn) == 8
    assert Job(1, "a", 2).chance().random() in drawn


def test_the_table_hides_neither_broken_rounds_nor_what_they_lost() -> None:
    rounds = [
        Round("zombie-tally", recovered_s=1.0, starts=1, commit="c"),
        Round("kill-tally", recovered_s=7.0, starts=1, commit="c"),
        Round("kill-tally", recovered_s=9.0, starts=2, commit="c", broken="lost", wrong_rows=2, lost_alerts=3),
        Round("kill-tally", broken="never recovered", starts=0, commit="d"),
    ]
    said = table(rounds)

    assert "| kill-tally | SIGKILL in the middle of a batch | 3 | 2 | 2 | 3 | 8.0 | 9.0 | 9.0 | 1.0 |" in said
    assert said.index("| kill-tally") < said.index("| zombie-tally"), "in the order of the matrix"
    assert "4 rounds, 2 broken; commits c, d" in said


def test_three_brokers_have_a_table_of_their_own_with_the_workers_that_ended() -> None:
    rounds = [
        Round("rolling-restart", recovered_s=9.0, starts=1, exits=["tally 70 ProducerFenced"]),
        Round("kill-tally", recovered_s=7.0),
        Round("rolling-restart", recovered_s=9.0, starts=1),
    ]
    alone, three = table(rounds).split("\n\n| fault ")

    assert "| kill-tally |" in alone
    assert "exits" not in alone
    assert "| 2 | 0 | 0 | 0 | 9.0 | 9.0 | 9.0 | 1.0 | 0.5 |" in three


def test_of_every_fault_there_is_a_word_in_the_table() -> None:
    assert FAULTS.keys() == WHAT.keys()
