"""What a process says of itself: metrics, logs, health, completeness."""
