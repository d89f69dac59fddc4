"""The workers are the two applications on the engine: `tally` counts dossiers, `watch` judges units.

Its door: `worker.run` runs one; `TallyWork` and `WatchWork` are what each does with a source partition.
"""
