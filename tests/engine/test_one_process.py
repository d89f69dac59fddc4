"""One worker on the model broker: what it refuses, what it finishes, what it never half does."""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from faust.types import TP

from streams.engine.log import Broken
from streams.engine.partition import AWAITED, Owner
from streams.engine.progress import POSITION
from tests.engine import virtual
from tests.engine.model import Broker, ModelAppender, ModelLog
from tests.engine.worker import Worker
from tests.engine.world import simulated


@pytest.fixture(autouse=True)
def last_words(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Why processes ended, in their order."""
    with simulated(monkeypatch), caplog.at_level(logging.CRITICAL, "lotrinh.engine"):
        said: list[str] = []

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                life = virtual.Life.current.get()
                if life is not None and life.alive:  # what a dead one's cancelled tasks would say is nobody's word
                    said.append(record.getMessage())

        handler = Keep(logging.CRITICAL)
        logging.getLogger("lotrinh.engine").addHandler(handler)
        yield said
        logging.getLogger("lotrinh.engine").removeHandler(handler)


Script = Callable[["Stage"], Awaitable[None]]


class Stage:
    """A broker and one worker that owns everything."""

    def __init__(self) -> None:
        self.broker = Broker(random.Random(1))
        self.worker = self.new_worker()

    def new_worker(self, **config: Any) -> Worker:
        worker = Worker(self.broker, random.Random(2), trouble=0.0, losses=0.0, **config)
        self.worker = worker
        worker.start()
        return worker

    async def give(self, *partitions: int) -> None:
        """The group gives the worker partitions, and those alone."""
        self.broker.generation += 1
        await asyncio.wait([self.worker.life.spawn(self.worker.revoked())])
        await asyncio.wait([self.worker.life.spawn(self.worker.assigned(set(partitions), self.broker.generation))])

    def publish(self, count: int, partition: int = 0, topic: str = "a") -> None:
        for n in range(count):
            self.broker.produce(TP(topic, partition), f"{partition}/{n % 4}".encode(), b"")

    async def settled(self, seconds: float = 5.0) -> None:
        await asyncio.sleep(seconds)

    def next_of(self, partition: int = 0) -> dict[str, int]:
        rows = self.broker.log(TP("counts-changelog", partition)).committed(0, 1 << 30)
        found: dict[str, int] = json.loads([r.value for r in rows if r.key == POSITION][-1] or b"{}")["next"]
        return found

    def held(self, table: int, worker: "Worker | None" = None) -> dict[Any, Any]:
        """Every row that a process has in memory, of whatever partition."""
        worker = worker or self.worker
        holdings = worker.holdings
        owners = [*holdings.owners.values(), *holdings._kept.values(), *holdings._opening]
        return {k: v for owner in owners for k, v in owner.rows(worker._tables[table])}

    def counted(self, partition: int = 0) -> int:
        return sum(count for _, count in self.worker.holdings.owners[partition].rows(self.worker._tables[0]))


def play(script: Script) -> None:
    async def program() -> None:
        await script(Stage())

    virtual.run(program)


def restarted(after: Script) -> Script:
    """A stage on which ten records were counted and the group was told; then something, then a new worker."""

    async def script(stage: Stage) -> None:
        await stage.give(0, 1)
        stage.publish(10)
        await stage.settled()
        stage.worker.life.end()
        await after(stage)
        stage.new_worker()
        await stage.give(0, 1)
        await stage.settled()

    return script


def empty(stage: Stage, topic: str) -> None:
    stage.broker.logs.pop(TP(topic, 0))


# -- state that was lost is noticed ------------------------------------------------------------------------------------


def test_nothing_lost_is_no_alarm(last_words: list[str]) -> None:
    async def nothing(stage: Stage) -> None:
        return

    play(restarted(nothing))
    assert last_words == []


def test_a_state_that_was_emptied_altogether_is_noticed_by_the_group(last_words: list[str]) -> None:
    async def after(stage: Stage) -> None:
        empty(stage, "counts-changelog")
        empty(stage, "marks-changelog")

    play(restarted(after))
    assert "a-0: the group was told that the state has come to 10, it has come to 0" in last_words[0]


@pytest.mark.parametrize("since", [0, 4], ids=["emptied", "older"])
def test_an_older_state_is_refused_at_every_start_and_the_group_forgets_nothing(
    last_words: list[str], since: int
) -> None:
    """A disk restored from a backup: whoever starts the process again must not be the one who makes it pass."""

    async def script(stage: Stage) -> None:
        await stage.give(0, 1)
        for _ in range(6):
            stage.publish(2)
            await stage.settled()
        stage.worker.life.end()
        for topic in ("counts-changelog", "marks-changelog"):
            log = stage.broker.log(TP(topic, 0))
            log.entries = [e for e in log.entries if e.offset < since * 4]
            log.next = min(log.next, since * 4)
        told = dict(stage.broker.group)
        stage.broker.latency_s = 1.0  # the group is told every half second, also while a takeover asks
        for start in range(1, 4):
            stage.new_worker()
            await stage.give(0, 1)
            await stage.settled(60)
            assert not stage.worker.life.alive, f"start {start} went on with an older state"
            assert stage.broker.group == told

    play(script)
    refused = [w for w in last_words if "a-0: the group was told that the state has come to 12" in w]
    assert len(refused) == 3


def test_a_partition_that_comes_back_does_not_put_the_group_back(last_words: list[str]) -> None:
    """What this process committed before another went on from there is no longer what the group is to know."""

    async def script(stage: Stage) -> None:
        first = stage.worker
        await stage.give(0)
        stage.publish(3)
        await stage.settled()
        await asyncio.wait([first.life.spawn(first.revoked())])
        other = stage.new_worker()
        await stage.give(0)
        stage.publish(5)
        await stage.settled()
        other.life.end()
        stage.worker = first
        stage.broker.latency_s = 0.3  # the takeover takes longer than the group's turn
        await stage.give(0)
        await stage.settled(30)
        assert stage.broker.group[TP("a", 0)][0] == 8
        assert stage.broker.forgot == []

    play(script)
    assert last_words == []


def test_a_changelog_without_its_position_is_noticed(last_words: list[str]) -> None:
    async def after(stage: Stage) -> None:
        empty(stage, "counts-changelog")
        stage.broker.group.clear()

    play(restarted(after))
    assert "hold rows and no position" in last_words[0]


def test_an_emptied_second_changelog_is_noticed_by_the_first(last_words: list[str]) -> None:
    async def after(stage: Stage) -> None:
        # a further transaction, so that the position's row knows what was written before it
        stage.new_worker()
        await stage.give(0, 1)
        stage.publish(1)
        await stage.settled()
        stage.worker.life.end()
        empty(stage, "marks-changelog")

    play(restarted(after))
    assert "marks-changelog-0 ends at 0, the state has written it up to" in last_words[0]
    assert "emptied or cut" in last_words[0]


def test_a_changelog_that_lost_its_tail_is_noticed(last_words: list[str]) -> None:
    async def after(stage: Stage) -> None:
        for topic in ("counts-changelog", "marks-changelog"):
            log = stage.broker.log(TP(topic, 0))
            log.entries = [e for e in log.entries if e.offset < 4]
            log.next = 4

    play(restarted(after))
    assert len(last_words) == 1


def test_a_changelog_that_lost_its_head_is_noticed(last_words: list[str]) -> None:
    async def after(stage: Stage) -> None:
        stage.broker.log(TP("counts-changelog", 0)).first = 3

    play(restarted(after))
    assert "counts-changelog-0 begins at 3: rows of the state are gone" in last_words[0]


def test_positions_of_the_group_that_were_moved_by_hand_change_nothing(last_words: list[str]) -> None:
    async def after(stage: Stage) -> None:
        stage.broker.group[TP("a", 0)] = (1_000, "")

    play(restarted(after))
    assert last_words == []


@pytest.mark.parametrize(
    ("first", "cut", "words"),
    [(11, None, "a-0 begins at 11, the state has come to 10: gone"),
     (0, 3, "a-0 ends at 3, the state has come to 10: another log")],
)  # fmt: skip
def test_a_source_that_does_not_hold_the_position_is_refused(
    last_words: list[str], first: int, cut: int | None, words: str
) -> None:
    async def after(stage: Stage) -> None:
        stage.publish(5)
        log = stage.broker.log(TP("a", 0))
        log.first = first
        if cut is not None:
            log.entries, log.next = log.entries[:cut], cut

    play(restarted(after))
    assert last_words[0] == f"stop: {words}"


def test_a_topic_of_another_partition_count_is_refused(last_words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def three(self: ModelAppender, topic: str) -> int:
        return 3

    async def script(stage: Stage) -> None:
        monkeypatch.setattr(ModelAppender, "partitions", three)
        await stage.give(0)
        await stage.settled()

    play(script)
    assert last_words[0] == "stop: topic said has 3 partitions, 2 are expected"


# -- what an application may do ----------------------------------------------------------------------------------------


def test_a_body_that_awaits_ends_the_process_before_anything_else_runs(last_words: list[str]) -> None:
    async def script(stage: Stage) -> None:
        await stage.give(0)
        owner = None

        async def agent() -> None:
            nonlocal owner
            await stage.settled(1)
            owner = stage.worker.holdings.owners[0]
            from streams.engine.work import Fetch

            fetch = Fetch(TP("a", 0), (), 0, 1)
            owner.begin(fetch)
            await asyncio.sleep(0)  # this is what is forbidden
            owner.applied(fetch)

        stage.worker.life.spawn(agent())
        await stage.settled(2)
        assert not stage.worker.life.alive

    play(script)
    assert last_words[0] == f"stop: {AWAITED}"


def test_an_exception_in_a_body_ends_the_process_with_its_position_unmoved(
    last_words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.worker import Counting

    def take(self: Counting, fetch: Any) -> None:
        raise ValueError("a bug")

    async def script(stage: Stage) -> None:
        monkeypatch.setattr(Counting, "take", take)
        await stage.give(0)
        await stage.settled(1)
        stage.publish(1)
        await stage.settled()
        assert not stage.worker.life.alive
        assert stage.next_of() == {"a": 0, "b": 0}

    play(script)
    where = "while a-0 was taken from 0 to 1. Nothing of that is committed or lost"
    assert last_words[0].startswith(f"stop: ValueError: a bug; {where}")


@pytest.mark.parametrize(
    "touch",
    [lambda t: t.put("0/1", 1), lambda t: t.written(["0/1"]), lambda t: t.rows.get("0/1"), lambda t: "0/1" in t.rows],
    ids=["put", "written", "get", "in"],
)
def test_a_table_touched_outside_of_a_fetch_is_an_error(touch: Callable[[Any], object]) -> None:
    async def script(stage: Stage) -> None:
        with pytest.raises(RuntimeError, match="outside of a fetch"):
            touch(stage.worker._tables[0])

    play(script)


# -- nothing is half done ----------------------------------------------------------------------------------------------


def test_letting_go_commits_markers_too() -> None:
    """Otherwise memory would be ahead of the changelog while another worker goes on from there."""

    async def script(stage: Stage) -> None:
        await stage.give(0)
        await stage.settled(1)
        from streams.engine.work import Fetch

        async def apply() -> None:
            owner = stage.worker.holdings.owners[0]
            fetch = Fetch(TP("a", 0), (), 0, 7)
            owner.begin(fetch)
            owner.applied(fetch)
            await stage.worker.holdings.release()

        await asyncio.wait([stage.worker.life.spawn(apply())])
        await stage.settled(1)
        assert stage.next_of() == {"a": 7, "b": 0}

    play(script)


def test_a_release_whose_caller_is_cancelled_still_runs_to_its_end(last_words: list[str]) -> None:
    async def script(stage: Stage) -> None:
        await stage.give(0)
        await stage.settled(1)
        stage.publish(6)
        await asyncio.sleep(0.06)
        caller = stage.worker.life.spawn(stage.worker.revoked())
        await asyncio.sleep(0.001)
        caller.cancel()
        await stage.settled()
        kept = stage.worker.holdings._kept[0]
        assert kept.closed
        assert stage.next_of() == dict(kept.progress.next)

    play(script)
    assert last_words == []


def test_a_takeover_cancelled_before_its_first_step_leaves_a_kept_state_kept() -> None:
    async def script(stage: Stage) -> None:
        await stage.give(0)
        stage.publish(8)
        await stage.settled()
        await asyncio.wait([stage.worker.life.spawn(stage.worker.revoked())])
        holdings = stage.worker.holdings
        assert holdings._kept[0].ends

        async def cancelled_at_once() -> None:
            owners = holdings._claim({0})
            assert owners[0].closed
            await holdings.release()

        await asyncio.wait([stage.worker.life.spawn(cancelled_at_once())])
        assert holdings._kept[0].ends
        await stage.give(1)  # elsewhere: now it is forgotten, and no row stays behind
        await stage.settled()
        assert stage.held(0) == {}

    play(script)


@pytest.mark.parametrize("kept", ["for its time", "for ever"])
def test_state_kept_longer_than_tombstones_live_is_not_trusted(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was away while another deleted a row, and the deletion was compacted away."""

    async def script(stage: Stage) -> None:
        away = stage.worker
        await stage.give(0)
        for _ in range(3):
            stage.broker.produce(TP("a", 0), b"0/1", b"")
        await stage.settled()
        assert stage.held(1, away) == {"0/1": 3}
        await asyncio.wait([away.life.spawn(away.revoked())])
        other = stage.new_worker()
        await stage.give(0)
        stage.broker.produce(TP("a", 0), b"0/1", b"")
        await stage.settled()
        other.life.end()
        await asyncio.sleep(away.config.kept_state_s)
        stage.broker.compact(TP("marks-changelog", 0), tombstones_live_s=30.0)
        stage.worker = away
        await stage.give(0)
        await stage.settled()
        assert stage.held(1, away) == ({} if kept == "for its time" else {"0/1": 3})

    if kept == "for ever":
        monkeypatch.setattr(Owner, "idle_s", lambda self: 0.0)
    play(script)


def test_a_takeover_cancelled_while_it_reads_forgets_what_it_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(stage: Stage) -> None:
        await restarted(lambda s: asyncio.sleep(0))(stage)
        stage.worker.life.end()
        stage.new_worker()
        stage.broker.latency_s = 1.0
        await stage.give(0)
        for _ in range(2_000):
            await asyncio.sleep(0.01)
            if stage.held(0):
                break
        assert stage.held(0)
        await asyncio.wait([stage.worker.life.spawn(stage.worker.revoked())])
        assert stage.held(0) == {}
        stage.broker.latency_s = 0.001
        await stage.give(0)
        await stage.settled()
        assert stage.counted() == 10

    play(script)


def test_a_broker_that_never_answers_ends_the_process(last_words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: ModelAppender) -> None:
        await asyncio.Event().wait()

    async def script(stage: Stage) -> None:
        await stage.give(0)
        monkeypatch.setattr(ModelAppender, "commit", never)
        stage.publish(1)
        await stage.settled(40)
        assert not stage.worker.life.alive

    play(script)
    assert last_words[0] == "stop: sim-0 could not end its transaction: not within 30 s"


def test_a_changelog_that_is_deleted_under_a_worker_is_named(
    last_words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: ModelAppender, rows: Any) -> Any:
        await asyncio.Event().wait()

    async def script(stage: Stage) -> None:
        await stage.give(0)
        monkeypatch.setattr(ModelAppender, "send", never)
        stage.broker.deleted = {"counts-changelog", "somebody's"}
        stage.publish(1)
        await stage.settled(60)
        assert not stage.worker.life.alive

    play(script)
    assert last_words[0].startswith(
        "stop: sim-0 could not end its transaction: not within 30 s; missing on the broker: "
    )
    assert "counts-changelog;" in last_words[0]
    assert "somebody" not in last_words[0]


def test_a_slow_broker_is_waited_for(last_words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    commit = ModelAppender.commit

    async def slow(self: ModelAppender) -> None:
        await asyncio.sleep(25)
        await commit(self)

    async def script(stage: Stage) -> None:
        stage.broker.transaction_timeout_s = 60.0
        stage.worker.life.end()
        stage.new_worker(transaction_timeout_s=60.0)
        await stage.give(0)
        await stage.settled(1)
        monkeypatch.setattr(ModelAppender, "commit", slow)
        stage.publish(60)
        await stage.settled(300)
        assert stage.counted() == 60

    play(script)
    assert last_words == []


def test_a_transaction_that_fails_for_good_ends_the_process_after_some_attempts(last_words: list[str]) -> None:
    async def script(stage: Stage) -> None:
        await stage.give(0)
        await stage.settled(1)
        stage.worker.kafka.trouble = 1.0
        stage.publish(1)
        await stage.settled(30)
        assert not stage.worker.life.alive
        assert stage.next_of() == {"a": 0, "b": 0}

    play(script)
    assert last_words[0] == "stop: Passing: trouble"


def test_transactions_that_fail_now_and_then_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(stage: Stage) -> None:
        failing = iter([True, False] * 1_000)
        monkeypatch.setattr(ModelLog, "goes_wrong", lambda self: next(failing) if self.trouble else False)
        await stage.give(0)
        await stage.settled(1)
        stage.publish(9)
        await stage.settled(30)
        assert stage.counted() == 9

    play(script)


# -- an appender that the broker shut out ------------------------------------------------------------------------------


def outage_in_a_transaction(monkeypatch: pytest.MonkeyPatch, when: str, seconds: float) -> None:
    """Let the broker answer nobody for a while, from a worker's next request of that name on, once."""
    step, over = Broker.step, [False]

    async def away(self: Broker, life: Any, name: str, effect: Any = None) -> Any:
        if name == when and not over[0]:
            over[0] = True
            self.back_at = self.now() + seconds
        return await step(self, life, name, effect)

    monkeypatch.setattr(Broker, "step", away)


@pytest.mark.parametrize("when", ["send said", "send thirds", "send counts-changelog", "commit"])
def test_a_transaction_that_the_broker_timed_out_is_sent_again_by_the_same_process(
    last_words: list[str], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A coordinator moves, a leader is elected: for longer than the timeout nobody answers, and nobody took over."""

    async def script(stage: Stage) -> None:
        await stage.give(0)
        await stage.settled(1)
        outage_in_a_transaction(monkeypatch, when, 12.0)  # the timeout is 10 s
        stage.publish(12)
        await stage.settled(60)
        stage.publish(3)
        await stage.settled()
        assert stage.counted() == 15
        assert stage.next_of() == {"a": 15, "b": 0}
        thirds = [r.key for r in stage.broker.log(TP("thirds", 0)).committed(0, 1 << 30)]
        assert sorted(thirds) == sorted(set(thirds))  # type: ignore[type-var]  # no key is None
        assert len(thirds) == 4

    play(script)
    assert last_words == []


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_commit_whose_answer_got_lost_is_looked_up(
    last_words: list[str], monkeypatch: pytest.MonkeyPatch, *, took_effect: bool
) -> None:
    commit, lost = ModelAppender.commit, [True]

    async def unanswered(self: ModelAppender) -> None:
        if lost.pop() if lost else False:
            if took_effect:
                await commit(self)
            raise Broken("nobody knows")
        await commit(self)

    async def script(stage: Stage) -> None:
        await stage.give(0)
        await stage.settled(1)
        monkeypatch.setattr(ModelAppender, "commit", unanswered)
        stage.publish(12)
        await stage.settled(30)
        assert stage.counted() == 12
        thirds = [r.key for r in stage.broker.log(TP("thirds", 0)).committed(0, 1 << 30)]
        assert len(thirds) == len(set(thirds)) == 4

    play(script)
    assert last_words == []


def test_who_is_late_ends_and_its_successor_goes_on(last_words: list[str]) -> None:
    """A worker that slept through its session, and whose successor has written."""

    async def script(stage: Stage) -> None:
        late = stage.worker
        await stage.give(0)
        stage.publish(4)
        await stage.settled()
        late.life.pause()
        stage.publish(1)
        other = stage.new_worker()
        await stage.give(0)
        await stage.settled()
        late.life.go_on()
        await stage.settled(30)
        assert not late.life.alive
        stage.publish(4)
        await stage.settled()
        assert other.life.alive
        assert stage.counted() == 9

    play(script)
    assert len(last_words) == 1
    assert "another worker has taken the partition over" in last_words[0]


def test_two_who_believe_to_own_a_partition_do_not_shut_each_other_out_for_ever(last_words: list[str]) -> None:
    async def script(stage: Stage) -> None:
        first = stage.worker
        await stage.give(0)
        await stage.settled(1)
        second = stage.new_worker()
        await stage.give(0)  # and nobody tells the first
        first.consumer_generation_id = stage.broker.generation
        for _ in range(30):
            stage.publish(1)
            await stage.settled(2)
        alive = [w for w in (first, second) if w.life.alive]
        assert len(alive) <= 1
        if not alive:
            stage.new_worker()
            await stage.give(0)
            await stage.settled()
        assert stage.next_of() == {"a": 30, "b": 0}

    play(script)
    assert 1 <= len(last_words) <= 2
