"""This room runs the platform on one machine: Kafka, Valkey, and a supervisor for them and the workers.

Its door: `Supervisor` runs a `Plan`, `StateDir` is the directory of one system.
"""
