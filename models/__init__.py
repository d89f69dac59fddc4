"""What is true: events, dossiers, decisions, counters, standings, alerts.

The functional core of lotrinh. It imports the standard library and pydantic only, reads no clock, no environment, no
file and no network, and gives the same answer to the same facts whatever their order.
"""
