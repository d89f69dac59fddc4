"""A decision is a data file; this room reads it and makes its rows, targets and trajectories executable.

Its door: `Decision` is the file, `Reading` is the decision as applied; a bad file raises `BadDecision`.
"""
