"""The monthly report and closed periods."""
