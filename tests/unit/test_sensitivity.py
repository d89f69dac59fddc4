"""Open questions, answered otherwise: whose verdict changes, and by which figures."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.evaluation import evaluate
from models.sensitivity import Answer, sensitivity
from tests.builders import event, received, thai_binh
from tests.unit.test_cli import lotrinh

TRADE, OTHER, COMMUNE = "34.so-cong-thuong", "34.so-y-te", "12688"
JUNE = date(2024, 6, 30)


def events() -> list[dict[str, Any]]:
    found = received(49, TRADE, "online", "2024-06-03") + received(49, TRADE, "in_person", "2024-06-03")
    found += received(4, TRADE, "postal", "2024-06-03") + received(9, OTHER, "online", "2024-06-03")
    for n, electronic in enumerate((True, False, False)):
        found.append(
            event("copy-certified", f"copy-{n}", "2024-06-04", unit=COMMUNE, copy=f"c{n}", electronic=electronic)
        )
    return found


def answers(**switches: str) -> dict[tuple[str, str], Answer]:
    reading = thai_binh(switches=tuple(sorted(switches.items())))
    lines = [(n, json.dumps(e).encode()) for n, e in enumerate(events(), start=1)]
    result = evaluate(reading, lines, JUNE)
    return {(a.question.switch, a.question.other): a for a in sensitivity(reading, result.dossiers, JUNE, {})}


def changed(answer: Answer) -> list[tuple[str, str, tuple[int, int], str, tuple[int, int], str]]:
    return [(c.unit, c.indicator, c.now.figures, c.now.status, c.other.figures, c.other.status) for c in answer.changes]


def test_postal_dossiers_in_or_out_of_the_denominator() -> None:
    answer = answers()["postal_in_denominator", "false"]

    assert changed(answer) == [(TRADE, "online-dossiers", (49, 102), "below", (49, 98), "met")]
    assert answer.figures_only == 0


def test_adoption_or_share_of_electronic_copies() -> None:
    assert changed(answers()["electronic_copies", "share"]) == [
        (COMMUNE, "electronic-copies", (1, 1), "met", (1, 3), "below")
    ]


def test_a_ramp_in_place_of_the_target_all_year() -> None:
    found = answers()
    linear, flat = found["trajectory", "linear"], found["trajectory", "flat"]

    assert (TRADE, "online-dossiers", (49, 102), "below", (49, 102), "met") in changed(linear)
    assert changed(flat) == []
    assert flat.figures_only == 284  # the line of services-with-dossiers, which nothing has measured yet


def test_every_answer_is_what_evaluate_says_under_that_switch() -> None:
    lines = [(n, json.dumps(e).encode()) for n, e in enumerate(events(), start=1)]
    now = {(s["unit"], s["indicator"]): s for s in evaluate(thai_binh(), lines, JUNE).standings if "members" not in s}
    for (switch, other), answer in answers().items():
        then = evaluate(thai_binh(switches=((switch, other),)), lines, JUNE).standings
        differing = {
            (s["unit"], s["indicator"]): (s["numerator"], s["denominator"], s["status"])
            for s in then
            if "members" not in s and s["status"] != now[s["unit"], s["indicator"]]["status"]
        }

        assert {(c.unit, c.indicator): (*c.other.figures, c.other.status) for c in answer.changes} == differing


def test_a_question_answered_already_is_asked_the_other_way_round() -> None:
    found = answers(postal_in_denominator="false")

    assert ("postal_in_denominator", "false") not in found
    assert changed(found["postal_in_denominator", "true"]) == [
        (TRADE, "online-dossiers", (49, 98), "met", (49, 102), "below")
    ]


def test_what_no_verdict_depends_on_is_not_asked() -> None:
    assert {switch for switch, _ in answers()} == {"electronic_copies", "postal_in_denominator", "trajectory"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(e) for e in events()))
    return path


def test_the_command_says_it_as_json_and_as_a_table(file: Path) -> None:
    asked = [
        "evaluate",
        "--decision",
        "thai-binh-2024",
        "--events",
        str(file),
        "--as-of",
        "2024-06-30",
        "--sensitivity",
    ]
    found = json.loads(lotrinh(*asked, "--json").stdout)
    said = lotrinh(*asked).stdout

    postal = next(a for a in found["sensitivity"] if a["switch"] == "postal_in_denominator")
    assert (postal["value"], postal["other"], postal["given"], postal["figures_only"]) == ("true", "false", {}, 0)
    assert postal["question"] == "Hồ sơ nộp qua bưu chính công ích có tính vào tổng số hồ sơ không?"
    assert postal["changes"] == [
        {
            "unit": TRADE, "name": "Sở Công Thương", "indicator": "online-dossiers",
            "now": {"numerator": 49, "denominator": 102, "expected": "50", "status": "below"},
            "other": {"numerator": 49, "denominator": 98, "expected": "50", "status": "met"},
        }
    ]  # fmt: skip
    assert "postal_in_denominator = true (hoặc false): Hồ sơ nộp qua bưu chính" in said
    assert "postal_in_denominator = false thay vì true: 1 đơn vị đổi kết quả; 0 số liệu khác đổi." in said
    assert "Sở Công Thương  Hồ sơ trực tuyến  49/102 = 48,03 %  Chưa đạt  49/98 = 50,00 %  Đạt" in said


def test_without_being_asked_it_keeps_to_itself(file: Path) -> None:
    plain = lotrinh(
        "evaluate", "--decision", "thai-binh-2024", "--events", str(file), "--as-of", "2024-06-30", "--json"
    )

    assert "sensitivity" not in json.loads(plain.stdout)
