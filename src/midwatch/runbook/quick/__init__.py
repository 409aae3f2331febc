"""Blocks as trees, and a reader for the plain ones among them that costs a tenth of the library."""
