"""What the journal tells a person: why, findings, cost."""
