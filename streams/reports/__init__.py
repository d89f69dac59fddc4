"""This room finds the figures of a report, keeps closed periods, and writes a report as a file.

Its door: `sources` finds figures, `closings` keeps closed periods, `files` writes.
"""
