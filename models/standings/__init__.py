"""A standing says how a unit stands against its target, and what the rest of the period has to bring.

Its door: `Standings` keeps them, `Standing` is one; `Cause` says why figures are incomplete.
"""
