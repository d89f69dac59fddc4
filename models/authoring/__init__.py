"""What helps to write a decision: checks, comparison, the form of trajectories, the schema."""
