"""Everything that the core asks of the world, as small Protocols."""
