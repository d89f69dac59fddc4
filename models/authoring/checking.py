"""Everything that is wrong with a decision file, at once, in words for those who wrote it: Vietnamese, then English.

A file is read in three steps (TOML, the fields of `models.decisions.file`, the fit to registry and switches). What a
step finds wrong is set aside and the next step looks at the rest, so that one mistake does not hide another.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from models.authoring.checking_vietnamese import KIND, SENTENCES, SYNTAX
from models.decisions.file import INDICATOR_NAME, BadDecision, Decision, Formula, Row, Switch, cells
from models.decisions.reading import Reading, Sources
from models.decisions.targets import members_of
from models.registers.units import COMMUNES, Registry, slug
from models.wording import day_vn, percent_text


class Finding(NamedTuple):
    """One thing to be seen to: where in the file, and what, in both languages."""

    where: tuple[str, str]
    what: tuple[str, str]

    def __str__(self) -> str:
        """Return one line: Vietnamese, a bar, English."""
        return " | ".join(
            f"{place}: {text}" if place else text for place, text in zip(self.where, self.what, strict=True)
        )


class Checked(NamedTuple):
    """What a check found: problems forbid the use of a file (`reading` is None), warnings do not."""

    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    reading: Reading | None


NOWHERE: Final = ("", "")


def check(text: str, sources: Sources) -> Checked:
    """Check the text of a decision file (TOML) with all that it is to be used with."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        return Checked((_of_syntax(str(exc)),), (), None)
    # Whether a list of procedures is given does not make the file right or wrong.
    sources = replace(sources, catalogue=sources.catalogue or ())
    places = _Places(raw, text)
    found: list[Finding] = []
    try:
        decision = Decision.model_validate(raw)
    except ValidationError as exc:
        found += _of_fields(exc, raw, places)
        decision = _salvaged(raw)
        found += [_worded(line, places) for line in _inconsistent(decision)]
        # Lists and switches that do not know one another cannot be read; rows can.
        decision = decision.model_copy(update={"catalogue": None, "switches": {}})
        sources = replace(sources, switches={})
    found += [_worded(line, places, decision, sources.registry) for line in _unfitting(decision, sources)]
    found += _two_targets(decision, sources, places)
    problems = tuple(dict.fromkeys(found))
    if problems:
        return Checked(problems, (), None)
    reading = Reading(decision, sources)
    return Checked((), tuple(_warnings(reading, sources, places)), reading)


# -- where -------------------------------------------------------------------------------------------------------------


class _Places:
    """Names places of a file as its author sees them: the row with its name and its line, else the table and key."""

    def __init__(self, raw: Mapping[str, Any], text: str) -> None:
        rows = raw.get("rows")
        self._rows = [r if isinstance(r, dict) else {} for r in rows] if isinstance(rows, list) else []
        self._lines = text.splitlines()

    def row(self, number: int, field: Iterable[str] = ()) -> tuple[str, str]:
        """Return the place of a row by its index."""
        row = self._rows[number] if number < len(self._rows) else {}
        label = str(row.get("row", number + 1))
        name = f" ({row['name']})" if isinstance(row.get("name"), str) else ""
        line = self._line_of(number, label)
        rest = "".join(f", {part}" for part in field)
        seen_vi, seen_en = (f", dòng {line} của tệp", f", line {line} of the file") if line else ("", "")
        return f"hàng {label}{name}{seen_vi}{rest}", f"row {label!r}{seen_en}{rest}"

    def named(self, label: str, field: Iterable[str] = (), name: str | None = None) -> tuple[str, str]:
        """Return the place of the row that bears a number or a clause, and a name; the last, where several do."""
        numbers = [
            n for n, row in enumerate(self._rows) if str(row.get("row")) == label and name in (None, row.get("name"))
        ]
        return self.row(numbers[-1], field) if numbers else (f"hàng {label}", f"row {label!r}")

    def _line_of(self, number: int, label: str) -> int | None:
        """Return the line on which a row's own `row = …` stands, where that can be told."""
        before = sum(str(r.get("row")) == label for r in self._rows[:number])
        pattern = re.compile(rf"""\brow\s*=\s*["']{re.escape(label)}["']""")
        lines = [n for n, line in enumerate(self._lines, start=1) if pattern.search(line)]
        return lines[before] if before < len(lines) else None


# -- TOML --------------------------------------------------------------------------------------------------------------

_SYNTAX: Final = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def _of_syntax(message: str) -> Finding:
    match = _SYNTAX.match(message)
    what = match["what"] if match else message
    hint = next((vn for en, vn in SYNTAX.items() if what.startswith(en)), "không đúng cú pháp TOML")
    if match and match["line"]:
        line, column = match["line"], match["column"]
        return Finding((f"dòng {line}, cột {column}", f"line {line}, column {column}"), (hint, f"not TOML: {what}"))
    return Finding(("cuối tệp", "end of the file"), (hint, f"not TOML: {what}"))


# -- fields ------------------------------------------------------------------------------------------------------------

_NOISE: Final = re.compile(r"^(tuple\[.*|dict\[.*|dict|str|Growing|ByYear|function-.*|\[key\])$")
"""parts of a place that name the alternative tried, not anything of the file"""


def _of_fields(exc: ValidationError, raw: Mapping[str, Any], places: _Places) -> Iterator[Finding]:
    errors = exc.errors(include_url=False)
    meant = {(*e["loc"][:-1], *_near(e)) for e in errors if e["type"] == "extra_forbidden"}
    for error in errors:
        loc = tuple(error["loc"])
        if _other_alternative(loc, raw) or (error["type"] == "missing" and loc in meant):
            continue
        where = _place(loc, places)
        if error["type"] == "value_error":
            for line in str(error["ctx"]["error"]).split("\n"):
                known = _worded(line, places)
                yield known if known.where != NOWHERE else Finding(where, known.what)
        else:
            yield Finding(where, _what(error, loc))


def _near(error: Any) -> list[str]:
    """Return the key that an unknown one was probably meant to be."""
    return get_close_matches(str(error["loc"][-1]), _fields_at(Decision, error["loc"][:-1]), n=1)


def _other_alternative(loc: Sequence[str | int], raw: Mapping[str, Any]) -> bool:
    """Tell whether an error is about an alternative that the author did not take: a list of targets, or a table."""
    for n, part in enumerate(loc):
        shape = str(part)
        if n and (shape.startswith(("tuple[", "dict[")) or shape in ("str", "Growing", "ByYear")):
            value: Any = raw
            for step in loc[:n]:
                if _NOISE.match(str(step)):
                    continue
                try:
                    value = value[step]
                except (KeyError, IndexError, TypeError):
                    return False
            # A list or a table of targets; a text or a table in a cell. What is neither is told of the first.
            is_table = isinstance(value, dict)
            if is_table != (shape[0] in "dGB"):
                return True
    return False


def _place(loc: Sequence[str | int], places: _Places) -> tuple[str, str]:
    plain = [part for part in loc if not (isinstance(part, str) and _NOISE.match(part))]
    if plain[:1] == ["rows"] and len(plain) > 1 and isinstance(plain[1], int):
        return places.row(plain[1], [str(p + 1) if isinstance(p, int) else p for p in plain[2:]])
    name = ".".join(str(p + 1) if isinstance(p, int) else p for p in plain)
    return name, name


def _what(error: Any, loc: Sequence[str | int]) -> tuple[str, str]:
    kind, given = error["type"], error.get("input")
    if kind == "extra_forbidden":
        known = _fields_at(Decision, loc[:-1])
        return _unknown("mục", "key", str(loc[-1]), known)
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return _unknown("giá trị", "value", str(given), choices, listed=True)
    if kind.startswith("date"):
        return (
            f"{_shown(given)} không phải là một ngày; viết không có ngoặc kép: 2024-05-24",
            f"{_shown(given)} is not a date; write it without quotes: 2024-05-24",
        )
    if kind in KIND:
        vn, en = KIND[kind]
        if kind in ("missing", "string_too_short", "too_short"):
            return vn, en
        return f"{_shown(given)} {vn}", f"{_shown(given)} {en}"
    return f"giá trị {_shown(given)} không hợp lệ", str(error["msg"])


def _shown(given: object) -> str:
    """Return a value as it stands in the file, cut short."""
    text = f'"{given}"' if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _unknown(vn: str, en: str, given: str, known: Iterable[str], *, listed: bool = False) -> tuple[str, str]:
    choices = list(known)
    near = get_close_matches(given, choices, n=1, cutoff=0.6)
    if near:
        return f'không có {vn} "{given}"; có phải là "{near[0]}"?', f'unknown {en} "{given}"; did you mean "{near[0]}"?'
    if listed:
        options = ", ".join(choices)
        return (
            f'không có {vn} "{given}"; chọn một trong: {options}',
            f'unknown {en} "{given}"; expected one of {options}',
        )
    return f'không có {vn} "{given}"', f'unknown {en} "{given}"'


def _fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Return the keys that the model knows at a place."""
    found: Any = model
    for part in loc:
        if isinstance(part, str) and _NOISE.match(part):
            continue
        if isinstance(found, type) and issubclass(found, BaseModel):
            by_key = {f.alias or n: f.annotation for n, f in found.model_fields.items()}
            found = by_key.get(str(part))
        else:  # the entry of a list or of a table
            found = next((a for a in _models_in(found)), None)
            if found is None:
                return []
    found = found if isinstance(found, type) else next(_models_in(found), None)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        return []
    return [f.alias or n for n, f in found.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for inner in get_args(annotation):
        yield from _models_in(inner)


# -- what is left when the faulty parts are set aside -----------------------------------------------------------------


def _salvaged(raw: Mapping[str, Any]) -> Decision:
    """Return a decision of those parts that can be read; good for looking for further problems alone."""
    parts: dict[str, Any] = {}
    for name, field in Decision.model_fields.items():
        value = raw.get(field.alias or name)
        if name == "rows":
            rows = value if isinstance(value, list) else []
            parts[name] = tuple(r for r in (_read(Row, row) for row in rows) if r is not None)
        elif name == "indicators":
            found = value if isinstance(value, dict) else {}
            formulas = {i: _read(Formula, f) for i, f in found.items() if re.match(INDICATOR_NAME, i)}
            parts[name] = {i: _PLACEHOLDER if f is None else f for i, f in formulas.items()}
        elif name == "switches":
            given = value if isinstance(value, dict) else {}
            switches = {n: _read(Switch, s) for n, s in given.items()}
            parts[name] = {n: s for n, s in switches.items() if s is not None}
        else:
            kept = None if value is None else _read(field.rebuild_annotation(), value)
            parts[name] = field.get_default(call_default_factory=True) if kept is None else kept
    if not isinstance(parts["province"], str):
        parts["province"] = ""
    if not isinstance(parts["id"], str):
        parts["id"] = "?"
    return Decision.model_construct(**parts)


_PLACEHOLDER: Final = Formula(title="?", short="?", clause="?", count="dossier", basis="received")


def _read(kind: Any, value: object) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None


def _inconsistent(decision: Decision) -> list[str]:
    """Return what the decision says against itself, a line each."""
    try:
        decision._consistent()  # type: ignore[operator]  # noqa: SLF001 - the same rule, asked of what is left
    except ValueError as exc:
        return str(exc).split("\n")
    return []


def _unfitting(decision: Decision, sources: Sources) -> list[str]:
    """Return what does not fit registry, switches and trajectories, a line each, without the decision's id."""
    # Switches are looked at apart, for one that nobody knows would hide all else.
    lines: list[str] = []
    for asked in (replace(sources, switches={}), sources):
        try:
            Reading(decision, asked)
        except BadDecision as exc:
            lines += [line.removeprefix(f"{decision.id}: ") for line in str(exc).split("\n")]
    return list(dict.fromkeys(lines))


def _two_targets(decision: Decision, sources: Sources, places: _Places) -> Iterator[Finding]:
    """Find units to which two rows give two targets under one indicator: by name and by class, or by two names."""
    try:
        reading = Reading(decision, replace(sources, trajectories={}, switches={}))
    except BadDecision:
        return
    given: dict[tuple[str, str], tuple[str, int]] = {}
    told: set[tuple[int, int, str]] = set()
    for number, row in enumerate(decision.rows):
        if isinstance(row.targets, tuple) and len(row.targets) != len(decision.columns):
            continue
        members, _ = members_of(row, reading.registry, reading.heirs)
        for indicator, value in cells(decision, row).items():
            for unit in members:
                text = value if isinstance(value, str) else str(getattr(value, "first", value))
                other, where = given.setdefault((unit, indicator), (text, number))
                if other != text and (where, number, indicator) not in told:
                    told.add((where, number, indicator))
                    who, first = f"{reading.registry.name(unit)} ({unit})", decision.rows[where].row
                    yield Finding(
                        places.row(number, [indicator]),
                        (
                            f"{who} có hai chỉ tiêu: {_percent(other)} ở hàng {first}, {_percent(text)} ở hàng này",
                            f"{who} has two targets: {other or 'none'} by row {first!r}, {text or 'none'} by this one",
                        ),
                    )


def _percent(text: str) -> str:
    return percent_text(text) if text else "không giao"


# -- the core's own sentences, in both languages -----------------------------------------------------------------------

_ROW: Final = re.compile(
    r"^(?:amendment '[^']*', )?row '(?P<label>[^']*)'(?: \((?P<name>.*?)\))?(?:, (?P<field>\S+))?: (?P<text>.*)$"
)
_SWITCH: Final = re.compile(
    r"^(switch '[^']*'(?:, [^:]+)?|catalogue\.rules, rule \d+|milestones\S*|amendments|indicators\.[^:\s]+): (.*)$"
)


def _worded(line: str, places: _Places, decision: Decision | None = None, registry: Registry | None = None) -> Finding:
    """Return one of the core's sentences as a finding."""
    where, text = NOWHERE, line
    if match := _ROW.match(line):
        field = [match["field"]] if match["field"] else []
        where, text = places.named(match["label"], field, match["name"]), match["text"]
    elif match := _SWITCH.match(line):
        text = match[2]
        where = match[1].replace("switch", "tùy chọn").replace("rule", "quy tắc"), match[1]
    for pattern, vn in SENTENCES:
        if found := pattern.match(text):
            said = vn.format(*(g.replace("'", '"') for g in found.groups()))
            near = ("", "")
            if decision is not None and registry is not None and text.startswith("no registry knows the unit"):
                near = _nearest_units(found[1], _name_in_row(line, decision), decision, registry)
            return Finding(where, (said + near[0], text + near[1]))
    return Finding(where, (text, text))


def _name_in_row(line: str, decision: Decision) -> str:
    match = _ROW.match(line)
    return next((r.name for r in decision.rows if match and r.row == match["label"]), "")


def _nearest_units(code: str, name: str, decision: Decision, registry: Registry) -> tuple[str, str]:
    """Name the units of the province that come nearest to a code that nobody knows, by code or by the row's name."""
    own = {c: u for c, u in registry.units.items() if registry.province_of(c) == decision.province}
    by_name = {slug(u.name): c for c, u in own.items()}
    agency = f"{decision.province}.{slug(name)}"
    if code.endswith(COMMUNES):
        districts = [c for c, u in own.items() if u.level == "district"]
        near = [f"{c}{COMMUNES}" for c in get_close_matches(code.removesuffix(COMMUNES), districts, n=3)]
    elif "." in code:
        near = [agency]
    else:
        stem = re.sub(r"^(uy-ban-nhan-dan|ubnd)-", "", slug(name))
        near = [by_name[s] for s in get_close_matches(stem, by_name, n=3, cutoff=0.6)]
        near = near or get_close_matches(code, own, n=3, cutoff=0.6)
    if not near:
        return "", ""
    listed = ", ".join(f'"{c}"' + (f" ({own[c].name})" if c in own else "") for c in near)
    return f"; gần nhất: {listed}", f"; nearest: {listed}"


# -- warnings ----------------------------------------------------------------------------------------------------------


def _taken_for_founded(reading: Reading) -> Iterator[Finding]:
    """Say which heirs are taken to be new, because no file says since when they exist."""
    for unit, day in sorted(reading.heirs.merged.items()):
        name = reading.registry.name(unit)
        vn = f"{name} được coi là đơn vị thành lập ngày {day_vn(day)} do sáp nhập"
        en = f"{name} is taken to be founded on {day:%d/%m/%Y} by a merger"
        yield Finding(
            (unit, unit),
            (
                f"{vn}; nếu đã có từ trước, ghi rõ trong cột since của tệp --units",
                f"{en}; if it existed before, say so in the column `since` of --units",
            ),
        )


def _warnings(reading: Reading, sources: Sources, places: _Places) -> Iterator[Finding]:
    decision = reading.decision
    yield from (_worded(line, places) for line in reading.warnings())
    if decision.effective is None:
        yield Finding(
            ("effective", "effective"),
            (
                "không ghi ngày có hiệu lực; cảnh báo tính từ ngày đầu kỳ",
                "no day of effect; alerts begin on the first day of the period",
            ),
        )
    last, known = decision.period.last, reading.workdays.known_until
    if last is not None and last > known:
        yield Finding(
            ("period", "period"),
            (
                f"lịch nghỉ lễ chỉ có đến hết ngày {day_vn(known)}; bổ sung bằng --holidays",
                f"holidays are known until {known:%d/%m/%Y} only; add the later ones with --holidays",
            ),
        )
    yield from _taken_for_founded(reading)
    if decision.number is None:
        yield Finding(("number", "number"), ("không ghi số của quyết định", "the decision has no number"))
    asked: Callable[[str], bool] = lambda i: any(i in cells(decision, row) for row in decision.rows)  # noqa: E731
    for indicator in decision.indicators:
        if not asked(indicator):
            yield Finding(
                (f"indicators.{indicator}", f"indicators.{indicator}"),
                ("có công thức nhưng không hàng nào giao chỉ tiêu", "has a formula, and no row gives it a target"),
            )
    for number, row in enumerate(decision.rows):
        by_rule = f"{decision.province}.{slug(row.name)}"
        if (row.unit or "").startswith(f"{decision.province}.") and row.unit not in {by_rule, *sources.registry.units}:
            yield Finding(
                places.row(number),
                (
                    f'mã "{row.unit}" không khớp tên; theo quy tắc là "{by_rule}"',
                    f'the code "{row.unit}" does not follow from the name; by the rule it is "{by_rule}"',
                ),
            )
        for indicator, baseline in row.baseline.items():
            value = cells(decision, row).get(indicator)
            if isinstance(value, str) and value and baseline and Fraction(baseline) > Fraction(value):
                yield Finding(
                    places.row(number, [indicator]),
                    (
                        f"mức ban đầu {percent_text(baseline)} cao hơn chỉ tiêu {percent_text(value)}",
                        f"the baseline {baseline} is above the target {value}",
                    ),
                )
