"""What the settings say of an application on the engine: one place for tally and watch."""

from collections.abc import Iterable

from streams import topics
from streams.broker import bootstrap, client_options, faust_credentials
from streams.engine import EngineConfig
from streams.settings import Settings


def engine_config(settings: Settings, name: str, fingerprint: str, announces: Iterable[str]) -> EngineConfig:
    """Return the configuration of the application `name`, which announces to topics named without their prefix."""
    return EngineConfig(
        id=settings.topic(name),
        bootstrap=bootstrap(settings),
        fingerprint=fingerprint,
        announces=topics.named(settings, tuple(announces)),
        partitions=settings.partitions,
        security=client_options(settings),
        faust_credentials=faust_credentials(settings),
        session_timeout_s=settings.session_timeout_s,
        heartbeat_s=settings.heartbeat_s,
        transaction_timeout_s=settings.transaction_timeout_s,
        pending_records_max=settings.pending_records_max,
        fetch_bytes=settings.fetch_bytes,
        kept_state_s=settings.kept_state_s,
        fault=settings.fault,
    )
