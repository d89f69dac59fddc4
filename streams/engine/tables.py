"""Faust tables, plain and windowed, whose writes join the transaction of the fetch that made them."""

from collections.abc import Iterable, Iterator
from typing import Any

import faust
from orjson import dumps, loads


class _Nobodys(dict[Any, Any]):
    """Stands where a partition's rows and the keys it has written would be, while none of them has its turn."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise RuntimeError("a table was read or written outside of a fetch")

    __getitem__ = __setitem__ = __delitem__ = __contains__ = __iter__ = _refuse
    get = pop = update = keys = values = items = setdefault = _refuse


_NOBODYS = _Nobodys()


class Rows:
    """A table's rows of the partition whose turn it is, and which of them it has written since its last transaction.

    Each partition keeps rows of its own, bound while it has its turn, so that two never meet in one dictionary.
    Values are never changed in place: a stored value is what the next transaction may still be writing out.
    Keys and values are JSON in the changelog; raw ones are bytes and stay as they are.
    """

    rows: dict[Any, Any] = _NOBODYS
    raw_key = False
    raw_value = False
    dirty: dict[Any, None] = _NOBODYS
    """keys written, in order"""

    def bind(self, rows: dict[Any, Any], dirty: dict[Any, None]) -> None:
        """Let a partition have its turn."""
        self.rows, self.dirty = rows, dirty

    def unbind(self) -> None:
        """End it: from now on every access is a mistake."""
        self.rows, self.dirty = _NOBODYS, _NOBODYS

    def written(self, keys: Iterable[Any]) -> None:
        """Note rows that were put straight into `rows`: many at once cost a tenth of one by one."""
        self.dirty.update(dict.fromkeys(keys))

    def dump(self, keys: Iterable[Any]) -> list[tuple[bytes, bytes | None]]:
        """Return rows as they go into the changelog; a tombstone where there is none."""
        rows = self.rows
        dumped: list[tuple[bytes, bytes | None]] = []
        for key in keys:
            value = rows.get(key)
            raw = key if self.raw_key else dumps(key)
            dumped.append((raw, value if value is None or self.raw_value else dumps(value)))
        return dumped

    def load(self, raw: bytes, value: bytes | None, rows: dict[Any, Any]) -> None:
        """Take a row of the changelog into a partition's rows."""
        key = raw if self.raw_key else self.to_key(loads(raw))
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value if self.raw_value else loads(value)

    def to_key(self, key: Any) -> Any:
        """Return a key as it was before it became JSON."""
        return key


class Table(Rows, faust.Table[Any, Any]):
    """A Faust table without Faust's own changelog writes. `key_type=bytes`, `value_type=bytes`: kept raw."""

    async def on_start(self) -> None:
        """Learn what form keys and values have."""
        await super().on_start()
        self.raw_key = self.key_serializer == "raw"
        self.raw_value = self.value_serializer == "raw"

    def bind(self, rows: dict[Any, Any], dirty: dict[Any, None]) -> None:
        """Let a partition have its turn, in Faust's memory store too."""
        super().bind(rows, dirty)
        self.data.data = rows

    def unbind(self) -> None:
        """End it."""
        super().unbind()
        self.data.data = self.rows

    def to_key(self, key: Any) -> Any:
        """Return a key as Faust has it: of a windowed table, nested tuples."""
        return self._to_key(key)

    # the hot path: two lines for what costs Faust five calls and a send
    def __setitem__(self, key: Any, value: Any) -> None:
        """Write a row."""
        self.dirty[key] = None
        self.rows[key] = value

    def get(self, key: Any, default: Any = None) -> Any:
        """Return a row, or the default."""
        return self.rows.get(key, default)

    def on_key_get(self, key: Any) -> None:
        """No sensor: it would cost more than the read."""

    def on_key_set(self, key: Any, value: Any) -> None:  # noqa: ARG002
        """Note a write that came by another way."""
        self.dirty[key] = None

    def on_key_del(self, key: Any) -> None:
        """Note a deletion: a tombstone in the changelog."""
        self.dirty[key] = None

    def on_clear(self) -> None:
        """Refuse: the rows are those of every partition this worker owns."""
        raise RuntimeError("a table cannot be cleared; delete the rows of one's own partition")


def windowed(rows: Iterator[tuple[Any, Any]]) -> Iterator[tuple[Any, float, Any]]:
    """Take the keys of a windowed table's rows apart: (key, window start, value)."""
    for (key, (start, _)), value in rows:
        yield key, start, value
