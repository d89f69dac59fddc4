"""The contract's table "When a dossier counts", line by line."""

from typing import Any

import pytest

from models.counting.contributions import contributions
from models.dossiers.dossier import NOTHING, Dossier, merge
from models.dossiers.events import Event, decode
from tests.builders import event, thai_binh
from tests.strategies import lines

D = "2024-06-0"


def counted(*events: dict[str, Any], switches: tuple[tuple[str, str], ...] = ()) -> set[tuple[str, str, str, int]]:
    """(unit, day of June, cell, numerator) of one dossier."""
    dossier: Dossier = NOTHING
    rules = thai_binh(switches=switches).fold
    for line in lines(list(events)):
        decoded = decode(line)
        assert isinstance(decoded, Event)
        dossier = merge(dossier, decoded.stamp, decoded.facts)
    return {(unit, day[-2:], cell, above) for unit, day, cell, above in contributions(dossier[0], rules)}


def receipt(day: int = 3, **fields: Any) -> dict[str, Any]:
    return event("received", "X", f"{D}{day}", **{"version": 1, "unit": "12688", "channel": "online", **fields})


def then(kind: str, version: int, day: int = 5, **fields: Any) -> dict[str, Any]:
    return event(kind, "X", f"{D}{day}", version=version, **fields)


ONLINE = ("12688", "03", "online-dossiers", 1)


def test_received_on_the_day_of_received_at() -> None:
    assert counted(receipt()) == {ONLINE}
    assert counted(event("submitted", "X", f"{D}1", version=0, unit="12688", channel="online")) == set()


def test_without_received_at_a_resolved_dossier_is_received_when_it_was_submitted() -> None:
    submitted = event("submitted", "X", f"{D}1", version=0, unit="12688", channel="online")

    assert ("12688", "01", "online-dossiers", 1) in counted(submitted, then("resolved", 2))
    assert ("12688", "01", "online-dossiers", 1) in counted(submitted, then("result-issued", 2))


def test_refused_unless_received_after_it() -> None:
    assert counted(receipt(), then("refused", 2)) == set()
    assert counted(then("refused", 1, day=2), receipt(version=2)) == {ONLINE}
    assert counted(receipt(), then("refused", 2, day=3)) == set(), "at the same instant it is refused"


def test_payments_of_a_refused_dossier_count_until_refunded() -> None:
    pay = then("paid", 3, transaction="T", amount=5, method="online", gateway="national")
    back = then("refunded", 4, transaction="T")

    assert counted(receipt(), then("refused", 2), pay) == {("12688", "05", "online-payments", 1)}
    assert counted(receipt(), then("refused", 2), pay, back) == set()
    assert counted(receipt(), pay, back, {**pay, "version": 5, "id": "again"}) >= {
        ("12688", "05", "online-payments", 1)
    }


def test_withdrawn_and_stopped() -> None:
    done = then("resolved", 2, day=4)
    resolved = {("12688", "04", "digitised-results", 0), ("12688", "04", "electronic-results", 0)}

    assert counted(receipt(), done) == {ONLINE, *resolved}
    assert counted(receipt(), done, then("withdrawn", 3)) == {ONLINE}
    assert counted(receipt(), done, then("stopped", 3)) == {ONLINE, *resolved}
    assert counted(receipt(), then("result-issued", 2), then("stopped", 3)) == {ONLINE}


def test_deleted_counts_nowhere_and_restored_counts_again() -> None:
    pay = then("paid", 2, transaction="T", amount=5, method="online", gateway="national")
    copy = then("copy-certified", 2, copy="K", unit="12688", electronic=True)
    everything = counted(receipt(), pay, copy)

    assert len(everything) == 3
    assert counted(receipt(), pay, copy, then("deleted", 3)) == set()
    assert counted(receipt(), pay, copy, then("deleted", 3), then("restored", 4)) == everything
    assert counted(receipt(), then("withdrawn", 2), then("deleted", 3), then("restored", 4)) == {ONLINE}


def test_resolved_on_the_day_of_resolved_at_else_of_issue() -> None:
    flags = {"electronic": True, "digitised": False}
    both = counted(receipt(), then("resolved", 2, day=4), then("result-issued", 3, day=6, **flags))
    issued = counted(receipt(), then("result-issued", 3, day=6, **flags))

    assert both - {ONLINE} == {("12688", "04", "digitised-results", 0), ("12688", "04", "electronic-results", 1)}
    assert issued - {ONLINE} == {("12688", "06", "digitised-results", 0), ("12688", "06", "electronic-results", 1)}


def test_a_procedure_without_result_document_owes_none() -> None:
    assert counted(receipt(), then("resolved", 2, result_document=False)) == {ONLINE}


def test_a_recall_takes_the_result_back_and_leaves_the_resolution() -> None:
    done = then("resolved", 2, day=4), then("result-issued", 3, day=6, electronic=True, digitised=True)

    assert counted(receipt(), *done, then("result-recalled", 4)) - {ONLINE} == {
        ("12688", "04", "digitised-results", 0), ("12688", "04", "electronic-results", 0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "numerator"),
    [
        ({}, 1), ({"gateway": "local"}, 0), ({"method": "cash"}, 0), ({"method": "transfer"}, 0), ({"gateway": None}, 0),
        ({"exempt": True}, None), ({"amount": 0}, None), ({"amount": None}, 1), ({"paid_at": None}, None),
    ],
)  # fmt: skip
def test_payments(fields: dict[str, Any], numerator: int | None) -> None:
    how = {"amount": 5, "method": "online", "gateway": "national", **fields}
    found = counted(receipt(), then("paid", 2, transaction="T", **how)) - {ONLINE}

    assert found == (set() if numerator is None else {("12688", "05", "online-payments", numerator)})


def test_certified_copies_count_for_the_unit_of_their_event() -> None:
    paper = then("copy-certified", 2, copy="K1", unit="340.phong-tu-phap", electronic=False)
    electronic = then("copy-certified", 3, copy="K2", unit="340", electronic=True)

    assert counted(receipt(), paper, electronic) == {
        ONLINE, ("340", "05", "electronic-copies", 0), ("340", "05", "electronic-copies", 1),
    }  # fmt: skip


def test_an_office_counts_for_its_district_and_a_commune_does_not() -> None:
    assert counted(receipt(unit="340.phong-tu-phap")) == {("340", "03", "online-dossiers", 1)}
    assert counted(receipt(unit="340.never-registered")) == {("340", "03", "online-dossiers", 1)}
    assert counted(receipt(unit="77777")) == {("77777", "03", "online-dossiers", 1)}
    assert counted(receipt(unit="34.so-moi")) == {("34.so-moi", "03", "online-dossiers", 1)}


def test_postal_in_denominator_concerns_online_dossiers_only() -> None:
    events = receipt(channel="postal"), then("resolved", 2, day=4)
    without = counted(*events, switches=(("postal_in_denominator", "false"),))

    assert ("12688", "03", "online-dossiers", 0) in counted(*events)
    assert {c[2] for c in without} == {"digitised-results", "electronic-results"}


def test_a_missing_channel_is_not_online_and_null_takes_it_back() -> None:
    bare = {k: v for k, v in receipt().items() if k != "channel"}

    assert counted(bare) == {("12688", "03", "online-dossiers", 0)}
    assert counted(receipt(), then("corrected", 2, channel=None)) == {("12688", "03", "online-dossiers", 0)}


def test_a_versioned_fact_wins_over_one_without() -> None:
    newer = event("corrected", "X", f"{D}9", unit="12691")

    assert counted(receipt(), newer) == {ONLINE}
    assert counted(newer, receipt()) == {ONLINE}
