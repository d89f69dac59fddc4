"""What names a unit, a procedure, a dossier, a payment has the form of a code: nothing that could be a person."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.decisions.trajectory import parse_trajectories
from models.dossiers.events import FIELDS, TOPIC_OF, Event, Refused, decode
from models.registers.catalogue import parse_catalogue
from models.registers.codes import Codes, is_code, is_unit
from models.registers.tables import BadTable
from models.registers.units import parse_successions, parse_units
from streams.feeds.aliases import parse_aliases
from tests.oracle.decode import Record, RefusalError
from tests.oracle.decode import decode as recomputed

AT = "2024-06-03T08:00:00+07:00"
FULL: dict[str, Any] = {
    "id": "portal:1", "dossier": "D-1", "version": 1, "at": AT, "unit": "12688", "procedure": "1.004616",
    "transaction": "T1", "copy": "K1",
}  # fmt: skip
CANARIES = (
    "Nguyễn Thị CANARY-7f3a", "canary-7f3a@example.vn", "CANARY 7f3a", "CANARY-7f3a\u202e", "CANARY\u200b7f3a",
    "CANARY-7f3a\x9b31m", '=HYPERLINK("http://CANARY-7f3a")', "CANARY-7f3a\n", "CANARY-7f3a,", "<b>CANARY-7f3a",
)  # fmt: skip
"""what a name, an e-mail address, an invisible sign, a control sequence, a formula, markup look like"""
NUMBERS = ("0912345678", "001099012345", "tel:0912345678")


def of(kind: str, **changes: Any) -> bytes:
    return json.dumps({**FULL, "type": kind, **changes}).encode()


@pytest.mark.parametrize("field", sorted(FIELDS))
@pytest.mark.parametrize("canary", [*CANARIES, ["CANARY-7f3a"], {"name": "CANARY-7f3a"}])
def test_no_field_of_any_event_carries_a_canary(field: str, canary: Any) -> None:
    kinds = ("received",) if field == "type" else TOPIC_OF
    for codes in ("ascii", "vietnamese"):
        for kind in kinds:
            event = decode(of(kind, **{field: canary}), codes=codes)
            assert isinstance(event, Refused)
            assert "7f3a" not in repr(event)


@pytest.mark.parametrize("field", ["ce_id", "ce_type", "ce_subject", "ce_time", "ce_specversion", "content-type"])
@pytest.mark.parametrize("canary", CANARIES)
def test_no_attribute_of_a_cloudevent_carries_a_canary(field: str, canary: str) -> None:
    attributes = {
        "ce_specversion": "1.0", "ce_id": "1", "ce_source": "/x", "ce_type": "received", "ce_subject": "D-1", "ce_time": AT,
    }  # fmt: skip
    headers = [(k, v.encode("utf-8", "surrogatepass")) for k, v in (attributes | {field: canary}).items()]

    event = decode(b'{"unit":"12688"}', headers)
    assert "7f3a" not in repr(event)
    assert isinstance(event, Refused) or field == "content-type"


@pytest.mark.parametrize("number", NUMBERS)
def test_no_unit_is_a_telephone_or_identity_number(number: str) -> None:
    assert decode(of("received", unit=number)) == Refused("unit is not a code", "D-1")
    assert isinstance(decode(of("received", unit="34.so-0123456789"[:15])), Event)


@pytest.mark.parametrize("field", ["id", "dossier", "unit", "procedure", "transaction", "copy"])
@pytest.mark.parametrize("text", ["", "a b", "a@b", "x" * 201, "Đông"])
def test_the_reason_is_one_and_the_same(field: str, text: str) -> None:
    dossier = "" if field == "dossier" else "D-1"

    assert decode(of("received", **{field: text})) == Refused(f"{field} is not a code", dossier)


def test_vietnamese_letters_where_the_deployment_allows_them() -> None:
    written = of("received", unit="34.sở-tài-chính", dossier="HỒ-SƠ-Đ7")

    assert isinstance(decode(written, codes="vietnamese"), Event)
    assert decode(written) == Refused("dossier is not a code")
    for field in ("id", "procedure", "transaction", "copy"):
        assert isinstance(decode(of("received", **{field: "sở"}), codes="vietnamese"), Refused)
    decomposed = "so\u031b\u0309"  # the same letters to the eye, another code to a computer
    assert decode(of("received", unit=decomposed), codes="vietnamese") == Refused("unit is not a code", "D-1")


def test_a_refused_record_is_known_by_its_dossier_only_where_that_is_a_code() -> None:
    for dossier, known in (("D-7/a~b", "D-7/a~b"), ("Nguyễn A", ""), ("a@b", ""), (7, ""), ("x" * 201, "")):
        event = decode(of("received", dossier=dossier, name="x"))
        assert isinstance(event, Refused)
        assert event.dossier == known


WORDS = st.text(st.sampled_from("aZ09._-:/#+=~ @Đếñ\u0301\u202e\x9b0123456789"), max_size=14) | st.text(max_size=4)


@given(WORDS, st.sampled_from(["id", "dossier", "unit", "procedure", "transaction", "copy"]), st.booleans())
@example("0123456789", "unit", False)
@example("x" * 200, "dossier", False)
@example("ế" * 200, "dossier", True)
def test_the_independent_recomputation_knows_the_same_codes(text: str, field: str, vietnamese: bool) -> None:  # noqa: FBT001
    value = of("received", **{field: text})
    codes: Codes = "vietnamese" if vietnamese else "ascii"
    try:
        recomputed(Record(value), vietnamese=vietnamese)
    except RefusalError:
        assert isinstance(decode(value, codes=codes), Refused)
    else:
        assert isinstance(decode(value, codes=codes), Event)
        wide = codes if field in ("dossier", "unit") else "ascii"
        assert (is_unit if field == "unit" else is_code)(text, wide)


@pytest.mark.parametrize(
    ("parse", "row", "column"),
    [
        (parse_units, {"level": "commune", "code": "x y", "name": "X"}, "code"),
        (parse_catalogue, {"procedure": "a b", "authority": "commune", "level": "full"}, "procedure"),
        (parse_catalogue, {"procedure": "a", "authority": "0912345678", "level": "full"}, "authority"),
        (parse_successions, {"date": "2024-11-01", "from": "a", "to": "b@c"}, "to"),
        (parse_successions, {"date": "2024-11-01", "from": "a", "to": "b", "procedures": "1;x y"}, "procedures"),
        (parse_trajectories, {"unit": "=1,2", "indicator": "online-dossiers", "date": "2024-01-01", "value": "1"}, "unit"),
        (parse_aliases, {"alias": "anything at all", "dossier": "a b"}, "dossier"),
    ],
)  # fmt: skip
def test_tables_name_codes_too(parse: Any, row: dict[str, str], column: str) -> None:
    with pytest.raises(BadTable, match=rf"^line 2: `{column}` is not (a code|the code of a unit): 1 to 200 of"):
        parse([row])
