"""Which partition a key belongs into, as Kafka's clients compute it: by murmur2 (Java) or by CRC-32 (librdkafka).

State lives where a dossier's records come in, so all who publish have to agree (contract, *Partitioning*). Pure
functions; the vectors of both clients hold them (tests/unit/broker/test_partitioning.py).
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Literal
from zlib import crc32

Partitioner = Literal["murmur2", "consistent", "any"]

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_32: Final = 0xFFFFFFFF
LANES_LEAST: Final = 24
"""keys of one length from which hashing them side by side is quicker than one after the other"""


def murmur2(key: bytes) -> int:
    """Return the hash of Java's client (org.apache.kafka.common.utils.Utils.murmur2), as an unsigned number of 32 bits.

    >>> murmur2(b"foobar") == -790332482 & 0xFFFFFFFF
    True
    """
    length = len(key)
    h = _SEED ^ length
    whole = length & ~3
    for k in struct.unpack_from(f"<{whole >> 2}I", key):
        k = k * _M & _32  # noqa: PLW2901 - as the reference writes it
        k = (k ^ k >> 24) * _M & _32  # noqa: PLW2901
        h = h * _M & _32 ^ k
    if length > whole:
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & _32
    h = (h ^ h >> 13) * _M & _32
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int, partitioner: Partitioner) -> int:
    """Return the partition a key belongs into; under `any`, which says nothing, the one that Java's client takes.

    >>> [partition_of(b"000.17.34-240930-0010", 4, p) for p in ("murmur2", "consistent")]
    [2, 0]
    """
    if partitioner == "consistent":
        return crc32(key) % partitions
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def wrong_partition(key: bytes, partition: int, partitions: int, partitioner: Partitioner) -> str:
    """Say in one sentence why a record is refused that lies where its key does not belong; names no key."""
    other: Partitioner = "murmur2" if partitioner == "consistent" else "consistent"
    fits = partition_of(key, partitions, other) == partition
    return f"wrong partition: {partitioner} puts the key elsewhere, {_FITS[other] if fits else _FITS_NONE}"


_FITS: Final = {
    "murmur2": "murmur2 (the default of Java's client) would put it here",
    "consistent": "consistent (the default of librdkafka) would put it here",
}
_FITS_NONE: Final = "and so does the other one that clients take by default"


def misplaced(keys: Iterable[bytes], partition: int, partitions: int, partitioner: Partitioner) -> set[bytes]:
    """Return the keys that do not belong into a partition; none under `any`."""
    if partitioner == "any" or partitions == 1:
        return set()
    if partitioner == "consistent":
        return {key for key in keys if crc32(key) % partitions != partition}
    of_length: defaultdict[int, list[bytes]] = defaultdict(list)
    for key in keys:
        of_length[len(key)].append(key)
    found: set[bytes] = set()
    for alike in of_length.values():
        hashes = _murmur2_of_alike(alike) if len(alike) >= LANES_LEAST else map(murmur2, alike)
        found.update(key for key, h in zip(alike, hashes, strict=True) if (h & 0x7FFFFFFF) % partitions != partition)
    return found


def _murmur2_of_alike(keys: Sequence[bytes]) -> Sequence[int]:
    """Return the hashes of keys of one length, computed side by side.

    Each key has a lane of 64 bits in one large integer, of which its 32 are the lower ones: their product by `_M`
    stays in the lane, and what a shift brings in from the next one is masked away. Two integers hold the
    keys at even and at odd places. Quicker by four to eight times than one key after the other.
    """
    length, pairs = len(keys[0]), (len(keys) + 1) // 2
    whole, gap = length >> 2, bytes(-length % 4)
    words = memoryview(gap.join(keys) + gap).cast("I")  # of a key's own bytes only copies are made: no byte order
    stride = (length + 3) // 4
    mask = int.from_bytes(b"\xff\xff\xff\xff\x00\x00\x00\x00" * pairs, "little")
    ones = int.from_bytes(b"\x01\x00\x00\x00\x00\x00\x00\x00" * pairs, "little")
    halves = [ones * (_SEED ^ length)] * 2
    for place in range(stride):
        column = int.from_bytes(words[place::stride].tobytes(), "little")
        for half, k in enumerate((column & mask, column >> 32 & mask)):
            h = halves[half]
            if place < whole:
                mixed = k * _M & mask
                mixed = (mixed ^ mixed >> 24 & mask) * _M & mask
                halves[half] = h * _M & mask ^ mixed
            else:  # what is left of the key, padded with zeros
                halves[half] = (h ^ k) * _M & mask
    for half, h in enumerate(halves):
        mixed = (h ^ h >> 13 & mask) * _M & mask
        halves[half] = mixed ^ mixed >> 15 & mask
    both = halves[0] | halves[1] << 32
    return struct.unpack_from(f"<{len(keys)}I", both.to_bytes(pairs * 8, "little"))
