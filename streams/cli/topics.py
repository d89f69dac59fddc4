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
def apply(check: bool, **given: Any) -> None:
    """Create missing topics; refuse where one has a wrong partition count or would lose records."""
    from streams import topics
    from streams.broker import bootstrap, client_options
    from streams.local.state import located
    from streams.standings_log import take_back_strays

    settings = located(settings_from(**given))
    client = topics.admin(bootstrap(settings), client_options(settings))
    try:
        if check:
            topics.check(client, settings)
            created, taken_back = [], 0
        else:
            created = topics.apply(client, settings)
            taken_back = 0 if created else take_back_strays(settings)
    finally:
        client.close()
    for name in created:
        say(f"created {name}")
    if taken_back:
        say(f"took back {taken_back} rows of standings that an earlier release had left in other partitions")
    say(f"{len(topics.specs(settings))} topics are as they have to be")
