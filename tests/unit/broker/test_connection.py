"""What all our Kafka clients have in common."""

from streams.broker.connection import METADATA_MS, client_options
from streams.settings import Settings


def test_every_client_soon_asks_anew_who_leads() -> None:
    options = client_options(Settings(kafka="127.0.0.1:1", _env_file=None))
    assert options["metadata_max_age_ms"] == METADATA_MS <= 10_000
