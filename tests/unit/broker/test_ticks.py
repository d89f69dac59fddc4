"""When the wall clock ticks."""

import pytest

from streams.broker.ticks import until_next, wall_instant
from streams.settings import TICK_S_MAX, Settings
from streams.workers.watch import EVENING

MORNING = 1_717_369_200.0  # 2024-06-03T06:00:00+07:00


@pytest.mark.parametrize("step", [60.0, 2_700.0, float(TICK_S_MAX)])
def test_every_day_has_a_tick_in_its_last_hour_however_long_a_tick_takes(step: float) -> None:
    Settings(tick_seconds=step)
    now, evenings = MORNING + 0.999, set()
    while now < MORNING + 90 * 86_400:
        instant = wall_instant(now, step)
        if instant[11:] >= EVENING:
            evenings.add(instant[:10])
        now += 0.011  # writing it takes its time
        now += until_next(now, step)

    assert len(evenings) == 90
