"""`lotrinh alerts list` as an official reads it."""

from typing import Any

from models.alerting.operator_actions import labels_of
from streams.acts.alert_list import LABEL, ROLE, history_text, list_text
from streams.cli.alerts import ROLES
from streams.files.decision_files import read_reading
from streams.notify.texts import Names
from streams.settings import Settings
from tests.notices import transition

NAMES = Names(read_reading(Settings()))


def row(**more: Any) -> dict[str, Any]:
    return {"acknowledged": None, "silenced": None, "still_missing": 10, **transition(**more), **more}


def text(*rows: dict[str, Any], silences: tuple[dict[str, Any], ...] = ()) -> list[str]:
    return list(list_text(rows, silences, NAMES))


def test_an_alert_says_who_what_since_when_and_what_to_do() -> None:
    fired = row()

    assert text(fired) == [
        "• Thị trấn Đông Hưng – Hồ sơ trực tuyến",
        f"  Cảnh báo · Thấp hơn lộ trình · từ 08:59 05/06/2024 · mã {fired['id'][:12]}",
        "  Lũy kế 40,00 % (40/100) thấp hơn lộ trình 50 %; còn thiếu 10.",
        f"  Việc cần làm: {NAMES.next(fired)}",
        "",
        "1 cảnh báo đang mở, 0 lệnh tắt tiếng có hiệu lực",
    ]


def test_what_is_missing_today_is_said_where_the_reason_does_not() -> None:
    more = "  Hôm nay còn thiếu 1.234 hồ sơ."

    assert more in text(row(still_missing=1_234))
    assert more in text(row(kind="forecast-miss", still_missing=1_234, shortfall=1_234))
    assert "  Hôm nay còn thiếu 3 giao dịch." in text(row(indicator="online-payments", still_missing=3))
    assert not any("Hôm nay" in line for line in text(row(kind="data-quality", indicator="*", still_missing=None)))


def test_marks_of_operators_and_codes_of_dossiers_stand_below() -> None:
    gap = row(
        kind="completeness-gap", dossiers=["H34-1", "H34-2"], missing=22,
        acknowledged={"id": "a", "at": "2024-06-05T09:00:00+07:00", "role": "unit-head", "reason": "đã phân công",
                      "until": None},
        silenced={"id": "s1", "until": "2024-06-08T23:59:59+07:00"},
    )  # fmt: skip

    assert text(gap)[3:-3] == [
        "  Hôm nay còn thiếu 10 hồ sơ.",  # 22 when it fired
        "  Mã hồ sơ: H34-1, H34-2 và 20 hồ sơ khác",
        "  Đã tiếp nhận đến khi xấu thêm – thủ trưởng đơn vị: đã phân công",
        "  Đang tắt tiếng đến 23:59 08/06/2024 (lệnh s1)",
    ]
    assert not any("Hôm nay" in line for line in text({**gap, "still_missing": 22}))
    gap["acknowledged"]["until"] = "2024-06-07T12:00:00+07:00"
    assert "  Đã tiếp nhận đến 12:00 07/06/2024, hoặc đến khi xấu thêm – thủ trưởng đơn vị: đã phân công" in text(gap)


def test_the_gravest_stands_first_and_silences_at_the_end() -> None:
    silence = {
        "id": "s1", "role": "operator", "reason": "bảo trì", "until": "2024-06-08T23:59:59+07:00",
        "matchers": [
            {"label": "unit", "op": "=", "value": "12688"}, {"label": "kind", "op": "!=", "value": "unreachable"},
        ],
    }  # fmt: skip
    said = "• s1: đơn vị là Thị trấn Đông Hưng, loại không phải Không thể đạt trong kỳ"
    said += " · đến 23:59 08/06/2024 · bộ phận vận hành: bảo trì"
    lines = text(row(), row(unit="12691", severity="critical"), silences=(silence,))

    assert [line for line in lines if line.startswith("• ")] == [
        "• Xã Đô Lương – Hồ sơ trực tuyến",
        "• Thị trấn Đông Hưng – Hồ sơ trực tuyến",
        said,
    ]


def test_every_role_and_every_label_has_vietnamese_words() -> None:
    assert set(ROLES) == ROLE.keys()
    assert labels_of(transition(), "340").keys() == LABEL.keys()


def test_the_history_says_what_happened_when_in_one_line_each() -> None:
    rows = [transition(), transition(status="retracted", unit="99999", indicator="*", reason="Sai mã.")]

    assert list(history_text(rows, NAMES, only_open=False)) == [
        f"08:59 05/06/2024  Cảnh báo  Thị trấn Đông Hưng – Hồ sơ trực tuyến: {rows[0]['reason']}",
        "08:59 05/06/2024  Rút lại   99999: Sai mã.",
        "2 lần cảnh báo phát sinh, kết thúc hoặc được rút lại",
    ]
    assert list(history_text([], NAMES, only_open=True)) == ["0 cảnh báo đang mở"]
