"""The append-only truth: events, their bytes, the chain per stream, the Merkle log over all."""
