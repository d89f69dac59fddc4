"""Open questions, answered otherwise: whose verdict changes, and by which figures."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.decisions.reading import Reading, Sources
from models.evaluation.evaluation import evaluate
from models.evaluation.sensitivity import Answer, sensitivity
from streams.cli.progress import progress
from streams.files.decision_files import read_decision, shipped_registry
from tests.builders import entries, event, received, thai_binh
from tests.commands import typed as lotrinh

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


@pytest.mark.long
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


def khanh_hoa(**switches: str) -> Reading:
    rows = [
        {"procedure": f"1.00000{n}", "authority": "province-agency", "level": "full", "lists": lists}
        for n, lists in enumerate(("2653;replacement", "2653", "replacement"))
    ]
    sources = Sources(registry=shipped_registry(), catalogue=entries(*rows), switches=switches)
    return Reading(read_decision("khanh-hoa-2024"), sources)


def asked_of_khanh_hoa(reading: Reading, **supposed: str) -> dict[tuple[str, str], Answer]:
    """A05 and A06: a new procedure's dossiers around E + 5, a dropped one's on the day E itself (E = 06/5/2024)."""
    works, trade = "56.so-xay-dung", "56.so-cong-thuong"
    new = [("2024-05-11", "in_person"), ("2024-05-12", "online"), ("2024-05-13", "online")]
    found = [e for day, channel in new for e in received(1, works, channel, day, procedure="1.000002")]
    found += received(60, trade, "online", "2024-05-05", procedure="1.000001")
    found += received(41, trade, "in_person", "2024-05-05", procedure="1.000001")
    found += received(2, trade, "online", "2024-05-06", procedure="1.000001")
    lines = [(n, json.dumps(e).encode()) for n, e in enumerate(found, start=1)]
    result = evaluate(reading, lines, JUNE)
    return {(a.question.switch, a.question.other): a for a in sensitivity(reading, result.dossiers, JUNE, supposed)}


def test_a_day_nobody_knows_yet_is_supposed_and_what_follows_from_it_is_asked_under_it() -> None:
    found = asked_of_khanh_hoa(khanh_hoa(), replacement_effective_date="2024-05-06")
    given = {"replacement_effective_date": "2024-05-06"}
    works, trade = "56.so-xay-dung", "56.so-cong-thuong"

    assert changed(found["replacement_effective_date", "2024-05-06"]) == [
        (works, "online-dossiers", (0, 0), "no-dossiers", (2, 3), "met")
    ]
    assert found["replacement_grace", "strict"].question.given == given
    assert changed(found["replacement_grace", "strict"]) == []  # 2/3 becomes 2/2: met by either
    assert found["replacement_grace", "strict"].figures_only == 1
    assert changed(found["dropped_until", "exclusive"]) == [
        (trade, "online-dossiers", (62, 103), "met", (60, 101), "below")
    ]


def test_a_day_that_is_known_is_also_asked_away() -> None:
    found = asked_of_khanh_hoa(khanh_hoa(replacement_effective_date="2024-05-06"))

    assert changed(found["replacement_effective_date", "none"]) == [
        ("56.so-xay-dung", "online-dossiers", (2, 3), "met", (0, 0), "no-dossiers")
    ]
    assert found["dropped_until", "exclusive"].question.given == {}
    assert len(changed(found["dropped_until", "exclusive"])) == 1


def test_without_a_supposition_the_middle_of_the_period_so_far_is_tried() -> None:
    assert ("replacement_effective_date", "2024-03-23") in asked_of_khanh_hoa(khanh_hoa())


def test_a_supposition_that_is_no_day_is_refused_before_the_work_begins(file: Path) -> None:
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
    done = lotrinh(*asked, "--suppose", "electronic_copies=perhaps")

    assert (done.returncode, done.stdout) == (2, "")
    assert "switch electronic_copies is 'perhaps'" in done.stderr


def test_a_log_gets_a_line_every_five_seconds_and_short_runs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 2.0, 6.0, 7.0, 12.0])
    monkeypatch.setattr("streams.cli.progress.time.monotonic", lambda: next(now))
    with progress("đang tính", 1000) as advance:
        for _ in range(4):
            advance(200)

    assert capsys.readouterr().err == "lotrinh: đang tính: 40 %\nlotrinh: đang tính: 80 %\n"
