"""Maintenance backs a cluster up, restores it, and adds partitions.

Its door: `write_backup`, `restore_backup`, `grow`.
"""
