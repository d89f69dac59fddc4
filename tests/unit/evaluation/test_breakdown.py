"""Units' figures taken apart, on the command line, by hand."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from models.evaluation.breakdown import REST, ROWS_MAX
from tests.builders import received
from tests.commands import typed as lotrinh

COMMUNE, OTHER = "12688", "12691"
HEADER = "procedure,name,authority,level,eligible,lists,listed_from,listed_to,result_document,national_portal,field\n"


def write(folder: Path, events: Iterable[dict[str, Any]]) -> list[str]:
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    rows = ["1.000001,Khai sinh,commune,full,true,a,,,,,Hộ tịch", "1.000002,Khai tử,commune,full,true,a,,,,,Hộ tịch"]
    (folder / "catalogue.csv").write_text(HEADER + "".join(row + "\n" for row in rows), encoding="utf-8")
    files = ["--events", str(folder / "events.jsonl"), "--catalogue", str(folder / "catalogue.csv")]
    return ["evaluate", "--decision", "thai-binh-2024", "--as-of", "2024-06-30", *files]


def filed() -> list[dict[str, Any]]:
    """Of the commune: 3 of 5 online for births (2 of 2 in June), 0 of 4 for deaths, 1 of 1 of no known procedure."""
    return [
        *received(1, COMMUNE, "online", "2024-03-01", name="a", procedure="1.000001"),
        *received(2, COMMUNE, "in_person", "2024-03-01", name="b", procedure="1.000001"),
        *received(2, COMMUNE, "online", "2024-06-03", name="c", procedure="1.000001"),
        *received(4, COMMUNE, "postal", "2024-06-04", name="d", procedure="1.000002"),
        *received(1, COMMUNE, "online", "2024-06-04", name="e", procedure=None),
        *received(7, OTHER, "in_person", "2024-06-04", name="f", procedure="1.000001"),
    ]


def row(by: str, group: str, name: str, figures: tuple[int, int], lately: list[int]) -> dict[str, Any]:
    n, d = figures
    return {by: group, "name": name, "numerator": n, "denominator": d, "missing": d - n, "last_30_days": lately}


EXPECTED = {
    "procedure": [
        row("procedure", "1.000002", "Khai tử", (0, 4), [0, 4]),
        row("procedure", "1.000001", "Khai sinh", (3, 5), [2, 2]),
        row("procedure", "", "Không ghi", (1, 1), [1, 1]),
    ],
    "field": [row("field", "Hộ tịch", "Hộ tịch", (3, 9), [2, 6]), row("field", "", "Không ghi", (1, 1), [1, 1])],
    "channel": [
        row("channel", "postal", "Bưu chính công ích", (0, 4), [0, 4]),
        row("channel", "in_person", "Trực tiếp", (0, 2), [0, 0]),
        row("channel", "online", "Trực tuyến", (4, 4), [3, 3]),
    ],
}


@pytest.mark.parametrize("by", EXPECTED)
def test_parts_with_most_missing_come_first(by: str, tmp_path: Path) -> None:
    done = lotrinh(*write(tmp_path, filed()), "--breakdown", by, "--json")
    found = json.loads(done.stdout)["breakdown"]

    assert found[COMMUNE]["online-dossiers"] == EXPECTED[by]
    assert sum(r["denominator"] for r in found["340/communes"]["online-dossiers"]) == 17


def test_history_is_cumulative_and_has_every_day(tmp_path: Path) -> None:
    done = lotrinh(*write(tmp_path, filed()), "--breakdown", "procedure", "--unit", COMMUNE, "--json")
    found = json.loads(done.stdout)
    days = {day: tuple(rest) for day, *rest in found["history"][COMMUNE]["online-dossiers"]}

    assert [*found["breakdown"]] == [COMMUNE]
    assert len(days) == 182  # 2024-01-01 … 2024-06-30
    assert days["2024-02-29"][:2] == (0, 0)
    assert days["2024-03-01"][:2] == (1, 3)
    assert days["2024-06-03"][:2] == (3, 5)
    assert days["2024-06-30"] == (4, 10, "50")


def test_what_lies_beyond_fifty_rows_is_one_row(tmp_path: Path) -> None:
    events = [
        e
        for n in range(ROWS_MAX + 3)
        for e in received(1 + (n < ROWS_MAX), COMMUNE, "postal", "2024-06-03", name=f"p{n}", procedure=f"2.{n:06d}")
    ]
    done = lotrinh(*write(tmp_path, events), "--breakdown", "procedure", "--unit", COMMUNE, "--json")
    rows = json.loads(done.stdout)["breakdown"][COMMUNE]["online-dossiers"]

    assert len(rows) == ROWS_MAX + 1
    assert rows[-1] == row("procedure", REST, REST, (0, 3), [0, 3])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--unit", COMMUNE), "give --breakdown"),
        (("--breakdown", "field"), "give --unit, or --json"),
        (("--breakdown", "field", "--unit", "12"), "--unit 12: no unit or group"),
    ],
)
def test_bad_use_is_one_sentence(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = lotrinh(*write(tmp_path, filed()), *options)

    assert done.returncode == 2
    assert said in done.stderr
