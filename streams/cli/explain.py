"""`lotrinh alerts explain`: what an alert was judged by, and the proof that the log leads to it."""

from typing import Any

import click

from streams.cli.options import echo_json, of_system, settings_from


@click.command("explain")
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@of_system
@click.pass_context
def explain(ctx: click.Context, /, name: str, as_json: bool, **given: Any) -> None:
    """Explain the alert transition ID: its inputs, the rule asked again, the log read again.

    Exits 1 where rule or log give another answer.
    """
    from streams.audit import explain as explaining
    from streams.files.decision_files import read_reading
    from streams.local.state import located

    given = {**(ctx.obj or {}), **{k: v for k, v in given.items() if v is not None}}
    settings = located(settings_from(**given))
    told, episode = explaining.find(settings, name)
    reading = read_reading(settings)
    again = explaining.made_again(settings, reading, told)
    judged = explaining.judged_again(episode[0].transition)
    if as_json:
        echo_json(
            {
                "transition": told.transition,
                "episode": [e.transition for e in episode],
                "record": {"partition": told.partition, "offset": told.offset},
                "evidence": told.evidence,
                "rule_again": None if judged is None else {"same": judged.same, "kind": judged.verdict.kind},
                "log_again": {"same": again.same, "why": again.why},
            }
        )
    else:
        for line in explaining.sentences(reading, told, episode, again):
            click.echo(line)
    if again.same is False or (judged is not None and not judged.same):
        ctx.exit(1)
