"""`lotrinh topics`: the Kafka topics of this deployment."""

from typing import Any

import click

from streams.cli.options import of_decision, of_system, say, settings_from


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
    from streams.board.standings_log import take_back_strays
    from streams.broker import replicas as copies
    from streams.broker import topics
    from streams.errors import BadInput
    from streams.local.state import located

    if check and mend:
        raise click.UsageError("--check changes nothing, --mend does: give one of them")
    settings = located(settings_from(**given))
    client = topics.administrator(settings)
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


@command.command("grow")
@of_decision
@of_system
@click.option("--partitions", type=click.IntRange(1, 512), required=True, help="of every topic under the new prefix")
@click.option("--to", required=True, metavar="PREFIX", help="the new prefix (LOTRINH_PREFIX), such as lotrinh2.")
def grow_(partitions: int, to: str, **given: Any) -> None:
    """Publish everything anew under another prefix, with another number of partitions.

    Workers and notify have to be stopped; the old topics stay. Run again, it publishes what has come since.
    """
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.maintenance.growing import grow

    settings = located(settings_from(**given))
    grown = grow(settings, read_reading(settings), to, partitions, say)
    for name, count in grown.records.items():
        say(f"{settings.topic(name)}: {count} records published anew as {to}{name}")
    if grown.remembered:
        say("what is remembered of alerts, and what receivers were told, has moved along")
    say(f"start the workers with LOTRINH_PREFIX={to} LOTRINH_PARTITIONS={partitions}, and let the portal publish there")
