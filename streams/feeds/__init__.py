"""Feeds bring events from elsewhere than the portal: files, and a simulated year of a province.

Its door: `Publisher`, `Replay`, `simulate`.
"""
