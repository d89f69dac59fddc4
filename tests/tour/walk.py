"""The tour itself: what happens, what an official does, and what has to be true at the end."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.tour import story
from tests.tour.story import COMES_BACK, SILENCED, WAS_WRONG
from tests.tour.system import Tour, touring

ONE_DAY: Final = timedelta(days=1)
REACHED: Final[Mapping[str, Mapping[str, set[str]]]] = {
    "evidence": {
        "below-trajectory": {"firing", "resolved", "retracted"},
        "unreachable": {"firing", "resolved", "retracted"},
        "completeness-gap": {"firing", "resolved", "retracted"},
        "source-silent": {"firing", "resolved"},
        "data-quality": {"firing", "resolved"},
    },
    "forecast": {
        "forecast-miss": {"firing", "resolved", "retracted"},
        "unreachable": {"firing", "resolved", "retracted"},
        "completeness-gap": {"firing", "resolved", "retracted"},
        "source-silent": {"firing", "resolved"},
        "data-quality": {"firing", "resolved"},
    },
}
"""rule → kind → what the tour shows of it. A silent source and a stray code are about no ratio: nothing to retract"""


def walk(folder: Path, rule: str, say: Callable[[str], None]) -> None:
    """Walk through the story under one rule. Raises AssertionError where something is not as it has to be."""
    with touring(folder, rule, say) as tour:
        say(f"## Rule `{rule}`\n")
        tour.live(story.FIRST, story.QUIET_UNTIL)
        silences = _silence(tour, rule)
        tour.live(story.TROUBLE, story.RAISED)
        _raised(tour)
        _acknowledge(tour, rule)
        _receiver_dies(tour)
        _source_falls_silent(tour, rule)
        _unsilence(tour, silences)
        tour.clock(f"{story.BACK + ONE_DAY}T08:00:00+07:00")
        tour.until(lambda: any("12/09/2024" in m["subject"] for m in tour.mails()), "the digest of the morning")
        mail = next(m for m in tour.mails() if "12/09/2024" in m["subject"])
        say(f"### The morning's digest\n\n```\n{mail['subject']}\n\n{mail['text'].strip()}\n```\n")
        check(tour, rule)


def _commands(tour: Tour, title: str, *commands: tuple[str, ...]) -> list[str]:
    tour.say(f"### {title}\n\n```")
    answers = [tour.lotrinh(*command) for command in commands]
    tour.say("```\n")
    return answers


def _silence(tour: Tour, rule: str) -> list[str]:
    """Silence what is about to come: three units by name; under `forecast` also two kinds."""
    matchers = [f"unit={units[SILENCED]}" for units in (story.BELOW, story.LOST, story.GAPS)]
    if rule == "forecast":
        matchers += ["kind=source-silent", "kind=data-quality"]
    more = ("--until", "30d", "--reason", "đang chuyển hệ thống", "--by", "operator")
    answers = _commands(
        tour, "Silenced before anything happens", *(("alerts", "silence", "--match", m, *more) for m in matchers)
    )
    return [answer.split()[3] for answer in answers]


def _raised(tour: Tour) -> None:
    """Everything but the silent source is open now; what is not silenced has been told."""
    expected = {
        *story.BELOW.values(), *story.LOST.values(), *story.GAPS.values(), story.UNKNOWN,
    }  # fmt: skip
    tour.until(lambda: {t["unit"] for t in tour.transitions()} == expected, "the alerts")
    tour.until(lambda: {w["unit"] for w in tour.words()} >= _told(tour), "the first messages")


def _told(tour: Tour) -> set[str]:
    """Return the units of open alerts that no silence holds back."""
    listed = json.loads(tour.lotrinh("alerts", "list", "--json", quiet=True))
    return {a["unit"] for a in listed["alerts"] if a["silenced"] is None}


def _acknowledge(tour: Tour, rule: str) -> None:
    units = [story.BELOW[COMES_BACK], story.LOST[COMES_BACK], story.GAPS[COMES_BACK]]
    if rule == "evidence":
        units.append(story.UNKNOWN)
    ids = {t["unit"]: t["id"] for t in tour.transitions()}
    acks = [("alerts", "ack", ids[u][:12], "--by", "unit-head", "--note", "đã phân công rà soát") for u in units]
    _commands(tour, "Acknowledged, and what is open", *acks, ("alerts", "list"))
    quiet = {story.BELOW[SILENCED], story.LOST[SILENCED], story.GAPS[SILENCED]}
    assert not quiet & {w["unit"] for w in tour.words()}, "what is silenced was sent"


def _receiver_dies(tour: Tour) -> None:
    """SIGKILL; good and late news come in while nobody hears; then it is back."""
    before = len(tour.messages())
    tour.kill_receiver()
    tour.live(story.RAISED + ONE_DAY, story.NEWS - ONE_DAY)  # apart: late facts are not to be there too early
    tour.live(story.NEWS, story.NEWS)
    tour.until(lambda: "trung-tam was not reached" in tour.notify_log(), "the notifier to find nobody")
    assert len(tour.messages()) == before
    tour.say("### The receiver is killed (SIGKILL), news come in, it is started again\n\n```")
    reached = next(line for line in tour.notify_log().splitlines() if "trung-tam was not reached" in line)
    tour.say(f"notify: {reached.partition('lotrinh.notify: ')[2]}")
    tour.start_receiver()
    ends = {u[role] for u in (story.BELOW, story.LOST, story.GAPS) for role in (COMES_BACK, WAS_WRONG)}
    tour.until(lambda: {w["unit"] for w in tour.words() if w["status"] != "firing"} >= ends, "the ends to be told", 90)
    for word in tour.words():
        if word["status"] != "firing":
            who = " – ".join(filter(None, (word["unit_name"], word["indicator_name"])))
            tour.say(f"{word['status']:<9}  {who} ({word['kind']}): {word['reason']}")
    tour.say("```\n")


def _source_falls_silent(tour: Tour, rule: str) -> None:
    tour.live(story.SILENT, story.SILENT)
    silent = [t for t in tour.transitions() if t["kind"] == "source-silent"]
    assert [t["status"] for t in silent] == ["firing"]
    commands: list[tuple[str, ...]] = [("alerts", "list")]
    if rule == "evidence":
        tour.until(lambda: any(w["kind"] == "source-silent" for w in tour.words()), "the silent source to be told")
        commands.insert(0, ("alerts", "ack", silent[0]["id"][:12], "--by", "operator", "--note", "đang kiểm tra"))
    _commands(tour, "The portal falls silent for a working day", *commands)
    tour.live(story.BACK, story.BACK)


def _unsilence(tour: Tour, silences: list[str]) -> None:
    units = {story.BELOW[SILENCED], story.LOST[SILENCED], story.GAPS[SILENCED]}
    assert not units & {w["unit"] for w in tour.words()}, "what is silenced was sent"
    _commands(tour, "Silences end early", *(("alerts", "unsilence", s, "--by", "operator") for s in silences[:3]))
    tour.until(lambda: units <= {w["unit"] for w in tour.words()}, "what was silenced to be told")


def check(tour: Tour, rule: str) -> None:
    """Compare what the topic says with what the receiver kept; print the account."""
    log: dict[str, list[dict[str, Any]]] = {}
    for transition in tour.transitions():
        log.setdefault(transition["fingerprint"], []).append(transition)
    told: dict[str, list[dict[str, Any]]] = {}
    for word in tour.words():
        told.setdefault(word["fingerprint"], []).append(word)
    reached: dict[str, set[str]] = {}
    transitions = received = silenced = 0
    for name, rows in log.items():
        statuses = [r["status"] for r in rows]
        assert all((s == "firing") == (n % 2 == 0) for n, s in enumerate(statuses)), "firing and its end alternate"
        assert len({r["id"] for r in rows}) == len(rows), "an id stands twice"
        reached.setdefault(rows[0]["kind"], set()).update(statuses)
        transitions += len(rows)
        if name not in told and rule == "forecast" and rows[0]["kind"] in ("source-silent", "data-quality"):
            silenced += len(rows)  # began and ended under a silence
            continue
        words = [w for w in told[name] if w["why"] in ("firing", "ended")]
        received += len(words)
        assert [(w["id"], w["status"]) for w in words] == [(r["id"], r["status"]) for r in rows], (
            "lost, or out of order"
        )
        assert [w["number"] for w in words] == list(range(1, len(rows) + 1))
    assert reached == REACHED[rule], reached
    assert told.keys() <= log.keys()
    _check_wall(tour)
    explained = next(t for t in tour.transitions() if t["kind"] in ("below-trajectory", "forecast-miss"))
    _commands(tour, "Why did it speak?", ("alerts", "explain", explained["id"][:12]))
    tour.say(
        f"### The account\n\n{transitions} transitions stand in the topic `alerts` (read committed); {received} were "
        f"received, each under its own id and in order; {silenced} began and ended under a silence and were not sent. "
        f"Lost: {transitions - received - silenced}. Messages: {len(tour.messages())}; mails: {len(tour.mails())}.\n"
    )
    assert transitions == received + silenced


def _check_wall(tour: Tour) -> None:
    """The wall shows which alerts are open, and names no dossier."""
    last = {t["fingerprint"]: t for t in tour.transitions()}
    still = {t["id"] for t in last.values() if t["status"] == "firing" and t["indicator"] != "*"}

    def shown() -> set[str]:
        return {row["alert"]["id"] for row in tour.snapshot()["rows"] if row.get("alert")}

    tour.until(lambda: shown() == still, "the wall to show what is open")
    assert "ket-qua" not in str(tour.snapshot()), "a dossier code stands on the wall"
