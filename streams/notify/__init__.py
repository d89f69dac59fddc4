"""This room delivers alerts: it reads `alerts`, sends messages, and records deliveries in `deliveries`.

Its door: `run` is the process, `config_of` reads the receivers file, `Names` and `render` make texts.
"""
