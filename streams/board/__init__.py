"""The wallboard is a feed from Kafka into Redis, a server of snapshots and events, and the page.

Its door: `Feed` writes, `Wall` serves; `standings_now` reads what the topic `standings` holds.
"""
