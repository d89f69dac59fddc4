"""`lotrinh quality`: what is wrong with the data, and what to do about it."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from streams.cli.options import FILE, echo_json, of_decision, of_system, settings_from
from streams.errors import BadInput
from streams.settings import Settings


@click.command("quality")
@of_decision
@click.option("--events", type=FILE, help="a file of events (JSON lines); without it, the running system is asked")
@click.option("--now", metavar="TIME", help="the time it is held against; default: the clock")
@click.option(
    "--silent-after", type=click.IntRange(min=1), metavar="DAYS", help="working days after which a source is silent"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@of_system
def command(events: Path | None, now: str | None, silent_after: int | None, as_json: bool, **given: Any) -> None:
    """Say which dossiers count wrongly or not at all, and which sources have fallen silent."""
    from models.dossiers.data_quality import ADVICE, SILENT_WORKING_DAYS, Measure, Survey, silent_sources
    from models.registers.catalogue import Catalogue, parse_catalogue
    from models.registers.units import parse_successions
    from models.standings.completeness import Cause, sentence_vn
    from models.standings.completeness import as_json as json_of
    from streams.files.decision_files import read_registry, read_workdays
    from streams.files.tables import read_table
    from streams.local.state import located
    from streams.monitoring.completeness import lasting_causes

    settings = settings_from(**given)
    registry = read_registry(settings)
    catalogue = None
    if settings.catalogue is not None:
        catalogue = Catalogue(read_table(settings.catalogue, parse_catalogue), registry)
    successions = () if settings.successions is None else tuple(read_table(settings.successions, parse_successions))
    survey = Survey(Measure(registry, _now(now), catalogue, successions))
    refused, causes = 0, list[Cause]()
    if events is not None:
        refused = _of_file(events, survey, settings, as_json=as_json)
    else:
        settings = located(settings)
        causes = lasting_causes(settings)
        _of_system(settings, survey)
    silent = silent_sources(
        survey.heard, survey.measure.now, silent_after or SILENT_WORKING_DAYS, read_workdays(settings).is_working
    )
    findings = survey.findings()
    not_examined = {
        **({} if events is not None else {"two-units": "trạng thái hồ sơ chỉ giữ đơn vị sau cùng; dùng --events"}),
        **({} if catalogue is not None else {"online-not-offered": "cần --catalogue"}),
    }
    if not as_json:
        for cause in causes:
            click.echo(f"Số liệu chưa đầy đủ: {sentence_vn(cause)}")
        _print(survey, findings, silent, not_examined, refused)
        return
    echo_json(
        {
            "now": survey.measure.now,
            "dossiers": survey.dossiers,
            "refused": refused,
            "causes": json_of(causes),
            "findings": [{**asdict(f), "name": registry.name(f.unit), **ADVICE[f.kind]._asdict()} for f in findings]
            + [{"kind": "source-silent", **s._asdict(), **ADVICE["source-silent"]._asdict()} for s in silent],
            "not_listed": survey.not_listed(findings),
            "sources": [{"source": source, "last": last} for source, last in sorted(survey.heard.items())],
            "not_examined": [{"kind": kind, "reason": reason} for kind, reason in not_examined.items()],
        }
    )


def _now(text: str | None) -> str:
    from models.calendar.civil_time import end_of, instant, instant_of

    if text is None:
        return instant_of(datetime.now(UTC))
    try:
        return instant(text) if "T" in text else end_of(date.fromisoformat(text))
    except ValueError as exc:
        raise BadInput(f"--now {text}: expected YYYY-MM-DD, or a date-time of RFC 3339 with an offset") from exc


def _of_file(path: Path, survey: Any, settings: Settings, *, as_json: bool) -> int:
    """Survey a file of events; returns how many lines are refused."""
    from models.counting.learning import learn
    from models.dossiers.dossier import NOTHING, Dossier
    from models.dossiers.events import Refused, decode
    from models.dossiers.limits import Crowds
    from streams.feeds.importing import json_lines

    dossiers: dict[str, Dossier] = {}
    crowds = Crowds(settings.limits)
    refused = shown = 0
    size = path.stat().st_size
    stderr = click.get_text_stream("stderr")
    with click.progressbar(length=size, label="reading", file=stderr, hidden=as_json) as bar:
        for _, line, read in json_lines(path):
            event = decode(line, codes=settings.codes)
            if isinstance(event, Refused) or crowds.refuses(
                event, len((known := dossiers.get(event.dossier, NOTHING))[0]), known[0].keys
            ):
                refused += 1
            else:
                survey.take(event)
                dossiers[event.dossier], _ = learn(known, event)
            if read - shown > 1_000_000:
                bar.update(read - shown)
                shown = read
        bar.update(size - shown)
    for code, dossier in dossiers.items():
        survey.judge(code, dossier[0])
    return refused


def _of_system(settings: Settings, survey: Any) -> None:
    """Survey what the running system knows of every dossier."""
    from streams.broker.reading import Dossiers

    dossiers = Dossiers(settings)
    survey.halves = dossiers.in_two_partitions()
    for code, (known, said) in dossiers:
        survey.hear(said[::2])
        survey.judge(code, known)


def _print(survey: Any, findings: list[Any], silent: Any, not_examined: dict[str, str], refused: int) -> None:
    from itertools import groupby

    from models.dossiers.data_quality import ADVICE
    from models.wording import number_text
    from streams.cli.tables import print_table

    registry = survey.measure.registry
    click.echo(f"Chất lượng dữ liệu: {number_text(survey.dossiers)} hồ sơ, số liệu đến {_vn(survey.measure.now)}")
    if refused:
        click.echo(f"{number_text(refused)} dòng không phải là sự kiện (xem `lotrinh evaluate` hoặc `import`)")
    for kind, group in groupby(findings, key=lambda f: f.kind):
        rows = list(group)
        units, dossiers = survey.in_all(kind)
        total = number_text(dossiers)
        click.echo(f"\n{ADVICE[kind].title} ({kind}): {total} hồ sơ\nViệc cần làm: {ADVICE[kind].action}\n")
        print_table(
            ("Đơn vị", "Mã đơn vị", "Số hồ sơ", "Mã hồ sơ"),
            [(registry.name(f.unit) or "(không có)", f.unit, number_text(f.count), _codes(f)) for f in rows],
            right=frozenset({2}),
        )
        if units > len(rows):
            click.echo(f"({number_text(len(rows))} đơn vị có nhiều hồ sơ nhất trong {number_text(units)} đơn vị)")
    if silent:
        click.echo(
            f"\n{ADVICE['source-silent'].title} (source-silent)\nViệc cần làm: {ADVICE['source-silent'].action}\n"
        )
        print_table(
            ("Nguồn", "Bản ghi cuối", "Số ngày làm việc im lặng"),
            [(s.source or "(không tên)", _vn(s.last), str(s.working_days)) for s in silent],
            right=frozenset({2}),
        )
    if not findings and not silent:
        click.echo("\nKhông phát hiện lỗi.")
    for kind, reason in not_examined.items():
        click.echo(f"\nKhông kiểm tra: {ADVICE[kind].title} ({reason})")  # type: ignore[index]  # kinds of the core


def _codes(finding: Any) -> str:
    more = finding.count - len(finding.dossiers)
    return ", ".join(finding.dossiers) + (f", … (còn {more})" if more else "")


def _vn(at: str) -> str:
    from models.calendar.civil_time import moment_of

    return f"{moment_of(at):%H:%M %d/%m/%Y}"
