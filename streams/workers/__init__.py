"""The two workers, `tally` and `watch`, on the engine."""
