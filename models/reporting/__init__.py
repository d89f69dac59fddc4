"""Reporting makes the tables of a period's report, and freezes them when a period is closed.

Its door: `Report`, `Closing`, `Annexes`.
"""
