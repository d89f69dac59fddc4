"""The oracle's database: records in, figures out. What counts, and where, is said in sql.py."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from .decision import FORMULAS, Catalogue, Decision, Registry
from .decode import Event, Record, RefusalError, decode
from .sql import (
    CLOCK,
    CODES,
    COUNT_ANEW,
    COUNTED_UNITS,
    DAYS,
    HOLD,
    HOLD_WITHOUT_HEIRS,
    INDEXES,
    INTEGRATED,
    ONLINE_SERVICE,
    OVERDUE,
    PROVISION,
    RANK,
    SCHEMA,
    SERVICES,
    SERVICES_USED,
    SUMS,
    WEIGHTS,
    beside_cells,
    dossier_cells,
    payment_cells,
    share_of_catalogue,
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
        self.most = {"payment": 1_000, "copy": 1_000}  # contract.md, Limits
        self._items: dict[tuple[str, str], set[str]] = {}
        self._dossiers: dict[str, int] = {}
        self._stale = True  # the cells do not say what all events together say
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.executescript(SCHEMA)
        theirs = decision.formulas if decision.id in FORMULAS else ()
        strange = [f"'{name}'" for name in ("online-payments", "electronic-copies") if name not in theirs]
        counting = [statement for statement in COUNT_ANEW if not any(name in statement for name in strange)]
        self._statements = (*counting, *self._dossier_cells(), HOLD if decision.heirs else HOLD_WITHOUT_HEIRS)
        self._rules = {"postal": decision.switches["postal_in_denominator"] == "true"} | self._replacement()

    def _dossier_cells(self) -> Iterator[str]:
        for indicator, formula in self.decision.formulas.items():
            if formula.counts == "dossier" or (formula.counts == "service" and self.catalogue):
                yield dossier_cells(self.decision.id, indicator, formula.basis, formula.above, formula.below)
            if formula.counts == "dossier":
                yield from beside_cells(self.decision.id, indicator, formula.basis, formula.above, formula.below)
            if formula.counts == "transaction" and self.decision.id not in FORMULAS:
                yield payment_cells(self.decision.id, indicator, formula.above, formula.below)
            if formula.counts == "copy" and self.decision.id not in FORMULAS:
                copies = next(statement for statement in COUNT_ANEW if "'electronic-copies'" in statement)
                yield copies.replace("'electronic-copies'", f"'{indicator}'")

    def _replacement(self) -> dict[str, int | None]:
        """Tell until when a dropped procedure of Khánh Hòa counts and since when a new one does, if that is known."""
        switches = self.decision.switches
        day = switches.get("replacement_effective_date", "none")
        if day == "none":
            return {"until": None, "since": None}
        effective = date.fromisoformat(day).toordinal()
        return {
            "until": effective if switches["dropped_until"] == "inclusive" else effective - 1,
            "since": effective + (5 if switches["replacement_grace"] == "ordinary" else 6),
        }

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
                event = decode(record)
                self._room_for(event)
            except RefusalError as refusal:
                self.refusals[seq] = str(refusal)
            else:
                yield seq, event

    def _room_for(self, event: Event) -> None:
        """Refuse what names a payment or a copy too many of its dossier, in the order of arrival."""
        for what, most in self.most.items():
            known = self._items.setdefault((event.dossier, what), set())
            told = {fact.item for fact in event.facts if fact.what == what}
            if len(known | told) > max(most, len(known)):
                raise RefusalError(f"too many of one dossier: {what}")
        for what in self.most:
            self._items[event.dossier, what].update(fact.item for fact in event.facts if fact.what == what)

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
        for table in ("homes", "offers", "heirs", "arrival", "cells", "held"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own tables
        codes = [code for (code,) in self._db.execute(CODES)]
        homes = {code: self.registry.home(code) for code in codes}
        self._db.executemany("INSERT INTO homes VALUES (?, ?)", homes.items())
        if self.catalogue:
            heirs = [unit for heir in self.decision.heirs for unit in (heir.old, heir.new)]
            leaves = self.decision.named(date.max.replace(day=1)).leaves
            units = list(dict.fromkeys((*leaves, *heirs, *homes.values())))
            offers = self.catalogue.offers(units)
            self._db.executemany("INSERT INTO offers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", offers)
        self._db.executemany(
            "INSERT INTO heirs VALUES (?, ?, ?, ?)",
            ((h.day.toordinal(), h.old, h.new, p) for h in self.decision.heirs for p in h.procedures or (None,)),
        )
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
        for statement in self._statements:
            self._db.execute(statement, {"horizon": horizon, **self._rules})
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
        first, _ = self.decision.period(as_of)
        return {unit for (unit,) in self._db.execute(COUNTED_UNITS, self._window(first, as_of, as_of))}

    def figures(self, first: date, last: date, asked: date) -> Figures:
        """Sum each unit's days, with what it holds as an heir by the day asked; the catalogue's figures as of the last.

        Under (unit, indicator + " listed") stands how many of the denominator are listed.
        """
        window = self._window(first, last, asked)
        figures: Figures = {}
        for unit, indicator, num, den, listed in self._db.execute(SUMS, window):
            figures[unit, indicator] = self._shape(indicator, (num, den))
            figures[unit, f"{indicator} listed"] = (listed, den)
        if not self.catalogue:
            return figures
        for unit, num, den in self._db.execute(PROVISION, window):
            figures[unit, "full-online-provision"] = (num, den)
        for indicator, formula in self.decision.formulas.items():
            if formula.counts == "catalogue" and formula.above:
                for unit, num, den in self._db.execute(share_of_catalogue(formula.above, formula.below), window):
                    figures[unit, indicator] = (num, den)
        if service := ONLINE_SERVICE.get(self.decision.id):
            services: list[tuple[str, int]] = self._db.execute(SERVICES.format(service=service), window).fetchall()
            used: dict[str, int] = dict(self._db.execute(SERVICES_USED.format(service=service), window).fetchall())
            joined: dict[str, int] = dict(self._db.execute(INTEGRATED.format(service=service), window).fetchall())
            for unit, den in services:
                figures[unit, "services-with-dossiers"] = (used.get(unit, 0), den)
                figures[unit, "national-portal-integration"] = (joined.get(unit, 0), den)
        return figures

    def overdue(self, as_of: date) -> dict[str, int]:
        """Tell how many dossiers of each unit wait on a day although their day has come; no successions."""
        return dict(self._db.execute(OVERDUE, {"last": as_of.toordinal()}).fetchall())

    def weights(self, unit: str, indicator: str, as_of: date) -> dict[str, int]:
        """Tell how much of what an heir holds was each predecessor's own, by denominators."""
        first, _ = self.decision.period(as_of)
        window = {**self._window(first, as_of, as_of), "unit": unit, "indicator": indicator}
        return dict(self._db.execute(WEIGHTS, window).fetchall())

    def _shape(self, indicator: str, figure: Figure) -> Figure:
        """Count adoption of electronic copies as 1/1, 0/1 (paper only); `share` leaves copies over copies."""
        if indicator == "electronic-copies" and self.decision.switches["electronic_copies"] == "adoption":
            return min(figure[0], 1), min(figure[1], 1)
        return figure

    @staticmethod
    def _window(first: date, last: date, asked: date) -> dict[str, int]:
        return {"first": first.toordinal(), "last": last.toordinal(), "asked": asked.toordinal()}
