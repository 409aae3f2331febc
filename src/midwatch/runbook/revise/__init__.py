"""Rewriting a document in place: blocks and tables by their offsets, and never the prose around them."""
