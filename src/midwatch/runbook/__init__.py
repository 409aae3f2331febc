"""The runbook language: parse with places, expressions, decision tables, lint."""
