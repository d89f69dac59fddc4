"""A decision as a data file: its rows, targets, trajectories and Vietnamese words."""
