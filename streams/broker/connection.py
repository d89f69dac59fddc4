"""Connection options of the three Kafka clients in use, from the settings. Host names are always checked under TLS."""

import ssl
from typing import Any, Final

from streams.broker.tls import context_of, kafka_files
from streams.errors import BadInput
from streams.files.tables import read_text
from streams.settings import Settings

METADATA_MS: Final = 5_000
"""Milliseconds after which a client asks anew who leads what. Why: aiokafka looks for a position that a new leader does
not have with the old leader, and does not ask who leads now; by its default that takes five minutes."""


def _password(settings: Settings) -> str:
    if settings.kafka_password is not None:
        return settings.kafka_password.get_secret_value()
    if settings.kafka_password_file is not None:
        return read_text(settings.kafka_password_file).strip()
    raise BadInput("Kafka asks for a password: set LOTRINH_KAFKA_PASSWORD_FILE or LOTRINH_KAFKA_PASSWORD")


def context(settings: Settings) -> ssl.SSLContext:
    """Return the context of TLS connections to Kafka. Raises BadInput where one of its files is wrong."""
    return context_of(kafka_files(settings))


def _tls(settings: Settings) -> ssl.SSLContext | None:
    return context(settings) if settings.kafka_security.endswith("SSL") else None


def bootstrap(settings: Settings) -> str:
    """Return the bootstrap servers. Raises BadInput where none is known."""
    if settings.kafka is None:
        raise BadInput("no Kafka is known: set LOTRINH_KAFKA, or start one with `lotrinh up`")
    return settings.kafka


def client_options(settings: Settings) -> dict[str, Any]:
    """Return the options that all our clients have, as aiokafka and kafka-python take them, without the address."""
    options: dict[str, Any] = {"security_protocol": settings.kafka_security, "metadata_max_age_ms": METADATA_MS}
    if (context := _tls(settings)) is not None:
        options["ssl_context"] = context
    if settings.kafka_security.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username or "",
            "sasl_plain_password": _password(settings),
        }
    return options


def faust_credentials(settings: Settings) -> Any:
    """Return the same as Faust takes it; None for a plain connection."""
    import faust  # noqa: PLC0415 - only workers need it, and it takes a second to load

    context = _tls(settings)
    if settings.kafka_security.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_username or "",
            password=_password(settings),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)
