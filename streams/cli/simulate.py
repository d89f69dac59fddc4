"""`lotrinh simulate`: a reproducible year of a province, into a file or into Kafka."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson

from streams.cli.options import of_decision, of_system, say, settings_from
from streams.errors import BadInput
from streams.local.state import write_whole


@click.command("simulate")
@of_decision
@of_system
@click.option("--dossiers", type=click.IntRange(min=1), required=True, help="dossiers of the year")
@click.option("--seed", type=int, default=1, show_default=True, help="the same seed gives the same bytes")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="file of JSON lines to write")
@click.option("--catalogue-out", type=click.Path(dir_okay=False, path_type=Path), help="also write its catalogue there")
@click.option("--publish", is_flag=True, help="publish to the running system, with the clock as tick records")
@click.option("--speed", type=click.FloatRange(min=0), default=0, help="with --publish: seconds per second; 0: no wait")
@click.option(
    "--slow-from", metavar="DATE", help="days before this one are not paced; default a week before the effect"
)
@click.option("--resume", type=click.Path(dir_okay=False, path_type=Path), help="with --publish: where it has come to")
def command(**given: Any) -> None:
    """Make a reproducible, realistic year: seasons, weekends, Tết, duplicates, late events, corrections."""
    from streams.feeds.simulate import Simulation, simulate, write_catalogue
    from streams.files.decision_files import read_reading

    own = {
        k: given.pop(k) for k in ("dossiers", "seed", "out", "catalogue_out", "publish", "speed", "slow_from", "resume")
    }
    if (own["out"] is None) == (not own["publish"]):
        raise BadInput("give either --out FILE or --publish")
    settings = settings_from(**given)
    if own["publish"]:
        from streams.local.state import located

        settings = located(settings)
    reading = read_reading(settings, catalogue=())  # the simulation has procedures of its own
    if own["catalogue_out"] is not None:
        write_catalogue(own["catalogue_out"], reading)
    today = datetime.now(UTC).date()  # only picks the period of a decision that holds for every year
    events = simulate(reading, Simulation(own["dossiers"], own["seed"], on=reading.nearest(today)))
    if own["publish"]:
        asyncio.run(_publish(settings, reading, events, own))
    else:
        _write(events, own["out"])


def _write(events: Iterable[bytes], out: Path) -> None:
    count = 0
    with (
        out.open("wb") as file,
        click.progressbar(
            events, label="simulating", file=click.get_text_stream("stderr"), update_min_steps=5_000
        ) as shown,
    ):
        for event in shown:
            file.write(event + b"\n")
            count += 1
    say(f"{count} events written to {out}")


async def _publish(settings: Any, reading: Any, events: Iterator[bytes], own: dict[str, Any]) -> None:
    from streams.broker.ticks import Ticker
    from streams.feeds.publisher import Publisher
    from streams.feeds.replay import Pace, Replay

    first, last = reading.period(datetime.now(UTC).date())
    slow_from = _day(own["slow_from"]) or max(first, reading.effective(last) - timedelta(days=7))
    done = _resumed(own["resume"])
    pace = Pace(own["speed"] or None, slow_from)
    async with Publisher(settings) as publisher, Ticker(settings) as ticker:
        replay = Replay(publisher, ticker, pace, _noting(own["resume"], done))
        await replay.run(islice(events, done, None), last)
    say(f"{publisher.published} events published, up to the end of {last}")


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as exc:
        raise BadInput(f"--slow-from {text}: expected YYYY-MM-DD") from exc


def _resumed(file: Path | None) -> int:
    """Return how many events an earlier run has published and acknowledged."""
    if file is None or not file.exists():
        return 0
    try:
        return int(orjson.loads(file.read_bytes())["published"])
    except (ValueError, KeyError, TypeError):
        say(f"{file} is damaged; everything is published again, which changes nothing")
        return 0


def _noting(file: Path | None, done: int) -> Callable[[str, int], None]:
    """Return what writes down, day by day, how far the replay has come."""

    def note(day: str, published: int) -> None:
        say(f"{day}: {done + published} events")
        if file is not None:
            write_whole(file, orjson.dumps({"day": day, "published": done + published}).decode())

    return note
