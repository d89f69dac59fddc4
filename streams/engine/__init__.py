"""Exact batches on Faust: one message per fetch, one fenced transaction per group of them, state from the changelog.

The engine knows nothing of dossiers. An application gives it source topics, tables, and per source partition a `Work`:
what it derives from its tables and what it has to announce. In return:

- its agent gets `Fetch`es, each exactly the next stretch of a source partition's log (`Engine.fetches`);
- what the agent wrote to tables, how far it came, and what the work announces become visible together or not at all;
- a process that lost a partition, by whatever accident, can no longer append anything of it.

How, and what it relies on in faust-streaming 0.15.3 and aiokafka 0.14: docs/engine.md.
"""

from streams.engine.app import Engine
from streams.engine.budget import Room
from streams.engine.config import EngineConfig
from streams.engine.partition import Owner
from streams.engine.work import Announcement, Fetch, Owes, Work

__all__ = ["Announcement", "Engine", "EngineConfig", "Fetch", "Owes", "Owner", "Room", "Work"]
