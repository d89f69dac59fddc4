"""Probabilities and forecasts: the only floats, safe at their edges."""
