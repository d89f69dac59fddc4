"""What the desk knows of the running system: alerts, standings, what operators said, the clock. Kept by one reader."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson
from kafka import TopicPartition
from kafka.errors import KafkaError

from models.alerting.operator_actions import NOBODY, OperatorRecord, Operators, parse_operator, taken
from models.calendar.civil_time import utc_ms
from models.dossiers.events import Refused
from streams.board.standings_log import Newest
from streams.broker import formats, topics
from streams.broker.reading import consumer
from streams.errors import BadInput
from streams.settings import Settings

log = logging.getLogger("lotrinh.desk.facts")

FOLLOWED: Final = (topics.ALERTS, topics.STANDINGS, topics.OPERATORS, topics.HEARTBEATS)
ACTS_KEPT: Final = 2_000
"""newest records of operators that the list of acts shows"""
AGAIN_S: Final = 3.0
"""seconds between two tries to reach Kafka"""
ASKED_S: Final = 4.0
"""seconds without a record after which Kafka is asked whether it is there"""
STALE_S: Final = 15.0
"""seconds without an answer of Kafka after which figures are said to be old"""


class Facts:
    """All that has been read, merged; records may come twice and in any order between topics."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.firing: dict[str, dict[str, Any]] = {}
        """fingerprint → the transition that opened an alert which is open still"""
        self.operators: Operators = NOBODY
        self.acts: deque[OperatorRecord] = deque(maxlen=ACTS_KEPT)
        self.clock = ""
        """the greatest time that a heartbeat told"""
        self._standings = Newest()

    def take(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
    ) -> None:
        """Take in a record of a topic (without prefix)."""
        if topic == topics.STANDINGS:
            self._standings.take(key or b"", value, headers)
        elif topic == topics.ALERTS and value is not None:
            self._alert(orjson.loads(value))
        elif topic == topics.OPERATORS and value is not None:
            said = parse_operator(value)
            if not isinstance(said, Refused):
                self.operators = taken(self.operators, said)
                self.acts.append(said)
        elif topic == topics.HEARTBEATS and value is not None:
            self.clock = max(self.clock, str(orjson.loads(value).get("clock", "")))

    def _alert(self, transition: dict[str, Any]) -> None:
        if transition["status"] == "firing":
            self.firing[transition["fingerprint"]] = transition
        else:
            self.firing.pop(transition["fingerprint"], None)

    def standing(self, decision: str, indicator: str, unit: str) -> Mapping[str, Any] | None:
        """Return a unit's row; None where it has none."""
        row = self._standings.get(f"{decision}/{indicator}/{unit}".encode())
        return None if row is None else orjson.loads(row)

    def missing(self, alert: Mapping[str, Any]) -> int:
        """Return the dossiers that an alert's unit lacks today; where it has no row, as the alert says."""
        row = self.standing(alert["decision"], alert["indicator"], alert["unit"])
        return int(alert["shortfall"] if row is None else row["shortfall"])


class Reader:
    """Keeps facts equal to the topics, in a thread of its own; a broker that is away is tried again."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._now = now
        self._names = {settings.topic(name): name for name in FOLLOWED}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk-facts", daemon=True)
        self.lock = threading.Lock()
        """held while records are taken in, and by who reads several facts that belong together"""
        self.facts: Facts | None = None
        """None until everything that was there at the start has been read"""
        self.seen = 0.0
        """Unix seconds at which Kafka last answered"""
        self.fatal: BadInput | None = None
        """why the desk cannot go on: something is in a format that it does not read"""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End; the thread is waited for."""
        self._stop.set()
        self._thread.join(timeout=20)

    def is_old(self) -> bool:
        """Tell whether Kafka has not answered for so long that figures may be old."""
        return self._now() - self.seen > STALE_S

    def now(self) -> str:
        """Return the instant that acts carry: of this machine, or of the replay where the system lives through one."""
        if self._settings.clock == "records" and self.facts is not None and self.facts.clock:
            return self.facts.clock
        return utc_ms(int(self._now()) * 1000)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except formats.OtherFormat as exc:
                self.fatal = exc
                return
            except (KafkaError, BadInput, OSError) as exc:
                log.warning("the desk reads nothing: %s; trying again", str(exc) or type(exc).__name__)
            self._stop.wait(AGAIN_S)

    def _follow(self) -> None:
        """Read with one consumer until it fails; what it has read replaces what was known once it is whole."""
        facts, reader = Facts(), consumer(self._settings)
        try:
            tps = [TopicPartition(topic, p) for topic in self._names for p in self._partitions(reader, topic)]
            reader.assign(tps)
            reader.seek_to_beginning(*tps)
            ends = reader.end_offsets(tps)
            while not self._stop.is_set():
                found = reader.poll(timeout_ms=500)
                with self.lock:
                    for records in found.values():
                        for record in records:
                            self._take(facts, record)
                    if self.facts is not facts and all((reader.position(tp) or 0) >= end for tp, end in ends.items()):
                        self.facts = facts
                # Until all is read again, what is shown is what was known before the consumer failed.
                if self.facts is not facts:
                    continue
                if found or (self._now() - self.seen > ASKED_S and reader.end_offsets(tps[:1], timeout_ms=5_000)):
                    self.seen = self._now()  # a poll that brings nothing does not tell whether the broker is there
        finally:
            reader.close()

    def _take(self, facts: Facts, record: Any) -> None:
        name = self._names[record.topic]
        formats.check_record(name, record.headers, f"{record.topic}-{record.partition} @ {record.offset}")
        facts.take(name, record.key, record.value, record.headers or ())

    @staticmethod
    def _partitions(reader: Any, topic: str) -> list[int]:
        found = reader.partitions_for_topic(topic)
        if not found:
            raise BadInput(f"topic {topic} is missing: run `lotrinh topics apply`")
        return sorted(found)
