"""Reports and closed periods: where their figures come from, where closings are kept, how a report is written."""
