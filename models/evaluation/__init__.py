"""Evaluation runs the whole core over a file of events, without Kafka.

Its door: `evaluate`, `sensitivity`, `tracks`.
"""
