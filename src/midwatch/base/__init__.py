"""What every layer shares: ids, units, classes, errors, canonical bytes, secrets."""
