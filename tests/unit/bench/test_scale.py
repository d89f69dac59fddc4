"""The arithmetic behind docs/scale.md, and that the document says what the command prints."""

from pathlib import Path

import pytest

from bench import scale
from bench.scale import Cost

DOCUMENT = Path(__file__).parents[3] / "docs/scale.md"


def test_two_measurements_give_the_cost_of_an_event_and_of_a_transaction() -> None:
    # 10 µs an event and 1 000 µs a transaction, seen with one transaction for 1 000 events and with one for 2
    cost = Cost.solve((11.0, 0.001), (510.0, 0.5))

    assert cost.event_s == pytest.approx(10e-6)
    assert cost.transaction_s == pytest.approx(1000e-6)
    assert cost.cores(1000, 10) == pytest.approx(0.02)


def test_a_day_is_spread_over_its_minutes_and_nothing_is_lost() -> None:
    minutes = scale.intensity()

    assert sum(minutes) == pytest.approx(1)
    assert max(minutes) > 2 / 1440
    assert minutes[3 * 60] < 1 / 1440 < minutes[9 * 60]


def test_peaks_keep_the_year_s_events_and_exceed_its_mean() -> None:
    peak = scale.peaks(365 * 86_400)

    assert peak["mean"] == pytest.approx(1)
    assert peak["mean"] < peak["day"] < peak["minute"]
    assert peak["day_events"] == pytest.approx(peak["day"] * 86_400)


def test_a_partition_commits_each_event_at_a_low_rate_and_back_to_back_at_a_high_one() -> None:
    assert scale.transactions(0.1, 4, 0.01) == pytest.approx(0.1, rel=0.01)
    assert scale.transactions(1e6, 4, 0.01) == pytest.approx(400, rel=0.01)
    assert scale.transactions(0, 4, 0.01) == 0


def test_an_outage_is_made_up_by_what_capacity_exceeds_the_rate() -> None:
    delay, made_up = scale.outage(10, 60, 40)

    assert delay == pytest.approx(60, abs=1)
    assert made_up == pytest.approx(60 + 20, abs=2)  # 600 events by 30 a second


def test_an_outage_without_capacity_to_spare_is_never_made_up() -> None:
    assert scale.outage(10, 60, 10)[1] == float("inf")


def test_provinces_share_all_dossiers() -> None:
    shares = scale.provinces(400e6, 34)

    assert sum(shares) == pytest.approx(400e6)
    assert shares == sorted(shares, reverse=True)


def test_more_dossiers_need_more_of_everything() -> None:
    units = scale.measured()
    small, large = scale.deployment(1e6, units), scale.deployment(100e6, units)

    for key in ("events", "minute", "memory", "disk_inbound", "disk_state", "cores_tally", "workers"):
        assert small[key] < large[key], key
    assert large["dossiers"] / large["workers"] <= scale.ROWS_MAX
    assert large["partitions"] >= 2 * large["workers"]


def test_the_document_says_what_the_command_prints() -> None:
    document = DOCUMENT.read_text()

    assert scale.put(document, scale.tables(scale.measured(), scale.NATION_DOSSIERS, scale.PROVINCES)) == document
