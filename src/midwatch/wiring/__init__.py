"""The composition root: builds a house out of adapters; the only package that imports them."""
