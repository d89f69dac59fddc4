"""Recompute what lotrinh counts, in plain SQL, by another hand than the core (reliability.md §3)."""
