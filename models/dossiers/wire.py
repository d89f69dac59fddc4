"""An event as it travels: the closed schema of the contract, as pydantic reads it.

`models.dossiers.events` says what is made of it.
"""

from typing import Annotated, Literal, Required

from pydantic import ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict

from models.calendar.civil_time import RFC3339
from models.registers.codes import CODE, UNIT, WIDE

Code = Annotated[str, StringConstraints(max_length=200, pattern=CODE)]
WideCode = Annotated[str, StringConstraints(max_length=200, pattern=WIDE)]
UnitCode = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=UNIT)]
Time = Annotated[str, StringConstraints(pattern=RFC3339)]
Version = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""what every sender's JSON can say exactly"""
Amount = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""64 bits; `le`, since pydantic-core would compare with a bound of 2⁶³ as with a big integer, which is slow"""
Type = Literal[
    "submitted", "received", "refused",
    "paid", "refunded",
    "resolved", "result-issued", "result-recalled", "copy-certified",
    "corrected", "transferred", "withdrawn", "stopped", "deleted", "restored",
]  # fmt: skip


@with_config(ConfigDict(strict=True, extra="forbid", cache_strings="keys"))
class Wire(TypedDict, total=False):
    """One event as it travels: the fields of the contract, and whether each was carried at all."""

    id: Required[Code]
    type: Required[Type]
    dossier: Required[WideCode]
    version: Version | None
    at: Required[Time]
    unit: UnitCode
    procedure: Code | None
    channel: Literal["online", "in_person", "postal"] | None
    submitted_at: Time | None
    received_at: Time | None
    refused_at: Time | None
    resolved_at: Time | None
    issued_at: Time | None
    status: Literal["withdrawn", "stopped", "deleted"] | None
    transaction: Code | None
    paid_at: Time | None
    amount: Amount | None
    method: Literal["online", "cash", "transfer"] | None
    gateway: Literal["national", "local"] | None
    exempt: bool | None
    electronic: bool | None
    digitised: bool | None
    result_document: bool | None
    copy: Code | None
    due_at: Time | None
    fee: Amount | None
    reused: bool | None
    component_digitised: bool | None
    assisted: bool | None
    exempt_from_count: bool | None
    exempt_reason: Code | None


@with_config(ConfigDict(strict=True, extra="ignore", cache_strings="keys"))
class KnownOnly(Wire, total=False):
    """`Wire` that passes over unknown fields, which is cheaper.

    `models.dossiers.events` counts whether there were any.
    """
