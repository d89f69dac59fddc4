"""The registers say what may be named: codes, units, procedures and the catalogue.

Its door: `Registry`, `Catalogue`, `Succession`, `Codes`; a table that cannot be read raises `BadTable`.
"""
