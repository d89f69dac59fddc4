"""Says once that a partition's state stands still although its log goes on, and once that it moves again.

Stands in the place of Faust's own look (`Consumer.verify_all_partitions_active`), which holds a position against the
log's end: behind another producer's open transaction, a worker that has counted everything would be told off twice a
second. What may be read ends at the last stable offset.
"""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from faust.types import TP

log = logging.getLogger("lotrinh.engine")

STANDS_STILL_S = 300.0
"""how long a partition may not move, with more to read, before a line says so"""


class Seen(NamedTuple):
    """Where a partition was, since when, and whether that has been said."""

    position: Mapping[str, int]
    since: float
    said: bool = False


class Standstill:
    """What was last seen of each partition."""

    def __init__(self, name: str) -> None:
        """Have seen nothing yet; lines begin with the application's name."""
        self._name = name
        self._seen: dict[int, Seen] = {}

    def look(self, committed: Mapping[TP, int], ends: Mapping[TP, int], now: float) -> None:
        """Take note of the positions committed, of the last stable offsets of all sources held, and of the time (s).

        A partition moves when any of its topics does: one may wait for its siblings (`alignment`).
        """
        partitions = {tp.partition for tp in ends}
        self._seen = {p: seen for p, seen in self._seen.items() if p in partitions}
        for partition in sorted(partitions):
            position = {tp.topic: committed.get(tp, 0) for tp in sorted(ends) if tp.partition == partition}
            left = {t: end for t, at in position.items() if (end := ends[TP(t, partition)]) > at}
            seen = self._seen.get(partition)
            if seen is None or not left or seen.position != position:
                if seen is not None and seen.said:
                    log.info("%s-%d moves again", self._name, partition)
                self._seen[partition] = Seen(position, now)
            elif not seen.said and now - seen.since >= STANDS_STILL_S:
                self._seen[partition] = seen._replace(said=True)
                topic, end = next(iter(left.items()))
                log.warning(
                    "%s-%d stands still: for %.0f s it has been at %d of %d of %s. Its transaction takes longer than "
                    "that, or the broker takes none: see the lines before this one",
                    self._name, partition, now - seen.since, position[topic], end, topic,
                )  # fmt: skip
