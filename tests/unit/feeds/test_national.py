"""National synchronisation payloads: what they say, what never leaves them, and files of them."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.calendar.civil_time import instant_of
from models.dossiers.dossier import NOTHING, merge
from models.dossiers.events import Refused, stamp
from models.dossiers.national import COLLECTED, STATUS_OF, STATUSES, Sender, in_todays_measure, version_of
from streams.errors import BadInput
from streams.feeds.aliases import parse_aliases
from streams.feeds.national import CHUNK_BYTES, Report, latest_in, lines_of_national, read_units
from streams.files.tables import read_table
from tests.builders import YEAR_END, evaluated, figures, thai_binh
from tests.commands import typed as lotrinh
from tests.integration.verdict import DECISION
from tests.integration.verdict import UNITS as REGISTRY
from tests.oracle.oracle import Oracle, Record

ROOT = Path(__file__).parents[3]
EXCERPT = ROOT / "tests/data/national-excerpt.jsonl"
UNITS = ROOT / "tests/data/national-units.yaml"
ALIASES = ROOT / "tests/data/national-aliases.csv"
SENT = "2024-09-13T17:00:00+07:00"
PAYLOAD = {
    "MaHoSo": "H54-1", "MaTTHC": "1.004616", "KenhThucHien": "2", "NgayNopHoSo": "20240902210512",
    "NgayTiepNhan": "20240903080211", "TrangThaiHoSo": "2", "DonViXuLy": "12688",
}  # fmt: skip


def read(file: Path, **how: Any) -> tuple[list[dict[str, Any]], list[tuple[int, str]], Report]:
    report = Report()
    lines = list(lines_of_national(file, Sender("qg", SENT, **how), report))
    events = [orjson.loads(line.value) for line in lines if not isinstance(line.event, Refused)]
    return events, [(line.number, line.event.reason) for line in lines if isinstance(line.event, Refused)], report


def of(tmp_path: Path, *payloads: Any) -> list[dict[str, Any]]:
    file = tmp_path / "f.jsonl"
    file.write_text("\n".join(json.dumps(p) for p in payloads), encoding="utf-8")
    events, refused, _ = read(file)
    assert not refused
    return events


def test_the_excerpt_gives_the_figures_found_by_hand() -> None:
    events, refused, report = read(EXCERPT, units=read_units(UNITS), aliases=read_table(ALIASES, parse_aliases))
    result = evaluated(thai_binh(), events)

    assert [n for n, _ in refused] == [20, 21, 22, 23]
    assert report.unmapped == Counter({"000.09.07.H54": 2})
    assert report.notes == Counter({"status 9 without NgayKetThucXuLy: does not count as resolved": 1})
    # the commune: four received (one online), one paid through the national portal, one resolved with a plain scan,
    # its result returned and the return undone
    assert figures(result, "12688") == (1, 4, "below")
    assert figures(result, "12688", "online-payments") == (1, 1, "met")
    assert figures(result, "12688", "digitised-results") == (1, 1, "met")
    assert figures(result, "12688", "electronic-results") == (0, 1, "below")
    # the agency: five filed, one of them refused; two paid, none nationally; stopped and returned are resolved
    assert figures(result, "34.so-cong-thuong") == (2, 4, "met")
    assert figures(result, "34.so-cong-thuong", "online-payments") == (0, 2, "below")
    assert figures(result, "34.so-cong-thuong", "digitised-results") == (0, 2, "below")
    # two codes, one dossier, of a unit that no table has
    assert figures(result, "000.09.07.H54") == (1, 1, "no-target")


def test_the_oracle_counts_the_excerpts_events_alike() -> None:
    """An independent reader of the contract takes the imported events, and their versions, as we do."""
    events, _, _ = read(EXCERPT, units=read_units(UNITS), aliases=read_table(ALIASES, parse_aliases))
    oracle = Oracle(DECISION, REGISTRY)
    oracle.load(Record(orjson.dumps(e)) for e in events)
    theirs = {k: (s["numerator"], s["denominator"]) for k, s in oracle.standings(YEAR_END).items()}
    ours = evaluated(thai_binh(), events).standings

    assert {(s["unit"], s["indicator"]): (s["numerator"], s["denominator"]) for s in ours} == theirs
    assert any(n for n, _ in theirs.values())


def test_nothing_that_names_a_person_reaches_an_event_or_a_reason() -> None:
    """Every text of the excerpt outside the fields that are read is marked; none may appear."""
    events, refused, report = read(EXCERPT)
    said = json.dumps([events, refused, list(report.notes)], ensure_ascii=False)

    assert "CHU-HO-SO-MAU" in EXCERPT.read_text(encoding="utf-8")
    for mark in ("MAU", "mẫu", "mau@", "example.invalid", "0000000099", "000000000099"):
        assert mark not in said


def test_a_payload_sent_again_is_the_same_event(tmp_path: Path) -> None:
    events = of(tmp_path, PAYLOAD, {**PAYLOAD, "ChuHoSo": "x"}, {**PAYLOAD, "TrangThaiHoSo": 4}, PAYLOAD)
    received = [e for e in events if e["type"] == "received"]

    assert received[0] == received[1]
    assert {e["id"] for e in received} == {received[0]["id"]}  # statuses 2 and 4 say the same
    assert evaluated(thai_binh(), events).counts.applied == 2  # the event, and that nothing was paid


def test_returned_and_taken_back_and_returned(tmp_path: Path) -> None:
    ended = {**PAYLOAD, "TrangThaiHoSo": "9", "NgayKetThucXuLy": "20240905150000"}
    returned = {**ended, "TrangThaiHoSo": "10", "NgayTra": "20240906080000"}
    undone = of(tmp_path, ended, returned, ended)
    again = of(tmp_path, ended, returned, ended, returned)

    assert [e["issued_at"] for e in undone if e["type"] != "paid"] == [None, "2024-09-06T08:00:00+07:00", None]
    versions = [e["version"] for e in again if e["type"] != "paid"]
    ids = [e["id"] for e in again if e["type"] != "paid"]
    assert versions == sorted(set(versions))
    assert (ids[0], ids[1]) == (ids[2], ids[3])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"MaHoSo": ""}, "MaHoSo is missing"),
        ({"TrangThaiHoSo": None}, "TrangThaiHoSo is missing"),
        ({"TrangThaiHoSo": 12}, "TrangThaiHoSo is none of 1 to 10"),
        ({"KenhThucHien": "web"}, "KenhThucHien is none of 1, 2, 3"),
        ({"NgayTiepNhan": "20240931080000"}, "NgayTiepNhan is no time of the form yyyyMMddHHmmss"),
        ({"NgayTiepNhan": "2024-09-03"}, "NgayTiepNhan is no time of the form yyyyMMddHHmmss"),
        ({"NgayTiepNhan": "", "NgayNopHoSo": ""}, "it names no date"),
        ({"DanhSachLePhi": [{"Gia": "10.000"}]}, "Gia of DanhSachLePhi is no whole number of đồng"),
        ({"DanhSachLePhi": "x"}, "DanhSachLePhi is not a list of objects"),
        ({"DuocThanhToanTrucTuyen": 3}, "DuocThanhToanTrucTuyen is none of 0, 1, 2"),
        ({"MaTTHC": ["x"]}, "MaTTHC is neither a text nor a number"),
        ({"DonViXuLy": "x" * 201}, "unit is not a code"),
    ],
)
def test_a_bad_payload_is_one_sentence_with_its_line(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text("\n".join(json.dumps(p) for p in (PAYLOAD, PAYLOAD | change, PAYLOAD)))
    events, refused, _ = read(file)

    assert [n for n, _ in refused] == [2]
    assert reason in refused[0][1]
    assert len(events) == 4


def test_an_array_of_any_layout_is_read_as_lines_are(tmp_path: Path) -> None:
    found = [{**PAYLOAD, "MaHoSo": f"H54-{n}", "GhiChu": '}],["{' * 40} for n in range(400)]
    lines, array, pretty = (tmp_path / n for n in ("a.jsonl", "b.json", "c.json"))
    lines.write_text("\n".join(json.dumps(p) for p in found))
    array.write_text("\ufeff" + json.dumps(found), encoding="utf-8")
    pretty.write_text(json.dumps(found[:200], indent=2) + "\n" + json.dumps(found[200:], indent=2) + "\n")

    assert array.stat().st_size > CHUNK_BYTES / 2
    assert read(lines)[0] == read(array)[0] == read(pretty)[0]


def test_a_whole_request_gives_its_payloads(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text(json.dumps([{"service": "DongBoHoSoMC", "isUpdating": "true", "data": [PAYLOAD, 7]}]))
    events, refused, _ = read(file)

    assert [e["type"] for e in events] == ["received", "paid"]
    assert refused == [(1, "not a JSON object")]


@pytest.mark.parametrize("text", ['[{"MaHoSo": ', '[{"MaHoSo": "A"}] x', "[{]"])
def test_an_array_that_breaks_off_is_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "f.json"
    file.write_text(text)
    with pytest.raises(BadInput, match="line 1"):
        read(file)


def test_elements_of_an_array_know_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text(f'[\n\n"x",\n {json.dumps(PAYLOAD)},\n\n{{"MaHoSo": "A"}}\n]\n')

    assert read(file)[1] == [(3, "not a JSON object"), (6, "TrangThaiHoSo is missing")]


def test_units_may_be_a_table_of_either_kind(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("code,unit\n00340,340\nĐơn vị A,12688\n", encoding="utf-8")
    (tmp_path / "u.yaml").write_text("units: {00340: 340, Đơn vị A: 12688}\n", encoding="utf-8")

    assert read_units(tmp_path / "u.csv") == read_units(tmp_path / "u.yaml") == {"00340": "340", "Đơn vị A": "12688"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("u.csv", "a,b\n1,2\n", "has the columns `code,unit`"),
        ("u.csv", "code,unit\n1,\n", "needs both codes"),
        ("u.csv", "code,unit\n1,2\n1,3\n", "stands for two units"),
        ("u.yaml", "events: []\n", "has a table `units:`"),
        ("u.yaml", "units: [", "not readable as YAML"),
    ],
)
def test_a_bad_table_of_units_is_one_sentence(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=message):
        read_units(tmp_path / name)


def test_the_documents_tables_are_those_of_the_code() -> None:
    text = (ROOT / "docs/importing.md").read_text(encoding="utf-8")
    for row in STATUSES.values():
        cells = [" ‖ ".join(f) or "–" for f in (row.received_at, row.refused_at, row.resolved_at, row.issued_at)]
        shown = f"| {row.code} {row.name} | `{row.type}` | {' | '.join(cells)} | {row.status or '–'} | {'có' if row.results else '–'} |"
        assert shown in text
    for condition, _, code in STATUS_OF:
        assert f"| {condition} | {'–' if code is None else code} |" in text
    for how, fact in COLLECTED.items():
        assert f"| {how} | `{fact}` |" in text


def test_import_says_when_the_file_was_sent_and_which_units_no_table_has(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    arguments = ["import", str(EXCERPT), "--format", "national", "--mapping", str(UNITS), "--aliases", str(ALIASES)]
    arguments += ["--refused", str(tmp_path / "refused.csv")]
    done = lotrinh(*arguments, "--out", str(out), "--source", "tb")
    again = lotrinh(*arguments, "--out", str(tmp_path / "b.jsonl"), "--source", "tb")

    assert done.returncode == again.returncode == 3  # a payload is refused
    assert out.read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert all(e.startswith(b'{"id":"tb:') for e in out.read_bytes().splitlines())
    assert "taken as sent at 2024-09-13T08:05:00+07:00" in done.stderr
    assert f"{EXCERPT}, line 20: KenhThucHien is none of 1, 2, 3" in done.stderr
    assert "kept as they are: 1; with how many payloads: 000.09.07.H54 (2)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sent", "13/9/2024"], "--sent 13/9/2024: expected YYYY-MM-DD"),
        (["--source", "a:b"], "--source a:b: expected up to 32 letters"),
        (["--aliases", str(UNITS)], "line 2: a row needs `alias` and `dossier`"),
    ],
)
def test_bad_options_are_one_sentence(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = lotrinh("import", str(EXCERPT), "--format", "national", "--out", str(tmp_path / "o"), *arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_date_in_the_future_needs_a_word_when_the_file_was_sent(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text(json.dumps({**PAYLOAD, "NgayTiepNhan": "20990101000000"}))
    refused = lotrinh("import", str(file), "--format", "national", "--out", str(tmp_path / "o"))
    told = lotrinh("import", str(file), "--format", "national", "--out", str(tmp_path / "o"), "--sent", "2024-09-30")

    assert refused.returncode == 2
    assert "line 1: its latest date lies in the future" in refused.stderr
    assert told.returncode == 0
    event = orjson.loads((tmp_path / "o").read_bytes().splitlines()[0])
    assert (event["at"], event["received_at"]) == ("2024-09-30T23:59:59+07:00", "2099-01-01T00:00:00+07:00")
    assert latest_in(file) == ("2099-01-01T00:00:00+07:00", 1)


def test_what_earlier_releases_imported_is_not_newer_for_ever() -> None:
    at = "2024-09-03T08:02:11+07:00"
    sent = [1_725_325_200, 1_725_411_600]
    known = NOTHING
    for second in sent:
        known = merge(known, stamp(second * 10**9 + 3, at, f"e{second}", "0"), {f"f{second}": 1, "channel": "postal"})
    dossier = in_todays_measure(merge(known, stamp(7, at, "x", "0"), {"unit": "340"}))

    said = dossier[1][::2]
    assert said == [stamp(7, at, "x", "0")] + [
        stamp(version_of(instant_of(datetime.fromtimestamp(s, UTC)), 3), at, f"e{s}", "0") for s in sent
    ]
    newer = stamp(version_of("2024-09-13T17:00:00+07:00", 1), at, "y", "0")
    assert merge(dossier, newer, {"channel": "online"})[0]["channel"] == "online"
    assert in_todays_measure(dossier) is dossier


def test_aliases_hold_for_every_format(tmp_path: Path) -> None:
    plain = {"id": "a", "type": "received", "dossier": "OLD", "at": "2024-06-03T08:00:00+07:00", "unit": "340"}
    cloud = {"specversion": "1.0", "source": "x", "id": "b", "type": "received", "subject": "OLD",
             "time": "2024-06-03T08:00:00+07:00", "data": {"unit": "340"}}  # fmt: skip
    (tmp_path / "e.jsonl").write_text(json.dumps(plain) + "\n" + json.dumps(cloud) + "\n")
    (tmp_path / "a.csv").write_text("alias,dossier\nOLD,MID\nMID,NEW\n")
    done = lotrinh(
        "import", str(tmp_path / "e.jsonl"), "--aliases", str(tmp_path / "a.csv"), "--out", str(tmp_path / "o")
    )
    first, second = (json.loads(e) for e in (tmp_path / "o").read_text().splitlines())

    assert done.returncode == 0
    assert (first["dossier"], second["subject"]) == ("NEW", "NEW")


def test_an_alias_that_comes_back_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("alias,dossier\nA,B\nB,A\n")
    with pytest.raises(BadInput, match="line 3: the alias comes back to itself"):
        read_table(tmp_path / "a.csv", parse_aliases)
