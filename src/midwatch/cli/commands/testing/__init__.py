"""`midwatch test`: scenarios found, played, told; for a terminal, for machines, for pytest."""
