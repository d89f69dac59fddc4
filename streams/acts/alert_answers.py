"""What operators type of alerts, and what they are answered: Vietnamese; of what is wrong, Vietnamese | English."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, TypeVar, get_args

from models.alerting.operator_actions import SILENCE_DAYS_MAX, Label
from models.calendar.civil_time import end_of, instant, instant_of, moment_of
from streams.acts.alert_list import ID_SHOWN, condition_text
from streams.errors import BadInput
from streams.notify.texts import KIND, Names, when_text

T = TypeVar("T")
_REFUSED: Final[Mapping[str, str]] = {
    "a reason holds no address, telephone or identity number": (
        "lý do không được có địa chỉ thư, số điện thoại hay số định danh"
    ),
    "a silence needs a matcher with `=`": "lệnh tắt tiếng cần ít nhất một điều kiện `=`",
    "a silence ends after it begins": (
        f"lệnh tắt tiếng phải kết thúc sau lúc bắt đầu, trong vòng {SILENCE_DAYS_MAX} ngày"
    ),
    "should have at least 1 character": "không được để trống",
    "should have at most": "dài quá",
}
"""what `models.alerting.operator_actions` says of a record → the same in Vietnamese"""
_SPANS: Final[Mapping[str, Callable[[int], timedelta]]] = {
    "d": lambda n: timedelta(days=n),
    "h": lambda n: timedelta(hours=n),
}


def wrong(vietnamese: str, english: str) -> BadInput:
    """Return what is wrong, as officials read it and as those who run the system do."""
    return BadInput(f"{vietnamese} | {english}")


def refused(reason: str) -> BadInput:
    """Return why a record is refused (`models.alerting.operator_actions.parse_operator`)."""
    where, _, said = reason.removeprefix("operator record, ").partition(": ")
    vietnamese = next((vn for english, vn in _REFUSED.items() if english in said), "bản ghi không hợp lệ")
    return wrong(f"{where}: {vietnamese}", said)


# -- what was typed ----------------------------------------------------------------------------------------------------


def found_alert(rows: Iterable[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the open alert whose id or fingerprint begins so. Raises BadInput."""
    found = [r for r in rows if r["id"].startswith(name) or r["fingerprint"].startswith(name)]
    many = len(found)
    return _the_one(
        found,
        name,
        f"{many} cảnh báo đang mở" if many else "không cảnh báo nào đang mở",
        f"{many} open alerts have" if many else "no open alert has",
    )


def found_silence(ids: Iterable[str], name: str) -> str:
    """Return the silence whose id begins so. Raises BadInput."""
    found = [id_ for id_ in ids if id_.startswith(name)]
    many = len(found)
    return _the_one(
        found, name, f"{many} lệnh tắt tiếng" if many else "không lệnh tắt tiếng nào", f"{many} silences have"
    )


def _the_one(found: Sequence[T], name: str, vietnamese: str, english: str) -> T:
    """Return the only thing found by the beginning of its id. Raises BadInput, saying how many there are."""
    if len(found) != 1:
        begins = f"có mã bắt đầu bằng {name!r}; xem `lotrinh alerts list`"
        raise wrong(f"{vietnamese} {begins}", f"{english} an id that begins so")
    return found[0]


def matcher(text: str) -> dict[str, str]:
    """Read one condition of a silence. Raises BadInput."""
    label, equals, value = text.partition("=")
    op = "!=" if label.endswith("!") else "="
    label = label.removesuffix("!")
    if not equals or not value or label not in get_args(Label):
        labels = ", ".join(get_args(Label))
        raise wrong(
            f"--match {text}: cần NHÃN=GIÁ_TRỊ hoặc NHÃN!=GIÁ_TRỊ, NHÃN là một trong {labels}",
            f"expected LABEL=VALUE or LABEL!=VALUE, LABEL one of {labels}",
        )
    return {"label": label, "op": op, "value": value}


def until(text: str, now: str) -> str:
    """Read a duration, a civil day or an instant. Raises BadInput."""
    try:
        if span := re.fullmatch(r"([0-9]{1,4})([dh])", text):
            return instant_of(moment_of(now) + _SPANS[span[2]](int(span[1])))
        return end_of(date.fromisoformat(text)) if len(text) == 10 else instant(text)
    except ValueError as exc:
        raise wrong(
            f"--until {text}: cần 3d (ngày), 12h (giờ), YYYY-MM-DD, hoặc một thời điểm RFC 3339 có múi giờ",
            "expected 3d, 12h, YYYY-MM-DD or an RFC 3339 instant with an offset",
        ) from exc


# -- answers -----------------------------------------------------------------------------------------------------------


def ack_text(fired: Mapping[str, Any], ends: str | None, names: Names) -> str:
    """Say which alert is acknowledged, and until when."""
    who = " – ".join(
        filter(None, (names.unit(fired["unit"]), names.indicator(fired["indicator"]), KIND[fired["kind"]]))
    )
    span = "" if ends is None else f"đến {when_text(ends)}, hoặc "
    return f"Đã ghi nhận tiếp nhận: {who} (mã {fired['id'][:ID_SHOWN]}), {span}đến khi kết thúc hoặc xấu thêm."


def silence_text(silence: Mapping[str, Any], names: Names) -> str:
    """Say what is silenced, and until when."""
    conditions = ", ".join(condition_text(m, names) for m in silence["matchers"])
    return f"Lệnh tắt tiếng {silence['id']} có hiệu lực đến {when_text(silence['until'])}: {conditions}."


def unsilence_text(silence: str) -> str:
    """Say which silence has ended."""
    return f"Đã kết thúc lệnh tắt tiếng {silence}."
