"""What acts on the world: sealed actions, tool manifests, the ledger's state machine."""
