"""Alerting asks a rule on each evening, and turns its verdicts into transitions of alerts.

Its door: `Alerts` judges an evening, `Transition` is what it announces; `parse_operator` reads what operators say.
"""
