"""The calendar says when something happens in Viet Nam: instants, civil days, working days and periods.

Its door: `civil_day`, `instant_of`, `Workdays`, `Window`.
"""
