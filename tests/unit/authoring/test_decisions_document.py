"""docs/decisions.md, followed to the letter: the files in it work, and print what it says they print."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from models.authoring.json_schema import decision_schema
from streams.files.decision_files import shipped_decisions
from tests.commands import typed as lotrinh
from tests.unit.authoring.test_schema import plain

PAGE = (Path(__file__).parents[3] / "docs" / "decisions.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.-]+)`\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
CONSOLE = re.findall(r"^```console\n\$ lotrinh (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    return tmp_path


def test_the_page_holds_all_it_speaks_of() -> None:
    assert len(CONSOLE) == 6
    assert sorted(FILES) == [
        "catalogue.csv", "events.jsonl", "song-lam-2025.toml", "successions.csv", "trajectories.csv", "units-2025-05.csv", "units.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(("command", "expected"), CONSOLE, ids=[c[:50] for c, _ in CONSOLE])
def test_every_command_prints_what_the_page_says(folder: Path, command: str, expected: str) -> None:
    done = lotrinh(*command.split())
    squeezed = [" ".join(line.split()) for line in done.stdout.splitlines()]

    assert (done.returncode, done.stderr) == (0, "")
    at = 0
    for line in expected.splitlines():
        if line != "…":
            wanted = " ".join(line.split())
            assert wanted in squeezed[at:], wanted
            at = squeezed.index(wanted, at) + 1


def test_a_sixth_province_is_judged_without_touching_code(folder: Path) -> None:
    shown = json.loads(lotrinh("decisions", "show", "song-lam-2025.toml", "--units", "units.csv", "--json").stdout)
    asked = [
        "--units",
        "units.csv",
        "--catalogue",
        "catalogue.csv",
        "--events",
        "events.jsonl",
        "--as-of",
        "2025-06-30",
        "--set",
        "alert_rule=literal",  # two dossiers are no evidence
        "--json",
    ]
    found = json.loads(lotrinh("evaluate", "--decision", "song-lam-2025.toml", *asked).stdout)
    all_ = json.loads(
        lotrinh("evaluate", "--decision", "song-lam-2025.toml", *asked, "--set", "denominator=all").stdout
    )
    of = {(s["unit"], s["indicator"]): s for s in found["standings"]}

    assert "song-lam-2025" not in shipped_decisions()
    assert (len(shown["targets"]), len(shown["groups"]), shown["period"]) == (
        19,
        2,
        {"from": "2025-01-01", "to": "2025-12-31"},
    )
    assert shown["no_target"] == [
        {"unit": "99.so-noi-vu", "indicator": "online-payments", "row": "1", "reason": "Các thủ tục không thu phí"}
    ]
    works = of["99.so-xay-dung", "online-dossiers"]
    assert (works["numerator"], works["denominator"], works["target"], works["status"]) == (1, 2, "60", "below")
    assert of["99.so-xay-dung", "online-payments"]["status"] == "met"
    ramp = of["99201", "online-dossiers"]  # day 181 of 365, from 10 to 35
    assert (ramp["numerator"], ramp["denominator"], ramp["expected"]) == (1, 2, "22.3973")
    group = of["992/communes", "online-dossiers"]
    assert (group["numerator"], group["denominator"], group["members"]) == (1, 3, {"below": 1, "met": 1})
    everything = next(s for s in all_["standings"] if (s["unit"], s["indicator"]) == ("99201", "online-dossiers"))
    assert (everything["numerator"], everything["denominator"]) == (1, 3)
    assert [(a["unit"], a["status"], a["at"][:10]) for a in found["alerts"]] == [
        ("99.so-xay-dung", "firing", "2025-02-03"), ("99202", "firing", "2025-06-03"),
    ]  # fmt: skip
    assert found["refused"] == []


def test_the_file_satisfies_the_schema_it_names() -> None:
    jsonschema.validate(plain(tomllib.loads(FILES["song-lam-2025.toml"])), decision_schema())


def test_a_yearly_decision_as_the_page_writes_it(folder: Path) -> None:
    targets, period = re.findall(r"^```toml\n(targets.*?|\[period\].*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    text = FILES["song-lam-2025.toml"].replace('targets = ["50", "45"]', targets.strip())
    text = re.sub(r"\[period\]\n.*?\n\n", period + "\n", text, count=1, flags=re.DOTALL)
    (folder / "yearly.toml").write_text(text, encoding="utf-8")

    def target(day: str) -> str:
        shown = json.loads(
            lotrinh("decisions", "show", "yearly.toml", "--units", "units.csv", "--as-of", day, "--json").stdout
        )
        return next(
            str(t["target"]) for t in shown["targets"] if (t["unit"], t["indicator"]) == ("991", "online-dossiers")
        )

    assert lotrinh("decisions", "check", "yearly.toml", "--units", "units.csv").returncode == 0
    assert [target(f"{year}-06-01") for year in (2025, 2026, 2031)] == ["50", "60", "90"]


def test_a_class_that_contains_a_named_unit_is_refused(folder: Path) -> None:
    text = FILES["song-lam-2025.toml"].replace(
        '{ row = "4", unit',
        '{ row = "3a", unit = "991", name = "UBND huyện Thượng Nguồn", targets = ["55", "45"] },\n  { row = "4", unit',
    )
    (folder / "two.toml").write_text(text, encoding="utf-8")
    done = lotrinh("decisions", "check", "two.toml", "--units", "units.csv")

    assert done.returncode == 2
    assert "Huyện Thượng Nguồn (991) có hai chỉ tiêu: 50 % ở hàng 3, 55 % ở hàng này" in done.stderr
