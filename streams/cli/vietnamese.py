"""The help of commands that officials use, in Vietnamese: one catalogue, beside which the English stands as its key.

Commands and options are defined once, in English. Where `LOTRINH_LANG`, or else `LANG`, begins with `vi`, their help is
translated as it is shown; what the catalogue does not hold stays English.
"""

import copy
import inspect
import os
from collections.abc import Sequence
from typing import Final

import click

OFFICIALS: Final = (
    "report",
    "close",
    "alerts",
    "standings",
    "quality",
    "decisions",
    "trajectories",
    "evaluate",
    "breakdown",
)
"""the commands whose whole help is in the catalogue"""

HEADINGS: Final = {"Options": "Tùy chọn", "Commands": "Lệnh", "Arguments": "Tham số"}

EXTRAS: Final = {"[required]": "[bắt buộc]", "[default: ": "[mặc định: ", "; required]": "; bắt buộc]"}
"""what click adds in brackets"""

HELP_SENTENCES: Final = {
    # the list of commands
    "Follow every dossier along the trajectory that a decision assigned to its unit.": (
        "Theo dõi từng hồ sơ theo lộ trình mà quyết định giao cho đơn vị."
    ),
    "Run everything on this machine.": "Chạy toàn bộ hệ thống trên máy này.",
    "Run one worker: tally or watch.": "Chạy một tiến trình xử lý: tally hoặc watch.",
    "Run the wallboard.": "Chạy bảng hiển thị.",
    "Run the desk, where officials act.": "Chạy bàn làm việc của cán bộ.",
    "Tell receivers of alerts.": "Gửi cảnh báo đến nơi nhận.",
    "Create or check the Kafka topics.": "Tạo hoặc kiểm tra các topic Kafka.",
    "Publish events from a file.": "Đưa sự kiện từ tệp vào hệ thống.",
    "Say what will go wrong with what portals send.": "Kiểm tra trước dữ liệu do các Cổng gửi.",
    "Make a reproducible year of a province.": "Tạo một năm dữ liệu mô phỏng của một tỉnh.",
    "Evaluate a file of events without Kafka.": "Tính kết quả từ một tệp sự kiện, không cần Kafka.",
    "Show where every unit stands now.": "Xem kết quả hiện nay của từng đơn vị.",
    "Say which part of a unit's dossiers lowers its ratios.": "Nêu phần hồ sơ làm tỷ lệ của đơn vị thấp.",
    "Say what is wrong with the data, and what to do.": "Nêu dữ liệu sai, thiếu và việc cần làm.",
    "Freeze the figures of a period that has ended.": "Chốt số liệu của kỳ đã kết thúc.",
    "Write the table that goes to the Chairman's office.": "Lập báo cáo gửi Văn phòng Ủy ban nhân dân.",
    "Show the alerts of the running system, and act on them.": "Xem và xử lý cảnh báo của hệ thống đang chạy.",
    "Write what cannot be derived to one file.": "Sao lưu phần dữ liệu không tính lại được vào một tệp.",
    "Restore a backup into an empty cluster.": "Phục hồi bản sao lưu vào một cụm trống.",
    "Check a deployment: what is wrong, what follows, what to do.": (
        "Kiểm tra hệ thống: lỗi gì, hậu quả gì, cần làm gì."
    ),
    "Try alert rules on cases and over recorded years.": "Thử quy tắc cảnh báo trên tình huống và dữ liệu các năm.",
    "List, show and check decisions.": "Liệt kê, xem và kiểm tra quyết định.",
    "The form for trajectories by month or quarter, and its check.": (
        "Biểu mẫu lộ trình theo tháng hoặc quý và kiểm tra biểu mẫu."
    ),
    "List refused records, and read them again.": "Liệt kê bản ghi bị từ chối và đọc lại.",
    "Show the version and exit.": "Hiện phiên bản rồi kết thúc.",
    "Show this message and exit.": "Hiện trợ giúp này rồi kết thúc.",
    # options that several commands share
    "a shipped decision, or the path of a decision file": "mã quyết định có sẵn, hoặc đường dẫn tệp quyết định",
    "the catalogue of procedures (CSV)": "danh mục thủ tục hành chính (CSV)",
    "further units (CSV)": "đơn vị bổ sung (CSV)",
    "trajectories entered by units (CSV)": "lộ trình do đơn vị nhập (CSV)",
    "days off and days worked beside the shipped calendar (CSV)": (
        "ngày nghỉ, ngày làm bù bổ sung cho lịch có sẵn (CSV)"
    ),
    "mergers, splits and abolitions of units (CSV)": "sáp nhập, chia tách, giải thể đơn vị (CSV)",
    "a switch of the decision": "một lựa chọn của quyết định",
    "state directory of `lotrinh up`": "thư mục trạng thái của `lotrinh up`",
    "figures from outside (CSV: indicator,unit,day,numerator,denominator,version)": (
        "số liệu lấy từ nguồn ngoài (CSV: indicator,unit,day,numerator,denominator,version)"
    ),
    "say what is missing and go on, instead of refusing (exit code 4)": (
        "nêu phần còn thiếu và vẫn tiếp tục, thay vì từ chối (mã thoát 4)"
    ),
    "print JSON alone on stdout": "chỉ in JSON ra đầu ra chuẩn",
    "of --wait, seconds": "thời gian chờ tối đa của --wait, tính bằng giây",
    "of the wait, seconds": "thời gian chờ tối đa, tính bằng giây",
    "only this decision": "chỉ quyết định này",
    "only this unit": "chỉ đơn vị này",
    "only this unit or group": "chỉ đơn vị hoặc nhóm này",
    "JSON lines": "tệp sự kiện, mỗi dòng một JSON",
    "JSON lines, in the order of arrival": "tệp sự kiện, mỗi dòng một JSON, theo thứ tự nhận được",
    "the day asked about, YYYY-MM-DD": "ngày cần xem, dạng YYYY-MM-DD",
    "the day asked about; default today": "ngày cần xem; mặc định là hôm nay",
    "first wait until all that is in the inbound topics has been counted": (
        "chờ đến khi mọi bản ghi đầu vào được tính xong"
    ),
    # report
    "Write a period's report: figures of the period, verdict at its end, the period before, adjustments.": (
        "Lập báo cáo của một kỳ: số liệu trong kỳ, kết quả cuối kỳ, so với kỳ trước, phần điều chỉnh."
    ),
    "2024-06, 2024-Q2, 2024-H1, 2024-9M or 2024": "2024-06, 2024-Q2, 2024-H1, 2024-9M hoặc 2024",
    "F.xlsx, F.docx, F.pdf or F.csv; replaced if there": "F.xlsx, F.docx, F.pdf hoặc F.csv; ghi đè nếu đã có",
    "by the name of --out if not given; csv-excel: a CSV that a Vietnamese Excel opens by a double click": (
        "nếu không ghi thì theo đuôi tệp của --out; csv-excel: CSV mở được bằng Excel tiếng Việt"
    ),
    "in place of --out: a directory for the report in every form, with SHA256SUMS": (
        "thay cho --out: thư mục chứa báo cáo ở mọi dạng, kèm SHA256SUMS"
    ),
    "count only up to this day of the period": "chỉ tính đến hết ngày này của kỳ",
    "first wait until all that arrived is counted": "chờ đến khi mọi dữ liệu đã nhận được tính xong",
    "report from a file of events (JSON lines) instead of the running system": (
        "lập báo cáo từ tệp sự kiện (mỗi dòng một JSON) thay vì từ hệ thống đang chạy"
    ),
    "with --events: the file of closed periods": "cùng với --events: tệp các kỳ đã chốt",
    "print JSON alone on stdout: what was written": "chỉ in JSON ra đầu ra chuẩn: các tệp đã ghi",
    # close
    (
        "Freeze a period's figures once all that has arrived is counted. What comes later is shown as adjustments."
        "\n\nA period that has not ended is refused, and so is one that is closed, unless a reason is given."
    ): (
        "Chốt số liệu của một kỳ sau khi mọi dữ liệu đã nhận được tính xong. Dữ liệu đến sau được ghi là điều chỉnh."
        "\n\nKhông chốt được kỳ chưa kết thúc. Kỳ đã chốt chỉ được chốt lại khi có lý do."
    ),
    "close a closed period once more; the earlier closing stays": "chốt lại kỳ đã chốt; lần chốt trước được giữ nguyên",
    "close from a file of events (JSON lines) instead of the running system": (
        "chốt từ tệp sự kiện (mỗi dòng một JSON) thay vì từ hệ thống đang chạy"
    ),
    "with --events: the file closings are added to": "cùng với --events: tệp ghi thêm lần chốt",
    "with --events: the day up to which the file is complete": "cùng với --events: ngày mà đến đó tệp đã đầy đủ",
    # alerts
    "Show every alert transition, by time, from the topic `alerts`; with a command, explain one or act on it.": (
        "Xem mọi thay đổi của cảnh báo theo thời gian; dùng lệnh con để giải thích hoặc xử lý."
    ),
    "only alerts that are firing now": "chỉ cảnh báo đang mở",
    (
        "Show open alerts with what operators have said of them, and the silences in force."
        "\n\nThe JSON also says what each was judged by, where in the log it comes from, and when each mailbox is told"
        " next."
    ): (
        "Xem cảnh báo đang mở, tình hình tiếp nhận và các lần tạm ngừng gửi đang có hiệu lực."
        "\n\nJSON còn nêu căn cứ đánh giá, vị trí trong nhật ký và lần gửi kế tiếp của từng nơi nhận."
    ),
    "receivers file, from which it follows who is told next, and when (JSON)": (
        "tệp nơi nhận, để biết ai được báo kế tiếp và khi nào (JSON)"
    ),
    "Acknowledge an open alert (ID: of its transition or its fingerprint, or how that begins).": (
        "Ghi nhận đã tiếp nhận một cảnh báo đang mở (ID: mã cảnh báo hoặc phần đầu của mã)."
    ),
    "the office that acts, never a person": "cơ quan, chức danh xử lý; không ghi tên người",
    "what is being done; no names, no numbers": "việc đang làm; không ghi tên người, số giấy tờ",
    "3d, 12h, a day, or an instant; default: until it ends or gets worse": (
        "3d, 12h, một ngày hoặc một thời điểm; mặc định: đến khi kết thúc hoặc nặng hơn"
    ),
    "Send nothing of the alerts that fit all conditions, until then. The end of what was told is still told.": (
        "Tạm ngừng gửi các cảnh báo thỏa mãn mọi điều kiện. Cảnh báo đã gửi vẫn được báo khi kết thúc."
    ),
    "or LABEL!=VALUE; repeat": "hoặc LABEL!=VALUE; có thể ghi nhiều lần",
    "3d, 12h, a day (to its end), or an instant": "3d, 12h, một ngày (đến hết ngày) hoặc một thời điểm",
    "why; no names, no numbers": "lý do; không ghi tên người, số giấy tờ",
    "End a silence before its time.": "Kết thúc sớm một lần tạm ngừng gửi.",
    (
        "Explain the alert transition ID: its inputs, the rule asked again, the log read again."
        "\n\nExits 1 where rule or log give another answer."
    ): (
        "Giải thích cảnh báo ID: số liệu đầu vào, áp dụng lại quy tắc, đọc lại nhật ký."
        "\n\nMã thoát 1 nếu quy tắc hoặc nhật ký cho kết quả khác."
    ),
    # standings, quality
    (
        "Show the standing of every unit, from the topic `standings`."
        "\n\nWith --wait, exit code 4 and one sentence per cause where not all that has arrived can be counted within"
        " the limit."
    ): (
        "Xem kết quả của từng đơn vị."
        "\n\nVới --wait: mã thoát 4 và mỗi nguyên nhân một câu, nếu hết thời gian chờ mà chưa tính xong."
    ),
    "Say which dossiers count wrongly or not at all, and which sources have fallen silent.": (
        "Nêu hồ sơ bị tính sai hoặc không được tính, và nguồn dữ liệu đã im lặng."
    ),
    "a file of events (JSON lines); without it, the running system is asked": (
        "tệp sự kiện (mỗi dòng một JSON); nếu không ghi thì hỏi hệ thống đang chạy"
    ),
    "the time it is held against; default: the clock": "thời điểm rà soát; mặc định: bây giờ",
    "working days after which a source is silent": "số ngày làm việc không có dữ liệu thì coi nguồn là im lặng",
    # decisions
    "List, show, check and compare decisions.": "Liệt kê, xem, kiểm tra và so sánh quyết định.",
    "List the decisions that come with lotrinh.": "Liệt kê các quyết định có sẵn.",
    "Show a decision: its targets unit by unit, groups, cells without target, and open questions.": (
        "Xem một quyết định: chỉ tiêu từng đơn vị, nhóm, ô không giao và chỗ văn bản chưa rõ."
    ),
    "Say what differs between two decisions, or two versions of one, row by row.": (
        "So sánh hai quyết định, hoặc hai bản của một quyết định, theo từng dòng."
    ),
    "Print the JSON Schema of decision files, for editors (docs/decisions.md says how).": (
        "In JSON Schema của tệp quyết định, dùng cho trình soạn thảo (xem docs/decisions.md)."
    ),
    (
        "Check a decision file, and whether it fits the registry and the files given with it."
        "\n\nAll problems at once on stderr, a line each, Vietnamese before English; exit code 2 where there is one."
    ): (
        "Kiểm tra tệp quyết định, sự phù hợp với danh mục đơn vị và các tệp đi kèm."
        "\n\nNêu mọi lỗi, mỗi lỗi một dòng, tiếng Việt trước tiếng Anh; mã thoát 2 nếu có lỗi."
    ),
    # trajectories, evaluate
    "Write the form for trajectories by month or quarter, and check one that was filled in.": (
        "Lập biểu mẫu lộ trình theo tháng hoặc quý, và kiểm tra biểu mẫu đã điền."
    ),
    "Write an empty form with the decision's units and targets.": (
        "Lập biểu mẫu trống, có sẵn đơn vị và chỉ tiêu của quyết định."
    ),
    "the workbook (.xlsx)": "tệp Excel (.xlsx)",
    "only this unit; a district comes with its communes and offices": (
        "chỉ đơn vị này; nếu là huyện thì gồm cả xã và phòng của huyện"
    ),
    "every commune of a group, not the group alone": "từng xã của nhóm, không chỉ cả nhóm",
    "of a decision that holds for every year; default: this year": (
        "năm, với quyết định áp dụng hằng năm; mặc định: năm nay"
    ),
    "Say what is wrong with a form, where, and what was expected; in Vietnamese, for those who filled it in.": (
        "Kiểm tra biểu mẫu: sai gì, ở ô nào, cần ghi thế nào."
    ),
    "Show how far offices of districts are along trajectories of their own: no target, no alert.": (
        "Xem kết quả của các phòng thuộc huyện theo lộ trình riêng: không giao chỉ tiêu, không cảnh báo."
    ),
    "Evaluate a file of events as of a civil day: standings, and the alerts there would have been.": (
        "Tính kết quả từ một tệp sự kiện đến hết một ngày: kết quả từng đơn vị và các cảnh báo lẽ ra đã có."
    ),
    "how often alerts are evaluated": "khoảng cách giữa hai lần xét cảnh báo",
    "also say whose verdict depends on an open question": (
        "nêu thêm đơn vị có kết quả phụ thuộc vào chỗ văn bản chưa rõ"
    ),
    "Say which part of a unit's dossiers lowers its ratios: by procedure, field or channel.": (
        "Nêu phần hồ sơ làm tỷ lệ của đơn vị thấp: theo thủ tục, lĩnh vực hoặc hình thức nộp."
    ),
    "the unit or group": "đơn vị hoặc nhóm đơn vị",
    "only this indicator": "chỉ chỉ tiêu này",
    "what figures are taken by": "phân tích theo thủ tục, lĩnh vực hay hình thức nộp",
    "last days that are told apart": "số ngày gần nhất được nêu riêng",
    "also take every unit's figures apart": (
        "phân tích thêm số liệu từng đơn vị theo thủ tục, lĩnh vực hoặc hình thức nộp"
    ),
    "with --breakdown: only these, with their history": (
        "cùng với --breakdown: chỉ các đơn vị này, kèm số liệu lũy kế từng ngày"
    ),
    "with --sensitivity: a day that is not known, as if it were": "cùng với --sensitivity: giả định một ngày chưa biết",
}


def is_wanted() -> bool:
    """Tell whether help is shown in Vietnamese; `LOTRINH_LANG` goes before `LANG`."""
    return (os.environ.get("LOTRINH_LANG") or os.environ.get("LANG") or "").lower().startswith("vi")


def in_vietnamese(text: str) -> str:
    """Return a help text in Vietnamese, or as it is where the catalogue does not hold it."""
    return HELP_SENTENCES.get(inspect.cleandoc(text), text)


class Formatter(click.HelpFormatter):
    """Click's formatter of help, with Vietnamese headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that shows how a command is used."""
        super().write_usage(prog, args, prefix or "Cách dùng: ")

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        super().write_heading(HEADINGS.get(heading, heading))

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write options or commands, each with its sentence."""
        super().write_dl([(name, _extras(in_vietnamese(text))) for name, text in rows], col_max, col_spacing)


class _Context(click.Context):
    formatter_class = Formatter


def with_vietnamese_help(command: click.Command) -> click.Command:
    """Return a copy of a command, and of all below it, whose help is in Vietnamese."""
    made = copy.copy(command)
    made.context_class = _Context
    made.help = command.help and in_vietnamese(command.help)
    made.params = [_translated(param) for param in command.params]
    if isinstance(made, click.Group):
        made.commands = {name: with_vietnamese_help(below) for name, below in made.commands.items()}
    return made


def _translated(param: click.Parameter) -> click.Parameter:
    made = copy.copy(param)
    if isinstance(made, click.Option) and made.help:
        made.help = in_vietnamese(made.help)
    return made


def _extras(text: str) -> str:
    for english, vietnamese in EXTRAS.items():
        text = text.replace(english, vietnamese)
    return text
