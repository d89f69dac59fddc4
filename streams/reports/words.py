"""What a report says in words: its title, what was found, how the table is to be read. Vietnamese, for officials."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from models.calendar.civil_time import moment_of
from models.calendar.periods import Label
from models.decisions.file import Indicator
from models.decisions.vietnamese import STATUS, answer_text, formula_text, question_text
from models.reporting.closed_period import Closing
from models.reporting.report import Report
from models.reporting.tables import roman, stretches_of
from models.standings.completeness import Cause, sentence_vn
from models.standings.standings import Status
from models.wording import day_vn, number_text, visible

URGED: Final = "Danh sách đôn đốc"
CLOSING: Final = "Trên đây là kết quả thực hiện chỉ tiêu trong kỳ báo cáo, kính báo cáo./."
EXPLAINED: Final = "THUYẾT MINH SỐ LIỆU"
ATTACHED: Final = "(Kèm theo Báo cáo số ……/BC-…… ngày …… tháng …… năm ………)"
NONE_URGED: Final = "Không có đơn vị nào thấp hơn lộ trình."
STATUSES: Final[tuple[Status, ...]] = ("met", "below", "no-dossiers", "not-measured", "no-target")


class Note(NamedTuple):
    """A paragraph under the table; a heading is set in bold."""

    text: str
    heading: bool = False


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def day_of(instant: str) -> str:
    """Return the civil day of an instant as dd/mm/yyyy."""
    return day_vn(moment_of(instant).date())


def title(report: Report) -> str:
    """Return what is reported on."""
    d = report.reading.decision
    number = f" số {d.number}" if d.number else ""
    issued = f" ngày {day_vn(d.issued)}" if d.issued is not None else ""
    return f"Kết quả thực hiện chỉ tiêu theo Quyết định{number}{issued} của {d.issuer}"


def days(report: Report) -> str:
    """Return which days are counted."""
    first, last = day_vn(report.window.first), day_vn(report.as_of)
    return f"(từ ngày {first} đến hết ngày {last}; lũy kế từ ngày {day_vn(report.first_judged)})"


def cut_off(report: Report) -> str:
    """Return up to which day is counted."""
    return f"Số liệu chốt đến hết ngày {day_vn(report.as_of)}"


def footer(report: Report) -> str:
    """Return what stands at the foot of every page: up to when is counted, and what identifies closed figures."""
    if report.closing is None:
        return cut_off(report)
    return f"{cut_off(report)}. Mã kiểm tra số liệu: {report.closing.digest[:16]}"


def counts(report: Report, *statuses: Status) -> str:
    """Return how many targets have which status, as a list of words; groups aside."""
    found = report.statuses()
    return ", ".join(f"{number_text(found[s])} {STATUS[s].lower()}" for s in statuses if found[s])


def finding(report: Report) -> str:
    """Return what was found, and how final it is."""
    given = sum(n for status, n in report.statuses().items() if status != "no-target")
    closing = report.closing
    known = day_of(report.known_until if closing is None else closing.known_until)
    text = (
        f"Lũy kế đến hết ngày {day_vn(report.as_of)}, trong {number_text(given)} chỉ tiêu giao cho từng đơn vị có: "
        f"{_against_trajectories(report)}.{_against_targets(report)} {cut_off(report)}, "
        f"theo dữ liệu nhận được đến ngày {known}{said_complete(closing)}."
    )
    if closing is None:
        if report.is_over:
            return f"{text} Kỳ báo cáo chưa chốt: số liệu còn thay đổi khi có dữ liệu đến muộn."
        return f"{text} Kỳ báo cáo chưa kết thúc: số liệu là tạm tính."
    number = report.adjusted()
    later = f"có {number_text(number)} dòng được điều chỉnh do dữ liệu đến muộn" if number else "chưa có điều chỉnh"
    return (
        f"{text} Kỳ báo cáo đã chốt ngày {day_of(closing.closed_at)}; từ đó đến dữ liệu ngày "
        f"{day_of(report.known_until)} {later}."
    )


def said_complete(closing: Closing | None) -> str:
    """Return up to when whoever closed a period vouched for facts that end earlier; '' where nobody had to."""
    if closing is None or closing.complete_to is None:
        return ""
    return f" (người chốt xác nhận đã đầy đủ đến hết ngày {day_vn(closing.complete_to)})"


def _against_trajectories(report: Report) -> str:
    found = report.statuses()
    of_trajectory = {"met": " lộ trình", "below": " lộ trình"}
    return ", ".join(
        f"{number_text(found[s])} {STATUS[s].lower()}{of_trajectory.get(s, '')}" for s in STATUSES[:-1] if found[s]
    )


def _against_targets(report: Report) -> str:
    """Return how many have reached the target itself, which is not the trajectory of the day."""
    found = Counter(line.target_status for line in report.lines if not line.is_group)
    return (
        f" So với chỉ tiêu của cả kỳ đánh giá: {number_text(found['reached'])} đã đạt chỉ tiêu, "
        f"{number_text(found['not-reached'])} chưa đạt chỉ tiêu."
    )


def annex_titles(report: Report, number: int, indicator: Indicator) -> list[tuple[str, str]]:
    """Return the lines that head an annex, and how each is set: bold, italic or plain ('')."""
    formula = report.reading.indicators[indicator]
    above, below = formula_text(indicator, formula, report.switches)
    return [
        (f"Phụ lục {roman(number)}", "bold"),
        (visible(formula.title.upper()), "bold"),
        (f"{capital(report.window.label.title)} {days(report)}", ""),
        (ATTACHED, "italic"),
        (visible(f"{title(report)}; {formula.clause}"), ""),
        (f"Mẫu số: {below}. Tử số: {above}.", "italic"),
    ]


def deadlines(report: Report) -> list[str]:
    """Return until when the report is to be sent, where the decision says so."""
    return [f"Hạn gửi: ngày {day_vn(due.latest)} ({due.clause})" for due in report.dues]


def notes(report: Report) -> Iterator[Note]:
    """Yield how the table is to be read, what is counted, which questions are open, and how it was closed."""
    yield from _incomplete_notes(report)
    yield from explanations(report)


def explanations(report: Report) -> Iterator[Note]:
    """Yield the same without what is missing from the figures."""
    yield Note("Cách đọc bảng", heading=True)
    yield Note(
        "- Trong kỳ: số phát sinh trong các ngày của kỳ báo cáo. Lũy kế: từ ngày đầu kỳ đánh giá của quyết định đến "
        "hết kỳ báo cáo. Quyết định đánh giá theo số lũy kế, nên Lộ trình, So với lộ trình và Còn thiếu tính theo số "
        "lũy kế."
    )
    yield Note(
        "- Đạt lộ trình: tỷ lệ lũy kế bằng hoặc cao hơn lộ trình tại ngày chốt (so sánh chính xác trên tử số và mẫu "
        "số); đạt lộ trình chưa phải là đạt chỉ tiêu của cả kỳ đánh giá. Đạt chỉ tiêu: tỷ lệ lũy kế bằng hoặc cao hơn "
        "chính chỉ tiêu được giao. "
        "Chưa đạt: thấp hơn. Chưa phát sinh: mẫu số bằng 0. Không giao: quyết định không giao chỉ tiêu này cho đơn vị. "
        "Tỷ lệ được cắt sau hai chữ số thập phân, không làm tròn lên. (36/38): số đơn vị đạt trên số đơn vị của nhóm."
    )
    yield Note(
        "- Xếp hạng: theo tỷ lệ lũy kế, trong từng nhóm đơn vị của từng chỉ tiêu; các đơn vị có cùng tỷ lệ được ghi là "
        "đồng hạng. Đơn vị chưa phát sinh, không giao, chưa đo được hoặc đã sắp xếp lại thì không xếp hạng."
    )
    if stretches_of(report):
        yield Note("- Mức phấn đấu: mức cao hơn chỉ tiêu mà quyết định nêu; không dùng để đánh giá đạt hay chưa đạt.")
    entered = sum(report.reading.entered(line.unit, line.indicator, report.as_of) for line in report.lines)
    if entered:
        yield Note(
            f"- Lộ trình do đơn vị tự nhập: {number_text(entered)} dòng được đánh giá theo lộ trình của đơn vị hoặc "
            "của nhóm đơn vị, không theo lộ trình mặc định của quyết định."
        )
    if any(line.ceiling is not None for line in report.lines):
        yield Note(
            "- (trần 50 %): tỷ lệ cao nhất có thể đạt với danh mục hiện có, thấp hơn chỉ tiêu: do danh mục, không do "
            "đơn vị."
        )
    yield Note(_comparison(report))
    yield Note(_last_year(report))
    yield Note(
        "- Điều chỉnh sau khi chốt: phần tăng, giảm của số trong kỳ do dữ liệu đến sau khi chốt; số đã chốt giữ nguyên."
    )
    if report.rules_changed:
        yield Note("- Quy tắc tính đã khác so với khi chốt; điều chỉnh gồm cả ảnh hưởng của thay đổi đó.")
    if report.estimates:
        yield Note(
            "- Ước cả năm là ước tính, không phải số liệu: các ngày còn lại được coi là diễn ra như 30 ngày gần nhất, "
            "(N + r·R)/(D + R)."
        )
    yield Note("Cách tính", heading=True)
    for number, (indicator, formula) in enumerate(report.reading.indicators.items(), start=1):
        above, below = formula_text(indicator, formula, report.switches)
        reading = f" {formula.reading}" if formula.reading else ""
        yield Note(f"{number}. {formula.title} ({formula.clause}). Mẫu số: {below}. Tử số: {above}.{reading}")
    yield Note("Các điểm quyết định để ngỏ và lựa chọn đang áp dụng", heading=True)
    for name, value in report.switches.items():
        decision = report.reading.decision
        yield Note(f"- {question_text(name, decision)} Đang áp dụng: {answer_text(name, value, decision)}.")
    if report.closings:
        yield Note("Chốt số liệu", heading=True)
    for closing in report.closings:
        reason = f", lý do: {closing.reason}" if closing.reason else ""
        yield Note(
            f"- Lần {closing.sequence}: ngày {day_of(closing.closed_at)}, dữ liệu nhận được đến ngày "
            f"{day_of(closing.known_until)}{said_complete(closing)}{reason}; mã kiểm tra số liệu {closing.digest[:16]}."
        )


def _comparison(report: Report) -> str:
    before = report.before
    if before is None:
        return "- Kỳ trước: không có, vì quyết định chưa áp dụng."
    of = f"từ ngày {day_vn(before.first)} đến hết ngày {day_vn(before.last)}"
    source = "theo số đã chốt" if report.before_is_closed else "theo dữ liệu hiện có vì kỳ đó chưa chốt"
    return (
        f"- Kỳ trước: {before.label.title} ({of}), {source}. Tăng, giảm là hiệu của hai tỷ lệ đã ghi, tính bằng điểm "
        "phần trăm (điểm %)."
    )


def _last_year(report: Report) -> str:
    closing = report.last_year_of
    if closing is None:
        return "- Cùng kỳ năm trước: không có số liệu đã chốt để so sánh."
    text = (
        f"- Cùng kỳ năm trước: {closing.window.label.title} (từ ngày {day_vn(closing.first)} đến hết ngày "
        f"{day_vn(closing.last)}), tỷ lệ trong kỳ theo số đã chốt ngày {day_of(closing.closed_at)}"
    )
    if closing.decision == report.reading.decision.id:
        return f"{text}."
    return f"{text}, tính theo quyết định áp dụng khi đó (mã {closing.decision}); cách tính có thể khác."


def _incomplete_notes(report: Report) -> Iterator[Note]:
    if report.causes:
        yield Note("SỐ LIỆU CHƯA ĐẦY ĐỦ", heading=True)
    for text in incomplete(report.causes):
        yield Note(f"- {text}.")


def incomplete(causes: Iterable[Cause]) -> Iterator[str]:
    """Yield a sentence for each cause for which figures are incomplete."""
    for cause in causes:
        yield f"Số liệu chưa đầy đủ: {sentence_vn(cause)}"


def reported(report: Report, out: str) -> str:
    """Return one sentence of what was written."""
    w = report.window
    text = (
        f"Đã lập báo cáo {w.label.title} ({day_vn(w.first)}-{day_vn(report.as_of)}) của {report.reading.decision.id}: "
        f"{number_text(len(report.lines))} dòng ghi vào {out}; {counts(report, *STATUSES)}"
    )
    if report.closing is None:
        return f"{text}; kỳ {'chưa chốt' if report.is_over else 'chưa kết thúc'}."
    return f"{text}; chốt ngày {day_of(report.closing.closed_at)}, {number_text(report.adjusted())} dòng có điều chỉnh."


def closed(closing: Closing) -> str:
    """Return one sentence of what was closed."""
    leaves = [line for line in closing.lines if not line.is_group]
    found = Counter(line.status for line in leaves)
    again = f" lần {closing.sequence}" if closing.sequence > 1 else ""
    words = ", ".join(f"{number_text(found[s])} {STATUS[s].lower()}" for s in STATUSES if found[s])
    return (
        f"Đã chốt{again} số liệu {Label.of(closing.period).title} ({day_vn(closing.first)}-{day_vn(closing.last)}) của "
        f"{closing.decision}: {number_text(len({line.unit for line in leaves}))} đơn vị, "
        f"{number_text(len(closing.lines))} dòng; {words}; dữ liệu nhận được đến ngày {day_of(closing.known_until)}"
        f"{said_complete(closing)}; mã kiểm tra {closing.digest[:16]}."
    )
