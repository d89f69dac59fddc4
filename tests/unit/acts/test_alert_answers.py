"""What `lotrinh alerts ack`, `silence` and `unsilence` take, and what they answer."""

import json
from typing import Any

import pytest

from models.alerting.operator_actions import parse_operator
from models.dossiers.events import Refused
from streams.acts.alert_answers import (
    ack_text,
    found_alert,
    found_silence,
    matcher,
    refused,
    silence_text,
    unsilence_text,
    until,
)
from streams.errors import BadInput
from streams.files.decision_files import read_reading
from streams.notify.texts import Names
from streams.settings import Settings
from tests.notices import NOW, transition

NAMES = Names(read_reading(Settings()))
ENDS = "2024-06-08T23:59:59+07:00"


def test_an_acknowledgement_says_of_which_alert_and_until_when() -> None:
    fired, silent = transition(), transition(unit="34", kind="source-silent", indicator="*")

    assert ack_text(fired, None, NAMES) == (
        "Đã ghi nhận tiếp nhận: Thị trấn Đông Hưng – Hồ sơ trực tuyến – Thấp hơn lộ trình "
        f"(mã {fired['id'][:12]}), đến khi kết thúc hoặc xấu thêm."
    )
    assert ack_text(silent, ENDS, NAMES) == (
        f"Đã ghi nhận tiếp nhận: Tỉnh Thái Bình – Nguồn dữ liệu im lặng (mã {silent['id'][:12]}), "
        "đến 23:59 08/06/2024, hoặc đến khi kết thúc hoặc xấu thêm."
    )


def test_a_silence_says_what_it_holds_back_and_its_end_what_has_ended() -> None:
    made = {"id": "3f9c", "until": ENDS, "matchers": [matcher("district=340"), matcher("kind!=unreachable")]}

    assert silence_text(made, NAMES) == (
        "Lệnh tắt tiếng 3f9c có hiệu lực đến 23:59 08/06/2024: "
        "địa bàn là Huyện Đông Hưng, loại không phải Không thể đạt trong kỳ."
    )
    assert unsilence_text("3f9c") == "Đã kết thúc lệnh tắt tiếng 3f9c."


def test_times_are_spans_days_or_instants() -> None:
    assert until("3d", NOW) == "2024-06-08T09:00:00+07:00"
    assert until("12h", NOW) == "2024-06-05T21:00:00+07:00"
    assert until("2024-06-08", NOW) == ENDS
    assert until("2024-06-08T23:59:59+07:00", NOW) == ENDS


def test_an_id_is_known_by_its_beginning() -> None:
    rows: list[Any] = [transition(), transition(unit="12691")]

    assert found_alert(rows, rows[1]["id"][:12]) is rows[1]
    assert found_alert(rows, rows[0]["fingerprint"][:12]) is rows[0]
    assert found_silence(["3f9c", "77aa"], "3f") == "3f9c"


@pytest.mark.parametrize(
    ("ask", "vietnamese", "english"),
    [
        (
            lambda: found_alert([transition()], "zz"),  # type: ignore[list-item]  # a transition is a dict
            "không cảnh báo nào đang mở có mã bắt đầu bằng 'zz'; xem `lotrinh alerts list`",
            "no open alert has an id that begins so",
        ),
        (
            lambda: found_alert([transition(), transition(unit="12691")], ""),  # type: ignore[list-item]
            "2 cảnh báo đang mở có mã bắt đầu bằng ''; xem `lotrinh alerts list`",
            "2 open alerts have an id that begins so",
        ),
        (
            lambda: found_silence([], "3f"),
            "không lệnh tắt tiếng nào có mã bắt đầu bằng '3f'; xem `lotrinh alerts list`",
            "0 silences have an id that begins so",
        ),
        (
            lambda: until("hôm sau", NOW),
            "--until hôm sau: cần 3d (ngày), 12h (giờ), YYYY-MM-DD, hoặc một thời điểm RFC 3339 có múi giờ",
            "expected 3d, 12h, YYYY-MM-DD or an RFC 3339 instant with an offset",
        ),
    ],
)
def test_what_is_wrong_is_said_in_vietnamese_first(ask: Any, vietnamese: str, english: str) -> None:
    with pytest.raises(BadInput) as raised:
        ask()

    assert str(raised.value) == f"{vietnamese} | {english}"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"reason": "gọi 0912345678"}, "silence.reason: lý do không được có địa chỉ thư, số điện thoại hay số định danh"),
        ({"reason": ""}, "silence.reason: không được để trống"),
        ({"reason": "x" * 301}, "silence.reason: dài quá"),
        ({"until": "2025-06-08T00:00:00+07:00"}, "silence: lệnh tắt tiếng phải kết thúc sau lúc bắt đầu, trong vòng 92 ngày"),
        ({"matchers": [matcher("unit!=1")]}, "silence: lệnh tắt tiếng cần ít nhất một điều kiện `=`"),
    ],
)  # fmt: skip
def test_a_record_that_is_refused_says_why_in_vietnamese_first(more: dict[str, Any], said: str) -> None:
    common = {"kind": "silence", "id": "s", "at": NOW, "role": "operator", "reason": "bảo trì", "since": NOW}
    record = {**common, "until": ENDS, "matchers": [matcher("unit=1")], **more}
    answer = parse_operator(json.dumps(record).encode())

    assert isinstance(answer, Refused)
    assert str(refused(answer.reason)).partition(" | ")[0] == said
    assert "0912" not in str(refused(answer.reason))
