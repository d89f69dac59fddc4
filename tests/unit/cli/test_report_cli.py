"""`lotrinh close` and `lotrinh report` on files, as an office without Kafka uses them."""

import csv
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pypdf import PdfReader

from streams.cli import main
from tests.unit.reporting.test_report import JUNE, LATE, TRADE

OF = ("--decision", "thai-binh-2024")


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def lotrinh(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line within this process: starting one takes longer than what is tested."""
    for name in [n for n in os.environ if n.startswith("LOTRINH_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["lotrinh", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


def write(file: Path, events: list[dict[str, Any]]) -> str:
    file.write_text("".join(json.dumps(e) + "\n" for e in events))
    return str(file)


def test_close_then_report_with_what_came_later(tmp_path: Path, lotrinh: Run) -> None:
    june, all_of_it = write(tmp_path / "june.jsonl", JUNE), write(tmp_path / "all.jsonl", JUNE + LATE)
    kept, out = str(tmp_path / "closed.jsonl"), tmp_path / "june.csv"
    done = lotrinh("close", *OF, "--events", june, "--closed", kept, "--period", "2024-06")
    again = lotrinh("close", *OF, "--events", all_of_it, "--closed", kept, "--period", "2024-06")
    report = lotrinh("report", *OF, "--events", all_of_it, "--closed", kept, "--period", "2024-06", "--out", str(out))

    assert done.returncode == report.returncode == 0, done.stderr + report.stderr
    assert done.stdout.startswith(
        "Đã chốt số liệu tháng 6 năm 2024 (01/06/2024-30/06/2024) của thai-binh-2024: 284 đơn vị"
    )
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert "give --again REASON" in again.stderr
    assert report.stdout.startswith(
        "Đã lập báo cáo tháng 6 năm 2024 (01/06/2024-30/06/2024) của thai-binh-2024: 2.044 dòng"
    )
    assert report.stdout.endswith("1 dòng có điều chỉnh.\n")
    with out.open(encoding="utf-8") as file:
        row = next(r for r in csv.DictReader(file) if (r["unit"], r["indicator"]) == (TRADE, "online-payments"))
    assert [row[c] for c in ("numerator", "denominator", "ratio", "adjusted_numerator", "adjusted_denominator")] == [
        "44", "98", "44.89", "2", "2",
    ]  # fmt: skip


def test_a_second_closing_gives_its_reason_and_leaves_the_first(tmp_path: Path, lotrinh: Run) -> None:
    june, kept = write(tmp_path / "june.jsonl", JUNE), tmp_path / "closed.jsonl"
    arguments = ("close", *OF, "--events", june, "--closed", str(kept), "--period", "2024-06")
    first = lotrinh(*arguments, "--json")
    second = lotrinh(*arguments, "--again", "Bổ sung dữ liệu", "--json")

    assert [json.loads(x.stdout)["sequence"] for x in (first, second)] == [1, 2]
    assert [json.loads(x)["reason"] for x in kept.read_text().splitlines()] == [None, "Bổ sung dữ liệu"]


def test_a_file_said_to_be_complete_can_be_closed(tmp_path: Path, lotrinh: Run) -> None:
    june, kept = write(tmp_path / "june.jsonl", JUNE[:-1]), str(tmp_path / "closed.jsonl")
    arguments = ("close", *OF, "--events", june, "--closed", kept, "--period", "2024-06")

    assert "counted so far is up to 2024-06-11" in lotrinh(*arguments).stderr
    said = lotrinh(*arguments, "--as-of", "2024-06-30")
    assert said.returncode == 0
    # The day of the last fact is one thing, what somebody vouches for another.
    words = "nhận được đến ngày 11/06/2024 (người chốt xác nhận đã đầy đủ đến hết ngày 30/06/2024)"
    assert words in said.stdout
    out = tmp_path / "june.pdf"
    done = lotrinh("report", *OF, "--events", june, "--closed", kept, "--period", "2024-06", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert words in re.sub(r"\s+", " ", PdfReader(out).pages[0].extract_text())


@pytest.mark.long
def test_the_same_files_give_the_same_workbook(tmp_path: Path, lotrinh: Run) -> None:
    june = write(tmp_path / "june.jsonl", JUNE)
    outs = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for out in outs:
        assert lotrinh("report", *OF, "--events", june, "--period", "2024-Q2", "--out", str(out)).returncode == 0

    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == []


def test_a_bundle_holds_every_form_and_its_checksums(tmp_path: Path, lotrinh: Run) -> None:
    june, folder = write(tmp_path / "june.jsonl", JUNE), tmp_path / "2024" / "06"
    arguments = ("report", *OF, "--events", june, "--period", "2024-06")
    done = lotrinh(*arguments, "--bundle", str(folder), "--json")
    alone = tmp_path / "alone.docx"
    assert lotrinh(*arguments, "--out", str(alone)).returncode == 0

    name = "bao-cao-thai-binh-2024-2024-06"
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = {file: digest for digest, file in lines}
    assert sorted(sums) == sorted(f"{name}{end}" for end in (".docx", ".pdf", ".xlsx", ".csv", "-excel.csv"))
    assert {f.name for f in folder.iterdir()} == {*sums, "SHA256SUMS"}
    for file, digest in sums.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
    assert (folder / f"{name}.docx").read_bytes() == alone.read_bytes()
    assert sorted(json.loads(done.stdout)["files"]) == sorted(str(f) for f in folder.iterdir())


def test_a_report_says_in_json_what_it_wrote(tmp_path: Path, lotrinh: Run) -> None:
    june, out = write(tmp_path / "june.jsonl", JUNE), str(tmp_path / "y.csv")
    done = lotrinh("report", *OF, "--events", june, "--period", "2024", "--as-of", "2024-12-08", "--out", out, "--json")

    found = json.loads(done.stdout)
    assert (found["period"], found["from"], found["to"], found["closed"]) == ("2024", "2024-01-01", "2024-12-08", None)
    assert sum(found["statuses"].values()) == 7 * 284


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "--period", "2024-06", "--out", "r.odt", "--events", "{e}"], "ends in .xlsx, .docx, .pdf or .csv"),
        (["report", "--period", "2024-06", "--out", "r.pdf", "--events", "{e}", "--format", "csv-excel"], "ends in .csv, as --format csv-excel"),
        (["report", "--period", "2024-6", "--out", "r.csv", "--events", "{e}"], "expected 2024-06, 2024-Q2"),
        (["report", "--period", "2023-06", "--out", "r.csv", "--events", "{e}"], "the decision holds from 2024-01-01"),
        (["report", "--period", "2024-06", "--out", "r.csv", "--events", "{e}", "--as-of", "1/6"], "expected YYYY-MM-DD"),
        (["report", "--period", "2024-06", "--out", "r.csv", "--events", "{e}", "--closed", "{e}"], "line 1: no closing of a period"),
        (["report", "--period", "2024-06", "--out", "/nowhere/r.csv", "--events", "{e}"], "/nowhere/r.csv: No such file"),
        (["report", "--period", "2024-06", "--out", "r.csv", "--state-dir", "{d}"], "nothing runs in"),
        (["report", "--period", "2024-06", "--events", "{e}"], "give either --out FILE"),
        (["report", "--period", "2024-06", "--events", "{e}", "--bundle", "{d}", "--format", "pdf"], "give either --out FILE"),
        (["report", "--period", "2024-06", "--events", "{e}", "--bundle", "{e}/x"], "Not a directory"),
        (["close", "--period", "2024-06", "--events", "{e}"], "--events needs --closed"),
        (["close", "--period", "2024-06", "--closed", "c.jsonl"], "--closed and --as-of go with --events"),
        (["close", "--period", "2024-06", "--again", " ", "--events", "{e}"], "--again needs a reason"),
        (["close", "--period", "2024-06", "--state-dir", "{d}"], "nothing runs in"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_nothing_is_written(
    arguments: list[str], message: str, tmp_path: Path, lotrinh: Run
) -> None:
    june = write(tmp_path / "june.jsonl", JUNE)
    before = sorted(tmp_path.iterdir())
    done = lotrinh(*(a.replace("{e}", june).replace("{d}", str(tmp_path)) for a in arguments))

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before
