"""A scripted run, ended at every single effect on the broker: once just before it, once just after.

Whatever the successor finds, the outcome is that of the run in which nothing happened.
"""

from collections.abc import Iterator

import pytest

from tests.engine import virtual
from tests.engine.world import Plan, World, simulated

SCRIPT = Plan(
    seed=5, records=12, storm_s=8.0, workers=2, trouble=0.0, losses=0.0, crash=0.0, pause=0.0, rebalance=0.25, join=0.0,
    outage=0.0, clock=0.0,
    compact=0.0,
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with simulated(monkeypatch):
        yield


def run(crash_at: int | None, when: str) -> World:
    """Run the script; the process that sends request number `crash_at` ends before it takes effect, or just after."""
    made: list[World] = []

    async def program() -> None:
        world = World(SCRIPT)
        made.append(world)

        def crash(number: int, name: str) -> None:
            life = virtual.Life.current.get()
            if number == crash_at and life is not None:
                life.end()

        setattr(world.broker, f"{when}_effect", crash)
        await world.run()

    virtual.run(program)
    return made[0]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_effect_is_harmless(when: str) -> None:
    calm = run(None, when)
    effects = calm.broker.effects
    assert {"init", "bounds", "read", "witnessed", "send said", "send counts-changelog", "commit", "tell group"} <= set(
        effects
    )

    for number, name in enumerate(effects):
        try:
            world = run(number, when)
        except BaseException as exc:
            exc.add_note(f"crash {when} effect {number}: {name}")
            raise
        assert world.deaths, f"effect {number}: {name}"


def test_the_script_is_the_same_every_time() -> None:
    assert run(None, "before").broker.effects == run(None, "before").broker.effects
