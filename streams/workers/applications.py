"""The two applications on the engine: which topics each reads, which tables it keeps, what the settings say of it."""

from collections.abc import Iterable
from typing import Any, Final

from models.decisions.reading import Reading
from streams.broker import formats, topics
from streams.broker.connection import bootstrap, client_options, faust_credentials
from streams.engine import Engine, EngineConfig
from streams.settings import Settings
from streams.workers.tally import TallyWork
from streams.workers.watch import WatchTables, WatchWork


def engine_config(
    settings: Settings, name: str, fingerprint: str, announces: Iterable[str], reads_back: Iterable[str] = ()
) -> EngineConfig:
    """Return the configuration of the application `name`; topics are named without their prefix."""
    return EngineConfig(
        id=settings.topic(name),
        bootstrap=bootstrap(settings),
        fingerprint=fingerprint,
        announces=topics.named(settings, tuple(announces)),
        partitions=settings.partitions,
        reads_back=topics.named(settings, tuple(reads_back)),
        security=client_options(settings),
        faust_credentials=faust_credentials(settings),
        session_timeout_s=settings.session_timeout_s,
        heartbeat_s=settings.heartbeat_s,
        transaction_timeout_s=settings.transaction_timeout_s,
        stuck_s=settings.stuck_s,
        pending_records_max=settings.pending_records_max,
        fetch_bytes=settings.fetch_bytes,
        kept_state_s=settings.kept_state_s,
        formats=formats.of_application(settings, name),
        fault=settings.fault,
    )


def tally_app(settings: Settings, reading: Reading) -> Engine:
    """Return the tally application."""
    config = engine_config(settings, topics.TALLY, reading.fold_fingerprint(), (topics.TALLIES, topics.DEAD_LETTERS))
    app = Engine(config, lambda owner: TallyWork(owner, reading, settings, dossiers))
    inbound = app.source(*topics.named(settings, (*topics.INBOUND, topics.TICKS)))
    dossiers = app.Table("dossiers", key_type=bytes, value_type=bytes)

    @app.agent(inbound, name="tally")
    async def tally(stream: Any) -> None:
        """Merge what each fetch brought; the engine commits and announces."""
        async for fetch in app.fetches(stream):
            fetch.work.take(fetch)

    return app


def watch_app(settings: Settings, reading: Reading) -> Engine:
    """Return the watch application."""
    config = engine_config(
        settings, topics.WATCH, reading.fingerprint(), (topics.STANDINGS, topics.ALERTS, topics.HEARTBEATS),
        reads_back=(topics.ALERTS, topics.HEARTBEATS),
    )  # fmt: skip
    app = Engine(config, lambda owner: WatchWork(owner, reading, settings, tables))
    tallies = app.source(settings.topic(topics.TALLIES))
    tables = WatchTables(app)

    @app.agent(tallies, name="watch")
    async def watch(stream: Any) -> None:
        """Merge what each fetch brought; the engine commits and announces."""
        async for fetch in app.fetches(stream):
            fetch.work.take(fetch)

    return app


APPS: Final = {topics.TALLY: tally_app, topics.WATCH: watch_app}
