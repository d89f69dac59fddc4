"""A closed period: the published table as one record that is never changed."""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer
from pydantic_core import to_json

from models.calendar.periods import Label, Window
from models.reporting.report_lines import Line
from models.wording import first_error


class Closing(BaseModel):
    """A period's figures as they were when it was closed; one record, written once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: str
    period: str
    sequence: int
    """1 for the first closing of the period; each further one has a reason and replaces none"""
    reason: str | None
    first: date
    last: date
    known_until: str
    """instant up to which everything that had arrived was counted"""
    complete_to: date | None = None
    """civil day up to which whoever closed it said that nothing was missing, where no fact was as late as its end"""
    closed_at: str
    positions: dict[str, int]
    """source partition → position of the state the figures were read from"""
    fold: str
    fingerprint: str
    switches: dict[str, str]
    before_closed: bool
    """whether the period before was closed by then: its figures in the lines are published ones"""
    lines: tuple[Line, ...]
    digest: str
    """SHA-256 of all the rest"""

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write `complete_to` only where it says something: releases without it read all other closings."""
        written: dict[str, Any] = write(self)
        if self.complete_to is None:
            del written["complete_to"]
        return written

    @classmethod
    def made(cls, **fields: object) -> Self:
        """Return a closing with its digest."""
        return cls(**fields, digest=_digest(fields))

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Read a closing's JSON. Raises ValueError where it is none, or is not what was written."""
        try:
            found = cls.model_validate_json(raw)
        except ValidationError as exc:
            where, what = first_error(exc)
            raise ValueError(f"no closing of a period: {where or 'the record'}: {what}") from exc
        if _digest({name: getattr(found, name) for name in cls.model_fields if name != "digest"}) != found.digest:
            raise ValueError(f"the closing of {found.period} is not what was written: its digest does not fit")
        return found

    @property
    def window(self) -> Window:
        """Return the days it covers."""
        return Window(Label.of(self.period), self.first, self.last + timedelta(days=1))


def _digest(fields: Mapping[str, object]) -> str:
    """Return the digest; of closings older than `complete_to`, which do not have it, it stays what it was."""
    said = {name: value for name, value in sorted(fields.items()) if name != "complete_to" or value is not None}
    return hashlib.sha256(to_json(said)).hexdigest()
