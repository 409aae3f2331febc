"""Telling one kind of thing each, from what is nearest to what led to it."""
