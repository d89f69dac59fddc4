"""How the counting bench reads tally's counters: absolute, and one of several source partitions'."""

from bench.counting import DAY, Counters


def said(slot: int, count: int, unit: str = "u", day: str = DAY) -> dict[str, object]:
    cells = {"online-dossiers/listed": [0, count], "digitised-results/all": [0, 99]}
    return {"kind": "tally", "unit": unit, "slot": slot, "days": {day: cells}}


def test_a_record_is_counted_when_the_sum_of_all_slots_has_reached_it() -> None:
    counters = Counters(3)
    counters.sent_at["u"] = [1.0, 2.0, 3.0]
    counters.take(said(0, 1), 1.5)
    counters.take(said(0, 1), 9.0)  # the same counter again is no further record
    counters.take(said(3, 1, day="2024-06-01"), 9.0)
    counters.take({"kind": "passed"}, 9.0)

    assert counters.took == [500.0]
    counters.take(said(1, 2), 4.0)
    assert counters.took == [500.0, 2000.0, 1000.0]
    assert counters.done.is_set()
