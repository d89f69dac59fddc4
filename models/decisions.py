"""A decision as data: what its file may hold, and how a file is checked.

The words of the file are those of the decision. Each value carries the clause it comes from; a question that the text
leaves to its owner is a named switch with a default. What the file means is worked out in `models.reading`.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

INDICATORS: Final = (
    "full-online-provision",
    "services-with-dossiers",
    "online-dossiers",
    "online-payments",
    "digitised-results",
    "electronic-results",
    "electronic-copies",
    "national-portal-integration",
)
Indicator = Literal[
    "full-online-provision",
    "services-with-dossiers",
    "online-dossiers",
    "online-payments",
    "digitised-results",
    "electronic-results",
    "electronic-copies",
    "national-portal-integration",
]

COMMON_SWITCHES: Final[Mapping[str, tuple[str, ...]]] = {
    "postal_in_denominator": ("true", "false"),
    "report_months": ("calendar", "15-14"),
    "trajectory": ("default", "flat", "linear"),
    "alert_rule": ("evidence", "literal", "forecast"),
}
QUESTIONS: Final[Mapping[str, str]] = {
    "postal_in_denominator": "Hồ sơ nộp qua bưu chính công ích có tính vào tổng số hồ sơ không?",
    "report_months": "Tháng báo cáo tính theo tháng dương lịch hay từ ngày 15 đến ngày 14?",
    "trajectory": "Lộ trình trong kỳ: theo mặc định của quyết định, giữ nguyên chỉ tiêu, hay tăng đều đến chỉ tiêu?",
    "alert_rule": "Quy tắc cảnh báo nào được áp dụng?",
}


class BadDecision(ValueError):  # noqa: N818 - a sentence for the person who wrote the file
    """A decision file is wrong; each line of the message says where, and what was expected."""


class Strict(BaseModel):
    """No field beyond those named; immutable once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Period(Strict):
    """The days the decision judges, both inclusive; `yearly_from` for a decision that holds for every calendar year."""

    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    yearly_from: int | None = None
    clause: Text

    @model_validator(mode="after")
    def _whole(self) -> Self:
        fixed = self.first is not None and self.last is not None
        if fixed == (self.yearly_from is not None):
            raise ValueError("a period is `from` and `to`, or `yearly_from`")
        if fixed and self.first > self.last:  # type: ignore[operator]  # both are dates where `fixed`
            raise ValueError("the period ends before it begins")
        return self


class Switch(Strict):
    """A question that the text leaves to its owner. The first choice is the default; `none` or a date where `date`."""

    choices: tuple[Text, ...] = Field(min_length=1)
    question: Text
    clause: Text


class Formula(Strict):
    """What one indicator counts (contract: "When a dossier counts")."""

    title: Text
    """the decision's own words"""
    short: Text
    """a wall's column head, Vietnamese"""
    clause: Text
    count: Literal["dossier", "transaction", "copy", "service", "catalogue"]
    basis: Literal["received", "resolved", "issued", "paid", "certified", "catalogue"]
    numerator: tuple[Literal["online", "listed", "digitised", "electronic", "national-gateway"], ...] = ()
    denominator: tuple[Literal["listed", "result-document"], ...] = ()
    trajectory: Literal["flat", "ramp"] = "flat"
    """flat: the target from the first day on; ramp: from the baseline (0 where there is none) evenly to the target"""
    reading: Text | None = None
    """how an ambiguity was read, for those who ask"""

    @property
    def fulfilled_later(self) -> bool:
        """Tell whether a dossier may come above the line by something done after the day on which it counts."""
        return self.count == "dossier" and not {"digitised", "electronic"}.isdisjoint(self.numerator)


class Growing(Strict):
    """A target that grows with the years of a yearly decision."""

    first: Decimal
    yearly: Decimal
    cap: Decimal = Decimal(100)


class Row(Strict):
    """One row of the annex, or one clause: for whom, and which target per indicator (percent; '' = none given)."""

    row: Text
    name: Text
    unit: str | None = None
    units: Literal["province-agency", "district", "commune"] | None = None
    of: str | None = None
    """the province of a class of units"""
    count: int | None = None
    """how many communes the row itself says it has"""
    targets: tuple[str, ...] | dict[Indicator, str | Growing]
    baseline: dict[Indicator, str] = {}
    no_target: dict[Indicator, str] = {}
    """why a cell is blank, in the decision's words"""

    @model_validator(mode="after")
    def _for_whom(self) -> Self:
        if (self.unit is None) == (self.units is None):
            raise ValueError("a row names either `unit` or a class (`units`, with `of`)")
        if self.units is not None and self.of is None:
            raise ValueError("a class of units needs `of`, the code of its province")
        return self


class Decision(Strict):
    """One decision file."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    number: Text | None = None
    title: Text
    issuer: Text
    issued: date | None = None
    effective: date | None = None
    effective_clause: Text | None = None
    province: Text
    """code of the province whose units the decision addresses"""
    period: Period
    text: Text
    """file name of the decision's text"""
    notes: tuple[Text, ...] = ()
    switches: dict[str, Switch] = {}
    indicators: dict[Indicator, Formula]
    no_target: dict[Indicator, Text] = {}
    """why units of some rows have no target for an indicator, in the decision's words"""
    columns: tuple[Indicator, ...] = ()
    """the annex's columns from left to right, where rows give their targets as a list"""
    rows: tuple[Row, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = []
        seen: set[str] = set()
        for row in self.rows:
            where = f"row {row.row!r}"
            if row.row in seen and row.unit is None:
                problems.append(f"{where}: the row stands twice")
            seen.add(row.row)
            if isinstance(row.targets, tuple) and len(row.targets) != len(self.columns):
                problems.append(f"{where}: {len(row.targets)} targets under {len(self.columns)} columns")
                continue
            for indicator, value in cells(self, row).items():
                if indicator not in self.indicators:
                    problems.append(f"{where}: indicator {indicator} has no formula in [indicators]")
                if isinstance(value, str):
                    _check_percent(value, f"{where}, {indicator}", problems)
        common = self.switches.keys() & COMMON_SWITCHES.keys()
        problems += [f"switch {name!r}: every decision has this switch already" for name in sorted(common)]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _check_percent(value: str, where: str, problems: list[str]) -> None:
    if value == "":
        return
    try:
        number = Decimal(value)
    except InvalidOperation:
        problems.append(f"{where}: {value!r} is not a number of percent")
        return
    if not (number.is_finite() and 0 <= number <= 100):
        problems.append(f"{where}: {value} percent is not between 0 and 100")


def cells(decision: Decision, row: Row) -> dict[Indicator, str | Growing]:
    """Return indicator → the value that stands in a row, in the order of the columns; '' for a blank cell."""
    if isinstance(row.targets, dict):
        return dict(row.targets)
    return dict(zip(decision.columns, row.targets, strict=True))


def parse_decision(text: str, name: str) -> Decision:
    """Read a decision file (TOML). Raises BadDecision, a line per problem, each naming file and place."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise BadDecision(f"{name}: not a readable TOML file: {exc}") from exc
    try:
        return Decision.model_validate(raw)
    except ValidationError as exc:
        raise BadDecision("\n".join(f"{name}: {line}" for line in _problems(exc, raw))) from exc


def _problems(exc: ValidationError, raw: Mapping[str, Any]) -> list[str]:
    lines = []
    for error in exc.errors(include_url=False):
        place = list(error["loc"])
        if place[:1] == ["rows"] and len(place) > 1 and isinstance(place[1], int):
            rows = raw.get("rows", [])
            row = rows[place[1]].get("row", place[1] + 1) if isinstance(rows[place[1]], dict) else place[1] + 1
            where = ".".join([f"row {row!r}", *(str(p) for p in place[2:] if p not in ("tuple[str, ...]", "dict"))])
        else:
            where = ".".join(str(p) for p in place)
        message = error["msg"].removeprefix("Value error, ")
        lines += [f"{where}: {m}" if where else m for m in message.split("\n")]
    return lines
