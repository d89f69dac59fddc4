"""After a rebalance: let go of what was ours, take over what is ours, seek to the state, let the flow go.

Stands in the place of `faust.tables.recovery`, which loses source records and hangs on transactional changelogs.
"""

import asyncio
import logging
import time
from typing import Any, cast

from faust.tables.manager import TableManager
from faust.types import TP
from mode import Service

from streams.engine.process_exit import STOP_S, die, end_within, point, watched

log = logging.getLogger("lotrinh.engine")


class Takeover(Service):
    """The service that Faust's table manager calls where it would recover tables."""

    def __init__(self, engine: Any, tables: "Tables", **kwargs: Any) -> None:
        """Hold the engine and its tables."""
        super().__init__(**kwargs)
        self.engine = engine
        self.tables = tables
        self.completed = asyncio.Event()

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Do nothing yet: it comes too early, while agents may still be at work. See `Holdings.release`."""

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],  # noqa: ARG002
        newly_assigned: set[TP],  # noqa: ARG002
        generation_id: int = 0,
    ) -> None:
        """Take over in the background: the group's heartbeats go on meanwhile."""
        holdings = self.engine.holdings
        await holdings.release()
        holdings.taking = watched(asyncio.create_task(self._take(assigned, generation_id), name="takeover"))

    async def _take(self, assigned: set[TP], generation: int) -> None:
        engine, consumer = self.engine, self.engine.consumer
        began = time.monotonic()
        engine.stats.rebalances += 1
        sources = {tp for tp in assigned if tp.topic in engine.sources}
        partitions = {tp.partition for tp in sources}
        if len(sources) != len(partitions) * len(engine.sources):
            die("the group gave one partition of the source topics to two workers; their partition counts differ")
        await engine.holdings.take(partitions)
        await engine.on_rebalance_complete.send()
        if engine.consumer_generation_id != generation:
            return  # another rebalance has begun
        consumer.stop_flow()  # nothing may pass between the seek and the resumption
        engine.flow_control.suspend()
        await consumer.perform_seek()
        point("before_flow", engine.config.fault)
        consumer.resume_partitions(sources)
        self.completed.set()
        engine.flow_control.resume()  # empties the queues
        consumer.resume_flow()
        await engine._fetcher.maybe_start()  # noqa: SLF001
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        engine.on_rebalance_end()
        engine.taken_over()
        engine.stats.working_since = time.monotonic()
        engine.stats.takeover.observe(engine.stats.working_since - began)
        log.info("%s works on %s after %.2f s", engine.config.id, sorted(partitions), time.monotonic() - began)


class Tables(TableManager):
    """Faust's table manager, for tables whose changelogs are read at takeover and never subscribed to."""

    app: Any
    """the Engine, of which Faust's own types know nothing"""

    def __init__(self, app: Any, **kwargs: Any) -> None:
        """Own nothing."""
        super().__init__(app, **kwargs)
        self._takeover: Takeover | None = None

    @property
    def recovery(self) -> Takeover:  # type: ignore[override]  # a service of the same use, of none of its code
        """The takeover service, in the place of Faust's recovery."""
        if self._takeover is None:
            self._takeover = Takeover(self.app, self, beacon=self.beacon)
            self._recovery = cast("Any", self._takeover)
        return self._takeover

    async def _update_channels(self) -> None:
        """Start the tables without subscribing to their changelogs: assignment and lag then see sources only."""
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()

    async def on_stop(self) -> None:
        """On SIGTERM: finish, then stop as Faust does, if it does."""
        await self.app.holdings.release()
        end_within(STOP_S)
        await super().on_stop()
