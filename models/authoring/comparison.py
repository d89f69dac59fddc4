"""What differs between two decisions, or two versions of one: who, how much, by which formula, when."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

from models.decisions.file import Decision, Indicator
from models.decisions.reading import Reading
from models.decisions.targets import members_of
from models.wording import decimal_text

ABOUT: Final = ("number", "title", "issuer", "issued", "effective", "province")
FORMULA: Final = ("title", "clause", "count", "basis", "numerator", "denominator", "shape", "trajectory")

Move = Literal["raised", "lowered", "assigned", "withdrawn"]


class Field(NamedTuple):
    """A field that differs: of the decision itself, of `indicators.X`, or of `switches.X`; None where it is absent."""

    place: str
    name: str
    old: str | None
    new: str | None


class Named(NamedTuple):
    """A unit that only one of the two names; or all units of a row, if it names none of them."""

    unit: str
    name: str
    row: str
    members: int
    """how many leaf units that is"""


class Moved(NamedTuple):
    """A target that differs, percent; None for none. Members of a group or class that move alike are one entry."""

    unit: str
    name: str
    indicator: Indicator
    old: Fraction | None
    new: Fraction | None
    members: int

    @property
    def move(self) -> Move:
        """Return what happened to the target."""
        if self.old is None:
            return "assigned"
        if self.new is None:
            return "withdrawn"
        return "raised" if self.new > self.old else "lowered"


class Comparison(NamedTuple):
    """All that differs between two decisions."""

    fields: tuple[Field, ...]
    removed: tuple[Named, ...]
    added: tuple[Named, ...]
    targets: tuple[Moved, ...]

    @property
    def same(self) -> bool:
        """Tell whether nothing differs."""
        return not any(self)


def compare(old: Reading, new: Reading, on: date) -> Comparison:
    """Compare two decisions, each on a day or the nearest day of its period."""
    was, now = old.targets(old.nearest(on)), new.targets(new.nearest(on))
    gone, come = was.rows.keys() - now.rows.keys(), now.rows.keys() - was.rows.keys()
    moved = {
        (unit, indicator): (a, b)
        for unit in was.rows.keys() & now.rows.keys()
        for indicator in {**old.indicators, **new.indicators}
        if (a := _value(was.targets.get((unit, indicator)))) != (b := _value(now.targets.get((unit, indicator))))
    }
    return Comparison(
        (*_about(old, new, on), *_formulas(old, new), *_switches(old.decision, new.decision)),
        tuple(_named(old, gone)),
        tuple(_named(new, come)),
        tuple(_targets(new, moved)),
    )


def _value(target: Any) -> Fraction | None:
    return None if target is None else target.value


def _text(value: object) -> str | None:
    if value is None or value == ():
        return None
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _about(old: Reading, new: Reading, on: date) -> Iterator[Field]:
    for name in ABOUT:
        a, b = getattr(old.decision, name), getattr(new.decision, name)
        if a != b:
            yield Field("", name, _text(a), _text(b))
    periods = old.period(on), new.period(on)
    for n, name in enumerate(("period.from", "period.to")):
        if periods[0][n] != periods[1][n]:
            yield Field("", name, str(periods[0][n]), str(periods[1][n]))


def _formulas(old: Reading, new: Reading) -> Iterator[Field]:
    for indicator in {**old.indicators, **new.indicators}:
        a, b = old.indicators.get(indicator), new.indicators.get(indicator)
        place = f"indicators.{indicator}"
        if a is None or b is None:
            yield Field(place, "", None if a is None else a.title, None if b is None else b.title)
            continue
        for name in FORMULA:
            if getattr(a, name) != getattr(b, name):
                yield Field(place, name, _text(getattr(a, name)), _text(getattr(b, name)))


def _switches(old: Decision, new: Decision) -> Iterator[Field]:
    for name in {**old.switches, **new.switches}:
        a, b = old.switches.get(name), new.switches.get(name)
        if a is None or b is None or a.choices != b.choices:
            choices = (None if s is None else " | ".join(s.choices) for s in (a, b))
            yield Field(f"switches.{name}", "choices", *choices)


def _collections(reading: Reading) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Yield (code, name, row, members) of every row that stands for several units."""
    for row in reading.decision.rows:
        members, group = members_of(row, reading.registry, reading.heirs)
        if group is not None or row.units is not None:
            yield row.unit or f"{row.of}/{row.units}", row.name, row.row, frozenset(members)


def _named(reading: Reading, units: Iterable[str]) -> Iterator[Named]:
    left = set(units)
    for code, name, row, members in _collections(reading):
        if members and members <= left:
            left -= members
            yield Named(code, name, row, len(members))
    rows = reading.targets(reading.period(date.max.replace(year=9998))[1]).rows
    for unit in sorted(left):
        yield Named(unit, reading.registry.name(unit), rows[unit].row if unit in rows else "", 1)


def _targets(
    reading: Reading, moved: Mapping[tuple[str, Indicator], tuple[Fraction | None, Fraction | None]]
) -> Iterator[Moved]:
    left = dict(moved)
    for code, name, _, members in _collections(reading):
        for indicator in dict.fromkeys(i for _, i in moved):
            changes = {left.get((unit, indicator)) for unit in members}
            change = next(iter(changes)) if len(changes) == 1 else None
            if change is not None:
                yield Moved(code, name, indicator, *change, len(members))
                for unit in members:
                    del left[unit, indicator]
    for (unit, indicator), change in sorted(left.items()):
        yield Moved(unit, reading.registry.name(unit), indicator, *change, 1)


def as_json(old: Reading, new: Reading, found: Comparison) -> dict[str, Any]:
    """Return a comparison as one JSON object."""
    return {
        "old": old.decision.id,
        "new": new.decision.id,
        "fields": [f._asdict() for f in found.fields],
        "units_removed": [n._asdict() for n in found.removed],
        "units_added": [n._asdict() for n in found.added],
        "targets": [
            {
                **t._asdict(),
                "old": None if t.old is None else decimal_text(t.old),
                "new": None if t.new is None else decimal_text(t.new),
                "change": t.move,
            }
            for t in found.targets
        ],
    }
