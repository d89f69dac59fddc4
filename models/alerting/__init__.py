"""Rules, transitions and alerts."""
