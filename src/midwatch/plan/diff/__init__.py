"""Two versions of a runbook told apart in the author's words, what it may do more of first."""
