"""Acts on alerts: what becomes a record, in which format, and what is refused before anything is written."""

from typing import Any

import orjson
import pytest

from models.alerting.operator_actions import Ack, Silence, parse_operator
from models.dossiers.events import Refused
from streams.acts.alert_acts import Acts, open_of
from streams.errors import BadInput
from streams.settings import Settings

NOW = "2024-06-10T08:00:00+07:00"
FIRED = {"id": "a1", "fingerprint": "f1", "severity": "warning", "shortfall": 7, "status": "firing"}


def acts(sent: list[tuple[bytes, bytes, Any]], by: str | None = None) -> Acts:
    def send(_: Settings, key: bytes, value: bytes, headers: Any) -> None:
        sent.append((key, value, headers))

    return Acts(Settings(), "peoples-committee-office", NOW, by=by, send=send)


def test_an_acknowledgement_is_what_its_readers_read() -> None:
    sent: list[tuple[bytes, bytes, Any]] = []
    made = acts(sent).acknowledge(FIRED, 9, "đang xử lý", "3d")

    [(key, value, headers)] = sent
    read = parse_operator(value)
    assert isinstance(read, Ack)
    assert (key, read.shortfall, read.until) == (b"f1", 9, "2024-06-13T08:00:00+07:00")
    assert orjson.loads(value) == made
    assert headers == [("format", b"1")]


def test_what_somebody_signed_in_did_names_a_pseudonym_and_is_of_a_later_format() -> None:
    sent: list[tuple[bytes, bytes, Any]] = []
    acts(sent, "p-0123456789ab").silence([{"label": "unit", "op": "=", "value": "340"}], "2024-06-12", "bảo trì")

    [(_, value, headers)] = sent
    read = parse_operator(value)
    assert isinstance(read, Silence)
    assert read.by == "p-0123456789ab"
    assert headers == [("format", b"2")]


@pytest.mark.parametrize("note", ["", "gọi 0912345678", "thư a@b.vn", "x" * 301])
def test_nothing_is_written_of_what_is_refused(note: str) -> None:
    sent: list[tuple[bytes, bytes, Any]] = []
    with pytest.raises(BadInput):
        acts(sent).acknowledge(FIRED, 9, note, None)
    assert not sent


def test_a_name_is_no_pseudonym() -> None:
    sent: list[tuple[bytes, bytes, Any]] = []
    with pytest.raises(BadInput):
        acts(sent, "Nguyễn Văn A").end_silence("s1", "kết thúc sớm")
    assert not sent
    assert isinstance(parse_operator(b'{"by":"x"}'), Refused)


def test_open_is_whose_latest_transition_fired() -> None:
    ended = FIRED | {"id": "a2", "status": "resolved"}
    other = FIRED | {"id": "a3", "fingerprint": "f2"}
    assert [row["id"] for row in open_of([FIRED, other, ended])] == ["a3"]
