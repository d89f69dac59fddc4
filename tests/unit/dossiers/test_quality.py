"""Data quality: what is wrong with a dossier, who is silent, and the command that says so."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.counting.learning import learn
from models.dossiers.data_quality import ADVICE, CODES_MAX, Measure, Survey, silent_sources
from models.dossiers.dossier import NOTHING, Dossier
from models.dossiers.events import Event, decode
from models.registers.catalogue import Catalogue
from models.registers.units import Succession
from streams.files.decision_files import shipped_registry
from tests.builders import entries, evaluated, event, received, thai_binh
from tests.commands import typed as lotrinh

REGISTRY = shipped_registry()
NOW = "2024-10-01T08:00:00+07:00"
UNIT = "12688"


def surveyed(events: list[dict[str, Any]], now: str = NOW, **more: Any) -> Survey:
    survey = Survey(Measure(REGISTRY, now, **more))
    dossiers: dict[str, Dossier] = {}
    for one in events:
        found = decode(json.dumps(one).encode())
        assert isinstance(found, Event), found
        survey.take(found)
        dossiers[found.dossier], _ = learn(dossiers.get(found.dossier, NOTHING), found)
    for code, dossier in dossiers.items():
        survey.judge(code, dossier[0])
    return survey


def kinds(*events: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    return [(f.kind, f.unit) for f in surveyed(list(events), **more).findings()]


def one(kind: str = "received", day: str = "2024-09-03", **fields: Any) -> dict[str, Any]:
    return event(kind, fields.pop("dossier", "D"), day, **{"unit": UNIT, "channel": "online", **fields})


def test_a_sound_dossier_has_no_faults() -> None:
    assert kinds(one(), one("resolved", "2024-09-04"), one("result-issued", "2024-09-05")) == []


def test_a_unit_that_no_registry_knows_is_found_and_counted_all_the_same() -> None:
    events = received(2, "99999", "online", "2024-09-03")

    assert kinds(*events) == [("unknown-unit", "99999")]
    counted = [s for s in evaluated(thai_binh(), events).standings if s["unit"] == "99999"]
    assert [(s["numerator"], s["denominator"]) for s in counted if s["indicator"] == "online-dossiers"] == [(2, 2)]


def test_an_office_is_known_by_its_district_and_a_copys_unit_is_looked_at_too() -> None:
    copy = event("copy-certified", "C", "2024-09-03", copy="K", unit="88888", electronic=True)

    assert kinds(one(unit="340.phong-tu-phap"), copy) == [("unknown-unit", "88888")]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"channel": None}, "missing-channel"),
        ({"resolved_at": "2024-09-02T17:00:00+07:00"}, "result-before-reception"),
        (
            {"issued_at": "2024-09-02T17:00:00+07:00", "resolved_at": "2024-09-04T08:00:00+07:00"},
            "result-before-reception",
        ),
        ({"received_at": "2024-10-01T08:00:01+07:00"}, "future-date"),
        ({"received_at": None, "resolved_at": "2024-09-04T08:00:00+07:00"}, "result-without-reception"),
        ({"received_at": "2023-10-02T07:59:59+07:00"}, "open-over-a-year"),
    ],
)
def test_a_fault_of_one_dossier(fields: dict[str, Any], kind: str) -> None:
    assert kinds(one(**fields)) == [(kind, UNIT)]


def test_edges_are_no_faults() -> None:
    assert kinds(one(received_at="2024-10-01T08:00:00+07:00")) == []  # now is not the future
    assert kinds(one(received_at="2023-10-02T08:00:00+07:00")) == []  # a year to the second
    assert kinds(one(resolved_at="2024-09-03T08:00:00+07:00")) == []  # on the spot


@pytest.mark.parametrize("ending", ["withdrawn", "stopped", "deleted"])
def test_what_has_been_ended_otherwise_is_not_open(ending: str) -> None:
    assert kinds(one(received_at="2022-01-03T08:00:00+07:00"), event(ending, "D", "2022-02-01")) == []


def test_a_received_dossier_without_a_unit_is_found() -> None:
    assert kinds(event("received", "D", "2024-09-03", channel="online")) == [("missing-unit", "")]


def test_a_deleted_dossier_has_no_faults() -> None:
    assert kinds(one(unit="99999", channel=None), event("deleted", "D", "2024-09-04")) == []


def test_a_payment_in_the_future_is_found() -> None:
    paid = event("paid", "D", "2024-09-03", transaction="T", paid_at="2025-01-01T00:00:00+07:00")

    assert kinds(one(), paid) == [("future-date", UNIT)]


def test_filing_online_what_is_not_offered_online_takes_a_catalogue() -> None:
    row = {"procedure": "1.004616", "authority": "commune", "level": "none"}
    catalogue = Catalogue(entries(row), REGISTRY)

    assert kinds(one(procedure="1.004616"), catalogue=catalogue) == [("online-not-offered", UNIT)]
    assert kinds(one(procedure="1.004616", channel="postal"), catalogue=catalogue) == []
    assert kinds(one(procedure="2.000001"), catalogue=catalogue) == []
    assert kinds(one(procedure="1.004616")) == []


def test_one_code_under_two_units_is_found_unless_it_was_transferred() -> None:
    here, there = one(id="1"), one("resolved", "2024-09-05", unit="12691", id="2")
    moved = event("transferred", "D", "2024-09-04", unit="12691", id="3")

    assert kinds(here, there) == kinds(there, here) == [("two-units", "12691")]
    assert kinds(here, moved, there) == kinds(there, moved, here) == []


def test_an_office_and_its_district_and_an_heir_are_not_two_units() -> None:
    assert kinds(one(unit="340", id="1"), one("resolved", unit="340.phong-tu-phap", id="2")) == []
    merger = (Succession(date(2024, 9, 4), UNIT, "12691"),)
    assert kinds(one(id="1"), one("resolved", "2024-09-05", unit="12691", id="2"), successions=merger) == []


def test_at_most_twenty_codes_are_shown_and_all_are_counted_in_any_order() -> None:
    events = [one(dossier=f"D{n:03d}", channel=None) for n in range(CODES_MAX + 5)]
    (found,) = surveyed(events[::-1]).findings()

    assert (found.count, found.dossiers) == (25, tuple(f"D{n:03d}" for n in range(CODES_MAX)))
    assert surveyed(events).findings() == [found]


@pytest.mark.parametrize(
    ("last", "now", "silent"),
    [
        ("2024-09-26T16:00:00+07:00", "2024-10-01T00:00:00+07:00", 2),  # Thursday; Friday and Monday have passed
        ("2024-09-26T16:00:00+07:00", "2024-09-30T23:59:59+07:00", None),  # Monday has not passed
        ("2024-09-27T16:00:00+07:00", "2024-10-01T08:00:00+07:00", None),
    ],
)
def test_a_source_is_silent_after_two_whole_working_days(last: str, now: str, silent: int | None) -> None:
    assert [s.working_days for s in silent_sources({"tb": last}, now)] == ([] if silent is None else [silent])


def test_days_off_are_no_silence() -> None:
    tet = {date(2024, 2, 8) + timedelta(days=n) for n in range(7)}
    heard = {"tb": "2024-02-07T16:00:00+07:00"}

    assert silent_sources(heard, "2024-02-15T08:00:00+07:00")
    assert not silent_sources(heard, "2024-02-15T08:00:00+07:00", is_working=lambda d: d not in tet)


def test_sources_are_told_by_ids_and_a_future_record_is_not_heard_yet() -> None:
    events = [one(id="tb:1"), one(id="dvcqg:2", day="2024-09-29"), one(id="tb:3", day="2030-01-01"), one(id="x")]

    assert surveyed(events).heard == {
        "tb": "2024-09-03T08:00:00+07:00", "dvcqg": "2024-09-29T08:00:00+07:00", "": "2024-09-03T08:00:00+07:00",
    }  # fmt: skip


def test_the_command_prints_json_alone_and_a_table_for_officials(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    events = [one(dossier="A", channel=None, id="tb:1"), one(dossier="B", unit="99999", id="tb:2")]
    file.write_text("\n".join(json.dumps(e) for e in events) + "\nnonsense\n")
    arguments = ["quality", "--events", str(file), "--now", "2024-10-01"]
    found = json.loads(lotrinh(*arguments, "--json").stdout)
    table = lotrinh(*arguments)

    assert (found["dossiers"], found["refused"]) == (2, 1)
    assert [(f["kind"], f.get("unit"), f.get("count"), f.get("dossiers")) for f in found["findings"]] == [
        ("unknown-unit", "99999", 1, ["B"]),
        ("missing-channel", UNIT, 1, ["A"]),
        ("source-silent", None, None, None),
    ]
    assert found["sources"] == [{"source": "tb", "last": "2024-09-03T08:00:00+07:00"}]
    assert found["not_examined"][0]["kind"] == "online-not-offered"
    assert table.returncode == 0
    assert "Thiếu kênh nộp hồ sơ (missing-channel): 1 hồ sơ" in table.stdout
    assert "tb     08:00 03/09/2024" in table.stdout


def test_bad_options_of_the_command_are_one_sentence(tmp_path: Path) -> None:
    done = lotrinh("quality", "--events", __file__, "--now", "1/10/2024")

    assert done.returncode == 2
    assert "--now 1/10/2024: expected YYYY-MM-DD" in done.stderr


def test_the_document_names_every_kind() -> None:
    text = (Path(__file__).parents[3] / "docs/data-quality.md").read_text(encoding="utf-8")
    for kind, advice in ADVICE.items():
        assert f"| `{kind}` | {advice.title} |" in text


def test_of_any_number_of_unknown_units_those_with_most_dossiers_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.dossiers.data_quality.UNITS_MAX", 2)
    events = [e for n in range(5) for e in received(n + 1, f"x{n}", "online", "2024-09-03")]
    survey = surveyed(events)

    assert [(f.unit, f.count) for f in survey.findings()] == [("x4", 5), ("x3", 4)]
    assert survey.in_all("unknown-unit") == (5, 15)
