"""The wallboard: a feed from Kafka into Redis, a server of snapshots and events, and the page on the wall."""
