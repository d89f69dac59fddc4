"""`lotrinh topics`: the Kafka topics of this deployment."""

from typing import Any

import click

from streams.cli.options import of_system, say, settings_from


@click.group("topics")
def command() -> None:
    """Create or check the Kafka topics."""


@command.command("apply")
@of_system
@click.option("--check", is_flag=True, help="only check; create nothing")
@click.option("--mend", is_flag=True, help="also make the copies that topics lack, and set min.insync.replicas")
def apply(check: bool, mend: bool, **given: Any) -> None:
    """Create missing topics; refuse where one has a wrong partition count or would lose records.

    Three copies of each where there are three brokers (LOTRINH_REPLICATION, LOTRINH_MIN_INSYNC_REPLICAS).
    """
    from streams import copies, topics
    from streams.broker import bootstrap, client_options
    from streams.library import BadInput
    from streams.local.state import located
    from streams.standings_log import take_back_strays

    if check and mend:
        raise click.UsageError("--check changes nothing, --mend does: give one of them")
    settings = located(settings_from(**given))
    client = topics.admin(bootstrap(settings), client_options(settings))
    try:
        if check:
            topics.check(client, settings)
            created, taken_back = [], 0
        else:
            created = topics.apply(client, settings)
            taken_back = 0 if created else take_back_strays(settings)
        for name in created:
            say(f"created {name}")
        if taken_back:
            say(f"took back {taken_back} rows of standings that an earlier release had left in other partitions")
        if mend:
            topics.mend(client, settings, say)
        want, problems = topics.weak(client, settings)
    finally:
        client.close()
    say(str(want))
    for problem in problems:
        say(problem)
    count = len(topics.specs(settings))
    if not problems:
        say(f"{count} topics are as they have to be")
    elif {"replication", "min_insync_replicas"} & settings.model_fields_set:
        raise BadInput(f"copies are not as LOTRINH_REPLICATION asks; mend them: {copies.MEND}")
    else:
        say(f"{count} topics are there; mend their copies: {copies.MEND}")
