"""A portal that publishes with confluent-kafka (librdkafka): one dossier's life, from reception to correction.

    python portal.py BOOTSTRAP [PREFIX]

Ends with 0 once every record is acknowledged, and with 1 where one is not.
"""

import json
import sys
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

TOPICS = {
    "received": "dossier.submitted",
    "paid": "dossier.paid",
    "resolved": "dossier.result-issued",
    "corrected": "dossier.amended",
}

SETTINGS = {
    "partitioner": "murmur2_random",  # the default of librdkafka is another one than Java's
    "enable.idempotence": True,       # a retry neither doubles records nor changes their order
    "acks": "all",                    # acknowledged means: on every copy in sync
    "compression.type": "zstd",       # gzip, snappy and lz4 are read as well
    "linger.ms": 20,                  # a few records per batch
}  # fmt: skip


class Portal:
    """Publishes events, and knows which of them were not acknowledged."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        """Connect at the first event."""
        self._producer = Producer({"bootstrap.servers": bootstrap, **SETTINGS})
        self._prefix = prefix
        self.failed = 0

    def publish(self, event: dict[str, Any]) -> None:
        """Publish one event under the dossier's code, as UTF-8 without quotes; unset fields stay out."""
        said = {name: value for name, value in event.items() if value is not None}
        self._producer.produce(
            self._prefix + TOPICS[event["type"]],
            value=json.dumps(said, ensure_ascii=False).encode(),
            key=event["dossier"].encode(),
            on_delivery=self._delivered,
        )
        self._producer.poll(0)  # lets acknowledgements in

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.failed += 1
            sys.stderr.write(f"{message.topic()}: {error}\n")

    def close(self) -> int:
        """Wait for what is on its way; return how many records were not acknowledged."""
        return self.failed + self._producer.flush(30)


def life(dossier: str, unit: str) -> list[dict[str, Any]]:
    """Return a dossier's events. Versions grow; times carry their offset; each id is used once."""

    def event(version: int, kind: str, at: str, **facts: Any) -> dict[str, Any]:
        id_ = f"portal-py:{dossier}:{version}"
        return {"id": id_, "type": kind, "dossier": dossier, "version": version, "at": at, **facts}

    return [
        event(1, "received", "2024-09-03T08:12:03+07:00", unit=unit, procedure="1.004616", channel="in_person"),
        event(
            2, "paid", "2024-09-03T08:15:00+07:00", transaction=f"{dossier}-1", amount=50_000,
            method="online", gateway="national",
        ),
        event(3, "resolved", "2024-09-05T16:40:00+07:00", electronic=True, digitised=True),
        event(4, "corrected", "2024-09-06T09:00:00+07:00", channel="online"),
    ]  # fmt: skip


def main() -> int:
    """Publish the events of one dossier."""
    bootstrap, prefix = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "lotrinh."
    portal = Portal(bootstrap, prefix)
    for event in life("000.17.34-240903-0001", "12688"):
        portal.publish(event)
    return 1 if portal.close() else 0


if __name__ == "__main__":
    sys.exit(main())
