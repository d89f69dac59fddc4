"""Kafka from the outside: connections, topics, reading, formats, codecs, ticks."""
