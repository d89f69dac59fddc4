"""Forecasting holds probabilities and forecasts, the only floats of the core.

Its door: `forecast`, `beta_below`, `binomial_at_most`.
"""
