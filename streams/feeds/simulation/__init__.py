"""A simulated province: its days, procedures and units, the lives of its dossiers, and how events reach the tracker.

The same decision, number of dossiers and seed give the same bytes on every machine. Therefore `Random.random` is the
only method drawn from (the one whose sequence Python promises to keep), and arithmetic on its floats is ``+ - * /``
alone: powers, logarithms and the `sum` of floats come out differently between C libraries and versions of Python.
"""
