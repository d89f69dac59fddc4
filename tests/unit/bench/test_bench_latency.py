"""The ratios of the latency bench compare what ran in the same round."""

from bench.latency import ratios


def test_ratios_are_of_each_round_and_their_median_is_not_that_of_the_medians() -> None:
    took = {"relay": (10.0, 20.0, 40.0), "lotrinh": (30.0, 20.0, 60.0)}
    rounds = [
        {"round": number, "peer": peer, "p50": ms, "p99": 2 * ms}
        for peer, of_rounds in took.items()
        for number, ms in enumerate(of_rounds, start=1)
    ]
    each = {"median": 1.5, "range": [1.0, 3.0], "rounds": [3.0, 1.0, 1.5]}
    assert ratios(rounds) == {"p50": each, "p99": each}
