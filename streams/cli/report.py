"""`lotrinh report`: the table that goes to the Chairman's office."""

from pathlib import Path
from typing import Any

import click

from streams.cli.options import (
    FILE,
    day_option,
    echo_json,
    may_be_incomplete,
    of_decision,
    of_system,
    say,
    settings_from,
)
from streams.errors import BadInput


@click.command("report")
@of_decision
@of_system
@click.option("--period", required=True, metavar="PERIOD", help="2024-06, 2024-Q2, 2024-H1, 2024-9M or 2024")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="F.xlsx, F.docx, F.pdf or F.csv; replaced if there",
)  # fmt: skip
@click.option(
    "--format",
    "form",
    type=click.Choice(("xlsx", "docx", "pdf", "csv", "csv-excel")),
    help="by the name of --out if not given; csv-excel: a CSV that a Vietnamese Excel opens by a double click",
)
@click.option(
    "--bundle", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="in place of --out: a directory for the report in every form, with SHA256SUMS",
)  # fmt: skip
@click.option("--as-of", "as_of", metavar="DATE", help="count only up to this day of the period")
@click.option("--wait/--no-wait", default=True, show_default=True, help="first wait until all that arrived is counted")
@click.option("--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="of --wait, seconds")
@click.option("--events", type=FILE, help="report from a file of events (JSON lines) instead of the running system")
@click.option("--closed", type=FILE, help="with --events: the file of closed periods")
@may_be_incomplete
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout: what was written")
def command(
    period: str, out: Path | None, bundle: Path | None, as_of: str | None, wait: bool, timeout: float,
    events: Path | None, closed: Path | None, allow_incomplete: bool, as_json: bool, form: str | None, **given: Any,
) -> None:  # fmt: skip
    """Write a period's report: figures of the period, verdict at its end, the period before, adjustments."""
    from models.standings.completeness import as_json as as_json_of
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.reports import files, sources, words

    if (out is None) == (bundle is None) or (bundle is not None and form is not None):
        raise BadInput("give either --out FILE, with --format or without, or --bundle DIR")
    write = None if out is None else files.writer_for(out, form)
    settings = settings_from(**given)
    if events is None:
        if closed is not None:
            raise BadInput("--closed goes with --events")
        settings = located(settings)
        reading = read_reading(settings)
        source = sources.running(settings, reading, timeout if wait else None, say, allow_incomplete=allow_incomplete)
    else:
        reading = read_reading(settings)
        source = sources.offline(reading, events, closed, None, say, settings)
        for number, reason in source.refused:
            click.echo(f"{events}, line {number}: {reason}", err=True)
    report = sources.report_of(source, period, day_option("--as-of", as_of))
    if out is not None and write is not None:
        files.write_whole(out, write(report))
        written = [out]
    else:
        assert bundle is not None  # noqa: S101 - one of the two was given
        written = files.write_bundle(bundle, f"bao-cao-{reading.decision.id}-{report.window.label}", report)
    if as_json:
        echo_json(
            {
                "decision": reading.decision.id,
                "period": str(report.window.label),
                "from": report.window.first,
                "to": report.as_of,
                "known_until": report.known_until,
                "closed": None if report.closing is None else report.closing.sequence,
                "out": str(out if out is not None else bundle),
                "files": [str(file) for file in written],
                "lines": len(report.lines),
                "adjusted": report.adjusted(),
                "statuses": report.statuses(),
            }
            | ({"causes": as_json_of(report.causes)} if allow_incomplete else {})
        )
    else:
        click.echo(words.reported(report, str(out if out is not None else bundle)))
        for text in words.incomplete(report.causes):
            click.echo(text)
