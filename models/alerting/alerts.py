"""Alerts: the state machine that makes firing, resolved and retracted of a rule's verdicts.

A rule (`models.alerting.rules`) says what it wants of a unit's alert at one evaluation. The machine holds it to that
for some working days, keeps one open alert per unit and indicator, numbers its episodes, and tells a recovery
(`resolved`) from facts that came late and show the firing to have been untrue (`retracted`):

    ok ─► pending ─► firing ─► recovering ─► resolved
            └─► ok      └────► retracted

Missing data freeze it: while the feed is silent nothing is raised and nothing ends, and one alert says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final, NamedTuple

from models.alerting.feed_silence import heard, is_quiet, silent
from models.alerting.read_back import UNKNOWN_DAY
from models.alerting.rule_inputs import Observer
from models.alerting.rules import FORECAST_CLEAR, RULES, Inputs, Kind, Severity, Verdict, chance, severity
from models.alerting.transitions import NOTHING, Memory, Open, Phase, Step, Transition, fingerprint, step, transition_id
from models.calendar.civil_time import civil_day, day_number, end_of
from models.counting.ledger import NONE
from models.decisions.file import Indicator
from models.decisions.targets import Target
from models.decisions.vietnamese import counted_text, still_needed_text
from models.dossiers.events import TOPICS
from models.forecasting.forecast import forecast, rounded
from models.standings.prospects import Prospects, inputs_of
from models.standings.standings import Judged, Standings, shortfall
from models.wording import chance_text, counted_of, decimal_text, number_text, percent_text, ratio_text

EVERY: Final = "*"
"""stands for the indicator where an alert is about none in particular"""
HEARD: Final = ("", "")
"""how far an evaluation has come that has only listened to the feed"""
UNKNOWN_DOSSIERS: Final = 20
"""dossiers counted for a unit that no registry knows, from which it is a finding; a stray code is none"""
QUIET_DAYS: Final = 7
"""civil days without another record in a wrong partition, after which that alert ends"""
CATCH_UP_DAYS: Final = 400
"""evenings that are made up for at most, after a standstill"""


class _Saying(NamedTuple):
    """What a transition says besides figures."""

    kind: Kind
    episode: int
    severity: Severity
    reason: str


class _About(NamedTuple):
    """What an alert without figures of an indicator is about, and what it says when it fires and when it ends."""

    kind: Kind
    severity: Severity
    firing: str
    resolved: str
    group: str = ""


class _Occasion(NamedTuple):
    """One evaluation of one unit under one indicator, with all that is known of it."""

    unit: str
    indicator: Indicator
    at: str
    judged: Judged
    memory: Memory
    verdict: Verdict
    inputs: Inputs | None


class _Said(NamedTuple):
    """What a rule said of figures that have not changed since."""

    judged: Judged
    inputs: Inputs
    verdict: Verdict
    until: date
    """the last day on which it is known to say the same"""


class Alerts:
    """The alert state of some units under one decision: evaluates cases, and says what changed."""

    def __init__(self, standings: Standings, *, hears_feed: bool = True) -> None:
        """Start with nothing remembered; `hears_feed`: a silent feed is told from here, and not from elsewhere."""
        self.standings = standings
        self.reading = standings.reading
        self.prospects = Prospects(standings)
        self.rule = RULES[self.reading.switches["alert_rule"]]
        self.memory: dict[tuple[str, Indicator], Memory] = {}
        self._observer = Observer(self.prospects, self.rule)
        self._hears_feed = hears_feed
        self._seen: set[tuple[str, Indicator]] | None = None
        """what has changed since the last evaluation; None: nothing has been evaluated yet"""
        self._watched: set[tuple[str, Indicator]] = set()
        """what a daily rule has to look at again, changed or not: below the trajectory, or remembered"""
        self._said: dict[tuple[str, Indicator], _Said] = {}
        """of those: what the rule said when their figures were last looked at, and they have not changed since"""
        self._dirty: set[tuple[str, Indicator]] = set()
        self._over = False
        """at the evaluation under way: the period has ended"""
        self._feed = (self.reading.decision.province, EVERY)

    def changed(self, keys: Iterable[tuple[str, Indicator]]) -> None:
        """Take note of what may be judged otherwise than before (`Standings.take_changed`)."""
        keys = list(keys)
        self.prospects.note(keys)
        for key in keys:
            self._said.pop(key, None)
        if self._seen is not None:
            self._seen.update(keys)

    def take_changed(self) -> list[tuple[str, Indicator]]:
        """Return whose memory has changed since last asked, in a fixed order: what state has to be written."""
        changed, self._dirty = sorted(self._dirty), set()
        return changed

    def _put(self, key: tuple[str, Indicator], memory: Memory) -> None:
        if memory["episode"] or memory["rule"]:
            self.memory[key] = memory
        else:
            self.memory.pop(key, None)
        self._dirty.add(key)

    def instants(self, before: str | None, at: str) -> Iterator[tuple[str, bool]]:
        """Yield the instants that the clock goes through from `before` to `at`, and whether the rule is asked there.

        A daily rule is asked once on the evening of every civil day, also of those that the clock passed over; any
        other at every tick.
        """
        if not self.rule.daily:
            yield at, True
            return
        if before is not None:
            day = max(date.fromisoformat(civil_day(before)), date.fromisoformat(civil_day(at)) - _CATCH_UP)
            while end_of(day) < at:
                if end_of(day) > before:
                    yield end_of(day), True
                day += timedelta(days=1)
        yield at, at == end_of(date.fromisoformat(civil_day(at))) and (before is None or at > before)

    def tick(self, at: str, records: int | None = None) -> list[Transition]:
        """Evaluate at an instant at which the rule is asked, in a fixed order, and return the transitions.

        `records`: how many had come in by then, where that is known. A rule that is asked at every tick judges those
        whose figures have changed; a daily one, on the evening, also those it has to look at again. Nothing is raised
        before the decision is effective.
        """
        return [transition for _, raised in self.ticking(at, records) for transition in raised]

    def ticking(
        self, at: str, records: int | None = None, after: tuple[str, str] | None = None
    ) -> Iterator[tuple[tuple[str, str], list[Transition]]]:
        """Evaluate as `tick` does, one step at a time: yield how far it has come, and what that step has raised.

        `after` such a step the same evaluation is gone on with, by another process too; no figure may have changed.
        """
        feed = self._hear(at, records) if self.rule.daily and records is not None and after is None else []
        if date.fromisoformat(civil_day(at)) < self.reading.effective(self.standings.as_of):
            return
        yield after or HEARD, feed
        if silent(self.memory.get(self._feed, NOTHING)["rule"].get("totals", ())):
            return
        self.prospects.settle()
        last = self.reading.period(self.standings.as_of)[1]
        self._over = self.rule.daily and civil_day(at) > last.isoformat()
        for unit, indicator in self._due():
            if after is None or (unit, indicator) > after:
                after = unit, indicator
                yield after, self._evaluate(unit, indicator, at)
        if self.rule.daily:
            yield after or HEARD, self._unknown_units(at)

    def _due(self) -> list[tuple[str, Indicator]]:
        targets = self.reading.targets(self.standings.as_of)
        seen, self._seen = self._seen, set()
        if seen is not None and self.rule.daily:
            first, _ = self.reading.period(self.standings.as_of)
            begins = self.standings.as_of in (first, self.reading.effective(first))
            seen = None if self.rule.on_target or begins else seen | self._watched
        if seen is not None:
            due = {k for k in seen if (k in targets.targets and k[0] in targets.rows) or k in self.memory}
        else:
            due = {*(k for k in targets.targets if k[0] in targets.rows), *self.memory}
        return sorted(k for k in due if k[1] != EVERY)

    def alert_of(self, unit: str, indicator: Indicator) -> dict[str, Any] | None:
        """Return what a standing says of its open alert."""
        memory = self.memory.get((unit, indicator))
        if memory is None or memory["open"] is None:
            return None
        fired = memory["open"]["fired"]
        said: dict[str, Any] = {k: fired[k] for k in ("id", "kind", "severity", "at")}
        if memory["rule"].get("flapping"):
            said["flapping"] = True
        return said

    # -- one unit under one indicator ----------------------------------------------------------------------------------

    def _evaluate(self, unit: str, indicator: Indicator, at: str) -> list[Transition]:
        """Judge one unit under one indicator and return the transitions: one, or two where an alert is replaced."""
        standings, reading, key = self.standings, self.reading, (unit, indicator)
        memory = self.memory.get(key, NOTHING)
        opened = None if memory["open"] is None else memory["open"]["fired"]["kind"]
        if opened is None and self._over:
            return []  # a missed period is a line of the report, not an alert
        if self._says_again(key, memory, opened):
            return []
        target = reading.target(unit, indicator, standings.as_of)
        if target is None and opened is None:
            return []
        judged = standings.judge(unit, indicator)
        inputs = self._inputs(key, target, judged, remembered=bool(memory["rule"] or opened))
        verdict = Verdict(None, clear=True) if inputs is None else self.rule.judge(inputs)
        if not self.rule.daily:
            made = Step({}, verdict.kind)
        else:
            made = step(memory["rule"], opened, verdict, working=reading.workdays.is_working(standings.as_of))
            self._remember(key, judged, made)
            if inputs is not None and self.rule.turns is not None:
                self._said[key] = _Said(judged, inputs, verdict, standings.as_of)
        occasion = _Occasion(unit, indicator, at, judged, memory, verdict, inputs)
        if made.kind == opened:
            if memory["rule"] != made.rule:
                self._put(key, {**memory, "rule": dict(made.rule)})
            return []
        found = []
        if opened is not None:
            found.append(self._close(occasion, made))
            occasion = occasion._replace(memory=self.memory.get(key, NOTHING))
        if made.kind is not None:
            found.append(self._fire(occasion, made.kind, made.rule))
        return found

    def _inputs(
        self, key: tuple[str, Indicator], target: Target | None, judged: Judged, *, remembered: bool
    ) -> Inputs | None:
        """Return what the rule judges by; None where nothing can come of it, or nobody has assigned the target yet."""
        if target is None or target.held or self.standings.frozen(key[0]):
            return None
        return self._observer.inputs(*key, judged, target.value, remembered=remembered)

    def _remember(self, key: tuple[str, Indicator], judged: Judged, made: Step) -> None:
        """Remember whether a daily rule has to look at a unit again, though nothing of it changes."""
        if judged.status == "below" or made.rule or made.kind:
            self._watched.add(key)
        else:
            self._watched.discard(key)

    def _says_again(self, key: tuple[str, Indicator], memory: Memory, opened: Kind | None) -> bool:
        """Take in the verdict of an evening on which the rule cannot but say what it last said of the same figures.

        Tells whether that was all: it was not where the verdict may be another, or where an alert is raised or ended.
        """
        said, today = self._said.get(key), self.standings.as_of
        if said is None:
            return False
        if said.until < today:
            said = said._replace(until=self._observer.lasts_until(*key, said.inputs))
            self._said[key] = said
        if said.until < today:
            return False
        made = step(memory["rule"], opened, said.verdict, working=self.reading.workdays.is_working(today))
        if made.kind != opened:
            return False
        self._remember(key, said.judged, made)
        if memory["rule"] != made.rule:
            self._put(key, {**memory, "rule": dict(made.rule)})
        return True

    def _fire(self, occasion: "_Occasion", kind: Kind, rule: Mapping[str, Any]) -> Transition:
        unit, indicator, judged, inputs = occasion.unit, occasion.indicator, occasion.judged, occasion.inputs
        episode = occasion.memory["episode"] + 1
        if inputs is None:
            raise ValueError("an alert fires on what it was judged by")
        if not self.rule.forecasts:
            inputs = self._observer.with_forecast(unit, indicator, judged, inputs)
        grave: Severity = severity(kind, inputs) if self.rule.daily else "warning"
        fired = self._transition("firing", occasion, _Saying(kind, episode, grave, self._why(occasion, kind, inputs)))
        fired["inputs"] = inputs
        if inputs["probability"] is not None:
            target = Fraction(inputs["target"])
            basis = self.prospects.basis(unit, indicator, judged.figures, target, self.standings.as_of)
            fired["probability_met"], fired["basis"] = inputs["probability"], inputs_of(basis)
        if occasion.verdict.cause is not None:
            fired["cause"] = occasion.verdict.cause
            fired["group"] = f"{self.reading.decision.id}/{indicator}/{occasion.verdict.cause}"
        day = self.standings.counted_on(unit, indicator, self.standings.ledger.last)
        opened: Open = {"fired": fired, "day": list(day)}
        if kind == "completeness-gap":
            missing, due = self._observer.overdue(unit, indicator)
            fired["missing"] = missing
            fired["dossiers"] = self.standings.gaps_of(unit, indicator, due)
            last = day_number(due.isoformat())
            opened["due"] = [last, *self.standings.figures_until(unit, indicator, last)]
        self._put((unit, indicator), {"episode": episode, "open": opened, "rule": dict(rule)})
        return fired

    def _why(self, occasion: "_Occasion", kind: Kind, inputs: Inputs) -> str:
        """Say why an alert is raised; where the catalogue does not let the unit reach its target, that first (A25)."""
        said, scope = self._figures(occasion, kind, inputs), self.reading.decision.catalogue
        if inputs["ceiling"] is None:
            return said
        most = percent_text(Fraction(inputs["ceiling"]))
        owner = "cơ quan quản lý danh mục thủ tục" if scope is None else scope.owner
        return f"Không thể đạt do danh mục: mức trần {most}. {said} Nơi xử lý: {owner}."

    def _figures(self, occasion: "_Occasion", kind: Kind, inputs: Inputs) -> str:
        """Say the figures, what is missing, what the rest has to look like."""
        judged = occasion.judged
        figures, line = judged.figures, judged.expected if judged.expected is not None else Fraction(0)
        now = f"Lũy kế {ratio_text(*figures)} ({counted_of(*figures)})"
        what = counted_text(self.reading.indicators[occasion.indicator])
        few = shortfall(figures, judged.expected)
        if kind == "completeness-gap":
            return f"{now}: còn {number_text(inputs['overdue'])} hồ sơ quá một ngày làm việc chưa hoàn thành."
        said = f"{now} thấp hơn lộ trình {percent_text(line)}; còn thiếu {number_text(few)} {what}."
        if kind == "forecast-miss":
            met = chance_text(inputs["probability"])
            said = f"{now}; xác suất đạt chỉ tiêu {percent_text(inputs['target'])} cuối kỳ: {met}."
        if not self.rule.daily:
            return said
        if kind == "unreachable":
            by = "" if inputs["ceiling"] is not None else f", dù mọi {what} còn lại đều đạt"
            by += f"; còn thiếu {number_text(few)} {what}" if few else ""
            return f"{now}: không thể đạt {percent_text(inputs['target'])} trong kỳ{by}."
        target = Fraction(inputs["target"])
        rest = self.prospects.rest(occasion.unit, occasion.indicator, figures, target)
        if inputs["shape"] == "proportion" and rest.rest:
            said += f" {still_needed_text(rest.needed, rest.rest, what)}"
        by_chance = chance(figures, judged.expected) if inputs["shape"] == "proportion" else None
        if by_chance is not None and kind == "below-trajectory":
            said += f" Xác suất thấp như vậy chỉ do ngẫu nhiên: {chance_text(by_chance)}."
        return said

    def _close(self, occasion: "_Occasion", made: Step) -> Transition:
        """End the open alert: `resolved` where it was true and no longer is, `retracted` where it never was."""
        opened, judged, episode = occasion.memory["open"], occasion.judged, occasion.memory["episode"]
        if opened is None:
            raise ValueError("an alert that is not open cannot close")
        fired = opened["fired"]
        true, then = self._was_true(occasion, opened)
        now = f"{ratio_text(*judged.figures)} ({counted_of(*judged.figures)})"
        phase: Phase = "resolved"
        if made.kind is not None:
            reason = f"Thay bằng cảnh báo nặng hơn: {now}."
        elif true and occasion.inputs is None and judged.status == "below":
            reason = "Không còn xét theo lộ trình: đơn vị đã có đơn vị kế thừa, hoặc đang chờ giao lại chỉ tiêu."
        elif true:
            back = "Đã hoàn thành các hồ sơ" if fired["kind"] == "completeness-gap" else "Đã trở lại lộ trình"
            reason = f"{back}: {now}."
        else:
            phase = "retracted"
            reason = (
                f"Dữ liệu đến muộn hoặc được sửa: khi cảnh báo là "
                f"{counted_of(fired['numerator'], fired['denominator'])}, "
                f"nay cũng thời điểm đó là {counted_of(*then.figures)}."
            )
        closed = self._transition(phase, occasion, _Saying(fired["kind"], episode, fired["severity"], reason))
        if made.kind is not None:
            closed["replaced_by"] = made.kind
        if "group" in fired:
            closed["group"] = fired["group"]
        self._put((occasion.unit, occasion.indicator), {"episode": episode, "open": None, "rule": dict(made.rule)})
        return closed

    def _was_true(self, occasion: "_Occasion", opened: Open) -> tuple[bool, Judged]:
        """Tell whether the firing stands with what is known now, and how its day is judged now."""
        unit, indicator, fired = occasion.unit, occasion.indicator, opened["fired"]
        then = self._in_hindsight(unit, indicator, occasion.at, opened)
        if "due" in opened:
            day, k, n = opened["due"]
            now_k, now_n = self.standings.figures_until(unit, indicator, day)
            return now_n > min(now_k, k + max(0, now_n - n)), then
        if fired["kind"] == "forecast-miss" and then.figures[1]:
            on = self.reading.nearest(date.fromisoformat(civil_day(fired["at"])))
            target = self.reading.target(unit, indicator, on)
            if target is not None:
                ends = forecast(self.prospects.basis(unit, indicator, then.figures, target.value, on))
                return Fraction(rounded(ends.probability)) <= FORECAST_CLEAR, then
        return then.status == "below", then

    def _in_hindsight(self, unit: str, indicator: Indicator, at: str, opened: Open) -> Judged:
        """Judge the day of firing with what is known now.

        While that civil day lasts, what it has counted since may be new dossiers, so its own figures stay those of the
        firing; once it is over and the alert still stood, the whole day is what was judged.
        """
        fired = opened["fired"]
        fired_on = civil_day(fired["at"])
        on = self.reading.nearest(date.fromisoformat(fired_on))
        day = day_number(on.isoformat())
        standings = self.standings
        if day < standings.ledger.last and fired_on != civil_day(at):
            figures = standings.figures_until(unit, indicator, day)
        else:
            counted = opened["day"]
            figures = (
                (fired["numerator"], fired["denominator"])
                if tuple(counted) == UNKNOWN_DAY
                else standings.figures_until(unit, indicator, day - 1, (counted[0], counted[1]))
            )
            if self.reading.indicators[indicator].count == "service":
                figures = (max(figures[0], fired["numerator"]), figures[1])
        if self.reading.indicators[indicator].fulfilled_later:
            # What was missing then and was done since does not make the firing untrue (A23); dossiers that have come to
            # be known since, or are no longer counted, may.
            late = max(0, figures[1] - fired["denominator"])
            figures = (min(figures[0], fired["numerator"] + late), figures[1])
        return standings.judged(unit, indicator, figures, on)

    def _transition(self, phase: Phase, occasion: "_Occasion", saying: "_Saying") -> Transition:
        kind, episode, severity, reason = saying
        decision, judged = self.reading.decision.id, occasion.judged
        name = fingerprint(decision, occasion.indicator, occasion.unit, kind)
        target = self.reading.target(occasion.unit, occasion.indicator, self.standings.as_of)
        required = None
        if target is not None and judged.figures[1]:
            required = self.prospects.rest(occasion.unit, occasion.indicator, judged.figures, target.value).ratio
        return {
            "id": transition_id(name, episode, phase),
            "fingerprint": name,
            "status": phase,
            "kind": kind,
            "severity": severity,
            "decision": decision,
            "indicator": occasion.indicator,
            "unit": occasion.unit,
            "at": occasion.at,
            "reason": reason,
            "numerator": judged.figures[0],
            "denominator": judged.figures[1],
            "target": None if target is None else decimal_text(target.value),
            "expected": None if judged.expected is None else decimal_text(judged.expected),
            "shortfall": shortfall(judged.figures, judged.expected),
            "required_ratio": None if required is None else decimal_text(required),
            "probability_met": None,
            "rule": self.rule.name,
        }

    # -- what is no unit's fault ---------------------------------------------------------------------------------------

    def _hear(self, at: str, records: int) -> list[Transition]:
        """Note how much has come in, and say so where the feed has fallen silent or speaks again."""
        memory = self.memory.get(self._feed, NOTHING)
        totals = memory["rule"].get("totals", [])
        if self.reading.workdays.is_working(date.fromisoformat(civil_day(at))):
            totals = heard(totals, records)
        memory = {**memory, "rule": {"totals": totals}}
        self._put(self._feed, memory)
        # A memory that was read back knows no rhythm: the silence lasts until something comes.
        wanted = (silent(totals) or (memory["open"] is not None and is_quiet(totals))) and self._hears_feed
        return self._tell(_SILENT, self._feed, memory, at, NONE, wanted=wanted)

    def _unknown_units(self, at: str) -> list[Transition]:
        """Say which units no registry knows, though dossiers are counted for them."""
        standings, limit = self.standings, self.reading.unknown_units_max
        shown = set(standings.strangers()[:limit])
        units = shown - standings.named().keys()
        units |= {u for u, i in self.memory if i == EVERY and u != self._feed[0]}
        units -= TOPICS.keys()  # which alerts are about that have no unit: see `misplaced`
        found: list[Transition] = []
        for unit in sorted(units):
            key = (unit, EVERY)
            counted = max(self.standings.figures(unit, i)[1] for i in self.reading.indicators)
            wanted = counted >= UNKNOWN_DOSSIERS and unit in shown
            memory = self.memory.get(key, NOTHING)
            found += self._tell(_UNKNOWN, key, memory, at, (0, counted), wanted=wanted)
        return found

    def misplaced(self, at: str, records: Mapping[str, int]) -> list[Transition]:
        """Say once of each source topic that records are refused, for they lie where their key does not belong.

        `records`: source topic → how many so far. Told from where a silent feed is told, at any evaluation under any
        rule, once the decision is effective; ends after `QUIET_DAYS` civil days without another one.
        """
        if not self._hears_feed or date.fromisoformat(civil_day(at)) < self.reading.effective(self.standings.as_of):
            return []
        found: list[Transition] = []
        today = day_number(civil_day(at))
        for topic in TOPICS:
            key, count = (topic, EVERY), records.get(topic, 0)
            memory = self.memory.get(key, NOTHING)
            if not count and memory is NOTHING:
                continue
            seen = memory["rule"]
            if count != seen.get("records"):
                seen = {"records": count, "day": today}
                memory = {**memory, "rule": seen}
                self._put(key, memory)
            wanted = count > 0 and today - seen["day"] < QUIET_DAYS
            found += self._tell(_MISPLACED, key, memory, at, (0, count), wanted=wanted)
        return found

    def _tell(  # noqa: PLR0913 - one alert, spelled out
        self,
        about: _About,
        key: tuple[str, Indicator],
        memory: Memory,
        at: str,
        figures: tuple[int, int],
        *,
        wanted: bool,
    ) -> list[Transition]:
        """Raise or end an alert that has no figures of an indicator behind it."""
        opened = memory["open"]
        if wanted == (opened is not None):
            return []
        episode = memory["episode"] + (opened is None)
        occasion = _Occasion(*key, at, Judged(figures, None, "no-target"), memory, Verdict(None, clear=True), None)
        phase: Phase = "firing" if opened is None else "resolved"
        said = (about.firing if opened is None else about.resolved).format(topic=key[0], count=figures[1])
        transition = self._transition(phase, occasion, _Saying(about.kind, episode, about.severity, said))
        transition["group"] = f"{self.reading.decision.id}/{about.group or about.kind}"
        after: Open | None = {"fired": transition, "day": [0, 0]} if opened is None else None
        self._put(key, {**memory, "episode": episode, "open": after})
        return [transition]


_CATCH_UP: Final = timedelta(days=CATCH_UP_DAYS)
_SILENT: Final = _About(
    "source-silent",
    "warning",
    "Nguồn dữ liệu im lặng: theo nhịp thường ngày lẽ ra đã có hồ sơ. Tạm dừng đánh giá.",
    "Nguồn dữ liệu đã hoạt động trở lại.",
)
_UNKNOWN: Final = _About(
    "data-quality",
    "info",
    "Hồ sơ được ghi cho một mã đơn vị không có trong danh mục đơn vị.",
    "Mã đơn vị đã có trong danh mục, hoặc không còn hồ sơ.",
)
_MISPLACED: Final = _About(
    "data-quality",
    "warning",
    "Bản ghi của chủ đề {topic} nằm sai phân vùng so với khóa, không được tính: {count} bản ghi đã bị từ chối. "
    "Hệ thống gửi và lotrinh phải dùng cùng một cách phân vùng.",
    f"Đã {QUIET_DAYS} ngày không có thêm bản ghi nào của chủ đề {{topic}} nằm sai phân vùng; "
    "{count} bản ghi trước đó vẫn là bản ghi bị từ chối.",
    "wrong-partition",
)
