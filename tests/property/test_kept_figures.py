"""What standings keep of units' figures is never older than the counters."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from models.standings.standings import Standings
from streams.files.decision_files import read_reading
from streams.settings import Settings
from tests.conftest import examples

READING = read_reading(Settings())
FIRST = date(2024, 6, 1)
GROUPS = sorted(READING.targets(FIRST).groups.items())[:2]
UNITS = [unit for _, group in GROUPS for unit in group.members[:3]]
INDICATORS = [i for i in READING.indicators if READING.indicators[i].count == "dossier"][:3]
ADD = st.tuples(
    st.sampled_from(UNITS), st.sampled_from(INDICATORS), st.integers(0, 75), st.booleans(), st.sampled_from([1, 1, -1])
)
MOVE = st.integers(0, 80)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.one_of(ADD, ADD, MOVE), min_size=1, max_size=25))
def test_a_standing_asked_for_again_is_that_of_counters_read_afresh(
    steps: list[tuple[str, str, int, bool, int] | int],
) -> None:
    kept = Standings(READING, FIRST)
    counters: dict[tuple[str, str, str], list[int]] = {}
    for step in steps:
        if isinstance(step, int):
            kept.move_to(date.fromordinal(FIRST.toordinal() + step))
        else:
            unit, cell, ago, above, sign = step
            key = unit, date.fromordinal(FIRST.toordinal() + ago).isoformat(), cell
            counter = counters.setdefault(key, [0, 0])
            if sign > 0 or counter == [1, 1] or counter[1] - counter[0] > 0:
                above = above if sign > 0 else counter[1] == counter[0]
                counter[0] += sign * above
                counter[1] += sign
                kept.add(*key, sign * above, sign)
        afresh = Standings(READING, kept.as_of)
        afresh.add_all(counters)
        for indicator in INDICATORS:
            for unit in UNITS:
                assert kept.standing(unit, indicator) == afresh.standing(unit, indicator)
            for _, group in GROUPS:
                assert kept.group_standing(group, indicator) == afresh.group_standing(group, indicator)
