"""The notifier: one loop that reads, decides, remembers, and only then sends."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from models.alerting.operator_actions import NOBODY, Operators, parse_operator, taken
from models.calendar.civil_time import utc_ms
from models.decisions.reading import Reading
from models.dossiers.events import Refused
from models.notification.outbox import DIGEST, Message, Outbox, Situation
from models.notification.routing import Mailbox, Routing
from models.notification.watch_list import Watched, of_mailboxes
from streams.board.records import Unreadable, read_alert
from streams.board.standings_log import Newest
from streams.broker import topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.formats import check_record
from streams.engine.process_exit import die, point
from streams.errors import BadInput
from streams.monitoring.http import Runner, told_to_stop
from streams.monitoring.server import create_app, listen
from streams.notify.config import Config
from streams.notify.health import ACCEPTED, FAILED, SET_ASIDE, NotifyHealth
from streams.notify.log import DeliveryLog
from streams.notify.payloads import Context
from streams.notify.sending import Outcome, Sender
from streams.notify.texts import Names
from streams.settings import Settings

log = logging.getLogger("lotrinh.notify")

READS: Final = (topics.ALERTS, topics.OPERATORS, topics.STANDINGS, topics.HEARTBEATS)
POLL_MS: Final = 250
POLL_RECORDS_MAX: Final = 2_000
LOOK_S: Final = 2.0
"""time passes too: reminders, digests, ends of quiet hours and of silences are looked for this often"""
UNDER_WAY_MAX: Final = 16
PAUSE_FIRST_S: Final = 1.0
PAUSE_MAX_S: Final = 900.0


def pause_s(failures: int, chance: Callable[[], float] = random.random) -> float:
    """Return the pause after so many failures in a row: doubling up to a quarter of an hour, of which half is chance.

    >>> pause_s(1, lambda: 1.0), pause_s(3, lambda: 0.0), pause_s(99, lambda: 1.0)
    (1.0, 2.0, 900.0)
    """
    whole = min(PAUSE_MAX_S, PAUSE_FIRST_S * 2.0 ** min(failures - 1, 20))
    return float(whole / 2 + whole / 2 * chance())


class _Morning(NamedTuple):
    """What standings say for the digests of a minute."""

    minute: str
    looked_at: Counter[Mailbox]
    behind: Mapping[Mailbox, Sequence[Watched]]


class Notifier:
    """Everything of one `lotrinh notify`."""

    def __init__(self, settings: Settings, reading: Reading, config: Config) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._config = config
        self._reading = reading
        self._names = Names(reading)
        self._outbox = Outbox(Routing(config.plan, reading.registry, reading.workdays))
        self._operators: Operators = NOBODY
        self._standings = Newest()
        self._clock = ""
        """the replay's time, where ticks are records"""
        self.health = NotifyHealth(self._outbox)
        self._under_way: dict[asyncio.Task[Outcome], Message] = {}
        self._morning = _Morning("", Counter(), {})
        self._gather_until = 0.0
        self._look_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; what is under way is waited for. Ends the process where another takes over."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap(self._settings),
            isolation_level="read_committed",  # a transition counts once its transaction is through
            enable_auto_commit=False,  # positions stand in `deliveries`, with what they stand for
            auto_offset_reset="earliest",
            **client_options(self._settings),
        )
        async with DeliveryLog(self._settings) as kept, Sender(self._config) as sender:
            count = await kept.load(self._outbox)
            # A predecessor that was cut off may have a message on its way; it is over when that has timed out.
            longest = max(r.timeout_s for r in self._config.receivers.values())
            self._outbox.interrupted(time.time() + longest)
            await consumer.start()
            try:
                await self._begin(consumer, stop)
                log.info("notify is ready: %d rows kept, %d receivers", count, len(self._config.receivers))
                if self._settings.ready_file is not None:
                    self._settings.ready_file.touch()
                while not stop.is_set():
                    await self._step(consumer, kept, sender)
                    self.health.step()
                await self._finish(kept)
            except ProducerFenced:
                die("another `lotrinh notify` has taken over")
            except KafkaError as exc:
                die(exc)  # what was not kept is done again from what was
            finally:
                await consumer.stop()

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _begin(self, consumer: Any, stop: asyncio.Event) -> None:
        """Read everything up to where the topics end now: nothing is decided on half of what is known."""
        tps = [TopicPartition(self._settings.topic(n), p) for n in READS for p in range(self._settings.partitions)]
        consumer.assign(tps)
        ends: Mapping[Any, int] = await consumer.end_offsets(tps)
        starts: Mapping[Any, int] = await consumer.beginning_offsets(tps)
        alerts = self._settings.topic(topics.ALERTS)
        for tp in tps:
            position = self._outbox.positions.get(tp.partition, 0) if tp.topic == alerts else 0
            consumer.seek(tp, max(position, starts[tp]))
        # First what decides on alerts, then the alerts.
        consumer.pause(*(tp for tp in tps if tp.topic == alerts))
        for chosen in ([tp for tp in tps if tp.topic != alerts], [tp for tp in tps if tp.topic == alerts]):
            consumer.resume(*chosen)
            while not stop.is_set() and any([await consumer.position(tp) < ends[tp] for tp in chosen]):
                await self._read(consumer)

    async def _read(self, consumer: Any) -> None:
        fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS_MAX)
        prefix = len(self._settings.prefix)
        situation = None
        for tp, records in fetched.items():
            name = tp.topic[prefix:]
            for record in records:
                check_record(name, record.headers, f"{tp.topic}-{tp.partition} @ {record.offset}")
                if name == topics.ALERTS:
                    situation = situation or self._situation()
                    self._take(record, situation)
                elif name == topics.OPERATORS:
                    self._take_operator(record.value)
                elif name == topics.STANDINGS:
                    self._standings.take(record.key, record.value, record.headers)
                elif name == topics.HEARTBEATS and record.value is not None:
                    self._clock = max(self._clock, orjson.loads(record.value)["clock"])

    def _take(self, record: Any, situation: Situation) -> None:
        fact = read_alert(record.value, record.partition, record.offset)
        if isinstance(fact, Unreadable):
            log.warning("alerts %d:%d passed over: %s", record.partition, record.offset, fact.reason)
            self._outbox.skip(record.partition, record.offset)
            return
        transition = orjson.loads(fact.transition)
        if self._outbox.take(transition, record.partition, record.offset, situation):
            self._look_at = 0.0
            if self._gather_until < time.monotonic():
                self._gather_until = time.monotonic() + self._config.gather_s

    def _take_operator(self, value: bytes | None) -> None:
        said = Refused("empty", "") if value is None else parse_operator(value)
        if isinstance(said, Refused):
            log.warning("%s", said.reason)
            return
        self._operators = taken(self._operators, said)
        self._look_at = 0.0

    def _situation(self) -> Situation:
        """Return what holds now. Shortfalls are looked up only where an acknowledgement may have ended by them."""
        now = self._clock if self._settings.clock == "records" and self._clock else utc_ms(int(time.time() * 1000))
        shortfalls = {}
        for known in self._outbox.known.values():
            alert = known["now"]
            if alert["status"] == "firing":
                key = f"{alert['decision']}/{alert['indicator']}/{alert['unit']}"
                value = self._standings.get(key.encode())
                if value is not None:
                    shortfalls[alert["decision"], alert["indicator"], alert["unit"]] = orjson.loads(value)["shortfall"]
        return Situation(now, self._operators, shortfalls)

    # -- sending -------------------------------------------------------------------------------------------------------

    async def _step(self, consumer: Any, kept: DeliveryLog, sender: Sender) -> None:
        """Read, take in what was sent, decide, remember; then send."""
        await self._read(consumer)
        self._collect()
        chosen = self._choose()
        for message in chosen:
            self._outbox.begin(message)
        await kept.keep(self._outbox.take_changed())
        for message in chosen:
            point("before-send", self._settings.fault)
            context = Context(self._config, self._names, self._looked_at(message))
            self._under_way[asyncio.create_task(sender.send(message, context))] = message

    def _choose(self) -> list[Message]:
        now = time.monotonic()
        if now < self._gather_until or now < self._look_at:
            return []
        self._look_at = now + LOOK_S
        situation = self._situation()
        self.health.undelivered = self._outbox.undelivered(situation.now)
        if self._outbox.mornings(situation.now):
            situation = situation._replace(behind=self._survey(situation.now).behind)
        return self._outbox.due(situation, time.time())[: UNDER_WAY_MAX - len(self._under_way)]

    def _collect(self) -> None:
        """Take in how sending went."""
        for task in [t for t in self._under_way if t.done()]:
            message, outcome = self._under_way.pop(task), task.result()
            point("after-send", self._settings.fault)
            self._look_at = 0.0
            if outcome.accepted:
                self.health.messages[message.mailbox.receiver, ACCEPTED] += 1
                self._outbox.sent(message)
                log.info("%s was told of %d alerts, message %s", message.mailbox, len(message.lines), message.id)
            else:
                self._not_accepted(message, outcome)

    def _not_accepted(self, message: Message, outcome: Outcome) -> None:
        box = self._outbox.boxes.get(message.mailbox)
        failures = 1 if box is None else box["failures"] + 1
        pause = max(pause_s(failures), outcome.pause_s)
        if self._outbox.failed(message, time.time() + pause, outcome.why, for_good=outcome.for_good):
            log.error("%s will not have message %s (%s): set aside", message.mailbox, message.id, outcome.why)
            self.health.messages[message.mailbox.receiver, SET_ASIDE] += 1
            return
        self.health.messages[message.mailbox.receiver, FAILED] += 1
        log.warning(
            "%s was not reached (%s), attempt %d; again in %.0f s", message.mailbox, outcome.why, failures, pause
        )

    def _looked_at(self, message: Message) -> int:
        return 0 if message.group != DIGEST else self._survey(message.at).looked_at[message.mailbox]

    def _survey(self, at: str) -> _Morning:
        """Return what the standings say for digests; one morning has as many of these as mailboxes."""
        if self._morning.minute != at[:16]:
            routing, counts = self._outbox.routing, Counter[Mailbox]()
            rows = [orjson.loads(value) for value in self._standings.values()]
            for row in rows:
                counts.update(routing.looked_at(row).keys())
            behind = of_mailboxes(rows, self._reading, routing, at[:10])
            self._morning = _Morning(at[:16], counts, behind)
        return self._morning

    async def _finish(self, kept: DeliveryLog) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way)
            self._collect()
            await kept.keep(self._outbox.take_changed())


async def run(settings: Settings, reading: Reading, config: Config) -> None:
    """Deliver until SIGTERM or SIGINT. Raises BadInput where a topic is missing."""
    client = await asyncio.to_thread(topics.administrator, settings)
    try:
        await asyncio.to_thread(topics.check, client, settings)
    finally:
        client.close()
    notifier = Notifier(settings, reading, config)
    with told_to_stop() as stop:
        if settings.ops_port is None:
            await notifier.run(stop)
            return
        runner = Runner(create_app(notifier.health))
        await runner.setup()
        try:
            await web.SockSite(runner, listen(settings.ops_host, settings.ops_port)).start()
            await notifier.run(stop)
        finally:
            await runner.cleanup()


def config_of(settings: Settings) -> Config:
    """Return the receivers file of the settings. Raises BadInput where there is none, or it is wrong."""
    from streams.notify.config import read_config  # noqa: PLC0415 - beside its only use
    from streams.notify.sending import check_extras  # noqa: PLC0415

    if settings.receivers is None:
        raise BadInput("nobody to tell: give --receivers F.toml, or set LOTRINH_RECEIVERS")
    config = read_config(settings.receivers)
    check_extras(config)
    return config
