"""Measurements, side by side in one run: ratios, never digits."""
