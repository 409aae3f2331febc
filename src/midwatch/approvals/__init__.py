"""Asking people: the card, the ladder, and which answers count."""
