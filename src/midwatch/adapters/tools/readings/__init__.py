"""Readings of this host: real numbers, bounded in time, never a change."""
