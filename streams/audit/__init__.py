"""Audit explains why an alert was raised, and tries rules on recorded years.

Its door: `explain` reads the log again, `backtest` compares rules.
"""
