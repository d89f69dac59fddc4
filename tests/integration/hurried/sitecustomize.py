"""Twenty minutes in half a minute: on PYTHONPATH of a child, what libraries do once in minutes they do in seconds.

Faust's thresholds come from the environment (`HURRIED`); those of aiokafka and kafka-python are defaults in code.
"""

from aiokafka import client as aio
from kafka import KafkaConsumer, KafkaProducer

from streams.engine import standstill

AGE_MS, IDLE_MS = 3_000, 6_000
"""of metadata (300 s), and of a connection that nobody uses (540 s)"""

_init = aio.AIOKafkaClient.__init__


def _hurried(self: aio.AIOKafkaClient, **options: object) -> None:
    _init(self, **(options | {"metadata_max_age_ms": AGE_MS, "connections_max_idle_ms": IDLE_MS}))


def hurry() -> None:
    """Every client and the watch over a standstill hurry from now on, in this process."""
    aio.AIOKafkaClient.__init__ = _hurried
    for client in (KafkaConsumer, KafkaProducer):
        client.DEFAULT_CONFIG |= {"metadata_max_age_ms": AGE_MS}
    standstill.STANDS_STILL_S /= 60


if __name__ == "sitecustomize":  # not where the tests' collection imports it for its doctests
    hurry()
