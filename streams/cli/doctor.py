"""`lotrinh doctor`: is this deployment well, and if not, what follows and what to do."""

import time
from collections.abc import Iterator
from typing import Any

import click

from streams.cli.options import echo_json, of_decision, of_system, settings_from

MARKS = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED ", "skipped": "skipped"}


@click.command("doctor")
@of_decision
@of_system
@click.option("--worker", "workers", multiple=True, metavar="URL", help="a worker's operations address, asked /readyz")
@click.option("--wallboard", metavar="URL", help="the wallboard's address; default: that of `lotrinh up`")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def command(workers: tuple[str, ...], wallboard: str | None, as_json: bool, **given: Any) -> None:
    """Check the deployment; reads only. Exit code 0: all is well, 1: warnings, 2: a check has failed."""
    from streams.doctor.checks import worst
    from streams.errors import BadInput
    from streams.local.state import located

    settings = located(settings_from(**given))
    findings = []
    for finding in _findings(settings, workers, wallboard):
        findings.append(finding)
        if not as_json:
            _print(finding)
    code = worst(findings)
    if as_json:
        echo_json({"exit_code": code, "checks": [f._asdict() for f in findings]})
    if code == 2:
        failed = list(dict.fromkeys(f.check for f in findings if f.level == "failed"))
        raise BadInput(f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}")
    raise SystemExit(code)


def _print(finding: Any) -> None:
    click.echo(f"{MARKS[finding.level]}  {finding.check:<12}  {finding.text}")
    for name, text in (("so", finding.consequence), ("do", finding.remedy)):
        if text:
            click.echo(f"{'':<23}{name}: {text}")


def _findings(settings: Any, workers: tuple[str, ...], wallboard: str | None) -> Iterator[Any]:
    """Yield findings as they are made: slow ones come last."""
    import asyncio
    from datetime import datetime

    from kafka.errors import KafkaError

    from models.calendar.civil_time import ZONE, utc_ms
    from streams.board.standings_log import strays_now
    from streams.broker import topics
    from streams.doctor import checks as doctor
    from streams.doctor.cluster import gather
    from streams.doctor.kafka_checks import complete, kafka_findings
    from streams.doctor.redis_probe import probe
    from streams.errors import BadInput
    from streams.files.decision_files import read_reading
    from streams.local.state import StateDir
    from streams.monitoring.completeness import Sight

    yield doctor.libraries()
    yield doctor.codecs()
    reading = read_reading(settings)  # a decision that cannot be read is bad input, said in one sentence
    yield doctor.decision(reading)
    yield doctor.holidays(reading.workdays, datetime.now(ZONE).date())
    yield doctor.disk(settings.state_dir)
    try:
        client = topics.administrator(settings)
        try:
            facts = gather(settings, client)
            yield from kafka_findings(facts, settings, reading, time.time())
        finally:
            client.close()
        if not facts.missing:
            yield doctor.strays(len(strays_now(settings, reading.registry)))
            with Sight(settings) as sight:
                yield from complete(sight.causes(), utc_ms(int(time.time() * 1000)))
    except (BadInput, KafkaError) as exc:
        text = str(exc) if isinstance(exc, BadInput) else f"Kafka refused: {type(exc).__name__}"
        remedy = "see LOTRINH_KAFKA, the brokers' logs, and the rights of this principal (docs/operations.md)"
        yield doctor.Finding("kafka", "failed", text, "nothing is counted; what the portal publishes waits", remedy)
    if settings.redis is None:
        yield doctor.Finding("redis", "skipped", "none is named (LOTRINH_REDIS)")
    else:
        yield from doctor.redis(asyncio.run(probe(settings)))
    found = (StateDir(settings.state_dir).endpoints() if settings.state_dir is not None else None) or {}
    wallboard = wallboard or found.get("wallboard")
    pages = [("worker", url) for url in (*workers, *found.get("ops", {}).values())]
    pages += [("wallboard", wallboard)] if wallboard else []
    for check, url in pages:
        yield doctor.page(check, url, _ready(url))
    if not wallboard:
        yield doctor.Finding("wallboard", "skipped", "its address is not known here (--wallboard URL)")


def _ready(url: str) -> tuple[int, str] | str:
    """Return what a process says of its readiness, or why it says nothing."""
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        return "not an http address"
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/readyz", timeout=5) as answer:  # noqa: S310 - http, as checked
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read(300).decode(errors="replace").strip()
    except OSError as error:
        return str(getattr(error, "reason", error))
