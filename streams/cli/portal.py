"""`lotrinh portal`: what those who send have to know of what they send."""

from dataclasses import asdict
from typing import Any

import click

from streams.cli.options import FILE, echo_json, of_system, settings_from
from streams.errors import BadInput

MARKS = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED "}


@click.group("portal")
def command() -> None:
    """Examine what portals send."""


@command.command("check")
@click.option(
    "--last", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True, metavar="N",
    help="records of each topic, the newest",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@click.option("--units", type=FILE, help="further units (CSV)")
@of_system
def check(last: int, as_json: bool, **given: Any) -> None:
    """Say what will go wrong with the newest records of the inbound topics; reads only.

    Exit code 0: all is well, 1: warnings, 2: records are refused, or will be counted otherwise than they are meant.
    """
    from streams.doctor.portal_check import examine
    from streams.local.state import located

    examined = examine(located(settings_from(**given)), last)
    levels = {f.level for f in examined.findings}
    code = 2 if "failed" in levels else 1 if "warning" in levels else 0
    if as_json:
        checks = [
            {**asdict(f), "first": None if f.first is None else f.first._asdict()}
            for f in examined.findings
        ]  # fmt: skip
        echo_json({"exit_code": code, "records": examined.read, "checks": checks})
    else:
        told = ", ".join(f"{name} {count}" for name, count in examined.read.items())
        click.echo(f"records read: {told}")
        for found in examined.findings:
            _print(found)
    if code == 2:
        failed = list(dict.fromkeys(f.check for f in examined.findings if f.level == "failed"))
        raise BadInput(f"what portals send will not be counted as it is meant: {', '.join(failed)}")
    raise SystemExit(code)


def _print(found: Any) -> None:
    first = "" if found.first is None else f" (the first: {found.first})"
    click.echo(f"{MARKS[found.level]}  {found.check:<12}  {found.text}{first}")
    if found.remedy:
        click.echo(f"{'':<23}do: {found.remedy}")
