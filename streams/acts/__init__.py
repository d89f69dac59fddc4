"""What officials do of alerts and periods: one way for the command line and the desk.

Every act is checked as its readers will check it, becomes one record of a topic, and is done once Kafka has it.
"""
