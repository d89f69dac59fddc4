"""Tests of rules as files: events, and the transitions they are to lead to (as `promtool test rules` has it).

```yaml
decision: thai-binh-2024          # the command's --decision wins
set: {alert_rule: evidence}
cases:
  - name: a shortfall that chance does not explain
    events:
      - {day: 2024-06-06, unit: 34.so-cong-thuong, online: 40, in_person: 60}   # so many dossiers received
      - {event: {type: received, dossier: A, at: …, unit: …}}                     # or an event as the portal sends it
    until: 2024-06-30
    expect:
      - {at: 2024-06-10, status: firing, kind: below-trajectory, unit: 34.so-cong-thuong}
```

All transitions up to `until` are compared, in order, by the fields that `expect` names.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.calendar.civil_time import start_of
from models.decisions.reading import Reading
from models.evaluation.evaluation import evaluate
from models.wording import first_error
from streams.errors import BadInput
from streams.files.tables import read_text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Story(_Strict):
    """One line of `events`."""

    event: dict[str, Any] | None = None
    day: date | None = None
    unit: str | None = None
    procedure: str | None = None
    online: int = Field(default=0, ge=0, le=100_000)
    in_person: int = Field(default=0, ge=0, le=100_000)


class Expected(_Strict):
    """One transition that is to come; what is left out is not compared."""

    at: date
    status: str
    kind: str | None = None
    severity: str | None = None
    unit: str | None = None
    indicator: str | None = None
    cause: str | None = None
    missing: int | None = None
    dossiers: list[str] | None = None


class Case(_Strict):
    """One case."""

    name: str
    events: list[Story]
    until: date
    expect: list[Expected]


class Cases(_Strict):
    """One file."""

    decision: str | None = None
    switches: dict[str, str] = Field(default_factory=dict, alias="set")
    cases: list[Case] = Field(min_length=1)


class Outcome(NamedTuple):
    """What came of a case: no differences, or a line for each."""

    name: str
    differences: list[str]


def read_cases(path: Path) -> Cases:
    """Read a file of cases. Raises BadInput, saying what and where."""
    try:
        return Cases.model_validate(yaml.safe_load(read_text(path)))
    except yaml.YAMLError as exc:
        raise BadInput(f"{path}: not a readable YAML file: {' '.join(str(exc).split())}") from exc
    except ValidationError as exc:
        place, what = first_error(exc)
        raise BadInput(f"{path}: {place}: {what}") from exc


def run(reading: Reading, case: Case) -> Outcome:
    """Run one case. Raises BadInput where its day lies before the period."""
    lines = enumerate((orjson.dumps(e) for e in _events(case)), start=1)
    try:
        result = evaluate(reading, lines, case.until)
    except ValueError as exc:
        raise BadInput(f"case {case.name!r}: {exc}") from exc
    differences = [f"event {line} is refused: {reason}" for line, reason in result.refused]
    for n in range(max(len(case.expect), len(result.alerts))):
        wanted = case.expect[n].model_dump(mode="json", exclude_none=True) if n < len(case.expect) else None
        came = result.alerts[n] if n < len(result.alerts) else None
        if wanted is None or came is None:
            differences.append(f"{'missing' if came is None else 'not expected'}: {_line(came or wanted or {})}")
            continue
        found = {**came, "at": came["at"][:10]}
        if any(found.get(field) != value for field, value in wanted.items()):
            differences.append(f"expected {_line(wanted)}, came {_line(found)}")
    return Outcome(case.name, differences)


def _line(transition: Mapping[str, Any]) -> str:
    fields = ("at", "status", "kind", "severity", "unit", "indicator", "cause", "missing", "dossiers")
    return ", ".join(f"{f}={transition[f]}" for f in fields if transition.get(f) is not None)


def _events(case: Case) -> Iterator[dict[str, Any]]:
    for n, story in enumerate(case.events):
        if story.event is not None:
            yield {"id": f"case:{n}", **story.event}
            continue
        if story.day is None or story.unit is None:
            raise BadInput(f"case {case.name!r}, event {n + 1}: either `event`, or `day` and `unit`")
        for channel, count in (("online", story.online), ("in_person", story.in_person)):
            for k in range(count):
                yield {
                    "id": f"case:{n}:{channel}:{k}", "type": "received", "dossier": f"{n}-{channel}-{k}", "version": 1,
                    "at": start_of(story.day).replace("T00", "T08"), "unit": story.unit, "channel": channel,
                    "procedure": story.procedure,
                }  # fmt: skip
