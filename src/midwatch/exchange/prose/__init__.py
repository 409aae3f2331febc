"""Any Markdown as a runbook: what people wrote stays as it is, and what they run becomes steps."""
