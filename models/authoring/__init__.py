"""Authoring helps to write a decision: checks, comparison, the form for trajectories, the JSON Schema.

Its door: `check_form`, `read_form`, `compare`, `as_json`.
"""
