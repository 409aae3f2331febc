"""One module per outside system; only `wiring` may import them."""
