"""How a unit stands against its target, and what the rest of the period has to bring."""
