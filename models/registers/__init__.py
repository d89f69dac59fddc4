"""Codes, units, procedures and the catalogue: what may be named."""
