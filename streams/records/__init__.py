"""These are the forms of our own records: rows of dossiers, and messages between the workers.

Its door: `Tally`, `Mark`, `Passed`, `Tick`; `pack` and `unpack` a row of a dossier.
"""
