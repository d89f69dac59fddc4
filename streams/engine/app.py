"""The Faust application that ties transport, tables and takeover together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

import faust
from aiokafka.errors import IllegalStateError
from faust.types import TP

from streams.engine.aiokafka_log import KafkaLog
from streams.engine.config import EngineConfig
from streams.engine.contiguity import Flow
from streams.engine.log import Log
from streams.engine.partition import Owner
from streams.engine.partitions import Holdings
from streams.engine.process_exit import LEAVE_S, before_exit, die
from streams.engine.standstill import Standstill
from streams.engine.stats import Stats
from streams.engine.tables import Table
from streams.engine.takeover import Tables
from streams.engine.transport import Consumer, Raw, Transport
from streams.engine.views import log_end
from streams.engine.work import Fetch, Work

log = logging.getLogger("lotrinh.engine")


class Engine(faust.App):
    """A Faust application with exact batches. See the package's docstring."""

    def __init__(self, config: EngineConfig, new_work: Callable[[Owner], Work]) -> None:
        """Make the application; every option on which a promise rests is given here."""
        self.config = config
        self.new_work = new_work
        self.sources: set[str] = set()
        self.stats = Stats()
        self.on_forget: list[Callable[[int], None]] = []
        self.kafka: Log = KafkaLog(config.client(), config.id, config.transaction_timeout_s)
        self.holdings = Holdings(self)
        self.committed: dict[TP, int] = {}
        self.standstill = Standstill(config.id)
        self._flow = Flow(self)
        self._minding = False
        super().__init__(
            config.id,
            broker=[f"kafka://{address}" for address in config.bootstrap.split(",")],
            broker_credentials=config.faust_credentials,
            store="memory://",  # state per partition, restored by the takeover
            TableManager=Tables,
            Table=Table,
            consumer_auto_offset_reset="none",  # every partition is sought to its state's position, or the process ends
            consumer_max_fetch_size=config.fetch_bytes,
            topic_partitions=config.partitions,
            topic_disable_leader=True,  # unfenced
            topic_allow_declare=False,  # topics come from `lotrinh topics apply`
            table_standby_replicas=0,
            stream_wait_empty=False,  # the takeover waits for its own commits
            stream_buffer_maxsize=16,  # counts fetches, not records
            broker_session_timeout=config.session_timeout_s,
            broker_heartbeat_interval=config.heartbeat_s,
            broker_rebalance_timeout=max(60.0, config.session_timeout_s),
            broker_request_timeout=max(90.0, config.session_timeout_s),
            broker_commit_interval=0.25,  # of the group's offsets: what `--wait` and lag tools look at
            producer_linger=0,
            web_enabled=False,
            worker_redirect_stdouts=False,
            autodiscover=False,
        )
        self.on_partitions_revoked.connect(self._release, weak=False)
        before_exit(self._leave_group)

    async def _release(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - a signal's
        await self.holdings.release()

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Make none: the state is in memory and in Kafka; Faust would leave empty folders where it is started."""

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:  # noqa: ARG002
        die(exc, self.holdings.at_work())  # Faust would acknowledge the records and go on without them

    def _leave_group(self) -> None:
        """Tell the group that this member goes, from the consumer's own thread, without waiting long."""
        thread = getattr(self._consumer, "_thread", None) if self._consumer is not None else None
        consumer = getattr(thread, "_consumer", None)
        loop = getattr(thread, "thread_loop", None)
        if consumer is None or loop is None or not loop.is_running():
            return
        coordinator = consumer._coordinator  # noqa: SLF001
        left = asyncio.run_coroutine_threadsafe(coordinator._maybe_leave_group(), loop)  # noqa: SLF001
        try:
            left.result(LEAVE_S)
        except Exception as exc:  # noqa: BLE001 - the session will time out instead
            log.warning("could not leave the group: %r", exc)

    # -- what an application uses --------------------------------------------------------------------------------------

    def source(self, *names: str) -> Any:
        """Return the channel of one or more source topics with the same partition count."""
        self.sources.update(names)
        return self.topic(*names, schema=Raw())

    def engine_tables(self) -> list[Table]:
        """Return the application's tables, in the order in which they were made."""
        return list(self.tables.values())

    def forgotten(self, partition: int) -> None:
        """Tell the application that a partition's state has left this process."""
        for fun in self.on_forget:
            fun(partition)

    def fetches(self, stream: Any) -> AsyncIterator[Fetch]:
        """Yield a stream's fetches, each exactly the next stretch of its partition's log.

        The loop's body may not await: a fetch is applied when the loop comes back for the next one.
        """
        arrivals = ((event.value, event.message.generation_id) async for event in stream.events())
        return self._flow.fetches(arrivals)

    async def fetch_again(self, tp: TP, here: int) -> None:
        """Let the consumer go back to the state's position."""
        try:
            await self.consumer.seek_wait({tp: here})
        except IllegalStateError:
            log.info("a rebalance has begun; the takeover seeks")

    def fetched_to(self) -> Mapping[TP, int]:
        """Return up to where the consumer has handed over each partition."""
        return cast("Consumer", self.consumer)._thread.fetched_to()  # noqa: SLF001 - one of ours

    def end_of(self, tp: TP) -> int:
        """Return where a source partition's log ended by the last fetch; 0 where that is not known now."""
        return log_end(self, tp)

    def taken_over(self) -> None:
        """Begin, the first time, to look for fetches that never arrived."""
        if not self._minding:
            self._minding = True
            self.add_future(self._flow.mind_stalls())

    async def out_of_range(self, tps: set[TP]) -> None:
        """The source does not have what was asked for: end the process where it is the state that would miss it."""
        async with self.kafka.reader() as reader:
            for tp in tps:
                if (owner := self.holdings.owners.get(tp.partition)) is not None:
                    await owner.check_source(reader)
                    await self.fetch_again(tp, owner.next_of(tp.topic))
