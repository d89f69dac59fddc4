"""Which of Kafka's codecs this installation can read, with each of the two clients that it reads with.

A portal chooses the codec of its batches, a topic or a broker may choose it over again, and every client brings codecs
of its own: the workers, `notify` and the wallboard read with aiokafka, the commands with kafka-python.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

TEXT: Final = b"lotrinh"
_SNAPPY: Final = b"\x07\x18lotrinh"
SAMPLES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xc9/)\xca\xcc\xcb\x00\x00\x945\xad\x1a\x07\x00\x00\x00",),
    # bare, and in the frame of the Java library (xerial)
    "snappy": (_SNAPPY, b"\x82SNAPPY\x00" + b"\x00\x00\x00\x01" * 2 + b"\x00\x00\x00\x09" + _SNAPPY),
    "lz4": (b'\x04"M\x18`@\x82\x07\x00\x00\x80lotrinh\x00\x00\x00\x00',),
    "zstd": (b"(\xb5/\xfd \x079\x00\x00lotrinh", b"(\xb5/\xfd\x00X9\x00\x00lotrinh"),  # the second of no length told
}
"""codec → :data:`TEXT` as producers compress it"""
LIBRARIES: Final[Mapping[tuple[str, str], str]] = {
    ("aiokafka", "snappy"): "cramjam",
    ("aiokafka", "lz4"): "cramjam",
    ("aiokafka", "zstd"): "cramjam",
    ("kafka-python", "snappy"): "python-snappy",
    ("kafka-python", "lz4"): "lz4",
    ("kafka-python", "zstd"): "zstandard",
}
"""(client, codec) → the library that the client reads it with; gzip is part of Python"""
READERS: Final[Mapping[str, str]] = {
    "aiokafka": "the workers, `notify` and the wallboard",
    "kafka-python": "the commands",
}
"""client → who reads with it"""
REMEDY: Final = "install with `pip install --require-hashes -r deploy/requirements.lock`"


class Unreadable(NamedTuple):
    """A codec that a client of this installation cannot read."""

    client: str
    codec: str
    library: str

    def __str__(self) -> str:
        """Say what is missing, and for whom."""
        return f"{READERS[self.client]} cannot read {self.codec} ({self.client} needs {self.library})"


def unreadable() -> list[Unreadable]:
    """Return what cannot be read here: a sample of each codec is read with each client's own function."""
    return [
        Unreadable(client, codec, LIBRARIES.get((client, codec), "its library"))
        for client, decoders in _decoders()
        for codec, samples in SAMPLES.items()
        if not all(_reads(decoders[codec], sample) for sample in samples)
    ]


def _decoders() -> Iterator[tuple[str, Mapping[str, Callable[[bytes], Any] | None]]]:
    from aiokafka import codec as workers  # noqa: PLC0415 - only who asks pays for both clients
    from kafka import codec as commands  # noqa: PLC0415

    for client, module in (("aiokafka", workers), ("kafka-python", commands)):
        yield client, {codec: getattr(module, f"{codec}_decode") for codec in SAMPLES}


def _reads(decode: Callable[[bytes], Any] | None, sample: bytes) -> bool:
    if decode is None:
        return False
    try:
        return bytes(decode(sample)) == TEXT
    except Exception:  # noqa: BLE001 - a library may refuse in any way; all of them mean the same
        return False


def sentence(error: BaseException) -> str | None:
    """Say what an error of a Kafka client means where it is about a codec; None where it is not."""
    if type(error).__name__ != "UnsupportedCodecError":
        return None
    codec = next((name for name in SAMPLES if name in str(error)), "a codec that is not Kafka's")
    return (
        f"a batch in Kafka is compressed with {codec}, which this installation cannot read: {REMEDY}; "
        "`lotrinh doctor` says which codecs it reads"
    )
