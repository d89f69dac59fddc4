"""Counting leads from what is known of a dossier to counters of units and civil days.

Its door: `learn_all` takes events in, `contributions` says where a dossier counts, `Counters` and `Ledger` sum.
"""
