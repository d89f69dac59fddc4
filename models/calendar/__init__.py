"""Civil days, working days and periods: when something happens in Vietnam."""
