"""Monitoring serves what a process says of itself: metrics, logs, health and completeness.

Its door: `Metric`, `Runner`, `wait_until_counted`, `log_to_stderr`.
"""
