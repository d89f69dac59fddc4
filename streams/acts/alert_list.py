"""Open alerts and silences as an official reads them: Vietnamese, what is missing, what to do, who has taken it on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from models.alerting.operator_actions import SEVERITIES
from models.decisions.vietnamese import counted_text
from models.wording import number_text
from streams.notify.texts import KIND, SEVERITY, Names, dossiers_text, when_text

ROLE: Final[Mapping[str, str]] = {
    "unit-head": "thủ trưởng đơn vị",
    "district": "UBND cấp huyện",
    "department-in-charge": "cơ quan chủ trì",
    "peoples-committee-office": "Văn phòng UBND",
    "operator": "bộ phận vận hành",
}
LABEL: Final[Mapping[str, str]] = {
    "decision": "quyết định",
    "indicator": "chỉ tiêu",
    "unit": "đơn vị",
    "district": "địa bàn",
    "kind": "loại",
    "severity": "mức",
    "fingerprint": "cảnh báo",
}
HAPPENED: Final[Mapping[str, str]] = {"firing": "Cảnh báo", "resolved": "Kết thúc", "retracted": "Rút lại"}
ID_SHOWN: Final = 12
"""characters of an alert's id: enough for `ack` and `explain`"""


def list_text(rows: Iterable[Mapping[str, Any]], silences: Iterable[Mapping[str, Any]], names: Names) -> Iterator[str]:
    """Yield lines for `lotrinh alerts list`: its rows and silences as its JSON has them, each row with `still_missing`.

    `still_missing` is what the unit's standing says today; a row without it is about no figure.
    """
    rows = sorted(rows, key=lambda row: -SEVERITIES.index(row["severity"]))  # stable: of one gravity, the oldest first
    silences = list(silences)
    for row in rows:
        first, *rest = _alert(row, names)
        yield f"• {first}"
        yield from (f"  {line}" for line in rest)
        yield ""
    if silences:
        yield f"ĐANG TẮT TIẾNG ({number_text(len(silences))})"
        yield ""
        yield from (_silence(silence, names) for silence in silences)
        yield ""
    yield f"{number_text(len(rows))} cảnh báo đang mở, {number_text(len(silences))} lệnh tắt tiếng có hiệu lực"


def history_text(rows: Iterable[Mapping[str, Any]], names: Names, *, only_open: bool) -> Iterator[str]:
    """Yield lines for `lotrinh alerts`: what happened to alerts, or those that are open, one line each by time."""
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007
        indicator = names.indicator(row["indicator"])
        about = names.unit(row["unit"]) + (f" – {indicator}" if indicator else "")
        yield f"{when_text(row['at'])}  {HAPPENED[row['status']]:<8}  {about}: {row['reason']}"
    what = "cảnh báo đang mở" if only_open else "lần cảnh báo phát sinh, kết thúc hoặc được rút lại"
    yield f"{number_text(count)} {what}"


def _alert(row: Mapping[str, Any], names: Names) -> Iterator[str]:
    indicator = names.indicator(row["indicator"])
    yield names.unit(row["unit"]) + (f" – {indicator}" if indicator else "")
    since = f"từ {when_text(row['at'])}"
    yield f"{SEVERITY[row['severity']]} · {KIND[row['kind']]} · {since} · mã {row['id'][:ID_SHOWN]}"
    yield row["reason"]
    said = row["kind"] != "forecast-miss" and row["still_missing"] == row.get("missing", row["shortfall"])
    if row["still_missing"] and not said:  # where the reason has not said it already
        formula = names.formula(row["indicator"])
        what = "hồ sơ" if formula is None else counted_text(formula)
        yield f"Hôm nay còn thiếu {number_text(row['still_missing'])} {what}."
    if row.get("dossiers"):
        yield dossiers_text(row)
    ack, silence = row["acknowledged"], row["silenced"]
    if ack is not None:
        until = "" if ack["until"] is None else f" đến {when_text(ack['until'])}, hoặc"
        yield f"Đã tiếp nhận{until} đến khi xấu thêm – {ROLE[ack['role']]}: {ack['reason']}"
    if silence is not None:
        yield f"Đang tắt tiếng đến {when_text(silence['until'])} (lệnh {silence['id']})"
    yield f"Việc cần làm: {names.next(row)}"


def _silence(silence: Mapping[str, Any], names: Names) -> str:
    conditions = ", ".join(condition_text(matcher, names) for matcher in silence["matchers"])
    return (
        f"• {silence['id']}: {conditions} · đến {when_text(silence['until'])} · "
        f"{ROLE[silence['role']]}: {silence['reason']}"
    )


def condition_text(matcher: Mapping[str, str], names: Names) -> str:
    """Return one condition of a silence in words."""
    label, value = matcher["label"], matcher["value"]
    say: Mapping[str, Callable[[str], str]] = {
        "unit": names.unit,
        "district": names.unit,
        "decision": names.decision,
        "indicator": names.indicator,
        "kind": lambda kind: KIND.get(kind, kind),
        "severity": lambda grave: SEVERITY.get(grave, grave),
    }
    said = say[label](value) if label in say else value
    return f"{LABEL[label]} {'là' if matcher['op'] == '=' else 'không phải'} {said or value}"
