"""Checks of a deployment: what is wrong, what follows, what to do."""
