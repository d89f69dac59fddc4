"""The simulator sees what it is there to see: with any one defence taken away, some seed breaks a promise."""

from collections.abc import Callable, Iterator

import pytest

from streams.engine.contiguity import Contiguity, Flow
from streams.engine.log import Broken
from streams.engine.partition import Owner
from streams.engine.work import Fetch
from tests.engine.model import Broker, ModelAppender
from tests.engine.world import Plan, World, simulate, simulated

pytestmark = pytest.mark.long
SEEDS = 80


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with simulated(monkeypatch):
        yield


def broken_by_some_seed(first: int = 0, **plan: object) -> str:
    """Return what the first seed that notices says; `first` only saves the time of those known not to."""
    for seed in range(first, first + SEEDS):
        try:
            simulate(Plan(seed, **plan))  # type: ignore[arg-type]
        except AssertionError as exc:
            print(f"SEED={seed}: {exc}")
            return str(exc)
    raise AssertionError(f"none of {SEEDS} seeds noticed")


def switch(name: str) -> Callable[[Broker], None]:
    return lambda broker: setattr(broker, name, False)


def test_a_broker_that_does_not_fence_is_noticed() -> None:
    assert broken_by_some_seed(alter=switch("fences"))


def test_a_broker_without_transactions_is_noticed() -> None:
    assert broken_by_some_seed(alter=switch("atomic"))


def test_fetches_that_are_applied_as_they_come_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Contiguity, "judge", lambda *_: "apply")
    assert broken_by_some_seed()


def test_an_overlap_that_is_not_trimmed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Contiguity.judge

    def untrimmed(self: Contiguity, fetch: Fetch, here: int, now: float) -> str:
        records = fetch.records
        verdict = judge(self, fetch, here, now)
        fetch.records = records
        return verdict

    monkeypatch.setattr(Contiguity, "judge", untrimmed)
    assert broken_by_some_seed(50)


def test_a_dropped_fetch_that_nobody_misses_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Flow) -> None:
        return

    monkeypatch.setattr(Flow, "mind_stalls", never)
    assert "not done" in broken_by_some_seed(rebalance=0.0, crash=0.0, pause=0.0, losses=0.3)


def test_state_that_is_read_before_the_predecessor_is_shut_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    fence, begin = ModelAppender.fence, ModelAppender.begin

    async def later(self: ModelAppender) -> None:
        if not self._epoch:
            await fence(self)
        await begin(self)

    async def not_now(self: ModelAppender) -> None:
        return

    monkeypatch.setattr(ModelAppender, "fence", not_now)
    monkeypatch.setattr(ModelAppender, "begin", later)
    assert broken_by_some_seed()


def test_a_commit_of_unknown_outcome_that_is_taken_for_done_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = ModelAppender.commit

    async def hopeful(self: ModelAppender) -> None:
        try:
            await commit(self)
        except Broken:
            if self._txn is not None and self._txn.outcome is None:
                await self.abort()

    monkeypatch.setattr(ModelAppender, "commit", hopeful)
    assert broken_by_some_seed(trouble=0.1)


def test_a_commit_of_unknown_outcome_that_is_tried_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    send, commit = ModelAppender.send, ModelAppender.commit

    async def remembered(self: ModelAppender, rows: object) -> object:
        self.rows = rows  # type: ignore[attr-defined]
        return await send(self, rows)  # type: ignore[arg-type]

    async def again(self: ModelAppender) -> None:
        try:
            await commit(self)
        except Broken:
            if self._txn is not None and self._txn.outcome is None:
                await self.abort()
            await self.begin()
            await send(self, self.rows)  # type: ignore[attr-defined]
            await self._end(commit=True)

    monkeypatch.setattr(ModelAppender, "send", remembered)
    monkeypatch.setattr(ModelAppender, "commit", again)
    assert broken_by_some_seed(trouble=0.1)


def forgetful(broker: Broker) -> None:
    broker.forgets_markers = 0.3


def test_a_broker_that_forgets_the_markers_of_aborted_transactions_is_put_right() -> None:
    for seed in range(30):
        simulate(Plan(seed, alter=forgetful))


def test_what_such_a_broker_left_open_is_noticed_where_nobody_clears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave(self: ModelAppender, tps: object) -> None:
        return

    monkeypatch.setattr(ModelAppender, "clear", leave)
    assert broken_by_some_seed(alter=forgetful)


def test_an_unaltered_engine_passes_the_same_seeds() -> None:
    for seed in range(10):
        world: World = simulate(Plan(seed, trouble=0.1))
        assert world.broker.effects


def test_an_appender_that_was_shut_out_and_asks_nothing_of_the_changelog_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither whether its transaction was committed, nor whether another worker has written since."""

    async def fence_alone(self: Owner, taken: object, broken: Broken) -> bool:
        self._appender = self.engine.kafka.appender(f"{self.engine.config.id}-{self.partition}")
        await self._appender.fence()
        return False

    monkeypatch.setattr(Owner, "_was_committed", fence_alone)
    assert broken_by_some_seed(trouble=0.1)
