"""The oracle's database: records in, figures out. What counts, and where, is said in sql.py."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from .decision import Catalogue, Decision, Registry
from .decode import Event, Record, RefusalError, decode
from .sql import (
    CLOCK,
    CODES,
    COUNT_ANEW,
    COUNTED_UNITS,
    DAYS,
    INDEXES,
    PROVISION,
    RANK,
    SCHEMA,
    SERVICES,
    SERVICES_USED,
    SUMS,
)

Figure = tuple[int, int]
Figures = dict[tuple[str, str], Figure]  # (unit, indicator) -> (numerator, denominator)
CHUNK = 1_000  # events decoded at a time; more of them only keep the garbage collector busy
ALL_EVENTS = 1 << 62


class Ledger:
    """Hold the accepted events and count dossiers by them, all of them or those of a prefix."""

    def __init__(self, decision: Decision, registry: Registry, catalogue: Catalogue | None) -> None:
        self.decision, self.registry, self.catalogue = decision, registry, catalogue
        self.records = 0
        self.refusals: dict[int, str] = {}
        self._dossiers: dict[str, int] = {}
        self._stale = True  # the cells do not say what all events together say
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.executescript(SCHEMA)

    # -------------------------------------------------------------------------------------------- in

    def load(self, records: Iterable[Record]) -> None:
        """Decode records and keep their events and facts; a refused record is remembered by its index alone."""
        accepted = self._accepted(records)
        while chunk := list(islice(accepted, CHUNK)):
            self._db.execute("BEGIN")
            self._db.executemany(
                "INSERT INTO events (seq, dossier, type, version, at, id, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((seq, self._number(e.dossier), e.type, e.version, e.at, e.id, e.sha256) for seq, e in chunk),
            )
            self._db.executemany(
                "INSERT INTO facts (seq, dossier, what, item, field, value) VALUES (?, ?, ?, ?, ?, ?)",
                ((seq, self._number(e.dossier), *fact) for seq, e in chunk for fact in e.facts),
            )
            self._db.execute("COMMIT")
        self._stale = True

    def _accepted(self, records: Iterable[Record]) -> Iterator[tuple[int, Event]]:
        for record in records:
            seq, self.records = self.records, self.records + 1
            try:
                yield seq, decode(record)
            except RefusalError as refusal:
                self.refusals[seq] = str(refusal)

    def _number(self, code: str) -> int:
        return self._dossiers.setdefault(code, len(self._dossiers))

    # -------------------------------------------------------------------------------------------- counting

    def count_all(self) -> None:
        """Count every dossier by all events, unless the cells already say so."""
        if self._stale:
            self.begin(None)
            self.count(range(len(self._dossiers)), ALL_EVENTS)
            self._stale = False

    def begin(self, order: Iterable[int] | None) -> None:
        """Forget all cells and set the order of arrival: that of loading, or indexes of records in another one."""
        self._stale = True
        for table in ("homes", "offers", "arrival", "cells", "receptions"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own tables
        codes = [code for (code,) in self._db.execute(CODES)]
        homes = {code: self.registry.home(code) for code in codes}
        self._db.executemany("INSERT INTO homes VALUES (?, ?)", homes.items())
        if self.catalogue:
            units = list(dict.fromkeys((*self.decision.leaves, *homes.values())))
            self._db.executemany("INSERT INTO offers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self.catalogue.offers(units))
        self._db.execute(RANK)
        if order is not None:
            self._rearrange(list(order))
        self._db.executescript(INDEXES)

    def _rearrange(self, order: list[int]) -> None:
        if sorted(order) != list(range(self.records)):
            raise ValueError("the order of arrival names each loaded record once, refused ones too")
        self._db.executemany("UPDATE arrival SET pos = ? WHERE seq = ?", enumerate(order))

    def count(self, dossiers: Iterable[int], horizon: int) -> None:
        """Count some dossiers anew, by the events that arrived at positions before the horizon."""
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM scope")
        self._db.executemany("INSERT INTO scope VALUES (?)", ((dossier,) for dossier in dossiers))
        postal = self.decision.switches["postal_in_denominator"] == "true"
        for statement in COUNT_ANEW:
            self._db.execute(statement, {"horizon": horizon, "postal": postal})
        self._db.execute("COMMIT")

    # -------------------------------------------------------------------------------------------- out

    def clock(self) -> list[tuple[int, str, int]]:
        """List (position, `at`, dossier) of the accepted events in their order of arrival."""
        return self._db.execute(CLOCK).fetchall()

    def days(self) -> Iterator[tuple[str, str, int, int, int]]:
        """List the day counters: unit, indicator, day number, numerator, denominator."""
        yield from self._db.execute(DAYS)

    def counted_units(self, as_of: date) -> set[str]:
        """Name the units for which anything counts, from the period's first day to a day."""
        return {unit for (unit,) in self._db.execute(COUNTED_UNITS, self._window(self.decision.first, as_of))}

    def figures(self, first: date, last: date) -> Figures:
        """Sum each unit's days; figures that only the catalogue tells are as of the last day."""
        window = self._window(first, last)
        figures: Figures = {
            (unit, indicator): self._shape(indicator, (num, den))
            for unit, indicator, num, den in self._db.execute(SUMS, window)
        }
        for unit, num, den in self._db.execute(PROVISION, window):
            figures[unit, "full-online-provision"] = (num, den)
        used: dict[str, int] = dict(self._db.execute(SERVICES_USED, window).fetchall())
        for unit, den in self._db.execute(SERVICES, window):
            figures[unit, "services-with-dossiers"] = (used.get(unit, 0), den)
        return figures

    def _shape(self, indicator: str, figure: Figure) -> Figure:
        """Count adoption of electronic copies as 1/1, 0/1 (paper only); `share` leaves copies over copies."""
        if indicator == "electronic-copies" and self.decision.switches["electronic_copies"] == "adoption":
            return min(figure[0], 1), min(figure[1], 1)
        return figure

    @staticmethod
    def _window(first: date, last: date) -> dict[str, int]:
        return {"first": first.toordinal(), "last": last.toordinal()}
