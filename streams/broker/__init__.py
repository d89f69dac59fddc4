"""This room is Kafka as seen by a client: connections, topics, reading, formats, codecs and ticks.

Its door: `topics`, `consumer`, `records_of`, `check_record`, `Ticker`.
"""
