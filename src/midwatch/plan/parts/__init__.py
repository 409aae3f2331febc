"""Loops, waits, calls, notices and hands on their way from a runbook into its plan."""
