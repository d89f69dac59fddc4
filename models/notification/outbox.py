"""What has to be told to whom: the state of every alert and of every mailbox, and the messages that follow.

The state is small and absolute. Per alert: its newest transition. Per mailbox and alert: from which transition on
something is *owed*, and which one was last *told*. What is still to be told follows from these and is kept nowhere
else: a receiver that is away for a day is owed one message per group on its return, with the latest word on each alert,
and no alert's older word can follow its newer one. Transitions are ordered as they lie in the log.

Whoever holds an `Outbox` gives it records and the time, sends the messages it asks for, says how that went, and keeps
the rows it changes. Losing what was not kept means sending a message again, under the same id.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, NamedTuple, NotRequired, cast

from typing_extensions import TypedDict

from models.alerting.operator_actions import NOBODY, WORSE_BY_DOSSIERS, Operators, acknowledged_by, silenced_by
from models.alerting.transitions import Transition
from models.notification.routing import (
    PART,
    Mailbox,
    Manner,
    Routing,
    days_before,
    full_working_day_after,
    hours_after,
    hours_since,
    next_digest,
    working_day_after,
    working_days_since,
)
from models.notification.watch_list import SHOWN_MAX, Watched, WatchList, labels

SEEN_MAX: Final = 20
"""ids remembered per alert; more transitions than that are not repeated by a state that is rebuilt within one log"""
LINES_MAX: Final = 1_000
"""alerts in one message; the rest go into the next"""
BACKLOG: Final = "backlog"
DIGEST: Final = "digest"
UNDELIVERED: Final = "undelivered"
REFUSALS_MAX: Final = 5
"""times in a row that a receiver may refuse for good before a message is set aside"""
COMPLAINTS_APART_HOURS: Final = 1
"""hours between two messages to the engineers about addresses that are not reached"""

NO_LIST: Final = WatchList("")

Reason = Literal["firing", "ended", "reminder", "worse", "acknowledged", "stale"]
Held = Literal["silenced", "inhibited"]


class Known(TypedDict):
    """What is known of an alert."""

    mark: str
    """place of the newest transition in the log; larger is newer"""
    number: int
    """transitions so far"""
    now: Transition
    fired: Transition
    """the transition that opened the episode"""
    seen: list[str]


class Account(TypedDict):
    """How a mailbox stands with an alert."""

    owed: str
    """mark from which on something has to be told; '' while nothing has"""
    told: str
    """mark of the last word that was told; '' before the first"""
    number: int
    """transitions of the alert up to `told`"""
    firing: bool
    """the last word was that it fires"""
    at: str
    """when that was"""
    shortfall: int
    """dossiers that were missing then"""
    ack: NotRequired[str]
    """acknowledgement that held then; absent or '': none did"""


class Kept(TypedDict):
    """A watch list that was sent, or was about to be."""

    day: str
    rows: list[list[Any]]
    more: int


class Box(TypedDict):
    """How a mailbox stands by itself."""

    sending: bool
    """a message is, or was at the last stop, under way"""
    failures: int
    retry_at: float
    """Unix time before which it is not tried again"""
    digest: str
    """civil day of the last digest"""
    why: NotRequired[str]
    """why the last attempt failed; never an address"""
    since: NotRequired[str]
    """instant of the first of the failures in a row; absent or '': the last attempt succeeded"""
    refusals: NotRequired[int]
    """refusals for good in a row"""
    given_up: NotRequired[str]
    """instant at which a message was set aside, nothing having been accepted since; absent or '': none was"""
    complained: NotRequired[dict[str, str]]
    """engineers' mailbox: unreached mailbox of which it was told → since when"""
    complained_at: NotRequired[str]
    """engineers' mailbox: instant of its last message about such mailboxes"""
    watch: NotRequired[Kept | None]
    """watch list of the digest under way: should it have to be sent again, it says the same"""


NO_ACCOUNT: Final[Account] = {
    "owed": "",
    "told": "",
    "number": 0,
    "firing": False,
    "at": "",
    "shortfall": 0,
}
NEW_BOX: Final[Box] = {"sending": False, "failures": 0, "retry_at": 0.0, "digest": ""}


class Line(NamedTuple):
    """One alert in a message."""

    reason: Reason
    now: Transition
    """the newest transition"""
    fired: Transition
    mark: str
    number: int
    """place of `now` among the alert's transitions: larger is newer"""
    untold: int
    """transitions since the last word; above 1 where several were merged into this one"""
    labels: Mapping[str, str]
    shortfall: int
    """dossiers missing today, where that is known; otherwise when it fired"""
    ack: str = ""
    """acknowledgement that holds; '' where none does"""
    told_at: str = ""
    """when the mailbox was last told of it"""

    @property
    def acknowledged(self) -> bool:
        """Tell whether an operator has taken the alert on."""
        return self.ack != ""

    @property
    def firing(self) -> bool:
        """Tell whether the alert is open."""
        return self.now["status"] == "firing"


class Undelivered(NamedTuple):
    """A mailbox that has been owed something for a working day, or whose messages are set aside."""

    mailbox: str
    since: str
    why: str
    """how the last attempt ended; never an address"""
    owed: int
    """alerts"""
    given_up: bool
    """a message was set aside, and none has been accepted since"""


class Upcoming(NamedTuple):
    """When a mailbox is next told of an open alert, and why then."""

    at: str | None
    """None: nothing that is known leads to it"""
    why: Literal["due", "quiet", "reminder", "refresh", "digest", "acknowledged", "silenced", "inhibited"]


class Message(NamedTuple):
    """What one mailbox is told at once."""

    id: str
    """the same for the same lines to the same mailbox, however often it is made"""
    mailbox: Mailbox
    at: str
    group: str
    """what the lines have in common; `digest`, `backlog`"""
    group_labels: Mapping[str, str]
    lines: tuple[Line, ...]
    still_open: int
    """open alerts of the group, in this message or told before"""
    more: int = 0
    """lines that wait for the next message"""
    unattended: int = 0
    """open alerts of the group that nobody has acknowledged"""
    held: Mapping[Held, int] = {}
    """digest: alerts that are not told, by why"""
    watch: WatchList = NO_LIST
    """digest: units that are behind, of which no alert speaks"""
    undelivered: tuple[Undelivered, ...] = ()
    """to the engineers: mailboxes that are not reached"""
    recovered: tuple[str, ...] = ()
    """to the engineers: mailboxes of which that was said, and which are reached again"""


class Situation(NamedTuple):
    """What holds besides the alerts: the time, what operators have said, where units stand."""

    now: str
    operators: Operators = NOBODY
    shortfalls: Mapping[tuple[str, str, str], int] = {}
    """(decision, indicator, unit) → dossiers missing today, where known"""
    behind: Mapping[Mailbox, Sequence[Watched]] = {}
    """mailbox → units for its watch list; asked for where `mornings` says that a digest is due"""


class Outbox:
    """The state of delivery: takes transitions in, says which messages are due, and remembers what was told."""

    def __init__(self, routing: Routing) -> None:
        """Start with nothing known."""
        self.routing = routing
        self.known: dict[str, Known] = {}
        self.positions: dict[int, int] = {}
        """partition of `alerts` → offset of the next record"""
        self.boxes: dict[Mailbox, Box] = {}
        self.refused: dict[str, Mapping[str, Any]] = {}
        """message that its receiver would not have → what it said"""
        self._accounts: dict[tuple[Mailbox, str], Account] = {}
        self._live: dict[Mailbox, dict[str, bool]] = {}
        """mailbox → alert that may have to be told → at once"""
        self._open: dict[str, set[str]] = {}
        """group → open alerts"""
        self._feeds: dict[str, set[str]] = {}
        """decision → open alerts of its silent sources"""
        self._changed: dict[str, None] = {}

    # -- rows ----------------------------------------------------------------------------------------------------------

    def restore(self, key: str, row: Mapping[str, Any]) -> None:
        """Take back a row that `take_changed` gave out."""
        kind, _, name = key.partition("/")
        if kind == "position":
            self.positions[int(name)] = row["next"]
        elif kind == "alert":
            self.known[name] = cast("Known", dict(row))
            self._index(name)
        elif kind == "box":
            self.boxes[_mailbox(name)] = cast("Box", dict(row))
        elif kind == "told":
            box_name, _, fingerprint = name.rpartition("/")
            box, account = _mailbox(box_name), cast("Account", dict(row))
            self._accounts[box, fingerprint] = account
            if account["firing"] or account["owed"] > account["told"]:
                # Who was told of it, or is owed a word, hears of its end, whatever routes say by now.
                for heard in [box, *self.routing.divided(box)]:
                    if self.routing.reaches(heard):
                        self._live.setdefault(heard, {}).setdefault(fingerprint, True)
        elif kind == "refused":
            self.refused[name] = row

    def take_changed(self) -> dict[str, Mapping[str, Any]]:
        """Return the rows that have changed since last asked, by key."""
        changed, self._changed = self._changed, {}
        return {key: self._row(key) for key in changed}

    def _row(self, key: str) -> Mapping[str, Any]:
        kind, _, name = key.partition("/")
        if kind == "position":
            return {"next": self.positions[int(name)]}
        if kind == "alert":
            return cast("Mapping[str, Any]", self.known[name])
        if kind == "box":
            return cast("Mapping[str, Any]", self.boxes[_mailbox(name)])
        if kind == "refused":
            return self.refused[name]
        box, _, fingerprint = name.rpartition("/")
        return cast("Mapping[str, Any]", self._accounts[_mailbox(box), fingerprint])

    def account(self, box: Mailbox, fingerprint: str) -> Account:
        """Return how a mailbox stands with an alert: one of a receiver's several addresses as the receiver once did."""
        own = self._accounts.get((box, fingerprint))
        if own is None and box.unit.startswith(PART):
            own = self._accounts.get((Mailbox(box.receiver), fingerprint))
        return own or NO_ACCOUNT

    def _put(self, box: Mailbox, fingerprint: str, account: Account) -> None:
        self._accounts[box, fingerprint] = account
        self._changed[f"told/{box}/{fingerprint}"] = None

    def _put_box(self, box: Mailbox, **changes: Any) -> None:
        self.boxes[box] = cast("Box", {**self.boxes.get(box, NEW_BOX), **changes})
        self._changed[f"box/{box}"] = None

    # -- what comes in -------------------------------------------------------------------------------------------------

    def take(self, transition: Transition, partition: int, offset: int, situation: Situation) -> bool:
        """Take a transition in as it lies in the log; tell whether it was news. What has been taken changes nothing."""
        if offset < self.positions.get(partition, 0):
            return False
        self.positions[partition] = offset + 1
        self._changed[f"position/{partition}"] = None
        name = transition["fingerprint"]
        known = self.known.get(name)
        if known is not None and transition["id"] in known["seen"]:
            return False
        firing = transition["status"] == "firing"
        seen = [*known["seen"], transition["id"]][-SEEN_MAX:] if known is not None else [transition["id"]]
        self.known[name] = {
            "mark": f"{partition}:{offset:020d}",
            "number": known["number"] + 1 if known is not None else 1,
            "now": transition,
            "fired": transition if firing or known is None else known["fired"],
            "seen": seen,
        }
        self._changed[f"alert/{name}"] = None
        self._index(name)
        if firing:
            # What fires now is owed now: should it end before it could be told, that is told instead.
            for box in self._boxes_of(name):
                fresh = transition["at"] >= days_before(situation.now, self._manner(box).stale_days)
                if fresh and self._held(name, situation) is None:
                    self._owe(box, name)
        return True

    def skip(self, partition: int, offset: int) -> None:
        """Pass over a record that holds no transition."""
        self.positions[partition] = max(offset + 1, self.positions.get(partition, 0))
        self._changed[f"position/{partition}"] = None

    def _owe(self, box: Mailbox, name: str) -> None:
        account, mark = self.account(box, name), self.known[name]["mark"]
        if account["owed"] <= account["told"] and account["told"] < mark:
            self._put(box, name, {**account, "owed": mark})

    def _boxes_of(self, name: str) -> dict[Mailbox, bool]:
        return self.routing.mailboxes(self._labels(name))

    def _labels(self, name: str) -> dict[str, str]:
        """Return an alert's labels: those with which it fired, so that its end goes where its beginning went."""
        return self.routing.labels(self.known[name]["fired"])

    def _index(self, name: str) -> None:
        known = self.known[name]
        for box, at_once in self._boxes_of(name).items():
            self._live.setdefault(box, {})[name] = at_once
        now = known["now"]
        openness = ((self._open, _cause(now)), (self._feeds, now["decision"] if now["kind"] == "source-silent" else ""))
        for index, key in openness:
            if key and now["status"] == "firing":
                index.setdefault(key, set()).add(name)
            elif key:
                index.get(key, set()).discard(name)

    # -- what is due ---------------------------------------------------------------------------------------------------

    def due(self, situation: Situation, clock: float) -> list[Message]:
        """Return the messages to send now, at most one per mailbox; none to a mailbox that is busy or to be left alone.

        `clock`: Unix time, by which pauses after failures run.
        """
        found = []
        for box in self._mailboxes():
            state = self.boxes.get(box, NEW_BOX)
            if state["sending"] or clock < state["retry_at"]:
                continue
            message = self._digest(box, situation) if self._digest_due(box, situation.now) else None
            message = message or self._notice(box, situation) or self._complaint(box, situation.now)
            if message is not None:
                found.append(message)
            elif state.get("since") and not self._owed_still(box, state):
                self._put_box(box, failures=0, retry_at=0.0, why="", since="", refusals=0)
        return found

    def _owed_still(self, box: Mailbox, state: Box) -> bool:
        """Tell whether what failed is still to be told; an alert may have been silenced, a day's digest empty."""
        digest = self._manner(box).digest_at is not None and state["digest"] < state.get("since", "")[:10]
        return digest or box in self.routing.engineers or self._owed_by(box) > 0

    def mornings(self, now: str) -> bool:
        """Tell whether a digest is due, for which `Situation.behind` has to be known."""
        return any(self._digest_due(box, now) for box in self._mailboxes())

    def _mailboxes(self) -> list[Mailbox]:
        return sorted({*self._live, *self.routing.always, *self.routing.engineers})

    def _notice(self, box: Mailbox, situation: Situation) -> Message | None:
        """Return the message about the group that has waited longest."""
        groups: dict[str, list[Line]] = {}
        for name, at_once in list(self._live.get(box, {}).items()):
            line = self._line(box, name, situation)
            if line is None:
                self._settle(box, name)
            elif at_once and not self._waits(box, line, situation):
                groups.setdefault(self._group(box, line), []).append(line)
            if line is not None:
                self._owe(box, name)
        if not groups:
            return None
        group = min(groups, key=lambda g: (min(line.now["at"] for line in groups[g]), g))
        return self._message(box, group, groups[group], situation)

    def _line(self, box: Mailbox, name: str, situation: Situation) -> Line | None:
        """Return what has to be said of an alert now; None where there is nothing to say."""
        known, account, manner = self.known[name], self.account(box, name), self._manner(box)
        now, firing = known["now"], known["now"]["status"] == "firing"
        reason: Reason
        ack = self._ack(name, situation)
        if account["told"] >= known["mark"]:
            if not firing:
                return None
            if self._worse(name, account, situation):
                reason = "worse"
            elif self._again(account, manner, situation.now, acknowledged=ack != ""):
                reason = "reminder"
            elif manner.acks and ack not in ("", account.get("ack", "")):
                reason = "acknowledged"
            else:
                return None
        elif not firing:
            if not manner.ends or not (account["firing"] or account["owed"] > account["told"]):
                return None
            reason = "ended"
        else:
            stale = not account["told"] and now["at"] < days_before(situation.now, manner.stale_days)
            reason = "stale" if stale else "firing"
        if firing and self._held(name, situation) is not None:
            return None
        return self._line_of(box, name, reason, situation)

    def _line_of(self, box: Mailbox, name: str, reason: Reason, situation: Situation) -> Line:
        known, account = self.known[name], self.account(box, name)
        return Line(
            reason,
            known["now"],
            known["fired"],
            known["mark"],
            known["number"],
            known["number"] - account["number"],
            self._labels(name),
            self._missing(name, situation),
            self._ack(name, situation),
            account["at"],
        )

    def _again(self, account: Account, manner: Manner, now: str, *, acknowledged: bool) -> bool:
        if manner.refresh_hours is not None:
            return hours_since(account["at"], now) >= manner.refresh_hours
        if acknowledged or manner.digest_at is not None:
            return False
        return working_days_since(account["at"], now, self.routing.workdays) >= manner.remind_working_days

    def _held(self, name: str, situation: Situation) -> Held | None:
        """Say why an open alert is not told, apart from the hour; an alert's end always is."""
        now = self.known[name]["now"]
        if silenced_by(situation.operators, self._labels(name), situation.now) is not None:
            return "silenced"
        if now["kind"] != "source-silent" and self._feeds.get(now["decision"]):
            return "inhibited"
        return None

    def _ack(self, name: str, situation: Situation) -> str:
        """Return the id of the acknowledgement that holds for an alert; '' where none does."""
        now = self.known[name]["now"]
        if now["status"] != "firing":
            return ""
        missing = self._missing(name, situation)
        ack = acknowledged_by(situation.operators, now, now["severity"], missing, situation.now)
        return "" if ack is None else ack.id

    def _missing(self, name: str, situation: Situation) -> int:
        now = self.known[name]["now"]
        return situation.shortfalls.get((now["decision"], now["indicator"], now["unit"]), now["shortfall"])

    def _worse(self, name: str, account: Account, situation: Situation) -> bool:
        """Tell whether an acknowledgement has ended because the alert is worse than when it was last told."""
        ack = situation.operators.acks.get(name)
        if ack is None or ack.alert != self.known[name]["now"]["id"] or self._ack(name, situation):
            return False
        missing, before = self._missing(name, situation), max(account["shortfall"], ack.shortfall)
        return 4 * missing >= 5 * before and missing >= before + WORSE_BY_DOSSIERS

    def _waits(self, box: Mailbox, line: Line, situation: Situation) -> bool:
        quiet = self._manner(box).quiet
        if quiet is None or line.now["severity"] in quiet.unless:
            return False
        return quiet.holds(situation.now, self.routing.workdays)

    def _manner(self, box: Mailbox) -> Manner:
        return self.routing.plan.manners[box.receiver]

    def _group(self, box: Mailbox, line: Line) -> str:
        if line.reason == "stale":
            return BACKLOG
        return _cause(line.now) or "/".join(line.labels[name] for name in self._manner(box).group_by)

    def _settle(self, box: Mailbox, name: str) -> None:
        """Look no more at an alert that has ended and about which nothing is owed."""
        if self.known[name]["now"]["status"] != "firing":
            del self._live[box][name]

    # -- digests -------------------------------------------------------------------------------------------------------

    def _digest_due(self, box: Mailbox, now: str) -> bool:
        at, day = self._manner(box).digest_at, now[:10]
        last = self.boxes.get(box, NEW_BOX)["digest"]
        # Of several that were missed, one is sent.
        if at is None or day <= last or now[11:16] < at:
            return False
        return self.routing.workdays.is_working(date.fromisoformat(day))

    def _digest(self, box: Mailbox, situation: Situation) -> Message | None:
        """Return the digest of a morning: what is open, what has ended since the last; None where neither is.

        Units that are behind come with it, and make one of their own only where the receiver wants that.
        """
        lines: list[Line] = []
        held: dict[Held, int] = {}
        for name in list(self._live.get(box, ())):
            line = self._line(box, name, situation)
            known = self.known[name]
            if line is None and known["now"]["status"] == "firing":
                why = self._held(name, situation)
                if why is not None:
                    held[why] = held.get(why, 0) + 1
                    continue
                line = self._line_of(box, name, "reminder", situation)
            if line is not None:
                lines.append(line)
        watch = self._watch(box, lines, situation)
        if not lines and not (watch.rows and box in self.routing.always):
            self._put_box(box, digest=situation.now[:10])
            return None
        return self._message(box, DIGEST, lines, situation, watch)._replace(held=held)

    def _watch(self, box: Mailbox, lines: Sequence[Line], situation: Situation) -> WatchList:
        """Return the watch list of a morning: the one that was being sent where there is one, else from standings."""
        day, kept = situation.now[:10], self.boxes.get(box, NEW_BOX).get("watch")
        if kept is None or kept["day"] != day:
            return self._watch_anew(box, situation)
        told = {_about(line.now) for line in lines if line.firing}
        rows = tuple(row for row in (Watched(*r) for r in kept["rows"]) if row.key not in told)
        return WatchList(day, rows, kept["more"])

    def _watch_anew(self, box: Mailbox, situation: Situation) -> WatchList:
        day = situation.now[:10]
        if self._manner(box).watch_list == "never":
            return WatchList(day)
        opened = {_about(known["now"]) for known in self.known.values() if known["now"]["status"] == "firing"}
        rows = [
            row
            for row in situation.behind.get(box, ())
            if row.key not in opened
            and not self._feeds.get(row.decision)
            and silenced_by(situation.operators, labels(row, self.routing), situation.now) is None
        ]
        return WatchList(day, tuple(rows[:SHOWN_MAX]), max(0, len(rows) - SHOWN_MAX))

    # -- failing to tell -----------------------------------------------------------------------------------------------

    def undelivered(self, now: str) -> list[Undelivered]:
        """Return the mailboxes that have been owed something for a working day, or that refuse for good."""
        found = []
        for box, state in sorted(self.boxes.items()):
            given_up, since = state.get("given_up", ""), state.get("since", "")
            overdue = bool(since) and now >= full_working_day_after(since, self.routing.workdays)
            if (given_up or overdue) and self.routing.reaches(box):
                first = min(filter(None, (given_up, since)))
                owed = self._owed_by(box)
                found.append(Undelivered(str(box), first, state.get("why", ""), owed, given_up != ""))
        return found

    def _complaint(self, box: Mailbox, now: str) -> Message | None:
        """Return what the engineers are told of unreached mailboxes other than their own, once per change."""
        if box not in self.routing.engineers:
            return None
        state, quiet = self.boxes.get(box, NEW_BOX), self._manner(box).quiet
        if quiet is not None and quiet.holds(now, self.routing.workdays):
            return None
        last = state.get("complained_at", "")
        if last and hours_since(last, now) < COMPLAINTS_APART_HOURS:
            return None
        unreached = tuple(one for one in self.undelivered(now) if one.mailbox != str(box))
        told, current = state.get("complained", {}), {one.mailbox: one.since for one in unreached}
        if told == current:
            return None
        recovered = tuple(sorted(told.keys() - current.keys()))
        said = [f"{one.mailbox} {one.since}" for one in unreached] + [f"{name} reached" for name in recovered]
        id_ = _message_id(box, UNDELIVERED, said)
        return Message(id_, box, now, UNDELIVERED, {}, (), 0, undelivered=unreached, recovered=recovered)

    # -- messages ------------------------------------------------------------------------------------------------------

    def _message(
        self, box: Mailbox, group: str, lines: list[Line], situation: Situation, watch: WatchList = NO_LIST
    ) -> Message:
        lines = sorted(lines, key=lambda line: (line.now["at"], line.labels["unit"], line.labels["fingerprint"]))
        more = max(0, len(lines) - LINES_MAX) if group != DIGEST else 0
        told = tuple(lines[: len(lines) - more])
        shared = [dict(line.labels) for line in told]
        first = shared[0] if shared else {}
        common = {n: v for n, v in first.items() if v and all(other[n] == v for other in shared)}
        said = [f"{line.now['id']} {line.reason} {line.told_at}" for line in told]
        said += [watch.day] if watch.rows else []  # a list is of its morning: another one is another message
        opened = sum(line.firing for line in told) + more
        unattended = sum(line.firing and not line.acknowledged for line in told)
        if group in self._open:
            opened = len(self._open[group])
            unattended = sum(not self._ack(name, situation) for name in self._open[group])
        id_ = _message_id(box, group, said)
        return Message(id_, box, situation.now, group, common, told, opened, more, unattended, watch=watch)

    def begin(self, message: Message) -> None:
        """Note that a message is about to be sent: nothing else goes to its mailbox until its fate is known."""
        watch = message.watch
        kept = {"day": watch.day, "rows": [list(row) for row in watch.rows], "more": watch.more}
        self._put_box(message.mailbox, sending=True, **({"watch": kept} if message.group == DIGEST else {}))

    def sent(self, message: Message) -> None:
        """Note that a message was accepted."""
        for line in message.lines:
            self._put(
                message.mailbox,
                line.now["fingerprint"],
                {
                    "owed": line.mark,
                    "told": line.mark,
                    "number": line.number,
                    "firing": line.firing,
                    "at": message.at,
                    "shortfall": line.shortfall,
                    "ack": line.ack,
                },
            )
        more: dict[str, Any] = {"digest": message.at[:10], "watch": None} if message.group == DIGEST else {}
        if message.group == UNDELIVERED:
            more = {"complained": {one.mailbox: one.since for one in message.undelivered}, "complained_at": message.at}
        self._put_box(
            message.mailbox, sending=False, failures=0, retry_at=0.0, why="", since="", refusals=0, given_up="", **more
        )

    def give_up(self, message: Message, why: str) -> None:
        """Set a message aside that its receiver will not have as it is, so that others can follow."""
        alerts = [line.now["id"] for line in message.lines]
        self.refused[message.id] = {"mailbox": str(message.mailbox), "at": message.at, "why": why, "alerts": alerts}
        self._changed[f"refused/{message.id}"] = None
        since = self.boxes.get(message.mailbox, NEW_BOX).get("given_up", "") or message.at
        self.sent(message)
        self._put_box(message.mailbox, given_up=since, why=why)

    def failed(self, message: Message, retry_at: float, why: str = "", *, for_good: bool = False) -> bool:
        """Note that a message was not accepted, or may not have been; its lines stay owed.

        One that is refused `for_good` so many times in a row is set aside instead; returns whether this one was.
        """
        state = self.boxes.get(message.mailbox, NEW_BOX)
        refusals = state.get("refusals", 0) + for_good
        if for_good and refusals >= REFUSALS_MAX:
            self.give_up(message, why)
            return True
        self._put_box(
            message.mailbox,
            sending=False,
            failures=state["failures"] + 1,
            retry_at=retry_at,
            why=why,
            since=state.get("since", "") or message.at,
            refusals=refusals,
        )
        return False

    def interrupted(self, retry_at: float) -> None:
        """Note at a start that what was under way at the last stop may still arrive: leave these mailboxes alone."""
        for box, state in list(self.boxes.items()):
            if state["sending"]:
                self._put_box(box, sending=False, retry_at=max(retry_at, state["retry_at"]))

    def owed(self) -> Counter[str]:
        """Return for each receiver how many alerts it is owed a word on, over its mailboxes."""
        found: Counter[str] = Counter()
        for box in self._live:
            found[box.receiver] += self._owed_by(box)
        return found

    def _owed_by(self, box: Mailbox) -> int:
        accounts = (self.account(box, name) for name in self._live.get(box, ()))
        return sum(a["owed"] > a["told"] for a in accounts)

    def upcoming(self, name: str, situation: Situation) -> dict[Mailbox, Upcoming]:
        """Return for each mailbox that hears of an open alert when it is told next, if nothing else comes."""
        boxes = sorted(box for box, names in self._live.items() if name in names)
        return {box: self._upcoming(box, name, situation) for box in boxes}

    def _upcoming(self, box: Mailbox, name: str, situation: Situation) -> Upcoming:
        manner, account, now = self._manner(box), self.account(box, name), situation.now
        workdays, held = self.routing.workdays, self._held(name, situation)
        if held is not None:
            silence = silenced_by(situation.operators, self._labels(name), now)
            return Upcoming(None if silence is None else silence.until, held)
        line = self._line(box, name, situation)
        if line is not None and self._live[box][name]:
            quiet = manner.quiet if self._waits(box, line, situation) else None
            return Upcoming(now, "due") if quiet is None else Upcoming(quiet.over_at(now, workdays), "quiet")
        if manner.refresh_hours is not None and account["told"]:
            return Upcoming(hours_after(account["at"], manner.refresh_hours), "refresh")
        if manner.digest_at is not None:
            last = self.boxes.get(box, NEW_BOX)["digest"]
            return Upcoming(next_digest(manner.digest_at, last, now, workdays), "digest")
        ack = situation.operators.acks.get(name)
        if ack is not None and self._ack(name, situation):
            return Upcoming(ack.until, "acknowledged")
        at = working_day_after(account["at"], manner.remind_working_days, workdays)
        grave = manner.quiet is None or self.known[name]["now"]["severity"] in manner.quiet.unless
        return Upcoming(at if grave or manner.quiet is None else manner.quiet.over_at(at, workdays), "reminder")

    def pending(self, situation: Situation) -> dict[Mailbox, int]:
        """Return for each mailbox how many alerts it still has to be told of."""
        found = {}
        for box, names in self._live.items():
            lines = [self._line(box, name, situation) for name in names]
            found[box] = sum(
                line is not None and line.reason not in ("reminder", "worse", "acknowledged") for line in lines
            )
        return found


def elsewhere(row: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """Return a row for a log in which the transitions lie elsewhere; `places`: old mark → new mark.

    What is no longer in the log lies before everything that is. Rows of positions are not for here: they follow from
    the new log.

    >>> elsewhere({"owed": "0:07", "told": "0:03", "number": 2}, {"0:07": "1:04"})
    {'owed': '1:04', 'told': '0', 'number': 2}
    """
    marks = [name for name in ("mark", "owed", "told") if row.get(name)]
    return {**row, **{name: places.get(row[name], "0") for name in marks}}


def _message_id(box: Mailbox, group: str, said: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join([str(box), group, *said]).encode()).hexdigest()[:32]


def _about(transition: Mapping[str, Any]) -> tuple[str, str, str]:
    return transition["decision"], transition["indicator"], transition["unit"]


def _cause(transition: Mapping[str, Any]) -> str:
    return str(transition.get("group", ""))


def _mailbox(name: str) -> Mailbox:
    receiver, _, unit = name.partition("@")
    return Mailbox(receiver, unit)
