"""Backup, restore, and more partitions."""
