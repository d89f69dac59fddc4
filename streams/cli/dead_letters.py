"""`lotrinh dead-letters`: what was refused and why."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click
import orjson

from streams.cli.options import echo_json, of_system, say, settings_from


@click.group("dead-letters")
def command() -> None:
    """List refused records, and read them again."""


def _letters(settings: Any) -> Iterator[dict[str, Any]]:
    from streams.broker import topics
    from streams.broker.reading import records_of

    for record in records_of(settings, topics.DEAD_LETTERS):
        letter = orjson.loads(record.value)
        yield {"dossier": None if record.key is None else record.key.decode(), **letter}


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@of_system
def list_(as_json: bool, **given: Any) -> None:
    """Show what was refused and why: coordinates of the source record, never what it held."""
    from streams.local.state import located

    letters = list(_letters(located(settings_from(**given))))
    if as_json:
        echo_json({"dead_letters": letters})
        return
    for letter in letters:
        where = f"{letter['topic']}-{letter['partition']} @ {letter['offset']}"
        click.echo(f"{letter['at']}  {where}  {letter['length']} bytes  {letter['reason']}")
    for reason, count in Counter(letter["reason"] for letter in letters).most_common():
        click.echo(f"{count:>8}  {reason}")
    click.echo(f"{len(letters):>8}  in all")


@command.command("redrive")
@click.option("--dry-run", is_flag=True, help="only say what would be published again")
@of_system
def redrive(dry_run: bool, **given: Any) -> None:
    """Read each refused record again from its source; publish again those that are accepted by now.

    Doing it twice does no harm: an event that is known changes nothing.
    """
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    from models.dossiers.events import Refused, decode
    from streams.broker.codecs import sentence
    from streams.broker.connection import bootstrap, client_options
    from streams.broker.reading import consumer, record_at
    from streams.errors import BadInput
    from streams.local.state import located

    settings = located(settings_from(**given))
    reader = consumer(settings)
    producer = KafkaProducer(bootstrap_servers=bootstrap(settings).split(","), acks="all", **client_options(settings))
    outcomes: Counter[str] = Counter()
    unread = ""
    seen: set[tuple[str, int, int]] = set()
    try:
        for letter in _letters(settings):
            where = (letter["topic"], letter["partition"], letter["offset"])
            if where in seen:
                continue
            seen.add(where)
            try:
                record = record_at(reader, *where)
            except KafkaError as exc:
                if exc.retriable:
                    raise  # the broker is away
                unread = sentence(exc) or f"Kafka refused: {type(exc).__name__}"
                outcomes[f"not read: {unread}"] += 1
                continue
            if record is None or hashlib.sha256(record.value or b"").hexdigest() != letter["sha256"]:
                outcomes["gone: the source no longer holds the record"] += 1
                continue
            event = decode(record.value, record.headers, settings.codes)
            if isinstance(event, Refused):
                outcomes[f"still refused: {event.reason}"] += 1
                continue
            outcomes["accepted" if dry_run else "published again"] += 1
            if not dry_run:
                key = event.dossier.encode()
                # Under `any` nobody knows better than whoever published it where a dossier's records go.
                stays = settings.partitioner == "any" and record.key == key
                partition = record.partition if stays else settings.inbound_partition(key)
                headers = list(record.headers)
                producer.send(letter["topic"], record.value, key=key, partition=partition, headers=headers).get(30)
    finally:
        producer.close()
        reader.close()
    for outcome, count in outcomes.most_common():
        click.echo(f"{count:>8}  {outcome}")
    say(f"{sum(outcomes.values())} refused records read again")
    if unread:
        raise BadInput(unread)
