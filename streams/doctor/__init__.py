"""The doctor checks a deployment, and says what is wrong, what follows from it, and what to do.

Its door: `checks` holds the checks and `gather` runs them; `worst` sums up their findings.
"""
