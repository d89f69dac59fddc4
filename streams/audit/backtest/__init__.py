"""What alert rules would have done: tests of rules from files, scores over recorded or simulated years, drawings."""
