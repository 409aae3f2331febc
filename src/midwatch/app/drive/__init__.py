"""Driving a run: the one loop, and what it does to the world."""
