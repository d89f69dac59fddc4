"""Whatever comes in whatever order, fails, or is cut off: nothing skipped, nothing older after newer, no word unsaid."""

from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from models.alerting.transitions import Transition
from models.notification.outbox import Situation
from models.notification.routing import Mailbox
from models.notification.watch_list import Watched, watched
from tests.conftest import examples
from tests.notices import NOW, Delivery, plan, standing, to, transition

UNITS = ("12688", "12691", "340")
HERE = Situation(NOW)


@st.composite
def logs(draw: st.DrawFn) -> list[Transition]:
    """Transitions of some alerts, each alternating, interleaved at will, with repeats of what came before."""
    log: list[Transition] = []
    lengths = dict.fromkeys(UNITS, 0)
    for unit in draw(st.lists(st.sampled_from(UNITS), max_size=14)):
        earlier = [t for t in log if t["unit"] == unit]
        if earlier and draw(st.integers(0, 3)) == 0:
            log.append(draw(st.sampled_from(earlier)))
            continue
        number = lengths[unit]
        lengths[unit] += 1
        status = "firing" if number % 2 == 0 else draw(st.sampled_from(["resolved", "retracted"]))
        log.append(transition(status, number // 2 + 1, unit))
    return log


class Shaky(Delivery):
    """A delivery that does one effect at a time."""

    here = HERE

    def act(self, action: str, detail: Any) -> None:
        """Do one thing."""
        if action == "read":
            self.read(self.here, detail)
        elif action == "look":
            self.look(detail)
        elif action == "keep":
            self.keep()
        elif action == "stand":
            self.here = self.here._replace(behind={Mailbox("a"): detail})
        elif action == "morning":
            self.here = self.here._replace(now=max(self.here.now, MORNINGS[detail]))
        else:
            self.restart()

    def look(self, fate: str) -> None:
        """Decide, keep, and send what is due; `fate` says where it is cut off, or how sending goes."""
        messages = self.outbox.due(self.here, self.clock)
        for message in messages:
            self.outbox.begin(message)
        if fate == "cut-before-keep":
            self.restart()
            return
        self.keep()
        if fate == "cut-before-send":
            self.restart()
            return
        for message in messages:
            if fate == "refused":
                self.outbox.failed(message, self.clock)
                continue
            self.received.append(message)
            if fate == "unsure":  # it arrived, and we do not know
                self.outbox.failed(message, self.clock)
            elif fate != "cut-after-send":
                self.outbox.sent(message)
        if fate == "cut-after-send":
            self.restart()
            return
        if fate != "not-kept":
            self.keep()
        else:
            self.restart()


def publish(delivery: Shaky, waiting: list[Transition], count: int) -> list[Transition]:
    """Publish the first so many; return those that still wait."""
    for made in waiting[:count]:
        delivery.publish(made)
    return waiting[count:]


FATES = ("fine", "refused", "unsure", "cut-before-keep", "cut-before-send", "cut-after-send", "not-kept")
ACTIONS = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 4)),
    st.tuples(st.just("read"), st.integers(1, 3)),
    st.tuples(st.just("look"), st.sampled_from(FATES)),
    st.tuples(st.just("keep"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
)


@given(log=logs(), actions=st.lists(ACTIONS, max_size=25))
@settings(max_examples=examples(600), deadline=None)
def test_each_mailbox_ends_with_the_newest_word_and_none_is_skipped(
    log: list[Transition], actions: list[tuple[str, Any]]
) -> None:
    delivery = Shaky(plan({"a": {}, "b": {"group_by": ["unit"]}}, to("a"), to("b", match={"class": ["commune"]})))
    waiting = list(log)
    for action, detail in actions:
        if action == "publish":
            waiting = publish(delivery, waiting, detail)
        else:
            delivery.act(action, detail)
    for made in waiting:
        delivery.publish(made)
    delivery.tell()

    for mailbox, units in (("a", UNITS), ("b", UNITS[:2])):
        for unit in units:
            judge(delivery, mailbox, unit, [t["id"] for t in log if t["unit"] == unit])
    contents: dict[str, list[tuple[str, str]]] = {}
    for message in delivery.received:
        content = [(line.now["id"], line.reason) for line in message.lines]
        assert contents.setdefault(message.id, content) == content, "one id, two contents"  # type: ignore[arg-type]


MORNINGS = ("2024-06-06T07:30:00+07:00", "2024-06-06T09:00:00+07:00", "2024-06-07T08:00:00+07:00")
BEHIND = st.lists(st.sampled_from([cast("Watched", watched(standing(unit))) for unit in UNITS]), unique=True)

MORNING_ACTIONS = st.one_of(  # few kinds, and mostly what goes wrong: it is repeats that have to be alike
    st.tuples(st.just("publish"), st.integers(1, 2)),
    st.tuples(st.just("stand"), BEHIND),
    st.tuples(st.just("look"), st.sampled_from(("unsure", "cut-after-send", "unsure", "not-kept", "fine"))),
    st.tuples(st.just("look"), st.just("unsure")),
    st.tuples(st.just("morning"), st.integers(0, 2)),
)


@given(
    log=logs(),
    actions=st.lists(MORNING_ACTIONS, min_size=5, max_size=30),
    wanted=st.sampled_from(["with-alerts", "always", "never"]),
)
@settings(max_examples=examples(400), deadline=None)
def test_a_digest_says_the_same_under_one_id_and_nobody_twice(
    log: list[Transition], actions: list[tuple[str, Any]], wanted: str
) -> None:
    delivery = Shaky(plan({"a": {"digest_at": "07:30", "watch_list": wanted}}, to("a", deliver="digest")))
    waiting = list(log)
    for action, detail in actions:
        if action == "publish":
            waiting = publish(delivery, waiting, detail)
            delivery.act("read", detail)
        else:
            delivery.act(action, detail)

    contents: dict[str, Any] = {}
    for message in delivery.received:
        content = [(line.now["id"], line.reason) for line in message.lines], message.watch.rows
        assert contents.setdefault(message.id, content) == content, "one id, two contents"
        opened = {line.now["unit"] for line in message.lines if line.firing}
        assert not opened & {row.unit for row in message.watch.rows}, "an alert, and none"
        assert message.lines or (message.watch.rows and wanted == "always"), "a digest of nothing"
        assert not (message.watch.rows and wanted == "never")


def judge(delivery: Delivery, mailbox: str, unit: str, written: list[str]) -> None:
    """Compare what a mailbox got about a unit with what was written, repeats left out."""
    real = list(dict.fromkeys(written))
    told = [
        line for m in delivery.received if str(m.mailbox) == mailbox for line in m.lines if line.now["unit"] == unit
    ]
    assert [line.now["id"] for line in told[-1:]] == real[-1:]
    numbers = [line.number for line in told]
    assert numbers == sorted(numbers), "an older word after a newer one"
    covered = {n for line in told for n in range(line.number - line.untold + 1, line.number + 1)}
    assert covered == set(range(1, len(real) + 1)), "a transition that nobody was told of"
