"""This room reads and writes the files that a deployment gives: decisions, tables and workbooks.

Its door: `read_reading`, `read_table`, `write_form`; bad input raises `BadInput`.
"""
