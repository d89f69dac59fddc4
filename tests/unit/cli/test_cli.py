"""The command line as an official or a script meets it: help, one sentence for bad input, JSON alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streams.cli import COMMANDS
from tests.builders import received
from tests.commands import typed as lotrinh

TRADE = "34.so-cong-thuong"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    file = tmp_path / "events.jsonl"
    rows = received(3, TRADE, "online", "2024-06-03") + received(4, TRADE, "in_person", "2024-06-03")
    file.write_text("\n".join(json.dumps(r) for r in rows) + "\n\nnonsense\n")
    return file


@pytest.mark.parametrize("name", [[], *([n] for n in COMMANDS), ["decisions", "show"], ["dead-letters", "redrive"]])
def test_every_command_has_help(name: list[str]) -> None:
    done = lotrinh(*name, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")


@pytest.mark.process
def test_help_loads_no_faust() -> None:
    code = "import sys, streams.cli as c\ntry: c.main()\nexcept SystemExit: print('faust' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)

    assert done.stdout.strip().endswith("False")


@pytest.mark.process
def test_a_worker_runs_on_uvloop() -> None:
    code = (
        "import asyncio, streams.workers.worker as w, streams.cli as c\n"
        "w.run = lambda *_: print(type(asyncio.new_event_loop()).__module__)\n"
        "c.main()"
    )
    command, env = [sys.executable, "-c", code, "worker", "tally"], os.environ | {"LOTRINH_KAFKA": "127.0.0.1:1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split()[-1] == "uvloop"


def test_decisions_show_is_the_contracts_object() -> None:
    shown: dict[str, Any] = json.loads(lotrinh("decisions", "show", "thai-binh-2024", "--json").stdout)

    assert (shown["id"], shown["number"], shown["issued"], shown["effective"]) == (
        "thai-binh-2024", "805/QĐ-UBND", "2024-05-24", "2024-05-24",
    )  # fmt: skip
    assert shown["period"] == {"from": "2024-01-01", "to": "2024-12-31"}
    assert (len(shown["targets"]), len(shown["no_target"]), len(shown["groups"])) == (1703, 285, 8)
    assert {
        "unit": TRADE,
        "name": "Sở Công Thương",
        "indicator": "online-dossiers",
        "target": "50",
        "row": "2",
    } in shown["targets"]
    commune = next(t for t in shown["targets"] if t["unit"] == "12688" and t["indicator"] == "online-dossiers")
    assert commune["row"] == "18"
    finance = next(
        t for t in shown["no_target"] if t["unit"] == "34.so-tai-chinh" and t["indicator"] == "online-payments"
    )
    assert finance["reason"] == "Tỷ lệ thanh toán trực tuyến không đăng ký do các thủ tục không thu phí"
    group = next(g for g in shown["groups"] if g["unit"] == "340/communes")
    assert (group["row"], len(group["members"])) == ("18", 38)
    assert {s["name"]: s["value"] for s in shown["switches"]}["electronic_copies"] == "adoption"


def test_evaluate_prints_json_alone(events: Path) -> None:
    done = lotrinh(
        "evaluate",
        "--decision",
        "thai-binh-2024",
        "--events",
        str(events),
        "--as-of",
        "2024-06-30",
        "--json",
        "--set",
        "alert_rule=literal",
    )
    found = json.loads(done.stdout)

    assert done.returncode == 0
    assert found["counts"] == {"events": 8, "applied": 7, "duplicates": 0, "refused": 1}
    assert found["refused"] == [{"line": 9, "reason": "the record is not JSON"}]
    one = next(s for s in found["standings"] if s["unit"] == TRADE and s["indicator"] == "online-dossiers")
    assert (one["numerator"], one["denominator"], one["status"], one["as_of"]) == (3, 7, "below", "2024-06-30")
    assert [a["status"] for a in found["alerts"]] == ["firing"]


def test_evaluate_prints_a_table_for_officials(events: Path) -> None:
    done = lotrinh("evaluate", "--decision", "thai-binh-2024", "--events", str(events), "--as-of", "2024-06-30")

    line = next(x for x in done.stdout.splitlines() if x.startswith("Sở Công Thương") and "Chưa đạt" in x)
    assert "42,85 %" in line
    assert "50 %" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--decision", "nowhere", "--events", "{e}", "--as-of", "2024-06-30"], "no decision is called 'nowhere'"),
        (["evaluate", "--decision", "thai-binh-2024", "--events", "{e}", "--as-of", "30/6/2024"], "expected YYYY-MM-DD"),
        (["evaluate", "--decision", "thai-binh-2024", "--events", "{e}", "--as-of", "2023-12-31"], "lies before the period"),
        (["evaluate", "--decision", "thai-binh-2024", "--events", "{e}", "--as-of", "2024-06-30", "--set", "x"], "expected NAME=VALUE"),
        (["evaluate", "--decision", "thai-binh-2024", "--events", "{e}", "--as-of", "2024-06-30", "--set", "x=1"], "has no switch 'x'"),
        (["evaluate", "--decision", "thai-binh-2024", "--events", "{e}", "--as-of", "2024-06-30", "--tick", "2d"], "at most one day"),
        (["evaluate", "--decision", "thai-binh-2024", "--events", "{e}", "--as-of", "2024-06-30", "--units", "{e}"], "line 2"),
        (["evaluate", "--decision", "thai-binh-2024", "--events", "/nowhere", "--as-of", "2024-06-30"], "does not exist"),
        (["import", "{e}", "--format", "csv"], "a CSV file needs --mapping"),
        (["simulate", "--decision", "thai-binh-2024", "--dossiers", "10"], "give either --out FILE or --publish"),
        (["decisions", "show", "thai-binh-2024", "--as-of", "x"], "expected YYYY-MM-DD"),
        (["frobnicate"], "No such command"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_exit_code_2(arguments: list[str], message: str, events: Path) -> None:
    done = lotrinh(*(a.replace("{e}", str(events)) for a in arguments))

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    done = lotrinh("standings", LOTRINH_PARTITIONS="many", LOTRINH_STATE_DIR=str(tmp_path))

    assert done.returncode == 2
    assert done.stderr.startswith("lotrinh: setting LOTRINH_PARTITIONS: ")


def test_ticks_that_would_leave_out_the_last_hour_of_a_day_are_refused(tmp_path: Path) -> None:
    done = lotrinh("standings", LOTRINH_TICK_SECONDS="3601", LOTRINH_STATE_DIR=str(tmp_path))

    assert done.returncode == 2
    assert done.stderr == (
        "lotrinh: setting LOTRINH_TICK_SECONDS: at most 3600: whether a source is silent is judged by a tick of a "
        "day's last hour\n"
    )


def test_what_is_wrong_with_a_decision_file_is_said_row_by_row(tmp_path: Path) -> None:
    source = Path(__file__).parents[3] / "models/data/decisions/thai-binh-2024.toml"
    text = source.read_text(encoding="utf-8")
    file = tmp_path / "broken.toml"
    file.write_text(
        text.replace('unit = "34.so-y-te"', 'unit = "35.so-y-te"').replace(
            '["80", "50", "45", "100", "100", "85", ""] },\n  { row = "3"',
            '["80", "5O", "45", "100", "100", "85", ""] },\n  { row = "3"',
        )
    )
    done = lotrinh("decisions", "check", str(file))
    file.write_text(text.replace("count = 38", "count = 39"))
    count = lotrinh("decisions", "check", str(file))
    file.write_text(text.replace("[period]", "[periode]"))
    unknown = lotrinh("decisions", "check", str(file))

    assert done.returncode == count.returncode == unknown.returncode == 2
    assert done.stderr.startswith("broken.toml: có 2 lỗi, chưa dùng được | 2 problems, not usable yet\n")
    assert "row '2', line 23 of the file, online-dossiers: '5O' is not a number of percent" in done.stderr
    assert "row '18', line 39 of the file: it names 39 communes, the registry has 38" in count.stderr
    assert 'periode: không có mục "periode"; có phải là "period"?' in unknown.stderr
    assert "Traceback" not in done.stderr + count.stderr + unknown.stderr
    assert lotrinh("decisions", "check", "thai-binh-2024").stdout == (
        "thai-binh-2024: hợp lệ; 32 hàng, 284 đơn vị, 1.703 chỉ tiêu, 285 ô không giao\n"
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("evaluate", "--decision", "lak-2022", "--decision", "ha-tinh", "--events", "x", "--as-of", "2022-06-30"),
         "--decision is given 2 times (lak-2022, ha-tinh): give one"),
        (("up", "--decision", "lak-2022", "--decision", "ha-tinh"), "--decision is given 2 times"),
        (("decisions", "check", "lak-2022", "--units", "models/data/units.csv", "--units", "models/data/units.csv"),
         "--units is given 2 times"),
    ],
)  # fmt: skip
def test_a_second_value_of_an_option_is_refused(command: tuple[str, ...], said: str) -> None:
    found = lotrinh(*command)

    assert found.returncode == 2
    assert said in found.stderr
