"""Files that a deployment gives: decisions, tables, workbooks."""
