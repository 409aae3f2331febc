"""Runbooks in other formats, each with a report of what went along."""
