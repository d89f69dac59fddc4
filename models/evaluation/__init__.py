"""A file of events evaluated without Kafka."""
