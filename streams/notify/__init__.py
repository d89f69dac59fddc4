"""Delivery of alerts: reads `alerts`, tells receivers, remembers in `deliveries` what was told."""
