"""Runs from outside their own drive: starting one, appending to one, and runs that call each other."""
